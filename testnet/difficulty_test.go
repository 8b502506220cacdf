package testnet_test

import (
	"errors"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/pow"
	"github.com/keelson-chain/keelson/testnet"
	"github.com/keelson-chain/keelson/wire"
)

// TestDifficulty: all nodes ask for the difficulty from the next block on, also one
// that was dead, and one that comes after.
func TestDifficulty(t *testing.T) {
	both(t, func(t *testing.T, o testnet.Option) {
		n := testnet.Start(t, o)
		ctx := t.Context()
		bits := func(nd *testnet.Node, hash wire.Hash) string {
			return call[struct{ Bits string }](t, nd, "getblockheader", hash).Bits
		}
		check(t, n.Advance(ctx, time.Hour))
		check(t, n.Kill(ctx, 2))
		stage, err := n.SetDifficulty(ctx, 0x1f7fffff, false)
		check(t, err)
		if stage.Height != 201 {
			t.Errorf("%+v", stage)
		}
		check(t, n.Restart(ctx, 2))
		hashes, err := n.Mine(ctx, 0, 2)
		check(t, err)
		check(t, n.Sync(ctx))
		for i, nd := range n.Nodes {
			if got := tip(t, nd); got != hashes[1] {
				t.Errorf("node %d does not take the block", i)
			}
			if got := bits(nd, hashes[0]); got != "1f7fffff" {
				t.Errorf("node %d tells of bits %s", i, got)
			}
			if got := call[float64](t, nd, "getdifficulty"); got < 1.1e-7 || got > 1.2e-7 {
				t.Errorf("node %d tells of difficulty %v", i, got)
			}
		}
		if d := nodeTime(t, n.Nodes[1]).Sub(n.Now()).Abs(); d > patience {
			t.Errorf("after the restart the clock is off by %v", d)
		}
		// Poisson takes it into account: 512 hashes a block on the average.
		check(t, n.Sync(ctx))
		check(t, n.SetMining(ctx, testnet.Mining{Mode: testnet.Poisson, Interval: time.Hour}))
		if r := call[struct{ HashRate float64 }](t, n.Nodes[0], "getmining").HashRate * 3 * 3600; r < 511 || r > 513 {
			t.Errorf("%v hashes in an hour", r)
		}
		check(t, n.SetMining(ctx, testnet.Mining{}))
		stage, err = n.SetDifficulty(ctx, 0x207fffff, true)
		check(t, err)
		check(t, n.Advance(ctx, 1000*time.Hour)) // so late that it stays the least
		hashes, err = n.Mine(ctx, 1, 2)
		check(t, err)
		check(t, n.Sync(ctx))
		if got := bits(n.Nodes[2], hashes[1]); got != "207fffff" || stage.Height != 204 {
			t.Errorf("bits %s, %+v", got, stage)
		}
		// Blocks that come faster than planned become harder.
		hashes, err = n.Mine(ctx, 1, 1)
		check(t, err)
		s, err := n.Status(ctx)
		check(t, err)
		if len(s.Stages) != 2 || s.Stages[1] != stage || len(hashes) != 1 {
			t.Errorf("stages %+v", s.Stages)
		}
	})
}

func TestParseDifficulty(t *testing.T) {
	for text, want := range map[string]pow.Bits{
		"1": 0x1d00ffff, "0": 0x207fffff, "1e-12": 0x207fffff, "0x1f00ffff": 0x1f00ffff, "2": 0x1c7fff80, "256": 0x1c00ffff, "4": 0x1c3fffc0,
	} {
		if got, err := testnet.ParseDifficulty(text); err != nil || got != want {
			t.Errorf("%s: %v, %v, want %v", text, got, err, want)
		}
	}
	for _, text := range []string{"", "x", "-1", "NaN", "Inf", "1e16", "0x", "0x1ffffffff", "0x217fffff", "0x01800000", "0x00000000"} {
		if got, err := testnet.ParseDifficulty(text); !errors.Is(err, testnet.ErrArgument) {
			t.Errorf("%q: %v, %v", text, got, err)
		}
	}
}
