package rpc

import (
	"strconv"
	"strings"

	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/wire"
)

// amountDecimals is how many decimals an amount in coins has.
const amountDecimals = 8

// amount reads a number of coins, which may also be a string.
func (c *call) amount(i int) wire.Amount {
	if c.err != nil {
		return 0
	}
	a, err := ParseAmount(c.params.At(i))
	if err != nil {
		c.fail(err)
	}
	return a
}

// ParseAmount reads a number of coins, which may also be a string, within the
// money range. Errors are *jsonrpc.Error, in the words of Bitcoin Core.
func ParseAmount(v *jsonrpc.Value) (wire.Amount, error) {
	if v.Kind != jsonrpc.Number && v.Kind != jsonrpc.String {
		return 0, jsonrpc.Errorf(jsonrpc.CodeType, "Amount is not a number or string")
	}
	n, ok := parseFixed(v.Text, amountDecimals)
	if !ok {
		return 0, jsonrpc.Errorf(jsonrpc.CodeType, "Invalid amount")
	}
	if a := wire.Amount(n); a.Valid() {
		return a, nil
	}
	return 0, jsonrpc.Errorf(jsonrpc.CodeType, "Amount out of range")
}

// maxFixedDigits bounds what parseFixed returns: below 10^18.
const maxFixedDigits = 18

// parseFixed reads a number in the notation of JSON, exponents included, and
// returns it times 10^decimals. What is finer or has more than maxFixedDigits
// digits then is not ok.
func parseFixed(text string, decimals int64) (n int64, ok bool) {
	text, negative := strings.CutPrefix(text, "-")
	mantissa, exponentText := text, ""
	at := strings.IndexAny(text, "eE")
	if at >= 0 {
		mantissa, exponentText = text[:at], text[at+1:]
	}
	whole, fraction, hasPoint := strings.Cut(mantissa, ".")
	if !digits(whole) || len(whole) > 1 && whole[0] == '0' || hasPoint && !digits(fraction) {
		return 0, false
	}
	exponent := decimals
	if at >= 0 {
		e, err := strconv.ParseInt(exponentText, 10, 32) // takes a sign, as JSON does
		if err != nil {
			return 0, false
		}
		exponent += e
	}
	if whole == "0" {
		whole = ""
	}
	all := whole + fraction
	significant := strings.TrimRight(all, "0")
	exponent += int64(len(all)-len(significant)) - int64(len(fraction))
	significant = strings.TrimLeft(significant, "0")
	if exponent < 0 || exponent >= maxFixedDigits || int64(len(significant))+exponent > maxFixedDigits {
		return 0, false
	}
	if significant == "" {
		return 0, true
	}
	n, err := strconv.ParseInt(significant+strings.Repeat("0", int(exponent)), 10, 64)
	if negative {
		n = -n
	}
	return n, err == nil
}

// digits reports whether text is one decimal digit or more.
func digits(text string) bool {
	return text != "" && strings.Trim(text, "0123456789") == ""
}
