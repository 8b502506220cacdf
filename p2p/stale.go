package p2p

import (
	"sync"
	"time"

	"github.com/keelson-chain/keelson/wire"
)

// staleBlocks is after how many times the spacing of blocks a tip that does not
// move makes us ask one more peer, as in Bitcoin Core. It is no sign of trouble by
// itself: between one block and the next it happens once in twenty times.
const staleBlocks = 3

// stillness watches the tip from time to time.
type stillness struct {
	mu    sync.Mutex
	tip   wire.Hash
	since time.Time // when it was first seen
}

// over reports whether the tip has been the same for longer than the limit.
func (s *stillness) over(limit time.Duration, tip wire.Hash, now time.Time) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if tip != s.tip {
		s.tip, s.since = tip, now
	}
	return now.Sub(s.since) > limit
}

// stale says whether the chain has not grown for so long that others may know
// more.
func (n *Node) stale() bool {
	limit := staleBlocks * time.Duration(n.cfg.Params.Spacing) * time.Second
	return n.still.over(limit, n.cfg.Chain.Tip().Tip.Hash, time.Now())
}
