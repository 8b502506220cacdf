package ledger

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/ledger/fsys"
	"github.com/keelson-chain/keelson/wire"
)

// stagedParams are those of a regtest with stages of difficulty.
func stagedParams(t *testing.T, stages ...string) *consensus.Params {
	t.Helper()
	list, err := consensus.ParseStages(stages)
	if err != nil {
		t.Fatal(err)
	}
	return consensus.Regtest(consensus.RegtestOptions{Stages: list})
}

// TestReorganisationAcrossStage: two branches part before a stage of ASERT, and
// the one that was mined faster has the harder blocks. It replaces the other one when
// it has as many, and both go on by their own difficulties.
func TestReorganisationAcrossStage(t *testing.T) {
	p := stagedParams(t, "103@1f7fffff,asert,60", "112@207fffff")
	cfg := testConfig(newClock())
	cfg.Params = p
	files := fsys.Mem()
	l := openTest(t, files, cfg)
	c := chaingen.New(p)
	c.Step = 60
	c.MineN(100)
	c.Mark("fork")
	c.Step = 600
	slow := append(c.MineN(9), c.Mine(c.Spend(c.Mature()[:1])))
	c.Mark("slow")
	c.Goto("fork")
	c.Step = 1
	fast := append(c.MineN(9), c.Mine(c.Spend(c.Mature()[:1])))
	c.Mark("fast")

	slowEnd, fastEnd := slow[9].Header.Bits, fast[9].Header.Bits
	if slow[2].Header.Bits != 0x1f7fffff || fast[2].Header.Bits != 0x1f7fffff || slow[1].Header.Bits != 0x207fffff || slowEnd <= 0x1f7fffff || fastEnd >= 0x1f7fffff {
		t.Fatalf("bits %08x, %08x at the stage, %08x, %08x in the end", slow[2].Header.Bits, fast[2].Header.Bits, slowEnd, fastEnd)
	}
	c.Goto("slow")
	add(t, l, c.Blocks()...)
	checkAt(t, l, c)
	add(t, l, fast[:9]...)
	checkAt(t, l, c)
	add(t, l, fast[9])
	c.Goto("fast")
	checkAt(t, l, c)

	// A block with the other branch's difficulty is none of this one.
	wrong := c.Next()
	wrong.Header.Bits = slowEnd
	chaingen.Solve(wrong)
	if err := l.AddBlock(t.Context(), wrong); !errors.Is(err, consensus.ErrDifficultyBits) {
		t.Errorf("a block with other bits: %v", err)
	}

	// Into the next stage, and back and forth after the folder was opened again.
	add(t, l, c.MineN(3)...)
	if last := c.Tip().Header.Bits; last != 0x207fffff {
		t.Errorf("bits %08x in the last stage", last)
	}
	checkAt(t, l, c)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = openTest(t, files, cfg)
	checkAt(t, l, c)
	if err := l.Invalidate(t.Context(), fast[0].Hash()); err != nil {
		t.Fatal(err)
	}
	c.Goto("slow")
	checkAt(t, l, c)
	add(t, l, c.MineN(2)...)
	checkAt(t, l, c)
	if err := l.VerifyChain(t.Context(), 4, 0, nil); err != nil {
		t.Error(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	refusesOtherStages(t, files, cfg, c.Blocks())
}

// refusesOtherStages opens a folder with difficulty rules that its chain does not
// have, and then with ones that differ above its tip alone.
func refusesOtherStages(t *testing.T, files fsys.FS, cfg Config, blocks []*wire.Block) {
	for _, stages := range [][]string{
		nil,
		{"102@1f7fffff,asert,60", "112@207fffff"},
		{"103@1f7ffffe,asert,60", "112@207fffff"},
		{"103@1f7fffff,asert,60"},
		{"103@1f7fffff,asert,60", "112@207ffffe"},
	} {
		cfg.Params = stagedParams(t, stages...)
		l, err := openOn(context.Background(), cfg, files)
		if err == nil {
			l.Close()
		}
		if !errors.Is(err, ErrOtherNetwork) || strings.Contains(err.Error(), "\n") {
			t.Errorf("stages %v: %v", stages, err)
		}
	}
	cfg.Params = stagedParams(t, "103@1f7fffff,asert,60", "112@207fffff", "113@1d00ffff")
	l := openTest(t, files, cfg)
	defer l.Close()
	if tip := l.Tip(); tip.Tip.Hash != blocks[len(blocks)-1].Hash() || tip.NextBits() != 0x1d00ffff {
		t.Errorf("tip %v, next bits %v", tip.Tip, tip.NextBits())
	}
}
