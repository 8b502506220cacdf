package addrbook

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/p2p/peerinfo"
)

func TestAddAndSelect(t *testing.T) {
	b := New(testConfig)
	if _, _, ok := b.Select(false, noon); ok {
		t.Error("an empty book has an address")
	}
	a := node(ip4(1, 2, 3))
	if !add1(b, a, ip4(9, 9, 9), noon) {
		t.Fatal("not added")
	}
	k, last, ok := b.Select(false, noon)
	if !ok || k != (Known{Addr: a, Services: 9, Seen: noon}) || !last.IsZero() {
		t.Errorf("drawn: %v %v %v", k, last, ok)
	}
	b.Attempt(a, true, noon)
	if _, last, _ := b.Select(true, noon); !last.Equal(noon) {
		t.Errorf("last tried %v", last)
	}
	if !b.Good(a, noon.Add(time.Second)) || b.Good(a, noon.Add(time.Second)) {
		t.Error("it becomes tried once")
	}
	if _, _, ok := b.Select(true, noon); ok {
		t.Error("a tried address is a new one")
	}
	if k, _, ok := b.Select(false, noon); !ok || k.Addr != a {
		t.Error("not drawn among the tried")
	}
	if add1(b, a, ip4(8, 8, 8), noon.Add(48*time.Hour)) {
		t.Error("a tried address was added")
	}
	mustCheck(t, b)
}

// What does not belong into a book stays out.
func TestAddRefuses(t *testing.T) {
	good := node(ip4(1, 2, 3))
	for name, munge := range map[string]func(*Addr){
		"private":       func(a *Addr) { a.AddrPort = netip.MustParseAddrPort("10.0.0.1:7333") },
		"no host":       func(a *Addr) { a.AddrPort = netip.AddrPort{} },
		"no port":       func(a *Addr) { a.AddrPort = netip.AddrPortFrom(a.AddrPort.Addr(), 0) },
		"mapped":        func(a *Addr) { a.AddrPort = netip.MustParseAddrPort("[::ffff:1.2.3.4]:7333") },
		"no id":         func(a *Addr) { a.ID = "" },
		"no transport":  func(a *Addr) { a.Transport = 0 },
		"long id":       func(a *Addr) { a.ID = string(make([]byte, 129)) },
		"another way":   func(a *Addr) { a.Transport = 3 },
		"documentation": func(a *Addr) { a.AddrPort = netip.MustParseAddrPort("[2001:db8::1]:7333") },
	} {
		a := good
		munge(&a)
		b := New(testConfig)
		if add1(b, a, ip4(9, 9, 9), noon) || b.Len() != 0 {
			t.Errorf("%s: added", name)
		}
	}
	dev := New(Config{Dev: true})
	for i := range 100 {
		a := node(netip.MustParseAddr("127.0.0.1"))
		a.AddrPort = netip.AddrPortFrom(a.AddrPort.Addr(), uint16(20000+i))
		add1(dev, a, netip.Addr{}, noon)
	}
	// They are groups of their own, and so spread over the buckets.
	if n := dev.Len(); n < 98 {
		t.Errorf("%d of 100 loopback addresses", n)
	}
	mustCheck(t, dev)
}

func TestPenalty(t *testing.T) {
	a := node(ip4(1, 2, 3))
	for name, c := range map[string]struct {
		source netip.AddrPort
		want   time.Time
	}{
		"another":   {netip.AddrPortFrom(ip4(9, 9, 9), 7333), noon.Add(-2 * time.Hour)},
		"same host": {netip.AddrPortFrom(ip4(1, 2, 3), 1), noon.Add(-2 * time.Hour)},
		"itself":    {a.AddrPort, noon},
	} {
		b := New(testConfig)
		b.Add([]Known{seen(a, noon)}, c.source, 2*time.Hour, noon)
		if k, _, _ := b.Select(true, noon); !k.Seen.Equal(c.want) {
			t.Errorf("%s: seen at %v", name, k.Seen)
		}
	}
}

// An address gets more places as more speak of it, each harder to get.
func TestPlaces(t *testing.T) {
	b := New(testConfig)
	a := node(ip4(1, 2, 3))
	var counts []int
	for i := range 20_000 {
		now := noon.Add(time.Duration(i) * 2 * time.Hour)
		b.Add([]Known{seen(a, now)}, netip.AddrPortFrom(ip4(byte(1+i%200), byte(i), 1), 7333), 2*time.Hour, now)
		if i == 1 || i == 100 || i == 19_999 {
			counts = append(counts, len(b.byAddr[a].buckets))
		}
	}
	mustCheck(t, b)
	if counts[0] > 2 || counts[1] < 4 || counts[1] >= maxPlaces || counts[2] != maxPlaces {
		t.Errorf("after 2, 101 and 20,000 times: %v places", counts)
	}
	if b.Len() != 1 {
		t.Error("it is there more than once")
	}
	b.Good(a, noon)
	mustCheck(t, b)
}

