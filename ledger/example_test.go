package ledger_test

import (
	"context"
	"fmt"
	"os"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/wire"
)

// A ledger is opened on a folder, fed blocks, and followed by the steps that
// its tip takes.
func Example() {
	dir, err := os.MkdirTemp("", "ledger")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer os.RemoveAll(dir)
	params := consensus.Regtest(consensus.RegtestOptions{})
	ctx := context.Background()
	l, err := ledger.Open(ctx, ledger.Config{Dir: dir, Params: params})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer l.Close()

	at := l.Tip().Tip
	follow := func() {
		updates, err := l.UpdatesSince(at, 0)
		if err != nil {
			fmt.Println(err)
			return
		}
		for _, u := range updates {
			at = u.Tip
			fmt.Println("connected:", u.Connected, "height:", u.Ref.Height)
		}
	}
	add := func(b *wire.Block) {
		if err := l.AddBlock(ctx, b); err != nil {
			fmt.Println(err)
		}
	}

	c := chaingen.New(params)
	add(c.Mine())
	follow()
	c.Goto("genesis")
	c.Step++ // another block than before
	add(c.Mine())
	add(c.Mine())
	follow()

	stats, err := l.CoinStats(ctx, ledger.StatsNone)
	fmt.Println(stats.TxOuts, "coins,", stats.TotalAmount, err)
	// Output:
	// connected: true height: 1
	// connected: false height: 1
	// connected: true height: 1
	// connected: true height: 2
	// 2 coins, 100.00000000 <nil>
}
