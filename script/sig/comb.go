package sig

import "github.com/decred/dcrd/dcrec/secp256k1/v4"

// comb holds, for each window of combWidth bits of a scalar, the multiples of
// the generator that a signed digit of the window can ask for: multiplying the
// generator takes combDigits additions and no doubling.
const (
	combWidth  = 10
	combDigits = (256 + combWidth) / combWidth // a carry may need a digit of its own
	combSize   = 1 << (combWidth - 1)
)

type comb [combDigits][combSize]point // [i][j] = (j+1) * 2^(combWidth*i) * G

// newComb computes the table, window by window: the multiples up to m of a
// window, and m itself added to each, are the multiples up to 2m.
func newComb() *comb {
	t := new(comb)
	var g secp256k1.JacobianPoint
	secp256k1.ScalarBaseMultNonConst(new(scalar).SetInt(1), &g)
	base := point{g.X, g.Y}
	var a adder
	for i := range t {
		row := &t[i]
		row[0] = base
		a.double(&row[1], &row[0])
		a.run()
		for m := 2; m < combSize; m *= 2 {
			for j := range m - 1 {
				a.add(&row[m+j], &row[m-1], &row[j], false)
			}
			a.double(&row[2*m-1], &row[m-1])
			a.run()
		}
		a.double(&base, &row[combSize-1])
		a.run()
	}
	return t
}

// combRecode writes k in signed digits: k is the sum of d[i] * 2^(combWidth*i),
// each d at most combSize in size.
func combRecode(k *words, d *[combDigits]int16) {
	carry := 0
	for i := range d {
		bit := uint(i) * combWidth
		v := k[bit/64] >> (bit % 64)
		if r := bit % 64; r+combWidth > 64 && bit/64 < 3 {
			v |= k[bit/64+1] << (64 - r)
		}
		x := int(v&(1<<combWidth-1)) + carry
		carry = 0
		if x > combSize {
			x -= 1 << combWidth
			carry = 1
		}
		d[i] = int16(x)
	}
}

// addTo adds k times the generator to p.
func (t *comb) addTo(k *words, p *jacobian) {
	var d [combDigits]int16
	combRecode(k, &d)
	for i, v := range d {
		switch {
		case v > 0:
			p.add(&t[i][v-1])
		case v < 0:
			q := point{x: t[i][-v-1].x}
			q.y.NegateVal(&t[i][-v-1].y, 1)
			p.add(&q)
		}
	}
}

// combSum is a multiple of the generator that is computed along with others.
type combSum struct {
	digits [combDigits]int16
	point  point
	some   bool // point is set
	failed bool // an exceptional case came up: point is not the multiple
}

// known reports whether point is the multiple that was asked for.
func (s *combSum) known() bool { return s.some && !s.failed }

// mulAll computes the multiples of all sums, whose digits are set.
func (t *comb) mulAll(sums []*combSum, add *adder) {
	who := make([]*combSum, 0, len(sums))
	for w := range t {
		who = who[:0]
		for _, s := range sums {
			d := s.digits[w]
			if d == 0 || s.failed {
				continue
			}
			p := &t[w][max(d, -d)-1]
			if !s.some {
				s.some, s.point = true, *p
				if d < 0 {
					s.point.y.Negate(1).Normalize()
				}
				continue
			}
			add.add(&s.point, &s.point, p, d < 0)
			who = append(who, s)
		}
		for _, b := range add.run() {
			who[b.op].failed = true
		}
	}
}
