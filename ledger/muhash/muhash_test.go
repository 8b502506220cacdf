package muhash

import (
	"bytes"
	"encoding/hex"
	"math/big"
	"math/rand/v2"
	"slices"
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

// TestEmpty pins the hash of no elements: SHA-256 of one.
func TestEmpty(t *testing.T) {
	var h, back Hash
	h.Add([]byte("a"))
	h.Remove([]byte("a"))
	if h.Sum() != back.Sum() {
		t.Error("adding and removing leaves a trace")
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
	if err := new(Hash).UnmarshalBinary(make([]byte, Size-1)); err == nil {
		t.Error("a short state was read")
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
