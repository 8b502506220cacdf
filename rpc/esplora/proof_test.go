package esplora

import (
	"encoding/binary"
	"errors"
	"fmt"
	"testing"

	"github.com/keelson-chain/keelson/wire"
)

// TestProofs proves every transaction of trees of many sizes, and reads the proofs
// as a light client does.
func TestProofs(t *testing.T) {
	for size := 1; size <= 70; size++ {
		b := &wire.Block{}
		for i := range size {
			b.Txs = append(b.Txs, &wire.Tx{Version: uint32(size), LockTime: uint32(i), Inputs: make([]wire.TxIn, 1)})
		}
		b.Header.MerkleRoot, _ = b.TxMerkleRoot()
		tree := treeOf(b)
		if tree[len(tree)-1][0] != b.Header.MerkleRoot {
			t.Fatalf("%d transactions: wrong root", size)
		}
		for i, tx := range b.Txs {
			h, at := tx.TxID(), i
			for _, with := range tree.branch(i) {
				left, right := h, with
				if at%2 == 1 {
					left, right = with, h
				}
				h, at = wire.DoubleSHA256(append(left[:], right[:]...)), at/2
			}
			if h != b.Header.MerkleRoot || at != 0 {
				t.Errorf("%d transactions: the branch of %d is wrong", size, i)
			}
			root, found, err := readMerkleBlock(merkleBlock(b, i))
			if err != nil || root != b.Header.MerkleRoot || found != tx.TxID() {
				t.Errorf("%d transactions: the block that proves %d: %v", size, i, err)
			}
		}
	}
}

// readMerkleBlock reads a merkleblock message as BIP 37 says ("Parsing a partial
// merkle tree object") and returns the root that it gives and the one transaction
// that it proves.
func readMerkleBlock(b []byte) (root, found wire.Hash, err error) {
	if len(b) < wire.HeaderSize+4 {
		return root, found, errors.New("too short")
	}
	count := int(binary.LittleEndian.Uint32(b[wire.HeaderSize:]))
	n, rest, err := wire.ReadCompactSize(b[wire.HeaderSize+4:])
	if err != nil {
		return root, found, err
	}
	hashes := make([]wire.Hash, n)
	for i := range hashes {
		rest = rest[copy(hashes[i][:], rest):]
	}
	n, flags, err := wire.ReadCompactSize(rest)
	if err != nil || uint64(len(flags)) != n {
		return root, found, fmt.Errorf("%d bytes of flags for %d: %w", len(flags), n, err)
	}
	height := 0
	for (count+(1<<height)-1)>>height > 1 {
		height++
	}
	bit, hash := 0, 0
	var walk func(height, at int) wire.Hash
	walk = func(height, at int) wire.Hash {
		below := flags[bit/8]>>(bit%8)&1 == 1
		bit++
		if height == 0 || !below {
			h := hashes[hash]
			hash++
			if height == 0 && below {
				found = h
			}
			return h
		}
		left := walk(height-1, 2*at)
		right := left
		if 2*at+1 < (count+(1<<(height-1))-1)>>(height-1) {
			right = walk(height-1, 2*at+1)
		}
		return wire.DoubleSHA256(append(left[:], right[:]...))
	}
	root = walk(height, 0)
	if hash != len(hashes) || (bit+7)/8 != len(flags) {
		return root, found, fmt.Errorf("%d of %d hashes and %d bits of %d bytes were used", hash, len(hashes), bit, len(flags))
	}
	return root, found, nil
}
