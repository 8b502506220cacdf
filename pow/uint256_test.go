package pow

import (
	"math/big"
	"math/rand/v2"
	"testing"
)

func (x uint256) big() *big.Int {
	b := x.bytes()
	return new(big.Int).SetBytes(b[:])
}

var two256 = new(big.Int).Lsh(big.NewInt(1), 256)

// fromBig returns n modulo 2^256.
func fromBig(n *big.Int) uint256 {
	var b [32]byte
	new(big.Int).Mod(n, two256).FillBytes(b[:])
	return uint256FromBytes(b)
}

// interesting yields numbers of every length, with long runs of ones and zeros
// in them, which is where carries and quotient digits go wrong.
func interesting(rng *rand.Rand) (x uint256) {
	for i := range x {
		switch rng.IntN(5) {
		case 0:
			x[i] = 0
		case 1:
			x[i] = ^uint64(0)
		case 2:
			x[i] = 1 << 63
		case 3:
			x[i] = ^uint64(0) - uint64(rng.IntN(3))
		default:
			x[i] = rng.Uint64() >> rng.IntN(64)
		}
	}
	return x.rsh(uint(rng.IntN(256)))
}

func TestUint256AgainstBig(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200_000 {
		x, y, n, word := interesting(rng), interesting(rng), uint(rng.IntN(600)), rng.Uint64()|1
		checkUint256(t, x, y, n, word)
		if t.Failed() {
			t.FailNow()
		}
	}
}

func checkUint256(t *testing.T, x, y uint256, n uint, word uint64) {
	t.Helper()
	bx, by, bw := x.big(), y.big(), new(big.Int).SetUint64(word)
	check := func(op string, got uint256, want *big.Int) {
		t.Helper()
		if want = new(big.Int).Mod(want, two256); got.big().Cmp(want) != 0 {
			t.Errorf("%x %s (%x, %d, %x) = %x, want %x", bx, op, by, n, word, got.big(), want)
		}
	}
	checkWord := func(op string, got uint64, want *big.Int) {
		t.Helper()
		if !want.IsUint64() || want.Uint64() != got {
			t.Errorf("%x %s (%x, %x): high word or carry %x, want %x", bx, op, by, word, got, want)
		}
	}
	sum, carry := x.add(y)
	exact := new(big.Int).Add(bx, by)
	check("add", sum, exact)
	checkWord("add", carry, new(big.Int).Rsh(exact, 256))

	diff, borrow := x.sub(y)
	check("sub", diff, new(big.Int).Sub(bx, by))
	if want := bx.Cmp(by) < 0; borrow != 0 != want {
		t.Errorf("%x - %x borrows %d", bx, by, borrow)
	}

	low, high := x.mul(word)
	exact = new(big.Int).Mul(bx, bw)
	check("mul", low, exact)
	checkWord("mul", high, new(big.Int).Rsh(exact, 256))

	check("lsh", x.lsh(n), new(big.Int).Lsh(bx, n))
	check("rsh", x.rsh(n), new(big.Int).Rsh(bx, n))
	check("not", x.not(), new(big.Int).Not(bx))
	check("div64", x.div64(word), new(big.Int).Div(bx, bw))
	if !y.isZero() {
		check("div", x.div(y), new(big.Int).Div(bx, by))
		// A dividend one below a multiple of the divisor is where a quotient
		// digit is guessed too large.
		q := y.not().div(y) // floor((2^256-1)/y), or one less
		product := fromBig(new(big.Int).Mul(q.big(), by))
		near, _ := product.sub(uint256{1})
		check("div", product.div(y), q.big())
		check("div", near.div(y), new(big.Int).Div(near.big(), by))
	}
	if x.cmp(y) != bx.Cmp(by) || y.cmp(x) != by.Cmp(bx) || x.cmp(x) != 0 {
		t.Errorf("cmp(%x, %x) = %d", bx, by, x.cmp(y))
	}
	if x.bitLen() != bx.BitLen() || x.isZero() != (bx.Sign() == 0) {
		t.Errorf("%x: bitLen %d, isZero %v", bx, x.bitLen(), x.isZero())
	}
	if uint256FromBytes(x.bytes()) != x {
		t.Errorf("%x does not survive its bytes", bx)
	}
}

// TestQuotientDigit meets the cases of algorithm D that random numbers reach
// about once in 2^63 divisions: a first guess that is taken for the largest
// digit, and one that must be added back.
func TestQuotientDigit(t *testing.T) {
	const ones = ^uint64(0)
	for _, c := range []struct{ x, y uint256 }{
		{uint256{0, 0, 1 << 63, 1<<63 - 1}, uint256{1, 0, 1 << 63}}, // add back, three limbs
		{uint256{3, 0, 1 << 63}, uint256{1, 0, 1 << 61}},
		{uint256{0, ones - 1, 1 << 63}, uint256{ones, 1 << 63}}, // u2 == v1
		{uint256{0, 0, 0, 1 << 63}, uint256{ones, ones, 1 << 63}},
		{uint256{ones, ones, ones, ones}, uint256{ones, ones, ones, ones}},
		{uint256{ones, ones, ones, ones}, uint256{0, 0, 0, 1 << 63}},
		{uint256{0, ones, ones - 1, ones}, uint256{ones, ones, ones}},
	} {
		checkUint256(t, c.x, c.y, 1, 1)
	}
	addedBack := 0
	rng := rand.New(rand.NewPCG(3, 4))
	for range 100_000 {
		// The divisor's second limb hides what the third one adds to it.
		v := [3]uint64{rng.Uint64() | 1<<63, uint64(rng.IntN(2)), 1<<63 + uint64(rng.IntN(2))}
		u := [4]uint64{uint64(rng.IntN(3)), uint64(rng.IntN(3)), 1<<63 + uint64(rng.IntN(3)), 1<<63 - 1}
		digit := quotientDigit(u[3], u[2], u[1], v[2], v[1])
		rest := u
		if subMul(rest[:], v[:], digit) != 0 {
			addedBack++
		}
		divisor := uint256{v[0], v[1], v[2]}
		checkUint256(t, uint256(u), divisor, 1, 1)
		// And at a digit that others follow: just below a multiple of the
		// divisor one limb up, whatever it must be shifted by.
		divisor = divisor.rsh(uint(rng.IntN(64)))
		above, _ := divisor.lsh(64).sub(uint256{rng.Uint64(), 1})
		checkUint256(t, above, divisor, 1, 1)
	}
	if addedBack == 0 {
		t.Error("no quotient digit was one too large: the correction is not tested")
	}
}

func FuzzUint256(f *testing.F) {
	f.Add(make([]byte, 64), uint16(0), uint64(1))
	f.Add([]byte("\xff\xff\xff\xff\xff\xff\xff\xff\x80\x00\x00\x00\x00\x00\x00\x00"), uint16(255), ^uint64(0))
	f.Fuzz(func(t *testing.T, b []byte, n uint16, word uint64) {
		var x, y [32]byte
		rest := b[copy(x[:], b):]
		copy(y[:], rest)
		checkUint256(t, uint256FromBytes(x), uint256FromBytes(y), uint(n)%1024, word|1)
	})
}
