package sim

import (
	"context"
	"slices"
	"testing"
	"time"
)

// TestWorld: nodes find those that they dial, stay with them, and lose them when
// the network is cut, when they are stopped and when they are killed.
func TestWorld(t *testing.T) {
	run(t, Config{Nodes: size(10, 100, *nodes), Dials: 4, Crashes: true}, func(t *testing.T, w *World) {
		took := w.Until("connected", 10*time.Second, w.Connected)
		t.Logf("%d nodes connected after %v", len(w.Nodes), took)
		time.Sleep(10 * time.Minute)
		if !w.Connected() {
			t.Fatalf("connections were lost\n%s", w.state())
		}
		lonely := func(n *Node) func() bool { return func() bool { return len(n.Net.Peers()) == 0 } }
		first := w.Nodes[0]
		w.Partition(func(host int) int { return min(host, 1) })
		w.Until("host 0 alone", 5*time.Minute, lonely(first))
		w.Heal()
		w.Until("connected again", 5*time.Minute, w.Connected)

		b := w.Mine(first)
		w.Stop(first)
		w.Start(first)
		if first.Tip().Hash != b.Hash() {
			t.Errorf("the tip is %v after a stop, want %v", first.Tip().Hash, b.Hash())
		}
		w.Until("connected after a stop", 5*time.Minute, w.Connected)
		b = w.Mine(first)
		w.Kill(first)
		w.Start(first)
		if first.Tip().Hash != b.Hash() {
			t.Errorf("the tip is %v after a kill, want %v, which was synced", first.Tip().Hash, b.Hash())
		}
		w.Until("connected after a kill", 5*time.Minute, w.Connected)
		w.CheckCoins()
	})
}

// TestSeed: a seed makes the same hosts, topology, transactions and blocks again,
// and another one others.
func TestSeed(t *testing.T) {
	type world struct {
		addrs []string
		dials [][]int
		block string
	}
	build := func(seed uint64) (made world) {
		old := *seedFlag
		defer func() { *seedFlag = old }()
		*seedFlag = seed
		run(t, Config{Nodes: 4, Dials: 2, Txs: 3}, func(t *testing.T, w *World) {
			for _, n := range w.Nodes {
				made.addrs = append(made.addrs, n.Addr())
				made.dials = append(made.dials, n.Dials)
			}
			b := w.Mine(w.Nodes[w.rand.IntN(4)], w.Txs(3)...)
			made.block = b.Hash().String()
		})
		return made
	}
	equal := func(a, b world) bool {
		return slices.Equal(a.addrs, b.addrs) && slices.EqualFunc(a.dials, b.dials, slices.Equal[[]int]) && a.block == b.block
	}
	if a, b := build(7), build(7); !equal(a, b) {
		t.Errorf("seed 7 made %v and %v", a, b)
	}
	if a, b := build(7), build(8); slices.Equal(a.addrs, b.addrs) {
		t.Errorf("seeds 7 and 8 made the same hosts %v", a.addrs)
	}
}

// TestAddresses: hosts are in networks of their own, but for neighbours.
func TestAddresses(t *testing.T) {
	run(t, Config{Nodes: 12, Neighbours: 5}, func(t *testing.T, w *World) {
		groups := make(map[[2]byte]int)
		for _, n := range w.Nodes {
			if !n.ip.IsGlobalUnicast() || n.ip.IsPrivate() {
				t.Errorf("%v is not routable", n.ip)
			}
			b := n.ip.As4()
			groups[[2]byte{b[0], b[1]}]++
		}
		if len(groups) != 8 || groups[[2]byte{130, 7}] != 5 {
			t.Errorf("hosts by /16: %v, want 7 alone and 5 in one", groups)
		}
	})
}

// TestCosts: what a node computes takes it the time that it costs, one thing after
// the other.
func TestCosts(t *testing.T) {
	run(t, Config{Nodes: 1, Txs: 20, Costs: Costs{Block: time.Second, Input: time.Second, Sig: time.Minute, Slot: time.Hour}}, func(t *testing.T, w *World) {
		n := w.Nodes[0]
		txs := w.Txs(20)
		w.Give(n, txs[:15])
		started := time.Now()
		w.Mine(n, txs...)
		if got, want := time.Since(started), 21*time.Second+5*time.Minute+21*time.Hour; got != want {
			t.Errorf("a block took %v, want %v", got, want)
		}
		started = time.Now()
		done := make(chan struct{})
		for range 3 {
			go func() {
				n.compute(context.Background(), time.Second)
				done <- struct{}{}
			}()
		}
		for range 3 {
			<-done
		}
		if got := time.Since(started); got != 3*time.Second {
			t.Errorf("three things of a second took %v", got)
		}
	})
}

func TestPercentile(t *testing.T) {
	times := []time.Duration{1, 2, 3, 4, 5, 6, 7, 8, 9, 10}
	for percent, want := range map[int]time.Duration{0: 1, 5: 1, 10: 1, 11: 2, 50: 5, 95: 10, 100: 10} {
		if got := percentile(times, percent); got != want {
			t.Errorf("percentile %d is %v, want %v", percent, got, want)
		}
	}
	p := Propagation{Nodes: 20, Reached: 19, Done: times[:9]}
	if _, ok := p.Within(100); ok {
		t.Error("all nodes have a block that one lacks")
	}
	p = Propagation{Nodes: 10, Reached: 10, Done: times[:9]}
	if at, ok := p.Within(50); !ok || at != 4 {
		t.Errorf("half of the nodes, the first one among them, have it at %v, want 4", at)
	}
}
