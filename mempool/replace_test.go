package mempool

import (
	"fmt"
	"testing"

	"github.com/keelson-chain/keelson/mempool/policy"
	"github.com/keelson-chain/keelson/wire"
)

// Each case starts from a replacement that is fine and breaks one rule.
func TestReplacement(t *testing.T) {
	w := newWorld(t, nil)
	coin, other := w.coin(0), w.coin(1)
	old := w.spend(10_000, 2, coin)
	w.add(old)
	child := w.child(old, 0, 30_000, 1)
	w.add(child)

	size := wire.Amount(w.spend(1, 2, coin).VSize())
	id := func(tx *wire.Tx) string { return tx.TxID().String() }

	low := w.spend(9_000, 2, coin)
	w.refused(low, fmt.Sprintf("insufficient fee, rejecting replacement %s; new feerate %v <= old feerate %v",
		id(low), policy.RateOf(9_000, low.VSize()), policy.RateOf(10_000, old.VSize())))
	low = w.spend(39_999, 2, coin)
	w.refused(low, fmt.Sprintf("insufficient fee, rejecting replacement %s, less fees than conflicting txs; 0.00039999 < 0.0004", id(low)))
	low = w.spend(40_000+size-1, 2, coin)
	w.refused(low, fmt.Sprintf("insufficient fee, rejecting replacement %s, not enough additional fees to relay; %s < %s",
		id(low), money(size-1), money(size)))

	unrelated := w.spend(5_000, 2, other)
	w.add(unrelated)
	mixed := w.spend(100_000, 2, coin, w.OutputsOf(unrelated)[1])
	w.refused(mixed, fmt.Sprintf("replacement-adds-unconfirmed, replacement %s adds unconfirmed input, idx 1", id(mixed)))
	inside := w.spend(100_000, 2, coin, w.OutputsOf(child)[0])
	w.refused(inside, fmt.Sprintf("bad-txns-spends-conflicting-tx, %s spends conflicting transaction %s", id(inside), id(old)))

	good := w.spend(40_000+size, 2, coin)
	w.add(good)
	w.holds(good, unrelated)
	if n := w.pool.Stats().Counts.Replaced; n != 2 {
		t.Errorf("%d counted as replaced, want 2", n)
	}
}

func TestTooManyReplaced(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Limits.DescendantCount, c.Limits.AncestorCount = 200, 200 })
	coin := w.coin(0)
	tx := w.spend(10_000, 101, coin)
	w.add(tx)
	for i := range 100 {
		w.add(w.child(tx, i, 1000, 1))
	}
	top := w.spend(10_000_000, 2, coin)
	w.refused(top, fmt.Sprintf("too many potential replacements, rejecting replacement %v; too many potential replacements (101 > 100)", top.TxID()))
}

// Without full RBF a transaction must say that it may be replaced.
func TestOptInReplacement(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.NoFullRBF = true })
	coin := w.coin(0)
	old := w.spend(1000, 2, coin)
	w.add(old)
	w.refused(w.spend(90_000, 2, coin), "txn-mempool-conflict")

	coin = w.coin(1)
	signals := w.spend(1000, 2, coin)
	signals.Inputs[0].Sequence = wire.SequenceFinal - 2
	w.add(signals.Clone())
	w.add(w.spend(90_000, 2, coin))
}

// A second child of a TRUC parent takes the place of the first if it pays for
// it.
func TestSiblingEviction(t *testing.T) {
	w := newWorld(t, nil)
	v3 := func(tx *wire.Tx) *wire.Tx {
		tx = tx.Clone()
		tx.Version = policy.TRUCVersion
		return tx
	}
	parent := v3(w.spend(1000, 2, w.coin(0)))
	first := v3(w.child(parent, 0, 1000, 1))
	w.add(parent, first)
	poor := v3(w.child(parent, 1, 1001, 1))
	w.refused(poor, fmt.Sprintf("insufficient fee (including sibling eviction), rejecting replacement %v, not enough additional fees to relay; 0.00000001 < %s",
		poor.TxID(), money(wire.Amount(poor.VSize()))))
	rich := v3(w.child(parent, 1, 5000, 1))
	w.add(rich)
	w.holds(parent, rich)

	old := w.child(rich, 0, 5000, 1)
	w.refused(old, fmt.Sprintf("TRUC-violation, non-version=3 tx %v (wtxid=%v) cannot spend from version=3 tx %v (wtxid=%v)",
		old.TxID(), old.WTxID(), rich.TxID(), rich.WTxID()))
}
