package sig

// CompactSize is the length of a compact signature, in bytes.
const CompactSize = 65

// A compact ECDSA signature is one that the public key can be computed from.
// Signed messages use it:
//
//	offset  size  field
//	     0     1  27, plus the number of the point (bit 0: parity of Y, bit 1:
//	              X is R plus the order), plus 4 if the key is compressed
//	     1    32  R, big-endian
//	    33    32  S, big-endian
const (
	compactBase       = 27
	compactCompressed = 4
)

// SignCompact returns the compact signature of a hash, which depends on key
// and hash alone (RFC 6979); S is low, R may be high. compressed is the form of
// the public key that is to come out.
func (k *PrivateKey) SignCompact(hash [32]byte, compressed bool) [CompactSize]byte {
	r, s, point := k.ecdsa(&hash, nil)
	var b [CompactSize]byte
	b[0] = compactBase + point
	if compressed {
		b[0] += compactCompressed
	}
	r.PutBytesUnchecked(b[1:33])
	s.PutBytesUnchecked(b[33:])
	k.checkOwn(&Check{Kind: ECDSA, PubKey: k.PubKey(true), Sig: appendDER(nil, &r, &s), Hash: hash})
	return b
}

// RecoverCompact returns the public key under which a compact signature of a
// hash is valid, in the form that the signature asks for, and false if there is
// none. As in Bitcoin Core only the three lowest bits of the first byte count,
// after 27 is taken off.
func RecoverCompact(signature []byte, hash [32]byte) (pubKey []byte, ok bool) {
	var r, s, z scalar
	if len(signature) != CompactSize || r.SetByteSlice(signature[1:33]) || s.SetByteSlice(signature[33:]) ||
		r.IsZero() || s.IsZero() {
		return nil, false
	}
	head := signature[0] - compactBase
	x := signature[1:33]
	if head&2 != 0 {
		if x, ok = plusOrder(&r); !ok {
			return nil, false
		}
	}
	var p point
	if !liftX(x, head&1 != 0, &p.x, &p.y) {
		return nil, false
	}
	// s*R = z*G + r*Q
	z.SetBytes(&hash)
	r.InverseNonConst()
	z.Mul(&r).Negate()
	s.Mul(&r)
	sum := plainSum(&z, &s, &p)
	if infinite(&sum) {
		return nil, false
	}
	sum.ToAffine()
	return encodeKey(&point{x: sum.X, y: sum.Y}, head&compactCompressed != 0), true
}

// plusOrder returns r plus the order of the curve, and false if that is no
// coordinate.
func plusOrder(r *scalar) (x []byte, ok bool) {
	digits := r.Bytes()
	var f, order field
	f.SetBytes(&digits)
	if f.IsGtOrEqPrimeMinusOrder() {
		return nil, false
	}
	// The order is 0 modulo itself, so it is one more than -1.
	minusOne := new(scalar).SetInt(1).Negate().Bytes()
	order.SetBytes(&minusOne)
	return f.Add(order.AddInt(1)).Normalize().Bytes()[:], true
}
