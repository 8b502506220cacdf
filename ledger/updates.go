package ledger

import (
	"fmt"
	"sync/atomic"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/wire"
)

// UpdatesSince returns the steps from the block at to the current tip, oldest
// first, at most max of them (0: all): blocks that are disconnected, then
// blocks that are connected. A reader that follows the chain applies them,
// remembers the last one's Tip as the next at, and asks again until there are
// none. at may lie off the active chain, and be a block that was forgotten: see
// Restore. Entry does not know such a block, but Block, Spent and State do. The only
// error is ErrUnknownBlock.
func (l *Ledger) UpdatesSince(at wire.BlockRef, max int) ([]consensus.Update, error) {
	l.tree.mu.RLock()
	defer l.tree.mu.RUnlock()
	return l.tree.updates(at, max)
}

// MovesSince is UpdatesSince for a reader to whom it matters what happened
// between its visits: passed are blocks that were on the active chain for a
// while, but lie neither on it now nor below at. departures is what Departures
// was at the reader's last visit, and now what it is at this one. Of many
// departures only the last ones are remembered.
func (l *Ledger) MovesSince(at wire.BlockRef, departures uint64) (updates []consensus.Update, passed []wire.BlockRef, now uint64, err error) {
	l.tree.mu.RLock()
	defer l.tree.mu.RUnlock()
	if updates, err = l.tree.updates(at, 0); err != nil {
		return nil, nil, 0, err
	}
	n := l.tree.trace(at.Hash)
	seen := make(map[*node]bool)
	for _, left := range l.tree.left.since(departures) {
		if now := l.tree.nodes[left.hash]; now != nil {
			left = now // it was forgotten, and has come again
		}
		if !seen[left] && !l.tree.isActive(left) && n.ancestor(left.height) != left {
			passed = append(passed, left.ref())
		}
		seen[left] = true
	}
	return updates, passed, l.tree.left.count.Load(), nil
}

// Departures is how many blocks have left the active chain since the ledger was
// opened. It never waits.
func (l *Ledger) Departures() uint64 { return l.tree.left.count.Load() }

// updates is UpdatesSince. The lock is held.
func (t *tree) updates(at wire.BlockRef, max int) ([]consensus.Update, error) {
	n := t.trace(at.Hash)
	if n == nil {
		return nil, fmt.Errorf("%w: %v", ErrUnknownBlock, at.Hash)
	}
	tip := t.active[len(t.active)-1]
	fork := n.fork(tip)
	steps := int(n.height-fork.height) + int(tip.height-fork.height)
	if max > 0 {
		steps = min(steps, max)
	}
	updates := make([]consensus.Update, 0, steps)
	for ; n != fork && len(updates) < steps; n = n.parent {
		updates = append(updates, consensus.Update{Ref: n.ref(), Tip: n.parent.ref()})
	}
	for h := fork.height + 1; len(updates) < steps; h++ {
		ref := t.active[h].ref()
		updates = append(updates, consensus.Update{Ref: ref, Connected: true, Tip: ref})
	}
	return updates, nil
}

// maxDepartures is how many departures are remembered.
const maxDepartures = 1024

// departures is the blocks that have left the active chain. The tree's lock
// guards it; count is read by anybody.
type departures struct {
	ring  []*node // the last ones: departure i is at i modulo maxDepartures
	count atomic.Uint64
}

func (d *departures) add(n *node) {
	i := d.count.Load()
	if len(d.ring) < maxDepartures {
		d.ring = append(d.ring, n)
	} else {
		d.ring[i%maxDepartures] = n
	}
	d.count.Store(i + 1)
}

// since returns the departures after the first so many, oldest first, as far as
// they are remembered.
func (d *departures) since(first uint64) (list []*node) {
	end := d.count.Load()
	if oldest := end - uint64(len(d.ring)); first < oldest {
		first = oldest
	}
	for i := first; i < end; i++ {
		list = append(list, d.ring[i%maxDepartures])
	}
	return list
}
