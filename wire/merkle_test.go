package wire_test

import (
	"bytes"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/keelson-chain/keelson/wire"
)

// dumbRoot is the merkle root as a recursion over a perfect tree: a subtree
// that is missing on the right is the one on its left again.
func dumbRoot(leaves []wire.Hash) wire.Hash {
	if len(leaves) == 0 {
		return wire.Hash{}
	}
	width := 1
	for width < len(leaves) {
		width *= 2
	}
	return dumbSubtree(leaves, width)
}

func dumbSubtree(leaves []wire.Hash, width int) wire.Hash {
	if width == 1 {
		return leaves[0]
	}
	left := dumbSubtree(leaves[:min(len(leaves), width/2)], width/2)
	right := left
	if len(leaves) > width/2 {
		right = dumbSubtree(leaves[width/2:], width/2)
	}
	return dumbHash(slices.Concat(left[:], right[:]))
}

func leaves(n int) (list []wire.Hash) {
	for i := range n {
		list = append(list, dumbHash(binary.LittleEndian.AppendUint32(nil, uint32(i))))
	}
	return list
}

func TestMerkleRoot(t *testing.T) {
	for n := range 130 {
		root, mutated := wire.MerkleRoot(leaves(n))
		if root != dumbRoot(leaves(n)) || mutated {
			t.Errorf("%d leaves: %v, mutated %v, want %v", n, root, mutated, dumbRoot(leaves(n)))
		}
	}
	one := leaves(1)
	if root, _ := wire.MerkleRoot(slices.Clone(one)); root != one[0] {
		t.Errorf("the root of one leaf is %v", root)
	}
	if n := testing.AllocsPerRun(10, func() { wire.MerkleRoot(one) }); n != 0 {
		t.Errorf("a root takes %v allocations", n)
	}
}

// TestMerkleBranch changes the first leaf of trees of every small size.
func TestMerkleBranch(t *testing.T) {
	for n := 1; n < 130; n++ {
		list := leaves(n)
		list[0] = wire.Hash{} // does not matter
		branch := wire.MerkleBranch(list)
		for _, first := range leaves(3) {
			list := leaves(n)
			list[0] = first
			if got, want := wire.RootOfFirst(first, branch), dumbRoot(list); got != want {
				t.Errorf("%d leaves: %v, want %v", n, got, want)
			}
		}
	}
}

// TestMerkleMutation builds the longer lists of CVE-2012-2459: wherever a row
// has an odd number of nodes, writing out the leaves of its last node a second
// time leaves the root as it is.
func TestMerkleMutation(t *testing.T) {
	mutations := 0
	for n := 1; n < 70; n++ {
		list := leaves(n)
		root := dumbRoot(list)
		for width := 1; width < n; width *= 2 { // leaves below a node of the row
			nodes := (n + width - 1) / width
			last := list[(nodes-1)*width:]
			if nodes%2 == 0 || len(last) < width {
				continue // nothing is doubled here, or below the row already
			}
			longer := slices.Concat(list, last)
			got, mutated := wire.MerkleRoot(slices.Clone(longer))
			if got != root {
				t.Fatalf("%d leaves and the last %d again: root %v, want %v", n, width, got, root)
			}
			if !mutated {
				t.Errorf("%d leaves and the last %d again are not seen to be mutated", n, width)
			}
			mutations++
		}
	}
	if mutations < 60 {
		t.Errorf("only %d mutations", mutations)
	}
	// The examples of the disclosure.
	l := leaves(6)
	for _, longer := range [][]wire.Hash{
		{l[0], l[1], l[2], l[2]},
		{l[0], l[1], l[2], l[3], l[4], l[5], l[4], l[5]},
	} {
		if _, mutated := wire.MerkleRoot(longer); !mutated {
			t.Errorf("%d leaves are not seen to be mutated", len(longer))
		}
	}
	// Equal neighbours that are not paired have a root of their own.
	if _, mutated := wire.MerkleRoot([]wire.Hash{l[0], l[1], l[1], l[2]}); mutated {
		t.Error("equal leaves of different pairs are taken for a mutation")
	}
}

// TestMutatedRealBlock writes the last transactions of a real block out twice.
func TestMutatedRealBlock(t *testing.T) {
	b, err := wire.DecodeBlock(realBlocks(t, blockLegacy)[0])
	if err != nil {
		t.Fatal(err)
	}
	if len(b.Txs)%2 != 1 {
		t.Fatalf("%d transactions, want an odd number", len(b.Txs))
	}
	longer := &wire.Block{Header: b.Header, Txs: append(slices.Clip(b.Txs), b.Txs[len(b.Txs)-1])}
	if root, mutated := longer.TxMerkleRoot(); root != b.Header.MerkleRoot || !mutated {
		t.Errorf("root %v, mutated %v", root, mutated)
	}
	shorter := &wire.Block{Header: b.Header, Txs: b.Txs[1:]}
	if root, mutated := shorter.TxMerkleRoot(); root == b.Header.MerkleRoot || mutated {
		t.Errorf("without its first transaction: root %v, mutated %v", root, mutated)
	}
}

