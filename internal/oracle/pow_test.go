package oracle

import (
	"math/big"
	"math/rand/v2"
	"testing"

	"github.com/btcsuite/btcd/blockchain"

	"github.com/keelson-chain/keelson/pow"
	"github.com/keelson-chain/keelson/wire"
)

// compareBits expands a compact target with both, and compares the target,
// its work and its encoding.
func compareBits(t testing.TB, bits uint32) {
	t.Helper()
	theirs := blockchain.CompactToBig(bits)
	ours, err := pow.Bits(bits).Target()
	if err != nil {
		// btcd leaves these three to whoever uses the number.
		if theirs.Sign() > 0 && theirs.BitLen() <= 256 {
			t.Fatalf("%08x: ours %v, btcd %x", bits, err, theirs)
		}
		return
	}
	target, _ := new(big.Int).SetString(ours.String(), 16)
	if target.Cmp(theirs) != 0 {
		t.Fatalf("%08x: ours %x, btcd %x", bits, target, theirs)
	}
	if a, b := uint32(ours.Bits()), blockchain.BigToCompact(theirs); a != b {
		t.Fatalf("%08x: encoded %08x, by btcd %08x", bits, a, b)
	}
	work, _ := new(big.Int).SetString(ours.Work().String(), 16)
	if w := blockchain.CalcWork(bits); work.Cmp(w) != 0 {
		t.Fatalf("%08x: work %x, btcd %x", bits, work, w)
	}
}

func TestCompactTargets(t *testing.T) {
	edges := []uint32{0, 1, 0x7f, 0x80, 0xff, 0x100, 0x7fff, 0x8000, 0xffff, 0x10000, 0x7fffff, 0x800000, 0x800001, 0xffffff}
	n := 0
	for exponent := range uint32(256) {
		for _, mantissa := range edges {
			compareBits(t, exponent<<24|mantissa)
			n++
		}
	}
	rng := rand.New(rand.NewPCG(3, 0))
	for range 200_000 {
		compareBits(t, rng.Uint32N(0x24)<<24|rng.Uint32N(1<<24))
		n++
	}
	t.Logf("%d compact targets", n)
}

// TestTargetMet: which hashes meet a target, at its edge and anywhere.
func TestTargetMet(t *testing.T) {
	rng := rand.New(rand.NewPCG(4, 0))
	met := 0
	const rounds = 100_000
	for range rounds {
		bits := rng.Uint32N(0x22)<<24 | rng.Uint32N(0x800000)
		target, err := pow.Bits(bits).Target()
		if err != nil {
			continue
		}
		n := blockchain.CompactToBig(bits)
		n.Add(n, big.NewInt(rng.Int64N(3)-1))
		if rng.IntN(2) == 0 {
			n.Rsh(n, uint(rng.IntN(3))).Add(n, big.NewInt(rng.Int64()))
		}
		if n.Sign() < 0 || n.BitLen() > 256 {
			continue
		}
		var h wire.Hash
		for i, b := range n.FillBytes(make([]byte, 32)) {
			h[31-i] = b
		}
		want := n.Cmp(blockchain.CompactToBig(bits)) <= 0
		if target.Met(h) != want {
			t.Fatalf("bits %08x, hash %v: met %v, want %v", bits, h, !want, want)
		}
		if want {
			met++
		}
	}
	if met < rounds/10 || met > rounds*9/10 {
		t.Errorf("%d of %d targets met", met, rounds)
	}
}
