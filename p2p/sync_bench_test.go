//go:build unix

package p2p

import (
	"syscall"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/internal/vectors"
	"github.com/keelson-chain/keelson/ledger"
)

// cpu returns the processor time that the process has used.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkSync fetches the mixed chain from two nodes of this process over
// loopback, and imports it from its file, in turn. What it takes to serve and to
// carry the blocks is in the sync's time. See make bench-sync.
func BenchmarkSync(b *testing.B) {
	path := vectors.Path(b, "chains/chain-mixed.dat")
	one, two := syncNode(b, mixed(b), nil), syncNode(b, mixed(b), nil)
	open := func() *ledger.Ledger {
		l, err := ledger.Open(b.Context(), ledger.Config{Dir: b.TempDir(), Params: regtest})
		if err != nil {
			b.Fatal(err)
		}
		return l
	}
	var wall, used [2]time.Duration
	measure := func(i int, f func()) {
		start, before := time.Now(), cpu(b)
		f()
		wall[i] += time.Since(start)
		used[i] += cpu(b) - before
	}
	for b.Loop() {
		l := open()
		measure(0, func() {
			if _, err := l.Import(b.Context(), path, nil); err != nil {
				b.Fatal(err)
			}
		})
		if err := l.Close(); err != nil {
			b.Fatal(err)
		}
		l = open()
		n := syncNode(b, l, nil)
		measure(1, func() {
			n.dial(one)
			n.dial(two)
			n.at(mixedHeight, 10*time.Minute)
			if err := l.Flush(); err != nil { // as Import does
				b.Fatal(err)
			}
		})
		n.stop()
	}
	report := func(d time.Duration, unit string) { b.ReportMetric(d.Seconds()/float64(b.N), unit) }
	report(wall[0], "import-s")
	report(wall[1], "sync-s")
	report(used[0], "import-cpu-s")
	report(used[1], "sync-cpu-s")
	b.ReportMetric(float64(wall[1])/float64(wall[0]), "ratio")
	b.ReportMetric(float64(used[1])/float64(used[0]), "cpu-ratio")
}
