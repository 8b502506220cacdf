package fees

import (
	"math"

	"github.com/keelson-chain/keelson/mempool/policy"
)

// MaxTarget is the most blocks ahead that there are estimates for: a week.
const MaxTarget = longPeriods * longScale

// The horizons: how many periods of how many blocks each, and by how much what is
// known counts less with each block.
const (
	shortPeriods, shortScale   = 12, 1
	mediumPeriods, mediumScale = 24, 2
	longPeriods, longScale     = 42, 24

	shortDecay  = .962   // half of it is forgotten after 18 blocks
	mediumDecay = .9952  // after 144 blocks
	longDecay   = .99931 // after 1008 blocks
)

// How often transactions must have been mined within half of a target, the target
// and twice the target, and how many of them per block there must be at least in
// what is looked at together.
const (
	halfSuccess   = .6
	success       = .85
	doubleSuccess = .95

	enough      = .1
	enoughShort = .5
)

// oldest is how many blocks what an earlier run saw is good for.
const oldest = 6 * 1008

// Horizon is how far back an estimate looks.
type Horizon int

// The horizons, from the one that forgets within hours to that of a week.
const (
	Short Horizon = iota
	Medium
	Long
	horizons = 3
)

// String returns Bitcoin Core's name.
func (h Horizon) String() string { return [horizons]string{"short", "medium", "long"}[h] }

// MaxTarget is the most blocks ahead that a horizon sees.
func (h Horizon) MaxTarget() int {
	return [horizons]int{shortPeriods * shortScale, mediumPeriods * mediumScale, longPeriods * longScale}[h]
}

func (h Horizon) enough() float64 {
	if h == Short {
		return enoughShort
	}
	return enough
}

// Estimator learns fee rates. It is not safe for use by several goroutines.
type Estimator struct {
	stats [horizons]*stats

	best    uint32 // height of the last block
	counted bool   // the last block was new, and counts
	first   uint32 // height of the first block with a transaction that was counted; 0: none yet

	// The blocks that an earlier run saw; 0: none.
	pastFirst, pastBest uint32
}

// New returns an Estimator that knows nothing.
func New() *Estimator {
	e := new(Estimator)
	for h, s := range []struct {
		periods, scale int
		decay          float64
	}{{shortPeriods, shortScale, shortDecay}, {mediumPeriods, mediumScale, mediumDecay}, {longPeriods, longScale, longDecay}} {
		e.stats[h] = newStats(s.periods, s.scale, s.decay)
	}
	return e
}

// Enter counts a transaction that has come while the tip was at a height, and
// reports whether it did: not before the first block, nor behind the tip. One that
// depends on another that is not mined must not be counted, since it does not pay
// for itself alone; nor one that came when the node was not at the chain's end.
func (e *Estimator) Enter(height uint32, rate policy.FeeRate) bool {
	if height != e.best || e.best == 0 {
		return false
	}
	for _, s := range e.stats {
		s.enter(height, bucketOf(rate))
	}
	return true
}

// Block notes that a block was connected, before the transactions in it are. One
// that is not above all earlier ones, because of a reorganisation, does not count.
func (e *Estimator) Block(height uint32) {
	e.counted = height > e.best
	if !e.counted {
		return
	}
	e.best = height
	for _, s := range e.stats {
		s.advance(height)
	}
}

// Mined notes that a transaction which Enter has counted at a height is in the
// last block.
func (e *Estimator) Mined(height uint32, rate policy.FeeRate) {
	bucket := bucketOf(rate)
	for _, s := range e.stats {
		s.leave(height, e.best, bucket, true)
		if e.counted && e.best > height {
			s.record(int(e.best-height), bucket, float64(rate))
		}
	}
	if e.counted && e.best > height && e.first == 0 {
		e.first = e.best
	}
}

// Left notes that a transaction which Enter has counted at a height has left
// without being mined.
func (e *Estimator) Left(height uint32, rate policy.FeeRate) {
	for _, s := range e.stats {
		s.leave(height, e.best, bucketOf(rate), false)
	}
}

// Smart estimates what a transaction must pay to be mined within target blocks,
// 1 to MaxTarget. A conservative estimate lets nothing lower it that did not last.
// within is for how many blocks the estimate is: fewer than target, if the
// Estimator has not seen enough blocks; rate is 0 if there is none.
func (e *Estimator) Smart(target int, conservative bool) (rate policy.FeeRate, within int) {
	if target < 1 || target > MaxTarget {
		return 0, target
	}
	// Nobody can tell about the next block, which may come at once.
	target = min(max(target, 2), e.maxUsable())
	if target <= 1 {
		return 0, target
	}
	median := e.combined(target/2, halfSuccess, true)
	median = max(median, e.combined(target, success, true))
	median = max(median, e.combined(2*target, doubleSuccess, !conservative))
	if conservative || median < 0 {
		median = max(median, e.conservative(2*target))
	}
	return toRate(median), target
}

// Raw estimates at one horizon and for one rate of success, 0 to 1. rate is 0 if
// there is no estimate, also for a target that the horizon does not see.
func (e *Estimator) Raw(target int, threshold float64, h Horizon) (rate policy.FeeRate, d Details) {
	if target < 1 || target > h.MaxTarget() || threshold > 1 {
		return 0, d
	}
	median := e.stats[h].median(target, h.enough(), threshold, e.best, &d)
	return toRate(median), d
}

func toRate(median float64) policy.FeeRate {
	if median < 0 {
		return 0
	}
	return policy.FeeRate(math.Round(median))
}

// maxUsable is the largest target that what was seen says anything about.
func (e *Estimator) maxUsable() int { return min(MaxTarget, int(max(e.span(), e.pastSpan())/2)) }

// span is how many blocks this run has seen.
func (e *Estimator) span() uint32 {
	if e.first == 0 {
		return 0
	}
	return e.best - e.first
}

// pastSpan is how many blocks an earlier run has seen, if that was not long ago.
func (e *Estimator) pastSpan() uint32 {
	if e.pastFirst == 0 || e.best-e.pastBest > oldest {
		return 0
	}
	return e.pastBest - e.pastFirst
}

// combined estimates at the shortest horizon that sees the target. With shorter,
// a longer target never costs more than the longest of a shorter horizon. It is
// negative if there is no estimate.
func (e *Estimator) combined(target int, threshold float64, shorter bool) float64 {
	estimate := -1.
	if target < 1 || target > MaxTarget {
		return estimate
	}
	at := func(target int, h Horizon) float64 {
		return e.stats[h].median(target, h.enough(), threshold, e.best, nil)
	}
	h := Long
	switch {
	case target <= Short.MaxTarget():
		h = Short
	case target <= Medium.MaxTarget():
		h = Medium
	}
	estimate = at(target, h)
	if !shorter {
		return estimate
	}
	for h--; h >= Short; h-- {
		if longest := at(h.MaxTarget(), h); longest > 0 && (estimate < 0 || longest < estimate) {
			estimate = longest
		}
	}
	return estimate
}

// conservative estimates at the horizons behind the one that sees the target.
func (e *Estimator) conservative(target int) float64 {
	estimate := -1.
	if target <= Short.MaxTarget() {
		estimate = e.stats[Medium].median(target, enough, doubleSuccess, e.best, nil)
	}
	if target <= Medium.MaxTarget() {
		estimate = max(estimate, e.stats[Long].median(target, enough, doubleSuccess, e.best, nil))
	}
	return estimate
}
