package addrbook

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/keelson-chain/keelson/wire"
)

// The tables, with Bitcoin Core's numbers.
const (
	newBuckets   = 1024
	triedBuckets = 256
	bucketSize   = 64

	// newPerSource is over how many buckets of new addresses those that come from one group are
	// spread; triedPerGroup over how many of the other table those that belong to one group are.
	newPerSource  = 64
	triedPerGroup = 8
	// maxPlaces is in how many buckets of new addresses one of them can be.
	maxPlaces = 8
)

// When an address is not worth keeping.
const (
	horizon     = 30 * 24 * time.Hour // not seen for so long
	maxUntried  = 3                   // failures of one that never worked
	maxFailures = 10                  // failures since it worked,
	minFailing  = 7 * 24 * time.Hour  // so long ago
	maxAhead    = 10 * time.Minute    // said to have been seen in the future
	inUse       = time.Minute         // it was tried just now: leave it alone
	recently    = 10 * time.Minute    // it was tried: others come first
	updateAfter = 20 * time.Minute    // of a connection that lasts
	penaltyFree = 24 * time.Hour      // who was seen since then is online
	replaceable = 4 * time.Hour       // one that did not work since then can be driven out
	testWindow  = 40 * time.Minute    // for a try of the one to be driven out
	collisions  = 10                  // that wait for a try
)

// Config is what a Book is made of.
type Config struct {
	// Genesis is the network that the addresses are of.
	Genesis wire.Hash
	// Seed is where the secret key of a new book and all random choices come from.
	// It must be random but in tests.
	Seed [32]byte
	// Dev: addresses that are not routable are taken too, each as a group of its own, for
	// networks on one machine. The network stays the same for the life of a file.
	Dev bool
}

// Book is the tables of addresses. Its methods are safe for concurrent use; none
// of them waits for anything.
//
// An address is first new: it stands in one to eight of the 1024 buckets of new
// addresses, each chosen by who told. When a connection to it has worked it is
// tried: it stands in one of 256 other buckets, chosen by its own group. A bucket
// has 64 places, and an address one of them, whatever else is there.
type Book struct {
	cfg Config

	mu sync.Mutex
	// All below is guarded by mu.
	key    [32]byte
	rng    *rand.Rand
	byAddr map[Addr]*entry
	// order has every entry once; entry.at is its index. Random choices swap it about.
	order []*entry
	fresh [newBuckets]bucket
	tried [triedBuckets]bucket
	// triedCount is how many entries of order are tried.
	triedCount int
	// pending are new entries that worked, whose place among the tried is taken by
	// another which is to be tried first.
	pending []*entry
	// lastGood is when a connection to any address last worked.
	lastGood int64
}

// entry is an address in the tables. Times are in seconds since 1970; 0: never.
type entry struct {
	addr     Addr
	source   netip.AddrPort // who told first; not valid: ourselves
	services uint64
	seen     int64
	success  int64 // the last connection that worked
	attempt  int64 // the last one that was tried
	counted  int64 // the last one that counted as a failure
	failures int   // since success
	tried    bool
	buckets  []uint16 // of new addresses that it stands in
	at       int      // in Book.order
}

// New returns an empty book.
func New(cfg Config) *Book {
	b := &Book{cfg: cfg, rng: rand.New(rand.NewChaCha8(cfg.Seed)), byAddr: map[Addr]*entry{}, lastGood: 1}
	for i := 0; i < len(b.key); i += 8 {
		v := b.rng.Uint64()
		for j := range 8 {
			b.key[i+j] = byte(v >> (8 * j))
		}
	}
	return b
}

// Len returns how many addresses there are.
func (b *Book) Len() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return len(b.order)
}

// takes reports whether an address belongs into the book at all.
func (b *Book) takes(a *Addr) bool {
	if !a.valid() {
		return false
	}
	host := a.AddrPort.Addr()
	return Routable(host) || b.cfg.Dev && !host.IsUnspecified() && !host.IsMulticast()
}

// Add takes in addresses that source told us of, and returns how many of them
// got a place. A source that is not valid stands for ourselves. Addresses that
// others speak of are taken to have been seen earlier than they say, by penalty;
// nobody else vouches for them. What does not belong into a book is passed over.
func (b *Book) Add(list []Known, source netip.AddrPort, penalty time.Duration, now time.Time) (added int) {
	source = netip.AddrPortFrom(plain(source.Addr()), source.Port())
	b.mu.Lock()
	defer b.mu.Unlock()
	for i := range list {
		if b.add(&list[i], source, penalty, now.Unix()) {
			added++
		}
	}
	return added
}

func (b *Book) add(k *Known, source netip.AddrPort, penalty time.Duration, now int64) bool {
	if !b.takes(&k.Addr) {
		return false
	}
	if k.AddrPort == source {
		penalty = 0
	}
	late := seconds(penalty)
	seen := min(max(k.Seen.Unix(), 0), maxTime)
	e := b.byAddr[k.Addr]
	if e != nil {
		if !b.again(e, k.Services, seen, late, now) {
			return false
		}
	} else {
		e = b.create(k.Addr, source)
		e.services = k.Services
		e.seen = max(seen-late, 0)
	}
	return b.place(e, source, now)
}

// again notes what was said of an address that is here, and reports whether it
// shall have one more place.
func (b *Book) again(e *entry, services uint64, seen, late, now int64) bool {
	interval := seconds(24 * time.Hour)
	if now-seen < seconds(penaltyFree) {
		interval = seconds(time.Hour)
	}
	if e.seen < seen-interval-late {
		e.seen = max(seen-late, 0)
	}
	e.services |= services
	if seen <= e.seen || e.tried || len(e.buckets) == maxPlaces {
		return false
	}
	// Each place is half as easy to get as the one before.
	return b.rng.Uint64N(1<<len(e.buckets)) == 0
}

