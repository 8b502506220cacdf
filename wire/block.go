package wire

import "fmt"

// Block is a header and the transactions that it commits to. Like a Tx it may
// be filled in until it is shared; a decoded Block is shared from the start.
type Block struct {
	Header Header
	Txs    []*Tx

	raw []byte // the encoding that it was decoded from, nil for one that was built
}

// DecodeBlock reads one block. The Block keeps b, which must not change
// afterwards: its scripts and witnesses are slices of it. Each of its
// transactions holds on to the memory of all, so what outlives the block by
// long is better cloned. The errors are those of this package, with the place
// of the transaction that is malformed.
func DecodeBlock(b []byte) (*Block, error) {
	r := reader{b: b}
	block := &Block{Header: r.header()}
	n := r.countOf(minTxSize)
	block.Txs = make([]*Tx, n)
	txs := make([]Tx, n)
	var s slabs
	for i := range txs {
		r.tx(&txs[i], &s, true)
		if r.err != nil {
			return nil, fmt.Errorf("decode block: transaction %d: %w", i, r.err)
		}
		block.Txs[i] = &txs[i]
	}
	if err := r.end(); err != nil {
		return nil, fmt.Errorf("decode block: %w", err)
	}
	block.raw = b
	return block, nil
}

// Hash returns the hash of the header, which names the block.
func (b *Block) Hash() Hash { return b.Header.Hash() }

// Append appends the encoding to dst: the header, the number of transactions
// and the transactions with their witnesses.
func (b *Block) Append(dst []byte) []byte {
	if b.raw != nil {
		return append(dst, b.raw...)
	}
	dst = b.Header.Append(dst)
	dst = AppendCompactSize(dst, uint64(len(b.Txs)))
	for _, tx := range b.Txs {
		dst = tx.Append(dst)
	}
	return dst
}

// Bytes returns the encoding, which the caller must not change: for a decoded
// block it is the very buffer that the block was decoded from.
func (b *Block) Bytes() []byte {
	if b.raw != nil {
		return b.raw
	}
	return b.Append(make([]byte, 0, b.Size()))
}

// Size returns the length of the encoding in bytes.
func (b *Block) Size() int {
	if b.raw != nil {
		return len(b.raw)
	}
	size := HeaderSize + CompactSizeLen(uint64(len(b.Txs)))
	for _, tx := range b.Txs {
		size += tx.Size()
	}
	return size
}

// StrippedSize returns the length of the encoding without witnesses, in bytes.
func (b *Block) StrippedSize() int {
	size := HeaderSize + CompactSizeLen(uint64(len(b.Txs)))
	for _, tx := range b.Txs {
		size += tx.StrippedSize()
	}
	return size
}

// Weight returns three times the stripped size plus the size, in weight units
// (BIP 141, "Block size").
func (b *Block) Weight() int {
	return b.StrippedSize()*(WitnessScaleFactor-1) + b.Size()
}

// Clone returns a deep copy that shares nothing with b and may be changed.
func (b *Block) Clone() *Block {
	c := &Block{Header: b.Header, Txs: make([]*Tx, len(b.Txs))}
	for i, tx := range b.Txs {
		c.Txs[i] = tx.Clone()
	}
	return c
}
