package pow_test

import (
	"bytes"
	"encoding/hex"
	"math/big"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/keelson-chain/keelson/internal/vectors"
	"github.com/keelson-chain/keelson/pow"
	"github.com/keelson-chain/keelson/wire"
)

// TestMetAgainstBig puts hashes at and around targets of every size.
func TestMetAgainstBig(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	for range 100_000 {
		bits := pow.Bits(1+rng.IntN(34))<<24 | pow.Bits(rng.IntN(0x800000))
		tgt, err := bits.Target()
		if err != nil {
			continue
		}
		limit, _ := new(big.Int).SetString(tgt.String(), 16)
		for delta := int64(-1); delta <= 1; delta++ {
			v := new(big.Int).Add(limit, big.NewInt(delta))
			checkMet(t, tgt, limit, v)
		}
		// One limb apart only.
		flipped := new(big.Int).Xor(limit, new(big.Int).Lsh(big.NewInt(1), uint(rng.IntN(256))))
		checkMet(t, tgt, limit, flipped)
		if t.Failed() {
			t.FailNow()
		}
	}
}

func checkMet(t *testing.T, tgt pow.Target, limit, v *big.Int) {
	t.Helper()
	if v.Sign() < 0 || v.BitLen() > 256 {
		return
	}
	var h wire.Hash
	v.FillBytes(h[:])
	slices.Reverse(h[:])
	if got, want := tgt.Met(h), v.Cmp(limit) <= 0; got != want {
		t.Errorf("hash %v meets %v: %v, want %v", h, tgt, got, want)
	}
}

func TestTargetCmp(t *testing.T) {
	ordered := []pow.Bits{0x01010000, 0x02010000, 0x03010000, 0x090ffff0, 0x0a0ffff0, 0x1100ffff, 0x110100ff, 0x1d00ffff, 0x207fffff, 0x2100ffff}
	for i, a := range ordered {
		for j, b := range ordered {
			want := 0
			if i < j {
				want = -1
			} else if i > j {
				want = 1
			}
			if got := target(t, a).Cmp(target(t, b)); got != want {
				t.Errorf("%v cmp %v = %d, want %d", a, b, got, want)
			}
		}
	}
}

func TestZeroTarget(t *testing.T) {
	var zero pow.Target
	if zero.Met(wire.Hash{1}) || !zero.Met(wire.Hash{}) {
		t.Error("the zero target is met by zero alone")
	}
	if !zero.Work().IsZero() || zero.Bits() != 0 {
		t.Errorf("zero target: work %v, bits %v", zero.Work(), zero.Bits())
	}
}

// TestRealHeaders checks the work of real headers: each meets its own target
// and misses one 2^32 times harder.
func TestRealHeaders(t *testing.T) {
	headers := 0
	check := func(h wire.Header) {
		t.Helper()
		headers++
		tgt := target(t, pow.Bits(h.Bits))
		if !tgt.Met(h.Hash()) {
			t.Errorf("block %v does not meet %v", h.Hash(), tgt)
		}
		if tgt.Bits() != pow.Bits(h.Bits) {
			t.Errorf("block %v: bits %08x come back as %v", h.Hash(), h.Bits, tgt.Bits())
		}
		if target(t, pow.Bits(h.Bits)-4<<24).Met(h.Hash()) {
			t.Errorf("block %v meets a target 2^32 times harder", h.Hash())
		}
		h.Nonce++
		if tgt.Met(h.Hash()) {
			t.Errorf("block %v meets its target with another nonce", h.Hash())
		}
	}
	text := vectors.Read(t, "bitcoin-core-28.1/test/functional/data/blockheader_testnet3.hex")
	for _, line := range strings.Fields(string(text)) {
		raw, err := hex.DecodeString(strings.TrimPrefix(line, "fork:"))
		if err != nil {
			t.Fatal(err)
		}
		h, err := wire.DecodeHeader(raw)
		if err != nil {
			t.Fatal(err)
		}
		check(h)
	}
	check(mainnetGenesis())
	raw := vectors.Read(t, "bitcoin-core-28.1/src/bench/data/block413567.raw")
	h, err := wire.DecodeHeader(raw[:wire.HeaderSize])
	if err != nil {
		t.Fatal(err)
	}
	check(h)
	if headers != 550 {
		t.Errorf("%d headers, want 550", headers)
	}
}

