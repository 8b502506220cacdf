package scripttest

import (
	"math/big"

	"github.com/keelson-chain/keelson/script"
)

// A slow and plain secp256k1, to make what the vectors leave to be made.
var (
	fieldPrime, _ = new(big.Int).SetString("fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f", 16)
	generatorX, _ = new(big.Int).SetString("79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798", 16)
	generatorY, _ = new(big.Int).SetString("483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8", 16)
)

// point is a point in affine coordinates; the neutral element has x nil.
type point struct{ x, y *big.Int }

func add(p, q point) point {
	switch {
	case p.x == nil:
		return q
	case q.x == nil:
		return p
	}
	var over, under *big.Int // the slope
	switch {
	case p.x.Cmp(q.x) != 0:
		over, under = new(big.Int).Sub(q.y, p.y), new(big.Int).Sub(q.x, p.x)
	case p.y.Cmp(q.y) == 0:
		over, under = new(big.Int).Mul(p.x, p.x), new(big.Int).Lsh(p.y, 1)
		over.Mul(over, big.NewInt(3))
	default:
		return point{}
	}
	under.ModInverse(under.Mod(under, fieldPrime), fieldPrime)
	slope := over.Mul(over, under)
	x := new(big.Int).Mul(slope, slope)
	x.Sub(x, p.x).Sub(x, q.x).Mod(x, fieldPrime)
	y := new(big.Int).Sub(p.x, x)
	y.Mul(y, slope).Sub(y, p.y).Mod(y, fieldPrime)
	return point{x, y}
}

// multiply returns n times p.
func multiply(n *big.Int, p point) point {
	var sum point
	for i := n.BitLen() - 1; i >= 0; i-- {
		if sum = add(sum, sum); n.Bit(i) == 1 {
			sum = add(sum, p)
		}
	}
	return sum
}

// singleLeaf returns the output key and the control block of a tree whose one
// leaf is a tapscript. The internal key is the generator, the secret key 1.
func singleLeaf(leaf []byte) (outputKey, control []byte) {
	g := point{generatorX, generatorY}
	internal := generatorX.FillBytes(make([]byte, 32))
	root := script.TapLeafHash(0xc0, leaf)
	tweak := script.TapTweakHash(internal, root[:])
	out := add(g, multiply(new(big.Int).SetBytes(tweak[:]), g)) // the generator's Y is even
	control = append([]byte{0xc0 | byte(out.y.Bit(0))}, internal...)
	return out.x.FillBytes(make([]byte, 32)), control
}
