package sig

import (
	"math/big"
	"math/rand/v2"
	"testing"
)

func bigHex(s string) *big.Int {
	v, ok := new(big.Int).SetString(s, 16)
	if !ok {
		panic(s)
	}
	return v
}

var (
	bigP = bigHex("fffffffffffffffffffffffffffffffffffffffffffffffffffffffefffffc2f")
	bigN = bigHex("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141")
)

func (w *words) big() *big.Int {
	v := new(big.Int)
	for i := 3; i >= 0; i-- {
		v.Lsh(v, 64).Or(v, new(big.Int).SetUint64(w[i]))
	}
	return v
}

func bigScalar(v *big.Int) (s scalar) {
	s.SetByteSlice(new(big.Int).Mod(v, bigN).Bytes())
	return s
}

func (k half) big() *big.Int {
	v := (&words{k.lo, k.hi}).big()
	if k.neg {
		v.Neg(v)
	}
	return v
}

// edgeScalars are numbers near the places where carries, roundings and signs
// change.
func edgeScalars() []scalar {
	one := big.NewInt(1)
	var bases []*big.Int
	bases = append(bases, new(big.Int), bigN, new(big.Int).Rsh(bigN, 1), bigHex(lambdaHex),
		new(big.Int).Mul(bigHex(lambdaHex), bigHex(lambdaHex)), bigP)
	for i := uint(0); i < 256; i += 3 {
		bases = append(bases, new(big.Int).Lsh(one, i), new(big.Int).Sub(bigN, new(big.Int).Lsh(one, i)))
	}
	// Multiples of n/a1 and n/b1 lie where the rounding of split turns.
	for _, d := range []string{"3086d221a7d46bcde86c90e49284eb15", "e4437ed6010e88286f547fa90abfe4c3"} {
		step := new(big.Int).Div(bigN, bigHex(d))
		for i := int64(1); i < 40; i++ {
			m := new(big.Int).Mul(step, big.NewInt(i))
			bases = append(bases, m, m.Rsh(m, 1))
		}
	}
	var ss []scalar
	for _, b := range bases {
		for d := int64(-2); d <= 2; d++ {
			ss = append(ss, bigScalar(new(big.Int).Add(b, big.NewInt(d))))
		}
	}
	return ss
}

func randScalar(r *rand.Rand) (s scalar) {
	var b [32]byte
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	if r.IntN(4) == 0 { // long runs of equal bits
		lo, hi := r.IntN(32), r.IntN(32)
		for i := min(lo, hi); i < max(lo, hi); i++ {
			b[i] = byte(-(r.IntN(2)))
		}
	}
	s.SetBytes(&b)
	return s
}

func TestSplit(t *testing.T) {
	lambda := bigHex(lambdaHex)
	r := rand.New(rand.NewPCG(1, 2))
	ss := edgeScalars()
	for range 20000 {
		ss = append(ss, randScalar(r))
	}
	for _, s := range ss {
		w := scalarWords(&s)
		k1, k2 := split(&w)
		got := new(big.Int).Mul(k2.big(), lambda)
		got.Add(got, k1.big()).Mod(got, bigN)
		if got.Cmp(w.big()) != 0 {
			t.Fatalf("split of %v: %v + %v*lambda = %x", s, k1, k2, got)
		}
		for _, k := range []half{k1, k2} {
			for width := uint(3); width <= 7; width++ {
				checkNAF(t, k, width)
			}
		}
	}
	for _, k := range []half{{}, {lo: ^uint64(0), hi: ^uint64(0)}, {hi: 1 << 63}, {lo: 1, neg: true}, {lo: ^uint64(0), hi: ^uint64(0), neg: true}} {
		for width := uint(3); width <= 7; width++ {
			checkNAF(t, k, width)
		}
	}
}

func checkNAF(t *testing.T, k half, width uint) {
	var d [nafLen]int8
	n := k.naf(width, &d)
	sum := new(big.Int)
	last := -int(width)
	for i, v := range d {
		if v == 0 {
			continue
		}
		if v&1 == 0 || int(max(v, -v)) >= 1<<(width-1) || i-last < int(width) || i >= n {
			t.Fatalf("digit %d of %v is %d, after one at %d of %d", i, k, v, last, n)
		}
		last = i
		sum.Add(sum, new(big.Int).Lsh(big.NewInt(int64(v)), uint(i)))
	}
	if sum.Cmp(k.big()) != 0 || n != last+1 && last >= 0 {
		t.Fatalf("naf of %v sums to %x", k, sum)
	}
}
