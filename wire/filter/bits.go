package filter

import (
	"encoding/binary"
	"math/bits"
)

// bitWriter appends bits to bytes, the most significant first.
type bitWriter struct {
	b    []byte
	last byte // bits that do not fill a byte yet, in its upper end
	used uint // how many
}

// bits appends the low n bits of v; n is at most 56.
func (w *bitWriter) bits(v uint64, n uint) {
	for n > 0 {
		k := min(8-w.used, n)
		part := byte(v>>(n-k)) & (1<<k - 1)
		w.last |= part << (8 - w.used - k)
		w.used += k
		n -= k
		if w.used == 8 {
			w.b = append(w.b, w.last)
			w.last, w.used = 0, 0
		}
	}
}

// golomb appends a number: the quotient by 2^remainderBits in ones, a zero, and the
// remainder (BIP 158, "Golomb-Rice Coding").
func (w *bitWriter) golomb(v uint64) {
	q := v >> remainderBits
	for ; q > 32; q -= 32 {
		w.bits(1<<32-1, 32)
	}
	w.bits(1<<(q+1)-2, uint(q)+1)
	w.bits(v, remainderBits)
}

// end fills the last byte with zeros.
func (w *bitWriter) end() []byte {
	if w.used > 0 {
		return append(w.b, w.last)
	}
	return w.b
}

// bitReader reads what bitWriter wrote.
type bitReader struct {
	b    []byte
	off  int    // of the next byte that is not in word
	word uint64 // the next bits, in its upper end; zeros below
	have uint   // how many
}

// left returns how many bits are left.
func (r *bitReader) left() int { return int(r.have) + 8*(len(r.b)-r.off) }

// fill gets at least 56 bits into word, or all that are left.
func (r *bitReader) fill() {
	if r.off+8 <= len(r.b) {
		r.word |= binary.BigEndian.Uint64(r.b[r.off:]) >> r.have
		n := (63 - r.have) / 8
		r.off += int(n)
		r.have += n * 8
		// What was read of the byte after the last whole one is read again.
		r.word &= ^uint64(0) << (64 - r.have)
		return
	}
	for r.have <= 56 && r.off < len(r.b) {
		r.word |= uint64(r.b[r.off]) << (56 - r.have)
		r.off++
		r.have += 8
	}
}

func (r *bitReader) drop(n uint) {
	r.word <<= n
	r.have -= n
}

// golomb reads a number. It is false where the bits end before.
func (r *bitReader) golomb() (uint64, bool) {
	q := uint64(0)
	for {
		r.fill()
		if r.have == 0 {
			return 0, false
		}
		ones := min(uint(bits.LeadingZeros64(^r.word)), r.have)
		q += uint64(ones)
		if ones < r.have {
			r.drop(ones + 1)
			break
		}
		r.drop(ones)
	}
	if r.have < remainderBits {
		if r.fill(); r.have < remainderBits {
			return 0, false
		}
	}
	v := q<<remainderBits | r.word>>(64-remainderBits)
	r.drop(remainderBits)
	return v, true
}
