package p2p

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
)

func newRand(seed uint64) *rand.Rand { return rand.New(rand.NewPCG(seed, 1)) }

func TestLinks(t *testing.T) {
	var l links
	says := func(what string, list []change, want ...change) {
		t.Helper()
		if !slices.Equal(list, want) {
			t.Errorf("%s: %v, want %v", what, list, want)
		}
	}
	says("a caller", l.add(0, false))
	for i := range int64(4) {
		says("somebody that we call", l.add(1+i, true), change{1 + i, true})
	}
	says("a fifth", l.add(6, true))
	if !l.trusted(1) || l.trusted(6) || l.trusted(0) || l.trusted(99) {
		t.Error("those that we chose are trusted, and others not")
	}
	says("1 was first", l.brought(1))
	says("6 was first, and takes the place of 2", l.brought(6), change{2, false}, change{6, true})
	says("a caller was first", l.brought(0))
	if !l.trusted(0) || !l.trusted(2) {
		t.Error("who has brought a block is trusted, and who has done nothing wrong")
	}
	says("3 sent nonsense, so 2 comes back", l.failed(3), change{3, false}, change{2, true})
	if l.trusted(3) {
		t.Error("who sent nonsense is trusted")
	}
	says("2 has left; there is nobody else", l.remove(2))
	says("3 has come back with a block", l.brought(3), change{3, true})
	says("unknown", append(append(l.remove(77), l.brought(77)...), l.failed(77)...))
	l.asked(77, true)

	targets := func(own bool) string {
		list := l.targets(own)
		slices.Sort(list)
		return fmt.Sprint(list)
	}
	if got, want := targets(false), "[1 3 4 6]"; got != want {
		t.Errorf("nobody asked us: pushes to %s, want %s", got, want)
	}
	l.asked(0, true)
	l.asked(0, true)
	l.asked(4, true)
	if got, want := targets(false), "[0 4]"; got != want {
		t.Errorf("two asked us: pushes to %s, want %s", got, want)
	}
	if got, want := targets(true), "[0 1 3 4 6]"; got != want {
		t.Errorf("a block of our own: pushes to %s, want %s", got, want)
	}
	l.asked(4, false)
	for i := range int64(20) {
		l.add(100+i, false)
		l.asked(100+i, true)
	}
	if got := l.targets(false); len(got) != maxPushTo {
		t.Errorf("21 asked us: pushes to %d, want %d", len(got), maxPushTo)
	}
	l.remove(0)
	l.asked(119, true)
	if !l.asksUs(119) || l.asksUs(118) || l.isFrom(119) || !l.isFrom(1) {
		t.Error("who leaves makes room for one")
	}
}

// TestLinksSums: the counts that links keeps are those of its peers, whatever
// happens.
func TestLinksSums(t *testing.T) {
	for seed := range uint64(100) {
		r := newRand(seed)
		var l links
		told := map[int64]bool{}
		for range 300 {
			peer := r.Int64N(12)
			var list []change
			switch r.IntN(6) {
			case 0:
				if l.peers[peer] == nil {
					list = l.add(peer, r.IntN(2) == 0)
				}
			case 1:
				list = l.remove(peer)
				delete(told, peer)
			case 2:
				l.asked(peer, r.IntN(3) > 0)
			case 3:
				list = l.brought(peer)
			case 4:
				list = l.failed(peer)
			}
			for _, c := range list {
				if told[c.peer] == c.on {
					t.Fatalf("seed %d: %d is told %v twice", seed, c.peer, c.on)
				}
				told[c.peer] = c.on
			}
			from, to := 0, 0
			for id, p := range l.peers {
				if p.from {
					from++
				}
				if p.to {
					to++
				}
				if p.from != told[id] || p.from != slices.Contains(l.from, id) {
					t.Fatalf("seed %d: %d is asked: %v, told %v, listed %v", seed, id, p.from, told[id], l.from)
				}
			}
			if from != len(l.from) || from > maxPushFrom || to != l.to || to > maxPushTo {
				t.Fatalf("seed %d: %d of %v, %d of %d", seed, from, l.from, to, l.to)
			}
		}
	}
}
