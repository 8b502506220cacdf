package sim

import (
	"fmt"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/p2p"
)

// TestPropagation measures how blocks spread: 95 of 100 nodes shall have a block
// of transactions that they know validated within 350 ms, and within 900 ms if a
// tenth of them is known to none but the block's miner, and receive fewer than 6
// copies of it in the mean. Time counts from when the miner's own node has validated it.
func TestPropagation(t *testing.T) {
	shares := []float64{0, 0.1}
	if *unknown >= 0 {
		shares = []float64{*unknown}
	}
	for _, share := range shares {
		aim := 350 * time.Millisecond
		if share > 0 {
			aim = 900 * time.Millisecond
		}
		t.Run(fmt.Sprintf("unknown %v", share), func(t *testing.T) { propagation(t, share, aim) })
	}
}

func propagation(t *testing.T, unknown float64, aim time.Duration) {
	n, perBlock, blocks := size(20, 100, *nodes), size(800, 9000, *txs), size(2, 3, *measured)
	run(t, Config{
		Nodes: n, Dials: 8, Txs: blocks * perBlock,
		// The transactions are handed to the pools, and not talked about.
		Before: func(n *Node) { n.Change = func(c *p2p.Config) { c.BlocksOnly = true } },
	}, func(t *testing.T, w *World) {
		w.Until("connected", time.Minute, w.Connected)
		// Who pushes blocks to whom follows from who was first before.
		for range 5 {
			w.Mine(w.Nodes[w.rand.IntN(n)])
			time.Sleep(5 * time.Second)
		}
		for range blocks {
			txs := w.Txs(perBlock)
			known := txs[int(unknown*float64(perBlock)):]
			w.each(func(n *Node) { w.Give(n, known) })
			before := w.received()
			origin := w.rand.IntN(n)
			b := w.Mine(w.Nodes[origin], txs...)
			time.Sleep(20 * time.Second)
			p := w.Propagation(b.Hash(), origin)
			copies := w.copies(before, b)
			t.Logf("%d bytes, %d transactions: %v; copies: %v", b.Size(), len(b.Txs), p, copies)
			switch at, ok := p.Within(95); {
			case !ok:
				t.Errorf("%d of %d nodes have the block\n%s", p.Reached, p.Nodes, w.state())
			case at > aim:
				t.Errorf("95 %% of the nodes have the block after %v, want %v", at, aim)
			}
			if copies.Mean >= 6 {
				t.Errorf("a node received %.1f copies of the block in the mean, want fewer than 6", copies.Mean)
			}
		}
		w.CheckCoins()
	})
}
