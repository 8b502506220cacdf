package ledger

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/keelson-chain/keelson/wire"
)

// TestMovesSince compares what a reader that comes now and then is told with what
// one has seen that looks at every tip.
func TestMovesSince(t *testing.T) {
	for seed := range uint64(8) {
		r := rand.New(rand.NewPCG(seed, 82))
		s := newSpender(seed)
		s.MineN(3)
		l := newTest(t)
		add(t, l, s.Blocks()...)
		known := s.Blocks()
		at, departures := l.Tip().Tip, l.Departures()
		left := map[wire.BlockRef]bool{}
		passedSome := false
		for range 60 {
			before := l.Tip().Tip
			switch r.IntN(3) {
			case 0:
				hash := known[r.IntN(len(known))].Hash()
				if err := l.Precious(hash); err != nil {
					t.Fatal(err)
				}
			default:
				s.GotoHash(known[len(known)-1-r.IntN(min(3, len(known)))].Hash())
				b := s.Mine()
				known = append(known, b)
				add(t, l, b)
			}
			updates, err := l.UpdatesSince(before, 0)
			if err != nil {
				t.Fatal(err)
			}
			for _, u := range updates {
				if !u.Connected {
					left[u.Ref] = true
				}
			}
			if r.IntN(4) > 0 {
				continue
			}
			updates, passed, now, err := l.MovesSince(at, departures)
			if err != nil {
				t.Fatal(err)
			}
			if again, _ := l.UpdatesSince(at, 0); !slices.Equal(again, updates) {
				t.Fatalf("%v, want %v", updates, again)
			}
			for _, ref := range passed {
				if !left[ref] {
					t.Fatalf("%v has not left", ref)
				}
				if back, _ := l.UpdatesSince(ref, 1); len(back) == 0 || back[0].Connected {
					t.Fatalf("%v is active", ref)
				}
				delete(left, ref)
				passedSome = true
			}
			for ref := range left { // what is not told of is active, or below at
				back, _ := l.UpdatesSince(ref, 1)
				active := len(back) == 0 || back[0].Connected
				below, _ := l.Ancestor(at.Hash, ref.Height)
				if !active && below.Ref != ref {
					t.Fatalf("%v is not told of", ref)
				}
			}
			clear(left)
			at, departures = l.Tip().Tip, now
		}
		if !passedSome {
			t.Errorf("seed %d: no block came and went", seed)
		}
	}
}

// Only the last departures are remembered, in their order.
func TestDepartures(t *testing.T) {
	var d departures
	nodes := make([]node, 2*maxDepartures+7)
	for i := range nodes {
		d.add(&nodes[i])
	}
	list := d.since(0)
	if len(list) != maxDepartures || list[0] != &nodes[maxDepartures+7] || list[maxDepartures-1] != &nodes[len(nodes)-1] {
		t.Fatalf("%d departures", len(list))
	}
	if list = d.since(uint64(len(nodes)) - 2); len(list) != 2 || list[0] != &nodes[len(nodes)-2] {
		t.Fatalf("%d departures", len(list))
	}
	if list = d.since(uint64(len(nodes)) + 5); len(list) != 0 {
		t.Fatalf("%d departures", len(list))
	}
}
