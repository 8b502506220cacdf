package wire

import (
	"encoding/binary"
	"errors"
)

// The kinds of malformed input that decoding reports, matched with errors.Is.
var (
	ErrTruncated    = errors.New("data ends early")
	ErrTrailing     = errors.New("data goes on after the end")
	ErrNonCanonical = errors.New("count is not in its shortest form")
	ErrTooLarge     = errors.New("count exceeds the 32 MiB limit")
	ErrWitnessFlag  = errors.New("unknown flag in transaction")
	ErrNoWitness    = errors.New("witness flag set but every witness is empty")
)

// maxCount is the largest count or length that the encoding can carry:
// 32 MiB, Bitcoin Core's MAX_SIZE. Consensus limits are all below it.
const maxCount = 0x02000000

// CompactSizeLen returns the length in bytes of n as a CompactSize: 1, 3, 5 or 9.
func CompactSizeLen(n uint64) int {
	switch {
	case n < 0xfd:
		return 1
	case n <= 0xffff:
		return 3
	case n <= 0xffffffff:
		return 5
	}
	return 9
}

// AppendCompactSize appends n in its shortest form: one byte below 0xfd, or
// 0xfd, 0xfe, 0xff and two, four or eight bytes, little-endian.
func AppendCompactSize(dst []byte, n uint64) []byte {
	switch {
	case n < 0xfd:
		return append(dst, byte(n))
	case n <= 0xffff:
		return append(dst, 0xfd, byte(n), byte(n>>8))
	case n <= 0xffffffff:
		return binary.LittleEndian.AppendUint32(append(dst, 0xfe), uint32(n))
	}
	return binary.LittleEndian.AppendUint64(append(dst, 0xff), n)
}

// ReadCompactSize reads a CompactSize from the front of b and returns what
// follows it. Longer forms than needed and values over 32 MiB are errors.
func ReadCompactSize(b []byte) (n uint64, rest []byte, err error) {
	r := reader{b: b}
	n = r.count()
	if r.err != nil {
		return 0, nil, r.err
	}
	return n, b[r.off:], nil
}

// reader walks a buffer. The first error sticks and leaves nothing to read, so
// that every later read gives zero; callers check it once, before they believe
// what they read.
type reader struct {
	b   []byte
	off int
	err error
}

func (r *reader) left() int { return len(r.b) - r.off }

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.b, r.off = nil, 0
}

// bytes returns the next n bytes as a slice of the buffer, with no spare
// capacity, so that appending to it cannot overwrite what follows.
func (r *reader) bytes(n int) []byte {
	if n > r.left() {
		r.fail(ErrTruncated)
		return nil
	}
	s := r.b[r.off : r.off+n : r.off+n]
	r.off += n
	return s
}

func (r *reader) byte() byte {
	if s := r.bytes(1); s != nil {
		return s[0]
	}
	return 0
}

func (r *reader) uint32() uint32 {
	if s := r.bytes(4); s != nil {
		return binary.LittleEndian.Uint32(s)
	}
	return 0
}

func (r *reader) uint64() uint64 {
	if s := r.bytes(8); s != nil {
		return binary.LittleEndian.Uint64(s)
	}
	return 0
}

// count reads a CompactSize.
func (r *reader) count() uint64 {
	if r.off < len(r.b) && r.b[r.off] < 0xfd {
		r.off++
		return uint64(r.b[r.off-1])
	}
	return r.longCount()
}

func (r *reader) longCount() uint64 {
	var n, least uint64
	switch r.byte() {
	case 0xfd:
		if s := r.bytes(2); s != nil {
			n = uint64(binary.LittleEndian.Uint16(s))
		}
		least = 0xfd
	case 0xfe:
		n, least = uint64(r.uint32()), 0x10000
	case 0xff:
		n, least = r.uint64(), 0x100000000
	}
	switch {
	case r.err != nil:
		return 0
	case n < least:
		r.fail(ErrNonCanonical)
		return 0
	case n > maxCount:
		r.fail(ErrTooLarge)
		return 0
	}
	return n
}

// countOf reads how many elements follow, each at least size bytes long. A
// count that the rest of the buffer cannot hold is an error, so what is
// allocated for it is bounded by the input.
func (r *reader) countOf(size int) int {
	n := int(r.count())
	if n*size > r.left() {
		r.fail(ErrTruncated)
		return 0
	}
	return n
}

// varBytes reads a count and that many bytes. A block has thousands of these,
// nearly all with a count of one byte, so that case is written out: it makes
// decoding a tenth faster.
func (r *reader) varBytes() []byte {
	b, off := r.b, r.off
	if off < len(b) && b[off] < 0xfd {
		from := off + 1
		to := from + int(b[off])
		if to <= len(b) {
			r.off = to
			return b[from:to:to]
		}
	}
	return r.bytes(int(r.count()))
}

// end reports the reader's error, or ErrTrailing if bytes are left over.
func (r *reader) end() error {
	if r.err == nil && r.left() > 0 {
		r.err = ErrTrailing
	}
	return r.err
}

func appendVarBytes(dst, s []byte) []byte {
	return append(AppendCompactSize(dst, uint64(len(s))), s...)
}

func varBytesLen(s []byte) int { return CompactSizeLen(uint64(len(s))) + len(s) }
