package sig

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
)

// BenchmarkVerify measures single checks and batches against the plain way on
// dcrd's arithmetic, turn by turn, so that the ratio holds on a busy machine:
// ns/plain and ns/check are per check, and x-plain is their ratio.
func BenchmarkVerify(b *testing.B) {
	r := rand.New(rand.NewPCG(5, 6))
	v := DCRD()
	for kind, name := range kindNames {
		cs := sample(r, Kind(kind), 4096)
		b.Run(name+"/single", func(b *testing.B) {
			compare(b, cs[:64], func(cs []Check) bool {
				for i := range cs {
					if !v.Verify(&cs[i]) {
						return false
					}
				}
				return true
			})
		})
		for _, n := range []int{4, 8, 16, 64, 256, 1024, 4096} {
			b.Run(fmt.Sprintf("%s/batch=%d", name, n), func(b *testing.B) { compare(b, cs[:n], v.VerifyAll) })
		}
	}
}

func compare(b *testing.B, cs []Check, fast func([]Check) bool) {
	b.ReportAllocs()
	var plainTime, fastTime time.Duration
	for b.Loop() {
		start := clock()
		for i := range cs {
			if !plain(&cs[i]) {
				b.Fatal("invalid")
			}
		}
		middle := clock()
		if !fast(cs) {
			b.Fatal("invalid")
		}
		plainTime += middle - start
		fastTime += clock() - middle
	}
	n := float64(b.N * len(cs))
	b.ReportMetric(float64(plainTime)/n, "ns/plain")
	b.ReportMetric(float64(fastTime)/n, "ns/check")
	b.ReportMetric(float64(plainTime)/float64(fastTime), "x-plain")
}

// clock is the time since some moment.
var clock = func() func() time.Duration {
	start := time.Now()
	return func() time.Duration { return time.Since(start) }
}()

func BenchmarkNewComb(b *testing.B) {
	for b.Loop() {
		newComb()
	}
}
