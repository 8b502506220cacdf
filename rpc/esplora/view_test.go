package esplora

import (
	"testing"

	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/wire"
)

// TestTxMoves follows a transaction from the pool into a block.
func TestTxMoves(t *testing.T) {
	n := startTestNode(t, 2, nil)
	out := n.chain.Out(chaingen.P2TR, 3, 7*wire.Coin)
	tx := n.pay(0, out, n.chain.Out(chaingen.P2WPKH, 1, 42*wire.Coin))
	n.send(tx)
	got, err := n.Tx(t.Context(), tx.TxID())
	if err != nil {
		t.Fatal(err)
	}
	coin := n.chain.Mature()[0]
	if got.Status.Confirmed || got.Fee != wire.Coin || got.Vin[0].Prevout.Value != coin.Coin.Out.Value {
		t.Errorf("in the pool: %+v", got)
	}
	if stats, err := n.PoolStats(t.Context()); err != nil || stats.Count != 1 || stats.Fees != wire.Coin || len(stats.Histogram) != 1 {
		t.Errorf("pool: %+v, %v", stats, err)
	}
	b := n.mine(tx)
	mined, err := n.Tx(t.Context(), tx.TxID())
	if err != nil {
		t.Fatal(err)
	}
	if s := mined.Status; !s.Confirmed || s.Block.Hash != b.Hash() || mined.Index != 1 {
		t.Errorf("mined: %+v", mined)
	}
	if mined.Fee != got.Fee || *mined.Vin[0].Prevout.ptr() != *got.Vin[0].Prevout.ptr() {
		t.Errorf("mined it pays %v for %+v", mined.Fee, mined.Vin[0].Prevout)
	}
	if stats, err := n.PoolStats(t.Context()); err != nil || stats.Count != 0 || len(stats.Histogram) != 0 {
		t.Errorf("pool after the block: %+v, %v", stats, err)
	}
}

type flat struct {
	script, asm, kind, address string
	value                      wire.Amount
}

func (o *Vout) ptr() *flat { return &flat{o.PkScript.String(), o.Asm, o.Type, o.Address, o.Value} }
