package sig

// PrivateKey is a secret number from 1 to one less than the order of the curve,
// with its point. Make one with [NewPrivateKey]; it does not change.
//
// Its arithmetic takes a different time for different secrets. That is for a
// node that signs what its owner asks it to, not for a signer that strangers
// can make sign again and again while they hold a stopwatch.
type PrivateKey struct {
	d   scalar
	pub point // normalised
}

// NewPrivateKey returns the key of a secret, big-endian. It returns false if
// the secret is zero or not below the order of the curve.
func NewPrivateKey(secret *[32]byte) (*PrivateKey, bool) {
	var d scalar
	if d.SetBytes(secret) != 0 || d.IsZero() {
		return nil, false
	}
	return &PrivateKey{d: d, pub: multiplyG(&d)}, true
}

// Secret returns the secret number, big-endian.
func (k *PrivateKey) Secret() [32]byte { return k.d.Bytes() }

// PubKey returns the public key: 33 bytes if compressed, else 65.
func (k *PrivateKey) PubKey(compressed bool) []byte { return encodeKey(&k.pub, compressed) }

// XOnly returns the X coordinate of the public key, which is the key that
// Schnorr signatures are checked with (BIP 340).
func (k *PrivateKey) XOnly() [32]byte { return *k.pub.x.Bytes() }

// Tweaked returns the private key of the output key that belongs to k as the
// internal key and to a tweak (BIP 341, "taproot_tweak_seckey"). It returns
// false if the tweak is not below the order of the curve or there is no such
// key, which nobody will ever see happen with a hash.
func (k *PrivateKey) Tweaked(tweak *[32]byte) (*PrivateKey, bool) {
	var t scalar
	if t.SetBytes(tweak) != 0 {
		return nil, false
	}
	d := k.even()
	if d.Add(&t).IsZero() {
		return nil, false
	}
	return &PrivateKey{d: d, pub: multiplyG(&d)}, true
}

// even returns the secret of the point with the key's X coordinate and an
// even Y.
func (k *PrivateKey) even() scalar {
	d := k.d
	if k.pub.y.IsOdd() {
		d.Negate()
	}
	return d
}

// multiplyG returns k times the generator, normalised; k must not be zero.
func multiplyG(k *scalar) point {
	p, _ := sumWithG(k, nil)
	return p
}

// encodeKey encodes a point, which is normalised.
func encodeKey(p *point, compressed bool) []byte {
	if compressed {
		key := p.compressed()
		return key[:]
	}
	b := make([]byte, UncompressedSize)
	b[0] = 4
	p.x.PutBytesUnchecked(b[1:33])
	p.y.PutBytesUnchecked(b[33:])
	return b
}
