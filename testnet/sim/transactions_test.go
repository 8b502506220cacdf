package sim

import (
	"testing"
	"time"

	"github.com/keelson-chain/keelson/wire"
)

// havePooled reports whether all running nodes have transactions in their pools.
func (w *World) havePooled(txs []*wire.Tx) bool {
	for _, n := range w.Nodes {
		for _, tx := range txs {
			if n.Running() && !n.Pool.Has(tx.TxID()) {
				return false
			}
		}
	}
	return true
}

// TestTransactions gives transactions to nodes here and there: they come into all
// pools, also into that of a node that was away, and a block of them needs nothing
// but its compact form.
func TestTransactions(t *testing.T) {
	n, count := size(10, 50, *nodes), size(200, 2000, 0)
	run(t, Config{Nodes: n, Dials: 4, Txs: count}, func(t *testing.T, w *World) {
		w.Until("connected", time.Minute, w.Connected)
		away := w.Nodes[n-1]
		w.Stop(away)
		txs := w.Txs(count)
		for _, tx := range txs {
			w.Give(w.Nodes[w.rand.IntN(n-1)], []*wire.Tx{tx})
			time.Sleep(10 * time.Millisecond)
		}
		took := w.Until("all transactions in all pools", time.Minute, func() bool { return w.havePooled(txs) })
		w.Start(away)
		late := w.Until("all transactions in the pool of the node that was away", time.Minute, func() bool { return w.havePooled(txs) })
		time.Sleep(10 * time.Second)
		before := w.received()
		origin := w.rand.IntN(n)
		b := w.Mine(w.Nodes[origin], txs...)
		time.Sleep(10 * time.Second)
		p := w.Propagation(b.Hash(), origin)
		t.Logf("%d transactions: in all pools %v after the last one; in that of a new node %v after its start; a block of them: %v",
			count, took.Round(time.Millisecond), late.Round(time.Millisecond), p)
		if p.Reached != n {
			t.Errorf("%d of %d nodes have the block", p.Reached, n)
		}
		if got := w.copies(before, b).Bytes["blocktxn"]; got > 0 {
			t.Errorf("nodes asked for %.0f bytes of transactions that they should have", got)
		}
		w.CheckCoins()
	})
}
