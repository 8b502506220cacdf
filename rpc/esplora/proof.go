package esplora

import (
	"context"
	"encoding/binary"
	"errors"

	"github.com/keelson-chain/keelson/wire"
)

// merkleTree is the rows of a block's merkle tree, the ids of its transactions
// first and the root last. Where a row is odd its last hash is paired with
// itself.
type merkleTree [][]wire.Hash

func treeOf(b *wire.Block) merkleTree {
	row := make([]wire.Hash, len(b.Txs))
	for i, tx := range b.Txs {
		row[i] = tx.TxID()
	}
	t := merkleTree{row}
	for len(row) > 1 {
		above := make([]wire.Hash, (len(row)+1)/2)
		for i := range above {
			left, right := row[2*i], row[min(2*i+1, len(row)-1)]
			above[i] = wire.DoubleSHA256(append(left[:], right[:]...))
		}
		row = above
		t = append(t, row)
	}
	return t
}

// branch returns what the leaf at a place is paired with on the way up to the
// root.
func (t merkleTree) branch(index int) []wire.Hash {
	list := []wire.Hash{}
	for _, row := range t[:len(t)-1] {
		list = append(list, row[min(index^1, len(row)-1)])
		index /= 2
	}
	return list
}

// partial returns the proof for one leaf in the form of BIP 37 ("Partial Merkle
// branch format"): for each node from the root down, depth first, a bit whether
// the leaf lies below it, and the hash of each node that is not looked into.
func (t merkleTree) partial(index int) (bits []bool, hashes []wire.Hash) {
	var walk func(row, at int)
	walk = func(row, at int) {
		below := index>>row == at
		bits = append(bits, below)
		if row == 0 || !below {
			hashes = append(hashes, t[row][at])
			return
		}
		walk(row-1, 2*at)
		if 2*at+1 < len(t[row-1]) {
			walk(row-1, 2*at+1)
		}
	}
	walk(len(t)-1, 0)
	return bits, hashes
}

// merkleBlock returns the merkleblock message that proves one transaction:
//
//	80 bytes   the header
//	uint32     how many transactions the block has, little-endian
//	hashes     their number as a CompactSize, and the hashes
//	flags      the number of bytes as a CompactSize, and the bits, lowest first
func merkleBlock(b *wire.Block, index int) []byte {
	bits, hashes := treeOf(b).partial(index)
	out := b.Header.Append(nil)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(b.Txs)))
	out = wire.AppendCompactSize(out, uint64(len(hashes)))
	for i := range hashes {
		out = append(out, hashes[i][:]...)
	}
	flags := make([]byte, (len(bits)+7)/8)
	for i, bit := range bits {
		if bit {
			flags[i/8] |= 1 << (i % 8)
		}
	}
	return append(wire.AppendCompactSize(out, uint64(len(flags))), flags...)
}

// errNoProof is what electrs says of a transaction that no block confirms.
var errNoProof = notFound("Transaction not found or is unconfirmed")

// MerkleProof proves that a transaction is in a block of the active chain, in the
// form of Electrum.
func (v *View) MerkleProof(ctx context.Context, txid wire.Hash) (MerkleProof, error) {
	return consistent(ctx, v, func(s *look) (MerkleProof, error) {
		p, err := v.confirmed(s, txid)
		if err != nil {
			return MerkleProof{}, err
		}
		return MerkleProof{
			Height: p.entry.Ref.Height, Merkle: treeOf(p.body.block).branch(p.index), Index: p.index,
		}, nil
	})
}

// MerkleBlock proves the same as a merkleblock message (BIP 37).
func (v *View) MerkleBlock(ctx context.Context, txid wire.Hash) ([]byte, error) {
	return consistent(ctx, v, func(s *look) ([]byte, error) {
		p, err := v.confirmed(s, txid)
		if err != nil {
			return nil, err
		}
		return merkleBlock(p.body.block, p.index), nil
	})
}

// confirmed is find with the error of a proof.
func (v *View) confirmed(s *look, txid wire.Hash) (place, error) {
	if v.cfg.Pool.Has(txid) {
		return place{}, errNoProof
	}
	p, err := v.find(s, txid)
	if errors.Is(err, errNoTx) {
		err = errNoProof
	}
	return p, err
}
