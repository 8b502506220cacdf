package testnet_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/testnet"
	"github.com/keelson-chain/keelson/wire"
)

func height(t *testing.T, nd *testnet.Node) int {
	t.Helper()
	return call[int](t, nd, "getblockcount")
}

// TestInstant: a payment is confirmed without anybody asking for a block, at whatever
// node it comes in, and by another node if the first is dead.
func TestInstant(t *testing.T) {
	both(t, func(t *testing.T, o testnet.Option) {
		n := testnet.Start(t, o, testnet.MineInstantly())
		ctx := t.Context()
		confirmed := func(txid wire.Hash, nd *testnet.Node) bool {
			var tx struct{ Confirmations int }
			return nd.Call(ctx, &tx, "getrawtransaction", txid, 1) == nil && tx.Confirmations > 0
		}
		for range 3 {
			txid, err := n.Fund(ctx, n.Accounts[0].Address, wire.Coin)
			check(t, err)
			eventually(t, "the payment is confirmed", func() bool { return confirmed(txid, n.Nodes[2]) })
		}
		check(t, n.Sync(ctx))
		if h := height(t, n.Nodes[0]); h < 201 || h > 203 {
			t.Errorf("three payments make the chain %d blocks long", h)
		}
		check(t, n.Kill(ctx, 0))
		txid, err := n.Fund(ctx, n.Accounts[0].Address, wire.Coin)
		check(t, err)
		eventually(t, "another node mines", func() bool { return confirmed(txid, n.Nodes[2]) })
		check(t, n.SetMining(ctx, testnet.Mining{}))
		txid, err = n.Fund(ctx, n.Accounts[0].Address, wire.Coin)
		check(t, err)
		check(t, n.SyncPools(ctx))
		if confirmed(txid, n.Nodes[1]) {
			t.Error("a payment is confirmed although blocks come on demand")
		}
	})
}

// TestEvery: blocks come by themselves, one after the other, and in each part of a
// network that is parted.
func TestEvery(t *testing.T) {
	n := testnet.Start(t, testnet.MineEvery(50*time.Millisecond))
	ctx := t.Context()
	eventually(t, "there are some blocks", func() bool { return height(t, n.Nodes[2]) >= 203 })
	check(t, n.Partition(ctx, []int{2}))
	at := height(t, n.Nodes[2])
	eventually(t, "a part goes on", func() bool { return height(t, n.Nodes[2]) >= at+3 })
	check(t, n.SetMining(ctx, testnet.Mining{Mode: testnet.Manual}))
	at = height(t, n.Nodes[0])
	time.Sleep(200 * time.Millisecond) // in which nothing must happen
	if h := height(t, n.Nodes[0]); h != at {
		t.Errorf("from %d to %d blocks after mining was switched off", at, h)
	}
	if m := n.Mining(); m.Mode != testnet.Manual {
		t.Errorf("mining %v", m)
	}
}

// TestShares: by proof of work, each node finds blocks as its share of the hash rate
// says, at the intervals that were asked for.
func TestShares(t *testing.T) {
	n := testnet.Start(t)
	ctx := t.Context()
	check(t, n.SetMining(ctx, testnet.Mining{Mode: testnet.Poisson, Interval: 20 * time.Millisecond, Shares: []float64{3, 1}}))
	rates := make([]float64, 3)
	for i, nd := range n.Nodes {
		rates[i] = call[struct{ HashRate float64 }](t, nd, "getmining").HashRate
	}
	// A block takes two hashes at the least difficulty: 100 in a second.
	if math.Abs(rates[0]-75) > 0.1 || math.Abs(rates[1]-25) > 0.1 || rates[2] != 0 {
		t.Errorf("the hash rates are %v", rates)
	}
	found := func(nd *testnet.Node) int { return call[struct{ Found int }](t, nd, "getmining").Found }
	eventually(t, "both nodes find blocks", func() bool { return found(n.Nodes[0]) > 20 && found(n.Nodes[1]) > 3 })
	if a, b := found(n.Nodes[0]), found(n.Nodes[1]); a <= b || found(n.Nodes[2]) != 0 {
		t.Errorf("shares of 3, 1 and 0 find %d, %d and %d blocks", a, b, found(n.Nodes[2]))
	}
	check(t, n.SetMining(ctx, testnet.Mining{Mode: testnet.HashRate, HashRate: 30}))
	if r := call[struct{ HashRate float64 }](t, n.Nodes[2], "getmining").HashRate; math.Abs(r-10) > 0.1 {
		t.Errorf("a third of 30 hashes a second is %v", r)
	}
	check(t, n.SetMining(ctx, testnet.Mining{}))
	_, err := n.Mine(ctx, 0, 1) // so that one of two equal chains wins
	check(t, err)
	check(t, n.Sync(ctx))
}

func TestParseMining(t *testing.T) {
	for _, text := range []string{"manual", "instant", "every=10s", "poisson=1m30s", "hashrate=1000", "hashrate=0.5"} {
		m, err := testnet.ParseMining(text)
		if err != nil || m.String() != text {
			t.Errorf("%q: %v, %v", text, m, err)
		}
	}
	for text, want := range map[string]string{
		"x":            `mining "x": it is none of manual, instant, every=10s, poisson=30s and hashrate=1000`,
		"instant=1s":   `mining "instant=1s": instant takes no value`,
		"every":        `mining "every": "" is not an interval such as 10s`,
		"every=0s":     `mining every 0s: the interval must be from 1ms to 24h0m0s`,
		"every=25h":    `mining every 25h0m0s: the interval must be from 1ms to 24h0m0s`,
		"hashrate=NaN": `mining at NaN hashes per second: it must be more than 0 and at most 1e+12`,
		"hashrate=x":   `mining "hashrate=x": "x" is not a number of hashes per second`,
	} {
		if _, err := testnet.ParseMining(text); !errors.Is(err, testnet.ErrArgument) || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
	n := testnet.Start(t, testnet.Nodes(1))
	for _, m := range []testnet.Mining{
		{Mode: testnet.Instant, Shares: []float64{1}},
		{Mode: testnet.HashRate, HashRate: 1, Shares: []float64{1, 1}},
		{Mode: testnet.HashRate, HashRate: 1, Shares: []float64{0}},
		{Mode: testnet.HashRate, HashRate: 1, Shares: []float64{-1}},
		{Mode: testnet.HashRate, HashRate: 1, Shares: []float64{math.NaN()}},
	} {
		if err := n.SetMining(t.Context(), m); !errors.Is(err, testnet.ErrArgument) {
			t.Errorf("%+v: %v", m, err)
		}
	}
}
