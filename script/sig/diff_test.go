package sig

import (
	"bytes"
	"math/big"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	dcrdecdsa "github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"
)

// library asks dcrd's own ECDSA verification.
func library(c *Check) bool {
	var r, s scalar
	key, err := secp256k1.ParsePubKey(c.PubKey)
	if err != nil || !parseDER(c.Sig, &r, &s) {
		return false
	}
	return dcrdecdsa.NewSignature(&r, &s).Verify(c.Hash[:], key)
}

// recovered returns the check whose equation is R = u1*G + u2*P, for any R, u1
// and u2: P is what makes it true. u2 must not be zero nor R be u1*G. r is R's
// X coordinate modulo n.
func recovered(R *point, u1, u2 *scalar) (Check, bool) {
	var sum, ag, p secp256k1.JacobianPoint
	var neg, inv, r, s, z scalar
	neg.NegateVal(u1)
	secp256k1.ScalarBaseMultNonConst(&neg, &ag)
	jr := secp256k1.JacobianPoint{X: R.x, Y: R.y}
	jr.Z.SetInt(1)
	secp256k1.AddNonConst(&jr, &ag, &sum)
	inv.InverseValNonConst(u2)
	secp256k1.ScalarMultNonConst(&inv, &sum, &p)
	r.SetBytes(R.x.Bytes())
	if infinite(&p) || r.IsZero() {
		return Check{}, false
	}
	p.ToAffine()
	s.Mul2(&r, &inv)
	z.Mul2(u1, &s)
	return Check{Kind: ECDSA, PubKey: compressed(&point{p.X, p.Y}), Sig: der(scalarBig(&r), scalarBig(&s), 0), Hash: z.Bytes()}, true
}

// smallX returns points whose X coordinate is from, or the next above it that
// is on the curve.
func smallX(from *big.Int) (p point) {
	for x := new(big.Int).Set(from); ; x.Add(x, big.NewInt(1)) {
		if liftX(x.FillBytes(make([]byte, 32)), x.Bit(0) == 1, &p.x, &p.y) {
			return p
		}
	}
}

