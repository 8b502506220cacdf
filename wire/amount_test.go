package wire_test

import (
	"math"
	"testing"

	"github.com/keelson-chain/keelson/wire"
)

func TestAmountString(t *testing.T) {
	for a, want := range map[wire.Amount]string{
		0:                    "0.00000000",
		1:                    "0.00000001",
		-1:                   "-0.00000001",
		99_999_999:           "0.99999999",
		wire.Coin:            "1.00000000",
		-wire.Coin:           "-1.00000000",
		10*wire.Coin + 1:     "10.00000001",
		1_234_567_890:        "12.34567890",
		wire.MaxMoney:        "21000000.00000000",
		wire.MaxMoney - 1:    "20999999.99999999",
		math.MaxInt64:        "92233720368.54775807",
		math.MinInt64:        "-92233720368.54775808",
		math.MinInt64 + 1:    "-92233720368.54775807",
		-100*wire.Coin - 100: "-100.00000100",
	} {
		if a.String() != want || string(a.Append([]byte("x"))) != "x"+want {
			t.Errorf("%d: %v, want %s", int64(a), a, want)
		}
	}
	buf := make([]byte, 0, 32)
	if n := testing.AllocsPerRun(10, func() { wire.MaxMoney.Append(buf) }); n != 0 {
		t.Errorf("Append allocates %v times", n)
	}
}

func TestAmountValid(t *testing.T) {
	for a, want := range map[wire.Amount]bool{
		-1: false, 0: true, 1: true, 2_100_000_000_000_000: true, 2_100_000_000_000_001: false,
		math.MinInt64: false, math.MaxInt64: false,
	} {
		if a.Valid() != want {
			t.Errorf("%v valid: %v", a, a.Valid())
		}
	}
}
