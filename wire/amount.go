package wire

import "strconv"

// Amount is a sum of money in satoshi, the hundred-millionth of a coin. A
// decoded amount can be any 64-bit value; consensus decides which are valid.
type Amount int64

// Coin is one coin; MaxMoney is the largest amount that can be valid anywhere.
const (
	Coin     Amount = 100_000_000
	MaxMoney Amount = 21_000_000 * Coin
)

// Valid reports whether a lies in the money range, 0 to MaxMoney inclusive.
func (a Amount) Valid() bool { return a >= 0 && a <= MaxMoney }

// String returns the amount in coins with eight decimals and no exponent,
// which is also the form of amounts in JSON-RPC: "0.00000001".
func (a Amount) String() string {
	var text [32]byte
	return string(a.Append(text[:0]))
}

// Append appends the text of String to dst.
func (a Amount) Append(dst []byte) []byte {
	u := uint64(a)
	if a < 0 {
		dst = append(dst, '-')
		u = -u
	}
	dst = strconv.AppendUint(dst, u/uint64(Coin), 10)
	// The fraction is written with a one before it that becomes the point, so
	// that its leading zeros are kept.
	point := len(dst)
	dst = strconv.AppendUint(dst, u%uint64(Coin)+uint64(Coin), 10)
	dst[point] = '.'
	return dst
}
