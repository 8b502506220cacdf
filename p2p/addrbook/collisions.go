package addrbook

import (
	"slices"
	"time"
)

// Test before evict: an address that worked never drives out one that still
// works. It waits until somebody has tried the other one, which the caller does
// with what SelectCollision returns.

// collide lets a new entry wait, if there is room.
func (b *Book) collide(e *entry) {
	if len(b.pending) < collisions && !slices.Contains(b.pending, e) {
		b.pending = append(b.pending, e)
	}
}

// settle takes an entry off those that wait.
func (b *Book) settle(e *entry) {
	b.pending = slices.DeleteFunc(b.pending, func(p *entry) bool { return p == e })
}

// ResolveCollisions decides about the addresses that wait for a place among the
// tried: whose rival has worked in the last four hours goes on as a new one, and
// whose rival was tried and has not, or could not be tried for 40 minutes, takes
// its place.
func (b *Book) ResolveCollisions(now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range slices.Clone(b.pending) {
		// What happened to others before may have ended its wait.
		if slices.Contains(b.pending, e) {
			b.resolve(e, now.Unix())
		}
	}
}

func (b *Book) resolve(e *entry, now int64) {
	rival := b.rival(&e.addr)
	switch {
	case rival == nil:
	case now-rival.success < seconds(replaceable):
		b.settle(e)
		return
	case now-rival.attempt < seconds(replaceable):
		// It had a minute to answer.
		if now-rival.attempt <= seconds(inUse) {
			return
		}
	case now-e.success <= seconds(testWindow):
		return
	}
	b.good(e.addr, now, false)
}

// SelectCollision draws an address among the tried that another one waits for,
// and returns when it was last tried. It reports false if there is none.
func (b *Book) SelectCollision() (k Known, lastTry time.Time, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.pending) == 0 {
		return Known{}, time.Time{}, false
	}
	e := b.pending[b.rng.IntN(len(b.pending))]
	rival := b.rival(&e.addr)
	if rival == nil {
		return Known{}, time.Time{}, false
	}
	return rival.known(), since(rival.attempt), true
}