// edgeECDSA are checks at the corners of the equation; valid says what each must be.
func edgeECDSA(t testing.TB) (cs []Check, valid []bool) {
	add := func(c Check, ok bool) {
		cs, valid = append(cs, c), append(valid, ok)
	}
	r := rand.New(rand.NewPCG(9, 10))
	one := bigScalar(big.NewInt(1))
	lambda := bigScalar(bigHex(lambdaHex))
	var negOne, negLambda scalar
	negOne.NegateVal(&one)
	negLambda.NegateVal(&lambda)
	two, three := bigScalar(big.NewInt(2)), bigScalar(big.NewInt(3))
	special := []scalar{one, two, three, negOne, lambda, negLambda, bigScalar(big.NewInt(16)), bigScalar(big.NewInt(512)), bigScalar(big.NewInt(1024))}

	// Special keys and nonces.
	for _, d := range append(special, randScalar(r)) {
		for _, k := range append(special, randScalar(r)) {
			h := randScalar(r)
			c := signECDSA(&d, &k, h.Bytes())
			add(c, true)
			c.Hash[31] ^= 1
			add(c, false)
			add(signECDSA(&d, &k, [32]byte{}), true) // u1 = 0
		}
	}

	// Every R, u1 and u2 of interest, P recovered.
	n := bigN
	points := []point{mulG(&one), mulG(&lambda), smallX(big.NewInt(1)), smallX(n), smallX(new(big.Int).Add(n, big.NewInt(1000)))}
	scalars := slices.Concat(special, []scalar{{}, randScalar(r)})
	for _, R := range points {
		for _, u1 := range scalars {
			for _, u2 := range scalars {
				if u2.IsZero() {
					continue
				}
				if c, ok := recovered(&R, &u1, &u2); ok {
					add(c, true)
				}
			}
		}
	}
	if points[3].x.IsGtOrEqPrimeMinusOrder() == false {
		t.Fatal("not the X coordinate that was meant")
	}

	// A sum at infinity, and a sum that is a doubling.
	for range 20 {
		d, u2, rr := randScalar(r), randScalar(r), randScalar(r)
		var u1, s, z scalar
		u1.Mul2(&u2, &d) // u1*G = u2*P
		inv := u2
		inv.InverseNonConst()
		P := mulG(&d)
		s.Mul2(&rr, &inv)
		z.NegateVal(&u1).Mul(&s)
		add(Check{PubKey: compressed(&P), Sig: der(scalarBig(&rr), scalarBig(&s), 0), Hash: z.Bytes()}, false)
		var twice scalar
		twice.Add2(&u1, &u1)
		R := mulG(&twice)
		rr.SetBytes(R.x.Bytes())
		s.Mul2(&rr, &inv)
		z.Mul2(&u1, &s)
		add(Check{PubKey: compressed(&P), Sig: der(scalarBig(&rr), scalarBig(&s), 0), Hash: z.Bytes()}, true)
	}

	// Signature values.
	for range 4 {
		d, k, h := randScalar(r), randScalar(r), randScalar(r)
		base := signECDSA(&d, &k, h.Bytes())
		var rs, ss scalar
		if !parseDER(base.Sig, &rs, &ss) {
			t.Fatal("own signature does not parse")
		}
		br, bs := scalarBig(&rs), scalarBig(&ss)
		with := func(r, s *big.Int, ok bool) {
			c := base
			c.Sig = der(r, s, 0)
			add(c, ok)
			c.Sig = der(r, s, 20)
			add(c, ok)
		}
		zero := new(big.Int)
		with(br, bs, true)
		with(br, new(big.Int).Sub(n, bs), true) // high or low S
		with(new(big.Int).Sub(n, br), bs, false)
		for _, v := range []*big.Int{zero, n, new(big.Int).Add(n, big.NewInt(1)), new(big.Int).Lsh(big.NewInt(1), 256), bigP} {
			with(v, bs, false)
			with(br, v, false)
			with(v, v, false)
		}
		with(new(big.Int).Add(br, n), bs, false)
		with(br, new(big.Int).Add(bs, n), false)

		// Keys.
		P := mulG(&d)
		odd := byte(0)
		if P.y.IsOdd() {
			odd = 1
		}
		key := func(b []byte, ok bool) {
			c := base
			c.PubKey = b
			add(c, ok)
		}
		key(uncompressed(&P, 4), true)
		key(uncompressed(&P, 6+odd), true)
		key(uncompressed(&P, 7-odd), false)
		for _, p := range []byte{0, 1, 2, 3, 5, 8, 0x84} {
			key(uncompressed(&P, p), false)
		}
		for p := range 256 {
			b := bytes.Clone(base.PubKey)
			b[0] = byte(p)
			key(b, byte(p) == 2+odd)
		}
		key(nil, false)
		key(base.PubKey[:32], false)
		key(append(bytes.Clone(base.PubKey), 0), false)
		key(append(uncompressed(&P, 4), 0), false)
		key(uncompressed(&P, 4)[:64], false)
		key([]byte{0}, false)
		bad := uncompressed(&P, 4)
		bad[64] ^= 1
		key(bad, false)
		minus := P
		minus.y.Negate(1).Normalize()
		key(uncompressed(&minus, 4), false)
		key(append([]byte{2}, bigP.FillBytes(make([]byte, 32))...), false)
		key(append([]byte{3}, bytes.Repeat([]byte{0xff}, 32)...), false)
		// X coordinates that are not on the curve: the twist.
		for x := range int64(40) {
			var px, py field
			xb := big.NewInt(x).FillBytes(make([]byte, 32))
			if !liftX(xb, false, &px, &py) {
				key(append([]byte{2}, xb...), false)
				key(append([]byte{3}, xb...), false)
			}
		}
	}
	return cs, valid
}

