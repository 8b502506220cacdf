package chaingen

import (
	"bytes"
	"errors"
	"maps"
	"testing"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/wire"
)

func regtest() *consensus.Params { return consensus.Regtest(consensus.RegtestOptions{}) }

// grown returns a chain with one mature coin.
func grown() *Chain {
	c := New(regtest())
	c.MineN(100)
	return c
}

func TestSpendEveryKind(t *testing.T) {
	c := grown()
	coins := c.Mature()
	if len(coins) != 1 {
		t.Fatalf("%d coins are mature at height 101, not 1", len(coins))
	}
	var outs []wire.TxOut
	for kind := range numKinds {
		for key := range 3 {
			outs = append(outs, c.Out(kind, key, 100_000_000))
		}
	}
	first := c.Spend(coins, outs...)
	second := c.Spend(c.OutputsOf(first)) // in the same block, every kind at once
	c.Mine(first, second)
	if got := len(c.Tip().Txs); got != 3 {
		t.Fatalf("%d transactions, not 3", got)
	}
	if got, want := c.Coins().Total(), wire.Amount(101*50)*wire.Coin; got != want {
		t.Fatalf("total of all coins is %v, not %v", got, want)
	}
}

func TestForks(t *testing.T) {
	c := grown()
	before := maps.Clone(c.Coins())
	c.Mark("fork")
	a1 := c.Mine(c.Spend(c.Mature()[:1]))
	c.Mark("a")
	atA := maps.Clone(c.Coins())
	c.Goto("fork")
	sameCoins(t, c.Coins(), before)
	b1 := c.Mine()
	b2 := c.Mine()
	if a1.Hash() == b1.Hash() || b1.Hash() == b2.Hash() {
		t.Fatal("two blocks are the same")
	}
	c.Goto("a")
	sameCoins(t, c.Coins(), atA)
	c.GotoHash(b2.Hash())
	if got := c.Blocks(); len(got) != 102 || got[101].Hash() != b2.Hash() {
		t.Fatalf("%d blocks", len(got))
	}
	c.Goto("genesis")
	if len(c.Coins()) != 0 {
		t.Fatalf("%d coins at genesis", len(c.Coins()))
	}
}

func sameCoins(t *testing.T, got, want Coins) {
	t.Helper()
	same := func(a, b consensus.Coin) bool {
		return a.Out.Value == b.Out.Value && bytes.Equal(a.Out.PkScript, b.Out.PkScript) &&
			a.Height == b.Height && a.MTP == b.MTP && a.Coinbase == b.Coinbase
	}
	if !maps.EqualFunc(got, want, same) {
		t.Fatalf("the coins differ: %d and %d of them", len(got), len(want))
	}
}

// TestDeterministic: the same calls give the same blocks.
func TestDeterministic(t *testing.T) {
	build := func() wire.Hash {
		c := grown()
		c.Mine(c.Spend(c.Mature()[:1], c.Out(P2PKH, 7, wire.Coin), c.Out(P2TR, 8, wire.Coin)))
		h := c.Tip().Hash()
		return h
	}
	if a, b := build(), build(); a != b {
		t.Fatalf("tips %v and %v", a, b)
	}
}

// TestMunges: every munged block breaks the rule that it says, and nothing
// that is judged before it.
func TestMunges(t *testing.T) {
	c := grown()
	for _, m := range Munges() {
		t.Run(m.Name, func(t *testing.T) {
			b := c.Munged(m)
			now := int64(c.State().Times[0]) + c.Step
			if err := c.ValidateAt(b, now); !errors.Is(err, m.Kind) {
				t.Fatalf("got %v, want %v", err, m.Kind)
			}
		})
	}
	if err := c.ValidateAt(c.Munged(Munge{}), int64(c.State().Times[0])+c.Step); err != nil {
		t.Fatalf("the block without a munge: %v", err)
	}
}
