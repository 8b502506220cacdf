package sim

import (
	"testing"
	"time"
)

// TestSkew gives the nodes clocks that are up to an hour wrong, which no rule
// forbids, and one a clock that is three hours behind: all blocks are ahead of
// what it can take, and it comes after the others as its clock goes on, with
// nobody punished.
func TestSkew(t *testing.T) {
	n := size(10, 40, *nodes)
	const late = 3 * time.Hour
	run(t, Config{Nodes: n, Dials: 4, Txs: 1, Before: func(n *Node) {
		n.Skew = time.Duration(n.world.rand.IntN(7200)-3600) * time.Second
		if n.Number == 0 {
			n.Skew = -late
		}
	}}, func(t *testing.T, w *World) {
		w.Until("connected", time.Minute, w.Connected)
		behind, others := w.Nodes[0], w.Nodes[1:]
		// The base chain is a minute old. The limit is two hours.
		var tip [32]byte
		for range 8 {
			b := w.Mine(others[w.rand.IntN(len(others))])
			tip = b.Hash()
			w.Until("one tip among the others", time.Minute, func() bool { return w.At(b.Hash(), others...) })
			time.Sleep(5 * time.Second)
		}
		if behind.Tip().Hash == tip {
			t.Fatal("a node took blocks that are three hours ahead of its clock")
		}
		w.Until("the late node at the tip", 2*late, func() bool {
			time.Sleep(time.Minute)
			return w.Agree()
		})
		for _, n := range w.Nodes {
			if bans := n.Net.Bans(); len(bans) > 0 {
				t.Errorf("host %d has banned %v", n.Number, bans)
			}
		}
		w.CheckCoins()
	})
}

// TestChurn kills nodes, stops them in order and starts them again at random,
// while blocks are mined: in the end all agree.
func TestChurn(t *testing.T) {
	n, rounds := size(10, 40, *nodes), size(25, 150, 0)
	const perBlock = 5
	run(t, Config{Nodes: n, Dials: 4, Crashes: true, Txs: rounds * perBlock}, func(t *testing.T, w *World) {
		w.Until("connected", time.Minute, w.Connected)
		running := func(want bool) (list []*Node) {
			for _, n := range w.Nodes {
				if n.Running() == want {
					list = append(list, n)
				}
			}
			return list
		}
		var kills, stops, starts int
		for range rounds {
			up, down := running(true), running(false)
			switch roll := w.rand.IntN(10); {
			case len(up) > n/2 && roll < 3:
				w.Kill(up[w.rand.IntN(len(up))])
				kills++
			case len(up) > n/2 && roll < 5:
				w.Stop(up[w.rand.IntN(len(up))])
				stops++
			case len(down) > 0:
				w.Start(down[w.rand.IntN(len(down))])
				starts++
			}
			up = running(true)
			miner := up[w.rand.IntN(len(up))]
			txs := w.Txs(perBlock)
			w.Give(miner, txs)
			w.Mine(miner, txs...)
			time.Sleep(time.Duration(1+w.rand.IntN(20)) * time.Second)
		}
		for _, n := range running(false) {
			w.Start(n)
		}
		w.Until("connected", 5*time.Minute, w.Connected)
		w.Mine(w.Nodes[0])
		took := w.Until("one tip", 3*time.Minute, w.Agree)
		t.Logf("%d blocks, %d kills, %d stops, %d starts; height %d, one tip %v after the last block",
			rounds, kills, stops, starts, w.Nodes[0].Tip().Height, took.Round(time.Millisecond))
		w.CheckCoins()
	})
}