func edgeTweaks(t testing.TB) (cs []Check, valid []bool) {
	r := rand.New(rand.NewPCG(11, 12))
	for range 20 {
		d, k := randScalar(r), randScalar(r)
		P := mulG(&d)
		key := d
		if P.y.IsOdd() {
			key.Negate()
		}
		neg := new(scalar).NegateVal(&key)
		add := func(c Check, ok bool) { cs, valid = append(cs, c), append(valid, ok) }
		for _, tw := range []scalar{k, key, {}, bigScalar(big.NewInt(1)), bigScalar(big.NewInt(-1)), bigScalar(big.NewInt(512))} {
			c := makeTweak(&d, &tw)
			add(c, true)
			c.Odd = !c.Odd
			add(c, false)
		}
		c := makeTweak(&d, &k)
		inf := c
		inf.Hash = neg.Bytes() // infinite
		add(inf, false)
		inf.Sig = make([]byte, 32)
		add(inf, false)
		over := makeTweak(&d, new(scalar).SetInt(5))
		v := new(big.Int).Add(bigN, big.NewInt(5))
		over.Hash = [32]byte(v.FillBytes(make([]byte, 32)))
		add(over, false)
		for _, n := range []int{0, 31, 33} {
			short := c
			short.Sig = append(bytes.Clone(c.Sig), 0)[:n]
			add(short, false)
			short = c
			short.PubKey = append(bytes.Clone(c.PubKey), 0)[:n]
			add(short, false)
		}
	}
	// An output key whose X coordinate is below 2^256 - p may be written in a
	// second way, which is not valid.
	Q := smallX(big.NewInt(1))
	x := new(big.Int).SetBytes(Q.x.Bytes()[:])
	zero := Check{Kind: Tweak, PubKey: x.FillBytes(make([]byte, 32)), Sig: x.FillBytes(make([]byte, 32))}
	cs, valid = append(cs, zero), append(valid, true)
	x.Add(x, bigP)
	zero.Sig = x.FillBytes(make([]byte, 32))
	cs, valid = append(cs, zero), append(valid, false)
	zero.PubKey = zero.Sig
	return append(cs, zero), append(valid, false)
}

func TestEdges(t *testing.T) {
	v := DCRD()
	check := func(cs []Check, valid []bool) {
		for i := range cs {
			c := &cs[i]
			if got := plain(c); got != valid[i] {
				t.Fatalf("%s %d: plain says %v: key %x sig %x hash %x", kindNames[c.Kind], i, got, c.PubKey, c.Sig, c.Hash)
			}
			if c.Kind == ECDSA && library(c) != valid[i] {
				t.Fatalf("ECDSA %d: dcrd says %v", i, !valid[i])
			}
			if got := v.Verify(c); got != valid[i] {
				t.Fatalf("%s %d: %v: key %x sig %x hash %x", kindNames[c.Kind], i, got, c.PubKey, c.Sig, c.Hash)
			}
			if got := v.VerifyAll(cs[i : i+1]); got != valid[i] {
				t.Fatalf("%s %d: as a batch of one %v: key %x sig %x hash %x", kindNames[c.Kind], i, got, c.PubKey, c.Sig, c.Hash)
			}
		}
	}
	check(edgeECDSA(t))
	check(edgeTweaks(t))
}

// corrupt flips a bit of c, in copies of its parts.
func corrupt(r *rand.Rand, c Check) Check {
	c.PubKey, c.Sig = bytes.Clone(c.PubKey), bytes.Clone(c.Sig)
	flip := func(b []byte) { b[r.IntN(len(b))] ^= 1 << r.IntN(8) }
	switch r.IntN(4) {
	case 0:
		flip(c.PubKey)
	case 1:
		flip(c.Hash[:])
	case 2:
		if c.Kind == Tweak {
			c.Odd = !c.Odd
			break
		}
		flip(c.Sig)
	case 3:
		flip(c.Sig)
	}
	return c
}

func TestCorrupt(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	v := DCRD()
	for kind, name := range kindNames {
		for _, good := range sample(r, Kind(kind), 100) {
			for range 5 {
				c := corrupt(r, good)
				want := plain(&c)
				if got := v.Verify(&c); got != want {
					t.Fatalf("%s: %v, want %v: %+v", name, got, want, c)
				}
			}
		}
	}
}
