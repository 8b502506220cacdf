package ledger

import (
	"context"
	"errors"
	"fmt"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger/flat"
	"github.com/keelson-chain/keelson/wire"
)

// isRule reports whether err says that a block is invalid, as opposed to a
// fault.
func isRule(err error) bool {
	var rule *consensus.RuleError
	return errors.As(err, &rule)
}

// AddHeaders adds headers to the tree, each the parent of the next one, and
// returns the best header of the tree (the one with the most work that is not
// known to be invalid). Headers that are known already are skipped.
//
// The first header that cannot be added ends the call: ErrUnknownParent,
// ErrInvalidParent, ErrDuplicateInvalid or a consensus.RuleError; the ones
// before it stay. A header too far in the future is not remembered as invalid.
func (l *Ledger) AddHeaders(hs []wire.Header) (wire.BlockRef, error) {
	l.headers.Add(1)
	l.mu.Lock()
	l.headers.Add(-1)
	defer l.mu.Unlock()
	if err := l.writable(); err != nil {
		return l.tree.bestRef(), err
	}
	var at *node // whose state is in s
	var s consensus.State
	for i := range hs {
		hash := hs[i].Hash()
		if n := l.tree.lookup(hash); n != nil {
			if n.status.Invalid() {
				return l.tree.bestRef(), fmt.Errorf("%w: %v", ErrDuplicateInvalid, hash)
			}
			continue
		}
		if at == nil || at.hash != hs[i].PrevBlock {
			var err error
			if at, err = l.parentOf(&hs[i]); err != nil {
				return l.tree.bestRef(), err
			}
			s = l.tree.state(at)
		}
		if err := consensus.ValidateHeader(s, &hs[i], l.cfg.Now().Unix()); err != nil {
			return l.tree.bestRef(), fmt.Errorf("header %v: %w", hash, err)
		}
		s = consensus.ApplyHeader(s, &hs[i])
		at = l.tree.link(at, hash, hs[i])
		l.tree.dirty[at] = struct{}{}
	}
	if len(l.tree.dirty) > maxDirtyHeaders {
		if err := l.commit(false); err != nil {
			return l.tree.bestRef(), err
		}
	}
	return l.tree.bestRef(), nil
}

// maxDirtyHeaders is how many changed records wait for a commit at most.
const maxDirtyHeaders = 10_000

// parentOf returns the node that h builds on.
func (l *Ledger) parentOf(h *wire.Header) (*node, error) {
	parent := l.tree.lookup(h.PrevBlock)
	switch {
	case parent == nil:
		return nil, fmt.Errorf("%w: %v", ErrUnknownParent, h.PrevBlock)
	case parent.status.Invalid():
		return nil, fmt.Errorf("%w: %v", ErrInvalidParent, h.PrevBlock)
	}
	return parent, nil
}

// AddBlock is the one door for blocks, wherever they come from. The block is
// checked, stored and, if that makes a chain of more work than the active one,
// connected, along with every stored block that follows. nil means that the
// block was valid as far as it was judged: see Entry's Status for whether it
// was connected (ValidScripts) or kept for later, because its branch has less
// work or an ancestor's body is missing.
//
// The errors are ErrDuplicate and ErrDuplicateInvalid for a block that is known
// (it counts as known once its body is stored, or its header found invalid),
// ErrUnknownParent, ErrInvalidParent, ErrInvalidBranch, and a
// consensus.RuleError for a block that breaks a rule. Such a block and its
// descendants are remembered as invalid unless consensus.Mutated holds for the
// error, consensus.CheckBlock or the header was at fault (nothing of it is
// kept then), or its time lies too far in the future.
// Anything else is a fault: see ErrFault. ctx is looked at between the blocks
// of a reorganisation, which then ends, at a valid tip, with ctx's error; the
// rest is done when the next block is added or the ledger is opened again.
//
// Outside of the initial download a changed tip is safe on disk, synced, when
// AddBlock returns. During it the last minutes may be lost in a crash, never
// the consistency of what is left. The ledger keeps b, which must not change.
func (l *Ledger) AddBlock(ctx context.Context, b *wire.Block) error {
	if err := l.known(b.Hash()); err != nil {
		return err
	}
	if err := consensus.CheckBlock(l.params, b); err != nil {
		return err
	}
	return l.addChecked(ctx, b)
}

