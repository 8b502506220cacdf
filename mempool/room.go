package mempool

import (
	"container/heap"
	"math"
	"slices"
	"time"

	"github.com/keelson-chain/keelson/mempool/policy"
)

// A pool at its bound drops what pays least for its room, with all that
// descends from it, and from then on asks for more than that: its floor, which
// halves with time once a block has shown that there is room again (Bitcoin
// Core's rolling minimum fee).

// feeFloor is the fee rate that a pool asks for after it was full.
type feeFloor struct {
	rate    float64   // satoshi per 1000 virtual bytes
	updated time.Time // when it was last let sink
	sinking bool      // a block came since it rose
}

// floorHalfLife is how long it takes to sink by half while the pool is full.
const floorHalfLife = 12 * time.Hour

// raise lifts the floor to a rate, if that is higher.
func (f *feeFloor) raise(r policy.FeeRate) {
	if float64(r) > f.rate {
		f.rate, f.sinking = float64(r), false
	}
}

// at returns the floor at a time, in a pool that uses some of its memory. It
// is not zero but at least increment until it has sunk below half of that.
func (f *feeFloor) at(now time.Time, usage, most int64, increment policy.FeeRate) policy.FeeRate {
	if !f.sinking || f.rate == 0 {
		return policy.FeeRate(math.Round(f.rate))
	}
	if now.Sub(f.updated) > 10*time.Second {
		halfLife := floorHalfLife
		switch {
		case usage < most/4:
			halfLife /= 4
		case usage < most/2:
			halfLife /= 2
		}
		f.rate /= math.Pow(2, now.Sub(f.updated).Seconds()/halfLife.Seconds())
		f.updated = now
		if f.rate < float64(increment)/2 {
			f.rate = 0
			return 0
		}
	}
	return max(policy.FeeRate(math.Round(f.rate)), increment)
}

// minFee returns the fee rate below which nothing is let in for want of room.
func (p *Pool) minFee() policy.FeeRate {
	return p.floor.at(p.cfg.Now(), p.usage, p.cfg.MaxBytes, p.cfg.Rules.IncrementalRelay)
}

// trim drops transactions until the pool is within its memory.
func (p *Pool) trim() {
	for p.usage > p.cfg.MaxBytes && p.count() > 0 {
		e := p.worst()
		t := e.descendants()
		p.floor.raise(policy.RateOf(t.fees, t.size) + p.cfg.Rules.IncrementalRelay)
		p.removeWithDescendants(e, goneEvicted)
	}
}

// evictions finds what pays least. It is a heap of scores as they were when
// they were pushed; those that are not true any more are passed over. There is
// one only while the pool is full.
type evictions struct {
	list []eviction
}

type eviction struct {
	rate  rate
	time  int64
	entry *entry
}

func newEviction(e *entry) eviction { return eviction{e.evictionRate(), e.time, e} }

// worst returns the entry that is to leave first: that with the lowest score,
// the latest of several.
func (p *Pool) worst() *entry {
	if p.evictions != nil && len(p.evictions.list) > 4*p.count()+1024 {
		p.evictions = nil // mostly outdated
	}
	if p.evictions == nil {
		p.evictions = &evictions{list: make([]eviction, 0, p.count()+p.count()/4)}
		for _, e := range p.ranked() {
			p.evictions.list = append(p.evictions.list, newEviction(e))
		}
		heap.Init(p.evictions)
	}
	for {
		least := heap.Pop(p.evictions).(eviction)
		if !least.entry.has(flagGone) && least.rate == least.entry.evictionRate() {
			return least.entry
		}
	}
}

func (v *evictions) push(e *entry) { heap.Push(v, newEviction(e)) }

// Len, Less, Swap, Push and Pop are for container/heap.

func (v *evictions) Len() int { return len(v.list) }

func (v *evictions) Less(i, j int) bool {
	if c := v.list[i].rate.cmp(v.list[j].rate); c != 0 {
		return c < 0
	}
	return v.list[i].time > v.list[j].time
}

func (v *evictions) Swap(i, j int) { v.list[i], v.list[j] = v.list[j], v.list[i] }

func (v *evictions) Push(x any) { v.list = append(v.list, x.(eviction)) }

func (v *evictions) Pop() any {
	last := len(v.list) - 1
	x := v.list[last]
	v.list[last] = eviction{}
	v.list = v.list[:last]
	return x
}

// arrivals is all entries in the order of their times, with gaps where one has
// left.
type arrivals struct {
	list     []*entry
	unsorted bool // somebody came with an earlier time
}

func (a *arrivals) add(e *entry) {
	if n := len(a.list); n > 0 && a.list[n-1].time > e.time {
		a.unsorted = true
	}
	a.list = append(a.list, e)
}

// compact drops those that have left, once they are many.
func (a *arrivals) compact(live int) {
	if len(a.list) > 2*live+1024 {
		a.list = slices.DeleteFunc(a.list, func(e *entry) bool { return e.has(flagGone) })
	}
}

// expire drops what came before the time that transactions may stay.
func (p *Pool) expire() {
	a := &p.arrivals
	a.compact(p.count())
	if a.unsorted {
		slices.SortStableFunc(a.list, func(x, y *entry) int { return int(x.time - y.time) })
		a.unsorted = false
	}
	before := p.cfg.Now().Add(-p.cfg.Expiry).Unix()
	for len(a.list) > 0 && (a.list[0].has(flagGone) || a.list[0].time < before) {
		e := a.list[0]
		a.list[0] = nil
		a.list = a.list[1:]
		if !e.has(flagGone) {
			p.removeWithDescendants(e, goneExpired)
		}
	}
}
