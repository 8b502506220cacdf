package pow

import (
	"encoding/binary"
	"math/bits"
)

// uint256 is an unsigned 256-bit integer, least significant limb first.
type uint256 [4]uint64

func (x uint256) isZero() bool { return x[0]|x[1]|x[2]|x[3] == 0 }

func (x uint256) cmp(y uint256) int {
	for i := len(x) - 1; i >= 0; i-- {
		if x[i] != y[i] {
			if x[i] < y[i] {
				return -1
			}
			return 1
		}
	}
	return 0
}

// add returns x + y modulo 2^256 and the carry.
func (x uint256) add(y uint256) (z uint256, carry uint64) {
	for i := range z {
		z[i], carry = bits.Add64(x[i], y[i], carry)
	}
	return z, carry
}

// sub returns x - y modulo 2^256 and the borrow.
func (x uint256) sub(y uint256) (z uint256, borrow uint64) {
	for i := range z {
		z[i], borrow = bits.Sub64(x[i], y[i], borrow)
	}
	return z, borrow
}

// not returns 2^256 - 1 - x.
func (x uint256) not() uint256 { return uint256{^x[0], ^x[1], ^x[2], ^x[3]} }

// mul returns the low 256 bits of x * y and the 64 bits above them.
func (x uint256) mul(y uint64) (z uint256, high uint64) {
	for i := range z {
		hi, lo := bits.Mul64(x[i], y)
		var carry uint64
		z[i], carry = bits.Add64(lo, high, 0)
		high = hi + carry
	}
	return z, high
}

// lsh returns x * 2^n modulo 2^256.
func (x uint256) lsh(n uint) (z uint256) {
	words, n := n/64, n%64
	for i := len(z) - 1; i >= int(words); i-- {
		z[i] = x[i-int(words)] << n
		if i > int(words) {
			z[i] |= x[i-int(words)-1] >> (64 - n) // a shift by 64 gives zero
		}
	}
	return z
}

// rsh returns x / 2^n, rounded down.
func (x uint256) rsh(n uint) (z uint256) {
	words, n := n/64, n%64
	for i := 0; i+int(words) < len(z); i++ {
		z[i] = x[i+int(words)] >> n
		if i+int(words)+1 < len(x) {
			z[i] |= x[i+int(words)+1] << (64 - n)
		}
	}
	return z
}

// bitLen returns the length of x in bits; that of zero is 0.
func (x uint256) bitLen() int {
	for i := len(x) - 1; i >= 0; i-- {
		if x[i] != 0 {
			return i*64 + bits.Len64(x[i])
		}
	}
	return 0
}

// div64 returns x / y, rounded down. y must not be zero.
func (x uint256) div64(y uint64) (q uint256) {
	var rem uint64
	for i := len(x) - 1; i >= 0; i-- {
		q[i], rem = bits.Div64(rem, x[i], y)
	}
	return q
}

// div returns x / y, rounded down. y must not be zero.
//
// It is schoolbook division in base 2^64 (Knuth, The Art of Computer
// Programming, volume 2, 4.3.1, algorithm D).
func (x uint256) div(y uint256) (q uint256) {
	n := (y.bitLen() + 63) / 64
	if n == 1 {
		return x.div64(y[0])
	}
	// Shift both so that the divisor's top bit is set; then a quotient digit
	// guessed from the leading limbs is at most two too large.
	shift := uint(bits.LeadingZeros64(y[n-1]))
	v := y.lsh(shift)
	var u [5]uint64
	low := x.lsh(shift)
	copy(u[:], low[:])
	u[4] = x[3] >> (64 - shift)

	for j := len(x) - n; j >= 0; j-- {
		digit := quotientDigit(u[j+n], u[j+n-1], u[j+n-2], v[n-1], v[n-2])
		if borrow := subMul(u[j:j+n+1], v[:n], digit); borrow != 0 {
			digit--
			addBack(u[j:j+n+1], v[:n])
		}
		q[j] = digit
	}
	return q
}

// quotientDigit estimates (u2,u1,u0,...) / (v1,v0,...), which must be less than
// 2^64 and v1 have its top bit set: the result is exact or one too large.
func quotientDigit(u2, u1, u0, v1, v0 uint64) uint64 {
	// The guess from two limbs and one, and what it leaves of them.
	var digit, rem, carry uint64
	if u2 >= v1 { // u2 == v1: the quotient has no room for more
		digit = ^uint64(0)
		rem, carry = bits.Add64(u1, v1, 0)
	} else {
		digit, rem = bits.Div64(u2, u1, v1)
	}
	// One limb more of each corrects a guess that is two too large, and
	// nearly every one that is one too large.
	for carry == 0 {
		hi, lo := bits.Mul64(digit, v0)
		if hi < rem || hi == rem && lo <= u0 {
			break
		}
		digit--
		rem, carry = bits.Add64(rem, v1, 0)
	}
	return digit
}

// subMul sets u to u - v*digit and returns the borrow out of its top limb.
func subMul(u, v []uint64, digit uint64) uint64 {
	var carry, borrow uint64
	for i := range v {
		hi, lo := bits.Mul64(v[i], digit)
		var c uint64
		lo, c = bits.Add64(lo, carry, 0)
		carry = hi + c
		u[i], borrow = bits.Sub64(u[i], lo, borrow)
	}
	top := len(v)
	u[top], borrow = bits.Sub64(u[top], carry, borrow)
	return borrow
}

// addBack sets u to u + v, dropping the carry out of its top limb.
func addBack(u, v []uint64) {
	var carry uint64
	for i := range v {
		u[i], carry = bits.Add64(u[i], v[i], carry)
	}
	u[len(v)] += carry
}

// bytes returns x as 32 bytes, most significant first.
func (x uint256) bytes() (b [32]byte) {
	for i, limb := range x {
		binary.BigEndian.PutUint64(b[24-8*i:], limb)
	}
	return b
}

func uint256FromBytes(b [32]byte) (x uint256) {
	for i := range x {
		x[i] = binary.BigEndian.Uint64(b[24-8*i:])
	}
	return x
}
