package mempool

import (
	"fmt"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/wire"
)

// orphanTx spends outputs of a transaction that is named by a number.
func orphanTx(parent byte, outs ...uint32) *wire.Tx {
	tx := &wire.Tx{Version: 2, Outputs: []wire.TxOut{{Value: 1, PkScript: []byte{0x51}}, {Value: 2, PkScript: []byte{0x51}}}}
	for _, i := range outs {
		tx.Inputs = append(tx.Inputs, wire.TxIn{PrevOut: wire.OutPoint{TxID: wire.Hash{parent}, Index: i}})
	}
	return tx
}

func (o *Orphans) consistent(t *testing.T) {
	t.Helper()
	links := 0
	for i, e := range o.list {
		if e.place != i || o.byWTxID[e.tx.WTxID()] != e {
			t.Fatal("list and index disagree")
		}
		links += len(e.tx.Inputs)
	}
	for _, set := range o.spend {
		links -= len(set)
	}
	if links != 0 || len(o.byWTxID) != len(o.list) {
		t.Fatalf("%d links too many", -links)
	}
}

func TestOrphans(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	o := NewOrphans(10, func() time.Time { return now })
	parent := orphanTx(1, 0)
	child := func(outs ...uint32) *wire.Tx {
		tx := orphanTx(0, outs...)
		for i := range tx.Inputs {
			tx.Inputs[i].PrevOut.TxID = parent.TxID()
		}
		return tx
	}
	a, b, c := child(0), child(0, 1), orphanTx(9, 0)
	for i, tx := range []*wire.Tx{a, b, c} {
		if !o.Add(tx, fmt.Sprint(i%2)) || o.Add(tx, "again") || !o.Has(tx.WTxID()) {
			t.Errorf("transaction %d is not kept once", i)
		}
	}
	o.consistent(t)
	if got := o.Children(parent); len(got) != 2 || got[0].Tx != b || got[1].Tx != a || got[0].From != "1" || o.Len() != 3 {
		t.Errorf("%d children, %d transactions", len(got), o.Len())
	}
	if got := o.TakeChildren(parent); len(got) != 2 || got[0].Tx != a || got[1].Tx != b || got[0].From != "0" || o.Len() != 1 {
		t.Errorf("%d children, %d left", len(got), o.Len())
	}
	o.Add(a, "x")
	o.Add(b, "y")
	o.RemoveFrom("x")
	if o.Has(a.WTxID()) || !o.Has(b.WTxID()) {
		t.Error("who left is not forgotten, or somebody else is")
	}
	o.RemoveFor(&wire.Block{Txs: []*wire.Tx{orphanTx(9, 0)}})
	if o.Has(c.WTxID()) {
		t.Error("what a block spends is kept")
	}
	o.Remove(c.WTxID())
	if o.Remove(b.WTxID()); o.Len() != 0 || len(o.Children(parent)) != 0 {
		t.Error("what is removed is kept")
	}
	o.consistent(t)

	// Bounds: number, size, time.
	for i := range 30 {
		o.Add(orphanTx(byte(i), 1, 2, 3), "z")
		o.consistent(t)
		if o.Len() > 10 {
			t.Fatal("more than the bound")
		}
	}
	now = now.Add(orphanExpiry)
	big := orphanTx(77, 0)
	big.Outputs[0].PkScript = make([]byte, maxOrphanWeight/4)
	if o.Add(big, "z") {
		t.Error("one that is too large is kept")
	}
	late := orphanTx(88, 0)
	if !o.Add(late, "z") || o.Len() != 1 {
		t.Errorf("%d wait after all others have expired", o.Len())
	}
	if NewOrphans(0, time.Now).Add(late, "z") {
		t.Error("a set of none keeps one")
	}
}
