package addrbook

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"
)

// model is a book without anything clever: two maps from places to addresses and
// one of what is known. It looks for everything everywhere. Only where a book
// throws dice it believes what the book says.
type model struct {
	fresh, tried map[[2]int]Addr
	facts        map[Addr]*fact
	lastGood     int64
	waiting      []Addr
}

type fact struct {
	source                          netip.AddrPort
	services                        uint64
	seen, success, attempt, counted int64
	failures                        int
}

func (m *model) places(a Addr) (list [][2]int) {
	for place, other := range m.fresh {
		if other == a {
			list = append(list, place)
		}
	}
	return list
}

func (m *model) isTried(a Addr) bool {
	for _, other := range m.tried {
		if other == a {
			return true
		}
	}
	return false
}

func (m *model) tidy() {
	placed := map[Addr]bool{}
	for _, list := range []map[[2]int]Addr{m.fresh, m.tried} {
		for _, a := range list {
			placed[a] = true
		}
	}
	maps.DeleteFunc(m.facts, func(a Addr, _ *fact) bool { return !placed[a] })
	m.waiting = slices.DeleteFunc(m.waiting, func(a Addr) bool { return m.facts[a] == nil || m.isTried(a) })
}

func (f *fact) bad(now int64) bool {
	const day = 24 * 60 * 60
	if f.attempt >= now-60 {
		return false
	}
	return f.seen > now+600 || f.seen < now-30*day || f.success == 0 && f.failures > 2 || f.success < now-7*day && f.failures > 9
}

func (m *model) newPlace(b *Book, a Addr, source netip.AddrPort) [2]int {
	bucket := b.newBucket(a.AddrPort, source)
	return [2]int{bucket, b.position(kindNew, bucket, &a)}
}

func (m *model) triedPlace(b *Book, a Addr) [2]int {
	bucket := b.triedBucket(&a)
	return [2]int{bucket, b.position(kindTried, bucket, &a)}
}

// add returns what the book must have said, where there is no luck in it.
func (m *model) add(b *Book, a Addr, at int64, source netip.AddrPort, late, now int64, said bool) (want bool) {
	defer m.tidy()
	if a.AddrPort == source {
		late = 0
	}
	f := m.facts[a]
	held := len(m.places(a))
	if f == nil {
		f = &fact{source: source, services: 9, seen: max(at-late, 0)}
		m.facts[a] = f
	} else {
		interval := int64(24 * 3600)
		if at > now-24*3600 {
			interval = 3600
		}
		if at > f.seen+interval+late {
			f.seen = at - late
		}
		f.services |= 9
		if f.seen >= at || held == 8 || m.isTried(a) {
			return false
		}
		if held > 0 && !said {
			return false // bad luck, or no place
		}
	}
	place := m.newPlace(b, a, source)
	other, taken := m.fresh[place]
	if taken && other == a {
		return false
	}
	if taken && !m.facts[other].bad(now) && (len(m.places(other)) == 1 || held > 0) {
		return false
	}
	m.fresh[place] = a
	return true
}

func (m *model) good(b *Book, a Addr, now int64, test bool) bool {
	defer m.tidy()
	m.lastGood = now
	f := m.facts[a]
	if f == nil {
		return false
	}
	f.success, f.attempt, f.failures = now, now, 0
	if m.isTried(a) {
		return false
	}
	place := m.triedPlace(b, a)
	old, taken := m.tried[place]
	if taken && test {
		if len(m.waiting) < 10 && !slices.Contains(m.waiting, a) {
			m.waiting = append(m.waiting, a)
		}
		return false
	}
	for _, p := range m.places(a) {
		delete(m.fresh, p)
	}
	m.tried[place] = a
	if taken {
		m.fresh[m.newPlace(b, old, m.facts[old].source)] = old
	}
	return true
}

func (m *model) resolve(b *Book, now int64) {
	for _, a := range slices.Clone(m.waiting) {
		if !slices.Contains(m.waiting, a) {
			continue
		}
		const hours = 4 * 3600
		rival, taken := m.tried[m.triedPlace(b, a)]
		r := m.facts[rival]
		wins := !taken
		if taken {
			switch {
			case r.success > now-hours:
				m.waiting = slices.DeleteFunc(m.waiting, func(x Addr) bool { return x == a })
			case r.attempt > now-hours:
				wins = r.attempt < now-60
			default:
				wins = m.facts[a].success < now-40*60
			}
		}
		if wins {
			m.good(b, a, now, false)
		}
	}
}

