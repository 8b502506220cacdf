package wire

import (
	"bytes"
	"math/bits"
)

// MerkleRoot returns the root of the tree over leaves, which it overwrites,
// and whether the tree is ambiguous: a list with two equal neighbours at an
// even place of some row has the root of a shorter or longer list too
// (CVE-2012-2459), so that a block with it may be a mutation of a valid one.
// The root of no leaves is zero.
func MerkleRoot(leaves []Hash) (root Hash, mutated bool) {
	if len(leaves) == 0 {
		return Hash{}, false
	}
	for n := len(leaves); n > 1; n = (n + 1) / 2 {
		for i := 0; i+1 < n; i += 2 {
			if leaves[i] == leaves[i+1] {
				mutated = true
			}
		}
		hashRow(leaves[:n])
	}
	return leaves[0], mutated
}

// hashRow puts the row above the given one in front of it, over what was there.
func hashRow(row []Hash) {
	for i := 0; i < len(row); i += 2 {
		row[i/2] = hashPair(&row[i], &row[min(i+1, len(row)-1)])
	}
}

func hashPair(left, right *Hash) Hash {
	var pair [2 * HashSize]byte
	copy(pair[:HashSize], left[:])
	copy(pair[HashSize:], right[:])
	return DoubleSHA256(pair[:])
}

// MerkleBranch returns what the root over leaves depends on besides the first
// leaf, from the bottom up: see RootOfFirst. It overwrites leaves; the first
// does not matter.
func MerkleBranch(leaves []Hash) []Hash {
	branch := make([]Hash, 0, bits.Len(uint(len(leaves))))
	for n := len(leaves); n > 1; n = (n + 1) / 2 {
		branch = append(branch, leaves[1])
		hashRow(leaves[:n])
	}
	return branch
}

// RootOfFirst returns the merkle root of the tree whose first leaf is given
// and whose other leaves gave the branch.
func RootOfFirst(leaf Hash, branch []Hash) Hash {
	for i := range branch {
		leaf = hashPair(&leaf, &branch[i])
	}
	return leaf
}

// TxMerkleRoot returns the root over the transactions' ids, which the header
// commits to, and whether the tree is ambiguous (see MerkleRoot).
func (b *Block) TxMerkleRoot() (root Hash, mutated bool) {
	leaves := make([]Hash, len(b.Txs))
	for i, tx := range b.Txs {
		leaves[i] = tx.TxID()
	}
	return MerkleRoot(leaves)
}

// WitnessMerkleRoot returns the root over the transactions' wtxids with zero
// in the place of the coinbase (BIP 141, "Commitment structure").
func (b *Block) WitnessMerkleRoot() Hash {
	leaves := make([]Hash, len(b.Txs))
	for i, tx := range b.Txs {
		if i > 0 {
			leaves[i] = tx.WTxID()
		}
	}
	root, _ := MerkleRoot(leaves)
	return root
}

// witnessCommitmentPrefix begins the script of the coinbase output that
// commits to the witnesses: OP_RETURN, a push of 36 bytes, and a tag.
var witnessCommitmentPrefix = []byte{0x6a, 0x24, 0xaa, 0x21, 0xa9, 0xed}

// WitnessCommitmentScript returns the output script that carries commitment.
func WitnessCommitmentScript(commitment Hash) []byte {
	return append(bytes.Clone(witnessCommitmentPrefix), commitment[:]...)
}

// WitnessCommitment returns the commitment in the coinbase and true, or false
// if there is none. Of several outputs that carry one the last counts.
func (b *Block) WitnessCommitment() (Hash, bool) {
	if len(b.Txs) == 0 {
		return Hash{}, false
	}
	outs := b.Txs[0].Outputs
	for i := len(outs) - 1; i >= 0; i-- {
		script := outs[i].PkScript
		if len(script) >= 38 && bytes.HasPrefix(script, witnessCommitmentPrefix) {
			return Hash(script[6:38]), true
		}
	}
	return Hash{}, false
}

// WitnessCommitmentHash returns what the coinbase must commit to: the double
// SHA-256 of the witness merkle root and the 32-byte reserved value that
// stands in the coinbase's witness.
func WitnessCommitmentHash(witnessRoot Hash, reserved [32]byte) Hash {
	var buf [2 * HashSize]byte
	copy(buf[:HashSize], witnessRoot[:])
	copy(buf[HashSize:], reserved[:])
	return DoubleSHA256(buf[:])
}