// TestWitnessCommitment corrupts the commitment of a real block, one thing at
// a time.
func TestWitnessCommitment(t *testing.T) {
	b, err := wire.DecodeBlock(realBlocks(t, blockSegwit)[0])
	if err != nil {
		t.Fatal(err)
	}
	commits := func(b *wire.Block) bool {
		want, ok := b.WitnessCommitment()
		if !ok {
			return false
		}
		return wire.WitnessCommitmentHash(b.WitnessMerkleRoot(), [32]byte(b.Txs[0].Inputs[0].Witness[0])) == want
	}
	if !commits(b) {
		t.Fatal("the real block does not commit to its witnesses")
	}
	commitment, _ := b.WitnessCommitment()
	at := slices.IndexFunc(b.Txs[0].Outputs, func(out wire.TxOut) bool {
		return bytes.Equal(out.PkScript, wire.WitnessCommitmentScript(commitment))
	})
	if at < 0 {
		t.Fatal("no output has the script of the commitment")
	}
	for _, c := range []struct {
		name  string
		munge func(b *wire.Block)
		want  bool
	}{
		{"nothing", func(*wire.Block) {}, true},
		{"a witness", func(b *wire.Block) {
			i := slices.IndexFunc(b.Txs[1:], (*wire.Tx).HasWitness) + 1
			for _, in := range b.Txs[i].Inputs {
				if len(in.Witness) > 0 {
					in.Witness[0] = append(in.Witness[0], 0)
				}
			}
		}, false},
		{"the reserved value", func(b *wire.Block) { b.Txs[0].Inputs[0].Witness[0][31] ^= 1 }, false},
		{"a witness of the coinbase beyond it", func(b *wire.Block) {
			in := &b.Txs[0].Inputs[0]
			in.Witness = append(in.Witness, []byte{1})
		}, true}, // the coinbase's place is zero
		{"the committed hash", func(b *wire.Block) { b.Txs[0].Outputs[at].PkScript[6] ^= 1 }, false},
		{"the tag", func(b *wire.Block) { b.Txs[0].Outputs[at].PkScript[5] ^= 1 }, false},
		{"the push", func(b *wire.Block) { b.Txs[0].Outputs[at].PkScript[1]-- }, false},
		{"OP_RETURN", func(b *wire.Block) { b.Txs[0].Outputs[at].PkScript[0]++ }, false},
		{"the last byte is gone", func(b *wire.Block) {
			out := &b.Txs[0].Outputs[at]
			out.PkScript = out.PkScript[:37]
		}, false},
		{"bytes after it", func(b *wire.Block) {
			out := &b.Txs[0].Outputs[at]
			out.PkScript = append(out.PkScript, 1, 2, 3)
		}, true},
		{"a second commitment after it", func(b *wire.Block) {
			b.Txs[0].Outputs = append(b.Txs[0].Outputs, wire.TxOut{PkScript: wire.WitnessCommitmentScript(wire.Hash{})})
		}, false},
		{"a second commitment before it", func(b *wire.Block) {
			b.Txs[0].Outputs = slices.Insert(b.Txs[0].Outputs, 0, wire.TxOut{PkScript: wire.WitnessCommitmentScript(wire.Hash{})})
		}, true},
		{"a commitment in another transaction only", func(b *wire.Block) { b.Txs[0], b.Txs[1] = b.Txs[1], b.Txs[0] }, false},
	} {
		clone := b.Clone()
		c.munge(clone)
		if c.name == "a commitment in another transaction only" {
			if _, ok := clone.WitnessCommitment(); ok {
				t.Errorf("%s: found", c.name)
			}
			continue
		}
		if commits(clone) != c.want {
			t.Errorf("%s: commits %v", c.name, !c.want)
		}
	}
}

// FuzzMerkleRoot makes trees of few different leaves, so that equal nodes meet
// in every row.
func FuzzMerkleRoot(f *testing.F) {
	f.Add([]byte{0, 1, 2, 2})
	f.Add([]byte{0, 1, 2, 3, 4, 5, 4, 5})
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > 1000 {
			return
		}
		list := make([]wire.Hash, len(b))
		for i, v := range b {
			list[i] = wire.Hash{v}
		}
		root, mutated := wire.MerkleRoot(slices.Clone(list))
		if want := dumbRoot(list); root != want {
			t.Fatalf("root of %x is %v, want %v", b, root, want)
		}
		if want := dumbMutated(list); mutated != want {
			t.Fatalf("%x mutated: %v, want %v", b, mutated, want)
		}
	})
}

// dumbMutated builds every row in full and looks for equal pairs in it.
func dumbMutated(row []wire.Hash) bool {
	for len(row) > 1 {
		for i := 1; i < len(row); i += 2 {
			if row[i-1] == row[i] {
				return true
			}
		}
		var above []wire.Hash
		for pair := range slices.Chunk(row, 2) {
			above = append(above, dumbRoot([]wire.Hash{pair[0], pair[len(pair)-1]}))
		}
		row = above
	}
	return false
}
