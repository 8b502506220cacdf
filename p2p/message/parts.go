package message

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"github.com/keelson-chain/keelson/wire"
)

const (
	// PartSize is the length of each part of a compact block but the last.
	PartSize = 4 << 10
	// sumSize is the length of the sum of a part in a Head.
	sumSize = 16
)

// Head announces a compact block that comes in parts. So whoever passes it on need
// not have all of it before he begins, and parts may come from several peers.
type Head struct {
	Header wire.Header
	Size   uint32 // of the compact block's payload, in bytes
	// Sums are the first 16 bytes of the SHA-256 of each part.
	Sums [][sumSize]byte
}

// SetID names the parts that belong to one Head: the first 8 bytes of the SHA-256
// of its payload.
type SetID [8]byte

// Part is one part of a compact block whose Head the same peer has sent before.
type Part struct {
	Set   SetID
	Index uint16
	Data  []byte
}

// Split cuts the payload of a compact block, which the parts keep.
func Split(h wire.Header, payload []byte) (*Head, []*Part) {
	head := &Head{Header: h, Size: uint32(len(payload))}
	var parts []*Part
	for len(payload) > 0 {
		n := min(len(payload), PartSize)
		head.Sums = append(head.Sums, partSum(payload[:n]))
		parts = append(parts, &Part{Index: uint16(len(parts)), Data: payload[:n]})
		payload = payload[n:]
	}
	set := head.ID()
	for _, p := range parts {
		p.Set = set
	}
	return head, parts
}

func partSum(data []byte) [sumSize]byte {
	sum := sha256.Sum256(data)
	return [sumSize]byte(sum[:])
}

// partCount is how many parts a payload of that size has.
func partCount(size int) int { return (size + PartSize - 1) / PartSize }

// ID returns what the Head's parts name it by.
func (m *Head) ID() SetID {
	sum := sha256.Sum256(m.Append(nil))
	return SetID(sum[:])
}

// Fits reports whether p is one of the parts that the Head announces.
func (m *Head) Fits(p *Part) bool {
	return int(p.Index) < len(m.Sums) && partSum(p.Data) == m.Sums[p.Index]
}

// Kind returns KindHead.
func (*Head) Kind() Kind { return KindHead }

// Kind returns KindPart.
func (*Part) Kind() Kind { return KindPart }

// Append appends the payload: the header, the size and the sums.
func (m *Head) Append(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(m.Header.Append(dst), m.Size)
	for i := range m.Sums {
		dst = append(dst, m.Sums[i][:]...)
	}
	return dst
}

// Append appends the payload: the set, the index and the data.
func (m *Part) Append(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint16(append(dst, m.Set[:]...), m.Index)
	return append(dst, m.Data...)
}

// decodeHead reads the payload of a Head.
func decodeHead(b []byte) (*Head, error) {
	r := reader{b: b}
	m := &Head{Header: r.header(), Size: r.uint32()}
	n := partCount(int(m.Size))
	switch {
	case r.err != nil:
	case n == 0 || n > 1<<16:
		r.fail(fmt.Errorf("a compact block of %d bytes", m.Size))
	case n*sumSize > len(r.b):
		r.fail(wire.ErrTruncated)
	default:
		m.Sums = make([][sumSize]byte, n)
		for i := range m.Sums {
			copy(m.Sums[i][:], r.bytes(sumSize))
		}
	}
	return m, r.end("head")
}

// decodePart reads the payload of a Part, which keeps b.
func decodePart(b []byte) (*Part, error) {
	r := reader{b: b}
	m := &Part{}
	copy(m.Set[:], r.bytes(len(m.Set)))
	if s := r.bytes(2); s != nil {
		m.Index = binary.LittleEndian.Uint16(s)
	}
	if n := len(r.b); r.err == nil && (n == 0 || n > PartSize) {
		r.fail(fmt.Errorf("a part of %d bytes", n))
	}
	m.Data = r.bytes(len(r.b))
	return m, r.end("part")
}
