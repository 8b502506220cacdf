package wire_test

import (
	"testing"

	"github.com/keelson-chain/keelson/wire"
)

// benchBlocks are a mainnet block from before segregated witness, one from
// after, and one with 2,000 payments of one P2WPKH input and two outputs.
func benchBlocks(b *testing.B, bench func(b *testing.B, raw []byte)) {
	for _, c := range []struct{ name, file string }{
		{"legacy", blockLegacy},
		{"segwit", blockSegwit},
		{"payments", "chains/chain-p2wpkh.dat"},
	} {
		blocks := realBlocks(b, c.file)
		raw := blocks[len(blocks)-1]
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(raw)))
			bench(b, raw)
		})
	}
}

func BenchmarkDecodeBlock(b *testing.B) {
	benchBlocks(b, func(b *testing.B, raw []byte) {
		for b.Loop() {
			if _, err := wire.DecodeBlock(raw); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkTxIDs computes both ids of every transaction. Since they are kept,
// it must decode again for every round, which is in the time.
func BenchmarkTxIDs(b *testing.B) {
	benchBlocks(b, func(b *testing.B, raw []byte) {
		for b.Loop() {
			block, err := wire.DecodeBlock(raw)
			if err != nil {
				b.Fatal(err)
			}
			for _, tx := range block.Txs {
				tx.TxID()
			}
		}
	})
}

// BenchmarkMerkleRoot is the root alone, over ids that are known.
func BenchmarkMerkleRoot(b *testing.B) {
	benchBlocks(b, func(b *testing.B, raw []byte) {
		block, err := wire.DecodeBlock(raw)
		if err != nil {
			b.Fatal(err)
		}
		for b.Loop() {
			if root, _ := block.TxMerkleRoot(); root != block.Header.MerkleRoot {
				b.Fatal(root)
			}
		}
	})
}

func BenchmarkDecodeTx(b *testing.B) {
	raw := sampleTx().Append(nil)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := wire.DecodeTx(raw); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHeaderHash(b *testing.B) {
	h := wire.Header{Version: 0x20000000}
	b.ReportAllocs()
	for b.Loop() {
		h.Nonce++
		h.Hash()
	}
}
