package wire_test

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/keelson-chain/keelson/wire"
)

// TestRealBlocks decodes every real block among the vectors: what is decoded
// encodes to the same bytes, its sizes and ids are those of an independent
// computation, and it hashes to the roots that it commits to.
func TestRealBlocks(t *testing.T) {
	for _, c := range []struct {
		name        string
		blocks, txs int
		witness     bool // whether any transaction has one
	}{
		{"btcd/database/testdata/blocks1-256.bz2", 255, 262, false},
		{"btcd/blockchain/testdata/blk_0_to_4.dat.bz2", 5, 9, false},
		{"btcd/blockchain/testdata/blk_3A.dat.bz2", 1, 3, false},
		{"btcd/blockchain/testdata/blk_4A.dat.bz2", 1, 1, false},
		{"btcd/blockchain/testdata/blk_5A.dat.bz2", 1, 2, false},
		{"btcd/blockchain/testdata/277647.dat.bz2", 1, 213, false},
		{blockLegacy, 1, 1557, false},
		{blockSegwit, 1, 3315, true},
		{blockSegwit2, 1, 230, true},
		{"bitcoin-core-28.1/test/functional/data/rpc_getblockstats.json", 104, 109, true},
		{"chains/chain-p2wpkh.dat", 213, 100273, true},
		{"chains/chain-p2tr.dat", 213, 100273, true},
		{"chains/chain-mixed.dat", 255, 100355, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var last wire.Hash
			txs, witnesses := 0, 0
			blocks := realBlocks(t, c.name)
			for i, raw := range blocks {
				b, err := wire.DecodeBlock(raw)
				if err != nil {
					t.Fatalf("block %d: %v", i, err)
				}
				if i > 0 && b.Header.PrevBlock != last {
					t.Fatalf("block %d follows %v, not %v", i, b.Header.PrevBlock, last)
				}
				last = b.Hash()
				txs += len(b.Txs)
				// Of our own chains, whose transactions are much alike, every
				// sixteenth is enough: the roots cover them all.
				every := 1
				if strings.HasPrefix(c.name, "chains/") {
					every = 16
				}
				witnesses += checkBlock(t, b, raw, every)
				if t.Failed() {
					t.Fatalf("block %d, %v", i, last)
				}
			}
			if len(blocks) != c.blocks || txs != c.txs {
				t.Errorf("%d blocks with %d transactions, want %d with %d", len(blocks), txs, c.blocks, c.txs)
			}
			if witnesses > 0 != c.witness {
				t.Errorf("%d transactions with witnesses", witnesses)
			}
		})
	}
}

// checkBlock checks b, which was decoded from raw, and with it one transaction
// of so many. It returns how many of them have witnesses.
func checkBlock(t *testing.T, b *wire.Block, raw []byte, every int) (witnesses int) {
	t.Helper()
	clone := b.Clone() // has no buffer, so that it encodes from its fields
	if !bytes.Equal(b.Bytes(), raw) || !bytes.Equal(clone.Bytes(), raw) || !bytes.Equal(clone.Append([]byte("x"))[1:], raw) {
		t.Error("does not encode to what it was decoded from")
	}
	stripped := 80 + len(dumbCount(uint64(len(b.Txs))))
	for i, tx := range b.Txs {
		if i%every == 0 {
			checkTx(t, tx)
		}
		stripped += len(tx.AppendNoWitness(nil))
		if tx.HasWitness() {
			witnesses++
		}
		if tx.IsCoinbase() != (i == 0) {
			t.Errorf("transaction %d: coinbase %v", i, tx.IsCoinbase())
		}
	}
	for _, x := range []*wire.Block{b, clone} {
		if x.Size() != len(raw) || x.StrippedSize() != stripped || x.Weight() != 3*stripped+len(raw) {
			t.Errorf("size %d, stripped %d, weight %d, want %d, %d", x.Size(), x.StrippedSize(), x.Weight(), len(raw), stripped)
		}
		if root, mutated := x.TxMerkleRoot(); root != b.Header.MerkleRoot || mutated {
			t.Errorf("merkle root %v, mutated %v, the header has %v", root, mutated, b.Header.MerkleRoot)
		}
	}
	commitment, committed := b.WitnessCommitment()
	if witnesses > 0 && !committed {
		t.Error("witnesses without a commitment")
	}
	if witnesses > 0 {
		reserved := [32]byte(b.Txs[0].Inputs[0].Witness[0])
		if got := wire.WitnessCommitmentHash(b.WitnessMerkleRoot(), reserved); got != commitment {
			t.Errorf("witness commitment %v, the coinbase has %v", got, commitment)
		}
	}
	return witnesses
}

