package pow_test

import (
	"bufio"
	"bytes"
	"fmt"
	"math/big"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/keelson-chain/keelson/internal/vectors"
	"github.com/keelson-chain/keelson/pow"
)

// TestASERTVectors runs the twelve published runs of aserti3-2d.
func TestASERTVectors(t *testing.T) {
	rows := 0
	for run := 1; run <= 12; run++ {
		name := fmt.Sprintf("asert/run%02d", run)
		rows += testASERTRun(t, name, vectors.Read(t, name))
	}
	if rows != 14000 {
		t.Errorf("%d rows, want 14000", rows)
	}
}

func testASERTRun(t *testing.T, name string, text []byte) (rows int) {
	rule := pow.ASERT{Spacing: 600, HalfLife: 172800, Limit: target(t, 0x1d00ffff)}
	anchor := regexp.MustCompile(`anchor (height|parent time|ancestor time|nBits): (\w+)`)
	given := map[string]bool{}
	description := ""
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		line := lines.Text()
		if strings.HasPrefix(line, "#") {
			if m := anchor.FindStringSubmatch(line); m != nil {
				v, err := strconv.ParseInt(m[2], 0, 64)
				if err != nil {
					t.Fatal(name, err)
				}
				given[m[1]] = true
				switch m[1] {
				case "height":
					rule.AnchorHeight = v
				case "nBits":
					rule.AnchorBits = pow.Bits(v)
				default:
					rule.AnchorParentTime = v
				}
			} else if strings.Contains(line, "description") {
				description = line
			}
			continue
		}
		if strings.TrimSpace(line) == "" {
			continue
		}
		if len(given) != 3 {
			t.Fatalf("%s: anchor not understood, only %v", name, given)
		}
		// Run 10 crosses the largest signed height: only differences of
		// heights count, and those are right modulo 2^64.
		var i, when int64
		var height uint64
		var want uint32
		if _, err := fmt.Sscanf(line, "%d %d %d 0x%x", &i, &height, &when, &want); err != nil {
			t.Fatalf("%s: %q: %v", name, line, err)
		}
		rows++
		if got := rule.Next(int64(height), when); got != pow.Bits(want) {
			t.Errorf("%s row %d (%s): height %d, time %d: %v, want %08x", name, i, description, height, when, got, want)
		}
	}
	return rows
}

// bigASERT is the rule over unbounded integers, with the floor and ceiling of
// its specification applied to the exact result.
func bigASERT(a *pow.ASERT, height, time int64) pow.Bits {
	limit, err := bigTarget(a.Limit.Bits())
	if err != nil {
		panic(err)
	}
	anchor, err := bigTarget(a.AnchorBits)
	if err != nil {
		panic(err)
	}
	blocks := new(big.Int).Sub(big.NewInt(height), big.NewInt(a.AnchorHeight))
	blocks.Add(blocks, big.NewInt(1))
	exponent := new(big.Int).Sub(big.NewInt(time), big.NewInt(a.AnchorParentTime))
	exponent.Sub(exponent, blocks.Mul(blocks, big.NewInt(a.Spacing)))
	exponent.Lsh(exponent, 16)
	exponent.Quo(exponent, big.NewInt(a.HalfLife))
	// Beyond this many doublings the result is at an end of the range; the
	// shift itself would need that many bits.
	if exponent.CmpAbs(big.NewInt(4096<<16)) > 0 {
		exponent.SetInt64(int64(exponent.Sign()) * 4096 << 16)
	}
	whole := new(big.Int).Rsh(exponent, 16) // toward minus infinity
	x := new(big.Int).Sub(exponent, new(big.Int).Lsh(whole, 16))
	factor := new(big.Int).Mul(x, big.NewInt(5127))
	factor.Add(factor, big.NewInt(971821376)).Mul(factor, x)
	factor.Add(factor, big.NewInt(195766423245049)).Mul(factor, x)
	factor.Add(factor, new(big.Int).Lsh(big.NewInt(1), 47)).Rsh(factor, 48)
	factor.Add(factor, big.NewInt(65536))

	next := factor.Mul(factor, anchor)
	if n := int(whole.Int64()) - 16; n < 0 {
		next.Rsh(next, uint(-n))
	} else {
		next.Lsh(next, uint(n))
	}
	if next.Sign() == 0 {
		next.SetInt64(1)
	}
	if next.Cmp(limit) > 0 {
		next = limit
	}
	return bigBits(next)
}

