package descriptor

import (
	"errors"
	"strings"
)

// The characters of a descriptor, in three groups of 32, so that changes of
// case within hexadecimal and keys touch only the group (BIP 380, "Checksum").
const (
	inputCharset = "0123456789()[],'/*abcdefgh@:$%{}" +
		"IJKLMNOPQRSTUVWXYZ&+-.;<=>?!^_|~" +
		"ijklmnopqrstuvwxyzABCDEFGH`#\"\\ "
	checksumCharset = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
)

const checksumSize = 8 // characters

var errCharacters = errors.New("Invalid characters in payload")

// Checksum returns the eight characters that follow "#" after the descriptor
// s, which is given without them.
func Checksum(s string) (string, error) {
	c := uint64(1)
	group, count := 0, 0
	for i := range len(s) {
		at := strings.IndexByte(inputCharset, s[i])
		if at < 0 {
			return "", errCharacters
		}
		c = step(c, at&31)
		group = group*3 + at>>5
		if count++; count == 3 {
			c = step(c, group)
			group, count = 0, 0
		}
	}
	if count > 0 {
		c = step(c, group)
	}
	for range checksumSize {
		c = step(c, 0)
	}
	c ^= 1
	var sum [checksumSize]byte
	for i := range sum {
		sum[i] = checksumCharset[c>>(5*(checksumSize-1-i))&31]
	}
	return string(sum[:]), nil
}

// step appends the value v to a polynomial over GF(32) known modulo the
// generator of BIP 380, eight coefficients of five bits each.
func step(c uint64, v int) uint64 {
	top := c >> 35
	c = c&0x7ffffffff<<5 ^ uint64(v)
	for i, g := range [5]uint64{0xf5dee51989, 0xa9fdca3312, 0x1bab10e32d, 0x3706b1677a, 0x644d626ffd} {
		if top>>i&1 == 1 {
			c ^= g
		}
	}
	return c
}