func TestBlockNames(t *testing.T) {
	for name, want := range map[string]string{
		blockLegacy:  "0000000000000000025aff8be8a55df8f89c77296db6198f272d6577325d4069",
		blockSegwit:  "0000000000000000001602407ac49862a7bca9d00f7f402db20b7be2f5de59d2",
		blockSegwit2: "00000000000000000021868c2cefc52a480d173c849412fe81c4e5ab806f94ab",
	} {
		b, err := wire.DecodeBlock(realBlocks(t, name)[0])
		if err != nil {
			t.Fatal(err)
		}
		if b.Hash().String() != want {
			t.Errorf("%s has the hash %v, want %s", name, b.Hash(), want)
		}
	}
}

// sampleBlock is a small valid encoding with two transactions, one of which
// has witnesses.
func sampleBlock() *wire.Block {
	coinbase := &wire.Tx{
		Version: 1,
		Inputs:  []wire.TxIn{{PrevOut: wire.OutPoint{Index: 0xffffffff}, SigScript: []byte{0x51, 0x51}, Sequence: wire.SequenceFinal}},
		Outputs: []wire.TxOut{{Value: 10 * wire.Coin, PkScript: []byte{0x51}}},
	}
	b := &wire.Block{
		Header: wire.Header{Version: 0x20000000, Time: 1795219200, Bits: 0x207fffff, Nonce: 3},
		Txs:    []*wire.Tx{coinbase, sampleTx()},
	}
	b.Header.MerkleRoot, _ = b.TxMerkleRoot()
	return b
}

func TestDecodeBlockErrors(t *testing.T) {
	valid := sampleBlock().Bytes()
	if _, err := wire.DecodeBlock(valid); err != nil {
		t.Fatal(err)
	}
	for n := range valid {
		if b, err := wire.DecodeBlock(valid[:n]); !errors.Is(err, wire.ErrTruncated) || b != nil {
			t.Fatalf("the first %d bytes: %v, %v", n, b, err)
		}
	}
	const count = wire.HeaderSize // where the number of transactions is
	munge := func(f func(b []byte) []byte) []byte { return f(bytes.Clone(valid)) }
	for _, c := range []struct {
		name string
		raw  []byte
		want error
	}{
		{"a byte more", munge(func(b []byte) []byte { return append(b, 0) }), wire.ErrTrailing},
		{"one transaction less", munge(func(b []byte) []byte { b[count] = 1; return b }), wire.ErrTrailing},
		{"one transaction more", munge(func(b []byte) []byte { b[count] = 3; return b }), wire.ErrTruncated},
		{"a count in three bytes", munge(func(b []byte) []byte {
			return append(append(b[:count:count], 0xfd, 2, 0), valid[count+1:]...)
		}), wire.ErrNonCanonical},
		{"2^25 + 1 transactions", munge(func(b []byte) []byte {
			return append(append(b[:count:count], 0xfe, 1, 0, 0, 2), valid[count+1:]...)
		}), wire.ErrTooLarge},
		{"2^25 transactions", munge(func(b []byte) []byte {
			return append(append(b[:count:count], 0xfe, 0, 0, 0, 2), valid[count+1:]...)
		}), wire.ErrTruncated},
		{"2^64 - 1 transactions", munge(func(b []byte) []byte {
			return append(append(b[:count:count], 0xff, 255, 255, 255, 255, 255, 255, 255, 255), valid[count+1:]...)
		}), wire.ErrTooLarge},
	} {
		if b, err := wire.DecodeBlock(c.raw); !errors.Is(err, c.want) || b != nil {
			t.Errorf("%s: %v, want %v", c.name, err, c.want)
		}
	}
}

