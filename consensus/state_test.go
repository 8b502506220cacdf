package consensus

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/keelson-chain/keelson/pow"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/wire"
)

// TestMedianTimePast compares with sorting, for every number of blocks.
func TestMedianTimePast(t *testing.T) {
	rnd := rand.New(rand.NewPCG(5, 6))
	for range 2000 {
		var s State
		n := 1 + rnd.IntN(medianTimeSpan)
		s.NumTimes = uint8(n)
		var times []uint32
		for i := range n {
			s.Times[i] = rnd.Uint32() >> (rnd.IntN(2) * 28)
			times = append(times, s.Times[i])
		}
		slices.Sort(times)
		if got := s.MedianTimePast(); got != times[n/2] {
			t.Fatalf("median of %v is %d", times, got)
		}
	}
}

// randomChain returns headers that need not have work, with times that jump.
func randomChain(p *Params, rnd *rand.Rand, n int) (headers []wire.Header) {
	s := GenesisState(p)
	for range n {
		h := wire.Header{
			Version:   4,
			PrevBlock: s.Tip.Hash,
			Time:      uint32(max(int64(s.Times[0])+rnd.Int64N(2*p.Spacing)-p.Spacing/2, s.MinTime())),
			Bits:      uint32(s.NextBits()),
		}
		headers = append(headers, h)
		s = ApplyHeader(s, &h)
	}
	return headers
}

// TestStateAt: a State that is rebuilt from a few headers is that of applying
// them all, under every difficulty rule.
func TestStateAt(t *testing.T) {
	window := readSpec(t, "bitcoin.json")
	window.Window = 20
	window.Activation[BIP34] = 33
	for _, p := range []*Params{Main(), Regtest(RegtestOptions{}), Regtest(RegtestOptions{Retarget: true}), staged(t), window} {
		headers := randomChain(p, rand.New(rand.NewPCG(8, 9)), 150)
		if p == window {
			window.BIP34Hash = headers[32].Hash()
		}
		header := func(height uint32) wire.Header {
			if height == 0 {
				return p.Genesis.Header
			}
			return headers[height-1]
		}
		s := GenesisState(p)
		for i := range headers {
			if got := StateAt(p, s.Tip, s.Work, header); got != s {
				t.Fatalf("%s at %d:\n got %+v\nwant %+v", p.Name, s.Tip.Height, got, s)
			}
			s = ApplyHeader(s, &headers[i])
		}
		if p == window && !s.OnBIP34Chain {
			t.Error("the block of BIP 34 was not seen")
		}
	}
}

// TestNextBits compares with the algorithms of pow, each asked by itself.
func TestNextBits(t *testing.T) {
	rnd := rand.New(rand.NewPCG(10, 11))
	t.Run("asert", func(t *testing.T) {
		p := Main()
		asert := pow.ASERT{
			AnchorParentTime: 1795219200 - 120, AnchorBits: 0x1d00ffff, Spacing: 120, HalfLife: 34560, Limit: p.PowLimit,
		}
		s := GenesisState(p)
		if got := s.NextBits(); got != 0x1d00ffff {
			t.Errorf("after genesis: %08x", uint32(got))
		}
		changed := 0
		for _, h := range randomChain(p, rnd, 500) {
			before := s.NextBits()
			s = ApplyHeader(s, &h)
			want := asert.Next(int64(s.Tip.Height), int64(h.Time))
			if got := s.NextBits(); got != want {
				t.Fatalf("height %d: %08x, not %08x", s.Tip.Height, uint32(got), uint32(want))
			}
			if s.NextBits() != before {
				changed++
			}
		}
		if changed < 100 {
			t.Errorf("the difficulty changed %d times", changed)
		}
	})
	t.Run("window", func(t *testing.T) {
		p := readSpec(t, "bitcoin.json")
		s := GenesisState(p)
		headers := randomChain(p, rnd, 3*2016)
		for i := range headers {
			want := s.TipBits
			if height := i + 1; height%2016 == 0 {
				first := p.Genesis.Header.Time
				if height > 2016 {
					first = headers[height-2016-1].Time
				}
				want = pow.Retarget(s.TipBits, int64(headers[height-2].Time)-int64(first), 14*24*3600, p.PowLimit)
				if want == s.TipBits && height > 2016 {
					t.Errorf("height %d: no change", height)
				}
			}
			if got := s.NextBits(); got != want {
				t.Fatalf("height %d: %08x, not %08x", i+1, uint32(got), uint32(want))
			}
			s = ApplyHeader(s, &headers[i])
		}
	})
	t.Run("fixed", func(t *testing.T) {
		p := Regtest(RegtestOptions{})
		s := GenesisState(p)
		for _, h := range randomChain(p, rnd, 300) {
			if s = ApplyHeader(s, &h); s.NextBits() != 0x207fffff {
				t.Fatalf("height %d: %08x", s.Tip.Height, uint32(s.NextBits()))
			}
		}
	})
}

