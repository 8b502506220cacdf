package host

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"net/netip"
	"sync"
	"time"

	"github.com/keelson-chain/keelson/p2p/addrbook"
	"github.com/keelson-chain/keelson/p2p/peerinfo"
)

const (
	// maxCalls bounds the calls of known addresses that are under way, maxNamed
	// those of nodes that the operator named, and maxAsks the questions for
	// addresses.
	maxCalls = 8
	maxNamed = 8
	maxAsks  = 4
	// idleTime is how long the caller sleeps at most.
	idleTime = time.Minute
	// maxFailing bounds the addresses that failed lately and are remembered for it.
	maxFailing = 2000
	// staleCheck is how often it is asked whether the chain grows.
	staleCheck = 30 * time.Second
	// askRate and askBurst are how often one peer is asked for addresses, within
	// what it allows; see serveLimits.
	askRate, askBurst = 1. / 75, 8
)

// Why peers have to go that have done nothing wrong.
var (
	errWorst = errors.New("others bring blocks earlier")
	errSwap  = errors.New("wanted as a peer for everything")
)

// caller decides whom to call. It belongs to one goroutine, that of run; those
// that call and ask tell it what came of it through ended.
type caller struct {
	h      *Host
	timing timing
	wg     sync.WaitGroup
	ended  chan func()

	calls   map[string]peerinfo.Kind // under way, by peer id
	groups  map[string]netip.Prefix  // of these
	asking  int                      // questions under way
	failing map[addrbook.Addr]tries  // addresses
	named   map[string]*tries        // nodes that the operator named
	talks   map[*Peer]*bucket        // peers to ask for addresses
	trusted map[*Peer]addrbook.Addr  // peers that were called at known addresses
	lost    map[string]time.Time     // until when ids are left alone whose connection ended
	anchors []addrbook.Known
	seeding bool

	hungry                       bool // there was nobody left to call
	seeds, hunger                tries
	nextAsk, nextFeel, nextSpare time.Time

	next time.Time // when to look again at the latest
}

// tries are those of something that may fail.
type tries struct {
	failures int       // in a row
	next     time.Time // not before that
	busy     bool
}

// fail counts a failure.
func (t *tries) fail(b backoff, now time.Time) {
	t.failures++
	t.next = now.Add(b.after(t.failures))
}

func newCaller(h *Host) *caller {
	now := time.Now()
	return &caller{
		h:        h,
		timing:   h.timing,
		ended:    make(chan func()),
		calls:    map[string]peerinfo.Kind{},
		groups:   map[string]netip.Prefix{},
		failing:  map[addrbook.Addr]tries{},
		named:    map[string]*tries{},
		talks:    map[*Peer]*bucket{},
		trusted:  map[*Peer]addrbook.Addr{},
		lost:     map[string]time.Time{},
		anchors:  h.takeAnchors(),
		nextAsk:  now.Add(around(h.timing.asks)),
		nextFeel: now.Add(around(h.timing.feelers)),
	}
}

// run calls whom there is to call until ctx ends.
func (c *caller) run(ctx context.Context) {
	defer c.wg.Wait()
	t := time.NewTimer(0)
	defer t.Stop()
	for {
		select {
		case <-t.C:
		case <-c.h.stirred:
		case end := <-c.ended:
			end()
		case <-ctx.Done():
			return
		}
		c.next = time.Now().Add(idleTime)
		if c.h.NetworkActive() { // switching it on stirs
			c.tend(ctx)
		}
		t.Reset(time.Until(c.next))
	}
}

// at asks to look again at t.
func (c *caller) at(t time.Time) {
	if t.Before(c.next) {
		c.next = t
	}
}

// work runs do on a goroutine of its own and then end on the caller's.
func (c *caller) work(ctx context.Context, do func(), end func()) {
	c.wg.Go(func() {
		do()
		select {
		case c.ended <- end:
		case <-ctx.Done():
		}
	})
}

