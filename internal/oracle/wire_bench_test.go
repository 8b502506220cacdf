package oracle

import (
	"bytes"
	"testing"

	btcwire "github.com/btcsuite/btcd/wire/v2"

	"github.com/keelson-chain/keelson/internal/vectors"
	"github.com/keelson-chain/keelson/wire"
)

// BenchmarkDecodeBlock decodes a mainnet block of 999,887 bytes and block 250
// of the mixed chain with both. With ids adds the transactions' ids, which an
// import needs too.
func BenchmarkDecodeBlock(b *testing.B) {
	mixed := firstBlocks(b, "chains/chain-mixed.dat", 250)
	for _, block := range []struct {
		name string
		raw  []byte
	}{
		{"mainnet413567", vectors.Read(b, "bitcoin-core-28.1/src/bench/data/block413567.raw")},
		{"mixed250", mixed[249]},
	} {
		b.Run("btcd/"+block.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(block.raw)))
			for b.Loop() {
				var m btcwire.MsgBlock
				if err := m.Deserialize(bytes.NewReader(block.raw)); err != nil {
					b.Fatal(err)
				}
			}
		})
		b.Run("keelson/"+block.name, func(b *testing.B) {
			b.ReportAllocs()
			b.SetBytes(int64(len(block.raw)))
			for b.Loop() {
				if _, err := wire.DecodeBlock(block.raw); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
