package sig

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/decred/dcrd/dcrec/secp256k1/v4"
	dcrdecdsa "github.com/decred/dcrd/dcrec/secp256k1/v4/ecdsa"

	"github.com/keelson-chain/keelson/wire"
)

func newKey(t testing.TB, secret string) *PrivateKey {
	t.Helper()
	k, ok := NewPrivateKey((*[32]byte)(unhex(t, secret)))
	if !ok {
		t.Fatalf("%s is no secret", secret)
	}
	return k
}

func randomKey(r *rand.Rand) *PrivateKey {
	secret := random32(r)
	k, _ := NewPrivateKey(&secret)
	return k
}

func random32(r *rand.Rand) (b [32]byte) {
	for i := range 4 {
		binary.BigEndian.PutUint64(b[8*i:], r.Uint64())
	}
	return b
}

// TestCoreSignatures has signatures that Bitcoin Core's key_tests expect.
func TestCoreSignatures(t *testing.T) {
	hash := wire.DoubleSHA256([]byte("Very deterministic message"))
	for _, c := range []struct{ secret, der string }{
		{"12b004fff7f4b69ef8650e767f18f11ede158148b425660723b9f9a66e61f747",
			"304402205dbbddda71772d95ce91cd2d14b592cfbc1dd0aabd6a394b6c2d377bbe59d31d022014ddda21494a4e221f0824f0b8b924c43fa43c0ad57dccdaa11f81a6bd4582f6"},
		{"b524c28b61c9b2c49b2c7dd4c2d75887abb78768c054bd7c01af4029f6c0d117",
			"3044022052d8a32079c11e79db95af63bb9600c5b04f21a9ca33dc129c2bfa8ac9dc1cd5022061d8ae5e0f6c1a16bde3719c64c2fd70e404b6428ab9a69566962e8771b5944d"},
	} {
		k := newKey(t, c.secret)
		if got := hex.EncodeToString(k.SignECDSA(hash)); got != c.der {
			t.Errorf("%s: %s, want %s", c.secret, got, c.der)
		}
		// The compact one has the same numbers, since R happens to be low.
		compact := k.SignCompact(hash, true)
		if got, want := hex.EncodeToString(compact[1:]), c.der[8:72]+c.der[76:]; got != want {
			t.Errorf("%s: compact %s, want %s", c.secret, got, want)
		}
	}
}

// TestSignECDSA: strict DER, low R and low S; valid under the key; and where
// the first R is low, what dcrd signs.
func TestSignECDSA(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	half := new(big.Int).Rsh(order(), 1)
	first := 0
	for range 300 {
		k, hash := randomKey(r), random32(r)
		der := k.SignECDSA(hash)
		rv, sv, ok := walkDER(der)
		switch {
		case !ok, !bytes.Equal(der, derOf(rv, sv)):
			t.Fatalf("%x is not DER", der)
		case rv.BitLen() > 255, sv.Cmp(half) > 0, len(der) > 70:
			t.Fatalf("%x: R or S is high", der)
		}
		for _, compressed := range []bool{true, false} {
			if !plainECDSA(&Check{Kind: ECDSA, PubKey: k.PubKey(compressed), Sig: der, Hash: hash}) {
				t.Fatalf("%x is not a signature of %x", der, hash)
			}
		}
		secret := k.Secret()
		plain := dcrdecdsa.Sign(secp256k1.PrivKeyFromBytes(secret[:]), hash[:]).Serialize()
		if r, _, _ := walkDER(plain); r.BitLen() <= 255 {
			first++
			if !bytes.Equal(der, plain) {
				t.Errorf("%x, dcrd's is %x", der, plain)
			}
		} else if bytes.Equal(der, plain) {
			t.Errorf("%x is the signature with a high R", der)
		}
	}
	if first < 100 || first > 200 {
		t.Errorf("%d of 300 first nonces have a low R", first)
	}
}

func order() *big.Int {
	w := scalarWords(new(scalar).SetInt(1).Negate())
	return new(big.Int).Add(w.big(), big.NewInt(1))
}

func derOf(r, s *big.Int) []byte { return der(r, s, 0) }

// TestSignHashOverOrder: a hash counts modulo the order, in the nonce too.
func TestSignHashOverOrder(t *testing.T) {
	k := newKey(t, "12b004fff7f4b69ef8650e767f18f11ede158148b425660723b9f9a66e61f747")
	var small, large [32]byte
	small[31] = 5
	new(big.Int).Add(order(), big.NewInt(5)).FillBytes(large[:])
	if a, b := k.SignECDSA(small), k.SignECDSA(large); !bytes.Equal(a, b) {
		t.Errorf("%x and %x", a, b)
	}
}