// tend looks at everything once and begins what is to be done.
func (c *caller) tend(ctx context.Context) {
	now := time.Now()
	c.callNamed(ctx, now)
	if !c.h.automatic() {
		return
	}
	c.h.book.ResolveCollisions(c.h.cfg.Now())
	s := c.seats()
	c.watch(s, now)
	c.callAnchors(ctx, s, now)
	c.fill(ctx, s, now)
	c.feel(ctx, s, now)
	c.seed(ctx, s, now)
	c.ask(ctx, s, now)
}

// callNamed calls the nodes that the operator named and that are not connected.
func (c *caller) callNamed(ctx context.Context, now time.Time) {
	list := c.h.named()
	for node := range c.named {
		if _, ok := list[node]; !ok && !c.named[node].busy {
			delete(c.named, node)
		}
	}
	busy := 0
	for _, t := range c.named {
		if t.busy {
			busy++
		}
	}
	for node, id := range list {
		t := c.named[node]
		if t == nil {
			t = &tries{}
			c.named[node] = t
		}
		if p := c.h.peer(id); t.busy || p != nil && p.ctx.Err() == nil {
			continue
		}
		if now.Before(t.next) {
			c.at(t.next)
			continue
		}
		if busy >= maxNamed {
			continue // the end of one of them is another chance
		}
		busy++
		t.busy = true
		var err error
		c.work(ctx, func() { _, err = c.h.callNode(ctx, node, peerinfo.Manual) }, func() {
			t.busy = false
			now := time.Now()
			if err == nil || errors.Is(err, ErrConnected) {
				// Should it be gone in a moment, it is not called at once.
				t.failures, t.next = 0, now.Add(c.timing.named.first)
				return
			}
			t.fail(c.timing.named, now)
			c.h.cfg.Log.Debug().Str("node", node).Err(err).Msg("cannot connect")
		})
	}
}

// seats is who has which place, those included that are being called.
type seats struct {
	peers  []*Peer
	count  map[peerinfo.Kind]int
	ids    map[string]bool
	groups map[netip.Prefix]bool // of those that we called
}

func (c *caller) seats() *seats {
	s := &seats{peers: c.h.alive(), count: map[peerinfo.Kind]int{}, ids: map[string]bool{c.h.ID(): true}, groups: map[netip.Prefix]bool{}}
	for _, p := range s.peers {
		s.count[p.kind]++
		s.ids[p.ID()] = true
		if p.kind == peerinfo.FullRelay || p.kind == peerinfo.BlockOnly || p.kind == peerinfo.Manual {
			s.groups[addrbook.Group(p.addr)] = true
		}
	}
	for id, kind := range c.calls {
		s.take(kind, id, c.groups[id])
	}
	return s
}

func (s *seats) take(kind peerinfo.Kind, id string, group netip.Prefix) {
	if !s.ids[id] {
		s.count[kind]++
	}
	s.ids[id] = true
	if kind != peerinfo.Feeler {
		s.groups[group] = true
	}
}

// watch looks after peers that are there no more, and after one that is too many.
func (c *caller) watch(s *seats, now time.Time) {
	maps.DeleteFunc(c.lost, func(_ string, until time.Time) bool { return !now.Before(until) })
	for p, a := range c.trusted {
		if p.ctx.Err() == nil {
			continue
		}
		delete(c.trusted, p)
		c.lost[p.ID()] = now.Add(c.timing.calls.first) // its other addresses are hardly better
		c.hunger = tries{}
		if now.Sub(p.connected) < c.timing.settle { // it took us and dropped us
			c.fail(a, now)
		} else {
			delete(c.failing, a)
		}
	}
	c.dropWorst(s, now)
}

// dropWorst ends the connection to the peer that was the last to bring a block
// the longest ago, when there is one more than wanted and all had time to bring
// some.
func (c *caller) dropWorst(s *seats, now time.Time) {
	full, _ := c.wanted()
	var worst *Peer
	count := 0
	for _, p := range s.peers {
		if p.kind != peerinfo.FullRelay {
			continue
		}
		count++
		if ripe := p.connected.Add(c.timing.trial); now.Before(ripe) {
			c.at(ripe)
			return
		}
		if worst == nil || p.lastBlock.Load() <= worst.lastBlock.Load() {
			worst = p
		}
	}
	if count > full {
		worst.cancel(errWorst)
		delete(c.trusted, worst) // it has done nothing wrong
		c.nextSpare = now.Add(c.timing.stale)
	}
}

