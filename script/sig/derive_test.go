package sig

import (
	"bytes"
	"encoding/hex"
	"math/rand/v2"
	"testing"
)

func number(t testing.TB, s string) (n [32]byte) {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil || len(b) > len(n) {
		t.Fatal(s, err)
	}
	copy(n[len(n)-len(b):], b)
	return n
}

const (
	orderHex      = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"
	orderLess1Hex = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364140"
	generatorHex  = "0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798"
)

func TestDeriveEdges(t *testing.T) {
	zero, one, two := number(t, ""), number(t, "01"), number(t, "02")
	order, last := number(t, orderHex), number(t, orderLess1Hex)

	g, ok := PubKeyOf(&one)
	if !ok || hex.EncodeToString(g[:]) != generatorHex {
		t.Errorf("the generator is %x, %v", g, ok)
	}
	minusG, ok := PubKeyOf(&last)
	if want := g; !ok || minusG[0] != 3 || !bytes.Equal(minusG[1:], want[1:]) {
		t.Errorf("minus the generator is %x, %v", minusG, ok)
	}
	for name, secret := range map[string][32]byte{"0": zero, "the order": order, "2^256-1": [32]byte(bytes.Repeat([]byte{0xff}, 32))} {
		if key, ok := PubKeyOf(&secret); ok {
			t.Errorf("secret %s has the key %x", name, key)
		}
	}

	// Where the sum meets itself, its opposite or nothing.
	twice, ok := AddToPubKey(&g, &one)
	if want, _ := PubKeyOf(&two); !ok || twice != want {
		t.Errorf("G+G is %x, %v, want %x", twice, ok, want)
	}
	if same, ok := AddToPubKey(&g, &zero); !ok || same != g {
		t.Errorf("G+0 is %x, %v", same, ok)
	}
	if nothing, ok := AddToPubKey(&minusG, &one); ok {
		t.Errorf("G-G is %x", nothing)
	}
	if sum, ok := AddToPubKey(&g, &order); ok {
		t.Errorf("a tweak of the order gives %x", sum)
	}
	if sum, ok := AddToSecret(&last, &one); ok {
		t.Errorf("-1+1 is %x", sum)
	}
	if sum, ok := AddToSecret(&one, &order); ok {
		t.Errorf("a tweak of the order gives %x", sum)
	}
	if sum, ok := AddToSecret(&last, &two); !ok || sum != one {
		t.Errorf("-1+2 is %x, %v", sum, ok)
	}
	bad := g
	bad[0] = 4
	if sum, ok := AddToPubKey(&bad, &one); ok {
		t.Errorf("a key of prefix 04 gives %x", sum)
	}
	if long, ok := Uncompressed(&bad); ok {
		t.Errorf("a key of prefix 04 is %x", long)
	}
	x := [32]byte(g[1:])
	if out, _, ok := TweakXOnly(&x, &last); ok {
		t.Errorf("G-G is %x", out)
	}
	noPoint := number(t, "eefdea4cdb677750a420fee807eacf21eb9898ae79b9768766e4faa04a2d4a34") // of BIP 340's vectors
	if out, _, ok := TweakXOnly(&noPoint, &one); ok {
		t.Errorf("an X coordinate of no point gives %x", out)
	}
}

// TestDeriveAgrees compares the ways to one key, over random secrets.
func TestDeriveAgrees(t *testing.T) {
	seed := rand.Uint64()
	r := rand.New(rand.NewPCG(seed, 0))
	random := func() (n [32]byte) {
		for i := range n {
			n[i] = byte(r.Uint32())
		}
		n[0] &= 0x7f // below the order
		return n
	}
	v := DCRD()
	for range 200 {
		secret, tweak := random(), random()
		key, ok := PubKeyOf(&secret)
		if !ok || !ValidPubKey(key[:]) {
			t.Fatalf("seed %d: %x: %x, %v", seed, secret, key, ok)
		}
		long, ok := Uncompressed(&key)
		if !ok || !ValidPubKey(long[:]) || !bytes.Equal(long[1:33], key[1:]) || long[64]&1 != key[0]&1 {
			t.Fatalf("seed %d: %x is %x, %v", seed, key, long, ok)
		}
		var k scalar
		k.SetBytes(&secret)
		if p, ok := plainSumWithG(&k, nil); !ok || p.compressed() != key {
			t.Fatalf("seed %d: %x: %x in the plain way, not %x", seed, secret, p.compressed(), key)
		}
		sum, ok := AddToSecret(&secret, &tweak)
		if !ok {
			t.Fatalf("seed %d: %x + %x", seed, secret, tweak)
		}
		want, _ := PubKeyOf(&sum)
		if got, ok := AddToPubKey(&key, &tweak); !ok || got != want {
			t.Fatalf("seed %d: %x + %x*G = %x, %v, want %x", seed, key, tweak, got, ok, want)
		}
		internal := [32]byte(key[1:])
		out, odd, ok := TweakXOnly(&internal, &tweak)
		if !ok || !v.Verify(&Check{Kind: Tweak, PubKey: internal[:], Sig: out[:], Hash: tweak, Odd: odd}) {
			t.Fatalf("seed %d: %x + %x*G = %x, %v, %v", seed, internal, tweak, out, odd, ok)
		}
	}
}
