package mempool

import (
	"slices"

	"github.com/keelson-chain/keelson/wire"
)

// Counts are how often things happened since the pool was made.
type Counts struct {
	Accepted, Rejected uint64
	// Why transactions left, one by one.
	Mined, Replaced, Evicted, Expired, Conflicted, Disconnected uint64
}

// departure is why a transaction leaves the pool.
type departure uint8

const (
	goneMined        departure = iota // it is in a block
	goneReplaced                      // one that pays more took its place
	goneEvicted                       // the pool was full
	goneExpired                       // it waited too long
	goneConflicted                    // a block spends what it spends
	goneDisconnected                  // a reorganisation made it invalid
	goneForgotten                     // an earlier state was restored; nobody counts that
)

func (c *Counts) left(why departure) {
	switch why {
	case goneMined:
		c.Mined++
	case goneReplaced:
		c.Replaced++
	case goneEvicted:
		c.Evicted++
	case goneExpired:
		c.Expired++
	case goneConflicted:
		c.Conflicted++
	case goneDisconnected:
		c.Disconnected++
	}
}

// removeAll takes entries out of the pool that have no descendants besides
// each other.
func (p *Pool) removeAll(list []*entry, why departure) {
	if len(list) == 0 {
		return
	}
	// Children before their parents: see part.
	list = slices.Clone(list)
	slices.SortFunc(list, func(a, b *entry) int { return byDepth(b, a) })
	for _, e := range list {
		p.remove(e, e.tx(), why)
	}
}

// removeWithDescendants takes e and all that descends from it out of the pool.
func (p *Pool) removeWithDescendants(e *entry, why departure) {
	p.removeAll(p.descendants(e), why)
}

// remove takes out e, which is tx and has no parents or no children in the
// pool.
func (p *Pool) remove(e *entry, tx *wire.Tx, why departure) {
	p.retire(e, tx, why)
	p.sweep()
}

// leaver is an entry that has left but stands in the tables.
type leaver struct {
	entry *entry
	tx    *wire.Tx
}

// retire is remove but for the tables, out of which sweep takes e later: for
// thousands that are mined at once that is most of the work, and a miner waits
// for the next template. Until then nobody finds e there; see present.
func (p *Pool) retire(e *entry, tx *wire.Tx, why departure) {
	p.untrack(e, why)
	p.part(e)
	p.unlink(e)
	p.leaving = append(p.leaving, leaver{e, tx})
	p.bytes -= int64(e.vsize)
	p.fees -= e.fee
	p.usage -= memory(e.raw, len(tx.Inputs)) + e.familyMemory()
	p.broadcast(e)
	e.flags |= flagGone
	e.family = nil
	p.stale++
	if why != goneMined {
		p.journal.note(recordGone, &e.txid)
	}
	if why == goneReplaced {
		p.replaced.add(e)
	}
	p.moves.txLeft(e, why, p.sequence)
	p.sequence++
	p.counts.left(why)
	p.touched()
}

// sweep takes what has left out of the tables. It comes before anything is put
// into them.
func (p *Pool) sweep() {
	for _, l := range p.leaving {
		e := l.entry
		p.byID.remove(e.txid[:], e, 0)
		p.byWitness.remove(e.wtxid[:], e, 0)
		e.prevOuts(l.tx, func(op *wire.OutPoint, at uint32) {
			key := outPointKey(op)
			p.spends.remove(key[:], e, at)
		})
	}
	for _, l := range p.leaving {
		l.entry.raw = nil
	}
	clear(p.leaving)
	p.leaving = p.leaving[:0]
	if p.stale > 4096+p.count() {
		p.ranked()
	}
}
