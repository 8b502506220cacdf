package wire_test

import (
	"bytes"
	"encoding/binary"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/keelson-chain/keelson/wire"
)

func numbered(n int) *wire.Block {
	b := &wire.Block{}
	for i := range n {
		b.Txs = append(b.Txs, &wire.Tx{Version: 2, LockTime: uint32(i), Inputs: []wire.TxIn{{PrevOut: wire.OutPoint{Index: 7}}}, Outputs: []wire.TxOut{{Value: 1}}})
	}
	b.Header.MerkleRoot, _ = b.TxMerkleRoot()
	return b
}

// Blocks of every size, with any transactions proven: the proof gives them back, in
// order, over its encoding; and no flipped bit of it proves anything else.
func TestMerkleBlock(t *testing.T) {
	r := rand.New(rand.NewPCG(37, 1))
	for n := 1; n < 40; n++ {
		b := numbered(n)
		for range 6 {
			var want []wire.Hash
			for _, tx := range b.Txs {
				if r.IntN(1+r.IntN(8)) == 0 {
					want = append(want, tx.TxID())
				}
			}
			m := wire.NewMerkleBlock(b, func(id wire.Hash) bool { return slices.Contains(want, id) })
			raw := m.Append(nil)
			back, rest, err := wire.DecodeMerkleBlock(append(slices.Clone(raw), 1, 2))
			if err != nil || !bytes.Equal(rest, []byte{1, 2}) || !bytes.Equal(back.Append(nil), raw) {
				t.Fatalf("%d transactions: %v", n, err)
			}
			if got, ok := back.Matches(); !ok || !slices.Equal(got, want) {
				t.Fatalf("%d transactions: %v, %v are proven, not %v", n, got, ok, want)
			}
			for i := range raw[:min(len(raw), 400)] {
				bent := slices.Clone(raw)
				bent[i] ^= 1 << r.IntN(8)
				m, _, err := wire.DecodeMerkleBlock(bent)
				if err != nil || i < 36 || i >= 68 && i < 84 {
					continue // the rest of the header, and the number of transactions, are not proven here
				}
				if got, ok := m.Matches(); ok && !slices.Equal(got, want) {
					for _, id := range got {
						if !slices.ContainsFunc(b.Txs, func(tx *wire.Tx) bool { return tx.TxID() == id }) {
							t.Fatalf("byte %d bent: %v is proven", i, id)
						}
					}
				}
			}
			for cut := range raw {
				if _, _, err := wire.DecodeMerkleBlock(raw[:cut]); err == nil {
					t.Fatalf("%d of %d bytes are a proof", cut, len(raw))
				}
			}
		}
	}
}

// What Bitcoin Core refuses: a proof of nothing, repeated ends, things left over.
func TestMerkleBlockRefuses(t *testing.T) {
	good := wire.NewMerkleBlock(numbered(5), func(wire.Hash) bool { return true })
	for name, change := range map[string]func(m *wire.MerkleBlock){
		"no transactions": func(m *wire.MerkleBlock) { m.Total = 0 },
		"more hashes":     func(m *wire.MerkleBlock) { m.Hashes = append(m.Hashes, wire.Hash{1}) },
		"fewer hashes":    func(m *wire.MerkleBlock) { m.Hashes = m.Hashes[:4] },
		"more flags":      func(m *wire.MerkleBlock) { m.Flags = append(m.Flags, 0) },
		"no flags":        func(m *wire.MerkleBlock) { m.Flags = nil },
		"fewer flags":     func(m *wire.MerkleBlock) { m.Flags = m.Flags[:1] },
		"a huge number":   func(m *wire.MerkleBlock) { m.Total = 1<<32 - 1 },
		"another root":    func(m *wire.MerkleBlock) { m.Header.MerkleRoot[0]++ },
		"a repeated end": func(m *wire.MerkleBlock) {
			m.Total = 6
			m.Hashes = append(m.Hashes, m.Hashes[4])
			m.Flags = []byte{0xff, 0x1f}
		},
		"hashes without any": func(m *wire.MerkleBlock) { m.Hashes = nil },
	} {
		m := *good
		m.Hashes, m.Flags = slices.Clone(m.Hashes), slices.Clone(m.Flags)
		change(&m)
		if ids, ok := m.Matches(); ok {
			t.Errorf("%s: %v are proven", name, ids)
		}
	}
	if ids, ok := good.Matches(); !ok || len(ids) != 5 {
		t.Errorf("%v, %v", ids, ok)
	}
}

func FuzzMerkleBlock(f *testing.F) {
	f.Add(wire.NewMerkleBlock(numbered(5), func(id wire.Hash) bool { return id[0]&1 == 0 }).Append(nil))
	f.Add(binary.LittleEndian.AppendUint32(make([]byte, 80), 1<<31))
	f.Fuzz(func(t *testing.T, b []byte) {
		m, rest, err := wire.DecodeMerkleBlock(b)
		if err != nil {
			return
		}
		if !bytes.Equal(append(m.Append(nil), rest...), b) {
			t.Fatal("it does not come back")
		}
		if ids, ok := m.Matches(); ok && len(ids) > len(m.Hashes) {
			t.Fatal("more transactions than hashes")
		}
	})
}
