package pow_test

import (
	"errors"
	"fmt"
	"math"
	"math/big"
	"testing"

	"github.com/keelson-chain/keelson/pow"
)

var two256 = new(big.Int).Lsh(big.NewInt(1), 256)

// bigTarget is Bits.Target by definition: mantissa * 256^(exponent-3), rounded
// down, over unbounded integers.
func bigTarget(b pow.Bits) (*big.Int, error) {
	exponent, mantissa := int(b>>24), big.NewInt(int64(b&0x7fffff))
	v := new(big.Int)
	if exponent >= 3 {
		v.Lsh(mantissa, uint(8*(exponent-3)))
	} else {
		v.Rsh(mantissa, uint(8*(3-exponent)))
	}
	switch {
	case v.Sign() == 0:
		return nil, pow.ErrZero
	case b&0x800000 != 0:
		return nil, pow.ErrNegative
	case v.Cmp(two256) >= 0:
		return nil, pow.ErrOverflow
	}
	return v, nil
}

// bigBits is Target.Bits by definition: the shortest count of bytes whose top
// bit is clear, and the three highest bytes.
func bigBits(v *big.Int) pow.Bits {
	exponent := v.BitLen()/8 + 1
	if v.Sign() == 0 {
		exponent = 0
	}
	top := new(big.Int)
	if exponent >= 3 {
		top.Rsh(v, uint(8*(exponent-3)))
	} else {
		top.Lsh(v, uint(8*(3-exponent)))
	}
	return pow.Bits(exponent)<<24 | pow.Bits(top.Uint64())
}

func hex64(v *big.Int) string { return fmt.Sprintf("%064x", v) }

// edgeMantissas are the mantissas, sign included, next to every place where a
// byte or the sign begins or ends.
func edgeMantissas() (all []uint32) {
	seen := map[uint32]bool{}
	add := func(m uint32) {
		if m &= 0xffffff; !seen[m] {
			seen[m] = true
			all = append(all, m)
		}
	}
	for bit := range 24 {
		for d := range uint32(5) {
			add(1<<bit + d - 2)
			add(0xffffff<<bit + d - 2)
			add(0x7fffff>>bit + d - 2)
		}
		for other := range 24 {
			add(1<<bit | 1<<other)
		}
	}
	for b := range uint32(256) {
		add(b)
		add(b << 8)
		add(b << 16)
		add(b<<16 | 0xffff)
		add(b<<8 | 0xff)
	}
	return all
}

// TestBitsAgainstBig compares all exponents with all edge mantissas, and
// everything that follows from a target, with unbounded integers.
func TestBitsAgainstBig(t *testing.T) {
	kinds := map[error]int{}
	mantissas := edgeMantissas()
	for exponent := range uint32(256) {
		for _, m := range mantissas {
			b := pow.Bits(exponent<<24 | m)
			kinds[checkBits(t, b)]++
		}
		if t.Failed() {
			t.FailNow()
		}
	}
	for _, kind := range []error{nil, pow.ErrZero, pow.ErrNegative, pow.ErrOverflow} {
		if kinds[kind] == 0 {
			t.Errorf("no bits were %v", kind)
		}
	}
}

// TestEveryMantissa runs every positive mantissa at exponents that shift bytes
// out, shift none, and reach the top: a target's bits are the same target, and
// bits in canonical form come back as they were.
func TestEveryMantissa(t *testing.T) {
	step := pow.Bits(1)
	if testing.Short() {
		step = 251
	}
	for _, exponent := range []pow.Bits{2, 4, 32, 33, 34} {
		targets := 0
		for b := exponent << 24; b < exponent<<24+0x800000; b += step {
			target, err := b.Target()
			if errors.Is(err, pow.ErrOverflow) {
				break // and so does every larger mantissa
			} else if err != nil {
				continue
			}
			targets++
			back := target.Bits()
			if again, err := back.Target(); err != nil || again != target {
				t.Fatalf("%v is %v, whose bits %v are %v, %v", b, target, back, again, err)
			}
			if exponent >= 3 && b&0xff8000 != 0 && back != b {
				t.Fatalf("%v is canonical but comes back as %v", b, back)
			}
		}
		want := map[pow.Bits]int{2: 0x7fff00, 4: 0x7fffff, 32: 0x7fffff, 33: 0xffff, 34: 0xff}
		if step == 1 && targets != want[exponent] {
			t.Errorf("exponent %d: %d targets, want %d", exponent, targets, want[exponent])
		}
	}
}

