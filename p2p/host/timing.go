package host

import (
	"math/rand/v2"
	"time"
)

// timing says how often things are tried.
type timing struct {
	named   backoff       // calls of a node that the operator named
	calls   backoff       // calls at an address
	seeds   backoff       // questions to seeds, when nothing else is left
	hunger  backoff       // questions for addresses, when there is nobody to call
	asks    time.Duration // on average, between such questions otherwise
	feelers time.Duration // on average
	// settle is how long a connection must last to count as one that works.
	settle time.Duration
	// retry is when to look again for somebody to call.
	retry time.Duration
	// stale is how often one more peer is tried while the chain does not grow, and
	// trial is how long it has to show what it is worth.
	stale, trial time.Duration
}

// backoff is how long to wait after a failure: first, and twice as long after
// each further one, but at most most.
type backoff struct{ first, most time.Duration }

func timingOf(dev bool) timing {
	t := timing{
		named:   backoff{time.Second, time.Minute},
		calls:   backoff{5 * time.Second, 10 * time.Minute},
		seeds:   backoff{10 * time.Second, 10 * time.Minute},
		hunger:  backoff{2 * time.Second, 2 * time.Minute},
		asks:    5 * time.Minute,
		feelers: 2 * time.Minute,
		settle:  time.Minute,
		retry:   5 * time.Second,
		stale:   10 * time.Minute,
		trial:   90 * time.Second,
	}
	if dev { // everything is near, and starts again all the time
		t.named.most = 5 * time.Second
		t.calls = backoff{time.Second, 10 * time.Second}
		t.seeds = backoff{time.Second, 30 * time.Second}
		t.hunger = backoff{time.Second, time.Minute}
		t.settle = 5 * time.Second
		t.retry = time.Second
	}
	return t
}

// after returns how long to wait after so many failures in a row, at least one,
// with some chance in it, lest many try at the same time.
func (b backoff) after(failures int) time.Duration {
	wait := b.first
	for ; failures > 1 && wait < b.most; failures-- {
		wait *= 2
	}
	wait = min(wait, b.most)
	return wait - wait/4 + rand.N(wait/4+1)
}

// around returns a time that is avg on average, as between two calls at a
// switchboard, so that nobody can tell from one when the next is.
func around(avg time.Duration) time.Duration {
	return time.Duration(rand.ExpFloat64() * float64(avg))
}
