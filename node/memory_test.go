package node

import (
	"context"
	"os"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"testing"
	"time"
)

func TestGCPercent(t *testing.T) {
	for _, c := range []struct {
		live uint64
		want int
	}{{0, gcMost}, {16 << 20, gcMost}, {20 << 20, 40}, {40 << 20, 20}, {800 << 20, gcLeast}} {
		if got := gcPercent(c.live); got != c.want {
			t.Errorf("%d MB in use: %d, want %d", c.live>>20, got, c.want)
		}
	}
}

// What was in use in a burst is doubted when the burst is over, and what is in use for
// good is doubted once.
func TestIdleness(t *testing.T) {
	const mb = 1 << 20
	start := time.Now()
	i := idleness{freed: start}
	at := func(seconds float64, live, beside uint64, want bool) {
		t.Helper()
		now := start.Add(time.Duration(seconds * float64(time.Second)))
		if got := i.due(now, live*mb, beside*mb); got != want {
			t.Errorf("after %v s: %v, want %v", seconds, got, want)
		}
	}
	done := func(seconds float64, live uint64) {
		i.done(start.Add(time.Duration(seconds*float64(time.Second))), live*mb)
	}
	at(1, 30, 0, false)
	at(6, 30, 0, true) // nothing is known of quiet times yet
	done(6, 20)
	at(60, 20, 8, false)
	at(61, 20, 9, true) // too much is held besides
	done(61, 21)
	at(62, 70, 20, false) // a burst
	at(64, 75, 20, true)
	done(64, 60)
	at(66, 64, 5, false)
	at(70, 68, 5, false)
	at(74.9, 68, 5, false)
	at(75, 68, 5, true) // over
	done(75, 22)
	at(100, 30, 5, false)
	at(110, 34, 5, false) // not so much more
	at(111, 300, 5, false)
	at(116, 300, 5, true) // more for good
	done(116, 300)
	at(130, 329, 5, false)
	at(140, 329, 5, false)
	at(141, 331, 5, false)
	at(146, 331, 5, true)
	done(146, 331)
	at(160, 331, 5, false)
}

// What a burst has left behind goes back to the system.
func TestIdleMemory(t *testing.T) {
	if os.Getenv("GOGC") != "" {
		t.Skip("GOGC is set")
	}
	defer debug.SetGCPercent(debug.SetGCPercent(gcFetching))
	sample := []metrics.Sample{{Name: "/memory/classes/heap/free:bytes"}, {Name: "/memory/classes/heap/objects:bytes"}}
	held := func() uint64 {
		metrics.Read(sample)
		return sample[0].Value.Uint64() + sample[1].Value.Uint64()
	}
	burst := make([][]byte, 6)
	for i := range burst {
		burst[i] = make([]byte, 32<<20)
	}
	before := held()
	runtime.KeepAlive(burst)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- tendMemory(ctx, func() bool { return false }) }()
	for end := time.Now().Add(time.Minute); held() > before-160<<20; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Errorf("%d MB are still held, %d MB before", held()>>20, before>>20)
			break
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// The pace is left alone while the chain is fetched.
func TestTendMemory(t *testing.T) {
	t.Setenv("GOGC", "")
	before := debug.SetGCPercent(gcFetching)
	defer debug.SetGCPercent(before)
	set := func() int {
		percent := debug.SetGCPercent(gcFetching)
		debug.SetGCPercent(percent)
		return percent
	}
	ctx, cancel := context.WithCancel(t.Context())
	asked, answer := make(chan struct{}), make(chan bool)
	done := make(chan error, 1)
	go func() {
		done <- tendMemory(ctx, func() bool {
			asked <- struct{}{}
			return <-answer
		})
	}()
	<-asked
	answer <- true
	<-asked // the second time it has done what it does
	if got := set(); got != gcFetching {
		t.Errorf("%d percent while the chain is fetched", got)
	}
	answer <- false
	select {
	case <-asked:
	case <-time.After(time.Minute):
		t.Fatal("it does not look again")
	}
	if got := set(); got > gcMost || got < gcLeast {
		t.Errorf("%d percent once it is there", got)
	}
	answer <- false
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
