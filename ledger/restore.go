package ledger

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"

	"github.com/keelson-chain/keelson/wire"
)

// Checkpoint is what the tree of blocks was at a moment, for Restore. It names
// blocks and has none of their data.
type Checkpoint struct {
	// Best is the tip of the active chain.
	Best wire.Hash
	// Tips are the ends of all branches. Every block is one of them or below one.
	Tips []wire.Hash
	// Marks are the blocks that are not like most, which have been connected and
	// are valid. The genesis block is never among them.
	Marks []Mark
}

// Mark is how far one block had been judged. Of Status only HaveBody, ValidScripts
// and Failed are looked at.
type Mark struct {
	Hash   wire.Hash
	Status Status
}

const (
	marked = HaveBody | ValidScripts | Failed // the bits of a Mark
	common = HaveBody | ValidScripts          // what they are for most blocks
)

// Checkpoint returns what the tree is now.
func (l *Ledger) Checkpoint() Checkpoint {
	t := l.tree
	t.mu.RLock()
	defer t.mu.RUnlock()
	best := t.active[len(t.active)-1]
	c := Checkpoint{Best: best.hash}
	for _, n := range t.nodes {
		if n.child == nil || n == best {
			c.Tips = append(c.Tips, n.hash)
		}
		if s := n.status & marked; s != common && n.parent != nil {
			c.Marks = append(c.Marks, Mark{n.hash, s})
		}
	}
	slices.SortFunc(c.Tips, func(a, b wire.Hash) int { return bytes.Compare(a[:], b[:]) })
	slices.SortFunc(c.Marks, func(a, b Mark) int { return bytes.Compare(a.Hash[:], b.Hash[:]) })
	return c
}

// Restore makes the tree, the coins and the indexes what they were when c was
// taken: the active chain ends at c.Best, blocks are as valid as they were then, and
// every block that has come since is forgotten, as if it had never been seen, so
// that it may come again. It is for test networks.
//
// All of it is one change of the database: a crash leaves either what was before
// or what was restored. The blocks between the tip and c.Best are gone through by
// disconnecting and connecting them, without a commit where they are connected:
// what that takes of memory grows with their number. ctx is looked at before
// anything is done, not after.
//
// Whoever follows the chain (UpdatesSince, MovesSince) is led from a forgotten block
// to the new tip, and may read it through Block, Spent and State; nothing else
// knows it. That ends with the process, or when many more have been forgotten. The
// bodies stay in the block files, where a reindex will find them.
//
// The errors are ErrCheckpoint, ErrUnknownBlock for a checkpoint of another
// ledger, ErrPrunedData where blocks have been pruned, and ctx's; nothing has
// changed then. Anything else is a fault.
func (l *Ledger) Restore(ctx context.Context, c Checkpoint) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	return l.begin(func() error {
		if l.disk.pruned || l.base != nil {
			return fmt.Errorf("%w: what was cannot be restored", ErrPrunedData)
		}
		best, kept, err := l.kept(&c)
		if err != nil {
			return err
		}
		from := l.cur.hash
		if err := l.rewind(context.WithoutCancel(ctx), l.cur.fork(best)); err != nil {
			return err
		}
		if err := l.ascend(best); err != nil {
			return err
		}
		l.tree.remark(kept)
		l.resequence(best, kept)
		gone := l.tree.besides(kept)
		l.tree.gone = gone
		if err := l.commit(true); err != nil {
			return err
		}
		l.tree.forget(best, gone)
		l.findCandidates()
		l.tip.Store(&published{l.cur, l.state})
		l.tick()
		l.log.Info().Stringer("from", from).Stringer("to", best.hash).Uint32("height", best.height).
			Int("forgotten", len(gone)).Msg("an earlier state is restored")
		return nil
	})
}

// fate is what becomes of a block that is kept.
type fate struct {
	n       *node
	own     Status // the bits of a Mark
	invalid bool   // it or an ancestor is Failed
	whole   bool   // every body up to it is there
}

// kept returns the blocks that c keeps, parents first, if it fits this tree.
func (l *Ledger) kept(c *Checkpoint) (best *node, kept []*fate, err error) {
	fates := make(map[*node]*fate)
	for _, hash := range c.Tips {
		n := l.tree.lookup(hash)
		if n == nil {
			return nil, nil, fmt.Errorf("%w: %v", ErrUnknownBlock, hash)
		}
		for ; n != nil && fates[n] == nil; n = n.parent {
			f := &fate{n: n, own: common}
			fates[n] = f
			kept = append(kept, f)
		}
	}
	best = l.tree.lookup(c.Best)
	switch {
	case best == nil:
		return nil, nil, fmt.Errorf("%w: %v", ErrUnknownBlock, c.Best)
	case fates[best] == nil:
		return nil, nil, fmt.Errorf("%w: %v is on no branch of it", ErrCheckpoint, c.Best)
	}
	for _, m := range c.Marks {
		n := l.tree.lookup(m.Hash)
		if n == nil {
			return nil, nil, fmt.Errorf("%w: %v", ErrUnknownBlock, m.Hash)
		}
		if fates[n] == nil || n.parent == nil {
			return nil, nil, fmt.Errorf("%w: it cannot say how valid %v is", ErrCheckpoint, m.Hash)
		}
		fates[n].own = m.Status & marked
	}
	slices.SortFunc(kept, func(a, b *fate) int { return cmp.Compare(a.n.height, b.n.height) })
	for _, f := range kept {
		n := f.n
		if n.parent == nil {
			f.whole = true
			continue
		}
		// A block loses what it has got since, and gets nothing back.
		f.own &= n.status | Failed
		parent := fates[n.parent]
		f.invalid = parent.invalid || f.own.Has(Failed)
		f.whole = parent.whole && f.own.Has(HaveBody)
	}
	for _, f := range kept {
		if f.whole && !f.invalid && f.n.work.Cmp(best.work) > 0 {
			return nil, nil, fmt.Errorf("%w: %v has more work than its best block", ErrCheckpoint, f.n.hash)
		}
	}
	for n := best; n.parent != nil; n = n.parent {
		if f := fates[n]; f.invalid || !f.whole || !f.own.Has(ValidScripts) {
			return nil, nil, fmt.Errorf("%w: %v, below its best block, has not been connected", ErrCheckpoint, n.hash)
		}
	}
	return best, kept, nil
}

