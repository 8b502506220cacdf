package esplora

import (
	"fmt"
	"testing"

	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/wire"
)

// BenchmarkRoutes measures answers without the network: a transaction and an address
// of a chain with blocks of 200 payments, and a pool of 1,000.
func BenchmarkRoutes(b *testing.B) {
	const blocks, each, pool = 30, 200, 1_000
	n := startTestNode(b, 2, nil)
	pay := func(count int) (split *wire.Tx, txs []*wire.Tx) {
		outs := make([]wire.TxOut, count)
		for i := range outs {
			outs[i] = n.chain.Out(chaingen.Anyone, 0, 20_000)
		}
		split = n.pay(0, append(outs, n.chain.Out(chaingen.P2WPKH, 0, wire.Coin))...)
		for i, coin := range n.chain.OutputsOf(split)[:count] {
			txs = append(txs, n.chain.Spend(append(n.chain.OutputsOf(split)[:0:0], coin), n.chain.Out(chaingen.P2TR, i%50, 10_000)))
		}
		return split, txs
	}
	var some *wire.Tx
	for range blocks {
		split, txs := pay(each)
		n.mine(append([]*wire.Tx{split}, txs...)...)
		some = txs[each/2]
	}
	split, txs := pay(pool)
	n.mine(split)
	n.send(txs...)
	address := "/address/" + n.addressOf(some.Outputs[0].PkScript)
	for _, path := range []string{
		"/tx/" + some.TxID().String(), "/tx/" + some.TxID().String() + "/outspends", "/tx/" + txs[0].TxID().String(),
		address, address + "/txs", address + "/utxo", "/block/" + n.Tip().Hash.String() + "/txs", "/blocks", "/mempool",
	} {
		name := path
		if len(name) > 24 {
			name = fmt.Sprintf("%.12s…%s", path, path[len(path)-10:])
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				n.get(path)
			}
		})
	}
}