// wanted returns how many peers of the two kinds are to be called.
func (c *caller) wanted() (full, blockOnly int) {
	full = min(c.h.cfg.Outbound, c.h.cfg.MaxPeers)
	return full, min(c.h.cfg.BlockOnly, c.h.cfg.MaxPeers-full)
}

// spare returns 1 if one more peer is wanted because the chain does not grow.
func (c *caller) spare(now time.Time) int {
	if c.h.cfg.Stale == nil || now.Before(c.nextSpare) || !c.h.cfg.Stale() {
		return 0
	}
	return 1
}

// callAnchors calls those that we were connected with before, ahead of all
// others.
func (c *caller) callAnchors(ctx context.Context, s *seats, now time.Time) {
	_, blockOnly := c.wanted()
	for len(c.anchors) > 0 && s.count[peerinfo.BlockOnly] < blockOnly {
		k := c.anchors[0]
		c.anchors = c.anchors[1:]
		if c.free(s, peerinfo.BlockOnly, &k, now) {
			c.call(ctx, s, peerinfo.BlockOnly, k.Addr)
		}
	}
}

// fill calls others for the places that are free, those of peers for everything
// first: they tell of more.
func (c *caller) fill(ctx context.Context, s *seats, now time.Time) {
	full, blockOnly := c.wanted()
	c.hungry = !c.fillKind(ctx, s, peerinfo.FullRelay, full+c.spare(now), now) ||
		!c.fillKind(ctx, s, peerinfo.BlockOnly, blockOnly, now)
	if c.hungry {
		c.at(now.Add(c.timing.retry))
		c.swap(s, now)
	} else if len(c.calls) == 0 {
		c.hunger, c.seeds.failures = tries{}, 0
	}
	if c.h.cfg.Stale != nil {
		c.at(now.Add(staleCheck))
	}
}

// swap gives up a block-only peer when there is no peer for everything and
// nobody else to call: such a node would never hear of others. The place of the
// one is then taken by the other, and the peer is called again for it.
func (c *caller) swap(s *seats, now time.Time) {
	if full, _ := c.wanted(); full == 0 || s.count[peerinfo.FullRelay] > 0 {
		return
	}
	for _, p := range s.peers {
		if p.kind == peerinfo.BlockOnly && now.Sub(p.connected) >= c.timing.settle {
			p.cancel(errSwap)
			delete(c.trusted, p) // it has done nothing wrong
			return
		}
	}
}

// fillKind calls peers of one kind until there are n, and reports whether there was
// somebody to call for each place.
func (c *caller) fillKind(ctx context.Context, s *seats, kind peerinfo.Kind, n int, now time.Time) bool {
	for s.count[kind] < n && len(c.calls) < maxCalls {
		a, ok := c.pick(s, kind, now)
		if !ok {
			return false
		}
		c.call(ctx, s, kind, a)
	}
	return true
}

// call calls a peer at an address.
func (c *caller) call(ctx context.Context, s *seats, kind peerinfo.Kind, a addrbook.Addr) {
	info, err := infoOf(a)
	if err != nil { // a file that somebody else wrote
		c.fail(a, time.Now())
		return
	}
	group := addrbook.Group(a.AddrPort.Addr())
	// A failure is the other side's fault only if we are connected to some.
	ours := len(s.groups) < min(c.h.cfg.MaxPeers-1, 2) && !(c.h.cfg.Dev && len(c.trusted) > 1)
	s.take(kind, a.ID, group)
	c.calls[a.ID], c.groups[a.ID] = kind, group
	c.h.book.Attempt(a, !ours, c.h.cfg.Now())

	var p *Peer
	c.work(ctx, func() { p, err = c.h.Connect(ctx, info, kind) }, func() {
		delete(c.calls, a.ID)
		delete(c.groups, a.ID)
		switch {
		case errors.Is(err, ErrConnected):
		case err != nil:
			c.fail(a, time.Now())
			c.h.cfg.Log.Debug().Stringer("addr", a).Str("kind", string(kind)).Err(err).Msg("cannot connect")
		case kind != peerinfo.Feeler:
			c.trusted[p] = a
		}
	})
}

