package sig

import (
	"crypto/sha256"
	"encoding/binary"
)

// A Schnorr signature is an equation between points,
//
//	s*G - e*P - R = 0
//
// where R and P are the points with the given X coordinates and even Y. All of
// a batch hold, but for odds of 2^-128, if the sum of the equations does, each
// multiplied by a number of its own that nobody could foresee while he made
// the signatures (BIP 340, "Batch verification"). The numbers are a hash of
// all the checks; the first is 1.
type linear struct {
	g     scalar // multiplier of the generator
	slots []slot
	index map[[32]byte]int32 // X coordinate to its slot
}

// slot is a point with even Y and its multiplier. A key that occurs in many
// checks is one slot.
type slot struct {
	p     point
	k     scalar
	short half // the multiplier, if uses is 1 and it has at most 128 bits
	uses  int
}

// sumAtLeast is the number of signatures from which on summing up is faster
// than one by one, by measurement.
const sumAtLeast = 3

// schnorrAll reports whether all of the checks of cs at the given places, all
// of them Schnorr's, hold.
func (v *dcrd) schnorrAll(cs []Check, places []int32) bool {
	if len(places) < sumAtLeast {
		return v.oneByOne(cs, places)
	}
	l := linear{
		slots: make([]slot, 0, 2*len(places)),
		index: make(map[[32]byte]int32, 2*len(places)),
	}
	mix := mixer{seed: batchSeed(cs, places)}
	for n, i := range places {
		a := half{lo: 1}
		if n > 0 {
			a = mix.next()
		}
		if !l.add(&cs[i], a) {
			return false
		}
	}
	sum, ok := l.sum()
	var g jacobian
	w := scalarWords(&l.g)
	v.g.addTo(&w, &g)
	if !ok || g.some && g.zeroZ() {
		return v.oneByOne(cs, places)
	}
	sum.addJacobian(&g)
	return !sum.some
}

// add adds the equation of c, multiplied by a, or returns false if c does not
// hold whatever the other checks are.
func (l *linear) add(c *Check, a half) bool {
	var e schnorr
	if !e.parse(c) {
		return false
	}
	k := a.scalar()
	l.g.Add(e.s.Mul(&k))
	a.neg = true
	return l.use(c.Sig[:32], a) && l.useWide(c.PubKey, e.e.Mul(&k).Negate())
}

// use adds k times the point with X coordinate x.
func (l *linear) use(x []byte, k half) bool {
	s := l.slot(x)
	if s == nil {
		return false
	}
	w := k.scalar()
	if s.short = k; k.neg {
		w.Negate()
	}
	s.k.Add(&w)
	s.uses++
	return true
}

// useWide is use for any k.
func (l *linear) useWide(x []byte, k *scalar) bool {
	s := l.slot(x)
	if s == nil {
		return false
	}
	s.k.Add(k)
	s.uses += 2
	return true
}

// slot finds or makes the slot of the point with X coordinate x, nil if there
// is none.
func (l *linear) slot(x []byte) *slot {
	if len(x) != 32 {
		return nil
	}
	i, ok := l.index[[32]byte(x)]
	if !ok {
		var s slot
		if !liftX(x, false, &s.p.x, &s.p.y) {
			return nil
		}
		i = int32(len(l.slots))
		l.slots = append(l.slots, s)
		l.index[[32]byte(x)] = i
	}
	return &l.slots[i]
}

// sum returns the sum over the slots. ok is false if an exceptional case came
// up and the sum is not known.
func (l *linear) sum() (sum jacobian, ok bool) {
	if len(l.slots) >= pippengerAtLeast {
		var m msm
		return m.sum(l.terms()), true
	}
	sum = l.strauss()
	return sum, !sum.some || !sum.zeroZ()
}

// pippengerAtLeast is the number of slots from which on Pippenger's method is
// faster than Strauss's, by measurement.
const pippengerAtLeast = 80

// halves returns the multiplier of a slot as k1 + k2*lambda.
func (s *slot) halves() (k1, k2 half) {
	if s.uses == 1 {
		return s.short, half{}
	}
	w := scalarWords(&s.k)
	return split(&w)
}

// terms returns the sum over the slots as terms with short multipliers.
func (l *linear) terms() []term {
	ts := make([]term, 0, 2*len(l.slots))
	for i := range l.slots {
		s := &l.slots[i]
		k1, k2 := s.halves()
		ts = append(ts, term{s.p, k1})
		if k2 != (half{}) {
			twin := s.p
			twin.x.Mul(beta)
			ts = append(ts, term{twin, k2})
		}
	}
	return ts
}

// strauss adds up the slots' multiples along one chain of doublings.
func (l *linear) strauss() (sum jacobian) {
	tables := make([]*table, len(l.slots), 2*len(l.slots))
	for i := range l.slots {
		tables[i] = new(table)
		tables[i][0] = l.slots[i].p
	}
	var add adder
	fillTables(tables, &add) // never fails: all points are on the curve
	digits := make([][nafLen]int8, 2*len(l.slots))
	n := 0
	for i := range l.slots {
		k1, k2 := l.slots[i].halves()
		n = max(n, k1.naf(width, &digits[i]))
		if k2 != (half{}) {
			twins := tables[i].twins()
			n = max(n, k2.naf(width, &digits[len(tables)]))
			tables = append(tables, &twins)
		}
	}
	for bit := n - 1; bit >= 0; bit-- {
		sum.double()
		for i, t := range tables {
			if d := digits[i][bit]; d != 0 {
				sum.addOdd(t, d)
			}
		}
	}
	return sum
}

func (k half) scalar() (s scalar) {
	var b [32]byte
	binary.BigEndian.PutUint64(b[16:], k.hi)
	binary.BigEndian.PutUint64(b[24:], k.lo)
	s.SetBytes(&b)
	return s
}

// batchSeed hashes all that the answers depend on, each part with its length.
func batchSeed(cs []Check, places []int32) (seed [32]byte) {
	h := sha256.New()
	h.Write([]byte("keelson/sig/batch"))
	var space [320]byte
	for _, i := range places {
		h.Write(cs[i].appendTo(space[:0]))
	}
	h.Sum(seed[:0])
	return seed
}

// mixer makes the multipliers of a batch.
type mixer struct {
	seed  [32]byte
	count uint64
	sum   [32]byte
}

func (m *mixer) next() half {
	at := m.count % 2 * 16
	if at == 0 {
		var b [40]byte
		copy(b[:], m.seed[:])
		binary.LittleEndian.PutUint64(b[32:], m.count)
		m.sum = sha256.Sum256(b[:])
	}
	m.count++
	return half{lo: binary.LittleEndian.Uint64(m.sum[at:]), hi: binary.LittleEndian.Uint64(m.sum[at+8:])}
}