// TestASERTAgainstBig leaves the range of the published runs: limits of up to
// 256 bits, any half-life, any distance from the schedule.
func TestASERTAgainstBig(t *testing.T) {
	rng := rand.New(rand.NewPCG(11, 12))
	limits := []pow.Bits{0x1d00ffff, 0x1e00ffff, 0x207fffff, 0x2100ffff, 0x220000ff, 0x04123456}
	ends := [3]int{} // at one, between, at the limit
	ran := 0
	for range 200_000 {
		limit := limits[rng.IntN(len(limits))]
		a := pow.ASERT{
			AnchorHeight:     rng.Int64N(1 << 32),
			AnchorParentTime: rng.Int64N(1 << 32),
			AnchorBits:       min(limit, pow.Bits(1+rng.IntN(34))<<24|pow.Bits(rng.IntN(0x800000))),
			Spacing:          1 + rng.Int64N(1<<rng.IntN(30)),
			HalfLife:         1 + rng.Int64N(1<<rng.IntN(38)),
			Limit:            target(t, limit),
		}
		if anchor, err := a.AnchorBits.Target(); err != nil || anchor.Cmp(a.Limit) > 0 {
			continue
		}
		ran++
		blocks := rng.Int64N(1 << rng.IntN(33))
		var late int64
		switch rng.IntN(4) {
		case 0: // within a few half-lives
			late = rng.Int64N(600*a.HalfLife) - 300*a.HalfLife
		case 1: // at a whole number of them
			late = a.HalfLife*(rng.Int64N(1100)-550) + rng.Int64N(3) - 1
		case 2:
			late = rng.Int64N(100) - 50
		default: // anywhere a timestamp can be
			late = rng.Int64N(1<<32) - a.AnchorParentTime - a.Spacing*(blocks+1)
		}
		height, time := a.AnchorHeight+blocks, a.AnchorParentTime+a.Spacing*(blocks+1)+late
		got, want := a.Next(height, time), bigASERT(&a, height, time)
		if got != want {
			t.Fatalf("%+v: height %d, time %d: %v, want %v", a, height, time, got, want)
		}
		switch got {
		case 0x01010000:
			ends[0]++
		case limit:
			ends[2]++
		default:
			ends[1]++
		}
	}
	if ran < 50_000 || slices.Min(ends[:]) < 1000 {
		t.Errorf("%d cases, too few of a kind: %v", ran, ends)
	}
}

func FuzzASERT(f *testing.F) {
	f.Add(uint32(0x1d00ffff), uint32(0x1e00ffff), int64(120), int64(34560), int64(100), int64(12000))
	f.Add(uint32(0x207fffff), uint32(0x207fffff), int64(1), int64(1), int64(0), int64(-1))
	f.Fuzz(func(t *testing.T, anchor, limit uint32, spacing, halfLife, height, time int64) {
		a := pow.ASERT{AnchorBits: pow.Bits(anchor), Spacing: 1 + spacing&(1<<31-1), HalfLife: 1 + halfLife&(1<<37-1)}
		var err error
		if a.Limit, err = pow.Bits(limit).Target(); err != nil {
			return
		}
		if tgt, err := a.AnchorBits.Target(); err != nil || tgt.Cmp(a.Limit) > 0 {
			return
		}
		height, time = height&(1<<32-1), time%(1<<40)
		if got, want := a.Next(height, time), bigASERT(&a, height, time); got != want {
			t.Errorf("%+v: height %d, time %d: %v, want %v", a, height, time, got, want)
		}
	})
}

// TestASERTOnSchedule follows a chain that keeps to its schedule, is a
// half-life late and a half-life early.
func TestASERTOnSchedule(t *testing.T) {
	a := pow.ASERT{
		AnchorParentTime: 1_000_000, AnchorBits: 0x1c10ffff,
		Spacing: 120, HalfLife: 34560, Limit: target(t, 0x1e00ffff),
	}
	for _, height := range []int64{0, 1, 288, 100_000} {
		onTime := a.AnchorParentTime + (height+1)*a.Spacing
		for late, want := range map[int64]pow.Bits{
			0: 0x1c10ffff, 34560: 0x1c21fffe, -34560: 0x1c087fff, 2 * 34560: 0x1c43fffc,
			100 * 34560: 0x1e00ffff, -1000 * 34560: 0x01010000,
		} {
			if got := a.Next(height, onTime+late); got != want {
				t.Errorf("height %d, %d s late: %v, want %v", height, late, got, want)
			}
		}
	}
}

func BenchmarkASERT(b *testing.B) {
	a := pow.ASERT{AnchorBits: 0x1d00ffff, Spacing: 120, HalfLife: 34560, Limit: target(b, 0x1e00ffff)}
	b.ReportAllocs()
	height := int64(0)
	for b.Loop() {
		height++
		a.Next(height, height*119)
	}
}
