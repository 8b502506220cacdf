package mempool

import (
	"fmt"
	"testing"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/wire"
)

// chain adds a chain of n transactions.
func (w *world) chain(n int, coin consensus.OutCoin) []*wire.Tx {
	w.t.Helper()
	txs := []*wire.Tx{w.spend(10_000, 2, coin)}
	for len(txs) < n {
		txs = append(txs, w.child(txs[len(txs)-1], 0, 10_000, 2))
	}
	for i, tx := range txs {
		if err := w.pool.Add(w.t.Context(), tx, AddOptions{}); err != nil {
			w.t.Fatalf("transaction %d of a chain: %v", i, err)
		}
	}
	w.check()
	return txs
}

func TestChainLimits(t *testing.T) {
	w := newWorld(t, nil)
	txs := w.chain(25, w.coin(0))
	w.refused(w.child(txs[24], 0, 10_000, 1), "too-long-mempool-chain, too many unconfirmed ancestors [limit: 25]")
	// The first has as many descendants as allowed, so its child is one too
	// many; the carve-out allows it if that is small and has no other ancestor.
	w.refused(w.child(txs[1], 1, 10_000, 1), fmt.Sprintf("too-long-mempool-chain, too many descendants for tx %v [limit: 25]", txs[0].TxID()))
	bump := w.child(txs[0], 1, 10_000, 2)
	w.add(bump)
	w.refused(w.child(bump, 0, 10_000, 1), fmt.Sprintf("too-long-mempool-chain, too many descendants for tx %v [limit: 25]", txs[0].TxID()))

	var coins []consensus.OutCoin
	for i := range 25 {
		parent := w.spend(10_000, 1, w.coin(1+i))
		w.add(parent)
		coins = append(coins, w.OutputsOf(parent)[0])
	}
	w.refused(w.spend(10_000, 1, coins...), "too-long-mempool-chain, too many unconfirmed parents [limit: 25]")
	w.add(w.spend(10_000, 1, coins[:24]...))
}

func TestSizeLimits(t *testing.T) {
	big := func(w *world, tx *wire.Tx, size int) *wire.Tx {
		tx = tx.Clone()
		tx.Outputs = append(tx.Outputs, wire.TxOut{PkScript: make([]byte, size)})
		tx.Outputs[len(tx.Outputs)-1].PkScript[0] = 0x6a
		return tx
	}
	t.Run("ancestors", func(t *testing.T) {
		w := newWorld(t, func(c *Config) { c.Limits.AncestorSize = 30_000 })
		a := big(w, w.spend(100_000, 2, w.coin(0)), 15_000)
		w.add(a)
		w.refused(big(w, w.child(a, 0, 100_000, 1), 15_000), "too-long-mempool-chain, exceeds ancestor size limit [limit: 30000]")
		w.add(big(w, w.child(a, 0, 100_000, 1), 14_700))
	})
	t.Run("descendants", func(t *testing.T) {
		w := newWorld(t, func(c *Config) { c.Limits.DescendantSize = 30_000 })
		a := big(w, w.spend(100_000, 2, w.coin(0)), 15_000)
		w.add(a)
		w.refused(big(w, w.child(a, 0, 100_000, 1), 15_000),
			fmt.Sprintf("too-long-mempool-chain, exceeds descendant size limit for tx %v [limit: 30000]", a.TxID()))
		w.add(big(w, w.child(a, 0, 100_000, 1), 14_700))
	})
}

// The descendants of the only conflict make room for the replacement.
func TestLimitsOfReplacement(t *testing.T) {
	w := newWorld(t, nil)
	txs := w.chain(25, w.coin(0))
	// In the place of the last: the first would have 26 otherwise.
	w.add(w.child(txs[23], 0, 90_000, 2))
	if n := w.pool.Stats().Count; n != 25 {
		t.Errorf("%d transactions, want 25", n)
	}
}
