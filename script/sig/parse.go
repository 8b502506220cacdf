package sig

import "github.com/decred/dcrd/dcrec/secp256k1/v4"

type (
	field  = secp256k1.FieldVal
	scalar = secp256k1.ModNScalar
)

// parseDER reads an ECDSA signature as Bitcoin did before BIP 66 (Core's
// ecdsa_signature_parse_der_lax): the length of the sequence is ignored, the
// lengths of the integers may have any number of leading zero bytes, integers
// may be negative (read as unsigned) or padded, and bytes may follow. It
// returns false if the signature cannot be read, or if r or s is not in
// [1, n-1], which no key can satisfy.
func parseDER(b []byte, r, s *scalar) bool {
	if len(b) < 2 || b[0] != 0x30 {
		return false
	}
	n := int(b[1])
	b = b[2:]
	if n&0x80 != 0 {
		if n &= 0x7f; n > len(b) {
			return false
		}
		b = b[n:]
	}
	rb, b, ok := parseDERInt(b)
	if !ok {
		return false
	}
	sb, _, ok := parseDERInt(b)
	return ok && setDERInt(r, rb) && setDERInt(s, sb)
}

// parseDERInt cuts an integer off b and returns its bytes and the rest.
func parseDERInt(b []byte) (value, rest []byte, ok bool) {
	if len(b) < 2 || b[0] != 0x02 {
		return nil, nil, false
	}
	n := int(b[1])
	b = b[2:]
	if n&0x80 != 0 {
		k := n & 0x7f
		if k > len(b) {
			return nil, nil, false
		}
		long := b[:k]
		b = b[k:]
		for len(long) > 0 && long[0] == 0 {
			long = long[1:]
		}
		if len(long) >= 4 {
			return nil, nil, false
		}
		n = 0
		for _, v := range long {
			n = n<<8 | int(v)
		}
	}
	if n > len(b) {
		return nil, nil, false
	}
	return b[:n], b[n:], true
}

// setDERInt sets s to the big-endian number in b and reports whether it is in
// [1, n-1].
func setDERInt(s *scalar, b []byte) bool {
	for len(b) > 0 && b[0] == 0 {
		b = b[1:]
	}
	return len(b) <= 32 && !s.SetByteSlice(b) && !s.IsZero()
}

// parseKey reads the public key of an ECDSA check. x and y come normalised.
func parseKey(b []byte, x, y *field) bool {
	switch {
	case len(b) == 33 && (b[0] == 2 || b[0] == 3):
		return !x.SetByteSlice(b[1:]) && secp256k1.DecompressY(x, b[0] == 3, y)
	case len(b) == 65 && (b[0] == 4 || b[0] == 6 || b[0] == 7):
		if x.SetByteSlice(b[1:33]) || y.SetByteSlice(b[33:]) {
			return false
		}
		if b[0] != 4 && y.IsOdd() != (b[0] == 7) {
			return false
		}
		return onCurve(x, y)
	}
	return false
}

// liftX sets x, and the y of the wanted parity, to the point with the X
// coordinate b (BIP 340, lift_x, for an even y). x and y come normalised.
func liftX(b []byte, odd bool, x, y *field) bool {
	return len(b) == 32 && !x.SetByteSlice(b) && secp256k1.DecompressY(x, odd, y)
}

// onCurve reports whether y^2 = x^3 + 7; both are normalised.
func onCurve(x, y *field) bool {
	var l, r field
	l.SquareVal(y).Normalize()
	r.SquareVal(x).Mul(x).AddInt(7).Normalize()
	return l.Equals(&r)
}

// ValidXOnly reports whether key is the X coordinate of a point (BIP 340).
func ValidXOnly(key []byte) bool {
	var x, y field
	return liftX(key, false, &x, &y)
}
