package p2p

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/wire"
)

// moment is what a node is taken back to.
type moment struct {
	tree ledger.Checkpoint
	pool []byte
}

func (n *testNode) moment() moment {
	n.t.Helper()
	pool, _, err := n.pool.Dump()
	if err != nil {
		n.t.Fatal(err)
	}
	return moment{n.ledger.Checkpoint(), pool}
}

// restore takes a node back and then, while it is still alone, does what else is to
// be done: as soon as it is not, the others call it by themselves, and tell it anew
// what they know.
func (n *testNode) restore(m moment, alone func()) {
	n.t.Helper()
	err := n.Restart(n.t.Context(), func() error {
		if err := n.pool.Restore(m.pool, func() error { return n.ledger.Restore(n.t.Context(), m.tree) }); err != nil {
			return err
		}
		if peers := n.Peers(); len(peers) > 0 {
			return fmt.Errorf("%d peers behind a restart", len(peers))
		}
		alone()
		return nil
	})
	if err != nil {
		n.t.Error(err)
	}
}

// TestRestart takes two linked nodes back to an earlier state, again and again. They
// have no word of what they have forgotten, and the same blocks and transactions pass between
// them anew, also those that one of them had refused.
func TestRestart(t *testing.T) {
	w := newWorld(t)
	txs := w.txs(4)
	nodes := w.start(2, quick)
	nodes[0].call(nodes[1])
	nodes[0].give(txs[0])
	nodes[1].has(txs[0])
	start := []moment{nodes[0].moment(), nodes[1].moment()}
	w.Mark("start")
	tip := w.Tip()
	first := w.Mine(txs[0], txs[1])
	second := w.Mine(txs[2])
	w.Goto("start")
	w.Step++
	side := w.MineN(3)
	for round := range 3 {
		nodes[0].give(txs[1:3]...)
		nodes[1].has(txs[1:3]...)
		nodes[0].submit(first)
		nodes[1].reaches(first)
		nodes[1].submit(second)
		nodes[0].reaches(second)
		nodes[0].give(txs[3])
		nodes[1].has(txs[3])
		for _, b := range side { // a reorganisation
			nodes[0].submit(b)
		}
		nodes[1].reaches(side[2])
		nodes[0].has(txs...)
		nodes[1].has(txs...)
		counted := nodes[1].Stats().Txs.Accepted

		nodes[0].restore(start[0], func() { nodes[1].restore(start[1], func() {}) })
		if t.Failed() {
			return
		}
		for i, n := range nodes {
			if got := n.ledger.Tip().Tip.Hash; got != tip.Hash() {
				t.Fatalf("round %d: node %d stands at %v", round, i, got)
			}
			if ids, _ := n.pool.TxIDs(); len(ids) != 1 || !n.pool.Has(txs[0].TxID()) {
				t.Fatalf("round %d: node %d has %d transactions", round, i, len(ids))
			}
			if got := len(n.ledger.Tips()); got != 1 {
				t.Fatalf("round %d: node %d knows %d branches", round, i, got)
			}
		}
		if got := nodes[1].Stats().Txs.Accepted; got != counted {
			t.Errorf("the counters have gone from %d to %d", counted, got)
		}
		nodes[round%2].call(nodes[1-round%2])
	}
}

// While a node is taken back nobody can connect, and nothing of a peer is on its way.
func TestRestartAlone(t *testing.T) {
	w := newWorld(t)
	nodes := w.start(2, quick)
	n, o := nodes[0], nodes[1]
	n.call(o)
	wrong := errors.New("wrong")
	err := n.Restart(t.Context(), func() error {
		if peers := n.Peers(); len(peers) > 0 {
			t.Errorf("%d peers", len(peers))
		}
		o.Host().OneTry(t.Context(), n.addr())
		n.Host().OneTry(t.Context(), o.addr())
		if peers := n.Peers(); len(peers) > 0 {
			t.Errorf("%d peers", len(peers))
		}
		if !n.Local().Active {
			t.Error("the network counts as switched off")
		}
		return wrong
	})
	if !errors.Is(err, wrong) {
		t.Errorf("%v", err)
	}
	n.call(o)
	b := w.Mine()
	o.submit(b)
	n.reaches(b)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	n.stop()
	move := func() error { t.Error("moved"); return nil }
	if err := n.Restart(ctx, move); err == nil {
		t.Error("restarted after the end")
	}
	if err := n.Restart(t.Context(), move); !errors.Is(err, errEnded) {
		t.Errorf("after the end: %v", err)
	}
}

// What one node was refused for is forgotten: a transaction that was invalid at
// another tip, and one that waited for its parent.
func TestRestartForgets(t *testing.T) {
	w := newWorld(t)
	parent := w.txs(1)[0]
	chain := append([]*wire.Tx{parent}, w.chainOf(1, w.OutputsOf(parent)[0])...)
	nodes := w.start(2, quick)
	n, o := nodes[0], nodes[1]
	was := n.moment()
	n.call(o)
	o.give(chain...)
	n.has(chain...)
	txs := n.talk().txs
	txs.mu.Lock()
	id := chain[1].WTxID()
	txs.rejects.add(&id)
	txs.mu.Unlock()
	txs.orphans.Add(chain[1], "1")
	o.SetActive(false) // or it calls at once, and tells of them again
	n.restore(was, func() {})
	if n.talk().txs == txs || n.talk().txs.orphans.Len() > 0 {
		t.Fatal("orphans are remembered")
	}
	o.SetActive(true)
	n.call(o)
	n.has(chain...)
}
