package pow

import (
	"encoding/binary"
	"encoding/hex"

	"github.com/keelson-chain/keelson/wire"
)

// Target is the largest number that a block's hash, read as a little-endian
// integer of 256 bits, may be. It comes out of Bits.Target only, so that there
// is no Target which no header could ask for. Targets compare with ==; the
// zero value is met by no hash but zero.
type Target struct{ v uint256 }

// Bits returns t in compact form, rounded down to the 15 to 23 leading bits
// that the form has room for.
func (t Target) Bits() Bits { return t.v.compact() }

func (x uint256) compact() Bits {
	exponent := uint(x.bitLen()+7) / 8
	var mantissa uint64
	if exponent <= 3 {
		mantissa = x[0] << (8 * (3 - exponent))
	} else {
		mantissa = x.rsh(8 * (exponent - 3))[0]
	}
	// The mantissa's top bit is the sign, so a set one moves down a byte.
	if mantissa&bitsSign != 0 {
		mantissa >>= 8
		exponent++
	}
	return Bits(exponent<<24) | Bits(mantissa)
}

// Cmp returns -1, 0 or 1 as t is less than, equal to or greater than u. The
// lesser target is the harder one.
func (t Target) Cmp(u Target) int { return t.v.cmp(u.v) }

// BitLen returns the length of t in bits, 0 to 256.
func (t Target) BitLen() int { return t.v.bitLen() }

// Met reports whether h, as a little-endian number, does not exceed t.
func (t Target) Met(h wire.Hash) bool {
	for i := len(t.v) - 1; i >= 0; i-- {
		if limb := binary.LittleEndian.Uint64(h[8*i:]); limb != t.v[i] {
			return limb < t.v[i]
		}
	}
	return true
}

// Work returns how many hashes it takes to meet t on average, 2^256 / (t+1)
// rounded down. That of the zero value is zero.
func (t Target) Work() Work {
	if t.v.isZero() {
		return Work{} // not a target that bits can ask for
	}
	// 2^256 does not fit either, but 2^256/(t+1) = (2^256-(t+1))/(t+1) + 1,
	// and 2^256-(t+1) is the complement of t. t+1 does: bits set no more than
	// 23 bits of a target.
	next, _ := t.v.add(uint256{1})
	w, _ := t.v.not().div(next).add(uint256{1})
	return Work{w}
}

// String returns t as 64 hexadecimal digits, most significant first.
func (t Target) String() string {
	b := t.v.bytes()
	return hex.EncodeToString(b[:])
}
