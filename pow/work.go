package pow

import (
	"encoding/hex"
	"fmt"
	"strings"
)

// Work is a number of hashes, that of one block or the total of a chain, in
// 256 bits. The chain with the most work is the best one. The zero value is no
// work; works compare with ==.
type Work struct{ v uint256 }

// Add returns w + v, or the largest work if that exceeds 256 bits, which the
// work of no real chain comes near to.
func (w Work) Add(v Work) Work {
	sum, carry := w.v.add(v.v)
	if carry != 0 {
		return Work{uint256{}.not()}
	}
	return Work{sum}
}

// Sub returns w - v, or zero if v is the larger one.
func (w Work) Sub(v Work) Work {
	diff, borrow := w.v.sub(v.v)
	if borrow != 0 {
		return Work{}
	}
	return Work{diff}
}

// Cmp returns -1, 0 or 1 as w is less than, equal to or greater than v.
func (w Work) Cmp(v Work) int { return w.v.cmp(v.v) }

// IsZero reports whether w is no work.
func (w Work) IsZero() bool { return w.v.isZero() }

// Bytes returns w as 32 bytes, most significant first, so that works sort as
// their bytes do.
func (w Work) Bytes() [32]byte { return w.v.bytes() }

// WorkFromBytes reads what Bytes returns.
func WorkFromBytes(b [32]byte) Work { return Work{uint256FromBytes(b)} }

// String returns w as 64 hexadecimal digits, most significant first: the form
// of chainwork in JSON-RPC.
func (w Work) String() string {
	b := w.Bytes()
	return hex.EncodeToString(b[:])
}

// ParseWork reads 1 to 64 hexadecimal digits in either case, most significant
// first, with or without "0x" before them.
func ParseWork(s string) (Work, error) {
	digits := strings.TrimPrefix(s, "0x")
	if len(digits) == 0 || len(digits) > 64 {
		return Work{}, fmt.Errorf("work %q must have 1 to 64 hexadecimal digits, not %d", s, len(digits))
	}
	var b [32]byte
	padded := strings.Repeat("0", 64-len(digits)) + digits
	if _, err := hex.Decode(b[:], []byte(padded)); err != nil {
		return Work{}, fmt.Errorf("work %q is not hexadecimal", s)
	}
	return WorkFromBytes(b), nil
}

// Float64 returns w as a double, for rates and progress. It sums words of 32
// bits from the least significant one up, as Bitcoin Core's getdouble does, so
// that both round alike.
func (w Work) Float64() float64 {
	sum, unit := 0.0, 1.0
	for _, limb := range w.v {
		sum += unit * float64(uint32(limb))
		unit *= 1 << 32
		sum += unit * float64(uint32(limb>>32))
		unit *= 1 << 32
	}
	return sum
}
