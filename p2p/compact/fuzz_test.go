package compact_test

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"

	"github.com/keelson-chain/keelson/p2p/compact"
	"github.com/keelson-chain/keelson/p2p/message"
	"github.com/keelson-chain/keelson/wire"
)

// FuzzPartial offers any transactions to any compact block: nothing panics, and a
// block that comes out has its header's merkle root.
func FuzzPartial(f *testing.F) {
	r := rand.New(rand.NewPCG(9, 10))
	b := block(r, 5, 100)
	c := compact.New(b, 1, func(i int, _ *wire.Hash) bool { return i == 2 })
	var txs message.Txs
	txs.Txs = append(txs.Txs, b.Txs[1], b.Txs[3], tx(r, 100))
	fill := message.Txs{Txs: b.Txs[4:]}
	f.Add(c.Append(nil), txs.Append(nil), fill.Append(nil))
	f.Add(compact.New(b, 1, nil).Append(nil), []byte{0}, (&message.Txs{Txs: b.Txs[1:]}).Append(nil))
	f.Fuzz(func(t *testing.T, raw, offered, filled []byte) {
		c, err := message.DecodeCompact(raw)
		if err != nil {
			t.Skip()
		}
		p, err := compact.NewPartial(c)
		if err != nil {
			if !errors.Is(err, compact.ErrCollision) {
				t.Fatalf("%v, want %v", err, compact.ErrCollision)
			}
			return
		}
		if txs, err := message.DecodeTxs(offered); err == nil {
			offer(p, txs.Txs...)
		}
		if n := len(p.Missing()); n != p.Open() || n > len(c.ShortIDs) {
			t.Fatalf("%d of %d short ids are missing, %d are open", n, len(c.ShortIDs), p.Open())
		}
		if txs, err := message.DecodeTxs(filled); err == nil {
			if err := p.Fill(txs.Txs); err != nil && !errors.Is(err, compact.ErrCount) {
				t.Fatal(err)
			}
		}
		b, err := p.Block()
		if err != nil {
			if !errors.Is(err, compact.ErrCount) && !errors.Is(err, compact.ErrMismatch) {
				t.Fatal(err)
			}
			return
		}
		if root, mutated := b.TxMerkleRoot(); root != c.Header.MerkleRoot || mutated || b.Header != c.Header || len(b.Txs) != p.Len() {
			t.Fatalf("block %x of %x", b.Bytes(), raw)
		}
	})
}

// FuzzReconstruct makes a block of any transactions and any part of it known: it
// comes out as it went in.
func FuzzReconstruct(f *testing.F) {
	r := rand.New(rand.NewPCG(11, 12))
	f.Add((&message.Txs{Txs: block(r, 9, 100).Txs}).Append(nil), uint64(5), uint64(0x55))
	f.Fuzz(func(t *testing.T, raw []byte, nonce, known uint64) {
		txs, err := message.DecodeTxs(raw)
		if err != nil || len(txs.Txs) == 0 {
			t.Skip()
		}
		whole := &wire.Block{Txs: txs.Txs}
		root, mutated := whole.TxMerkleRoot()
		whole.Header.MerkleRoot = root
		c, err := message.DecodeCompact(compact.New(whole, nonce, func(i int, _ *wire.Hash) bool { return nonce>>(i%64)&1 != 0 }).Append(nil))
		if err != nil {
			t.Fatal(err)
		}
		p, err := compact.NewPartial(c)
		if err != nil {
			return // it has a transaction twice, perhaps
		}
		for i, tx := range txs.Txs {
			if known>>(i%64)&1 != 0 {
				offer(p, tx)
			}
		}
		var missing []*wire.Tx
		for _, at := range p.Missing() {
			missing = append(missing, txs.Txs[at])
		}
		if err := p.Fill(missing); err != nil {
			t.Fatal(err)
		}
		got, err := p.Block()
		if mutated {
			if !errors.Is(err, compact.ErrMismatch) {
				t.Fatalf("%v, want %v", err, compact.ErrMismatch)
			}
			return
		}
		if err != nil || !bytes.Equal(got.Bytes(), whole.Append(nil)) {
			t.Fatalf("another block: %v", err)
		}
	})
}
