package pow

import (
	"errors"
	"fmt"
)

// Bits is a target in the compact form of a header's Bits field: like a
// floating-point number, an exponent in the top byte and a mantissa of 23 bits
// below a sign bit, of the value mantissa * 256^(exponent-3).
//
// Many bit patterns are no target, and many patterns are the same target;
// Target.Bits gives the one pattern that a chain requires.
type Bits uint32

// The reasons for which bits are no target, matched with errors.Is.
var (
	ErrNegative = errors.New("target is negative")
	ErrZero     = errors.New("target is zero")
	ErrOverflow = errors.New("target exceeds 256 bits")
)

const (
	bitsSign     = 0x00800000
	bitsMantissa = 0x007fffff
)

// Target returns the target that b stands for, or an error that is one of
// ErrNegative, ErrZero and ErrOverflow (Bitcoin Core's DeriveTarget, without
// the comparison to a network's limit).
func (b Bits) Target() (Target, error) {
	exponent, mantissa := b>>24, b&bitsMantissa
	if exponent < 3 {
		mantissa >>= 8 * (3 - exponent)
	}
	var err error
	switch {
	case mantissa == 0:
		err = ErrZero
	case b&bitsSign != 0:
		err = ErrNegative
	case exponent > 34, exponent > 33 && mantissa > 0xff, exponent > 32 && mantissa > 0xffff:
		err = ErrOverflow
	}
	if err != nil {
		return Target{}, fmt.Errorf("bits %v: %w", b, err)
	}
	return Target{b.expand()}, nil
}

// expand returns the magnitude of b modulo 2^256, whatever its sign.
func (b Bits) expand() uint256 {
	exponent, mantissa := uint(b>>24), uint64(b&bitsMantissa)
	if exponent <= 3 {
		return uint256{mantissa >> (8 * (3 - exponent))}
	}
	return uint256{mantissa}.lsh(8 * (exponent - 3))
}

// String returns the eight hexadecimal digits that people and RPC use.
func (b Bits) String() string { return fmt.Sprintf("%08x", uint32(b)) }

// Difficulty returns how many times harder than 1d00ffff it is to meet b, the
// number that JSON-RPC calls difficulty: the same double, bit for bit, as
// Bitcoin Core's GetDifficulty. It is not a consensus value. Bits without a
// mantissa have an infinite difficulty.
func (b Bits) Difficulty() float64 {
	// The sign counts as a bit of the mantissa here, and the scale changes in
	// steps, because that is how Core does it.
	d := float64(0xffff) / float64(b&0x00ffffff)
	for e := b >> 24; e < 29; e++ {
		d *= 256
	}
	for e := b >> 24; e > 29; e-- {
		d /= 256
	}
	return d
}
