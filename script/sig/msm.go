package sig

import "slices"

// term is one summand k*p of a multi-scalar multiplication. The coordinates
// of p have magnitude 1.
type term struct {
	p point
	k half
}

// msm sums many terms by Pippenger's method: for each window of bits, points
// with the same digit are added up in a bucket, and the buckets are summed
// with their digits as weights. The additions within buckets, most of the
// work, are independent and go through an [adder].
//
// It is exact for every input: equal and opposite points may meet.
type msm struct {
	add    adder
	digits []int16 // of the window at hand, one for each term
	start  []int32 // where each bucket's elements start; one more at the end
	left   []int32 // how many elements of each bucket are left
	elems  []element
	at     []int32 // where in elems the result of each addition goes
	slab   []point // results
}

// element is a point of a bucket, or its negative, or nothing if p is nil.
type element struct {
	p   *point
	neg bool
}

// windowFor returns the width of the window that is fastest for n terms, by
// measurement.
func windowFor(n int) int {
	for _, w := range [...]struct{ below, width int }{
		{140, 5}, {500, 6}, {1100, 7}, {2300, 8}, {4500, 9}, {9000, 10},
	} {
		if n < w.below {
			return w.width
		}
	}
	return 11
}

// sum returns the sum of all terms. The result is complete: unlike elsewhere,
// "nothing" is a proven infinity.
func (m *msm) sum(terms []term) (total jacobian) {
	width := uint(windowFor(len(terms)))
	windows := (halfBits + int(width)) / int(width)
	for w := windows - 1; w >= 0; w-- {
		for range width {
			total.double()
		}
		part := m.window(terms, uint(w)*width, width)
		total.addJacobian(&part)
	}
	return total
}

// window sums the terms with their digits of one window as weights.
func (m *msm) window(terms []term, bit, width uint) (total jacobian) {
	m.fill(terms, bit, width)
	m.reduce()

	// The sum of j*B(j) is B(max) + (B(max)+B(max-1)) + ...
	var running jacobian
	for j := len(m.start) - 2; j >= 0; j-- {
		if m.start[j] < m.start[j+1] {
			if e := &m.elems[m.start[j]]; e.p != nil {
				running.addExact(e.p, e.neg)
			}
		}
		total.addJacobian(&running)
	}
	return total
}

// fill sorts the points into buckets.
func (m *msm) fill(terms []term, bit, width uint) {
	buckets := 1 << (width - 1)
	m.digits = resize(m.digits, len(terms))
	m.start = resize(m.start, buckets+1)
	clear(m.start)
	for i := range terms {
		d := terms[i].k.digit(bit, width)
		m.digits[i] = int16(d)
		if d != 0 {
			m.start[max(d, -d)-1]++
		}
	}
	at := int32(0)
	for j, n := range m.start {
		m.start[j] = at
		at += n
	}
	m.elems = resize(m.elems, int(at))
	for i, d := range m.digits {
		if d == 0 {
			continue
		}
		j := max(d, -d) - 1
		m.elems[m.start[j]] = element{&terms[i].p, d < 0}
		m.start[j]++
	}
	// Each start has moved to its bucket's end: move them back.
	copy(m.start[1:], m.start[:buckets])
	m.start[0] = 0
}

// reduce adds up each bucket, pair by pair, until it has one element or none,
// at its start.
func (m *msm) reduce() {
	m.left = resize(m.left, len(m.start)-1)
	for j := range m.left {
		m.left[j] = m.start[j+1] - m.start[j]
	}
	slab := resize(m.slab, len(m.elems)) // a sum for each addition, of which there are fewer than elements
	m.slab = slab
	for {
		m.at = m.at[:0]
		for j, n := range m.left {
			if n < 2 {
				continue
			}
			bucket := m.elems[m.start[j]:][:n]
			for i := range n / 2 {
				p, q := bucket[2*i], bucket[2*i+1]
				switch {
				case p.p == nil:
					bucket[i] = q
				case q.p == nil:
					bucket[i] = p
				default:
					m.add.add(&slab[0], p.p, q.p, p.neg != q.neg)
					m.at = append(m.at, m.start[j]+i)
					bucket[i] = element{&slab[0], p.neg}
					slab = slab[1:]
				}
			}
			if n%2 == 1 {
				bucket[n/2] = bucket[n-1]
			}
			m.left[j] = (n + 1) / 2
		}
		if len(m.at) == 0 && !slices.ContainsFunc(m.left, func(n int32) bool { return n > 1 }) {
			return
		}
		m.repair(m.add.run())
	}
}

// repair decides the additions that the adder could not do: equal points are
// doubled, and opposite ones leave nothing.
func (m *msm) repair(bad []badOp) {
	if len(bad) == 0 {
		return
	}
	bad = slices.Clone(bad)
	for _, b := range bad {
		py, qy := b.p.y, b.q.y
		if b.neg {
			qy.Negate(1)
		}
		if py.Normalize().Equals(qy.Normalize()) {
			m.add.double(b.to, b.p)
		} else {
			m.elems[m.at[b.op]].p = nil
		}
	}
	m.add.run()
}

// digit returns the signed digit of the window at bit: the bits of k from bit
// on, of which the topmost counts negatively and the one below bit is carried
// in (Booth). It is at most 2^(width-1) in size.
func (k *half) digit(bit, width uint) int {
	var v uint64 // width+1 bits from bit-1 on
	switch {
	case bit == 0:
		v = k.lo << 1
	default:
		v, _ = shiftRight(k.lo, k.hi, bit-1)
	}
	d := int(v>>1&(1<<width-1)) + int(v&1)
	if v>>width&1 == 1 {
		d -= 1 << width
	}
	if k.neg {
		return -d
	}
	return d
}

func resize[T any](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n, n+n/4)
	}
	return s[:n]
}
