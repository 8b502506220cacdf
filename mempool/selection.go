package mempool

import (
	"bytes"
	"container/heap"
	"slices"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/mempool/policy"

	"github.com/keelson-chain/keelson/wire"
)

// SelectOptions bound a Selection.
type SelectOptions struct {
	// MaxWeight is the weight that the selected transactions may have together,
	// in weight units: the block's limit less what header and coinbase take.
	MaxWeight int
	// MaxSigOps is what their signature operations may cost together.
	MaxSigOps int
	// MinFeeRate is the least fee rate of a transaction with its ancestors
	// (blockmintxfee).
	MinFeeRate policy.FeeRate
}

// Selection is a set of transactions of the pool that go into the next block
// together, best fee rate with ancestors first, each behind its parents.
type Selection struct {
	// State is the tip on which they are valid.
	State consensus.State
	// Sequence is the pool's when they were selected: see Pool.Sequence.
	Sequence uint64
	Txs      []Selected
	Fees     wire.Amount // of all
	Weight   int         // of all, in weight units
	SigOps   int         // cost of all
}

// Selected is a transaction of a Selection.
type Selected struct {
	// Raw is the encoding with witnesses, which nobody may change.
	Raw         []byte
	TxID, WTxID wire.Hash
	Fee         wire.Amount // what it pays, without prioritisation
	Weight      int32       // in weight units
	SigOps      int32       // cost
	// Depends are the places in Selection.Txs, counted from 0, of the
	// transactions whose outputs it spends; nil for most.
	Depends []int32
}

// Select chooses transactions for the next block: by fee rate, that of a
// transaction being reckoned together with those of its ancestors that are not
// chosen yet, as Bitcoin Core does it.
func (p *Pool) Select(o SelectOptions) (*Selection, error) {
	var s selector
	err := p.read(func() {
		p.selections++
		s = selector{pool: p, mark: p.selections, options: o, segwit: p.state.Active(consensus.Segwit)}
		s.run()
		p.likely = len(s.chosen.Txs) + len(s.chosen.Txs)/16
		s.chosen.State, s.chosen.Sequence = p.state, p.sequence
	})
	if err != nil {
		return nil, err
	}
	return s.chosen, nil
}

const (
	// A block counts as full once this many transactions in a row did not fit,
	// and less than the weight below is free.
	maxMisfits = 1000
	almostFull = 4000 // weight units
)

// selector makes a Selection.
type selector struct {
	pool    *Pool
	mark    uint64 // in family.selected of what is chosen
	options SelectOptions
	segwit  bool
	chosen  *Selection

	// Entries some of whose ancestors are chosen: their scores are better than
	// those they are ranked by.
	better  betterHeap
	changed map[*entry]*better
	places  map[*entry]int32 // of those chosen that have relatives
	misfits int
}

// better is what is left of an entry with its ancestors, without those that
// are chosen.
type better struct {
	totals
	ops   int
	entry *entry
	place int // in the heap; -1: out of it
}

func (b *better) rate() rate {
	own, all := rate{b.entry.modified, int(b.entry.vsize)}, rate{b.fees, b.size}
	if all.cmp(own) < 0 {
		return all
	}
	return own
}

func (s *selector) run() {
	s.chosen = &Selection{Txs: make([]Selected, 0, min(s.pool.likely, s.pool.count()))}
	s.changed, s.places = map[*entry]*better{}, map[*entry]int32{}
	ranked := s.pool.rankedSeq()
	for {
		e := ranked.head()
		if e == nil && len(s.better) == 0 {
			return
		}
		if e != nil && (s.isChosen(e) || len(s.changed) > 0 && s.changed[e] != nil) {
			ranked.drop(e) // chosen as an ancestor, or offered with its better score
			continue
		}
		var t totals
		var ops int
		if e != nil && (len(s.better) == 0 || e.miningRate().cmp(s.better[0].rate()) >= 0) {
			t, ops = e.ancestors(), e.ancestorOps()
			ranked.drop(e)
		} else {
			b := s.better[0]
			heap.Pop(&s.better)
			e, t, ops = b.entry, b.totals, b.ops
		}
		if t.fees < s.options.MinFeeRate.Fee(t.size) {
			return // and so is all that follows
		}
		if !s.fits(t.size, ops) {
			if s.misfits++; s.misfits > maxMisfits && s.chosen.Weight > s.options.MaxWeight-almostFull {
				return
			}
			continue
		}
		s.misfits = 0
		s.choose(e)
	}
}

// isChosen reports whether e is in the block already. One without relatives
// is met once.
func (s *selector) isChosen(e *entry) bool { return e.family != nil && e.family.selected == s.mark }

// fits reports whether there is room for so much. As in Bitcoin Core sizes are
// virtual, and the limits themselves are not reached.
func (s *selector) fits(size, ops int) bool {
	return s.chosen.Weight+wire.WitnessScaleFactor*size < s.options.MaxWeight && s.chosen.SigOps+ops < s.options.MaxSigOps
}

// choose puts e and its ancestors into the block.
func (s *selector) choose(e *entry) {
	if e.family == nil {
		s.put(e)
		return
	}
	group := slices.DeleteFunc(s.pool.ancestors(e), s.isChosen)
	slices.SortFunc(group, byDepth)
	if !s.segwit && slices.ContainsFunc(group, hasWitness) {
		return
	}
	for _, a := range group {
		a.family.selected = s.mark
		s.places[a] = int32(len(s.chosen.Txs))
		s.put(a)
		if b := s.changed[a]; b != nil && b.place >= 0 {
			heap.Remove(&s.better, b.place)
		}
	}
	for _, a := range group {
		for _, d := range s.pool.descendants(a)[1:] {
			if s.isChosen(d) {
				continue
			}
			b := s.changed[d]
			if b == nil {
				b = &better{d.ancestors(), d.ancestorOps(), d, -1}
				s.changed[d] = b
			}
			b.subtract(a)
			b.ops -= int(a.sigOps)
			if b.place >= 0 {
				heap.Fix(&s.better, b.place)
			} else {
				heap.Push(&s.better, b)
			}
		}
	}
}

// put appends e to the block.
func (s *selector) put(e *entry) {
	if !s.segwit && hasWitness(e) {
		return
	}
	tx := Selected{Raw: e.raw, TxID: e.txid, WTxID: e.wtxid, Fee: e.fee, Weight: e.weight, SigOps: e.sigOps}
	for _, parent := range e.parents() {
		tx.Depends = append(tx.Depends, s.places[parent])
	}
	slices.Sort(tx.Depends)
	c := s.chosen
	c.Txs = append(c.Txs, tx)
	c.Fees += e.fee
	c.Weight += int(e.weight)
	c.SigOps += int(e.sigOps)
}

func hasWitness(e *entry) bool { return e.txid != e.wtxid }

// betterHeap has the best score on top.
type betterHeap []*better

// Len, Less, Swap, Push and Pop are for container/heap.

func (h betterHeap) Len() int { return len(h) }

func (h betterHeap) Less(i, j int) bool {
	if c := h[i].rate().cmp(h[j].rate()); c != 0 {
		return c > 0
	}
	return bytes.Compare(h[i].entry.txid[:], h[j].entry.txid[:]) < 0
}

func (h betterHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].place, h[j].place = i, j
}

func (h *betterHeap) Push(x any) {
	b := x.(*better)
	b.place = len(*h)
	*h = append(*h, b)
}

func (h *betterHeap) Pop() any {
	last := len(*h) - 1
	b := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	b.place = -1
	return b
}