// known returns ErrDuplicate or ErrDuplicateInvalid for a block that is known.
func (l *Ledger) known(hash wire.Hash) error {
	l.tree.mu.RLock()
	defer l.tree.mu.RUnlock()
	n := l.tree.nodes[hash]
	switch {
	case n == nil:
		return nil
	case n.status.Invalid():
		return fmt.Errorf("%w: %v", ErrDuplicateInvalid, hash)
	case n.status.Has(HaveBody):
		return fmt.Errorf("%w: %v", ErrDuplicate, hash)
	}
	return nil
}

// addChecked adds a block that has passed CheckBlock.
func (l *Ledger) addChecked(ctx context.Context, b *wire.Block) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return l.begin(func() error {
		n, err := l.accept(b, nil)
		if err != nil {
			return err
		}
		if err := l.activate(ctx, map[*node]*wire.Block{n: b}); err != nil {
			return err
		}
		return l.verdict(n)
	})
}

// verdict says what became of n, which was accepted.
func (l *Ledger) verdict(n *node) error {
	switch {
	case n.status.Has(Failed):
		if err := l.verdicts[n]; err != nil {
			return err
		}
		return fmt.Errorf("%w: %v", ErrDuplicateInvalid, n.hash) // since an earlier turn
	case n.status.Has(FailedParent):
		return fmt.Errorf("%w: block %v at height %d was kept", ErrInvalidBranch, n.hash, n.height)
	}
	return nil
}

// accept judges b by all that does not need coins and stores it.
func (l *Ledger) accept(b *wire.Block, at *flat.Pos) (*node, error) {
	hash := b.Hash()
	if err := l.known(hash); err != nil {
		return nil, err
	}
	n := l.tree.lookup(hash)
	if n == nil {
		parent, err := l.parentOf(&b.Header)
		if err != nil {
			return nil, err
		}
		if err := consensus.ValidateHeader(l.tree.state(parent), &b.Header, l.cfg.Now().Unix()); err != nil {
			return nil, err
		}
		n = l.tree.link(parent, hash, b.Header)
		l.tree.dirty[n] = struct{}{}
	}
	if n.parent == nil {
		return nil, fmt.Errorf("%w: %v is the genesis block", ErrDuplicate, hash)
	}
	if err := consensus.ValidateBlockContext(l.tree.state(n.parent), b); err != nil {
		if !consensus.Mutated(err) {
			l.fail(n, err)
		}
		return nil, err
	}
	pos, stored := flat.Pos{}, at != nil
	if stored {
		pos = *at
	} else {
		var err error
		if pos, err = l.blocks.Append(b.Bytes()); err != nil {
			return nil, l.broken(err)
		}
		l.commits.bytes += int64(pos.Size)
	}
	l.receive(n, b, pos)
	return n, nil
}

// receive notes that the body b of n is stored at pos.
func (l *Ledger) receive(n *node, b *wire.Block, pos flat.Pos) {
	stripped := b.StrippedSize()
	l.tree.update(n, func() {
		n.body = pos
		n.status |= HaveBody
		n.status &^= Pruned
		n.txs = uint32(len(b.Txs))
		n.size, n.stripped = pos.Size, uint32(stripped)
	})
	if n.seq != 0 {
		l.consider(n) // its body had been pruned
		return
	}
	if n.parent != nil && n.parent.chainTxs == 0 {
		return // the body of an ancestor is missing
	}
	// Every stored block above n has its whole chain now.
	l.tree.mu.Lock()
	stack := []*node{n}
	var complete []*node
	for len(stack) > 0 {
		d := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		d.chainTxs = d.parent.chainTxs + uint64(d.txs)
		if d.seq == 0 {
			l.seq++
			d.seq = l.seq
		}
		complete = append(complete, d)
		for c := d.child; c != nil; c = c.sibling {
			if c.txs != 0 {
				stack = append(stack, c)
			}
		}
	}
	l.tree.mu.Unlock()
	for _, d := range complete {
		l.tree.dirty[d] = struct{}{}
		l.consider(d)
	}
}

// fail remembers n as invalid, for the reason err.
func (l *Ledger) fail(n *node, err error) {
	l.log.Warn().Err(err).Uint32("height", n.height).Stringer("hash", n.hash).Msg("invalid block")
	l.counts.invalid.Add(1)
	l.tree.fail(n)
	l.verdicts[n] = err
	l.findCandidates()
}
