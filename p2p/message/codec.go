package message

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"github.com/keelson-chain/keelson/wire"
)

// ErrMalformed is matched by every error of a decoder but ErrUnknownKind: no
// honest peer has sent this.
var ErrMalformed = errors.New("malformed message")

// ErrUnknownKind is the error of a relay message of a kind that this version does
// not know. The message is passed over.
var ErrUnknownKind = errors.New("unknown kind of message")

// reader walks a payload. The first error sticks and leaves nothing to read, so
// that every later read gives zero; decoders check it once, in end.
type reader struct {
	b   []byte
	err error
}

func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.b = nil
}

// bytes returns the next n bytes as a slice of the payload.
func (r *reader) bytes(n int) []byte {
	if n > len(r.b) {
		r.fail(wire.ErrTruncated)
		return nil
	}
	s := r.b[:n:n]
	r.b = r.b[n:]
	return s
}

func (r *reader) byte() byte {
	if s := r.bytes(1); s != nil {
		return s[0]
	}
	return 0
}

func (r *reader) bool() bool {
	b := r.byte()
	if b > 1 {
		r.fail(fmt.Errorf("%d is neither true nor false", b))
	}
	return b == 1
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

func (r *reader) hash() (h wire.Hash) {
	copy(h[:], r.bytes(wire.HashSize))
	return h
}

func (r *reader) header() wire.Header {
	s := r.bytes(wire.HeaderSize)
	if s == nil {
		return wire.Header{}
	}
	h, err := wire.DecodeHeader(s)
	if err != nil {
		r.fail(err)
	}
	return h
}

// count reads a CompactSize.
func (r *reader) count() uint64 {
	n, rest, err := wire.ReadCompactSize(r.b)
	if err != nil {
		r.fail(err)
		return 0
	}
	r.b = rest
	return n
}

// position reads a CompactSize of at most 32 bits.
func (r *reader) position() uint32 {
	n := r.count()
	if n > math.MaxUint32 {
		r.fail(fmt.Errorf("position %d exceeds 32 bits", n))
		return 0
	}
	return uint32(n)
}

// countOf reads how many elements follow, at most most of them, each at least size
// bytes long. What is allocated for them is bounded by what came.
func (r *reader) countOf(size, most int) int {
	n := r.count()
	if n > uint64(most) {
		r.fail(fmt.Errorf("%d elements exceed the limit of %d", n, most))
		return 0
	}
	if n*uint64(size) > uint64(len(r.b)) {
		r.fail(wire.ErrTruncated)
		return 0
	}
	return int(n)
}

// text reads a count and that many bytes, at most most.
func (r *reader) text(most int) string { return string(r.bytes(r.countOf(1, most))) }

// addr reads the text of a multi-address, which only its length and letters are
// known of here.
func (r *reader) addr() string {
	s := r.text(MaxAddr)
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			r.fail(fmt.Errorf("address %q has a character that none has", s))
			return ""
		}
	}
	return s
}

// hashes reads a count and that many hashes.
func (r *reader) hashes(most int) []wire.Hash {
	n := r.countOf(wire.HashSize, most)
	if n == 0 {
		return nil
	}
	list := make([]wire.Hash, n)
	for i := range list {
		list[i] = r.hash()
	}
	return list
}

func (r *reader) tx() *wire.Tx {
	tx, rest, err := wire.DecodeTxPrefix(r.b)
	if err != nil {
		r.fail(err)
		return nil
	}
	r.b = rest
	return tx
}

// end returns the reader's error, or ErrTrailing if bytes are left over, as an
// error about what.
func (r *reader) end(what string) error {
	if r.err == nil && len(r.b) > 0 {
		r.err = wire.ErrTrailing
	}
	if r.err != nil {
		return fmt.Errorf("%w: %s: %w", ErrMalformed, what, r.err)
	}
	return nil
}

func appendBool(dst []byte, b bool) []byte {
	if b {
		return append(dst, 1)
	}
	return append(dst, 0)
}

func appendText(dst []byte, s string) []byte {
	return append(wire.AppendCompactSize(dst, uint64(len(s))), s...)
}

func appendHashes(dst []byte, list []wire.Hash) []byte {
	dst = wire.AppendCompactSize(dst, uint64(len(list)))
	for i := range list {
		dst = append(dst, list[i][:]...)
	}
	return dst
}
