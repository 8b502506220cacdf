package chaingen

import (
	"crypto/sha256"
	"math/big"
)

// This is secp256k1 as in a textbook, on math/big: enough to sign in tests,
// and independent of the arithmetic that verifies.

// point is an affine point; a nil x is the point at infinity.
type point struct{ x, y *big.Int }

// curve holds the parameters and the signing nonces. It is not safe for
// concurrent use.
type curve struct {
	p, n   *big.Int
	g      point
	nonces [numNonces]*nonce // made when first drawn
}

// nonce is a secret number k and the point kG. Signing draws from a few of
// them, so that it needs no point arithmetic. Who signs twice with one nonce
// gives the key away, which does not matter here.
type nonce struct {
	k, inverse *big.Int
	r          point
}

const numNonces = 16

func number(hex string) *big.Int {
	n, ok := new(big.Int).SetString(hex, 16)
	if !ok {
		panic("chaingen: " + hex)
	}
	return n
}

func newCurve() *curve {
	return &curve{
		p: number("fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f"),
		n: number("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"),
		g: point{
			number("79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"),
			number("483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"),
		},
	}
}

// draw returns the nonce for a hash.
func (c *curve) draw(hash [32]byte) *nonce {
	i := int(hash[0]) % numNonces
	if c.nonces[i] == nil {
		k := c.scalar("nonce", i)
		c.nonces[i] = &nonce{k, new(big.Int).ModInverse(k, c.n), c.mul(k)}
	}
	return c.nonces[i]
}

// scalar returns a number that depends on what and i alone.
func (c *curve) scalar(what string, i int) *big.Int {
	h := sha256.Sum256([]byte("chaingen " + what + " " + big.NewInt(int64(i)).String()))
	return new(big.Int).Mod(new(big.Int).SetBytes(h[:]), c.n)
}

func (c *curve) add(a, b point) point {
	switch {
	case a.x == nil:
		return b
	case b.x == nil:
		return a
	}
	slope := new(big.Int)
	if a.x.Cmp(b.x) != 0 {
		slope.ModInverse(slope.Mod(slope.Sub(b.x, a.x), c.p), c.p)
		slope.Mul(slope, new(big.Int).Sub(b.y, a.y))
	} else {
		if a.y.Cmp(b.y) != 0 {
			return point{}
		}
		slope.ModInverse(slope.Lsh(a.y, 1), c.p)
		slope.Mul(slope, big.NewInt(3)).Mul(slope, a.x).Mul(slope, a.x)
	}
	slope.Mod(slope, c.p)
	x := new(big.Int).Mul(slope, slope)
	x.Mod(x.Sub(x, a.x).Sub(x, b.x), c.p)
	y := new(big.Int).Sub(a.x, x)
	y.Mod(y.Mul(y, slope).Sub(y, a.y), c.p)
	return point{x, y}
}

// mul returns kG.
func (c *curve) mul(k *big.Int) point {
	var sum point
	for i := k.BitLen() - 1; i >= 0; i-- {
		sum = c.add(sum, sum)
		if k.Bit(i) == 1 {
			sum = c.add(sum, c.g)
		}
	}
	return sum
}

// even returns k, or -k if the point that belongs to k has an odd y.
func (c *curve) even(k *big.Int, p point) *big.Int {
	if p.y.Bit(0) == 0 {
		return k
	}
	return new(big.Int).Sub(c.n, k)
}

func bytes32(n *big.Int) (b [32]byte) {
	n.FillBytes(b[:])
	return b
}

// ecdsa returns a DER-encoded signature of hash with a low S.
func (c *curve) ecdsa(key *big.Int, hash [32]byte) []byte {
	nonce := c.draw(hash)
	r := new(big.Int).Mod(nonce.r.x, c.n)
	s := new(big.Int).Mul(r, key)
	s.Add(s, new(big.Int).SetBytes(hash[:]))
	s.Mod(s.Mul(s, nonce.inverse), c.n)
	if low := new(big.Int).Sub(c.n, s); low.Cmp(s) < 0 {
		s = low
	}
	body := appendDER(appendDER(nil, r), s)
	return append([]byte{0x30, byte(len(body))}, body...)
}

// appendDER appends a positive number below 2^256 in DER.
func appendDER(b []byte, n *big.Int) []byte {
	digits := n.Bytes()
	if digits[0]&0x80 != 0 {
		digits = append([]byte{0}, digits...)
	}
	return append(append(b, 0x02, byte(len(digits))), digits...)
}

// schnorr returns a signature of hash under the x-only key of key (BIP 340,
// but for the choice of the nonce).
func (c *curve) schnorr(key *big.Int, pub point, hash [32]byte) []byte {
	nonce := c.draw(hash)
	r, x := bytes32(nonce.r.x), bytes32(pub.x)
	e := new(big.Int).SetBytes(tagged("BIP0340/challenge", r[:], x[:], hash[:]))
	s := e.Mul(e, c.even(key, pub))
	s.Mod(s.Add(s, c.even(nonce.k, nonce.r)), c.n)
	low := bytes32(s)
	return append(r[:], low[:]...)
}

func tagged(tag string, parts ...[]byte) []byte {
	t := sha256.Sum256([]byte(tag))
	h := sha256.New()
	h.Write(t[:])
	h.Write(t[:])
	for _, part := range parts {
		h.Write(part)
	}
	return h.Sum(nil)
}
