package descriptor

import (
	"errors"
	"fmt"
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

// positions has the place of each character in inputCharset, plus 1.
var positions = func() (places [256]byte) {
	for i := range len(inputCharset) {
		places[inputCharset[i]] = byte(i + 1)
	}
	return places
}()

var errCharacters = errors.New("Invalid characters in payload")

// Checksum returns the eight characters that follow "#" after the descriptor
// s, which is given without them.
func Checksum(s string) (string, error) {
	c := uint64(1)
	group, count := 0, 0
	for i := range len(s) {
		at := int(positions[s[i]]) - 1
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

// checkChecksum cuts the checksum off a descriptor and returns what it should
// be.
func checkChecksum(desc string, require bool) (text, checksum string, err error) {
	text, given, found := strings.Cut(desc, "#")
	switch {
	case strings.Contains(given, "#"):
		return "", "", errors.New("Multiple '#' symbols")
	case !found && require:
		return "", "", errors.New("Missing checksum")
	case found && len(given) != checksumSize:
		return "", "", fmt.Errorf("Expected %d character checksum, not %d characters", checksumSize, len(given))
	}
	if checksum, err = Checksum(text); err != nil {
		return "", "", err
	}
	if found && given != checksum {
		return "", "", fmt.Errorf("Provided checksum '%s' does not match computed checksum '%s'", given, checksum)
	}
	return text, checksum, nil
}

// withChecksum appends the checksum to a text that we wrote.
func withChecksum(text string) string {
	sum, err := Checksum(text)
	if err != nil {
		panic("descriptor: " + err.Error() + ": " + text)
	}
	return text + "#" + sum
}