func TestNewPrivateKey(t *testing.T) {
	for secret, want := range map[string]bool{
		"0000000000000000000000000000000000000000000000000000000000000000": false,
		"0000000000000000000000000000000000000000000000000000000000000001": true,
		"fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140": true,
		"fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141": false,
		"ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff": false,
	} {
		k, ok := NewPrivateKey((*[32]byte)(unhex(t, secret)))
		if ok != want || (k != nil) != want {
			t.Errorf("%s: %v, want %v", secret, ok, want)
		}
	}
	// The generator and its opposite.
	const x = "79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
	const y = "483ada7726a3c4655da4fbfc0e1108a8fd17b448a68554199c47d08ffb10d4b8"
	one := newKey(t, "0000000000000000000000000000000000000000000000000000000000000001")
	last := newKey(t, "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140")
	if got := hex.EncodeToString(one.PubKey(true)); got != "02"+x {
		t.Error(got)
	}
	if got := hex.EncodeToString(one.PubKey(false)); got != "04"+x+y {
		t.Error(got)
	}
	if got := hex.EncodeToString(last.PubKey(true)); got != "03"+x {
		t.Error(got)
	}
	if a, b := one.XOnly(), last.XOnly(); a != b || hex.EncodeToString(a[:]) != x {
		t.Errorf("%x, %x", a, b)
	}
	r := rand.New(rand.NewPCG(2, 2))
	for range 100 {
		k := randomKey(r)
		secret := k.Secret()
		want := secp256k1.PrivKeyFromBytes(secret[:]).PubKey()
		if !bytes.Equal(k.PubKey(true), want.SerializeCompressed()) || !bytes.Equal(k.PubKey(false), want.SerializeUncompressed()) {
			t.Fatalf("%x has the key %x, want %x", secret, k.PubKey(true), want.SerializeCompressed())
		}
	}
}

// TestTweaked: the tweaked private key belongs to the tweaked public key.
func TestTweaked(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	for range 100 {
		k, tweak := randomKey(r), random32(r)
		out, ok := k.Tweaked(&tweak)
		if !ok {
			t.Fatalf("no key for the tweak %x", tweak)
		}
		internal, x := k.XOnly(), out.XOnly()
		c := Check{Kind: Tweak, PubKey: internal[:], Sig: x[:], Hash: tweak, Odd: out.PubKey(true)[0] == 3}
		if !plainTweak(&c) {
			t.Fatalf("%x with the tweak %x is not %x", internal, tweak, x)
		}
		c.Odd = !c.Odd
		if plainTweak(&c) {
			t.Fatal("of either parity")
		}
	}
	k := randomKey(r)
	tooLarge := [32]byte(bytes.Repeat([]byte{0xff}, 32))
	if _, ok := k.Tweaked(&tooLarge); ok {
		t.Error("a tweak above the order")
	}
	d := k.even()
	opposite := d.Negate().Bytes()
	if _, ok := k.Tweaked(&opposite); ok {
		t.Error("a tweak that leaves nothing")
	}
}

// TestCompact: the public key comes back, no other number of the point gives
// it, and dcrd agrees.
func TestCompact(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	for range 50 {
		k, hash := randomKey(r), random32(r)
		for _, compressed := range []bool{false, true} {
			compact := k.SignCompact(hash, compressed)
			secret := k.Secret()
			if want := dcrdecdsa.SignCompact(secp256k1.PrivKeyFromBytes(secret[:]), hash[:], compressed); !bytes.Equal(compact[:], want) {
				t.Fatalf("%x, dcrd's is %x", compact, want)
			}
			got, ok := RecoverCompact(compact[:], hash)
			if !ok || !bytes.Equal(got, k.PubKey(compressed)) {
				t.Fatalf("%x is from %x, want %x", compact, got, k.PubKey(compressed))
			}
			for flip := byte(1); flip < 8; flip++ {
				other := compact
				other[0] = (other[0] - 27) ^ flip + 27
				if got, ok := RecoverCompact(other[:], hash); ok && bytes.Equal(got, k.PubKey(compressed)) {
					t.Fatalf("%x is from the same key", other)
				}
			}
			// Only three bits of the head count, whatever it is.
			other := compact
			other[0] += 8
			if got, _ := RecoverCompact(other[:], hash); !bytes.Equal(got, k.PubKey(compressed)) {
				t.Fatalf("%x is from %x", other, got)
			}
		}
	}
}