// ascend moves cur up to target, all of whose ancestors have been connected before.
// Nothing is committed or published on the way.
func (l *Ledger) ascend(target *node) error {
	for h := l.cur.height + 1; h <= target.height; h++ {
		n := target.ancestor(h)
		b, err := l.readBody(n)
		var s *step
		if err == nil {
			s, err = l.gather(n, b)
		}
		if err == nil {
			err = l.judge(s, l.cfg.Workers)
		}
		if err == nil {
			l.enter(s)
			err = l.confirm(s)
		}
		if err != nil {
			return l.broken(fmt.Errorf("connect block %v at height %d again: %w", n.hash, n.height, err))
		}
	}
	return nil
}

// remark gives blocks the status that they had.
func (t *tree) remark(kept []*fate) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, f := range kept {
		n := f.n
		if n.parent == nil {
			continue
		}
		status := n.status &^ (marked | FailedParent)
		status |= f.own
		if !f.own.Has(ValidScripts) {
			status &^= HaveUndo
		}
		if n.parent.status.Invalid() {
			status |= FailedParent
		}
		if status == n.status {
			continue
		}
		if was := *n; n.status&^status&(HaveBody|HaveUndo) != 0 {
			t.bury(&was)
		}
		n.status = status
		t.dirty[n] = struct{}{}
		if !status.Has(HaveBody) {
			n.txs, n.size, n.stripped = 0, 0, 0
		}
	}
	for _, f := range kept {
		if n := f.n; n.parent != nil && !f.whole && (n.chainTxs != 0 || n.seq != 0) {
			n.chainTxs, n.seq = 0, 0
			t.dirty[n] = struct{}{}
		}
	}
}

// resequence has best come before the others of its work, as it did, and counts
// arrivals on from where they stood.
func (l *Ledger) resequence(best *node, kept []*fate) {
	l.seq, l.precious = 0, 0
	for _, f := range kept {
		l.seq = max(l.seq, f.n.seq)
		f.n.precious = 0
	}
	for _, f := range kept {
		if f.whole && !f.invalid && f.n.better(best) {
			l.precious = 1
			best.precious = 1
			return
		}
	}
}

// besides returns the blocks of the tree that are not kept. They are not written
// any more.
func (t *tree) besides(kept []*fate) (gone []*node) {
	keep := make(map[*node]bool, len(kept))
	for _, f := range kept {
		keep[f.n] = true
	}
	for _, n := range t.nodes {
		if !keep[n] {
			gone = append(gone, n)
			delete(t.dirty, n)
		}
	}
	return gone
}

// maxForgotten is how many forgotten blocks followers find their way from.
const maxForgotten = 1 << 16

// forget takes blocks, with all that build on them, out of the tree, and makes
// best the tip of the chain that readers see.
func (t *tree) forget(best *node, gone []*node) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stand(best)
	for _, n := range gone {
		delete(t.nodes, n.hash)
		for c := &n.parent.child; *c != nil; c = &(*c).sibling {
			if *c == n {
				*c = n.sibling
				break
			}
		}
	}
	for _, n := range gone {
		t.bury(n)
	}
	t.findBest()
}

// bury keeps n for those who follow the chain. The lock is held.
func (t *tree) bury(n *node) {
	// Whoever still has it in hand, such as AddBlocks, leaves it aside.
	n.status |= FailedParent
	n.child, n.sibling = nil, nil
	t.forgotten[n.hash] = n
	if t.lost = append(t.lost, n); len(t.lost) <= maxForgotten {
		return
	}
	if first := t.lost[0]; t.forgotten[first.hash] == first {
		delete(t.forgotten, first.hash)
	}
	t.lost = t.lost[1:]
}

// find is get for those who follow the chain: it finds forgotten blocks too, and
// the record with what is asked for (HaveBody, HaveUndo) of a block that has come again
// without it.
func (t *tree) find(hash wire.Hash, with Status) *node {
	t.mu.RLock()
	defer t.mu.RUnlock()
	n := t.trace(hash)
	if old := t.forgotten[hash]; old != nil && !n.status.Has(with) && old.status.Has(with) {
		return old
	}
	return n
}

// trace is find with the lock held.
func (t *tree) trace(hash wire.Hash) *node {
	if n := t.nodes[hash]; n != nil {
		return n
	}
	return t.forgotten[hash]
}
