package host

import (
	"sync"
	"time"
)

const (
	// maxIncoming and maxOutgoing bound the large frames of all peers together.
	maxIncoming = 32 << 20
	maxOutgoing = 64 << 20
	// holdSafe is how long any frame may take.
	holdSafe = 3 * time.Second
)

// hoard bounds the memory of large frames that are on their way, over all peers:
// when there is too much of it, whoever has held some for the longest loses it.
// Frames of peers that are fast enough are gone before that is they.
type hoard struct {
	limit int           // bytes
	safe  time.Duration // how long one may be held in any case

	mu    sync.Mutex
	bytes int
	held  map[*holding]struct{}
}

// holding is one frame in a hoard.
type holding struct {
	in    *hoard
	since time.Time
	bytes int
	drop  func() // must not wait
}

// hold begins to hold nothing yet. drop is called, at most once, when the frame
// has to go; end must be called in any case.
func (h *hoard) hold(drop func()) *holding {
	return &holding{in: h, since: time.Now(), drop: drop}
}

// add holds n more bytes.
func (x *holding) add(n int) {
	h := x.in
	h.mu.Lock()
	if h.held == nil {
		h.held = map[*holding]struct{}{}
	}
	h.held[x] = struct{}{}
	x.bytes += n
	h.bytes += n
	var oldest *holding
	if h.bytes > h.limit {
		for o := range h.held {
			if oldest == nil || o.since.Before(oldest.since) {
				oldest = o
			}
		}
		if time.Since(oldest.since) < h.safe {
			oldest = nil
		} else {
			h.remove(oldest)
		}
	}
	h.mu.Unlock()
	if oldest != nil {
		oldest.drop()
	}
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
	}
}