// TestRecoverCompactRefuses has signatures that no key made.
func TestRecoverCompactRefuses(t *testing.T) {
	hash := [32]byte{1}
	good := newKey(t, "12b004fff7f4b69ef8650e767f18f11ede158148b425660723b9f9a66e61f747").SignCompact(hash, true)
	set := func(from int, v *big.Int) []byte {
		b := bytes.Clone(good[:])
		v.FillBytes(b[from : from+32])
		return b
	}
	noX := bytes.Clone(good[:]) // X = 5 is on no point of the curve
	copy(noX[1:33], make([]byte, 32))
	noX[32] = 5
	wide := bytes.Clone(good[:]) // R plus the order is larger than the field
	wide[0] = 27 + 4 + 2
	for name, b := range map[string][]byte{
		"empty":                 nil,
		"short":                 good[:64],
		"long":                  append(bytes.Clone(good[:]), 0),
		"R zero":                set(1, new(big.Int)),
		"S zero":                set(33, new(big.Int)),
		"R the order":           set(1, order()),
		"S the order":           set(33, order()),
		"R on no point":         noX,
		"R plus order too wide": wide,
	} {
		if key, ok := RecoverCompact(b, hash); ok {
			t.Errorf("%s: %x is from %x", name, b, key)
		}
	}
	// R = G and s = z: the key would be the point at infinity.
	g := newKey(t, "0000000000000000000000000000000000000000000000000000000000000001")
	x := g.XOnly()
	b := append([]byte{27 + 4}, x[:]...)
	if key, ok := RecoverCompact(append(b, hash[:]...), hash); ok {
		t.Errorf("a key at infinity: %x", key)
	}
}

// TestRecoverCompactWide recovers from an X coordinate that is R plus the
// order. Nobody can make such a signature for a key of his own, but any R on
// the curve with any S and hash belongs to some key.
func TestRecoverCompactWide(t *testing.T) {
	hash := [32]byte{31: 7}
	n := 0
	for v := byte(1); v < 40; v++ {
		b := make([]byte, CompactSize)
		b[0], b[32], b[64] = 27+4+2, v, 1
		key, ok := RecoverCompact(b, hash)
		want, _, err := dcrdecdsa.RecoverCompact(b, hash[:])
		if ok != (err == nil) || ok && !bytes.Equal(key, want.SerializeCompressed()) {
			t.Errorf("R = %d: %x, dcrd: %v", v, key, err)
		}
		if !ok {
			continue
		}
		n++
		der := derOf(big.NewInt(int64(v)), big.NewInt(1))
		if !plainECDSA(&Check{Kind: ECDSA, PubKey: key, Sig: der, Hash: hash}) {
			t.Errorf("R = %d: the signature is not the key's", v)
		}
	}
	if n < 10 {
		t.Errorf("%d keys recovered", n)
	}
}

func FuzzRecoverCompact(f *testing.F) {
	k := newKey(f, "12b004fff7f4b69ef8650e767f18f11ede158148b425660723b9f9a66e61f747")
	good := k.SignCompact([32]byte{1}, true)
	f.Add(good[:], []byte{1})
	f.Add(bytes.Repeat([]byte{27}, CompactSize), []byte{})
	f.Fuzz(func(t *testing.T, compact, text []byte) {
		var hash [32]byte
		copy(hash[:], text)
		key, ok := RecoverCompact(compact, hash)
		if len(compact) == CompactSize && compact[0] >= 27 && compact[0] < 35 { // dcrd takes no other
			want, _, err := dcrdecdsa.RecoverCompact(compact, hash[:])
			if ok != (err == nil) {
				t.Fatalf("%x: %v, dcrd: %v", compact, ok, err)
			}
			if ok && !bytes.Equal(key, want.SerializeCompressed()) && !bytes.Equal(key, want.SerializeUncompressed()) {
				t.Fatalf("%x: %x, dcrd: %x", compact, key, want.SerializeCompressed())
			}
		}
		if !ok {
			return
		}
		var r, s scalar
		r.SetByteSlice(compact[1:33])
		s.SetByteSlice(compact[33:])
		if !plainECDSA(&Check{Kind: ECDSA, PubKey: key, Sig: appendDER(nil, &r, &s), Hash: hash}) {
			t.Fatalf("%x is not a signature of %x", compact, key)
		}
	})
}

func BenchmarkSign(b *testing.B) {
	k, hash := randomKey(rand.New(rand.NewPCG(5, 5))), [32]byte{1}
	secret := k.Secret()
	for name, f := range map[string]func(){
		"NewPrivateKey": func() { NewPrivateKey(&secret) },
		"ECDSA":         func() { hash[0]++; k.SignECDSA(hash) },
		"Schnorr":       func() { hash[0]++; k.SignSchnorr(hash[:], [32]byte{}) },
		"Compact":       func() { hash[0]++; k.SignCompact(hash, true) },
		"Recover":       nil,
	} {
		if f == nil {
			compact := k.SignCompact(hash, true)
			f = func() { RecoverCompact(compact[:], hash) }
		}
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				f()
			}
		})
	}
}
