package sig

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

func BenchmarkVerify(b *testing.B) {
	r := rand.New(rand.NewPCG(5, 6))
	v := DCRD()
	for kind, name := range kindNames {
		cs := sample(r, Kind(kind), 64)
		for _, way := range []struct {
			name string
			f    func(*Check) bool
		}{{"plain", plain}, {"fast", v.Verify}} {
			b.Run(name+"/"+way.name, func(b *testing.B) {
				b.ReportAllocs()
				i := 0
				for b.Loop() {
					if !way.f(&cs[i%len(cs)]) {
						b.Fatal("invalid")
					}
					i++
				}
			})
		}
	}
}

func BenchmarkVerifyAll(b *testing.B) {
	r := rand.New(rand.NewPCG(7, 8))
	v := DCRD()
	for kind, name := range kindNames {
		cs := sample(r, Kind(kind), 4096)
		for _, n := range []int{16, 64, 256, 1024, 4096} {
			b.Run(fmt.Sprintf("%s/%d", name, n), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					if !v.VerifyAll(cs[:n]) {
						b.Fatal("invalid")
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/check")
			})
		}
	}
}

func BenchmarkNewComb(b *testing.B) {
	for b.Loop() {
		newComb()
	}
}
