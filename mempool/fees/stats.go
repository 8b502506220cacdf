package fees

import (
	"sort"

	"github.com/keelson-chain/keelson/mempool/policy"
)

// The buckets, in satoshi per 1000 virtual bytes: each holds the rates above that
// of the one before it, up to its own. The last one has all the rest.
const (
	leastRate = 1_000
	mostRate  = 1e7
	spacing   = 1.05
	infinite  = 1e99
)

var buckets = func() (list []float64) {
	for b := float64(leastRate); b <= mostRate; b *= spacing {
		list = append(list, b)
	}
	return append(list, infinite)
}()

// bucketOf returns the index of the bucket that a rate falls into.
func bucketOf(rate policy.FeeRate) int {
	return min(sort.SearchFloat64s(buckets, float64(rate)), len(buckets)-1)
}

// stats is what one horizon knows: for each bucket decaying sums over the
// transactions that were in it.
type stats struct {
	scale int // blocks of a period
	decay float64

	mined []float64 // how many were
	rates []float64 // what they paid: rates summed up
	// confirmed[i] are those that were mined within i+1 periods, failed[i] those
	// that have left after as long without being mined.
	confirmed, failed [][]float64

	// unconfirmed has, by the height at which they came modulo its length, how
	// many wait; older how many that wait for longer, and waiting all of both.
	unconfirmed    [][]int32
	older, waiting []int32

	empty bool // all sums are zero
}

func newStats(periods, scale int, decay float64) *stats {
	table := func(rows int) (t [][]float64) {
		for range rows {
			t = append(t, make([]float64, len(buckets)))
		}
		return t
	}
	s := &stats{
		scale: scale, decay: decay,
		mined: make([]float64, len(buckets)), rates: make([]float64, len(buckets)),
		confirmed: table(periods), failed: table(periods),
		older: make([]int32, len(buckets)), waiting: make([]int32, len(buckets)),
		empty: true,
	}
	for range periods * scale {
		s.unconfirmed = append(s.unconfirmed, make([]int32, len(buckets)))
	}
	return s
}

// sums calls f with all decaying sums, always in the same order.
func (s *stats) sums(f func(row []float64)) {
	f(s.mined)
	f(s.rates)
	for _, row := range s.confirmed {
		f(row)
	}
	for _, row := range s.failed {
		f(row)
	}
}

// at returns how many wait that came at a height.
func (s *stats) at(height uint32) []int32 { return s.unconfirmed[height%uint32(len(s.unconfirmed))] }

func (s *stats) enter(height uint32, bucket int) {
	s.at(height)[bucket]++
	s.waiting[bucket]++
}

// advance begins a block.
func (s *stats) advance(height uint32) {
	row := s.at(height)
	for b := range row {
		s.older[b] += row[b]
		row[b] = 0
	}
	if s.empty {
		return
	}
	s.sums(func(row []float64) {
		for b := range row {
			row[b] *= s.decay
		}
	})
}

// leave takes out one that came at a height.
func (s *stats) leave(height, best uint32, bucket int, mined bool) {
	if height > best {
		return
	}
	ago := int(best - height)
	list := s.older
	if ago < len(s.unconfirmed) {
		list = s.at(height)
	}
	if list[bucket] > 0 {
		list[bucket]--
		s.waiting[bucket]--
	}
	if mined || ago < s.scale {
		return // only whole periods count
	}
	s.empty = false
	for i := range min(ago/s.scale, len(s.failed)) {
		s.failed[i][bucket]++
	}
}

// record counts one that was mined some blocks after it came.
func (s *stats) record(after, bucket int, rate float64) {
	s.empty = false
	for i := (after+s.scale-1)/s.scale - 1; i < len(s.confirmed); i++ {
		s.confirmed[i][bucket]++
	}
	s.mined[bucket]++
	s.rates[bucket] += rate
}

// Range is what is known of the transactions in adjacent buckets.
type Range struct {
	Start, End   float64 // rates, in satoshi per 1000 virtual bytes; Start is -1 if there is no such range
	WithinTarget float64 // were mined within the target
	Confirmed    float64 // were mined at all
	InMempool    float64 // wait for longer than the target
	LeftMempool  float64 // have left after that time without being mined
}

// Details say what an estimate comes from.
type Details struct {
	Pass, Fail Range // the cheapest range that was good enough, and the dearest that was not
	Decay      float64
	Scale      int
}

// tally is a Range as it is counted.
type tally struct {
	near, far int // the buckets, from the dearest to the cheapest
	Range
}

func (t *tally) ending() Range {
	r := t.Range
	r.Start, r.End = 0, buckets[t.near]
	if t.far > 0 {
		r.Start = buckets[t.far-1]
	}
	return r
}

// median estimates the rate at which at least a share threshold is mined within
// target blocks, looking at as many buckets together as have enough transactions
// per block. It is negative if there is no such rate. d, if not nil, gets where it
// comes from.
func (s *stats) median(target int, enough, threshold float64, best uint32, d *Details) float64 {
	none := Range{Start: -1, End: -1}
	pass, fail := none, none
	period := (target+s.scale-1)/s.scale - 1
	found, passing := false, true
	var good tally // the last range that was good enough
	cur := tally{near: len(buckets) - 1}
	fresh, partial := true, 0.
	for b := len(buckets) - 1; b >= 0; b-- {
		if fresh {
			cur.near, fresh = b, false
		}
		cur.far = b
		cur.WithinTarget += s.confirmed[period][b]
		cur.Confirmed += s.mined[b]
		cur.LeftMempool += s.failed[period][b]
		cur.InMempool += float64(s.overdue(b, target, best))
		if partial += s.mined[b]; partial < enough/(1-s.decay) {
			continue
		}
		partial = 0
		if cur.WithinTarget/(cur.Confirmed+cur.LeftMempool+cur.InMempool) < threshold {
			if passing {
				fail, passing = cur.ending(), false
			}
			continue
		}
		fail, passing, found = none, true, true
		good, pass = cur, cur.ending()
		cur, fresh = tally{}, true
	}
	median := -1.
	half := 0.
	for b := good.far; found && b <= good.near; b++ {
		half += s.mined[b] / 2
	}
	for b := good.far; half > 0 && b <= good.near; b++ {
		if s.mined[b] >= half {
			// The average of the bucket with the median transaction.
			median = s.rates[b] / s.mined[b]
			break
		}
		half -= s.mined[b]
	}
	if passing && !fresh {
		fail = cur.ending()
	}
	if d != nil {
		*d = Details{Pass: pass, Fail: fail, Decay: s.decay, Scale: s.scale}
	}
	return median
}

// overdue is how many of a bucket wait for target blocks or longer.
func (s *stats) overdue(bucket, target int, best uint32) int32 {
	n := s.waiting[bucket]
	for ago := 0; n > 0 && ago < min(target, len(s.unconfirmed)); ago++ {
		if uint32(ago) > best {
			break
		}
		n -= s.at(best - uint32(ago))[bucket]
	}
	return n
}
