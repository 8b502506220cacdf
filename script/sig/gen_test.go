package sig

import (
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
)

// Signing, as plainly as it can be written: the tests choose every number.

// mulG returns d*G, affine and normalised; d must not be zero.
func mulG(d *scalar) (p point) {
	var j secp256k1.JacobianPoint
	secp256k1.ScalarBaseMultNonConst(d, &j)
	j.ToAffine()
	return point{x: j.X, y: j.Y}
}

func compressed(p *point) []byte {
	b := make([]byte, 33)
	b[0] = 2
	if p.y.IsOdd() {
		b[0] = 3
	}
	p.x.PutBytesUnchecked(b[1:])
	return b
}

func uncompressed(p *point, prefix byte) []byte {
	b := make([]byte, 65)
	b[0] = prefix
	p.x.PutBytesUnchecked(b[1:33])
	p.y.PutBytesUnchecked(b[33:])
	return b
}

// der encodes r and s, each with pad leading zero bytes too many.
func der(r, s *big.Int, pad int) []byte {
	num := func(v *big.Int) []byte {
		b := v.Bytes()
		if len(b) == 0 || b[0] >= 0x80 {
			b = append([]byte{0}, b...)
		}
		b = append(make([]byte, pad), b...)
		return append([]byte{2, byte(len(b))}, b...)
	}
	body := append(num(r), num(s)...)
	return append([]byte{0x30, byte(len(body))}, body...)
}

func scalarBig(s *scalar) *big.Int {
	w := scalarWords(s)
	return w.big()
}

// signECDSA signs hash with key d and nonce k, none of them zero.
func signECDSA(d, k *scalar, hash [32]byte) Check {
	R, P := mulG(k), mulG(d)
	var r, s, z, kInv scalar
	r.SetBytes(R.x.Bytes())
	z.SetBytes(&hash)
	kInv.InverseValNonConst(k)
	s.Mul2(&r, d).Add(&z).Mul(&kInv)
	return Check{Kind: ECDSA, PubKey: compressed(&P), Sig: der(scalarBig(&r), scalarBig(&s), 0), Hash: hash}
}

// signSchnorr signs with key d and nonce k, none of them zero.
func signSchnorr(d, k *scalar, hash [32]byte) Check {
	R, P := mulG(k), mulG(d)
	key, nonce := *d, *k
	if P.y.IsOdd() {
		key.Negate()
	}
	if R.y.IsOdd() {
		nonce.Negate()
	}
	c := Check{Kind: Schnorr, PubKey: P.x.Bytes()[:], Sig: make([]byte, 64), Hash: hash}
	R.x.PutBytesUnchecked(c.Sig[:32])
	e := challenge(&c)
	e.Mul(&key).Add(&nonce)
	e.PutBytesUnchecked(c.Sig[32:])
	return c
}

// makeTweak commits to t with the internal key of d; the output key must not be infinite.
func makeTweak(d, t *scalar) Check {
	P := mulG(d)
	key := *d
	if P.y.IsOdd() {
		key.Negate()
	}
	key.Add(t)
	Q := mulG(&key)
	return Check{Kind: Tweak, PubKey: P.x.Bytes()[:], Sig: Q.x.Bytes()[:], Hash: t.Bytes(), Odd: Q.y.IsOdd()}
}

// sample returns n valid checks of one kind.
func sample(r *rand.Rand, kind Kind, n int) []Check {
	cs := make([]Check, n)
	for i := range cs {
		d, k, h := randScalar(r), randScalar(r), randScalar(r)
		switch kind {
		case ECDSA:
			cs[i] = signECDSA(&d, &k, h.Bytes())
		case Schnorr:
			cs[i] = signSchnorr(&d, &k, h.Bytes())
		case Tweak:
			cs[i] = makeTweak(&d, &k)
		}
	}
	return cs
}

var kindNames = [...]string{ECDSA: "ECDSA", Schnorr: "Schnorr", Tweak: "Tweak"}

func TestValid(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	v := DCRD()
	for kind, name := range kindNames {
		for _, c := range sample(r, Kind(kind), 200) {
			if !plain(&c) {
				t.Fatalf("%s: plain: %+v", name, c)
			}
			if !v.Verify(&c) {
				t.Fatalf("%s: %+v", name, c)
			}
		}
	}
}

// plainPoint adds up products with dcrd's own arithmetic.
type plainPoint struct{ sum secp256k1.JacobianPoint }

func (s *plainPoint) add(p *point, k *scalar) {
	jp := secp256k1.JacobianPoint{X: p.x, Y: p.y}
	jp.X.Normalize()
	jp.Y.Normalize()
	jp.Z.SetInt(1)
	var kp, sum secp256k1.JacobianPoint
	secp256k1.ScalarMultNonConst(k, &jp, &kp)
	secp256k1.AddNonConst(&s.sum, &kp, &sum)
	s.sum = sum
}

func (s *plainPoint) equals(p *jacobian) bool {
	if infinite(&s.sum) {
		return !p.some
	}
	if !p.some || p.z.Normalize().IsZero() {
		return false
	}
	want := s.sum
	want.ToAffine()
	return p.affine() == point{want.X, want.Y}
}
