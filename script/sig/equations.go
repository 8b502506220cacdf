package sig

import "crypto/sha256"

// ecdsa is a signature ready for the equation R = u1*G + u2*P with u1 = z/s,
// u2 = r/s: valid if R is not infinite and its X coordinate is r modulo n.
type ecdsa struct {
	r, s, z scalar // r and s are not zero
}

func (e *ecdsa) parse(c *Check) bool {
	if !parseDER(c.Sig, &e.r, &e.s) {
		return false
	}
	e.z.SetBytes(&c.Hash)
	return true
}

// multipliers returns u1 and u2. A signature with s and one with n-s are
// equally valid: R only changes its sign.
func (e *ecdsa) multipliers(sInv *scalar) (u1, u2 scalar) {
	u1.Mul2(&e.z, sInv)
	u2.Mul2(&e.r, sInv)
	return u1, u2
}

// schnorr is a signature ready for the equation R = s*G - e*P of BIP 340:
// valid if R is not infinite, its X coordinate is r, and its Y even.
type schnorr struct {
	r    field
	s, e scalar
}

func (e *schnorr) parse(c *Check) bool {
	if len(c.Sig) != 64 || len(c.PubKey) != 32 || e.r.SetByteSlice(c.Sig[:32]) || e.s.SetByteSlice(c.Sig[32:]) {
		return false
	}
	e.e = challenge(c)
	return true
}

// tweak is ready for the equation Q = P + t*G of BIP 341: valid if Q is not
// infinite, its X coordinate is q, and its Y has the wanted parity.
type tweak struct {
	q   field
	t   scalar
	odd bool
}

func (e *tweak) parse(c *Check) bool {
	e.odd = c.Odd
	return len(c.Sig) == 32 && !e.q.SetByteSlice(c.Sig) && e.t.SetBytes(&c.Hash) == 0
}

// challenge is e of BIP 340, the hash tagged "BIP0340/challenge" of R, P and
// the message, modulo n.
func challenge(c *Check) (e scalar) {
	// A tagged hash begins with the tag's hash, twice.
	var space [64 + 32 + 32 + 64]byte
	b := append(space[:0], challengeTag...)
	b = append(b, challengeTag...)
	b = append(b, c.Sig[:32]...)
	b = append(b, c.PubKey...)
	b = append(b, c.message()...)
	sum := sha256.Sum256(b)
	e.SetBytes(&sum)
	return e
}

// challengeTag is SHA-256 of "BIP0340/challenge".
const challengeTag = "\x7b\xb5\x2d\x7a\x9f\xef\x58\x32\x3e\xb1\xbf\x7a\x40\x7d\xb3\x82" +
	"\xd2\xf3\xf2\xd8\x1b\xb1\x22\x4f\x49\xfe\x51\x8f\x6d\x48\xd3\x7c"
