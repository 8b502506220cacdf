package jsonrpc

import (
	"math"
	"testing"

	"github.com/keelson-chain/keelson/wire"
)

func TestAppend(t *testing.T) {
	var hash wire.Hash
	hash[31], hash[0] = 0xab, 0x01
	inner := Object{{"n", 1}, {"empty", []any{}}, {"none", Object(nil)}}
	for _, c := range []struct {
		value any
		want  string
	}{
		{nil, `null`},
		{true, `true`},
		{-5, `-5`},
		{uint32(math.MaxUint32), `4294967295`},
		{int64(math.MinInt64), `-9223372036854775808`},
		{uint64(math.MaxUint64), `18446744073709551615`},
		{wire.Amount(1), `0.00000001`},
		{50 * wire.Coin, `50.00000000`},
		{wire.Amount(-123456789), `-1.23456789`},
		// As C++ streams write doubles with sixteen digits.
		{4.656542373906925e-10, `4.656542373906925e-10`},
		{1.0, `1`},
		{0.0, `0`},
		{0.1, `0.1`},
		{100000.0, `100000`},
		{1e15, `1000000000000000`},
		{1e16, `1e+16`},
		{0.0001, `0.0001`},
		{0.00001, `1e-05`},
		{1.0 / 3, `0.3333333333333333`},
		{Hex{0, 0xff}, `"00ff"`},
		{hash, `"ab00000000000000000000000000000000000000000000000000000000000001"`},
		{"a\"\\\b\t\n\f\r\x01\x1f\x7f</é\u2028", `"a\"\\\b\t\n\f\r\u0001\u001f\u007f</é` + "\u2028" + `"`},
		{[]string{"a", "b"}, `["a","b"]`},
		{[]wire.Hash{}, `[]`},
		{[]Object{inner}, `[{"n":1,"empty":[],"none":{}}]`},
		{[]any{1, nil, []any{}}, `[1,null,[]]`},
		{NewArray(NewString("x"), Value{}), `["x",null]`},
	} {
		if got := string(Append(nil, c.value)); got != c.want {
			t.Errorf("%v: %s, want %s", c.value, got, c.want)
		}
	}
}

func TestAppendIndent(t *testing.T) {
	o := Object{{"n", 1}, {"empty", []any{}}, {"list", []any{"a", Object{{"b", true}}}}, {"none", Object(nil)}}
	const want = `{
  "n": 1,
  "empty": [
  ],
  "list": [
    "a",
    {
      "b": true
    }
  ],
  "none": {
  }
}`
	if got := string(AppendIndent(nil, o, 2)); got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
}

func TestAppendUnknown(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("a type that cannot be encoded was")
		}
	}()
	Append(nil, struct{}{})
}
