package p2p

import "time"

// How long the chase after a block waits.
const (
	// pushTime is how long a push may lag behind the first word of a block, and
	// promiseTime how long after the word of a peer that has been asked to push.
	pushTime    = 200 * time.Millisecond
	promiseTime = 1 * time.Second
	// askTime is how long one peer has for a part of a block before another is asked
	// besides, and wholeTime the same for the whole.
	askTime   = 1 * time.Second
	wholeTime = 3 * time.Second
	// againTime is when a peer that did not have the block yet is asked again.
	againTime = 1 * time.Second
	// chaseTime is how long a block is chased in all, before it is left to the sync.
	chaseTime = 60 * time.Second
)

const (
	// maxAsks is how many peers are asked for one block at the same time.
	maxAsks = 3
	// maxTries is how often one peer is asked for one thing.
	maxTries = 4
)

// want is what a chase asks for.
type want uint8

const (
	wantCompact want = iota // its compact form
	wantTxn                 // the transactions that are missing
	wantWhole
	wants
)

// A chase decides whom to ask for what until a block is there. It is told what
// happens and asked what to do next; it does nothing itself, and has no lock.
type chase struct {
	began   time.Time
	want    want
	sources []source
	asking  int       // questions that are open
	hedge   time.Time // when another one may be asked besides those
	sender  int64     // of the compact block in hand, for wantTxn
	paired  bool      // somebody was asked besides the sender
	promise time.Time // until when a push is waited for
}

// source is a peer that has announced the block.
type source struct {
	peer   int64
	chosen bool // we have asked it to push blocks
	asks   [wants]ask
}

type ask struct {
	open  bool
	tries int
	bad   bool      // it will not be asked again
	after time.Time // not before that
}

// verdict is how a question ended.
type verdict uint8

const (
	answered verdict = iota
	notYet           // it does not have it
	useless          // late, malformed or wrong
)

// step is what to do next: to ask peer for want, or to wait, or to give up.
type step struct {
	ask    bool
	peer   int64
	want   want
	again  bool      // another peer is being asked already
	until  time.Time // of waiting
	giveUp bool
}

// newChase begins with the first word of a block. pushed says that peers have been
// asked to push.
func newChase(now time.Time, pushed bool) *chase {
	c := &chase{began: now, promise: now}
	if pushed {
		c.promise = now.Add(pushTime)
	}
	return c
}

// announced notes that a peer has the block. promised says that it was asked to
// push, so that the block is likely on its way, and chosen that we have asked it.
func (c *chase) announced(now time.Time, peer int64, promised, chosen bool) {
	if c.source(peer) != nil {
		return
	}
	c.sources = append(c.sources, source{peer: peer, chosen: chosen})
	if at := now.Add(promiseTime); promised && at.After(c.promise) && c.want == wantCompact && c.asking == 0 {
		c.promise = at
	}
}

// gone notes that a peer has left. An open question ends by itself.
func (c *chase) gone(peer int64) {
	if s := c.source(peer); s != nil {
		for w := range s.asks {
			s.asks[w].bad = true
		}
	}
}

// need says what is wanted from now on. sender has sent the compact block that is
// in hand, for wantTxn, and is asked first.
func (c *chase) need(now time.Time, w want, sender int64) {
	if c.want == w && c.sender == sender {
		return
	}
	c.want, c.sender, c.hedge, c.paired = w, sender, now, false
}

// ended notes how a question that step has told to ask ended.
func (c *chase) ended(now time.Time, peer int64, w want, v verdict) {
	c.asking--
	s := c.source(peer)
	if s == nil {
		return
	}
	a := &s.asks[w]
	a.open = false
	switch v {
	case answered, useless:
		a.bad = true
	case notYet:
		a.after = now.Add(againTime)
		a.bad = a.bad || a.tries >= maxTries
	}
	if w == c.want {
		c.hedge = now
	}
}

// next says what to do now.
func (c *chase) next(now time.Time) step {
	end := c.began.Add(chaseTime)
	if !now.Before(end) {
		return step{giveUp: true}
	}
	wake := end
	sooner := func(at time.Time) {
		if at.After(now) && at.Before(wake) {
			wake = at
		}
	}
	if c.want == wantCompact && now.Before(c.promise) {
		sooner(c.promise)
		return step{until: wake}
	}
	hopeless, open := true, false
	var best, mate *source
	for i := range c.sources {
		s := &c.sources[i]
		a := &s.asks[c.want]
		switch {
		case a.open:
			hopeless, open = false, true
		case a.bad:
		case a.after.After(now):
			hopeless = false
			sooner(a.after)
		default:
			hopeless = false
			if best == nil || a.tries < best.asks[c.want].tries || c.want == wantTxn && s.peer == c.sender {
				best = s
			}
			if s.chosen && a.tries == 0 && mate == nil {
				mate = s
			}
		}
	}
	// Two at once give what is missing, each beginning elsewhere: the sender and one
	// of those that we chose, since any could spoil it.
	pair := c.want == wantTxn && open && mate != nil && !c.paired && c.asking < maxAsks
	if pair {
		best, c.paired = mate, true
	}
	switch {
	case best != nil && c.asking < maxAsks && (pair || !now.Before(c.hedge)):
		a := &best.asks[c.want]
		a.open = true
		a.tries++
		c.asking++
		c.hedge = now.Add(askTime)
		if c.want == wantWhole {
			c.hedge = now.Add(wholeTime)
		}
		return step{ask: true, peer: best.peer, want: c.want, again: open && c.want == wantTxn}
	case best != nil:
		sooner(c.hedge)
	case hopeless && c.want != wantWhole:
		// Nobody is left who could give that; the whole block is more to send,
		// but easier to have.
		c.need(now, wantWhole, 0)
		return c.next(now)
	case hopeless && c.asking == 0:
		return step{giveUp: true}
	}
	return step{until: wake}
}

func (c *chase) source(peer int64) *source {
	for i := range c.sources {
		if c.sources[i].peer == peer {
			return &c.sources[i]
		}
	}
	return nil
}