// TestBlockWithoutTransactions: such a block is invalid, but has an encoding.
func TestBlockWithoutTransactions(t *testing.T) {
	raw := make([]byte, 81)
	b, err := wire.DecodeBlock(raw)
	if err != nil {
		t.Fatal(err)
	}
	root, mutated := b.TxMerkleRoot()
	if _, ok := b.WitnessCommitment(); ok || !root.IsZero() || mutated || !b.WitnessMerkleRoot().IsZero() || len(b.Txs) != 0 {
		t.Errorf("%+v", b)
	}
	if !bytes.Equal(b.Clone().Bytes(), raw) {
		t.Errorf("encodes to %x", b.Clone().Bytes())
	}
}

// TestCloneSharesNothing changes every byte that a clone can reach.
func TestCloneSharesNothing(t *testing.T) {
	raw := sampleBlock().Bytes()
	b, err := wire.DecodeBlock(bytes.Clone(raw))
	if err != nil {
		t.Fatal(err)
	}
	c := b.Clone()
	c.Header.Nonce++
	for _, tx := range c.Txs {
		for i := range tx.Inputs {
			in := &tx.Inputs[i]
			flip(in.SigScript)
			for _, item := range in.Witness {
				flip(item)
			}
			in.Sequence--
		}
		for i := range tx.Outputs {
			flip(tx.Outputs[i].PkScript)
			tx.Outputs[i].Value++
		}
		tx.Version++
		tx.LockTime++
	}
	if !bytes.Equal(b.Bytes(), raw) || !bytes.Equal(b.Clone().Bytes(), raw) {
		t.Error("changing the clone changed the block")
	}
	if c.Txs[1].TxID() == b.Txs[1].TxID() {
		t.Error("the changed clone has the old id")
	}
}

func flip(b []byte) {
	for i := range b {
		b[i] ^= 0xff
	}
}

// TestSlicesCannotGrow appends to slices of a decoded transaction: what
// follows them in the buffer must not change.
func TestSlicesCannotGrow(t *testing.T) {
	raw := sampleBlock().Bytes()
	b, err := wire.DecodeBlock(raw)
	if err != nil {
		t.Fatal(err)
	}
	for _, tx := range b.Txs {
		for _, in := range tx.Inputs {
			_ = append(in.SigScript, 0xee)
			_ = append(in.Witness, []byte{0xee})
			for _, item := range in.Witness {
				_ = append(item, 0xee)
			}
		}
		for _, out := range tx.Outputs {
			_ = append(out.PkScript, 0xee)
		}
		_ = append(tx.Inputs, wire.TxIn{})
		_ = append(tx.Outputs, wire.TxOut{})
	}
	if !bytes.Equal(raw, sampleBlock().Bytes()) || !bytes.Equal(b.Clone().Bytes(), raw) {
		t.Error("appending to a slice of the block changed it")
	}
}

func FuzzDecodeBlock(f *testing.F) {
	f.Add(sampleBlock().Bytes())
	f.Add(make([]byte, 81))
	f.Add(append(make([]byte, 80), 0xfe, 0, 0, 0, 2))
	f.Fuzz(func(t *testing.T, raw []byte) {
		b, err := wire.DecodeBlock(bytes.Clone(raw))
		if err != nil {
			return
		}
		c := b.Clone()
		if !bytes.Equal(b.Bytes(), raw) || !bytes.Equal(c.Bytes(), raw) {
			t.Fatalf("%x encodes to %x, its clone to %x", raw, b.Bytes(), c.Bytes())
		}
		if b.Size() != c.Size() || b.StrippedSize() != c.StrippedSize() || b.Hash() != c.Hash() {
			t.Fatal("the clone has another size or hash")
		}
		for _, tx := range b.Txs {
			checkTx(t, tx)
		}
		root, mutated := b.TxMerkleRoot()
		if root2, mutated2 := c.TxMerkleRoot(); root != root2 || mutated != mutated2 || b.WitnessMerkleRoot() != c.WitnessMerkleRoot() {
			t.Fatal("the clone has other roots")
		}
		b.WitnessCommitment()
	})
}
