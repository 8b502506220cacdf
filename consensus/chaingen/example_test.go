package chaingen_test

import (
	"fmt"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/wire"
)

// Two branches from one place: the second is longer.
func Example() {
	c := chaingen.New(consensus.Regtest(consensus.RegtestOptions{}))
	c.MineN(100)
	c.Mark("fork")

	c.Mine(c.Spend(c.Mature()[:1], c.Out(chaingen.P2TR, 1, wire.Coin)))
	c.Mark("short")

	c.Goto("fork")
	c.MineN(2)

	long := c.State()
	c.Goto("short")
	fmt.Println(c.State().Tip.Height, long.Tip.Height, long.Work.Cmp(c.State().Work))
	// Output: 101 102 1
}

// A block that is valid but for one thing.
func ExampleChain_Munged() {
	c := chaingen.New(consensus.Regtest(consensus.RegtestOptions{}))
	c.MineN(100)
	for _, m := range chaingen.Munges() {
		if m.Kind == consensus.ErrCoinbaseAmount {
			err := c.ValidateAt(c.Munged(m), 1_400_000_000)
			fmt.Printf("%s: %s\n", m.Name, consensus.RejectReason(err))
		}
	}
	// Output: coinbase pays one satoshi too much: bad-cb-amount
}