// place gives a new entry the place that belongs to it and to a source, if that is free or
// held by one that is worth less. An entry that has no place at all is forgotten.
func (b *Book) place(e *entry, source netip.AddrPort, now int64) bool {
	n := b.newBucket(e.addr.AddrPort, source)
	position := b.position(kindNew, n, &e.addr)
	old := b.fresh[n].at[position]
	if old == e {
		return false
	}
	if old == nil || old.terrible(now) || len(old.buckets) > 1 && len(e.buckets) == 0 {
		b.vacate(n, position)
		b.fresh[n].set(position, e)
		e.buckets = append(e.buckets, uint16(n))
		return true
	}
	if len(e.buckets) == 0 {
		b.forget(e)
	}
	return false
}

func (b *Book) create(a Addr, source netip.AddrPort) *entry {
	e := &entry{addr: a, source: source, at: len(b.order)}
	b.byAddr[a] = e
	b.order = append(b.order, e)
	return e
}

// forget takes out an entry that has no place.
func (b *Book) forget(e *entry) {
	b.swap(e.at, len(b.order)-1)
	b.order[len(b.order)-1] = nil
	b.order = b.order[:len(b.order)-1]
	delete(b.byAddr, e.addr)
	b.settle(e)
}

func (b *Book) swap(i, j int) {
	b.order[i], b.order[j] = b.order[j], b.order[i]
	b.order[i].at, b.order[j].at = i, j
}

// vacate frees a place among the new; an entry that had no other is forgotten.
func (b *Book) vacate(n, position int) {
	e := b.fresh[n].at[position]
	if e == nil {
		return
	}
	b.fresh[n].clear(position)
	e.buckets = slices.DeleteFunc(e.buckets, func(m uint16) bool { return int(m) == n })
	if len(e.buckets) == 0 {
		b.forget(e)
	}
}

// Good notes that a connection to an address has just worked, and reports
// whether it has become one of the tried by that. If its place is taken by
// another, that one is to be tried first: see SelectCollision.
func (b *Book) Good(a Addr, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.good(a, now.Unix(), true)
}

func (b *Book) good(a Addr, now int64, testFirst bool) bool {
	b.lastGood = now
	e := b.byAddr[a]
	if e == nil {
		return false
	}
	e.success, e.attempt, e.failures = now, now, 0
	if e.tried {
		return false
	}
	if testFirst && b.rival(&e.addr) != nil {
		b.collide(e)
		return false
	}
	b.makeTried(e)
	return true
}

// triedPlace returns the place of an address among the tried.
func (b *Book) triedPlace(a *Addr) (at *bucket, position int) {
	n := b.triedBucket(a)
	return &b.tried[n], b.position(kindTried, n, a)
}

// rival returns who stands there, or nil.
func (b *Book) rival(a *Addr) *entry {
	at, position := b.triedPlace(a)
	return at.at[position]
}

// makeTried moves a new entry to the tried. Who stands there becomes new again.
func (b *Book) makeTried(e *entry) {
	for _, n := range e.buckets {
		b.fresh[n].clear(b.position(kindNew, int(n), &e.addr))
	}
	e.buckets = nil
	b.settle(e)
	at, position := b.triedPlace(&e.addr)
	if old := at.at[position]; old != nil {
		n := b.newBucket(old.addr.AddrPort, old.source)
		place := b.position(kindNew, n, &old.addr)
		b.vacate(n, place)
		b.fresh[n].set(place, old)
		old.tried, old.buckets = false, []uint16{uint16(n)}
		b.triedCount--
	}
	at.set(position, e)
	e.tried = true
	b.triedCount++
}

// Attempt notes that a connection to an address was tried, before it is known
// how it ends. countFailure: it counts as a failure until Good, which it should
// not when the fault may be ours. A failure counts once between two connections to
// anybody that worked.
func (b *Book) Attempt(a Addr, countFailure bool, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.byAddr[a]
	if e == nil {
		return
	}
	e.attempt = now.Unix()
	if countFailure && e.counted < b.lastGood {
		e.counted = now.Unix()
		e.failures++
	}
}

// Connected notes that a connection to an address, which may have lasted, was
// there until now. It is called when the connection ends, so that nobody can tell
// from what we say of addresses whom we are connected to.
func (b *Book) Connected(a Addr, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.byAddr[a]; e != nil && now.Unix()-e.seen > seconds(updateAfter) {
		e.seen = now.Unix()
	}
}

// SetServices notes what a peer said itself that it offers.
func (b *Book) SetServices(a Addr, services uint64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.byAddr[a]; e != nil {
		e.services = services
	}
}

// terrible reports whether an entry is not worth its place.
func (e *entry) terrible(now int64) bool {
	switch {
	case now-e.attempt <= seconds(inUse):
		return false
	case e.seen > now+seconds(maxAhead), now-e.seen > seconds(horizon):
		return true
	case e.success == 0 && e.failures >= maxUntried:
		return true
	}
	return now-e.success > seconds(minFailing) && e.failures >= maxFailures
}

func (e *entry) known() Known {
	return Known{Addr: e.addr, Services: e.services, Seen: time.Unix(e.seen, 0)}
}

func seconds(d time.Duration) int64 { return int64(d / time.Second) }
