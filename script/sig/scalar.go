package sig

import (
	"encoding/binary"
	"math/bits"
)

// words is a 256-bit number, least significant word first.
type words [4]uint64

func scalarWords(s *scalar) words {
	var b [32]byte
	s.PutBytes(&b)
	return words{
		binary.BigEndian.Uint64(b[24:]),
		binary.BigEndian.Uint64(b[16:]),
		binary.BigEndian.Uint64(b[8:]),
		binary.BigEndian.Uint64(b[0:]),
	}
}

// The curve has a cheap endomorphism: (x, y) -> (beta*x, y) is multiplication
// by lambda, with beta^3 = 1 mod p and lambda^3 = 1 mod n. The pairs
// (a1, b1) and (a2, b2) are short vectors with a + b*lambda = 0 mod n; they
// split a scalar into two halves (Guide to Elliptic Curve Cryptography,
// algorithm 3.74). The estimates are floor(2^320*b2/n) and floor(-2^320*b1/n),
// which instead of a division by n needs a shift.
const (
	lambdaHex = "5363ad4cc05c30e0a5261c028812645a122e22ea20816678df02967c1b23bd72"
	betaHex   = "7ae96a2b657c07106e64479eac3434e99cf0497512f58995c1396c28719501ee"

	splitA1lo, splitA1hi  = 0xe86c90e49284eb15, 0x3086d221a7d46bcd // also b2
	splitB1lo, splitB1hi  = 0x6f547fa90abfe4c3, 0xe4437ed6010e8828 // -b1
	splitA2lo, splitA2mid = 0x57c1108d9d44cfd8, 0x14ca50f7a8e2f3f6 // a2, less 2^128
	splitE1w0, splitE1w1  = 0x3daa8a1471e8ca7f, 0xe86c90e49284eb15
	splitE1w2             = 0x3086d221a7d46bcd
	splitE2w0, splitE2w1  = 0x221208ac9df506c6, 0x6f547fa90abfe4c4
	splitE2w2             = 0xe4437ed6010e8828
	halfBits              = 128 // of each half
)

// half is a signed number of at most 128 bits.
type half struct {
	lo, hi uint64
	neg    bool
}

// split returns k1 and k2 with k = k1 + k2*lambda mod n.
func split(k *words) (k1, k2 half) {
	c1lo, c1hi := mulShift320(k, splitE1w0, splitE1w1, splitE1w2)
	c2lo, c2hi := mulShift320(k, splitE2w0, splitE2w1, splitE2w2)

	// k1 = k - c1*a1 - c2*a2 and k2 = c1*(-b1) - c2*b2. Both are below 2^128 in
	// size, so 192 bits of two's complement hold them.
	p0, p1, p2 := mul128(c1lo, c1hi, splitA1lo, splitA1hi)
	q0, q1, q2 := mul128(c2lo, c2hi, splitA2lo, splitA2mid)
	var c uint64
	q2 += c2lo // the bit of weight 2^128 of a2
	r0, c := bits.Sub64(k[0], p0, 0)
	r1, c := bits.Sub64(k[1], p1, c)
	r2, _ := bits.Sub64(k[2], p2, c)
	r0, c = bits.Sub64(r0, q0, 0)
	r1, c = bits.Sub64(r1, q1, c)
	r2, _ = bits.Sub64(r2, q2, c)
	k1 = signed(r0, r1, r2)

	p0, p1, p2 = mul128(c1lo, c1hi, splitB1lo, splitB1hi)
	q0, q1, q2 = mul128(c2lo, c2hi, splitA1lo, splitA1hi)
	r0, c = bits.Sub64(p0, q0, 0)
	r1, c = bits.Sub64(p1, q1, c)
	r2, _ = bits.Sub64(p2, q2, c)
	k2 = signed(r0, r1, r2)
	return k1, k2
}

// signed reads two's complement.
func signed(r0, r1, r2 uint64) half {
	if r2>>63 == 0 {
		return half{lo: r0, hi: r1}
	}
	lo, b := bits.Sub64(0, r0, 0)
	hi, _ := bits.Sub64(0, r1, b)
	return half{lo: lo, hi: hi, neg: true}
}

// mul128 is the product modulo 2^192 of two 128-bit numbers.
func mul128(a0, a1, b0, b1 uint64) (r0, r1, r2 uint64) {
	h, r0 := bits.Mul64(a0, b0)
	h1, l1 := bits.Mul64(a0, b1)
	h2, l2 := bits.Mul64(a1, b0)
	r1, c := bits.Add64(h, l1, 0)
	r2 = h1 + c
	r1, c = bits.Add64(r1, l2, 0)
	r2 += h2 + c + a1*b1
	return r0, r1, r2
}

// mulShift320 is k*e/2^320, rounded to the nearest, e being e0 + e1*2^64 + e2*2^128.
func mulShift320(k *words, e0, e1, e2 uint64) (lo, hi uint64) {
	var t [7]uint64
	for i, e := range [3]uint64{e0, e1, e2} {
		var carry uint64
		for j, w := range k {
			h, l := bits.Mul64(w, e)
			l, c := bits.Add64(l, carry, 0)
			h += c
			t[i+j], c = bits.Add64(t[i+j], l, 0)
			carry = h + c
		}
		t[i+4] = carry
	}
	lo, c := bits.Add64(t[5], t[4]>>63, 0)
	return lo, t[6] + c
}

// nafLen is the most digits that a half has: a carry may add one.
const nafLen = halfBits + 1

// naf writes k in non-adjacent form of the given width: digits[i], odd or
// zero and less than 2^(width-1) in size, has the weight 2^i, and of width
// neighbours at most one is not zero. It returns the number of digits, up to
// the last that is not zero.
func (k half) naf(width uint, digits *[nafLen]int8) (n int) {
	lo, hi, carry := k.lo, k.hi, uint64(0)
	*digits = [nafLen]int8{}
	for i := 0; i < nafLen; {
		if lo&1 == carry {
			if lo|hi == 0 && carry == 0 {
				break
			}
			// Skip the run of bits equal to the carry in one step.
			run := lo
			if carry == 1 {
				run = ^lo
			}
			z := min(bits.TrailingZeros64(run), nafLen-i)
			lo, hi = shiftRight(lo, hi, uint(z))
			i += z
			continue
		}
		d := int(lo&(1<<width-1)) + int(carry)
		carry = 0
		if d >= 1<<(width-1) {
			d -= 1 << width
			carry = 1
		}
		if k.neg {
			digits[i] = int8(-d)
		} else {
			digits[i] = int8(d)
		}
		n = i + 1
		lo, hi = shiftRight(lo, hi, width)
		i += int(width)
	}
	return n
}

func shiftRight(lo, hi uint64, by uint) (uint64, uint64) {
	if by >= 64 {
		return hi >> (by - 64), 0
	}
	if by == 0 {
		return lo, hi
	}
	return lo>>by | hi<<(64-by), hi >> by
}
