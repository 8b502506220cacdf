package sig

// Point arithmetic over dcrd's field, with its magnitudes in mind: each word
// of a field value has spare bits, a sum adds magnitudes, a product wants at
// most 8 and gives 1, and normalising, which costs a third of a product, is
// put off. Each formula states the magnitudes it keeps.
//
// None of the formulas looks for its exceptional cases (equal or opposite
// points). In all of them Z becomes zero, and it stays zero through every
// later doubling and addition. So a result with a Z that is not zero is right,
// and one whose Z is zero is either infinite or unknown: the caller then takes
// the plain way.

// point is an affine point, never infinite. Magnitudes: x 1, y 2.
type point struct {
	x, y field
}

// jacobian is the affine point (x/z^2, y/z^3), or nothing before the first
// addition. Magnitudes between operations: x 6, y 4, z 2.
type jacobian struct {
	x, y, z field
	some    bool // something was added
}

// double doubles p: 3 products, 4 squares.
func (p *jacobian) double() {
	if !p.some {
		return
	}
	var b, s, e, f, t field
	p.z.Mul(&p.y).MulInt(2)     // Z' = 2YZ (2)
	b.SquareVal(&p.y).MulInt(2) // B = 2Y^2 (2)
	s.Mul2(&p.x, &b)            // S = XB (1)
	e.SquareVal(&p.x).MulInt(3) // E = 3X^2 (3)
	f.SquareVal(&e)             // F = E^2 (1)
	t.NegateVal(&f, 1)          // -F (2)
	b.Square().MulInt(2)        // 8Y^4 (2)
	p.x.Set(&s).MulInt(4).Negate(4).Add(&f)
	t.Add(s.MulInt(6))                // 2S - X' = 6S - F (8)
	p.y.Mul2(&e, &t).Add(b.Negate(2)) // Y' = E(2S-X') - 8Y^4 (4), X' = F - 4S (6)
}

// add adds q: 8 products, 3 squares.
func (p *jacobian) add(q *point) { p.addMixed(q, false) }

// addExact adds q, or subtracts it if neg, and is right in every case, if p is
// nothing only when it is infinite.
func (p *jacobian) addExact(q *point, neg bool) {
	if neg {
		q = &point{x: q.x, y: *new(field).NegateVal(&q.y, 1)}
	}
	p.addMixed(q, true)
}

func (p *jacobian) addMixed(q *point, exact bool) {
	if !p.some {
		p.x, p.y, p.some = q.x, q.y, true
		p.z.SetInt(1)
		return
	}
	var zz, h, r, hh, v, t field
	zz.SquareVal(&p.z)
	h.Mul2(&q.x, &zz).Add(t.NegateVal(&p.x, 6)) // H = x*Z^2 - X (8)
	r.Mul2(&q.y, &zz).Mul(&p.z)
	r.Add(t.NegateVal(&p.y, 4)) // R = y*Z^3 - Y (6)
	if exact && h.Normalize().IsZero() {
		p.meet(&r)
		return
	}
	hh.SquareVal(&h)
	v.Mul2(&p.x, &hh)                      // V = X*H^2 (1)
	hh.Mul(&h)                             // H^3 (1)
	t.Set(&v).MulInt(2).Add(&hh).Negate(3) // -(H^3 + 2V) (4)
	p.x.SquareVal(&r).Add(&t)              // X' = R^2 - H^3 - 2V (5)
	hh.Mul(&p.y).Negate(1)                 // -Y*H^3 (2)
	t.NegateVal(&p.x, 5).Add(&v)           // V - X' (7)
	p.y.Mul2(&r, &t).Add(&hh)              // Y' = R(V-X') - Y*H^3 (3)
	p.z.Mul(&h)                            // Z' = ZH (1)
}

// meet replaces p by its sum with a point of the same X coordinate, given the
// difference of their Y.
func (p *jacobian) meet(dy *field) {
	if dy.Normalize().IsZero() {
		p.double()
		return
	}
	*p = jacobian{}
}

// addJacobian adds q, right in every case like addExact: 12 products, 4 squares.
func (p *jacobian) addJacobian(q *jacobian) {
	if !q.some {
		return
	}
	if !p.some {
		*p = *q
		return
	}
	var pp, qq, u, s, h, r, v, t field
	pp.SquareVal(&p.z)
	qq.SquareVal(&q.z)
	u.Mul2(&p.x, &qq)                                   // (1)
	s.Mul2(&p.y, &qq).Mul(&q.z)                         // (1)
	h.Mul2(&q.x, &pp).Add(t.NegateVal(&u, 1))           // (3)
	r.Mul2(&q.y, &pp).Mul(&p.z).Add(t.NegateVal(&s, 1)) // (3)
	if h.Normalize().IsZero() {
		p.meet(&r)
		return
	}
	pp.SquareVal(&h)
	v.Mul2(&u, &pp)                            // (1)
	pp.Mul(&h)                                 // H^3 (1)
	t.Set(&v).MulInt(2).Add(&pp).Negate(3)     // (4)
	p.x.SquareVal(&r).Add(&t)                  // (5)
	t.NegateVal(&p.x, 5).Add(&v)               // (7)
	p.y.Mul2(&r, &t).Add(s.Mul(&pp).Negate(1)) // (3)
	p.z.Mul(&q.z).Mul(&h)                      // (1)
}

// addOdd adds d times the point of the table, d being odd.
func (p *jacobian) addOdd(table *table, d int8) {
	if d > 0 {
		p.add(&table[d>>1])
		return
	}
	q := point{x: table[-d>>1].x}
	q.y.NegateVal(&table[-d>>1].y, 1)
	p.add(&q)
}

// xIs reports whether the x coordinate is x, which has magnitude 1; z must not be zero.
func (p *jacobian) xIs(x *field) bool {
	var l, r field
	l.SquareVal(&p.z).Mul(x).Normalize()
	r.Set(&p.x).Normalize()
	return l.Equals(&r)
}

// zeroZ reports whether z is zero, normalising it.
func (p *jacobian) zeroZ() bool { return p.z.Normalize().IsZero() }

// yOdd reports whether the y coordinate is odd; z must not be zero.
func (p *jacobian) yOdd() bool {
	a := p.affine()
	return a.y.IsOdd()
}

// affine returns the point, normalised; z must not be zero.
func (p *jacobian) affine() (a point) {
	var inv, t field
	inv.Set(&p.z)
	invert(&inv)
	t.SquareVal(&inv)
	a.x.Mul2(&p.x, &t).Normalize()
	a.y.Mul2(&p.y, &t).Mul(&inv).Normalize()
	return a
}
