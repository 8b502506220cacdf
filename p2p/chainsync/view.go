package chainsync

import (
	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/pow"
	"github.com/keelson-chain/keelson/wire"
)

// View is the chain as the Machine sees it: the tree of headers, with the bodies
// that are stored. It may change between any two calls; the Machine is told of
// what matters by HeadersAdded, Judged and ChainChanged.
type View interface {
	// Tip returns the state at the tip of the active chain.
	Tip() consensus.State
	// Best returns the header with the most work that is not known to be invalid.
	Best() Entry
	// Entry returns what is known of the block named hash.
	Entry(hash wire.Hash) (Entry, bool)
	// Ancestor returns the ancestor of hash at height, itself included.
	Ancestor(hash wire.Hash, height uint32) (wire.Hash, bool)
	// State returns what a child of the block named hash is judged by.
	State(hash wire.Hash) (consensus.State, bool)
	// Missing returns, lowest first, up to max blocks of the chain that ends in
	// hash, above where it leaves the active chain, whose bodies are not stored.
	Missing(hash wire.Hash, max int) []wire.BlockRef
}

// Entry is one header of the tree.
type Entry struct {
	Ref     wire.BlockRef
	Work    pow.Work // of the chain up to it
	Time    uint32   // of the header, Unix seconds
	Invalid bool     // it or an ancestor is known to be invalid
	Body    bool     // the body is stored
}
