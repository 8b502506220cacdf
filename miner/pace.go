package miner

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/keelson-chain/keelson/pow"
	"github.com/keelson-chain/keelson/wire"
)

const (
	// laneRate is how many hashes a second one goroutine makes at a pace before
	// another one takes a share, which is less than a core can do.
	laneRate = 500_000
	// laneTick is the least time for which a lane sleeps. What becomes due
	// meanwhile is tried at once.
	laneTick = 5 * time.Millisecond
	// laneChunk is how many nonces a lane tries between two looks at its context.
	laneChunk = 1 << 12
	// laneBehind is for how long what was not tried in time is made up for: not
	// for the hours that a machine slept, nor by one that is too slow for its pace.
	laneBehind = 100 * time.Millisecond
)

// pace makes hashes at a rate. Each is due at a moment of a Poisson process,
// which has no memory: so it does not matter when the block changes that is
// searched, and the hashes of many miners together are such a process, too.
type pace struct {
	began time.Time
	lanes []lane
}

// lane is the share of one goroutine: a Poisson process of its own, since several
// of them together are one.
type lane struct {
	pace  *pace
	mean  float64 // seconds between two hashes
	gap   func() float64
	next  float64 // when the next hash is due, in seconds since the pace began
	spare uint32  // hashes that were due and not needed
}

// newPace returns a pace of so many hashes per second on that many goroutines
// at most. gap draws from the exponential distribution with mean 1; it may be called
// by all of them at a time.
func newPace(rate float64, workers int, gap func() float64) *pace {
	p := &pace{began: time.Now(), lanes: make([]lane, max(1, int(min(float64(workers), rate/laneRate+1))))}
	for i := range p.lanes {
		mean := float64(len(p.lanes)) / rate
		p.lanes[i] = lane{pace: p, mean: mean, gap: gap, next: gap() * mean}
	}
	return p
}

// find is pow.Search at this pace, but for the number of workers, and that any
// nonce may be found, not just the lowest. It must not be called twice at a time.
func (p *pace) find(ctx context.Context, h wire.Header, target pow.Target, _ int, tried *atomic.Uint64) (nonce uint32, ok bool) {
	const none = 1 << 32
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var next, best atomic.Uint64 // the first nonce that nobody took; one that was found
	best.Store(none)
	work := func(l *lane) {
		s := pow.NewSearcher(h, target)
		for {
			count := l.take(ctx)
			if count == 0 {
				return
			}
			from := next.Add(uint64(count)) - uint64(count)
			if from+uint64(count) > none { // the last few are left out
				l.spare += count
				return
			}
			found, ok := s.Try(uint32(from), count)
			if !ok {
				tried.Add(uint64(count))
				continue
			}
			done := found - uint32(from) + 1
			tried.Add(uint64(done))
			l.spare += count - done
			best.Store(uint64(found))
			cancel()
			return
		}
	}
	var others sync.WaitGroup
	for i := 1; i < len(p.lanes); i++ {
		others.Go(func() { work(&p.lanes[i]) })
	}
	work(&p.lanes[0])
	others.Wait()
	found := best.Load()
	return uint32(found), found != none
}

// take waits until hashes are due and returns how many, or 0 if ctx ends first.
func (l *lane) take(ctx context.Context) (count uint32) {
	for ctx.Err() == nil {
		if count = min(l.spare, laneChunk); count > 0 {
			l.spare -= count
			return count
		}
		now := time.Since(l.pace.began).Seconds()
		l.next = max(l.next, now-laneBehind.Seconds())
		for count < laneChunk && l.next <= now {
			count++
			l.next += l.gap() * l.mean
		}
		if count > 0 {
			return count
		}
		wait(ctx, max(laneTick, seconds(l.next-now)))
	}
	return 0
}

// seconds is a time of some seconds, at most an hour, after which whoever waits
// for more looks again.
func seconds(s float64) time.Duration {
	return time.Duration(min(s, 3600) * float64(time.Second))
}
