package pow_test

import (
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/keelson-chain/keelson/pow"
)

const twoWeeks = 14 * 24 * 60 * 60

// TestRetargetKnown holds the cases of Bitcoin Core's pow_tests.
func TestRetargetKnown(t *testing.T) {
	limit := target(t, 0x1d00ffff)
	for _, c := range []struct {
		name        string
		first, last int64
		old, want   pow.Bits
	}{
		{"block 32256", 1261130161, 1262152739, 0x1d00ffff, 0x1d00d86a},
		{"at the limit", 1231006505, 1233061996, 0x1d00ffff, 0x1d00ffff},
		{"a quarter at least", 1279008237, 1279297671, 0x1c05a3f4, 0x1c0168fd},
		{"four times at most", 1263163443, 1269211443, 0x1c387f6f, 0x1d00e1fd},
	} {
		if got := pow.Retarget(c.old, c.last-c.first, twoWeeks, limit); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
}

// bigRetarget is the rule over unbounded integers with the one wrap that
// 256-bit integers add to it.
func bigRetarget(old pow.Bits, actual, timespan int64, limit *big.Int) pow.Bits {
	if actual < timespan/4 {
		actual = timespan / 4
	}
	if actual > timespan*4 {
		actual = timespan * 4
	}
	v, err := bigTarget(old)
	if err != nil {
		panic(err)
	}
	v.Mul(v, big.NewInt(actual))
	v.Mod(v, two256)
	v.Div(v, big.NewInt(timespan))
	if v.Cmp(limit) > 0 {
		v = limit
	}
	return bigBits(v)
}

func TestRetargetAgainstBig(t *testing.T) {
	rng := rand.New(rand.NewPCG(9, 10))
	limits := []pow.Bits{0x1d00ffff, 0x1e0377ae, 0x207fffff, 0x03123456}
	ran, wrapped := 0, 0
	for range 200_000 {
		old := pow.Bits(1+rng.IntN(33))<<24 | pow.Bits(rng.IntN(0x800000))
		v, err := bigTarget(old)
		if err != nil {
			continue
		}
		timespan := []int64{twoWeeks, 2016 * 120, 4, 5, 7, 1<<30 - 1}[rng.IntN(6)]
		actual := []int64{
			rng.Int64N(5 * timespan), timespan, timespan/4 - 1, timespan / 4, timespan/4 + 1,
			timespan*4 - 1, timespan * 4, timespan*4 + 1, 0, -rng.Int64N(1 << 32), 1 << 40,
		}[rng.IntN(11)]
		limit := limits[rng.IntN(len(limits))]
		bigLimit, _ := bigTarget(limit)
		got, want := pow.Retarget(old, actual, timespan, target(t, limit)), bigRetarget(old, actual, timespan, bigLimit)
		if got != want {
			t.Fatalf("old %v, %d of %d s, limit %v: %v, want %v", old, actual, timespan, limit, got, want)
		}
		ran++
		if new(big.Int).Mul(v, big.NewInt(max(actual, timespan/4))).BitLen() > 256 {
			wrapped++
		}
	}
	if ran < 100_000 || wrapped == 0 {
		t.Errorf("%d cases, %d of which wrapped", ran, wrapped)
	}
}

func FuzzRetarget(f *testing.F) {
	f.Add(uint32(0x1d00ffff), int64(twoWeeks), int64(twoWeeks), uint32(0x1d00ffff))
	f.Add(uint32(0x207fffff), int64(-1), int64(4), uint32(0x207fffff))
	f.Fuzz(func(t *testing.T, old uint32, actual, timespan int64, limit uint32) {
		bigLimit, err := bigTarget(pow.Bits(limit))
		if _, err2 := bigTarget(pow.Bits(old)); err != nil || err2 != nil {
			return
		}
		timespan = 4 + (timespan&(1<<62-1))%(1<<30-4)
		got := pow.Retarget(pow.Bits(old), actual, timespan, target(t, pow.Bits(limit)))
		if want := bigRetarget(pow.Bits(old), actual, timespan, bigLimit); got != want {
			t.Errorf("old %08x, %d of %d s, limit %08x: %v, want %v", old, actual, timespan, limit, got, want)
		}
	})
}
