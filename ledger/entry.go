package ledger

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"github.com/keelson-chain/keelson/consensus"
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
	State     string // one of the Tip constants
}

// Tips states, as getchaintips names them.
const (
	TipActive       = "active"        // the tip of the active chain
	TipValidFork    = "valid-fork"    // connected once, but not on the active chain
	TipValidHeaders = "valid-headers" // every body is there, but it was never connected
	TipHeadersOnly  = "headers-only"  // a body is missing
	TipInvalid      = "invalid"       // it or an ancestor is invalid
)

// entry describes n. The tree's lock is held.
func (t *tree) entry(n *node) Entry {
	e := Entry{
		Ref:          n.ref(),
		Header:       n.header,
		Work:         n.work,
		MTP:          n.mtp,
		Status:       n.status,
		Size:         int(n.size),
		StrippedSize: int(n.stripped),
		Weight:       int(n.stripped)*(wire.WitnessScaleFactor-1) + int(n.size),
		TxCount:      n.txs,
		ChainTxCount: n.chainTxs,
		Active:       t.isActive(n),
	}
	if e.Active && int(n.height)+1 < len(t.active) {
		next := t.active[n.height+1].hash
		e.Next = &next
	}
	return e
}

// Entry returns what the tree knows of the block named hash.
func (l *Ledger) Entry(hash wire.Hash) (Entry, bool) {
	l.tree.mu.RLock()
	defer l.tree.mu.RUnlock()
	n := l.tree.nodes[hash]
	if n == nil {
		return Entry{}, false
	}
	return l.tree.entry(n), true
}

// EntryAt returns the block of the active chain at height.
func (l *Ledger) EntryAt(height uint32) (Entry, bool) {
	l.tree.mu.RLock()
	defer l.tree.mu.RUnlock()
	if uint64(height) >= uint64(len(l.tree.active)) {
		return Entry{}, false
	}
	return l.tree.entry(l.tree.active[height]), true
}

// Ancestor returns the ancestor of the block named hash at height, or the
// block itself.
func (l *Ledger) Ancestor(hash wire.Hash, height uint32) (Entry, bool) {
	l.tree.mu.RLock()
	defer l.tree.mu.RUnlock()
	n := l.tree.nodes[hash]
	if n == nil || n.height < height {
		return Entry{}, false
	}
	return l.tree.entry(n.ancestor(height)), true
}

// BestHeader returns the header with the most work that is not known to be
// invalid.
func (l *Ledger) BestHeader() Entry {
	l.tree.mu.RLock()
	defer l.tree.mu.RUnlock()
	return l.tree.entry(l.tree.best)
}

// Tips returns the end of every branch of the tree, highest first.
func (l *Ledger) Tips() []ChainTip {
	l.tree.mu.RLock()
	defer l.tree.mu.RUnlock()
	t := l.tree
	active := t.active[len(t.active)-1]
	var tips []ChainTip
	for _, n := range t.nodes {
		if n.child != nil && n != active {
			continue
		}
		tip := ChainTip{Entry: t.entry(n), BranchLen: n.height - n.fork(active).height}
		switch {
		case n == active:
			tip.State = TipActive
		case n.status.Invalid():
			tip.State = TipInvalid
		case n.chainTxs == 0:
			tip.State = TipHeadersOnly
		case n.status.Has(ValidScripts):
			tip.State = TipValidFork
		default:
			tip.State = TipValidHeaders
		}
		tips = append(tips, tip)
	}
	slices.SortFunc(tips, func(a, b ChainTip) int {
		if c := cmp.Compare(b.Ref.Height, a.Ref.Height); c != 0 {
			return c
		}
		return bytes.Compare(a.Ref.Hash[:], b.Ref.Hash[:])
	})
	return tips
}

// State returns the state at any block of the tree, which is what a child of
// that block is judged by. It finds forgotten blocks too (see Restore).
func (l *Ledger) State(hash wire.Hash) (consensus.State, error) {
	n := l.tree.find(hash, 0)
	if n == nil {
		return consensus.State{}, fmt.Errorf("%w: %v", ErrUnknownBlock, hash)
	}
	return l.tree.state(n), nil
}
