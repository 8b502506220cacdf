package ledger

import (
	"context"
	"errors"
	"fmt"

	"github.com/keelson-chain/keelson/wire"
)

// consider makes n a candidate for the tip if it is one.
func (l *Ledger) consider(n *node) {
	if n.chainTxs != 0 && !n.status.Invalid() && n.better(l.cur) && l.onBase(n) {
		l.candidates[n] = struct{}{}
	}
}

// findCandidates looks for candidates anew, which is needed where cur or the
// validity of blocks has changed otherwise than by adding a block.
func (l *Ledger) findCandidates() {
	clear(l.candidates)
	for _, n := range l.tree.nodes {
		l.consider(n)
	}
}

// bestCandidate returns the best chain's end, or nil if that is cur. It drops
// the candidates that cannot be it.
func (l *Ledger) bestCandidate() *node {
	for {
		best := l.cur
		for n := range l.candidates {
			if !n.better(l.cur) {
				delete(l.candidates, n)
			} else if n.better(best) {
				best = n
			}
		}
		if best == l.cur {
			return nil
		}
		if l.reachable(best) {
			if stop := l.cfg.StopAtHeight; stop != 0 && best.height > stop {
				if best = best.ancestor(stop); !best.better(l.cur) {
					return nil
				}
			}
			return best
		}
		delete(l.candidates, best)
	}
}

// reachable reports whether every body between cur and n is stored. Those of a
// branch that was left long ago may have been pruned.
func (l *Ledger) reachable(n *node) bool {
	for fork := n.fork(l.cur); n != fork; n = n.parent {
		if !n.status.Has(HaveBody) {
			return false
		}
	}
	return true
}

// errInvalid ends a climb at a block that turned out to be invalid.
var errInvalid = errors.New("a block on the way is invalid")

// activate moves to the best chain. A block on the way that turns out invalid
// is remembered as such, and the best of the remaining chains is gone to,
// which may be the one that was left. Whatever ends it, cur is a valid tip.
func (l *Ledger) activate(ctx context.Context, have map[*node]*wire.Block) error {
	for {
		err := l.advance(ctx, have, false)
		if err == nil {
			err = l.land(0)
		}
		switch {
		case err == nil:
			return l.settle()
		case !errors.Is(err, errInvalid):
			return l.leave(err)
		}
	}
}

// advance moves to the best chain; see climb for ahead, with which it may go
// only a part of the way, never to a tip of less work than readers see.
func (l *Ledger) advance(ctx context.Context, have map[*node]*wire.Block, ahead bool) error {
	for {
		target := l.bestCandidate()
		if target == nil {
			return nil
		}
		fork := l.cur.fork(target)
		if depth := l.cur.height - fork.height; depth > 0 {
			l.counts.reorganisations.Add(1)
			l.log.Warn().Uint32("depth", depth).Stringer("from", l.cur.hash).Stringer("to", target.hash).
				Uint32("height", target.height).Msg("reorganisation")
		}
		if err := l.rewind(ctx, fork); err != nil {
			return err
		}
		part := false
		if h := fork.height + strideBlocks; ahead && h < target.height {
			if n := target.ancestor(h); !l.tip.Load().node.better(n) {
				target, part = n, true
			}
		}
		if err := l.climb(ctx, target, have, ahead); err != nil || part {
			return err
		}
	}
}

// rewind disconnects blocks until cur is fork, an ancestor of it.
func (l *Ledger) rewind(ctx context.Context, fork *node) error {
	if l.cur == fork {
		return nil
	}
	if err := l.land(0); err != nil {
		return err
	}
	for l.cur != fork {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := l.disconnect(); err != nil {
			return l.broken(fmt.Errorf("disconnect the tip: %w", err))
		}
		if err := l.stage(); err != nil {
			return err
		}
	}
	return nil
}

// stage commits in the middle of a reorganisation that has outgrown the cache.
// The state on disk is then that of cur, which is as valid as any: if the
// process ends here, the ledger goes on from there when it is opened.
func (l *Ledger) stage() error {
	if !l.full() {
		return nil
	}
	return l.commit(true)
}

// yield lets readers that wait for the mutex have it. The turn is kept, so that
// no other writer comes in between. cur is what readers see.
func (l *Ledger) yield() {
	l.mu.Unlock()
	l.mu.Lock()
}

