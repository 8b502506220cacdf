package testnet_test

import (
	"context"
	"fmt"
	"os"

	"github.com/keelson-chain/keelson/testnet"
	"github.com/keelson-chain/keelson/wire"
)

// In a test, Start is all it takes:
//
//	n := testnet.Start(t, testnet.Nodes(3))
//
// Elsewhere, Up and Close do.
func ExampleUp() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "example")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	n, err := testnet.Up(ctx, testnet.Config{Dir: dir, Nodes: 2})
	if err != nil {
		panic(err)
	}
	defer n.Close()

	if _, err := n.Mine(ctx, 0, 5); err != nil {
		panic(err)
	}
	if err := n.Sync(ctx); err != nil {
		panic(err)
	}
	var height int
	if err := n.Nodes[1].Call(ctx, &height, "getblockcount"); err != nil {
		panic(err)
	}
	fmt.Println("height", height)
	fmt.Println(n.Accounts[0].Address)
	// Output:
	// height 205
	// bcrt1qquv9lg5g2r4jkr0ahun0ddfg5xntxjelwjpnuw
}

// A payment that has two confirmations loses them, and waits again.
func ExampleNetwork_Reorg() {
	ctx := context.Background()
	n, end := up(ctx)
	defer end()

	payment, err := n.Fund(ctx, n.Accounts[0].Address, 3*wire.Coin)
	if err != nil {
		panic(err)
	}
	confirmations := func() (count int) {
		var tx struct{ Confirmations int }
		if err := n.Nodes[0].Call(ctx, &tx, "getrawtransaction", payment, 1); err != nil {
			panic(err)
		}
		return tx.Confirmations
	}
	if _, err := n.Mine(ctx, 0, 2); err != nil {
		panic(err)
	}
	fmt.Println("confirmations:", confirmations())
	r, err := n.Reorg(ctx, 2, 3)
	if err != nil {
		panic(err)
	}
	fmt.Printf("%d blocks replaced by %d above height %d\n", len(r.Old), len(r.New), r.Fork.Height)
	fmt.Println("confirmations:", confirmations())
	// Output:
	// confirmations: 2
	// 2 blocks replaced by 3 above height 200
	// confirmations: 0
}

// Two sides of a network go on apart, and the longer chain wins.
func ExampleNetwork_Partition() {
	ctx := context.Background()
	n, end := up(ctx)
	defer end()

	must(n.Partition(ctx, []int{0}, []int{1, 2}))
	for node, blocks := range []int{1, 2} {
		if _, err := n.Mine(ctx, node, blocks); err != nil {
			panic(err)
		}
	}
	must(n.Sync(ctx)) // each part
	s, err := n.Status(ctx)
	must(err)
	fmt.Println("parted:", s.Nodes[0].Tip.Height, s.Nodes[1].Tip.Height, s.Nodes[2].Tip.Height)

	must(n.Heal(ctx))
	must(n.Sync(ctx)) // all
	s, err = n.Status(ctx)
	must(err)
	fmt.Println("healed:", s.Nodes[0].Tip.Height, s.Nodes[1].Tip.Height, s.Nodes[2].Tip.Height)
	// Output:
	// parted: 201 202 202
	// healed: 202 202 202
}

// up starts a network of three nodes in a temporary folder of its own.
func up(ctx context.Context) (n *testnet.Network, end func()) {
	dir, err := os.MkdirTemp("", "example")
	must(err)
	n, err = testnet.Up(ctx, testnet.Config{Dir: dir})
	must(err)
	return n, func() {
		must(n.Close())
		must(os.RemoveAll(dir))
	}
}

func must(err error) {
	if err != nil {
		panic(err)
	}
}
