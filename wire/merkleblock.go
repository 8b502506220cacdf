package wire

import "encoding/binary"

// MerkleBlock proves that transactions are in a block (BIP 37, "Partial Merkle
// branch format"): the header, and as much of the merkle tree as leads from
// them to its root.
type MerkleBlock struct {
	Header Header
	Total  uint32 // transactions in the block
	Hashes []Hash // of the nodes that are not looked into, depth first
	// Flags are a bit for each node on the way, depth first, whether a proven
	// transaction lies below it: the least significant of each byte first.
	Flags []byte
}

// NewMerkleBlock proves those transactions of b for which proven says so.
func NewMerkleBlock(b *Block, proven func(txid Hash) bool) *MerkleBlock {
	m := &MerkleBlock{Header: b.Header, Total: uint32(len(b.Txs))}
	row := make([]Hash, len(b.Txs))
	below := make([]bool, len(b.Txs))
	for i, tx := range b.Txs {
		row[i] = tx.TxID()
		below[i] = proven(row[i])
	}
	rows, belows := [][]Hash{row}, [][]bool{below}
	for len(row) > 1 {
		above, over := make([]Hash, (len(row)+1)/2), make([]bool, (len(row)+1)/2)
		for i := range above {
			right := min(2*i+1, len(row)-1)
			above[i] = hashPair(&row[2*i], &row[right])
			over[i] = below[2*i] || below[right]
		}
		row, below = above, over
		rows, belows = append(rows, row), append(belows, below)
	}
	used := 0
	var walk func(height, at int)
	walk = func(height, at int) {
		if used%8 == 0 {
			m.Flags = append(m.Flags, 0)
		}
		if belows[height][at] {
			m.Flags[used/8] |= 1 << (used % 8)
		}
		used++
		if height == 0 || !belows[height][at] {
			m.Hashes = append(m.Hashes, rows[height][at])
			return
		}
		walk(height-1, 2*at)
		if 2*at+1 < len(rows[height-1]) {
			walk(height-1, 2*at+1)
		}
	}
	if len(b.Txs) > 0 {
		walk(len(rows)-1, 0)
	}
	return m
}

// DecodeMerkleBlock reads a proof from the front of b and returns what follows it.
// Whether it proves anything, Matches says.
func DecodeMerkleBlock(b []byte) (m *MerkleBlock, rest []byte, err error) {
	r := reader{b: b}
	m = &MerkleBlock{Header: r.header(), Total: r.uint32()}
	n := r.countOf(HashSize)
	m.Hashes = make([]Hash, n)
	for i := range m.Hashes {
		copy(m.Hashes[i][:], r.bytes(HashSize))
	}
	m.Flags = r.varBytes()
	if r.err != nil {
		return nil, nil, r.err
	}
	return m, b[r.off:], nil
}

// Append appends the encoding.
func (m *MerkleBlock) Append(dst []byte) []byte {
	dst = m.Header.Append(dst)
	dst = binary.LittleEndian.AppendUint32(dst, m.Total)
	dst = AppendCompactSize(dst, uint64(len(m.Hashes)))
	for i := range m.Hashes {
		dst = append(dst, m.Hashes[i][:]...)
	}
	return appendVarBytes(dst, m.Flags)
}

// Matches returns the ids of the transactions that are proven to be in a block
// with the header, if its number of transactions is Total, which the proof itself
// does not show. It returns false if the proof does not lead to the header's
// merkle root, or has more in it than is needed.
func (m *MerkleBlock) Matches() (txids []Hash, ok bool) {
	if m.Total == 0 || uint64(len(m.Hashes)) > uint64(m.Total) || 8*len(m.Flags) < len(m.Hashes) {
		return nil, false
	}
	width := func(height uint) uint64 { return (uint64(m.Total) + 1<<height - 1) >> height }
	height := uint(0)
	for width(height) > 1 {
		height++
	}
	bits, hashes := 0, 0
	bad := false
	var walk func(height uint, at uint64) Hash
	walk = func(height uint, at uint64) Hash {
		if bits >= 8*len(m.Flags) {
			bad = true
		}
		if bad {
			return Hash{}
		}
		below := m.Flags[bits/8]>>(bits%8)&1 == 1
		bits++
		if height > 0 && below {
			left := walk(height-1, 2*at)
			right := left
			if 2*at+1 < width(height-1) {
				// The two are different, or a list of transactions with a
				// repeated end would have the same root (CVE-2012-2459).
				if right = walk(height-1, 2*at+1); right == left {
					bad = true
				}
			}
			return hashPair(&left, &right)
		}
		if hashes >= len(m.Hashes) {
			bad = true
			return Hash{}
		}
		h := m.Hashes[hashes]
		hashes++
		if below {
			txids = append(txids, h)
		}
		return h
	}
	root := walk(height, 0)
	if bad || (bits+7)/8 != len(m.Flags) || hashes != len(m.Hashes) || root != m.Header.MerkleRoot {
		return nil, false
	}
	return txids, true
}
