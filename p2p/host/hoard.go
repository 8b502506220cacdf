package host

import (
	"context"
	"sync"
	"time"
)

const (
	// maxIncoming and maxOutgoing bound the large frames of all peers together
	// that come in unasked, until they have been dealt with, and that go out as
	// answers.
	maxIncoming = 3 << 19
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
// enough are waited for. The one that has been there for longest has room always:
// frames that each have a part and wait for the rest would wait for ever.
type hoard struct {
	limit int // bytes, beyond which the oldest frame alone may go

	mu    sync.Mutex
	bytes int
	turns uint64 // how many frames there have been
	held  map[*holding]struct{}
	freed chan struct{} // closed when something is let go; nil: nobody waits
}

// holding is one frame in a hoard.
type holding struct {
	in   *hoard
	drop func() // called once at most; must not wait

	// Guarded by in.mu.
	bytes int
	turn  uint64        // in which order they came
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
	if h.bytes+n <= h.limit || h.oldest(x) {
		if h.held == nil {
			h.held = map[*holding]struct{}{}
		}
		if _, ok := h.held[x]; !ok {
			h.held[x] = struct{}{}
			h.turns++
			x.turn = h.turns
		}
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

// oldest reports whether no other frame is held, or none that came before x;
// h.mu is held.
func (h *hoard) oldest(x *holding) bool {
	if _, ok := h.held[x]; !ok {
		return len(h.held) == 0
	}
	for y := range h.held {
		if y.turn < x.turn {
			return false
		}
	}
	return true
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

// end lets go. Of nil there is nothing to let go.
func (x *holding) end() {
	if x == nil {
		return
	}
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
