// Package latency counts how long things take, in buckets, so that a part of
// the node can tell without knowing who asks. It is not for measuring one thing
// precisely: see the benchmarks for that.
package latency

import (
	"sync/atomic"
	"time"
)

// bounds are the upper bounds of the buckets, each included in its own; what
// takes longer than the last is counted in none.
var bounds = [...]time.Duration{
	100 * time.Microsecond, 300 * time.Microsecond,
	time.Millisecond, 3 * time.Millisecond,
	10 * time.Millisecond, 30 * time.Millisecond,
	100 * time.Millisecond, 300 * time.Millisecond,
	time.Second, 3 * time.Second, 10 * time.Second, 30 * time.Second, 100 * time.Second,
}

// Histogram counts durations. The zero value is empty and ready; its methods
// may be called from any goroutine and never wait.
type Histogram struct {
	buckets [len(bounds) + 1]atomic.Uint64 // the last: more than every bound
	sum     atomic.Int64
}

// Observe counts one duration.
func (h *Histogram) Observe(d time.Duration) {
	i := 0
	for i < len(bounds) && d > bounds[i] {
		i++
	}
	h.sum.Add(int64(d))
	h.buckets[i].Add(1)
}

// Snapshot is what a Histogram has counted.
type Snapshot struct {
	Count uint64
	Sum   time.Duration
	// Buckets are in the order of their bounds; each counts those below it as
	// well. What exceeds the last is in Count alone.
	Buckets []Bucket
}

// Bucket counts the durations of at most Bound.
type Bucket struct {
	Bound time.Duration
	Count uint64
}

// Snapshot returns what has been counted. What is observed at the same time may
// be in Sum and not yet in Count.
func (h *Histogram) Snapshot() Snapshot {
	s := Snapshot{Sum: time.Duration(h.sum.Load()), Buckets: make([]Bucket, len(bounds))}
	for i, bound := range bounds {
		s.Count += h.buckets[i].Load()
		s.Buckets[i] = Bucket{bound, s.Count}
	}
	s.Count += h.buckets[len(bounds)].Load()
	return s
}