// checkBits compares everything about b with math/big and returns its kind.
func checkBits(t *testing.T, b pow.Bits) (kind error) {
	t.Helper()
	want, kind := bigTarget(b)
	got, err := b.Target()
	if !errors.Is(err, kind) || (err == nil) != (kind == nil) {
		t.Errorf("%v: error %v, want %v", b, err, kind)
		return kind
	}
	if kind != nil {
		if got != (pow.Target{}) {
			t.Errorf("%v: target %v beside an error", b, got)
		}
		return kind
	}
	if got.String() != hex64(want) {
		t.Errorf("%v: target %v, want %x", b, got, want)
	}
	if bits := got.Bits(); bits != bigBits(want) {
		t.Errorf("%v: target %v has bits %v, want %v", b, got, bits, bigBits(want))
	}
	work := new(big.Int).Div(two256, new(big.Int).Add(want, big.NewInt(1)))
	if got.Work().String() != hex64(work) {
		t.Errorf("%v: work %v, want %x", b, got.Work(), work)
	}
	return nil
}

// TestBitsKnown holds patterns of Bitcoin Core's tests of SetCompact and
// GetCompact, with the reason where one is refused and else the canonical form.
func TestBitsKnown(t *testing.T) {
	for _, c := range []struct {
		bits   pow.Bits
		target string // without leading zeros
		back   pow.Bits
		kind   error
	}{
		{0x00000000, "", 0, pow.ErrZero},
		{0x00123456, "", 0, pow.ErrZero},
		{0x01003456, "", 0, pow.ErrZero},
		{0x02000056, "", 0, pow.ErrZero},
		{0x03000000, "", 0, pow.ErrZero},
		{0x04000000, "", 0, pow.ErrZero},
		{0x00923456, "", 0, pow.ErrZero},
		{0x01803456, "", 0, pow.ErrZero},
		{0x02800056, "", 0, pow.ErrZero},
		{0x03800000, "", 0, pow.ErrZero},
		{0x04800000, "", 0, pow.ErrZero},
		{0x01123456, "12", 0x01120000, nil},
		{0x01fedcba, "", 0, pow.ErrNegative},
		{0x02123456, "1234", 0x02123400, nil},
		{0x03123456, "123456", 0x03123456, nil},
		{0x04123456, "12345600", 0x04123456, nil},
		{0x04923456, "", 0, pow.ErrNegative},
		{0x05009234, "92340000", 0x05009234, nil},
		{0x20123456, "1234560000000000000000000000000000000000000000000000000000000000", 0x20123456, nil},
		{0xff123456, "", 0, pow.ErrOverflow},
		{0x220000ff, "ff00000000000000000000000000000000000000000000000000000000000000", 0x2100ff00, nil},
		{0x22000100, "", 0, pow.ErrOverflow},
		{0x2100ffff, "ffff000000000000000000000000000000000000000000000000000000000000", 0x2100ffff, nil},
		{0x21010000, "", 0, pow.ErrOverflow},
		{0x23000001, "", 0, pow.ErrOverflow},
		{0x02008000, "80", 0x02008000, nil},
		{0x03000080, "80", 0x02008000, nil},
	} {
		target, err := c.bits.Target()
		if !errors.Is(err, c.kind) || (err == nil) != (c.kind == nil) {
			t.Errorf("%v: error %v, want %v", c.bits, err, c.kind)
		} else if err == nil && (target.String() != fmt.Sprintf("%064s", c.target) || target.Bits() != c.back) {
			t.Errorf("%v: %v with bits %v, want %s with bits %v", c.bits, target, target.Bits(), c.target, c.back)
		}
	}
}

// TestDifficulty holds values that Bitcoin Core's getdifficulty printed for
// real blocks, and the patterns of its test.
func TestDifficulty(t *testing.T) {
	for _, c := range []struct {
		bits pow.Bits
		want float64
	}{
		{0x1d00ffff, 1},
		{0x207fffff, 4.6565423739069247e-10}, // regtest, 4.656542373906925e-10 in its 16 digits
		{0x1b0404cb, 16307.420938523983},
	} {
		if got := c.bits.Difficulty(); got != c.want {
			t.Errorf("%v: %v, want %v", c.bits, got, c.want)
		}
	}
	for bits, want := range map[pow.Bits]float64{
		0x1f111111: 0.000001, 0x1ef88f6f: 0.000016, 0x1df88f6f: 0.004023, 0x1cf88f6f: 1.029916,
		0x12345678: 5913134931067755359633408,
	} {
		if got := bits.Difficulty(); math.Abs(got-want) > max(1e-6, want*1e-6) {
			t.Errorf("%v: %v, want about %v", bits, got, want)
		}
	}
	if got := pow.Bits(0x1d000000).Difficulty(); !math.IsInf(got, 1) {
		t.Errorf("no mantissa: %v, want infinite", got)
	}
}

func FuzzBits(f *testing.F) {
	for _, b := range []uint32{0, 0x1d00ffff, 0x207fffff, 0x01fedcba, 0x220000ff, 0x21010000, 0xffffffff} {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b uint32) { _ = checkBits(t, pow.Bits(b)) })
}