// fail remembers that an address did not work.
func (c *caller) fail(a addrbook.Addr, now time.Time) {
	if len(c.failing) >= maxFailing {
		for a, t := range c.failing {
			if now.After(t.next) || len(c.failing) >= maxFailing {
				delete(c.failing, a)
			}
		}
	}
	t := c.failing[a]
	t.fail(c.timing.calls, now)
	c.failing[a] = t
}

// feel sees now and then whether an address works that was never tried.
func (c *caller) feel(ctx context.Context, s *seats, now time.Time) {
	if !c.h.cfg.Feelers || len(c.calls) >= maxCalls {
		return
	}
	if now.Before(c.nextFeel) {
		c.at(c.nextFeel)
		return
	}
	c.nextFeel = now.Add(around(c.timing.feelers))
	c.at(c.nextFeel)
	if s.count[peerinfo.Feeler] == 0 {
		if a, ok := c.pick(s, peerinfo.Feeler, now); ok {
			c.call(ctx, s, peerinfo.Feeler, a)
		}
	}
}

// seed asks a seed for addresses when there is nobody else.
func (c *caller) seed(ctx context.Context, s *seats, now time.Time) {
	list := c.h.cfg.Seeds
	if !c.hungry || len(list) == 0 || c.seeding {
		return
	}
	if now.Before(c.seeds.next) {
		c.at(c.seeds.next)
		return
	}
	c.seeding = true
	node := list[rand.IntN(len(list))]
	c.work(ctx, func() { c.fetch(ctx, node) }, func() {
		c.seeding = false
		// A seed that helps ends the hunger; if this one did not, there is time.
		c.seeds.fail(c.timing.seeds, time.Now())
	})
}

// fetch connects to a seed, asks it for addresses, and leaves.
func (c *caller) fetch(ctx context.Context, node string) {
	p, err := c.h.callNode(ctx, node, peerinfo.AddressFetch)
	if err != nil {
		if !errors.Is(err, ErrConnected) {
			c.h.cfg.Log.Debug().Str("node", node).Err(err).Msg("no addresses from a seed")
		}
		return
	}
	c.h.askAddresses(ctx, p, true)
	p.cancel(errFetched)
}

// ask asks each peer that we called for addresses, at once and then one of them
// now and then.
func (c *caller) ask(ctx context.Context, s *seats, now time.Time) {
	for p := range c.talks {
		if p.ctx.Err() != nil {
			delete(c.talks, p)
		}
	}
	var able []*Peer
	for _, p := range s.peers {
		if p.kind != peerinfo.FullRelay && p.kind != peerinfo.Manual {
			continue
		}
		switch left := c.talks[p]; {
		case left == nil && c.asking < maxAsks:
			c.talks[p] = &bucket{rate: askRate, burst: askBurst}
			c.talk(ctx, p, true)
		case left != nil:
			able = append(able, p)
		}
	}
	due := c.nextAsk
	if c.hungry && c.hunger.next.Before(due) {
		due = c.hunger.next
	}
	if now.Before(due) || len(able) == 0 || c.asking >= maxAsks {
		if now.Before(due) {
			c.at(due)
		}
		return
	}
	c.nextAsk = now.Add(around(c.timing.asks))
	c.hunger.fail(c.timing.hunger, now)
	c.at(c.nextAsk)
	if c.hungry {
		c.at(c.hunger.next)
	}
	if p := able[rand.IntN(len(able))]; c.talks[p].take(1) {
		c.talk(ctx, p, false)
	}
}

func (c *caller) talk(ctx context.Context, p *Peer, first bool) {
	c.asking++
	c.work(ctx, func() { c.h.askAddresses(ctx, p, first) }, func() { c.asking-- })
}
