package testnet

import (
	"bytes"
	"context"
	"slices"

	"github.com/keelson-chain/keelson/wire"
)

// pool returns what waits in a node's pool, sorted.
func (nd *Node) pool(ctx context.Context) ([]wire.Hash, error) {
	var ids []wire.Hash
	err := nd.Call(ctx, &ids, "getrawmempool")
	slices.SortFunc(ids, func(a, b wire.Hash) int { return bytes.Compare(a[:], b[:]) })
	return ids, err
}

// flat is hashes behind each other.
func flat(hashes []wire.Hash) (all []byte) {
	for _, h := range hashes {
		all = append(all, h[:]...)
	}
	return all
}
