package consensus

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/keelson-chain/keelson/pow"
)

// staged is a regtest with every kind of change: from the first block on, in the
// middle, and from one rule to the same one.
func staged(t *testing.T) *Params {
	t.Helper()
	stages, err := ParseStages([]string{"1@207ffffe", "2@1f7fffff,asert", "50@1e00ffff,asert,10", "51@1d00ffff", "90@207fffff,fixed", "120@1f00ffff,asert,600"})
	if err != nil {
		t.Fatal(err)
	}
	return Regtest(RegtestOptions{Stages: stages})
}

// TestStages compares with the rules of every stage by themselves.
func TestStages(t *testing.T) {
	p := staged(t)
	headers := randomChain(p, rand.New(rand.NewPCG(12, 13)), 300)
	// asert is the rule of a stage that begins at a height.
	asert := func(from, height int, bits pow.Bits, spacing int64) pow.Bits {
		a := pow.ASERT{AnchorHeight: int64(from) - 1, AnchorBits: bits, Spacing: spacing, HalfLife: 288 * spacing, Limit: p.PowLimit}
		anchor := p.Genesis.Header.Time
		if from > 1 {
			anchor = headers[from-2].Time
		}
		a.AnchorParentTime = int64(anchor) - spacing
		return a.Next(int64(height)-1, int64(headers[height-2].Time))
	}
	seen := map[pow.Bits]bool{}
	for i, h := range headers {
		height := i + 1
		var want pow.Bits
		switch {
		case height < 2:
			want = 0x207ffffe
		case height < 50:
			want = asert(2, height, 0x1f7fffff, 120)
		case height < 51:
			want = 0x1e00ffff
		case height < 90:
			want = 0x1d00ffff
		case height < 120:
			want = 0x207fffff
		default:
			want = asert(120, height, 0x1f00ffff, 600)
		}
		if got := pow.Bits(h.Bits); got != want {
			t.Fatalf("height %d: %v, not %v", height, got, want)
		}
		seen[want] = true
	}
	for height, first := range map[int]pow.Bits{2: 0x1f7fffff, 50: 0x1e00ffff, 120: 0x1f00ffff} {
		if got := pow.Bits(headers[height-1].Bits); got != first {
			t.Errorf("the stage at %d begins with %v, not %v", height, got, first)
		}
	}
	if len(seen) < 100 {
		t.Errorf("%d different difficulties", len(seen))
	}
}

// TestNoStages: without them every block of regtest has the bits and the state
// that it always had, and before the first stage too.
func TestNoStages(t *testing.T) {
	plain := Regtest(RegtestOptions{})
	later, err := ParseStages([]string{"202@1d00ffff"})
	if err != nil {
		t.Fatal(err)
	}
	before := Regtest(RegtestOptions{Stages: later})
	a, b := GenesisState(plain), GenesisState(before)
	for _, h := range randomChain(plain, rand.New(rand.NewPCG(14, 15)), 200) {
		a, b = ApplyHeader(a, &h), ApplyHeader(b, &h)
		b.Params = plain
		if a != b || a.NextBits() != 0x207fffff || a.StageTime != 0 {
			t.Fatalf("%+v, %+v", a, b)
		}
		b.Params = before
	}
	h := randomChain(plain, rand.New(rand.NewPCG(14, 15)), 201)[200]
	if b = ApplyHeader(b, &h); b.NextBits() != 0x1d00ffff || b.StageTime != h.Time {
		t.Errorf("%+v", b)
	}
	for _, p := range []*Params{Main(), Test(), plain, Regtest(RegtestOptions{Retarget: true})} {
		if p.Stages != nil {
			t.Errorf("%s has stages", p.Name)
		}
	}
}

func TestParseStages(t *testing.T) {
	got, err := ParseStages([]string{"1@207fffff", "7@1d00ffff,fixed", "8@1e00ffff,asert", "2147483646@1e00ffff,asert,7"})
	want := []Stage{{Height: 1, Bits: 0x207fffff}, {Height: 7, Bits: 0x1d00ffff}, {8, 0x1e00ffff, ASERT, 120, 34560}, {2147483646, 0x1e00ffff, ASERT, 7, 2016}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("%+v, %v", got, err)
	}
	if got, err := ParseStages(nil); err != nil || got != nil {
		t.Errorf("%v, %v", got, err)
	}
	for text, want := range map[string]string{
		"":                               "the height must be from 1 to 2147483646",
		"1":                              "the height must be",
		"0@207fffff":                     "the height must be",
		"-1@207fffff":                    "the height must be",
		"2147483647@207fffff":            "the height must be",
		"1@":                             `bits "" must be 8 hexadecimal digits`,
		"1@7fffff":                       "must be 8 hexadecimal digits",
		"1@207fffff@2":                   "must be 8 hexadecimal digits",
		"1@00000000":                     "target is zero",
		"1@1d80ffff":                     "target is negative",
		"1@ff00ffff":                     "target exceeds 256 bits",
		"1@1e0000ff":                     "bits 1e0000ff are written 1d00ff00",
		"1@2100ffff":                     "bits 2100ffff are easier than the limit 207fffff",
		"1@207fffff,":                    "the rule must be fixed or asert",
		"1@207fffff,window":              "the rule must be fixed or asert",
		"1@207fffff,fixed,7":             "the rule must be fixed or asert",
		"1@207fffff,asert,7,8":           "the rule must be fixed or asert",
		"1@207fffff,asert,":              "the spacing must be from 1 to 1000000 seconds",
		"1@207fffff,asert,0":             "the spacing must be",
		"1@207fffff,asert,1000001":       "the spacing must be",
		"5@207fffff 5@1d00ffff":          `"5@1d00ffff" must have a height above 5`,
		"5@207fffff 4@1d00ffff":          "must have a height above 5",
		strings.Repeat("1 ", 1000) + "1": "1001 stages are too many",
	} {
		texts := strings.Fields(text)
		if text == "" {
			texts = []string{""}
		}
		if _, err := ParseStages(texts); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.40q: %v, want %s", text, err, want)
		}
	}
}