// compare holds the book against the model.
func (m *model) compare(b *Book) error {
	if len(b.byAddr) != len(m.facts) {
		return fmt.Errorf("%d addresses, the model has %d", len(b.byAddr), len(m.facts))
	}
	for a, f := range m.facts {
		e := b.byAddr[a]
		if e == nil {
			return fmt.Errorf("%v is missing", a)
		}
		got := fact{e.source, e.services, e.seen, e.success, e.attempt, e.counted, e.failures}
		if got != *f {
			return fmt.Errorf("%v: %+v, the model has %+v", a, got, *f)
		}
	}
	for place, a := range m.fresh {
		if e := b.fresh[place[0]].at[place[1]]; e == nil || e.addr != a {
			return fmt.Errorf("place %v of the new is not %v", place, a)
		}
	}
	for place, a := range m.tried {
		if e := b.tried[place[0]].at[place[1]]; e == nil || e.addr != a {
			return fmt.Errorf("place %v of the tried is not %v", place, a)
		}
	}
	var waiting []Addr
	for _, e := range b.pending {
		waiting = append(waiting, e.addr)
	}
	if !slices.Equal(waiting, m.waiting) {
		return fmt.Errorf("waiting %v, the model has %v", waiting, m.waiting)
	}
	return nil
}

// crowded returns addresses that have few buckets between them, so that things
// happen there.
func crowded(b *Book, n int) (list []Addr) {
	for i := 0; len(list) < n; i++ {
		a := node(ip4(byte(11+i%3), byte(i/3%2), i))
		place := b.triedBucket(&a)
		if b.position(kindTried, place, &a) < 4 {
			list = append(list, a)
		}
	}
	return list
}

func TestModel(t *testing.T) {
	steps := 6000
	if testing.Short() {
		steps = 1000
	}
	for seed := range uint64(3) {
		rng := rand.New(rand.NewPCG(seed, 1))
		b := New(Config{Seed: [32]byte{byte(seed)}})
		m := &model{fresh: map[[2]int]Addr{}, tried: map[[2]int]Addr{}, facts: map[Addr]*fact{}, lastGood: 1}
		pool := crowded(b, 300)
		now := noon
		for step := range steps {
			now = now.Add(time.Duration(rng.IntN(1200)) * time.Second)
			a := pool[rng.IntN(len(pool))]
			what := ""
			switch op := rng.IntN(20); {
			case op < 8:
				source := netip.AddrPortFrom(ip4(byte(11+rng.IntN(20)), 1, rng.IntN(5)), 7333)
				if rng.IntN(5) == 0 {
					source = a.AddrPort
				}
				penalty := time.Duration(rng.IntN(3)) * time.Hour
				at := now.Add(-time.Duration(rng.IntN(3*24*3600)) * time.Second)
				switch rng.IntN(20) {
				case 0:
					at = now.Add(-40 * 24 * time.Hour)
				case 1:
					at = now.Add(time.Hour)
				}
				got := b.Add([]Known{seen(a, at)}, source, penalty, now) == 1
				want := m.add(b, a, at.Unix(), source, seconds(penalty), now.Unix(), got)
				if what = "Add"; got != want {
					t.Fatalf("seed %d, step %d: Add said %v, the model %v", seed, step, got, want)
				}
			case op < 12:
				got, want := b.Good(a, now), m.good(b, a, now.Unix(), true)
				if what = "Good"; got != want {
					t.Fatalf("seed %d, step %d: Good said %v, the model %v", seed, step, got, want)
				}
			case op < 16:
				what = "Attempt"
				count := rng.IntN(4) > 0
				b.Attempt(a, count, now)
				if f := m.facts[a]; f != nil {
					f.attempt = now.Unix()
					if count && f.counted < m.lastGood {
						f.counted = now.Unix()
						f.failures++
					}
				}
			case op < 17:
				what = "Connected"
				b.Connected(a, now)
				if f := m.facts[a]; f != nil && f.seen < now.Unix()-20*60 {
					f.seen = now.Unix()
				}
			case op < 18:
				what = "ResolveCollisions"
				b.ResolveCollisions(now)
				m.resolve(b, now.Unix())
			case op < 19:
				what = "reading"
				if k, _, ok := b.Select(rng.IntN(2) == 0, now); ok && m.facts[k.Addr] == nil {
					t.Fatalf("seed %d, step %d: drawn what is not there", seed, step)
				}
				if k, _, ok := b.SelectCollision(); ok && !m.isTried(k.Addr) {
					t.Fatalf("seed %d, step %d: a rival that is not tried", seed, step)
				}
				for _, k := range b.Addresses(0, 50, "", now) {
					if f := m.facts[k.Addr]; f == nil || f.bad(now.Unix()) || f.seen != k.Seen.Unix() {
						t.Fatalf("seed %d, step %d: told of %v", seed, step, k)
					}
				}
			default:
				what = "reading it again"
				if rng.IntN(10) > 0 {
					continue // not too often, since what waits is not kept
				}
				next := New(Config{Seed: [32]byte{byte(step)}})
				if err := next.decode(b.encode()); err != nil {
					t.Fatal(err)
				}
				b = next
				m.waiting, m.lastGood = nil, 1
				for _, f := range m.facts {
					f.attempt, f.counted = 0, 0
				}
			}
			err := m.compare(b)
			if err == nil && step%10 == 0 {
				err = b.Check() // nothing besides
			}
			if err != nil {
				t.Fatalf("seed %d, step %d, after %s: %v", seed, step, what, err)
			}
		}
		if len(m.tried) < 20 || len(m.fresh) < 100 {
			t.Errorf("seed %d: %d tried, %d new places: nothing happened", seed, len(m.tried), len(m.fresh))
		}
	}
}
