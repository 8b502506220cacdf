package sig

import "github.com/decred/dcrd/dcrec/secp256k1/v4"

// The straightforward way, with dcrd's own point arithmetic. It decides the
// exceptional cases that the faster ways detect and leave, and the tests
// compare all ways to it.

func plain(c *Check) bool {
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
	var e ecdsa
	if !e.parse(c) {
		return false
	}
	var p point
	if !parseKey(c.PubKey, &p.x, &p.y) {
		return false
	}
	e.s.InverseNonConst()
	u1, u2 := e.multipliers(&e.s)
	sum := plainSum(&u1, &u2, &p)
	if infinite(&sum) {
		return false
	}
	sum.ToAffine()
	var x scalar
	x.SetBytes(sum.X.Bytes())
	return x.Equals(&e.r)
}

func plainSchnorr(c *Check) bool {
	var e schnorr
	var p point
	if !e.parse(c) || !liftX(c.PubKey, false, &p.x, &p.y) {
		return false
	}
	e.e.Negate()
	sum := plainSum(&e.s, &e.e, &p)
	if infinite(&sum) {
		return false
	}
	sum.ToAffine()
	return !sum.Y.IsOdd() && sum.X.Equals(&e.r)
}

func plainTweak(c *Check) bool {
	var e tweak
	var p point
	if !e.parse(c) || !liftX(c.PubKey, false, &p.x, &p.y) {
		return false
	}
	one := new(scalar).SetInt(1)
	sum := plainSum(&e.t, one, &p)
	if infinite(&sum) {
		return false
	}
	sum.ToAffine()
	return sum.Y.IsOdd() == c.Odd && sum.X.Equals(&e.q)
}

// plainSum is a*G + b*p.
func plainSum(a, b *scalar, p *point) (sum secp256k1.JacobianPoint) {
	var ag, bp secp256k1.JacobianPoint
	jp := secp256k1.JacobianPoint{X: p.x, Y: p.y}
	jp.Z.SetInt(1)
	secp256k1.ScalarBaseMultNonConst(a, &ag)
	secp256k1.ScalarMultNonConst(b, &jp, &bp)
	secp256k1.AddNonConst(&ag, &bp, &sum)
	return sum
}

func infinite(p *secp256k1.JacobianPoint) bool {
	return p.Z.IsZero() || p.X.IsZero() && p.Y.IsZero()
}
