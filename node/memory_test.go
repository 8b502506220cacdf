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
	}{{0, gcMost}, {20 << 20, gcMost}, {40 << 20, 30}, {100 << 20, 12}, {800 << 20, gcLeast}} {
		if got := gcPercent(c.live); got != c.want {
			t.Errorf("%d MB in use: %d, want %d", c.live>>20, got, c.want)
		}
	}
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
