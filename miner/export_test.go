package miner

import "testing"

// WatchTips returns chain in a form that fails the test when a block is handed in
// that its miner must know to be stale.
func WatchTips(t *testing.T, chain Chain) Chain { return &lookingChain{Chain: chain, t: t} }
