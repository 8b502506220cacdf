package policy

import (
	"math"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/keelson-chain/keelson/wire"
)

func TestFee(t *testing.T) {
	for _, c := range []struct {
		rate  FeeRate
		vsize int
		want  wire.Amount
	}{
		{0, 0, 0}, {0, 1, 0}, {0, 100_000, 0},
		{1_000, 0, 0}, {1_000, 1, 1}, {1_000, 121, 121}, {1_000, 999, 999}, {1_000, 1_000, 1_000}, {1_000, 9_000, 9_000},
		{-1_000, 0, 0}, {-1_000, 1, -1}, {-1_000, 121, -121}, {-1_000, 999, -999}, {-1_000, 9_000, -9_000},
		// Rounded up, which is towards zero below it, but never to zero.
		{123, 0, 0}, {123, 8, 1}, {123, 9, 2}, {123, 121, 15}, {123, 122, 16}, {123, 999, 123}, {123, 1_000, 123}, {123, 9_000, 1_107},
		{-123, 0, 0}, {-123, 8, -1}, {-123, 9, -1}, {-123, 121, -14}, {-123, 122, -15}, {-123, 999, -122}, {-123, 9_000, -1_107},
		{1, 1, 1}, {1, 1_000, 1}, {1, 1_001, 2}, {-1, 1, -1}, {-1, 1_001, -1},
		// No fee wraps around.
		{math.MaxInt64, 1_000, math.MaxInt64}, {math.MaxInt64, 1_001, math.MaxInt64}, {math.MinInt64, 2_000, -math.MaxInt64},
		{math.MaxInt64, 1, math.MaxInt64/1_000 + 1}, {1, -1, 0},
	} {
		if got := c.rate.Fee(c.vsize); got != c.want {
			t.Errorf("%d over %d bytes: fee %d, want %d", c.rate, c.vsize, int64(got), int64(c.want))
		}
	}
}

func TestRateOf(t *testing.T) {
	for _, c := range []struct {
		fee   wire.Amount
		vsize int
		want  FeeRate
	}{
		{0, 0, 0}, {1, 0, 0}, {1, -1, 0},
		{-1, 1_000, -1}, {0, 1_000, 0}, {1, 1_000, 1},
		// Rounded towards zero.
		{-1, 1_001, 0}, {1, 1_001, 0}, {2, 1_001, 1}, {26, 789, 32}, {27, 789, 34}, {-27, 789, -34},
		{wire.MaxMoney, 1, FeeRate(wire.MaxMoney) * 1_000},
		{math.MaxInt64, 1, math.MaxInt64}, {math.MinInt64, 1, -math.MaxInt64},
	} {
		if got := RateOf(c.fee, c.vsize); got != c.want {
			t.Errorf("%d for %d bytes: rate %d, want %d", int64(c.fee), c.vsize, got, c.want)
		}
	}
}

// TestFeeExact holds both functions against numbers without limit, and Fee
// against the floating point of Bitcoin Core where that has room.
func TestFeeExact(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 0))
	exact := 0
	for range 100_000 {
		a := rng.Int64() >> rng.IntN(63)
		if rng.IntN(2) == 0 {
			a = -a
		}
		size := 1 + int(rng.Int64()>>rng.IntN(63))
		if size < 1 {
			size = 1
		}

		rate := new(big.Int).Mul(big.NewInt(a), big.NewInt(1_000))
		rate.Quo(rate, big.NewInt(int64(size)))
		if got, want := int64(RateOf(wire.Amount(a), size)), limited(rate); got != want {
			t.Fatalf("RateOf(%d, %d) = %d, want %d", a, size, got, want)
		}

		product := new(big.Int).Mul(big.NewInt(a), big.NewInt(int64(size)))
		fee, rest := new(big.Int).QuoRem(product, big.NewInt(1_000), new(big.Int))
		if rest.Sign() > 0 {
			fee.Add(fee, big.NewInt(1))
		}
		if fee.Sign() == 0 && a < 0 {
			fee.SetInt64(-1)
		}
		got := int64(FeeRate(a).Fee(size))
		if want := limited(fee); got != want {
			t.Fatalf("FeeRate(%d).Fee(%d) = %d, want %d", a, size, got, want)
		}
		if product.IsInt64() && product.CmpAbs(big.NewInt(1<<53)) < 0 {
			exact++
			theirs := int64(math.Ceil(float64(product.Int64()) / 1000))
			if theirs == 0 && a < 0 {
				theirs = -1
			}
			if got != theirs {
				t.Fatalf("FeeRate(%d).Fee(%d) = %d, in floating point %d", a, size, got, theirs)
			}
		}
	}
	if exact < 10_000 {
		t.Errorf("only %d of the cases fit floating point", exact)
	}
}

func limited(n *big.Int) int64 {
	switch {
	case n.IsInt64() && n.Int64() != math.MinInt64:
		return n.Int64()
	case n.Sign() < 0:
		return -math.MaxInt64
	}
	return math.MaxInt64
}

func TestFeeRateString(t *testing.T) {
	for rate, want := range map[FeeRate]string{
		0:              "0.00000000 BTC/kvB",
		1:              "0.00000001 BTC/kvB",
		1_000:          "0.00001000 BTC/kvB",
		123_456_789_01: "123.45678901 BTC/kvB",
	} {
		if got := rate.String(); got != want {
			t.Errorf("%d: %q, want %q", int64(rate), got, want)
		}
	}
}