// corrupt one thing of an address that is worth keeping.
func TestTerrible(t *testing.T) {
	now := noon.Unix()
	hour := seconds(time.Hour)
	day := 24 * hour
	for name, c := range map[string]struct {
		munge func(*entry)
		want  bool
	}{
		"as it is":                 {func(*entry) {}, false},
		"not seen for 31 days":     {func(e *entry) { e.seen = now - 31*day }, true},
		"not seen for 30 days":     {func(e *entry) { e.seen = now - 30*day }, false},
		"never seen":               {func(e *entry) { e.seen = 0 }, true},
		"seen in an hour":          {func(e *entry) { e.seen = now + hour }, true},
		"seen in ten minutes":      {func(e *entry) { e.seen = now + 600 }, false},
		"never worked":             {func(e *entry) { e.success, e.failures = 0, 3 }, true},
		"never worked, tried once": {func(e *entry) { e.success, e.failures = 0, 2 }, false},
		"failed ten times":         {func(e *entry) { e.success, e.failures = now-8*day, 10 }, true},
		"failed nine times":        {func(e *entry) { e.success, e.failures = now-8*day, 9 }, false},
		"failed within a week":     {func(e *entry) { e.success, e.failures = now-7*day, 10 }, false},
		"tried just now":           {func(e *entry) { e.seen, e.attempt = 0, now-60 }, false},
	} {
		e := entry{addr: node(ip4(1, 2, 3)), seen: now - day, success: now - day, attempt: now - day}
		c.munge(&e)
		if got := e.terrible(now); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// A failure counts once between two connections that work.
func TestAttempt(t *testing.T) {
	b := New(testConfig)
	a, other := node(ip4(1, 2, 3)), node(ip4(5, 6, 7))
	add1(b, a, ip4(9, 9, 9), noon)
	add1(b, other, ip4(9, 9, 9), noon)
	for i, want := range []int{1, 1, 1} {
		b.Attempt(a, true, noon.Add(time.Duration(i)*time.Minute))
		if got := b.byAddr[a].failures; got != want {
			t.Errorf("try %d: %d failures", i, got)
		}
	}
	b.Good(other, noon.Add(10*time.Minute))
	b.Attempt(a, false, noon.Add(11*time.Minute))
	if got := b.byAddr[a].failures; got != 1 {
		t.Errorf("one that may be our fault: %d failures", got)
	}
	b.Attempt(a, true, noon.Add(12*time.Minute))
	if got := b.byAddr[a].failures; got != 2 {
		t.Errorf("after another one worked: %d failures", got)
	}
	b.Good(a, noon.Add(13*time.Minute))
	if got := b.byAddr[a].failures; got != 0 {
		t.Errorf("after it worked: %d failures", got)
	}
	b.Attempt(node(ip4(2, 2, 2)), true, noon) // unknown
	b.Good(node(ip4(2, 2, 2)), noon)
	if b.Len() != 2 {
		t.Error("unknown addresses came in")
	}
}

func TestConnectedAndServices(t *testing.T) {
	b := New(testConfig)
	a := node(ip4(1, 2, 3))
	add1(b, a, ip4(9, 9, 9), noon)
	b.Connected(a, noon.Add(20*time.Minute))
	if k, _, _ := b.Select(false, noon); !k.Seen.Equal(noon) {
		t.Error("seen again within 20 minutes")
	}
	b.Connected(a, noon.Add(21*time.Minute))
	if k, _, _ := b.Select(false, noon); !k.Seen.Equal(noon.Add(21 * time.Minute)) {
		t.Error("not seen again")
	}
	b.Add([]Known{{Addr: a, Services: 6}}, netip.AddrPort{}, 0, noon)
	if k, _, _ := b.Select(false, noon); k.Services != 15 {
		t.Errorf("services %d: what others say is added", k.Services)
	}
	b.SetServices(a, 1)
	if k, _, _ := b.Select(false, noon); k.Services != 1 {
		t.Errorf("services %d: what it says itself counts", k.Services)
	}
}

func TestAddresses(t *testing.T) {
	b := New(testConfig)
	fill(b, 1000, noon)
	n := b.Len()
	if n < 950 {
		t.Fatal(n)
	}
	for _, c := range []struct{ limit, percent, want int }{{0, 0, n}, {10, 0, 10}, {0, 23, n * 23 / 100}, {100, 23, 100}, {900, 23, n * 23 / 100}} {
		list := b.Addresses(c.limit, c.percent, "", noon)
		if len(list) != c.want {
			t.Errorf("%d, %d %%: %d addresses, want %d", c.limit, c.percent, len(list), c.want)
		}
		different := map[Addr]bool{}
		for _, k := range list {
			different[k.Addr] = true
		}
		if len(different) != len(list) {
			t.Error("an address twice")
		}
	}
	if got := len(b.Addresses(0, 0, peerinfo.IPv6, noon)); got != 0 {
		t.Errorf("%d of IPv6", got)
	}
	if got := len(b.Addresses(0, 0, peerinfo.IPv4, noon)); got != n {
		t.Errorf("%d of IPv4", got)
	}
	if got := len(b.Addresses(0, 0, "", noon.Add(31*24*time.Hour))); got != 0 {
		t.Errorf("%d that are not worth it", got)
	}
	mustCheck(t, b)

	sizes := b.Sizes()
	if len(sizes) != 6 || sizes[0].Network != peerinfo.IPv4 || sizes[0].New+sizes[0].Tried != n || sizes[0].Tried < 300 {
		t.Errorf("sizes %v", sizes)
	}
	tried, places := 0, map[[3]int]bool{}
	for _, s := range b.Slots() {
		place := [3]int{0, s.Bucket, s.Position}
		if s.Tried {
			tried++
			place[0] = 1
		}
		if places[place] || s.SourceNetwork != peerinfo.IPv4 || s.Source == "" || s.Multiaddr == "" {
			t.Fatalf("slot %+v", s)
		}
		places[place] = true
	}
	if tried != sizes[0].Tried || len(places) < n {
		t.Errorf("%d slots, %d tried", len(places), tried)
	}
}

// A book does the same from the same seed, and another from another.
func TestDeterministic(t *testing.T) {
	run := func(seed byte) []Known {
		cfg := testConfig
		cfg.Seed[0] = seed
		b := New(cfg)
		fill(b, 500, noon)
		for range 10 {
			k, _, _ := b.Select(false, noon)
			b.Attempt(k.Addr, true, noon)
		}
		return b.Addresses(100, 0, "", noon)
	}
	if !slices.Equal(run(1), run(1)) {
		t.Error("the same seed, another book")
	}
	if slices.Equal(run(1), run(2)) {
		t.Error("another seed, the same book")
	}
}

// rivals returns two addresses that share a place among the tried.
func rivals(b *Book) (Addr, Addr) {
	places := map[[2]int]Addr{}
	for i := 0; ; i++ {
		a := node(ip4(byte(1+i%9), byte(i), i))
		bucket := b.triedBucket(&a)
		place := [2]int{bucket, b.position(kindTried, bucket, &a)}
		if other, found := places[place]; found {
			return other, a
		}
		places[place] = a
	}
}

func TestCollisions(t *testing.T) {
	start := func(t *testing.T) (b *Book, old, next Addr) {
		b = New(testConfig)
		old, next = rivals(b)
		if !add1(b, old, ip4(9, 9, 9), noon) || !b.Good(old, noon) || !add1(b, next, ip4(9, 9, 9), noon) {
			t.Fatal("not set up")
		}
		return b, old, next
	}
	tried := func(b *Book, a Addr) bool { return b.byAddr[a].tried }
	later := noon.Add(5 * time.Hour)

	t.Run("the rival works", func(t *testing.T) {
		b, old, next := start(t)
		if b.Good(next, later) {
			t.Fatal("it drove out another one")
		}
		k, last, ok := b.SelectCollision()
		if !ok || k.Addr != old || !last.Equal(noon) {
			t.Fatal("not asked to try it:", k, last, ok)
		}
		b.ResolveCollisions(later) // too early to tell
		if _, _, ok := b.SelectCollision(); !ok || !tried(b, old) {
			t.Fatal("it waits no more")
		}
		b.Attempt(old, false, later)
		b.Good(old, later)
		b.ResolveCollisions(later)
		if _, _, ok := b.SelectCollision(); ok || !tried(b, old) || tried(b, next) {
			t.Error("the rival works and must stay")
		}
		mustCheck(t, b)
	})
	t.Run("the rival fails", func(t *testing.T) {
		b, old, next := start(t)
		b.Good(next, later)
		b.Attempt(old, false, later)
		b.ResolveCollisions(later.Add(time.Minute))
		if !tried(b, old) {
			t.Error("it had no minute to answer")
		}
		b.ResolveCollisions(later.Add(61 * time.Second))
		if tried(b, old) || !tried(b, next) || b.Len() != 2 {
			t.Error("the rival failed and must be a new one")
		}
		mustCheck(t, b)
	})
	t.Run("nobody could try", func(t *testing.T) {
		b, old, next := start(t)
		b.Good(next, later)
		b.ResolveCollisions(later.Add(40 * time.Minute))
		if !tried(b, old) {
			t.Error("too early")
		}
		b.ResolveCollisions(later.Add(40*time.Minute + time.Second))
		if tried(b, old) || !tried(b, next) {
			t.Error("it must have its place")
		}
		mustCheck(t, b)
	})
	t.Run("forgotten while it waits", func(t *testing.T) {
		b, _, next := start(t)
		b.Good(next, later)
		b.mu.Lock()
		e := b.byAddr[next]
		n := int(e.buckets[0])
		b.vacate(n, b.position(kindNew, n, &next))
		b.mu.Unlock()
		mustCheck(t, b)
		if _, _, ok := b.SelectCollision(); ok {
			t.Error("it still waits")
		}
	})
	t.Run("bounded", func(t *testing.T) {
		b := New(testConfig)
		for i := range 4000 {
			a := node(ip4(1, byte(i%3), i))
			add1(b, a, ip4(byte(i), 9, 9), noon)
			b.Good(a, noon)
		}
		if len(b.pending) != collisions {
			t.Errorf("%d wait", len(b.pending))
		}
		mustCheck(t, b)
	})
}
