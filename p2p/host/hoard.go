package host

import (
	"context"
	"sync"
	"time"
)

const (
	// maxIncoming and maxOutgoing bound the large frames of all peers together
	// that come in unasked and that go out as answers.
	maxIncoming = 8 << 20
	maxOutgoing = 20 << 20
	// A peer that has moved less than slowSpeed bytes a second, after slowTime, may
	// lose its frame to others.
	slowTime  = 1500 * time.Millisecond
	slowSpeed = 256 << 10
	// hoardPoints is what that costs it.
	hoardPoints = 20
	// hoardWait is between two looks whether somebody is too slow.
	hoardWait = 100 * time.Millisecond
)

// hoard bounds the memory of frames that are on their way, over all peers. When
// there is no room for another one, the slowest of them goes; those that are fast
// enough are waited for.
type hoard struct {
	limit int // bytes

	mu    sync.Mutex
	bytes int
	held  map[*holding]struct{}
	freed chan struct{} // closed when something is let go; nil: nobody waits
}

// holding is one frame in a hoard.
type holding struct {
	in   *hoard
	drop func() // called once at most; must not wait

	// Guarded by in.mu.
	bytes int
	moved int           // bytes read or written
	spent time.Duration // on that
	since time.Time     // when what is being read or written began; may be zero
}

// hold begins to hold nothing yet. drop is called, at most once, when the frame
// has to go; end must be called in any case.
func (h *hoard) hold(drop func()) *holding { return &holding{in: h, drop: drop} }

// add holds n more bytes, as soon as there is room for them. The error is that of
// ctx.
func (x *holding) add(ctx context.Context, n int) error {
	t := time.NewTimer(hoardWait)
	defer t.Stop()
	for {
		freed := x.in.admit(x, n)
		if freed == nil {
			return nil
		}
		select {
		case <-freed:
		case <-t.C:
			t.Reset(hoardWait)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// admit holds n more bytes if there is room, and returns nil; else a channel
// that is closed when there may be.
func (h *hoard) admit(x *holding, n int) <-chan struct{} {
	h.mu.Lock()
	if h.bytes+n <= h.limit || h.bytes == x.bytes { // one alone may be of any size
		if h.held == nil {
			h.held = map[*holding]struct{}{}
		}
		h.held[x] = struct{}{}
		x.bytes += n
		h.bytes += n
		h.mu.Unlock()
		return nil
	}
	if h.freed == nil {
		h.freed = make(chan struct{})
	}
	freed := h.freed
	slowest := h.slowest(time.Now())
	if slowest != nil {
		h.remove(slowest)
	}
	h.mu.Unlock()
	if slowest != nil {
		slowest.drop()
	}
	return freed
}

// slowest returns whoever is slow, and slower than the others, or nil; h.mu is
// held.
func (h *hoard) slowest(now time.Time) (slowest *holding) {
	least := float64(slowSpeed)
	for x := range h.held {
		spent := x.spent
		if !x.since.IsZero() {
			spent += now.Sub(x.since)
		}
		if speed := float64(x.moved) / spent.Seconds(); spent >= slowTime && speed < least {
			slowest, least = x, speed
		}
	}
	return slowest
}

// moving tells that bytes are read or written from now on.
func (x *holding) moving() {
	x.in.mu.Lock()
	defer x.in.mu.Unlock()
	x.since = time.Now()
}

// rest tells that n bytes have been.
func (x *holding) rest(n int) {
	x.in.mu.Lock()
	defer x.in.mu.Unlock()
	x.moved += n
	x.spent += time.Since(x.since)
	x.since = time.Time{}
}

func (x *holding) end() {
	x.in.mu.Lock()
	defer x.in.mu.Unlock()
	x.in.remove(x)
}

func (h *hoard) remove(x *holding) {
	if _, ok := h.held[x]; ok {
		delete(h.held, x)
		h.bytes -= x.bytes
		if h.freed != nil {
			close(h.freed)
			h.freed = nil
		}
	}
	x.bytes = 0
}
