package sig

import "encoding/hex"

// width is the window of a key's multiples: the table holds its odd multiples
// up to 2^(width-1).
const (
	width     = 5
	tableSize = 1 << (width - 2)
)

// table holds the odd multiples p, 3p, 5p, ... of a point.
type table [tableSize]point

// oddMultiples sets the table of p on an isomorphic curve: the point
// (x, y) there is (x/z^2, y/z^3) on ours, with z returned. So the entries take
// part in additions as if they were affine and no inversion is needed; the
// sum's z is then to be multiplied by z.
//
// All points carry the same Z as the sum at hand, which makes additions cost 5
// products and 2 squares (Meloni, "New point addition formulae for ECC
// applications").
func oddMultiples(p *point, table *table) (z field) {
	// d = 2p, and p brought to the same Z = 2y.
	var d point
	var b, e, f, t field
	b.SquareVal(&p.y).MulInt(2)                                  // 2y^2 (2)
	table[0].x.Mul2(&p.x, &b).MulInt(2)                          // 4xy^2 (2)
	table[0].y.Set(b.Square()).MulInt(2)                         // 8y^4 (2)
	e.SquareVal(&p.x).MulInt(3)                                  // 3x^2 (3)
	d.x.SquareVal(&e).Add(t.NegateVal(&table[0].x, 2).MulInt(2)) // (7)
	t.NegateVal(&d.x, 7).Normalize()                             // -X (1)
	d.x.Normalize()
	f.Set(&table[0].x).Add(&t)                        // 4xy^2 - X (3)
	d.y.Mul2(&e, &f).Add(t.NegateVal(&table[0].y, 2)) // (4)

	// Each step adds d to the last multiple and brings d to the sum's Z,
	// which is the former one times h.
	var hs [tableSize]field
	for i := 1; i < tableSize; i++ {
		prev, next := &table[i-1], &table[i]
		h := &hs[i]
		h.NegateVal(&prev.x, 5).Add(&d.x) // h = X1 - X2 (8)
		var c, w2, dy field
		c.SquareVal(h)
		d.x.Mul(&c)                                    // W1 = X1*h^2 (1)
		w2.Mul2(&prev.x, &c)                           // W2 = X2*h^2 (1)
		dy.NegateVal(&prev.y, 3).Add(&d.y)             // Y1 - Y2 (8)
		t.NegateVal(&w2, 1).Add(&d.x)                  // W1 - W2 (3)
		d.y.Mul(&t)                                    // A = Y1*(W1-W2) (1)
		t.Set(&d.x).Add(&w2).Negate(2)                 // -(W1+W2) (3)
		next.x.SquareVal(&dy).Add(&t)                  // (4)
		t.NegateVal(&next.x, 4).Add(&d.x)              // W1 - X3 (6)
		next.y.Mul2(&dy, &t).Add(t.NegateVal(&d.y, 1)) // (3)
	}

	// Bring every entry to the Z of the last one.
	last := &table[tableSize-1]
	last.x.Normalize()
	last.y.Normalize()
	z = hs[tableSize-1]
	for i := tableSize - 2; ; i-- {
		t.SquareVal(&z)
		table[i].x.Mul(&t)
		table[i].y.Mul(t.Mul(&z))
		if i == 0 {
			break
		}
		z.Mul(&hs[i])
	}
	z.Mul(&p.y).MulInt(2)
	return z
}

// twins returns the table of lambda times the point.
func (t *table) twins() (twins table) {
	for i := range t {
		twins[i].x.Mul2(&t[i].x, beta)
		twins[i].y = t[i].y
	}
	return twins
}

// fillTables computes many tables, of which the first points are set. It
// returns the places of those that could not be computed: none, unless points
// are not on the curve.
func fillTables(tables []*table, add *adder) (failed []int) {
	twice := make([]point, len(tables))
	for i, t := range tables {
		add.double(&twice[i], &t[0])
	}
	for m := 1; m <= tableSize; m++ {
		for _, b := range add.run() {
			failed = append(failed, b.op)
		}
		if m == tableSize {
			break
		}
		for i, t := range tables {
			add.add(&t[m], &t[m-1], &twice[i], false)
		}
	}
	return failed
}

// mulAdd adds k times the point to p, which should be nothing yet: p is
// doubled along.
func mulAdd(p *jacobian, k *scalar, table *table) {
	twins := table.twins()
	w := scalarWords(k)
	k1, k2 := split(&w)
	var d1, d2 [nafLen]int8
	n := max(k1.naf(width, &d1), k2.naf(width, &d2))
	for i := n - 1; i >= 0; i-- {
		p.double()
		if d1[i] != 0 {
			p.addOdd(table, d1[i])
		}
		if d2[i] != 0 {
			p.addOdd(&twins, d2[i])
		}
	}
}

var beta = func() *field {
	b, err := hex.DecodeString(betaHex)
	if err != nil {
		panic(err)
	}
	f := new(field)
	f.SetByteSlice(b)
	return f
}()
