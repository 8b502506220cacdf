package mempool

import (
	"slices"
	"testing"

	"github.com/keelson-chain/keelson/wire"
)

// TestSpenders: outputs that are spent, are not, and that nobody has.
func TestSpenders(t *testing.T) {
	w := newWorld(t, nil)
	parent := w.spend(1000, 2, w.coin(0))
	child := w.child(parent, 1, 1000, 1)
	w.add(parent, child)
	got := w.pool.Spenders([]wire.OutPoint{
		{TxID: parent.TxID(), Index: 1}, {TxID: parent.TxID()}, {Index: 7}, w.coin(0).OutPoint, {TxID: parent.TxID(), Index: 1},
	})
	if want := []wire.Hash{child.TxID(), {}, {}, parent.TxID(), child.TxID()}; !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
