package policy

import (
	"fmt"
	"math"
	"math/bits"

	"github.com/keelson-chain/keelson/wire"
)

// FeeRate is a price of space, in satoshi per 1000 virtual bytes.
type FeeRate int64

// RateOf returns the rate at which fee pays for vsize virtual bytes, rounded
// towards zero. The rate over no bytes is zero. A rate that an int64 cannot
// hold becomes the nearest that it can.
func RateOf(fee wire.Amount, vsize int) FeeRate {
	if vsize <= 0 {
		return 0
	}
	quotient, _ := scale(int64(fee), 1000, uint64(vsize))
	return FeeRate(quotient)
}

// Fee returns what vsize virtual bytes cost at rate r, in satoshi, rounded up.
// At any rate but zero a size above zero costs something: a negative rate takes
// away at least one satoshi. A fee that an int64 cannot hold becomes the nearest
// that it can. Bitcoin Core divides in floating point, which gives the same up
// to fees of some 90,000 coins.
func (r FeeRate) Fee(vsize int) wire.Amount {
	if vsize <= 0 {
		return 0
	}
	fee, rest := scale(int64(r), uint64(vsize), 1000)
	switch {
	case r > 0 && rest && fee < math.MaxInt64:
		fee++
	case r < 0 && fee == 0:
		fee = -1
	}
	return wire.Amount(fee)
}

// String returns the rate in coins: "0.00001000 BTC/kvB", whatever the network
// calls its coin.
func (r FeeRate) String() string {
	return fmt.Sprintf("%d.%08d BTC/kvB", int64(r)/int64(wire.Coin), int64(r)%int64(wire.Coin))
}

// scale returns a*mul/div, rounded towards zero and limited to what an int64
// holds, and whether the division left a rest. div is not zero.
func scale(a int64, mul, div uint64) (quotient int64, rest bool) {
	abs := uint64(a)
	if a < 0 {
		abs = -abs
	}
	hi, lo := bits.Mul64(abs, mul)
	limited := uint64(math.MaxInt64)
	rem := uint64(0)
	if hi < div {
		q, r := bits.Div64(hi, lo, div)
		limited, rem = min(q, math.MaxInt64), r
	}
	if a < 0 {
		return -int64(limited), rem != 0
	}
	return int64(limited), rem != 0
}