func TestWorkKnown(t *testing.T) {
	for bits, want := range map[pow.Bits]string{
		0x1d00ffff: "0000000000000000000000000000000000000000000000000000000100010001", // chainwork of Bitcoin's genesis block
		0x207fffff: "0000000000000000000000000000000000000000000000000000000000000002", // of regtest's
		0x2100ffff: "0000000000000000000000000000000000000000000000000000000000000001",
		0x01010000: "8000000000000000000000000000000000000000000000000000000000000000",
	} {
		if got := target(t, bits).Work().String(); got != want {
			t.Errorf("work of %v = %v, want %v", bits, got, want)
		}
	}
}

func randomWork(rng *rand.Rand) (pow.Work, *big.Int) {
	var b [32]byte
	n := rng.IntN(33)
	for i := range n {
		b[31-i] = byte(rng.Uint32())
		if rng.IntN(3) == 0 {
			b[31-i] = 0xff
		}
	}
	return pow.WorkFromBytes(b), new(big.Int).SetBytes(b[:])
}

func TestWorkAgainstBig(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	largest := new(big.Int).Sub(two256, big.NewInt(1))
	for range 50_000 {
		a, ba := randomWork(rng)
		b, bb := randomWork(rng)
		sum, diff := new(big.Int).Add(ba, bb), new(big.Int).Sub(ba, bb)
		if sum.Cmp(largest) > 0 {
			sum = largest
		}
		if diff.Sign() < 0 {
			diff = new(big.Int)
		}
		if got := a.Add(b).String(); got != hex64(sum) {
			t.Fatalf("%v + %v = %v, want %x", a, b, got, sum)
		}
		if got := a.Sub(b).String(); got != hex64(diff) {
			t.Fatalf("%v - %v = %v, want %x", a, b, got, diff)
		}
		ab, bbytes := a.Bytes(), b.Bytes()
		if got := a.Cmp(b); got != ba.Cmp(bb) || got != bytes.Compare(ab[:], bbytes[:]) || (a == b) != (got == 0) {
			t.Fatalf("%v cmp %v = %d", a, b, got)
		}
		if a.IsZero() != (ba.Sign() == 0) || pow.WorkFromBytes(ab) != a {
			t.Fatalf("%v: zero %v", a, a.IsZero())
		}
		if again, err := pow.ParseWork(a.String()); err != nil || again != a {
			t.Fatalf("ParseWork(%v) = %v, %v", a, again, err)
		}
		exact, _ := new(big.Float).SetInt(ba).Float64()
		if got := a.Float64(); got < exact*(1-1e-15) || got > exact*(1+1e-15) {
			t.Fatalf("%v.Float64() = %v, want %v", a, got, exact)
		}
	}
}

func TestParseWork(t *testing.T) {
	for text, want := range map[string]string{
		"0":                            strings.Repeat("0", 64),
		"0x1f":                         strings.Repeat("0", 62) + "1f",
		"aBc":                          strings.Repeat("0", 61) + "abc",
		strings.Repeat("f", 64):        strings.Repeat("f", 64),
		"0x" + strings.Repeat("9", 64): strings.Repeat("9", 64),
	} {
		if w, err := pow.ParseWork(text); err != nil || w.String() != want {
			t.Errorf("ParseWork(%q) = %v, %v", text, w, err)
		}
	}
	for _, text := range []string{"", "0x", "g", "-1", " 1", "1 ", "0X1", "0x0x1", strings.Repeat("0", 65)} {
		if w, err := pow.ParseWork(text); err == nil || !w.IsZero() {
			t.Errorf("ParseWork(%q) = %v, %v", text, w, err)
		}
	}
}

func FuzzParseWork(f *testing.F) {
	f.Add("0x1")
	f.Add("00000000000000000000000000000000000000000000000000000001000100012")
	f.Fuzz(func(t *testing.T, s string) {
		w, err := pow.ParseWork(s)
		if err != nil {
			return
		}
		digits := strings.ToLower(strings.TrimPrefix(s, "0x"))
		if want := strings.Repeat("0", 64-len(digits)) + digits; w.String() != want {
			t.Errorf("ParseWork(%q) = %v", s, w)
		}
	})
}

func BenchmarkTargetWork(b *testing.B) {
	b.ReportAllocs()
	var sum pow.Work
	for b.Loop() {
		t, err := pow.Bits(0x1802aee8).Target()
		if err != nil {
			b.Fatal(err)
		}
		sum = sum.Add(t.Work())
	}
}
