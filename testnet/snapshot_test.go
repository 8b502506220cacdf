package testnet_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/testnet"
	"github.com/keelson-chain/keelson/wire"
)

// picture is what a node has.
type picture struct {
	tip, coins string
	pool       []string
	tips       int
}

func pictures(t *testing.T, n *testnet.Network) (list []picture) {
	t.Helper()
	for _, nd := range n.Nodes {
		coins := call[struct{ BestBlock, MuHash string }](t, nd, "gettxoutsetinfo", "muhash")
		pool := call[[]string](t, nd, "getrawmempool")
		slices.Sort(pool)
		list = append(list, picture{coins.BestBlock, coins.MuHash, pool, len(call[[]struct{}](t, nd, "getchaintips"))})
	}
	return list
}

// TestRevert: coins, pools and clocks are what they were at the snapshot, and the network
// goes on from there.
func TestRevert(t *testing.T) {
	both(t, func(t *testing.T, o testnet.Option) {
		n := testnet.Start(t, o)
		ctx := t.Context()
		fund := func() wire.Hash {
			t.Helper()
			txid, err := n.Fund(ctx, n.Accounts[0].Address, wire.Coin)
			check(t, err)
			return txid
		}
		mine := func(node, blocks int) []wire.Hash {
			t.Helper()
			hashes, err := n.Mine(ctx, node, blocks)
			check(t, err)
			check(t, n.Sync(ctx))
			return hashes
		}
		fund()
		mine(0, 2)
		fund()
		check(t, n.SyncPools(ctx))
		check(t, n.Advance(ctx, time.Hour))
		before := pictures(t, n)
		first, err := n.Snapshot(ctx)
		check(t, err)

		// What is to be undone: confirmation, new payments, a reorganisation, time.
		check(t, n.Advance(ctx, 48*time.Hour))
		gone := mine(1, 3)
		lost := fund()
		_, err = n.Reorg(ctx, 4, 6)
		check(t, err)
		second, err := n.Snapshot(ctx)
		check(t, err)
		mine(2, 1)
		for range 2 { // a snapshot can be used again
			start := time.Now()
			check(t, n.Revert(ctx, first))
			t.Logf("reverted in %v", time.Since(start))
			if after := pictures(t, n); !slices.EqualFunc(before, after, func(a, b picture) bool {
				return a.tip == b.tip && a.coins == b.coins && a.tips == b.tips && slices.Equal(a.pool, b.pool)
			}) {
				t.Errorf("before %+v\nafter %+v", before, after)
			}
			if d := time.Until(n.Now()) - time.Hour; d.Abs() > patience {
				t.Errorf("the clock is off by %v", d)
			}
			for i, nd := range n.Nodes {
				if err := nd.Call(ctx, nil, "getblockheader", gone[0]); err == nil {
					t.Errorf("node %d knows a block that is forgotten", i)
				}
				if err := nd.Call(ctx, nil, "getrawtransaction", lost); err == nil {
					t.Errorf("node %d knows a payment that is forgotten", i)
				}
			}
			if d := time.Until(nodeTime(t, n.Nodes[1])) - time.Hour; d.Abs() > patience {
				t.Errorf("the clock of node 1 is off by %v", d)
			}
			check(t, n.Sync(ctx))
			fund()
			mine(2, 2)
		}
		if err := n.Revert(ctx, second); !errors.Is(err, testnet.ErrNoSnapshot) {
			t.Errorf("a snapshot after the one that was reverted to: %v", err)
		}
		if err := n.Revert(ctx, 77); !errors.Is(err, testnet.ErrNoSnapshot) {
			t.Errorf("a snapshot that never was: %v", err)
		}
		check(t, n.Kill(ctx, 1))
		if _, err := n.Snapshot(ctx); !errors.Is(err, testnet.ErrDown) {
			t.Errorf("a snapshot without a node: %v", err)
		}
		if err := n.Revert(ctx, first); !errors.Is(err, testnet.ErrDown) {
			t.Errorf("reverted without a node: %v", err)
		}
	})
}

// TestRevertOfDifficulty: a change of the difficulty is undone, too.
func TestRevertOfDifficulty(t *testing.T) {
	n := testnet.Start(t, testnet.Nodes(2), testnet.MineInstantly())
	ctx := t.Context()
	id, err := n.Snapshot(ctx)
	check(t, err)
	want := tip(t, n.Nodes[1])
	_, err = n.SetDifficulty(ctx, 0x1f7fffff, false)
	check(t, err)
	_, err = n.Mine(ctx, 0, 1)
	check(t, err)
	check(t, n.Sync(ctx))
	check(t, n.Revert(ctx, id))
	for i, nd := range n.Nodes {
		if got := tip(t, nd); got != want {
			t.Errorf("node %d is at %v, not at %v", i, got, want)
		}
	}
	hashes, err := n.Mine(ctx, 1, 1)
	check(t, err)
	check(t, n.Sync(ctx))
	if bits := call[struct{ Bits string }](t, n.Nodes[0], "getblockheader", hashes[0]).Bits; bits != "207fffff" {
		t.Errorf("bits %s", bits)
	}
	// Instant mining goes on.
	_, err = n.Fund(ctx, n.Accounts[0].Address, wire.Coin)
	check(t, err)
	eventually(t, "the payment is confirmed", func() bool { return height(t, n.Nodes[1]) == 202 })
}

// BenchmarkRevert goes back and forth on the chain of the beginning, of 200 blocks.
func BenchmarkRevert(b *testing.B) {
	n := testnet.Start(b)
	first, err := n.Snapshot(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		if _, err := n.Snapshot(b.Context()); err != nil {
			b.Fatal(err)
		}
		if err := n.Revert(b.Context(), first); err != nil {
			b.Fatal(err)
		}
	}
}
