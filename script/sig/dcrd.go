package sig

import "sync"

// DCRD returns the Verifier on the field of dcrd's secp256k1. It holds a table
// of multiples of the generator, about a megabyte, computed on the first call
// and shared by all.
func DCRD() Verifier { return shared() }

// shared is a constant that is too large to write down.
var shared = sync.OnceValue(func() *dcrd { return &dcrd{g: newComb()} })

type dcrd struct {
	g *comb
}

// Verify implements [Verifier].
func (v *dcrd) Verify(c *Check) bool {
	switch c.Kind {
	case ECDSA:
		return v.ecdsa(c)
	case Schnorr:
		return v.schnorr(c)
	case Tweak:
		return v.tweak(c)
	}
	return false
}

func (v *dcrd) ecdsa(c *Check) bool {
	var e ecdsa
	var k key
	if !e.parse(c) || !k.parse(c.PubKey) {
		return false
	}
	sInv := e.s
	sInv.InverseNonConst()
	u1, u2 := e.multipliers(&sInv)

	var table table
	var q, a jacobian
	twin := k.twin()
	z := oddMultiples(&twin, &table)
	mulAdd(&q, &u2, &table)
	q.z.Mul(&z)

	w := scalarWords(&u1)
	v.g.addTo(&w, &a)
	if !a.some || a.zeroZ() {
		return plainECDSA(c)
	}
	var f fraction
	ag := a.affine()
	if !f.ecdsa(&e, &k, &ag, &q) {
		return plainECDSA(c)
	}
	invert(&f.den)
	_, ok := f.y(&f.den)
	return ok
}

func (v *dcrd) schnorr(c *Check) bool {
	var e schnorr
	var p point
	if !e.parse(c) || !liftX(c.PubKey, false, &p.x, &p.y) {
		return false
	}
	var table table
	var sum jacobian
	z := oddMultiples(&p, &table)
	mulAdd(&sum, e.e.Negate(), &table)
	sum.z.Mul(&z)
	w := scalarWords(&e.s)
	v.g.addTo(&w, &sum)
	if !sum.some || sum.zeroZ() {
		return plainSchnorr(c)
	}
	return sum.xIs(&e.r) && !sum.yOdd()
}

func (v *dcrd) tweak(c *Check) bool {
	var e tweak
	var k key
	if !e.parse(c) || !k.parseX(c.PubKey) {
		return false
	}
	var a jacobian
	w := scalarWords(&e.t)
	v.g.addTo(&w, &a)
	if !a.some || a.zeroZ() {
		return plainTweak(c)
	}
	var f fraction
	tg := a.affine()
	if !f.tweak(&e, &k, &tg) {
		return plainTweak(c)
	}
	invert(&f.den)
	return f.tweakHolds(&e, &tg, &f.den)
}

// VerifyAll implements [Verifier].
func (v *dcrd) VerifyAll(cs []Check) bool {
	var places [Tweak + 1][]int32
	for i := range cs {
		k := cs[i].Kind
		if k > Tweak {
			return false
		}
		places[k] = append(places[k], int32(i))
	}
	return v.schnorrAll(cs, places[Schnorr]) && v.tweakAll(cs, places[Tweak]) && v.ecdsaAll(cs, places[ECDSA])
}

// oneByOne reports whether the checks of cs at the given places hold.
func (v *dcrd) oneByOne(cs []Check, places []int32) bool {
	for _, i := range places {
		if !v.Verify(&cs[i]) {
			return false
		}
	}
	return true
}
