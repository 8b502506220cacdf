package mempool

import (
	"bytes"
	"cmp"
	"math/bits"
	"slices"

	"github.com/keelson-chain/keelson/wire"
)

// The ranking is the order in which transactions are offered to a block. It is
// a sorted list that is mended only when somebody asks for it: until then,
// entries that left are marked as gone, and those that came or whose score
// changed wait in a list of their own. So a block of thousands of transactions
// costs one pass, and a transaction that comes and goes between two templates
// nothing.

// miningRate is the score by which an entry is ranked: that of its ancestors
// with itself, or its own if that is lower, as in Bitcoin Core.
func (e *entry) miningRate() rate {
	own := rate{e.modified, int(e.vsize)}
	if e.family == nil {
		return own
	}
	t := &e.family.ancestors
	if all := (rate{t.fees, t.size}); all.cmp(own) < 0 {
		return all
	}
	return own
}

// byMiningRate orders best first, ties by id.
func byMiningRate(a, b *entry) int {
	if c := b.miningRate().cmp(a.miningRate()); c != 0 {
		return c
	}
	return byID(a, b)
}

// evictionRate is the score by which an entry leaves a full pool: that of its
// descendants with itself, or its own if that is higher.
func (e *entry) evictionRate() rate {
	own := rate{e.modified, int(e.vsize)}
	if e.family == nil {
		return own
	}
	t := &e.family.descendants
	if all := (rate{t.fees, t.size}); all.cmp(own) > 0 {
		return all
	}
	return own
}

// reranked notes that the score of e is new.
func (p *Pool) reranked(e *entry) {
	if !e.has(flagPending) {
		e.flags |= flagPending
		p.pending = append(p.pending, e)
	}
	if p.evictions != nil {
		p.evictions.push(e)
	}
}

// ranked returns all entries, best first.
func (p *Pool) ranked() []*entry {
	if len(p.pending) == 0 && p.stale == 0 {
		return p.ranking
	}
	pending := slices.DeleteFunc(p.pending, func(e *entry) bool { return e.has(flagGone) })
	sortEntries(pending)
	// What stands in the ranking and is neither gone nor pending is in order.
	old := p.ranking
	merged := p.spare[:0]
	if need := p.count(); cap(merged) < need {
		merged = make([]*entry, 0, need+need/8)
	}
	i := 0
	for _, e := range old {
		if e.flags&(flagGone|flagPending) != 0 {
			continue
		}
		for i < len(pending) && byMiningRate(pending[i], e) < 0 {
			merged = append(merged, pending[i])
			i++
		}
		merged = append(merged, e)
	}
	merged = append(merged, pending[i:]...)
	for _, e := range pending {
		e.flags &^= flagPending
	}
	clear(old)
	clear(p.pending)
	p.pending = p.pending[:0]
	p.ranking, p.spare, p.stale = merged, old[:0], 0
	if cap(p.spare) > 2*len(merged)+1024 {
		p.spare = nil
	}
	return merged
}

// maxLoose is how many entries that wait for their place in the ranking a
// rankedSeq sorts each time anew.
const maxLoose = 2048

// rankedSeq yields all entries, best first. Unlike ranked it leaves the ranking
// as it is if that is cheaper: who needs only the best of them, right after a
// block has taken out thousands, does not wait for all the others to move up.
type rankedSeq struct {
	ranking, pending []*entry // what is left of them
}

func (p *Pool) rankedSeq() rankedSeq {
	if len(p.pending) > maxLoose || p.stale > p.count() {
		return rankedSeq{ranking: p.ranked()}
	}
	p.pending = slices.DeleteFunc(p.pending, func(e *entry) bool { return e.has(flagGone) })
	sortEntries(p.pending)
	s := rankedSeq{p.ranking, p.pending}
	s.settle()
	return s
}

// settle passes over what does not belong in the ranking any more.
func (s *rankedSeq) settle() {
	for len(s.ranking) > 0 && s.ranking[0].flags&(flagGone|flagPending) != 0 {
		s.ranking = s.ranking[1:]
	}
}

// head returns the best entry that is left, nil if none is.
func (s *rankedSeq) head() *entry {
	switch {
	case len(s.pending) == 0 && len(s.ranking) == 0:
		return nil
	case len(s.pending) == 0:
		return s.ranking[0]
	case len(s.ranking) == 0 || byMiningRate(s.pending[0], s.ranking[0]) < 0:
		return s.pending[0]
	}
	return s.ranking[0]
}

// drop goes on behind e, which is the head.
func (s *rankedSeq) drop(e *entry) {
	if len(s.pending) > 0 && s.pending[0] == e {
		s.pending = s.pending[1:]
		return
	}
	s.ranking = s.ranking[1:]
	s.settle()
}

// sortEntries sorts by byMiningRate. The scores are taken out of the entries
// first: looking at memory all over the place is what would take the time.
func sortEntries(list []*entry) {
	if len(list) < 2 {
		return
	}
	type scored struct {
		rate  rate
		entry *entry
	}
	all := make([]scored, len(list))
	for i, e := range list {
		all[i] = scored{e.miningRate(), e}
	}
	slices.SortFunc(all, func(a, b scored) int {
		if c := b.rate.cmp(a.rate); c != 0 {
			return c
		}
		return bytes.Compare(a.entry.txid[:], b.entry.txid[:])
	})
	for i := range all {
		list[i] = all[i].entry
	}
}

// cmpLarge is rate.cmp for any values.
func cmpLarge(a, b rate) int {
	left, right := mul128(a.fee, b.size), mul128(b.fee, a.size)
	if c := cmp.Compare(left.sign, right.sign); c != 0 || left.sign == 0 {
		return c
	}
	c := cmp.Compare(left.high, right.high)
	if c == 0 {
		c = cmp.Compare(left.low, right.low)
	}
	return c * left.sign
}

// product is a signed number of 128 bits.
type product struct {
	sign      int // -1, 0 or 1
	high, low uint64
}

func mul128(fee wire.Amount, size int) product {
	sign, magnitude := cmp.Compare(fee, 0), uint64(fee)
	if fee < 0 {
		magnitude = -magnitude
	}
	high, low := bits.Mul64(magnitude, uint64(size))
	return product{sign, high, low}
}
