package latency

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"time"
)

// TestHistogram counts random durations and compares each bucket with a count
// of the plain list.
func TestHistogram(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	all := []time.Duration{0, 100 * time.Second, 100*time.Second + 1, time.Hour}
	for _, bound := range bounds {
		all = append(all, bound-1, bound, bound+1)
	}
	for range 1000 {
		all = append(all, time.Duration(r.Int64N(int64(time.Second)>>r.IntN(16))))
	}
	var h Histogram
	var sum time.Duration
	for _, d := range all {
		h.Observe(d)
		sum += d
	}
	s := h.Snapshot()
	if s.Count != uint64(len(all)) || s.Sum != sum || len(s.Buckets) != len(bounds) {
		t.Fatalf("seed %d: count %d, sum %v, %d buckets", seed, s.Count, s.Sum, len(s.Buckets))
	}
	for _, b := range s.Buckets {
		want := uint64(0)
		for _, d := range all {
			if d <= b.Bound {
				want++
			}
		}
		if b.Count != want {
			t.Errorf("seed %d: %d of at most %v, want %d", seed, b.Count, b.Bound, want)
		}
	}
}

// TestConcurrent counts from several goroutines while another one looks.
func TestConcurrent(t *testing.T) {
	var h Histogram
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 1000 {
				h.Observe(time.Millisecond)
				if s := h.Snapshot(); s.Buckets[len(s.Buckets)-1].Count > s.Count {
					t.Error("a bucket has more than all of them")
				}
			}
		})
	}
	wg.Wait()
	if s := h.Snapshot(); s.Count != 4000 || s.Sum != 4*time.Second {
		t.Errorf("count %d, sum %v", s.Count, s.Sum)
	}
}

func ExampleHistogram() {
	var h Histogram
	h.Observe(2 * time.Millisecond)
	h.Observe(20 * time.Millisecond)
	s := h.Snapshot()
	fmt.Println(s.Count, s.Sum)
	for _, b := range s.Buckets[2:6] {
		fmt.Println(b.Bound, b.Count)
	}
	// Output:
	// 2 22ms
	// 1ms 0
	// 3ms 1
	// 10ms 1
	// 30ms 2
}

func BenchmarkObserve(b *testing.B) {
	var h Histogram
	b.ReportAllocs()
	for b.Loop() {
		h.Observe(5 * time.Millisecond)
	}
}
