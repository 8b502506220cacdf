package rpc

import (
	"fmt"
	"strings"
	"testing"

	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/wire"
)

// BenchmarkCall measures whole calls over loopback, client included.
func BenchmarkCall(b *testing.B) {
	n := startTestNode(b, nil)
	hash := n.params.GenesisHash
	for _, c := range []struct {
		method string
		args   []any
	}{
		{"getblockcount", nil},
		{"getblockhash", []any{0}},
		{"getblockheader", []any{hash, true}},
		{"getblock", []any{hash, 0}},
		{"getblock", []any{hash, 2}},
		{"getblockchaininfo", nil},
	} {
		b.Run(fmt.Sprintf("%s/%d", c.method, len(c.args)), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := n.Call(b.Context(), c.method, c.args...); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkPool measures calls about a pool of 1,000 transactions.
func BenchmarkPool(b *testing.B) {
	const count = 1_000
	p := startPooled(b, 1, nil, nil)
	value := p.coins[0].Coin.Out.Value / (count + 1)
	outs := make([]wire.TxOut, count+1)
	for i := range outs {
		outs[i] = p.chain.Out(chaingen.Anyone, 0, value-1_000)
	}
	split := p.chain.Spend(p.coins, outs...)
	p.mine(split)
	txs := make([]*wire.Tx, count+1)
	for i := range txs {
		txs[i] = p.pay(1_000, p.out(split, i))
	}
	p.send(txs[:count]...)
	for _, c := range []struct {
		method string
		args   []any
	}{
		{"getmempoolinfo", nil},
		{"getmempoolentry", []any{txs[0].TxID()}},
		{"getrawmempool", []any{false}},
		{"getrawmempool", []any{true}},
		{"testmempoolaccept", []any{[]any{raw(txs[count])}}},
		{"sendrawtransaction", []any{raw(txs[0])}},
	} {
		b.Run(fmt.Sprintf("%s/%v", c.method, len(c.args) > 0 && c.args[0] == true), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.Call(b.Context(), c.method, c.args...); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkBlock fetches a block of 2,000 transactions, 390 kB, and its filter.
func BenchmarkBlock(b *testing.B) {
	const count = 2_000
	p := startPooled(b, 1, withREST, nil)
	value := p.coins[0].Coin.Out.Value / (count + 1)
	outs := make([]wire.TxOut, count)
	for i := range outs {
		outs[i] = p.chain.Out(chaingen.P2WPKH, i%16, value)
	}
	split := p.chain.Spend(p.coins, outs...)
	p.mine(split)
	txs := make([]*wire.Tx, count)
	for i := range txs {
		txs[i] = p.pay(1_000, p.out(split, i))
	}
	hash := p.mine(txs...).Hash().String()
	for _, c := range []struct {
		method string
		args   []any
	}{
		{"getblock", []any{hash, 0}},
		{"getblock", []any{hash, 1}},
		{"getblock", []any{hash, 2}},
		{"getblockfilter", []any{hash}},
	} {
		b.Run(strings.TrimSuffix(fmt.Sprintf("%s/%v", c.method, c.args[1:]), "/[]"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := p.Call(b.Context(), c.method, c.args...); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
	for _, path := range []string{"block/" + hash + ".bin", "block/" + hash + ".hex", "block/notxdetails/" + hash + ".json", "blockfilter/basic/" + hash + ".bin"} {
		b.Run("REST/"+strings.ReplaceAll(path, hash, "HASH"), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if status, _, _ := p.rest("GET", path, ""); status != 200 {
					b.Fatal(status)
				}
			}
		})
	}
}

// BenchmarkTxObject writes a block's worth of transactions as JSON.
func BenchmarkTxObject(b *testing.B) {
	n := startTestNode(b, nil)
	tx := &wire.Tx{Version: 2}
	for range 2 {
		tx.Inputs = append(tx.Inputs, wire.TxIn{Witness: [][]byte{make([]byte, 72), make([]byte, 33)}})
		tx.Outputs = append(tx.Outputs, wire.TxOut{Value: wire.Coin, PkScript: append([]byte{0, 20}, make([]byte, 20)...)})
	}
	var text []byte
	b.ReportAllocs()
	for b.Loop() {
		text = jsonrpc.Append(text[:0], n.server.txObject(tx, txView{hex: true}))
	}
	b.SetBytes(int64(len(text)))
}
