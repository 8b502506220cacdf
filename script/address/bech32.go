package address

import "strings"

const bech32Alphabet = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"

// bech32Limit is the most characters of a bech32 string.
const bech32Limit = 90

const bech32Checksum = 6 // characters

// encoding is what the checksum of a bech32 string leaves: 0 is none.
type encoding uint32

const (
	bech32  encoding = 1          // BIP 173
	bech32m encoding = 0x2bc830a3 // BIP 350
)

// polymodStep appends the value v to a polynomial over GF(32) known modulo the
// generator of BIP 173, six coefficients of five bits each.
func polymodStep(c uint32, v byte) uint32 {
	top := c >> 25
	c = c&0x1ffffff<<5 ^ uint32(v)
	for i, g := range [5]uint32{0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3} {
		if top>>i&1 == 1 {
			c ^= g
		}
	}
	return c
}

// polymod runs over the human-readable part, expanded, and the values.
func polymod(hrp string, values []byte) uint32 {
	c := uint32(1)
	for i := range len(hrp) {
		c = polymodStep(c, hrp[i]>>5)
	}
	c = polymodStep(c, 0)
	for i := range len(hrp) {
		c = polymodStep(c, hrp[i]&31)
	}
	for _, v := range values {
		c = polymodStep(c, v)
	}
	return c
}

// encodeBech32 writes values of five bits under a lower-case hrp.
func encodeBech32(enc encoding, hrp string, values []byte) string {
	c := polymod(hrp, values)
	for range bech32Checksum {
		c = polymodStep(c, 0)
	}
	c ^= uint32(enc)
	var s strings.Builder
	s.WriteString(hrp)
	s.WriteByte('1')
	for _, v := range values {
		s.WriteByte(bech32Alphabet[v])
	}
	for i := range bech32Checksum {
		s.WriteByte(bech32Alphabet[c>>(5*(bech32Checksum-1-i))&31])
	}
	return s.String()
}

// decodeBech32 reads a string with either checksum. The hrp comes in lower
// case, the values without the checksum.
func decodeBech32(s string) (enc encoding, hrp string, values []byte, ok bool) {
	sep := strings.LastIndexByte(s, '1')
	if len(s) > bech32Limit || len(oddCharacters(s)) > 0 || sep < 1 || sep+bech32Checksum >= len(s) {
		return 0, "", nil, false
	}
	hrp = strings.ToLower(s[:sep])
	values, bad := bech32Values(s[sep+1:])
	if bad >= 0 {
		return 0, "", nil, false
	}
	enc = encoding(polymod(hrp, values))
	return enc, hrp, values[:len(values)-bech32Checksum], enc == bech32 || enc == bech32m
}

// bech32Values returns the values of the characters, or the place of one that
// has none.
func bech32Values(s string) (values []byte, bad int) {
	values = make([]byte, len(s))
	for i, c := range []byte(strings.ToLower(s)) {
		v := strings.IndexByte(bech32Alphabet, c)
		if v < 0 {
			return nil, i
		}
		values[i] = byte(v)
	}
	return values, -1
}

// oddCharacters returns the places of characters that are not printable ASCII
// or not in the case of the first letter.
func oddCharacters(s string) (places []int) {
	var lower, upper bool
	for i, c := range []byte(s) {
		switch {
		case 'a' <= c && c <= 'z':
			if lower = lower || !upper; upper {
				places = append(places, i)
			}
		case 'A' <= c && c <= 'Z':
			if upper = upper || !lower; lower {
				places = append(places, i)
			}
		case c < 33 || c > 126:
			places = append(places, i)
		}
	}
	return places
}

// toBytes packs groups of five bits. The bits left over must be fewer than
// five, and zero.
func toBytes(values []byte) ([]byte, bool) {
	out := make([]byte, 0, len(values)*5/8)
	var acc, bits uint
	for _, v := range values {
		acc = acc<<5 | uint(v)
		if bits += 5; bits >= 8 {
			bits -= 8
			out = append(out, byte(acc>>bits))
		}
	}
	return out, bits < 5 && acc&(1<<bits-1) == 0
}

// toValues splits bytes into groups of five bits, the last padded with zeros.
func toValues(b []byte) []byte {
	out := make([]byte, 0, (len(b)*8+4)/5)
	var acc, bits uint
	for _, v := range b {
		acc = acc<<8 | uint(v)
		for bits += 8; bits >= 5; {
			bits -= 5
			out = append(out, byte(acc>>bits&31))
		}
	}
	if bits > 0 {
		out = append(out, byte(acc<<(5-bits)&31))
	}
	return out
}
