package sig

import (
	"crypto/sha256"
	"encoding/binary"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
)

// SignECDSA returns the signature of a hash in DER, without a hash type byte.
// It depends on key and hash alone: the nonce is that of RFC 6979, S is at most
// half the order, and R is below 2^255, so that at most 70 bytes are needed. To
// get such an R the nonce is made again with a counter, 4 bytes little-endian
// in 32, as additional data, which makes the signatures those of Bitcoin Core.
func (k *PrivateKey) SignECDSA(hash [32]byte) []byte {
	r, s, _ := k.ecdsa(&hash, nil)
	var extra [32]byte
	for n := uint32(1); highBit(&r); n++ {
		binary.LittleEndian.PutUint32(extra[:], n)
		r, s, _ = k.ecdsa(&hash, extra[:])
	}
	der := appendDER(make([]byte, 0, 72), &r, &s)
	k.checkOwn(&Check{Kind: ECDSA, PubKey: k.PubKey(true), Sig: der, Hash: hash})
	return der
}

// ecdsa returns a signature with a low S, and which of the points with the X
// coordinate r the nonce's is: bit 0 is the parity of Y, bit 1 says that X is
// r plus the order.
func (k *PrivateKey) ecdsa(hash *[32]byte, extra []byte) (r, s scalar, point byte) {
	var z scalar
	z.SetBytes(hash)
	secret, reduced := k.d.Bytes(), z.Bytes()
	for n := uint32(0); ; n++ {
		nonce := secp256k1.NonceRFC6979(secret[:], reduced[:], extra, nil, n)
		p := multiplyG(nonce)
		point = byte(r.SetBytes(p.x.Bytes())) << 1
		if p.y.IsOdd() {
			point |= 1
		}
		s.Mul2(&r, &k.d).Add(&z).Mul(nonce.InverseNonConst())
		if r.IsZero() || s.IsZero() {
			continue // not in the lifetime of the universe
		}
		if s.IsOverHalfOrder() {
			s.Negate()
			point ^= 1
		}
		return r, s, point
	}
}

// highBit reports whether s, as 32 bytes, would be negative in DER.
func highBit(s *scalar) bool {
	b := s.Bytes()
	return b[0]&0x80 != 0
}

// appendDER appends a signature in strict DER (BIP 66).
func appendDER(dst []byte, r, s *scalar) []byte {
	start := len(dst)
	dst = append(dst, 0x30, 0)
	for _, v := range [2]*scalar{r, s} {
		digits := v.Bytes()
		b := digits[:]
		for len(b) > 1 && b[0] == 0 {
			b = b[1:]
		}
		pad := b[0] >> 7
		dst = append(dst, 0x02, byte(len(b))+pad)
		dst = append(append(dst, make([]byte, pad)...), b...)
	}
	dst[start+1] = byte(len(dst) - start - 2)
	return dst
}

// SignSchnorr returns the signature of a message of any length (BIP 340,
// "Default Signing"). aux is fresh randomness, which makes attacks on the
// machine that signs harder; the signature is as good without, with zeros.
func (k *PrivateKey) SignSchnorr(msg []byte, aux [32]byte) [64]byte {
	d, key := k.even(), k.XOnly()
	mask := taggedHash("BIP0340/aux", aux[:])
	for i, b := range d.Bytes() {
		mask[i] ^= b
	}
	seed := taggedHash("BIP0340/nonce", mask[:], key[:], msg)
	var nonce scalar
	nonce.SetBytes(&seed)
	if nonce.IsZero() {
		panic("sig: SHA-256 gave zero")
	}
	r := multiplyG(&nonce)
	if r.y.IsOdd() {
		nonce.Negate()
	}
	var signature [64]byte
	r.x.PutBytesUnchecked(signature[:32])
	check := Check{Kind: Schnorr, PubKey: key[:], Sig: signature[:], Msg: msg}
	if msg == nil {
		check.Msg = []byte{}
	}
	s := challenge(&check)
	s.Mul(&d).Add(&nonce).PutBytesUnchecked(signature[32:])
	k.checkOwn(&check)
	return signature
}

// checkOwn looks at a signature that was just made: one that is wrong, from a
// processor or memory at fault, can give the secret away.
func (k *PrivateKey) checkOwn(c *Check) {
	if !shared().Verify(c) {
		panic("sig: a signature just made is wrong; this machine does not compute reliably")
	}
}

// taggedHash is the tagged hash of BIP 340.
func taggedHash(tag string, parts ...[]byte) (sum [32]byte) {
	t := sha256.Sum256([]byte(tag))
	h := sha256.New()
	h.Write(t[:])
	h.Write(t[:])
	for _, part := range parts {
		h.Write(part)
	}
	h.Sum(sum[:0])
	return sum
}
