package sig

// ECDSA without a square root.
//
// A compressed key tells x and the parity of y, and finding y takes a square
// root, an eighth of a verification. It can be had for less, since the
// signature itself says what y must be.
//
// Let c = x^3 + 7 = y^2. Scaling the curve by y takes the key P = (x, y) to
// its twin (c*x, c^2), a point of Y^2 = X^3 + 7c^3 whose coordinates need no
// y, and point arithmetic never uses the constant of the equation. So
// u2*P is computed there, as (X, Y, Z); back on our curve it is
//
//	Q = (X / D, k*y)  with  D = Z^2*c,  k = Y / (Z^3*c^2)
//
// With A = u1*G = (xa, ya) and xa != xq, the rule for adding points says that
// the sum has the X coordinate r exactly if
//
//	(ya - k*y)^2 = (r + xa + xq) * (xa - xq)^2
//
// Since y^2 is known to be c, this is linear in y. Multiplied by D^3:
//
//	y = N / E
//	N = ya^2*D^3 + Y^2 - ((r+xa)*D + X) * (xa*D - X)^2
//	E = 2 * ya * Y * Z^3 * c
//
// The signature is valid exactly if this y has the square c and the parity
// that the key asks for. If c has no square root the key is invalid, and no y
// passes. The one division can be shared by many signatures.

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
	k.c.SquareVal(&k.x).Mul(&k.x).AddInt(7).Normalize()
	return true
}

// twin returns the key's twin, normalised.
func (k *key) twin() (p point) {
	p.x.Mul2(&k.x, &k.c).Normalize()
	p.y.SquareVal(&k.c).Normalize()
	return p
}

// finish holds the numerator and denominator of y.
type finish struct {
	num, den field // magnitudes 4 and 2
}

// set computes the fraction from A and from u2 times the key's twin. It
// returns false if the fraction does not decide: then the plain way must.
func (f *finish) set(e *ecdsa, k *key, a *point, q *jacobian) bool {
	var r field
	var b [32]byte
	e.r.PutBytes(&b)
	r.SetBytes(&b)
	if !r.IsGtOrEqPrimeMinusOrder() {
		return false // the X coordinate may be r or r+n
	}
	var zzz, d, ddd, t, u field
	zzz.SquareVal(&q.z)
	d.Mul2(&zzz, &k.c) // D
	zzz.Mul(&q.z)
	f.den.Mul2(&zzz, &k.c).Mul(&q.y).Mul(&a.y).MulInt(2) // E (2)
	ddd.SquareVal(&d).Mul(&d)
	f.num.SquareVal(&a.y).Mul(&ddd)
	f.num.Add(t.SquareVal(&q.y)) // (2)
	u.Mul2(&a.x, &d)             // xa*D (1)
	t.NegateVal(&q.x, 6).Add(&u) // xa*D - X (8)
	if t.Normalize().IsZero() {
		return false // A = Q or A = -Q
	}
	r.Mul(&d).Add(&u).Add(&q.x).Normalize()
	t.Square().Mul(&r).Negate(1)
	f.num.Add(&t) // (4)
	return !f.den.Normalize().IsZero()
}

// valid decides, given the inverse of the denominator.
func (f *finish) valid(k *key, inv *field) bool {
	var y, s field
	y.Mul2(&f.num, inv).Normalize()
	if k.full {
		return y.Equals(&k.y)
	}
	s.SquareVal(&y).Normalize()
	return s.Equals(&k.c) && y.IsOdd() == k.odd
}
