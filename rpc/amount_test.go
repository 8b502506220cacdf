package rpc

import (
	"errors"
	"math"
	"math/big"
	"strings"
	"testing"

	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/wire"
)

func TestAmounts(t *testing.T) {
	for _, c := range []struct {
		text string
		want wire.Amount
	}{
		{"0", 0}, {"-0", 0}, {"0.00000001", 1}, {"1e-8", 1}, {"1E-8", 1}, {"0.1e-7", 1}, {"0.000000001e1", 1},
		{"1", wire.Coin}, {"1.0", wire.Coin}, {"1e0", wire.Coin}, {"1e+0", wire.Coin}, {"1.00000000000000", wire.Coin},
		{"0.0000000000000000000", 0}, {"0.00100000", 100_000}, {"0.17622195", 17_622_195}, {"20999999.9769", 2_099_999_997_690_000},
		{"21000000", wire.MaxMoney}, {"2.1e7", wire.MaxMoney}, {"0.00000001000000", 1}, {"0.01e+6", 10_000 * wire.Coin}, {"10", 10 * wire.Coin},
	} {
		for _, v := range []jsonrpc.Value{{Kind: jsonrpc.Number, Text: c.text}, jsonrpc.NewString(c.text)} {
			if got, err := ParseAmount(&v); got != c.want || err != nil {
				t.Errorf("%s %s: %v, %v, want %v", v.Kind, c.text, got, err, c.want)
			}
		}
	}
	for _, c := range []struct{ text, want string }{
		{"-1", "Amount out of range"}, {"-0.00000001", "Amount out of range"}, {"21000000.00000001", "Amount out of range"}, {"1e9", "Amount out of range"},
		{"9999999999.99999999", "Amount out of range"},
		{"10000000000", "Invalid amount"}, {"1e10", "Invalid amount"}, {"1e11", "Invalid amount"}, {"1e-9", "Invalid amount"}, {"0.000000019", "Invalid amount"},
		{"0e-9", "Invalid amount"}, {"0e10", "Invalid amount"}, {"92233720368.54775808", "Invalid amount"}, {"1e1000000000000", "Invalid amount"},
		{"", "Invalid amount"}, {"-", "Invalid amount"}, {".1", "Invalid amount"}, {"1.", "Invalid amount"}, {"01", "Invalid amount"}, {"+1", "Invalid amount"},
		{" 1", "Invalid amount"}, {"1 ", "Invalid amount"}, {"1e", "Invalid amount"}, {"1e+", "Invalid amount"}, {"1e++1", "Invalid amount"}, {"--1", "Invalid amount"},
		{"1_0", "Invalid amount"}, {"1e1_0", "Invalid amount"}, {"0x1", "Invalid amount"}, {"1.1.1", "Invalid amount"}, {"foo", "Invalid amount"},
	} {
		v := jsonrpc.NewString(c.text)
		var e *jsonrpc.Error
		if got, err := ParseAmount(&v); !errors.As(err, &e) || e.Code != jsonrpc.CodeType || e.Message != c.want {
			t.Errorf("%q: %v, %v, want %s", c.text, got, err, c.want)
		}
	}
	for _, v := range []jsonrpc.Value{{}, {Kind: jsonrpc.Bool, Text: "true"}, jsonrpc.NewArray()} {
		var e *jsonrpc.Error
		if _, err := ParseAmount(&v); !errors.As(err, &e) || e.Code != jsonrpc.CodeType || e.Message != "Amount is not a number or string" {
			t.Errorf("%s: %v", v.Kind, err)
		}
	}
}

// FuzzFixed: what is read is what arbitrary precision reads.
func FuzzFixed(f *testing.F) {
	for _, text := range []string{"1", "-1.5e3", "0.00000001", "1e-9", "123456789012345678", "0.0e5"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		n, ok := parseFixed(text, amountDecimals)
		if !ok || len(text) > 100 {
			return
		}
		want, isNumber := new(big.Rat).SetString(text)
		if !isNumber || strings.ContainsAny(text, "_xXpP/ ") {
			t.Fatalf("%q was read", text)
		}
		want.Mul(want, big.NewRat(1e8, 1))
		if want.Cmp(new(big.Rat).SetInt64(n)) != 0 || n <= -1e18 || n >= 1e18 || n == math.MinInt64 {
			t.Errorf("%q: %d, want %v", text, n, want)
		}
	})
}
