package mempool

import (
	"slices"

	"github.com/keelson-chain/keelson/mempool/policy"
	"github.com/keelson-chain/keelson/wire"
)

// What those need who pass transactions on to other nodes.

// Arrival is a transaction that has come into the pool and is there.
type Arrival struct {
	TxID, WTxID wire.Hash
	Fee         wire.Amount // what it pays
	VSize       int
}

const (
	// maxLatest is how many arrivals are remembered.
	maxLatest = 1 << 14
	// maxKept is how many replaced transactions are kept for Each, and
	// maxKeptSize how large one of them may be, in bytes.
	maxKept     = 100
	maxKeptSize = 100_000
)

// latest is the last entries that came, and numbers all.
type latest struct {
	ring  []*entry // entry i is at i modulo maxLatest
	count uint64   // how many there were
}

func (l *latest) add(e *entry) {
	e.number = uint32(l.count)
	if len(l.ring) < maxLatest {
		l.ring = append(l.ring, e)
	} else {
		l.ring[l.count%maxLatest] = e
	}
	l.count++
}

// replaced is the last transactions whose place others took.
type replaced struct {
	list []replacedTx
	next int
}

type replacedTx struct {
	wtxid wire.Hash
	raw   []byte
}

func (r *replaced) add(e *entry) {
	switch tx := (replacedTx{e.wtxid, e.raw}); {
	case len(e.raw) > maxKeptSize:
	case len(r.list) < maxKept:
		r.list = append(r.list, tx)
	default:
		r.list[r.next] = tx
		r.next = (r.next + 1) % maxKept
	}
}

// Moment is a point in the order in which transactions came: how many there were
// before.
type Moment uint64

// Moment returns that of now.
func (p *Pool) Moment() Moment {
	p.mu.Lock()
	defer p.unlock()
	return Moment(p.latest.count)
}

// ArrivalsSince appends to dst what has come since a moment and is still there, in
// the order in which it came, so that parents stand before their children. missed
// says that there may have been more, which are no longer remembered; now is the
// moment to ask from next.
func (p *Pool) ArrivalsSince(at Moment, dst []Arrival) (list []Arrival, now Moment, missed bool) {
	_ = p.read(func() {
		l := &p.latest
		first := uint64(at)
		if oldest := l.count - uint64(len(l.ring)); first < oldest {
			first, missed = oldest, true
		}
		for i := first; i < l.count; i++ {
			if e := l.ring[i%maxLatest]; !e.has(flagGone) {
				dst = append(dst, e.arrival())
			}
		}
		now = Moment(l.count)
	})
	return dst, now, missed
}

func (e *entry) arrival() Arrival {
	return Arrival{TxID: e.txid, WTxID: e.wtxid, Fee: e.fee, VSize: int(e.vsize)}
}

// before reports whether e was there at a moment. Only the low bits are compared:
// nothing stays while two thousand million others come.
func (e *entry) before(m Moment) bool { return int32(e.number-uint32(m)) < 0 }

// HasWTxID reports whether a transaction is in the pool, by its witness id.
func (p *Pool) HasWTxID(wtxid wire.Hash) (ok bool) {
	_ = p.read(func() { ok = p.lookupWitness(&wtxid) != nil })
	return ok
}

// LackingWTxIDs appends to dst those of the witness ids that no transaction of the
// pool has.
func (p *Pool) LackingWTxIDs(wtxids, dst []wire.Hash) []wire.Hash {
	_ = p.read(func() {
		for i := range wtxids {
			if p.lookupWitness(&wtxids[i]) == nil {
				dst = append(dst, wtxids[i])
			}
		}
	})
	return dst
}

// RawByWTxID returns the encoding of a transaction that is in the pool and was
// there at a moment. Nobody may change it.
func (p *Pool) RawByWTxID(wtxid wire.Hash, at Moment) (raw []byte, ok bool) {
	_ = p.read(func() {
		if e := p.lookupWitness(&wtxid); e != nil && e.before(at) {
			raw, ok = e.raw, true
		}
	})
	return raw, ok
}

// RawByTxID is RawByWTxID by the transaction's id.
func (p *Pool) RawByTxID(txid wire.Hash, at Moment) (raw []byte, ok bool) {
	_ = p.read(func() {
		if e := p.lookup(&txid); e != nil && e.before(at) {
			raw, ok = e.raw, true
		}
	})
	return raw, ok
}

// WTxIDs returns the witness ids of at most max transactions: the best ones, as a
// miner would choose, among those that pay least or more, each behind its
// ancestors. An ancestor that pays less comes with its descendant.
func (p *Pool) WTxIDs(least policy.FeeRate, max int) (ids []wire.Hash, now Moment) {
	_ = p.read(func() {
		ids = make([]wire.Hash, 0, min(max, p.count()))
		now = Moment(p.latest.count)
		listed := map[*entry]bool{} // of those that have relatives
		for seq := p.rankedSeq(); ; {
			e := seq.head()
			if e == nil {
				return
			}
			seq.drop(e)
			if r := e.miningRate(); r.fee < least.Fee(r.size) || listed[e] {
				continue
			}
			group := []*entry{e}
			if len(e.parents()) > 0 {
				group = slices.DeleteFunc(slices.Clone(p.ancestors(e)), func(a *entry) bool { return listed[a] })
				slices.SortFunc(group, byDepth)
			}
			if len(ids)+len(group) > max {
				return
			}
			for _, a := range group {
				ids = append(ids, a.wtxid)
				if a.family != nil {
					listed[a] = true
				}
			}
		}
	})
	return ids, now
}

// MinFee returns the fee rate below which nothing is let in.
func (p *Pool) MinFee() (rate policy.FeeRate) {
	_ = p.read(func() { rate = max(p.minFee(), p.cfg.Rules.MinRelay) })
	return rate
}

// Unbroadcast returns the transactions of this node's user that no peer is known
// to have, parents before their children.
func (p *Pool) Unbroadcast() (list []Arrival) {
	_ = p.read(func() {
		if p.unbroadcast == 0 {
			return
		}
		for _, e := range p.byDepth() {
			if e.has(flagUnbroadcast) {
				list = append(list, e.arrival())
			}
		}
	})
	return list
}

// MarkBroadcast notes that a peer has a transaction, by its witness id.
func (p *Pool) MarkBroadcast(wtxid wire.Hash) {
	p.mu.Lock()
	defer p.unlock()
	p.broadcast(p.lookupWitness(&wtxid))
}

// MarkBroadcastTxID is MarkBroadcast by the transaction's id.
func (p *Pool) MarkBroadcastTxID(txid wire.Hash) {
	p.mu.Lock()
	defer p.unlock()
	p.broadcast(p.lookup(&txid))
}

// broadcast notes that a peer has e, which may be nil, or that none needs it any more.
func (p *Pool) broadcast(e *entry) {
	if e != nil && e.has(flagUnbroadcast) {
		e.flags &^= flagUnbroadcast
		p.unbroadcast--
		p.journal.note(recordBroadcast, &e.txid)
	}
}
