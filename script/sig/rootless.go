package sig

// Verification without square roots.
//
// A compressed key tells x and the parity of y, and finding y takes a square
// root, an eighth of a verification. It can be had for less, since the
// equation itself says what y must be.
//
// Let c = x^3 + 7 = y^2. Scaling the curve by y takes the key P = (x, y) to
// its twin (c*x, c^2), a point of Y^2 = X^3 + 7c^3 whose coordinates need no
// y, and point arithmetic never uses the constant of the equation. So k*P is
// computed there, as (X, Y, Z); back on our curve it is
//
//	Q = (X / D, h*y)  with  D = Z^2*c,  h = Y / (Z^3*c^2)
//
// With A = (xa, ya), a known multiple of the generator, and xa != xq, the rule
// for adding points says that A + Q has the X coordinate r exactly if
//
//	(ya - h*y)^2 = (r + xa + xq) * (xa - xq)^2
//
// Since y^2 is known to be c, this is linear in y. Multiplied by D^3:
//
//	y = N / E
//	N = ya^2*D^3 + Y^2 - ((r+xa)*D + X) * (xa*D - X)^2
//	E = 2 * ya * Y * Z^3 * c
//
// The equation holds exactly if this y has the square c and the parity that
// the key asks for. If c has no square root there is no such key, and no y
// passes. The one division can be shared by many checks.
//
// A tweak is the case k = 1, where Q is P itself and D and h are 1.

// key is the public key of an ECDSA check, not proved to be on the curve.
type key struct {
	x, c field // c = x^3 + 7, normalised
	odd  bool  // parity of y
	full bool  // y is known
	y    field
}

// parse reads a key. An uncompressed one has been checked; of a compressed one
// the caller has yet to find out whether c is a square.
func (k *key) parse(b []byte) bool {
	switch {
	case len(b) == 33 && (b[0] == 2 || b[0] == 3):
		if k.x.SetByteSlice(b[1:]) {
			return false
		}
		k.odd = b[0] == 3
	case len(b) == 65:
		if !parseKey(b, &k.x, &k.y) {
			return false
		}
		k.odd, k.full = k.y.IsOdd(), true
	default:
		return false
	}
	k.setC()
	return true
}

// parseX reads the X coordinate of a key with even y.
func (k *key) parseX(b []byte) bool {
	if len(b) != 32 || k.x.SetByteSlice(b) {
		return false
	}
	k.setC()
	return true
}

func (k *key) setC() { k.c.SquareVal(&k.x).Mul(&k.x).AddInt(7).Normalize() }

// twin returns the key's twin, normalised.
func (k *key) twin() (p point) {
	p.x.Mul2(&k.x, &k.c).Normalize()
	p.y.SquareVal(&k.c).Normalize()
	return p
}

// fraction is the y of a key, as the equation has it.
type fraction struct {
	num, den field // magnitudes 4 and 1; den is normalised and not zero
	k        *key
}

// ecdsa sets f for u1*G = a and u2 times the key's twin = q. It returns false
// if the equation does not decide: then the plain way must.
func (f *fraction) ecdsa(e *ecdsa, k *key, a *point, q *jacobian) bool {
	var r field
	var b [32]byte
	e.r.PutBytes(&b)
	r.SetBytes(&b)
	if !r.IsGtOrEqPrimeMinusOrder() {
		return false // the X coordinate may be r or r+n
	}
	var zzz, d, ddd, t, u field
	zzz.SquareVal(&q.z)
	d.Mul2(&zzz, &k.c) // D (1)
	zzz.Mul(&q.z)
	f.den.Mul2(&zzz, &k.c).Mul(&q.y).Mul(&a.y).MulInt(2) // E (2)
	ddd.SquareVal(&d).Mul(&d)
	f.num.SquareVal(&a.y).Mul(&ddd)
	f.num.Add(t.SquareVal(&q.y)) // ya^2*D^3 + Y^2 (2)
	u.Mul2(&a.x, &d)             // xa*D (1)
	t.NegateVal(&q.x, 6).Add(&u) // xa*D - X (8)
	if t.Normalize().IsZero() {
		return false // A = Q or A = -Q
	}
	r.Mul(&d).Add(&u).Add(&q.x) // (r+xa)*D + X (8)
	f.num.Add(t.Square().Mul(&r).Negate(1))
	f.k = k
	return !f.den.Normalize().IsZero()
}

// tweak sets f for t*G = a. The fraction is extended by xa - x, whose inverse
// outputOdd needs. It returns false if the equation does not decide.
func (f *fraction) tweak(e *tweak, k *key, a *point) bool {
	var t, d field
	d.NegateVal(&k.x, 1).Add(&a.x) // xa - x (3)
	if d.Normalize().IsZero() {
		return false
	}
	f.num.Add2(&e.q, &a.x).Add(&k.x)       // q + xa + x (3)
	f.num.Mul(t.SquareVal(&d)).Negate(1)   // (2)
	f.num.Add(t.SquareVal(&a.y)).Add(&k.c) // ya^2 + c - (q+xa+x)(xa-x)^2 (4)
	f.num.Mul(&d)
	f.den.Mul2(&a.y, &d).MulInt(2).Normalize() // 2*ya*(xa-x)
	f.k = k
	return true
}

// y returns the fraction, given the inverse of its denominator, and whether it
// is the y of the key.
func (f *fraction) y(inv *field) (y field, ok bool) {
	y.Mul2(&f.num, inv).Normalize()
	if f.k.full {
		return y, y.Equals(&f.k.y)
	}
	var s field
	s.SquareVal(&y).Normalize()
	return y, s.Equals(&f.k.c) && y.IsOdd() == f.k.odd
}

// tweakHolds decides a tweak whose fraction was set for t*G = a, given the
// inverse of its denominator.
func (f *fraction) tweakHolds(e *tweak, a *point, inv *field) bool {
	y, ok := f.y(inv)
	if !ok {
		return false
	}
	// The output key is q = A + P with the slope (ya-y)/(xa-x), and its Y
	// coordinate is slope*(x-q) - y.
	var slope, t field
	slope.Mul2(&a.y, inv).MulInt(2) // 1/(xa-x) (2)
	slope.Mul(t.NegateVal(&y, 1).Add(&a.y))
	t.NegateVal(&e.q, 1).Add(&f.k.x)
	slope.Mul(&t).Add(t.NegateVal(&y, 1)).Normalize()
	return slope.IsOdd() == e.odd
}
