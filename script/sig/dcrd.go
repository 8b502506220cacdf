package sig

import (
	"crypto/sha256"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
)

// DCRD returns the Verifier on the arithmetic of dcrd's secp256k1.
func DCRD() Verifier { return dcrd{} }

type dcrd struct{}

func (v dcrd) VerifyAll(cs []Check) bool {
	for i := range cs {
		if !v.Verify(&cs[i]) {
			return false
		}
	}
	return true
}

func (v dcrd) Verify(c *Check) bool {
	switch c.Kind {
	case ECDSA:
		return plainECDSA(c)
	case Schnorr:
		return plainSchnorr(c)
	case Tweak:
		return plainTweak(c)
	}
	return false
}

func plainECDSA(c *Check) bool {
	var p secp256k1.JacobianPoint
	var r, s, z scalar
	if !parseDER(c.Sig, &r, &s) || !parseKey(c.PubKey, &p.X, &p.Y) {
		return false
	}
	p.Z.SetInt(1)
	z.SetBytes(&c.Hash)
	s.InverseNonConst()
	var u1, u2 scalar
	u1.Mul2(&z, &s)
	u2.Mul2(&r, &s)
	var a, b, sum secp256k1.JacobianPoint
	secp256k1.ScalarBaseMultNonConst(&u1, &a)
	secp256k1.ScalarMultNonConst(&u2, &p, &b)
	secp256k1.AddNonConst(&a, &b, &sum)
	if infinite(&sum) {
		return false
	}
	sum.ToAffine()
	var x scalar
	x.SetBytes(sum.X.Bytes())
	return x.Equals(&r)
}

func plainSchnorr(c *Check) bool {
	var p secp256k1.JacobianPoint
	var rx field
	var s scalar
	if len(c.Sig) != 64 || !liftX(c.PubKey, false, &p.X, &p.Y) || rx.SetByteSlice(c.Sig[:32]) || s.SetByteSlice(c.Sig[32:]) {
		return false
	}
	p.Z.SetInt(1)
	e := challenge(c)
	e.Negate()
	var a, b, sum secp256k1.JacobianPoint
	secp256k1.ScalarBaseMultNonConst(&s, &a)
	secp256k1.ScalarMultNonConst(&e, &p, &b)
	secp256k1.AddNonConst(&a, &b, &sum)
	if infinite(&sum) {
		return false
	}
	sum.ToAffine()
	return !sum.Y.IsOdd() && sum.X.Equals(&rx)
}

func plainTweak(c *Check) bool {
	var p secp256k1.JacobianPoint
	var qx field
	var t scalar
	if len(c.Sig) != 32 || !liftX(c.PubKey, false, &p.X, &p.Y) || qx.SetByteSlice(c.Sig) || t.SetBytes(&c.Hash) != 0 {
		return false
	}
	p.Z.SetInt(1)
	var a, sum secp256k1.JacobianPoint
	secp256k1.ScalarBaseMultNonConst(&t, &a)
	secp256k1.AddNonConst(&a, &p, &sum)
	if infinite(&sum) {
		return false
	}
	sum.ToAffine()
	return sum.Y.IsOdd() == c.Odd && sum.X.Equals(&qx)
}

func infinite(p *secp256k1.JacobianPoint) bool {
	return p.Z.IsZero() || p.X.IsZero() && p.Y.IsZero()
}

// challenge is e of BIP 340: the tagged hash of R, P and the message, as a
// number modulo n.
func challenge(c *Check) (e scalar) {
	tag := sha256.Sum256([]byte("BIP0340/challenge"))
	h := sha256.New()
	h.Write(tag[:])
	h.Write(tag[:])
	h.Write(c.Sig[:32])
	h.Write(c.PubKey)
	h.Write(c.message())
	var sum [32]byte
	h.Sum(sum[:0])
	e.SetBytes(&sum)
	return e
}
