package p2p

import (
	"testing"

	"github.com/keelson-chain/keelson/wire"
)

func TestExtraPool(t *testing.T) {
	tx := func(n, size int) *wire.Tx {
		return &wire.Tx{Version: 2, LockTime: uint32(n), Inputs: make([]wire.TxIn, 1), Outputs: []wire.TxOut{{PkScript: make([]byte, size)}}}
	}
	var e extraPool
	holds := func(tx *wire.Tx) (found bool) {
		e.each(func(wtxid *wire.Hash, _ []byte) { found = found || *wtxid == tx.WTxID() })
		return found
	}
	for n := range extraTxs + 1 {
		e.add(tx(n, 10))
	}
	if holds(tx(0, 10)) || !holds(tx(1, 10)) || !holds(tx(extraTxs, 10)) || len(e.txs) != extraTxs {
		t.Errorf("%d transactions, or the wrong ones", len(e.txs))
	}
	e.add(tx(0, maxExtraTx))
	if holds(tx(0, maxExtraTx)) {
		t.Error("it takes what is too large")
	}
	for n := range extraTxs {
		e.add(tx(n, maxExtraTx-100))
	}
	sum := 0
	e.each(func(_ *wire.Hash, raw []byte) { sum += len(raw) })
	if sum != e.bytes || sum > maxExtra || sum < maxExtra-maxExtraTx || !holds(tx(extraTxs-1, maxExtraTx-100)) {
		t.Errorf("%d bytes, counted as %d, of at most %d", sum, e.bytes, maxExtra)
	}
}
