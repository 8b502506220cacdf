package sim

import (
	"slices"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/wire"
)

// TestPartition cuts the network in two, lets both sides go on, and joins them:
// all take the longer chain, and what only the losing side had mined waits in
// the pools again or is mined.
func TestPartition(t *testing.T) {
	n, blocks := size(10, 40, *nodes), size(6, 30, 0)
	const perBlock = 20
	// Each side is a ring at least, so that it is not cut in pieces itself.
	ring := func(node *Node) {
		first, next := node.Number < n/2, node.Number+1
		switch {
		case first && next == n/2:
			next = 0
		case next == n:
			next = n / 2
		}
		if !slices.Contains(node.Dials, next) {
			node.Dials[0] = next
		}
	}
	run(t, Config{Nodes: n, Dials: 4, Txs: 2 * blocks * perBlock, Before: ring}, func(t *testing.T, w *World) {
		w.Until("connected", time.Minute, w.Connected)
		// The losing side has the first hosts, and one block less.
		w.Partition(func(host int) int { return min(host/(n/2), 1) })
		sides := [][]*Node{w.Nodes[:n/2], w.Nodes[n/2:]}
		var lost []*wire.Tx
		for i := range blocks {
			for side, members := range sides {
				if i == blocks-1 && side == 0 {
					continue
				}
				txs := w.Txs(perBlock)
				miner := members[w.rand.IntN(len(members))]
				w.Give(miner, txs)
				b := w.Mine(miner, txs...)
				if side == 0 {
					lost = append(lost, txs...)
				}
				w.Until("one tip on a side", time.Minute, func() bool { return w.At(b.Hash(), members...) })
			}
			time.Sleep(10 * time.Second)
		}
		if w.Agree() {
			t.Fatal("both sides have one tip: they were not apart")
		}
		tip := sides[1][0].Tip().Hash
		w.Heal()
		took := w.Until("one tip everywhere", 3*time.Minute, func() bool { return w.At(tip, w.Nodes...) })
		t.Logf("%d nodes, %d blocks a side: one tip %v after the sides met", n, blocks, took.Round(time.Millisecond))
		// Nodes of the losing side had the transactions in their own chain, so they
		// have them in the pool again.
		for _, n := range sides[0] {
			for _, tx := range lost {
				if !n.Pool.Has(tx.TxID()) {
					t.Errorf("host %d lost the transaction %v", n.Number, tx.TxID())
					break
				}
			}
		}
		if took := w.Until("all pools have what the losing side had mined", 10*time.Minute, func() bool { return w.havePooled(lost) }); took > 0 {
			t.Logf("%d transactions of the losing side were in all pools %v later", len(lost), took.Round(time.Millisecond))
		}
		w.CheckCoins()
	})
}

// TestReorganisation lets a node mine a long chain on its own, which all others
// take in place of theirs when it returns.
func TestReorganisation(t *testing.T) {
	n, depth := size(8, 30, *nodes), size(40, 150, 0)
	const perBlock = 10
	run(t, Config{Nodes: n, Dials: 4, Txs: 2 * (depth + 1) * perBlock}, func(t *testing.T, w *World) {
		w.Until("connected", time.Minute, w.Connected)
		w.Partition(func(host int) int { return min(host, 1) })
		alone, others := w.Nodes[0], w.Nodes[1:]
		for range depth {
			b := w.Mine(others[w.rand.IntN(len(others))], w.Txs(perBlock)...)
			w.Mine(alone, w.Txs(perBlock)...)
			w.Until("one tip among the others", time.Minute, func() bool { return w.At(b.Hash(), others...) })
			time.Sleep(5 * time.Second)
		}
		last := w.Mine(alone, w.Txs(perBlock)...)
		w.Heal()
		took := w.Until("the longer chain everywhere", 5*time.Minute, func() bool { return w.At(last.Hash(), w.Nodes...) })
		t.Logf("%d nodes left %d blocks for %d others %v after the two met", n-1, depth, depth+1, took.Round(time.Millisecond))
		w.CheckCoins()
		for _, n := range others {
			if got := n.Ledger.Counters().Reorganisations; got == 0 {
				t.Errorf("host %d made no reorganisation", n.Number)
			}
			// What the branches left behind had mined is valid on the new one.
			if got, want := n.Pool.Stats().Count, depth*perBlock; got != want {
				t.Errorf("the pool of host %d has %d transactions, want the %d that are mined no more", n.Number, got, want)
			}
		}
	})
}
