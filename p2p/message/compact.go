package message

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/keelson-chain/keelson/wire"
)

// The length of a short id in bytes, at least and at most. The most is that of BIP
// 152, which leaves nothing to be seen to; see package compact for when less will do.
const (
	MinIDSize = 4
	MaxIDSize = 6
)

// Compact is a block with most of its transactions replaced by short ids, as in
// BIP 152 (HeaderAndShortIDs, version 2). Package p2p/compact makes it and turns it
// back into a block.
//
//	size  field
//	  80  Header
//	   8  Nonce
//	   1  IDSize
//	 var  ShortIDs: their number, IDSize bytes each
//	 var  Prefilled: their number; of each how many places lie between it and the
//	      one before, as CompactSize, and the transaction
type Compact struct {
	Header wire.Header
	Nonce  uint64 // of the key of the short ids
	// IDSize is the length of each short id in bytes, MinIDSize to MaxIDSize; 0
	// stands for MaxIDSize.
	IDSize int
	// ShortIDs are numbers of that length, in the order of the block, for all
	// transactions but those in Prefilled.
	ShortIDs []uint64
	// Prefilled are ordered by Index. In a decoded Compact every place of the block
	// is taken by one of them or one of ShortIDs, and there is at least one.
	Prefilled []Prefilled

	raw []byte // of a decoded one
}

// Prefilled is a transaction that stands in a Compact as it is.
type Prefilled struct {
	Index uint32 // its place in the block
	Tx    *wire.Tx
}

// Kind returns KindCompact.
func (*Compact) Kind() Kind { return KindCompact }

// TxCount is how many transactions the block has.
func (m *Compact) TxCount() int { return len(m.ShortIDs) + len(m.Prefilled) }

// Size returns the length of the payload in bytes.
func (m *Compact) Size() int {
	if m.raw != nil {
		return len(m.raw)
	}
	return len(m.Append(nil))
}

// Sum tells this compact form of a block from all others.
func (m *Compact) Sum() wire.Hash { return sha256.Sum256(m.Append(nil)) }

// Append appends the payload to dst. Of a decoded Compact, which nobody changes,
// it is what came.
func (m *Compact) Append(dst []byte) []byte {
	if m.raw != nil {
		return append(dst, m.raw...)
	}
	dst = m.Header.Append(dst)
	dst = binary.LittleEndian.AppendUint64(dst, m.Nonce)
	size := cmp.Or(m.IDSize, MaxIDSize)
	dst = append(dst, byte(size))
	dst = wire.AppendCompactSize(dst, uint64(len(m.ShortIDs)))
	var b [8]byte
	for _, id := range m.ShortIDs {
		binary.LittleEndian.PutUint64(b[:], id)
		dst = append(dst, b[:size]...)
	}
	dst = wire.AppendCompactSize(dst, uint64(len(m.Prefilled)))
	next := uint32(0)
	for _, p := range m.Prefilled {
		dst = wire.AppendCompactSize(dst, uint64(p.Index-next))
		dst = p.Tx.Append(dst)
		next = p.Index + 1
	}
	return dst
}

// DecodeCompact reads the payload of a Compact, which keeps b.
func DecodeCompact(b []byte) (*Compact, error) {
	r := reader{b: b}
	m := &Compact{Header: r.header(), Nonce: r.uint64(), raw: b}
	if m.IDSize = int(r.byte()); m.IDSize < MinIDSize || m.IDSize > MaxIDSize {
		r.fail(fmt.Errorf("short ids of %d bytes", m.IDSize))
	}
	if n := r.countOf(m.IDSize, math.MaxInt); n > 0 {
		m.ShortIDs = make([]uint64, n)
		var b [8]byte
		for i := range m.ShortIDs {
			copy(b[:], r.bytes(m.IDSize))
			m.ShortIDs[i] = binary.LittleEndian.Uint64(b[:])
		}
	}
	if n := r.countOf(1+minTxSize, math.MaxInt); n > 0 {
		m.Prefilled = make([]Prefilled, n)
		indexes := indexReader{&r, 0}
		for i := range m.Prefilled {
			if m.Prefilled[i] = (Prefilled{indexes.next(), r.tx()}); r.err != nil {
				break
			}
		}
		if last := m.Prefilled[n-1].Index; int64(last) >= int64(m.TxCount()) {
			r.fail(fmt.Errorf("transaction %d of %d is prefilled", last, m.TxCount()))
		}
	}
	if m.TxCount() == 0 {
		r.fail(fmt.Errorf("a block without transactions"))
	}
	if err := r.end("compact"); err != nil {
		return nil, err
	}
	return m, nil
}

// indexReader reads indexes that grow, each as what lies between it and the one
// before.
type indexReader struct {
	r    *reader
	from uint64 // the least that the next one can be
}

func (x *indexReader) next() uint32 {
	at := x.from + x.r.count()
	if at > math.MaxUint32 {
		x.r.fail(fmt.Errorf("index %d exceeds 32 bits", at))
		return 0
	}
	x.from = at + 1
	return uint32(at)
}
