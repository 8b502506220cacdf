package muhash

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// element returns the 32 bytes that Bitcoin Core's tests (crypto_tests.cpp,
// muhash_tests) call FromInt.
func element(i byte) []byte {
	b := make([]byte, 32)
	b[0] = i
	return b
}

// TestCore computes the known value of Bitcoin Core's muhash_tests: 0 and 1
// added, 2 removed.
func TestCore(t *testing.T) {
	var h Hash
	h.Add(element(0))
	h.Add(element(1))
	h.Remove(element(2))
	sum := h.Sum()
	slices.Reverse(sum[:])
	const want = "10d312b100cbd32ada024a6646e40d3482fcff103668d2625f10002a607d5863"
	if got := hex.EncodeToString(sum[:]); got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// TestCoreState has the two other known values of Core's muhash_tests: the
// state of 1 and 2 added, and the hash of a state whose numerator is not below
// the modulus.
func TestCoreState(t *testing.T) {
	const want = "1fa093295ea30a6a3acdc7b3f770fa538eff537528e990e2910e40bbcfd7f6696b1256901929094694b56316de342f593303" +
		"dd12ac43e06dce1be1ff8301c845beb15468fff0ef002dbf80c29f26e6452bccc91b5cb9437ad410d2a67ea847887fa3c6" +
		"a6553309946880fe20db2c73fe0641adbd4e86edfee0d9f8cd0ee1230898873dc13ed8ddcaf045c80faa082774279007a2" +
		"253f8922ee3ef361d378a6af3ddaf180b190ac97e556888c36b3d1fb1c85aab9ccd46e3deaeb7b7cf5db067a7e9ff86b65" +
		"8cf3acd6662bbcce37232daa753c48b794356c020090c831a8304416e2aa7ad633c0ddb2f11be1be316a81be7f7e472071" +
		"c042cb68faef549c221ebff209273638b741aba5a81675c45a5fa92fea4ca821d7a324cb1e1a2ccd3b76c4228ec8066dad" +
		"2a5df6e1bd0de45c7dd5de8070bdb46db6c554cf9aefc9b7b2bbf9f75b1864d9f95005314593905c0109b71f703d49944a" +
		"e94477b51dac10a816bb6d1c700bafabc8bd86fac8df24be519a2f2836b16392e18036cb13e48c5c"
	one := strings.Repeat("00", numSize-1)
	var h Hash
	h.Add(element(1))
	h.Add(element(2))
	state, err := h.MarshalBinary()
	if got := hex.EncodeToString(state); err != nil || got != want+"01"+one {
		t.Errorf("state %s, %v", got, err)
	}
	over, _ := hex.DecodeString(strings.Repeat("ff", numSize) + "01" + one)
	if err := h.UnmarshalBinary(over); err != nil {
		t.Fatal(err)
	}
	sum := h.Sum() // not reversed: Core's test shows the bytes
	if got := hex.EncodeToString(sum[:]); got != "3a31e6903aff0de9f62f9a9f7f8b861de76ce2cda09822b90014319ae5dc2271" {
		t.Errorf("hash %s", got)
	}
}

// What is no state is refused, so that Sum never divides by zero.
func TestUnmarshalRefuses(t *testing.T) {
	var h Hash
	good, _ := h.MarshalBinary()
	m := fromBig(modulus)
	for name, b := range map[string][]byte{
		"short":        good[1:],
		"long":         append(bytes.Clone(good), 0),
		"zero added":   append(make([]byte, numSize), good[numSize:]...),
		"zero removed": append(bytes.Clone(good[:numSize]), make([]byte, numSize)...),
		"modulus":      append(bytes.Clone(good[:numSize]), m.append(nil)...),
	} {
		if h.UnmarshalBinary(b) == nil {
			t.Errorf("%s was read", name)
		}
	}
	if h.Sum() != new(Hash).Sum() {
		t.Error("an error left a trace")
	}
}

// TestEmpty pins the hash of no elements: SHA-256 of one.
func TestEmpty(t *testing.T) {
	var h, back Hash
	h.Add([]byte("a"))
	h.Remove([]byte("a"))
	if h.Sum() != back.Sum() {
		t.Error("adding and removing leaves a trace")
	}
	if want := sha256.Sum256(append([]byte{1}, make([]byte, numSize-1)...)); back.Sum() != want {
		t.Errorf("no elements: %x", back.Sum())
	}
}

func random(r *rand.Rand) (n num) {
	for i := range n {
		n[i] = r.Uint64()
	}
	return n
}

// TestMul compares with math/big, at the edges above all.
func TestMul(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var ones num
	for i := range ones {
		ones[i] = ^uint64(0)
	}
	m := fromBig(modulus)
	below := fromBig(new(big.Int).Sub(modulus, big.NewInt(1)))
	above := m
	above[0]++
	edges := []num{{}, {1}, {prime}, ones, m, below, above}
	for range 40 {
		edges = append(edges, random(r))
	}
	for _, a := range edges {
		for _, b := range edges {
			got := a
			got.mul(&b)
			got.reduce()
			want := new(big.Int).Mul(a.big(), b.big())
			want.Mod(want, modulus)
			if got.big().Cmp(want) != 0 {
				t.Fatalf("%x * %x = %x, want %x", a.big(), b.big(), got.big(), want)
			}
		}
	}
}

// TestOrder adds and removes in random orders, in parts, through the encoding.
func TestOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	var want Hash
	for i := range byte(20) {
		want.Add(element(i))
	}
	for range 10 {
		parts := [3]Hash{}
		for _, i := range r.Perm(30) {
			p := &parts[r.IntN(len(parts))]
			p.Add(element(byte(i)))
			if i >= 20 {
				parts[r.IntN(len(parts))].Remove(element(byte(i)))
			}
		}
		var got Hash
		for _, p := range parts {
			b, err := p.MarshalBinary()
			if err != nil || len(b) != Size {
				t.Fatal(len(b), err)
			}
			var back Hash
			if err := back.UnmarshalBinary(b); err != nil {
				t.Fatal(err)
			}
			again, _ := back.MarshalBinary()
			if !bytes.Equal(b, again) {
				t.Fatal("the encoding does not round-trip")
			}
			got.Combine(&back)
		}
		if got.Sum() != want.Sum() {
			t.Fatal("another order, another hash")
		}
	}
}

func BenchmarkMul(b *testing.B) {
	r := rand.New(rand.NewPCG(5, 6))
	x, y := random(r), random(r)
	for b.Loop() {
		x.mul(&y)
	}
}

func BenchmarkAdd(b *testing.B) {
	var h Hash
	coin := make([]byte, 70)
	b.ReportAllocs()
	for b.Loop() {
		h.Add(coin)
	}
}

func BenchmarkSum(b *testing.B) {
	var h Hash
	h.Add([]byte("a"))
	h.Remove([]byte("b"))
	for b.Loop() {
		h.Sum()
	}
}
