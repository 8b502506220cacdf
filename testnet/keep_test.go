package testnet_test

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/testnet"
	"github.com/keelson-chain/keelson/wire"
)

// TestKeep: a network that was kept goes on with its chain, pool, clock, ports and way of
// mining.
func TestKeep(t *testing.T) {
	both(t, func(t *testing.T, o testnet.Option) {
		ctx := t.Context()
		cfg := testnet.Config{Dir: t.TempDir(), Keep: true, Nodes: 2, Accounts: 3, Seed: "a seed to keep"}
		o(&cfg)
		cfg.Nodes = 2
		n, err := testnet.Up(ctx, cfg)
		check(t, err)
		_, err = n.Mine(ctx, 0, 2)
		check(t, err)
		check(t, n.Advance(ctx, 5*time.Hour))
		txid, err := n.Fund(ctx, n.Accounts[0].Address, wire.Coin)
		check(t, err)
		check(t, n.SyncPools(ctx))
		want, at, account := tip(t, n.Nodes[0]), n.Nodes[1].RPCAddress, n.Accounts[2].Address
		user, password := n.Credentials()
		check(t, n.Close())

		again := testnet.Config{Dir: cfg.Dir, Keep: true, Processes: cfg.Processes, Binary: cfg.Binary}
		for _, c := range []func(*testnet.Config){
			func(c *testnet.Config) { c.Nodes = 3 },
			func(c *testnet.Config) { c.Accounts = 4 },
			func(c *testnet.Config) { c.Seed = "another" },
			func(c *testnet.Config) { c.BasePort = 1 },
			func(c *testnet.Config) { c.Keep = false },
		} {
			other := again
			c(&other)
			if _, err := testnet.Up(ctx, other); !errors.Is(err, testnet.ErrArgument) {
				t.Errorf("a network goes on as something else: %v", err)
			}
		}
		n, err = testnet.Up(ctx, again)
		check(t, err)
		defer func() { check(t, n.Close()) }()
		if len(n.Nodes) != 2 || len(n.Accounts) != 3 || n.Accounts[2].Address != account || n.Nodes[1].RPCAddress != at {
			t.Errorf("%d nodes at %s, %d accounts", len(n.Nodes), n.Nodes[1].RPCAddress, len(n.Accounts))
		}
		if u, p := n.Credentials(); u != user || p != password {
			t.Error("other credentials")
		}
		for i, nd := range n.Nodes {
			if got := tip(t, nd); got != want {
				t.Errorf("node %d goes on at %v, not at %v", i, got, want)
			}
			eventually(t, "the pool is back", func() bool {
				pool := call[[]wire.Hash](t, nd, "getrawmempool")
				return len(pool) == 1 && pool[0] == txid
			})
		}
		if d := nodeTime(t, n.Nodes[0]).Sub(time.Now().Add(5 * time.Hour)).Abs(); d > patience {
			t.Errorf("the clock is off by %v", d)
		}
		_, err = n.Fund(ctx, account, wire.Coin) // the faucet finds its coins in the chain
		check(t, err)
	})
}

// TestRemains: what a network has left that was killed does not hinder the next one.
func TestRemains(t *testing.T) {
	dir := t.TempDir()
	n, err := testnet.Up(t.Context(), testnet.Config{Dir: dir, Nodes: 2})
	check(t, err)
	state, err := os.ReadFile(filepath.Join(dir, "testnet.json"))
	check(t, err)
	check(t, n.Close())
	check(t, os.WriteFile(filepath.Join(dir, "testnet.json"), state, 0o600))
	check(t, os.MkdirAll(filepath.Join(dir, "node1", "regtest", "db"), 0o700))
	check(t, os.WriteFile(filepath.Join(dir, "node1", "regtest", "db", "CURRENT"), []byte("nonsense"), 0o600))
	check(t, testnet.Start(t, testnet.Dir(dir), testnet.Nodes(2)).Sync(t.Context()))

	damaged := t.TempDir()
	check(t, os.WriteFile(filepath.Join(damaged, "testnet.json"), []byte("{"), 0o600))
	if _, err := testnet.Up(t.Context(), testnet.Config{Dir: damaged}); err == nil {
		t.Error("a damaged file is taken")
	}
}

func TestStatus(t *testing.T) {
	n := testnet.Start(t)
	ctx := t.Context()
	check(t, n.SetLatency(0, 1, 20*time.Millisecond))
	_, err := n.Fund(ctx, n.Accounts[0].Address, wire.Coin)
	check(t, err)
	check(t, n.SyncPools(ctx))
	check(t, n.Partition(ctx, []int{0, 1}))
	check(t, n.Kill(ctx, 2))
	var s testnet.Status
	eventually(t, "the connection is known at both ends", func() bool {
		s, err = n.Status(ctx)
		check(t, err)
		return len(s.Nodes[0].Peers) == 1 && len(s.Nodes[1].Peers) == 1
	})
	if a := s.Nodes[0]; !a.Alive || a.Tip.Height != 200 || a.Tip.Hash != tip(t, n.Nodes[0]) || a.Pool != 1 || a.Peers[0] != 1 {
		t.Errorf("node 0: %+v", a)
	}
	if s.Nodes[2].Alive {
		t.Errorf("node 2: %+v", s.Nodes[2])
	}
	if len(s.Groups) != 2 || len(s.Links) != 3 || s.Mining.Mode != testnet.Manual {
		t.Fatalf("%+v", s)
	}
	if l := s.Links[0]; l.A != 0 || l.B != 1 || !l.Connected || l.Latency != 20*time.Millisecond || l.Passed == 0 {
		t.Errorf("%+v", l)
	}
	if l := s.Links[2]; l.A != 1 || l.B != 2 || l.Connected || !l.Cut {
		t.Errorf("%+v", l)
	}
}
