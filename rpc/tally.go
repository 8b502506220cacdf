package rpc

import "sync"

// tally counts what is going on and tells when the last of it has ended.
type tally struct {
	mu       sync.Mutex
	n        int
	stopping bool
	done     chan struct{}
}

// enter counts one in, or returns false after stop.
func (t *tally) enter() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stopping {
		return false
	}
	t.n++
	return true
}

func (t *tally) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.n--
	if t.stopping && t.n == 0 {
		close(t.done)
	}
}

// stop lets nobody in any more and returns a channel that is closed when all
// have left. It may be called again.
func (t *tally) stop() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.stopping {
		t.stopping = true
		t.done = make(chan struct{})
		if t.n == 0 {
			close(t.done)
		}
	}
	return t.done
}