// begin takes the writer's turn for op, and settles what op leaves.
func (l *Ledger) begin(op func() error) error {
	l.turn.Lock()
	defer l.turn.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.writable(); err != nil {
		return err
	}
	clear(l.verdicts)
	return op()
}

// Invalidate marks a block as invalid by hand and moves to the best chain
// without it, as invalidateblock does.
func (l *Ledger) Invalidate(ctx context.Context, hash wire.Hash) error {
	return l.begin(func() error {
		n := l.tree.lookup(hash)
		switch {
		case n == nil:
			return fmt.Errorf("%w: %v", ErrUnknownBlock, hash)
		case n.parent == nil:
			return ErrGenesis
		case l.belowBase(n) && l.cur.ancestor(n.height) == n:
			return fmt.Errorf("%w at height %d, before which it cannot go back", ErrAssumed, l.base.height)
		}
		if l.cur.ancestor(n.height) == n {
			if err := l.rewind(ctx, n.parent); err != nil {
				return l.leave(err)
			}
		}
		l.tree.fail(n)
		l.findCandidates()
		if err := l.activate(ctx, nil); err != nil {
			return err
		}
		return l.commitMarks()
	})
}

// Reconsider removes the mark of invalidity from a block, its ancestors and
// its descendants, and moves to the best chain, as reconsiderblock does.
func (l *Ledger) Reconsider(ctx context.Context, hash wire.Hash) error {
	return l.begin(func() error {
		n := l.tree.lookup(hash)
		if n == nil {
			return fmt.Errorf("%w: %v", ErrUnknownBlock, hash)
		}
		l.tree.reconsider(n)
		l.findCandidates()
		if err := l.activate(ctx, nil); err != nil {
			return err
		}
		return l.commitMarks()
	})
}

// Precious treats a block as if it had been seen before every other block of
// the same work, as preciousblock does. The effect ends with the process.
func (l *Ledger) Precious(hash wire.Hash) error {
	return l.begin(func() error {
		n := l.tree.lookup(hash)
		if n == nil {
			return fmt.Errorf("%w: %v", ErrUnknownBlock, hash)
		}
		l.precious++
		n.precious = l.precious
		l.consider(n)
		return l.activate(context.Background(), nil)
	})
}

// leave settles at cur after err has ended a reorganisation, if it is no fault.
func (l *Ledger) leave(err error) error {
	if l.fault == nil {
		_ = l.land(0) // keeps what is valid
	}
	l.ground()
	if l.fault == nil {
		l.findCandidates()
		_ = l.settle() // the caller is told of the first error
	}
	return err
}

// commitMarks writes changed marks of validity, which a user has set by hand
// and expects to last.
func (l *Ledger) commitMarks() error {
	if len(l.tree.dirty) == 0 {
		return nil
	}
	return l.commit(true)
}

// Wanted returns, lowest first, up to max blocks of the best header chain
// whose bodies are missing.
func (l *Ledger) Wanted(max int) []wire.BlockRef {
	l.tree.mu.RLock()
	defer l.tree.mu.RUnlock()
	return l.tree.missing(l.tree.best, max)
}

// Missing is Wanted for the chain of headers that ends in the block named hash.
// There are none if that is not known.
func (l *Ledger) Missing(hash wire.Hash, max int) []wire.BlockRef {
	l.tree.mu.RLock()
	defer l.tree.mu.RUnlock()
	if n := l.tree.nodes[hash]; n != nil {
		return l.tree.missing(n, max)
	}
	return nil
}

// missing returns, lowest first, up to max blocks between the active chain and
// best whose bodies are missing. The lock is held.
func (t *tree) missing(best *node, max int) []wire.BlockRef {
	fork := best.fork(t.active[len(t.active)-1])
	var wanted []wire.BlockRef
	// Ancestors are found from above, so the way up goes in strides.
	const stride = 1024
	path := make([]*node, 0, stride)
	for low := fork.height + 1; low <= best.height && len(wanted) < max; low += stride {
		path = path[:0]
		for n := best.ancestor(min(low+stride-1, best.height)); n.height >= low; n = n.parent {
			path = append(path, n)
		}
		for i := len(path) - 1; i >= 0 && len(wanted) < max; i-- {
			if !path[i].status.Has(HaveBody) {
				wanted = append(wanted, path[i].ref())
			}
		}
	}
	return wanted
}
