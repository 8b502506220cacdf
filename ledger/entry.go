package ledger

import (
	"github.com/keelson-chain/keelson/pow"
	"github.com/keelson-chain/keelson/wire"
)

// Status says how far a block of the tree has been judged.
type Status uint8

const (
	// HaveBody: the block's transactions are stored.
	HaveBody Status = 1 << iota
	// HaveUndo: the block's undo record, the coins that it spent, is stored.
	HaveUndo
	// ValidScripts: the block has been connected once, so it and its ancestors
	// are valid in every respect.
	ValidScripts
	// Failed: the block itself is invalid, or was invalidated by hand.
	Failed
	// FailedParent: an ancestor is Failed.
	FailedParent
	// Pruned: the body was stored and has been deleted to save space.
	Pruned
)

// Has reports whether every bit of t is set in s.
func (s Status) Has(t Status) bool { return s&t == t }

// Invalid reports whether the block or one of its ancestors is invalid.
func (s Status) Invalid() bool { return s&(Failed|FailedParent) != 0 }

// Entry is what the tree knows of one block at the moment of the call. What
// concerns the body is zero until the body has arrived; it stays known after
// the body has been pruned.
type Entry struct {
	Ref    wire.BlockRef
	Header wire.Header
	Work   pow.Work // of the whole chain up to and including this block
	MTP    uint32   // median time past of this block and its ten ancestors, Unix seconds
	Status Status

	Size         int    // of the body, in bytes
	StrippedSize int    // of the body without witnesses, in bytes
	Weight       int    // of the body, in weight units
	TxCount      uint32 // transactions in the body; 0: not known yet
	ChainTxCount uint64 // transactions in the chain up to and including this block; 0: a body is missing

	Active bool       // whether the block lies on the active chain
	Next   *wire.Hash // child on the active chain; nil for the tip and for blocks off the active chain
}

// ChainTip is the end of one branch of the tree, as getchaintips reports it.
type ChainTip struct {
	Entry
	BranchLen uint32 // blocks between the active chain and this tip; 0 for the active tip
	State     string // "active", "valid-fork", "valid-headers", "headers-only" or "invalid"
}

// Update is one step of the way from one tip to another.
type Update struct {
	Ref       wire.BlockRef
	Connected bool // false: the block was disconnected
}
