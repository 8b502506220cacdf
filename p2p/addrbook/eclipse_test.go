package addrbook

import (
	"math"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"
)

// share returns which part of the places an attacker's addresses have, and how
// likely Select draws one of them from each table: every bucket that is not
// empty is as likely, and in it every start, from which the next address is
// taken.
func share(b *Book, attacker func(netip.Addr) bool) (newPlaces, triedPlaces int, newChance, triedChance float64) {
	count := func(table []bucket) (places int, chance float64) {
		buckets := 0
		for i := range table {
			hit := 0
			var taken []int
			for j, e := range table[i].at {
				if e != nil {
					taken = append(taken, j)
				}
			}
			if len(taken) == 0 {
				continue
			}
			buckets++
			last := taken[len(taken)-1] - bucketSize
			for _, j := range taken {
				if attacker(table[i].at[j].addr.AddrPort.Addr()) {
					places++
					hit += j - last
				}
				last = j
			}
			chance += float64(hit) / bucketSize
		}
		return places, chance / float64(max(buckets, 1))
	}
	newPlaces, newChance = count(b.fresh[:])
	triedPlaces, triedChance = count(b.tried[:])
	return newPlaces, triedPlaces, newChance, triedChance
}

func inGroup(group string) func(netip.Addr) bool {
	prefix := netip.MustParsePrefix(group)
	return func(a netip.Addr) bool { return Group(a) == prefix }
}

// All that one group says about itself has one bucket of the new: 64 of 65,536
// places. If it gets other groups to say it too, each of them opens one more.
func TestEclipseNewFromOneGroup(t *testing.T) {
	b := New(testConfig)
	for i := range 20_000 {
		add1(b, node(ip4(66, 6, i)), ip4(66, 6, i%1000), noon)
	}
	places, _, _, _ := share(b, inGroup("66.6.0.0/16"))
	if places == 0 || places > bucketSize {
		t.Errorf("%d places from one group", places)
	}
	const others = 10
	for source := range others {
		for i := range 20_000 {
			add1(b, node(ip4(66, 6, i)), ip4(80, byte(source), 1), noon)
		}
	}
	if places, _, _, _ = share(b, inGroup("66.6.0.0/16")); places > (others+1)*bucketSize {
		t.Errorf("%d places from %d groups", places, others+1)
	}
	mustCheck(t, b)
}

// Whatever one group says, of addresses anywhere, has 64 buckets: a sixteenth of
// the places.
func TestEclipseNewFromOneSource(t *testing.T) {
	b := New(testConfig)
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200_000 {
		add1(b, node(ip4(byte(11+rng.IntN(80)), byte(rng.Uint32()), rng.IntN(65536))), ip4(66, 6, rng.IntN(1000)), noon)
	}
	places, _, _, _ := share(b, func(netip.Addr) bool { return true })
	if limit := newPerSource * bucketSize; places > limit || places < limit*9/10 {
		t.Errorf("%d places, the limit is %d", places, limit)
	}
	mustCheck(t, b)
}

// Addresses of one group that all work have 8 buckets of the tried: 512 of 16,384
// places, and do not drive out others.
func TestEclipseTried(t *testing.T) {
	b := New(testConfig)
	honest := 0
	for i := range 300 {
		a := node(ip4(byte(11+i%50), byte(i), i))
		add1(b, a, ip4(byte(11+i%50), 1, 1), noon)
		if b.Good(a, noon) {
			honest++
		}
	}
	for i := range 40_000 {
		a := node(ip4(66, 6, i))
		add1(b, a, ip4(byte(11+i%80), byte(i), 1), noon)
		b.Good(a, noon)
		b.ResolveCollisions(noon)
	}
	_, places, _, _ := share(b, inGroup("66.6.0.0/16"))
	if limit := triedPerGroup * bucketSize; places > limit || places < limit*8/10 {
		t.Errorf("%d places, the limit is %d", places, limit)
	}
	if left := b.triedCount - places; left != honest {
		t.Errorf("%d of %d honest addresses are still tried", left, honest)
	}
	mustCheck(t, b)
}

// One honest peer told of 500 nodes all over; 1000 sybils of one /16 told of
// themselves, again and again. What is drawn follows the buckets, not the numbers,
// and of eight connections to different groups at most one is an attacker's.
func TestEclipseOutbound(t *testing.T) {
	for seed := range byte(5) {
		cfg := testConfig
		cfg.Seed[1] = seed
		b := New(cfg)
		attacker := inGroup("66.6.0.0/16")
		for i := range 500 {
			add1(b, node(ip4(byte(11+i%50), byte(i), i)), ip4(99, 1, 1), noon)
		}
		for i := range 10_000 {
			a := node(ip4(66, 6, i%1000))
			add1(b, a, a.AddrPort.Addr(), noon.Add(time.Duration(i)*time.Second))
		}
		mustCheck(t, b)
		places, _, chance, _ := share(b, attacker)
		if places == 0 || chance == 0 || chance > 1.0/50 {
			t.Errorf("seed %d: %d places, chance %.4f: one of some 65 buckets was expected", seed, places, chance)
		}

		const draws = 20_000
		hits := 0
		for range draws {
			if k, _, _ := b.Select(true, noon.Add(time.Hour)); attacker(k.AddrPort.Addr()) {
				hits++
			}
		}
		sigma := math.Sqrt(draws * chance * (1 - chance))
		if got := float64(hits); math.Abs(got-draws*chance) > 5*sigma {
			t.Errorf("seed %d: drawn %d times of %d, expected %.0f, sigma %.1f", seed, hits, draws, draws*chance, sigma)
		}

		const rounds = 500
		caught := 0
		for range rounds {
			groups := map[netip.Prefix]bool{}
			for len(groups) < 8 {
				k, _, _ := b.Select(false, noon.Add(time.Hour))
				groups[Group(k.AddrPort.Addr())] = true
			}
			if groups[netip.MustParsePrefix("66.6.0.0/16")] {
				caught++
			}
		}
		want := rounds * (1 - math.Pow(1-chance, 8))
		if math.Abs(float64(caught)-want) > 5*math.Sqrt(want)+1 {
			t.Errorf("seed %d: %d of %d nodes have a connection to the attacker, expected %.1f", seed, caught, rounds, want)
		}
	}
}