// TestTimeWarp holds the rule of BIP 94, which regtest has, to the second.
func TestTimeWarp(t *testing.T) {
	p := Regtest(RegtestOptions{})
	s := State{Params: p, Tip: wire.BlockRef{Height: 143}, NumTimes: medianTimeSpan}
	for i := range s.Times {
		s.Times[i] = 100_000
	}
	s.Times[0] = 200_000
	for time, want := range map[uint32]error{100_000: ErrTimeTooOld, 100_001: ErrTimeWarp, 199_399: ErrTimeWarp, 199_400: nil, 200_001: nil} {
		h := wire.Header{Version: 4, Time: time, Bits: 0x207fffff}
		solve(t, &h)
		if err := ValidateHeader(s, &h, far); !errors.Is(err, want) {
			t.Errorf("time %d: %v, want %v", time, err, want)
		}
	}
	if got := s.MinTime(); got != 199_400 {
		t.Errorf("MinTime is %d", got)
	}
	s.Tip.Height++
	if got := s.MinTime(); got != 100_001 {
		t.Errorf("MinTime in the middle of a period is %d", got)
	}
}

// TestFuture: a block may be 7,200 s ahead of the clock of regtest.
func TestFuture(t *testing.T) {
	s := GenesisState(Regtest(RegtestOptions{}))
	h := wire.Header{Version: 4, PrevBlock: s.Tip.Hash, Time: s.Times[0] + 10_000, Bits: 0x207fffff}
	solve(t, &h)
	for ahead, want := range map[int64]error{7199: nil, 7200: nil, 7201: ErrTimeTooNew} {
		if err := ValidateHeader(s, &h, int64(h.Time)-ahead); !errors.Is(err, want) {
			t.Errorf("%d s ahead: %v", ahead, err)
		}
	}
}

// TestVersions: what is refused depends on what is active.
func TestVersions(t *testing.T) {
	p := Regtest(RegtestOptions{ActivationHeights: map[Deployment]uint32{BIP34: 10, BIP66: 20, BIP65: 30}})
	for height, least := range map[uint32]int32{1: -1, 9: -1, 10: 2, 19: 2, 20: 3, 29: 3, 30: 4, 1000: 4} {
		s := State{Params: p, Tip: wire.BlockRef{Height: height - 1}, NumTimes: 1}
		for version := int32(-1); version < 6; version++ {
			h := wire.Header{Version: version, Time: 1, Bits: 0x207fffff}
			solve(t, &h)
			var want error
			if version < least {
				want = ErrBlockVersion
			}
			if err := ValidateHeader(s, &h, far); !errors.Is(err, want) {
				t.Errorf("version %d at height %d: %v", version, height, err)
			}
		}
	}
}

// TestScriptFlagExceptions: one block gets other flags, and keeps those of the
// deployments.
func TestScriptFlagExceptions(t *testing.T) {
	p := Regtest(RegtestOptions{})
	b := &wire.Block{Header: wire.Header{Nonce: 1}}
	p.ScriptFlagExceptions = map[wire.Hash]script.Flags{b.Hash(): script.VerifyP2SH}
	s := GenesisState(p)
	const deployed = script.VerifyDERSig | script.VerifyCheckLockTimeVerify | script.VerifyCheckSequenceVerify | script.VerifyNullDummy
	if got := s.scriptFlagsFor(b); got != script.VerifyP2SH|deployed {
		t.Errorf("of the exception: %v", got)
	}
	b.Header.Nonce++
	if got := s.scriptFlagsFor(b); got != s.ScriptFlags() {
		t.Errorf("of another block: %v", got)
	}
}

// TestNeedsBIP30: looking for overwritten outputs is left out only where none
// can be.
func TestNeedsBIP30(t *testing.T) {
	b := &wire.Block{Header: wire.Header{Nonce: 7}}
	bitcoin := readSpec(t, "bitcoin.json")
	excepted := readSpec(t, "bitcoin.json")
	excepted.BIP30Exceptions = map[wire.Hash]bool{b.Hash(): true}
	clean := readSpec(t, "bitcoin.json")
	clean.Activation[BIP54] = 1
	late := readSpec(t, "bitcoin.json")
	late.Activation[BIP54] = 100
	regtest34 := Regtest(RegtestOptions{ActivationHeights: map[Deployment]uint32{BIP34: 2}})
	for _, c := range []struct {
		name    string
		p       *Params
		height  uint32
		onChain bool
		want    bool
	}{
		{"main", Main(), 10, false, false},
		{"regtest", Regtest(RegtestOptions{}), 10, false, false},
		{"regtest, BIP 34 from block 2", regtest34, 10, false, true},
		{"Bitcoin before BIP 34", bitcoin, 1000, false, true},
		{"Bitcoin after it", bitcoin, 300_000, true, false},
		{"after it on another chain", bitcoin, 300_000, false, true},
		{"the last block without", bitcoin, 1_983_701, true, false},
		{"the first that can recur", bitcoin, 1_983_702, true, true},
		{"an exception", excepted, 91842, false, false},
		{"BIP 54 from the first block", clean, 1000, false, false},
		{"BIP 54 from later on", late, 1000, false, true},
	} {
		s := State{Params: c.p, Tip: wire.BlockRef{Height: c.height - 1}, OnBIP34Chain: c.onChain}
		if got := s.needsBIP30(b); got != c.want {
			t.Errorf("%s: %v", c.name, got)
		}
	}
}
