package muhash

import (
	"encoding/binary"
	"math/big"
	"math/bits"
	"slices"
)

const (
	limbs   = 48
	numSize = 8 * limbs
	// prime is what the modulus lacks to 2^3072.
	prime = 1103717
)

var modulus = new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 64*limbs), big.NewInt(prime))

// num is a number below 2^3072, its least significant limb first. It stands
// for itself modulo 2^3072 - prime, and may be larger than that.
type num [limbs]uint64

func fromBytes(b []byte) (n num) {
	for i := range n {
		n[i] = binary.LittleEndian.Uint64(b[8*i:])
	}
	return n
}

func (n *num) append(dst []byte) []byte {
	for _, limb := range n {
		dst = binary.LittleEndian.AppendUint64(dst, limb)
	}
	return dst
}

func (n *num) big() *big.Int {
	b := n.append(nil)
	slices.Reverse(b)
	return new(big.Int).SetBytes(b)
}

func fromBig(v *big.Int) num {
	b := v.FillBytes(make([]byte, numSize))
	slices.Reverse(b)
	return fromBytes(b)
}

// mul sets n to n times m.
func (n *num) mul(m *num) {
	var wide [2 * limbs]uint64
	for i, a := range n {
		carry := uint64(0)
		for j := 0; j < limbs; j += 8 {
			carry = mulAdd8((*[8]uint64)(wide[i+j:]), a, (*[8]uint64)(m[j:]), carry)
		}
		wide[i+limbs] = carry
	}
	// 2^3072 is prime more than a multiple of the modulus, so the upper half
	// counts prime times in the lower one.
	carry := uint64(0)
	for i := range n {
		hi, lo := bits.Mul64(wide[limbs+i], prime)
		var c uint64
		lo, c = bits.Add64(lo, wide[i], 0)
		hi += c
		lo, c = bits.Add64(lo, carry, 0)
		n[i], carry = lo, hi+c
	}
	// What is left over lies below prime + 1, and so does what this leaves.
	for carry > 0 {
		hi, lo := bits.Mul64(carry, prime)
		n[0], carry = bits.Add64(n[0], lo, 0)
		n[1], carry = bits.Add64(n[1], hi, carry)
		for i := 2; carry > 0 && i < limbs; i++ {
			n[i], carry = bits.Add64(n[i], 0, carry)
		}
	}
}

// mulAdd8 adds a times x and carry to z and returns what does not fit. Its
// additions are in few long chains of carries, for which the compiler has
// add-with-carry instructions.
func mulAdd8(z *[8]uint64, a uint64, x *[8]uint64, carry uint64) uint64 {
	h0, l0 := bits.Mul64(a, x[0])
	h1, l1 := bits.Mul64(a, x[1])
	h2, l2 := bits.Mul64(a, x[2])
	h3, l3 := bits.Mul64(a, x[3])
	var c uint64
	l0, c = bits.Add64(l0, carry, 0)
	l1, c = bits.Add64(l1, h0, c)
	l2, c = bits.Add64(l2, h1, c)
	l3, c = bits.Add64(l3, h2, c)
	h3 += c
	z[0], c = bits.Add64(z[0], l0, 0)
	z[1], c = bits.Add64(z[1], l1, c)
	z[2], c = bits.Add64(z[2], l2, c)
	z[3], c = bits.Add64(z[3], l3, c)
	carry = h3 + c

	h0, l0 = bits.Mul64(a, x[4])
	h1, l1 = bits.Mul64(a, x[5])
	h2, l2 = bits.Mul64(a, x[6])
	h3, l3 = bits.Mul64(a, x[7])
	l0, c = bits.Add64(l0, carry, 0)
	l1, c = bits.Add64(l1, h0, c)
	l2, c = bits.Add64(l2, h1, c)
	l3, c = bits.Add64(l3, h2, c)
	h3 += c
	z[4], c = bits.Add64(z[4], l0, 0)
	z[5], c = bits.Add64(z[5], l1, c)
	z[6], c = bits.Add64(z[6], l2, c)
	z[7], c = bits.Add64(z[7], l3, c)
	return h3 + c
}

// reduce brings n below the modulus.
func (n *num) reduce() {
	// n is at least the modulus if adding prime carries out of the top.
	var sum num
	carry := uint64(prime)
	for i := range n {
		sum[i], carry = bits.Add64(n[i], carry, 0)
	}
	if carry > 0 {
		*n = sum
	}
}
