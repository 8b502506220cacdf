package sig

import "github.com/decred/dcrd/dcrec/secp256k1/v4"

// What deriving keys needs of the curve (BIP 32, BIP 341). Secrets here are
// those of a descriptor that their owner gave to his own node: like all of this
// package, none of it takes the same time for every secret.

// Sizes of encoded keys, in bytes.
const (
	CompressedSize   = 33
	UncompressedSize = 65
)

// ValidPubKey reports whether key encodes a point: 33 bytes with prefix 02 or
// 03, or 65 bytes with prefix 04, or 06 or 07 agreeing with the parity of Y.
func ValidPubKey(key []byte) bool {
	var p point
	return parseKey(key, &p.x, &p.y)
}

// PubKeyOf returns the point of a secret, and false if the secret is 0 or not
// below the order of the curve.
func PubKeyOf(secret *[32]byte) (key [CompressedSize]byte, ok bool) {
	var k scalar
	if k.SetBytes(secret) != 0 || k.IsZero() {
		return key, false
	}
	p, ok := sumWithG(&k, nil)
	return p.compressed(), ok
}

// Uncompressed returns the 65 bytes of a key in 33 bytes, and false if that is
// no point.
func Uncompressed(key *[CompressedSize]byte) (long [UncompressedSize]byte, ok bool) {
	var p point
	if !parseKey(key[:], &p.x, &p.y) {
		return long, false
	}
	long[0] = 4
	p.x.PutBytesUnchecked(long[1:33])
	p.y.PutBytesUnchecked(long[33:])
	return long, true
}

// AddToSecret returns the secret plus t, and false if either is not below the
// order of the curve or the sum is 0.
func AddToSecret(secret, t *[32]byte) (sum [32]byte, ok bool) {
	var a, b scalar
	if a.SetBytes(secret) != 0 || b.SetBytes(t) != 0 || a.Add(&b).IsZero() {
		return sum, false
	}
	return a.Bytes(), true
}

// AddToPubKey returns the key plus t times the generator, which is the point
// of what AddToSecret returns, and false if key is no point, t is not below the
// order of the curve or the sum is infinite.
func AddToPubKey(key *[CompressedSize]byte, t *[32]byte) (sum [CompressedSize]byte, ok bool) {
	var k scalar
	var p point
	if k.SetBytes(t) != 0 || !parseKey(key[:], &p.x, &p.y) {
		return sum, false
	}
	p, ok = sumWithG(&k, &p)
	return p.compressed(), ok
}

// TweakXOnly returns the X coordinate of the internal key, which is the X
// coordinate of a point with even Y, plus t times the generator, and whether
// the sum's Y is odd (BIP 341, "taproot_tweak_pubkey"). It returns false for ok
// where there is no such key.
func TweakXOnly(internal, t *[32]byte) (output [32]byte, odd, ok bool) {
	var k scalar
	var p point
	if k.SetBytes(t) != 0 || !liftX(internal[:], false, &p.x, &p.y) {
		return output, false, false
	}
	p, ok = sumWithG(&k, &p)
	return *p.x.Bytes(), p.y.IsOdd(), ok
}

// sumWithG returns k times the generator plus p, which may be nil for nothing,
// and false if that is infinite. p's coordinates are normalised, and so are
// those of the sum.
func sumWithG(k *scalar, p *point) (sum point, ok bool) {
	var a jacobian
	w := scalarWords(k)
	shared().g.addTo(&w, &a)
	if !a.some || a.zeroZ() {
		return plainSumWithG(k, p)
	}
	if p != nil {
		a.addExact(p, false)
	}
	if !a.some || a.zeroZ() {
		return sum, false
	}
	return a.affine(), true
}

// plainSumWithG is sumWithG in the straightforward way, which decides the
// exceptional cases.
func plainSumWithG(k *scalar, p *point) (point, bool) {
	var a secp256k1.JacobianPoint
	secp256k1.ScalarBaseMultNonConst(k, &a)
	if p != nil {
		var sum secp256k1.JacobianPoint
		jp := secp256k1.JacobianPoint{X: p.x, Y: p.y}
		jp.Z.SetInt(1)
		secp256k1.AddNonConst(&a, &jp, &sum)
		a = sum
	}
	if infinite(&a) {
		return point{}, false
	}
	a.ToAffine()
	return point{x: a.X, y: a.Y}, true
}

// compressed encodes a point, which is normalised.
func (p *point) compressed() (key [CompressedSize]byte) {
	key[0] = 2
	if p.y.IsOdd() {
		key[0] = 3
	}
	p.x.PutBytesUnchecked(key[1:])
	return key
}
