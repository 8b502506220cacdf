package testnet_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/testnet"
	"github.com/keelson-chain/keelson/testnet/procs"
	"github.com/keelson-chain/keelson/wire"
)

// patience is for what happens soon, on a slow and busy machine.
const patience = time.Minute

// processes is testnet.Processes with the command.
func processes(t *testing.T) testnet.Option {
	t.Helper()
	if testing.Short() {
		t.Skip("processes take long")
	}
	return testnet.Processes(procs.Build(t))
}

func TestMain(m *testing.M) { procs.Main(m) }

// both runs a test with nodes in its process, and with processes.
func both(t *testing.T, f func(t *testing.T, o testnet.Option)) {
	t.Run("inside", func(t *testing.T) { f(t, testnet.Nodes(3)) })
	t.Run("processes", func(t *testing.T) { f(t, processes(t)) })
}

func check(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func call[T any](t *testing.T, nd *testnet.Node, method string, args ...any) (result T) {
	t.Helper()
	if err := nd.Call(t.Context(), &result, method, args...); err != nil {
		t.Fatal(err)
	}
	return result
}

func tip(t *testing.T, nd *testnet.Node) wire.Hash {
	t.Helper()
	return call[wire.Hash](t, nd, "getbestblockhash")
}

func eventually(t *testing.T, what string, done func() bool) {
	t.Helper()
	for start := time.Now(); !done(); time.Sleep(2 * time.Millisecond) {
		if time.Since(start) > patience {
			t.Fatalf("it does not happen that %s", what)
		}
	}
}

// peers are the numbers of the nodes that a node is connected with, sorted.
func peers(t *testing.T, n *testnet.Network, node int) (list []int) {
	t.Helper()
	for _, p := range call[[]struct{ Subver string }](t, n.Nodes[node], "getpeerinfo") {
		for i := range n.Nodes {
			if strings.Contains(p.Subver, fmt.Sprintf("(testnet-%d)", i)) {
				list = append(list, i)
			}
		}
	}
	slices.Sort(list)
	return list
}

// TestStart: the nodes have one chain, know each other, and out of the initial
// download; an account has five mature coins.
func TestStart(t *testing.T) {
	both(t, func(t *testing.T, o testnet.Option) {
		n := testnet.Start(t, o)
		first := tip(t, n.Nodes[0])
		for i, nd := range n.Nodes {
			chain := call[struct {
				BestBlockHash        wire.Hash
				Blocks               int
				InitialBlockDownload bool
			}](t, nd, "getblockchaininfo")
			if chain.BestBlockHash != first || chain.Blocks != 200 || chain.InitialBlockDownload {
				t.Errorf("node %d: %+v, node 0 at %v", i, chain, first)
			}
			resp, err := http.Get("http://" + nd.ExplorerAddress + "/api/blocks/tip/hash")
			check(t, err)
			body, err := io.ReadAll(resp.Body)
			resp.Body.Close()
			check(t, err)
			if string(body) != first.String() {
				t.Errorf("the explorer of node %d answers %s, %q", i, resp.Status, body)
			}
			eventually(t, "both ends of all connections are known", func() bool { return len(peers(t, n, i)) == len(n.Nodes)-1 })
		}
	})
}

// TestMineAndSync: a block of one node reaches all.
func TestMineAndSync(t *testing.T) {
	both(t, func(t *testing.T, o testnet.Option) {
		n := testnet.Start(t, o)
		for i := range n.Nodes {
			hashes, err := n.Mine(t.Context(), i, 2)
			check(t, err)
			check(t, n.Sync(t.Context()))
			for _, nd := range n.Nodes {
				if got := tip(t, nd); len(hashes) != 2 || got != hashes[1] {
					t.Errorf("node %d has mined %v, node %d is at %v", i, hashes, nd.ID, got)
				}
			}
		}
	})
}

// TestPartition: the parts do not know of each other's blocks, until they are one
// again and the longer chain has won.
func TestPartition(t *testing.T) {
	both(t, func(t *testing.T, o testnet.Option) {
		n := testnet.Start(t, o, testnet.Nodes(4))
		check(t, n.Partition(t.Context(), []int{0, 3}))
		_, err := n.Mine(t.Context(), 0, 2)
		check(t, err)
		long, err := n.Mine(t.Context(), 1, 3)
		check(t, err)
		check(t, n.Sync(t.Context()))
		for _, same := range [][2]int{{0, 3}, {1, 2}} {
			if a, b := tip(t, n.Nodes[same[0]]), tip(t, n.Nodes[same[1]]); a != b {
				t.Errorf("nodes %v are in one part, at %v and %v", same, a, b)
			}
			for i := range same {
				eventually(t, "nodes know the other one of their part alone", func() bool {
					return slices.Equal(peers(t, n, same[i]), []int{same[1-i]})
				})
			}
		}
		if tip(t, n.Nodes[0]) == tip(t, n.Nodes[1]) {
			t.Error("both parts have one tip")
		}
		check(t, n.Heal(t.Context()))
		check(t, n.Sync(t.Context()))
		for i, nd := range n.Nodes {
			if got := tip(t, nd); got != long[2] {
				t.Errorf("node %d is at %v, the longer chain at %v", i, got, long[2])
			}
		}
	})
}

// TestManyNodes: a network that is not fully meshed stays connected within each part.
func TestManyNodes(t *testing.T) {
	n := testnet.Start(t, testnet.Nodes(10))
	_, err := n.Mine(t.Context(), 9, 1)
	check(t, err)
	check(t, n.Sync(t.Context()))
	if got := len(peers(t, n, 0)); got != 5 {
		t.Errorf("node 0 has %d peers", got)
	}
	check(t, n.Partition(t.Context(), []int{0, 2, 4, 6, 8}, []int{1, 5}))
	for _, i := range []int{0, 1, 3} {
		_, err := n.Mine(t.Context(), i, 1)
		check(t, err)
	}
	check(t, n.Sync(t.Context()))
	tips := map[wire.Hash]int{}
	for _, nd := range n.Nodes {
		tips[tip(t, nd)]++
	}
	if len(tips) != 3 {
		t.Errorf("three parts have %d tips", len(tips))
	}
}

// TestLatency measures it by a ping, and by how long a block takes.
func TestLatency(t *testing.T) {
	both(t, func(t *testing.T, o testnet.Option) {
		const latency = 150 * time.Millisecond
		n := testnet.Start(t, o, testnet.Nodes(2))
		quick, err := n.Ping(t.Context(), 0, 1)
		check(t, err)
		check(t, n.SetLatency(0, 1, latency))
		slow, err := n.Ping(t.Context(), 0, 1)
		check(t, err)
		if slow < 2*latency || quick >= 2*latency {
			t.Errorf("a ping takes %v at a latency of %v, %v without", slow, latency, quick)
		}
		start := time.Now()
		_, err = n.Mine(t.Context(), 0, 1)
		check(t, err)
		mined := time.Now()
		check(t, n.Sync(t.Context()))
		if took := time.Since(start); took < latency {
			t.Errorf("a block took %v at a latency of %v", took, latency)
		}
		t.Logf("ping %v and %v, block %v", quick, slow, time.Since(mined))
		check(t, n.SetLatency(testnet.AllLinks, testnet.AllLinks, 0))
		eventually(t, "pings are quick again", func() bool {
			d, err := n.Ping(t.Context(), 1, 0)
			check(t, err)
			return d < latency
		})
	})
}

// TestLoss: what is lost makes some pings wait for the time after which it is sent
// again.
func TestLoss(t *testing.T) {
	n := testnet.Start(t, testnet.Nodes(2))
	check(t, n.SetLoss(testnet.AllLinks, testnet.AllLinks, 0.3))
	eventually(t, "a ping is held up", func() bool {
		d, err := n.Ping(t.Context(), 0, 1)
		check(t, err)
		return d >= 200*time.Millisecond
	})
	_, err := n.Mine(t.Context(), 0, 3)
	check(t, err)
	check(t, n.Sync(t.Context()))
}

// TestReorg: a payment that was confirmed is not any more, at any node, and waits
// again.
func TestReorg(t *testing.T) {
	both(t, func(t *testing.T, o testnet.Option) {
		n := testnet.Start(t, o)
		fork := tip(t, n.Nodes[0])
		txid, err := n.Fund(t.Context(), n.Accounts[0].Address, 3*wire.Coin)
		check(t, err)
		old, err := n.Mine(t.Context(), 0, 2)
		check(t, err)
		check(t, n.Sync(t.Context()))
		r, err := n.Reorg(t.Context(), 2, 4)
		check(t, err)
		if r.Fork.Hash != fork || r.Fork.Height != 200 || !slices.Equal(r.Old, old) || len(r.New) != 4 {
			t.Errorf("%+v, want the fork at %v and %v gone", r, fork, old)
		}
		for i, nd := range n.Nodes {
			if got := tip(t, nd); got != r.New[3] {
				t.Errorf("node %d is at %v, not at %v", i, got, r.New[3])
			}
			if pool := call[[]wire.Hash](t, nd, "getrawmempool"); !slices.Contains(pool, txid) {
				t.Errorf("node %d has %v waiting, not the payment %v", i, pool, txid)
			}
			for _, tip := range call[[]struct{ Status string }](t, nd, "getchaintips") {
				if tip.Status == "invalid" {
					t.Errorf("node %d has a tip that is marked invalid", i)
				}
			}
		}
	})
}

// TestFund: the faucet pays again and again, more than one coin has, across
// reorganisations, partitions and restarts, and what it pays is confirmed.
func TestFund(t *testing.T) {
	n := testnet.Start(t)
	ctx := t.Context()
	to := n.Accounts[2]
	paid := map[wire.Hash]bool{}
	fund := func(amount wire.Amount) {
		t.Helper()
		txid, err := n.Fund(ctx, to.Address, amount)
		check(t, err)
		if paid[txid] {
			t.Errorf("%v was paid before", txid)
		}
		paid[txid] = true
	}
	for range 60 { // more than the faucet has coins: change is used too
		fund(wire.Coin)
	}
	fund(120 * wire.Coin)
	_, err := n.Mine(ctx, 0, 1)
	check(t, err)
	check(t, n.Sync(ctx))
	_, err = n.Reorg(ctx, 1, 2)
	check(t, err)
	fund(wire.Coin)
	_, err = n.Mine(ctx, 1, 3)
	check(t, err)
	check(t, n.Sync(ctx))
	check(t, n.Partition(ctx, []int{0}))
	fund(wire.Coin)
	_, err = n.Mine(ctx, 0, 1)
	check(t, err)
	fund(wire.Coin)
	_, err = n.Mine(ctx, 1, 4)
	check(t, err)
	check(t, n.Heal(ctx))
	check(t, n.Sync(ctx))
	fund(wire.Coin)
	check(t, n.SyncPools(ctx))
	_, err = n.Mine(ctx, 2, 1)
	check(t, err)
	check(t, n.Sync(ctx))
	for txid := range paid {
		tx := call[struct {
			Confirmations int
			Vout          []struct{ Value float64 }
		}](t, n.Nodes[2], "getrawtransaction", txid, 1)
		if tx.Confirmations == 0 {
			t.Errorf("the payment %v is not confirmed", txid)
		}
	}
	if _, err := n.Fund(ctx, to.Address, 1_000_000*wire.Coin); !errors.Is(err, testnet.ErrFaucet) {
		t.Errorf("more than there is: %v", err)
	}
}

// TestKillAndRestart: a node that was killed is away, and catches up when it is back
// at the same ports.
func TestKillAndRestart(t *testing.T) {
	both(t, func(t *testing.T, o testnet.Option) {
		n := testnet.Start(t, o)
		ctx := t.Context()
		check(t, n.Advance(ctx, time.Hour))
		_, err := n.Mine(ctx, 1, 1)
		check(t, err)
		check(t, n.Sync(ctx))
		check(t, n.Kill(ctx, 1))
		log, err := os.ReadFile(filepath.Join(n.Nodes[1].Dir, "node.log"))
		check(t, err)
		if clean := strings.Contains(string(log), "everything is on disk"); clean == strings.HasSuffix(t.Name(), "/processes") {
			t.Errorf("killed, the node ends cleanly: %v", clean)
		}
		if n.Nodes[1].Alive() {
			t.Error("the node is alive")
		}
		if err := n.Nodes[1].Call(ctx, nil, "getblockcount"); !errors.Is(err, testnet.ErrDown) {
			t.Errorf("a call of a node that was killed: %v", err)
		}
		if err := n.Kill(ctx, 1); !errors.Is(err, testnet.ErrDown) {
			t.Errorf("killed twice: %v", err)
		}
		if got := peers(t, n, 0); !slices.Equal(got, []int{2}) {
			t.Errorf("node 0 has the peers %v", got)
		}
		hashes, err := n.Mine(ctx, 0, 5)
		check(t, err)
		check(t, n.Sync(ctx))
		check(t, n.Restart(ctx, 1))
		check(t, n.Sync(ctx))
		if got := tip(t, n.Nodes[1]); got != hashes[4] {
			t.Errorf("back at %v, not at %v", got, hashes[4])
		}
		if got := nodeTime(t, n.Nodes[1]); got.Sub(n.Now()).Abs() > 30*time.Second {
			t.Errorf("back with the time %v, not %v", got, n.Now())
		}
		check(t, n.Restart(ctx, 1)) // one that runs
		check(t, n.Sync(ctx))
	})
}

// nodeTime is the time that a node lives by, as a block tells that it mines.
func nodeTime(t *testing.T, nd *testnet.Node) time.Time {
	t.Helper()
	hash := call[[]wire.Hash](t, nd, "generatetodescriptor", 1, "raw(51)")[0]
	return time.Unix(call[struct{ Time int64 }](t, nd, "getblockheader", hash).Time, 0)
}

// TestTime: all clocks are set at once, and run on.
func TestTime(t *testing.T) {
	both(t, func(t *testing.T, o testnet.Option) {
		n := testnet.Start(t, o)
		ctx := t.Context()
		want := time.Now().Add(30 * 24 * time.Hour)
		check(t, n.SetTime(ctx, want))
		check(t, n.Advance(ctx, 2*time.Hour))
		want = want.Add(2 * time.Hour)
		for i, nd := range n.Nodes {
			got := nodeTime(t, nd)
			if d := got.Sub(want); d < -2*time.Second || d > patience {
				t.Errorf("node %d lives at %v, not at %v", i, got, want)
			}
			check(t, n.Sync(ctx))
		}
		eventually(t, "the clocks run", func() bool { return nodeTime(t, n.Nodes[2]).After(want.Add(2 * time.Second)) })
		if d := n.Now().Sub(want); d < 0 || d > patience {
			t.Errorf("the network lives at %v, not at %v", n.Now(), want)
		}
	})
}

// TestSameCoins: the coins of a network follow from its seed.
func TestSameCoins(t *testing.T) {
	coinbases := func(o ...testnet.Option) (ids []wire.Hash) {
		n := testnet.Start(t, append(o, testnet.Nodes(1), testnet.Accounts(2))...)
		for h := 1; h <= 20; h++ {
			hash := call[wire.Hash](t, n.Nodes[0], "getblockhash", h)
			ids = append(ids, call[struct{ Tx []wire.Hash }](t, n.Nodes[0], "getblock", hash).Tx...)
		}
		return ids
	}
	first := coinbases()
	if !slices.Equal(first, coinbases()) {
		t.Error("the same seed gives other coins")
	}
	if slices.Equal(first, coinbases(testnet.Seed("another"))) {
		t.Error("another seed gives the same coins")
	}
}

func TestBadArguments(t *testing.T) {
	for _, c := range []struct {
		cfg  testnet.Config
		want string
	}{
		{testnet.Config{}, "a folder is needed for the network's data"},
		{testnet.Config{Dir: "x", Nodes: -1}, "-1 nodes: there must be from 1 to 50"},
		{testnet.Config{Dir: "x", Nodes: 51}, "51 nodes: there must be from 1 to 50"},
		{testnet.Config{Dir: "x", Accounts: 21}, "21 accounts: there must be from 1 to 20"},
		{testnet.Config{Dir: "x", Seed: "é"}, "the seed must be at most 1000 printable ASCII characters"},
		{testnet.Config{Dir: "x", BasePort: 65530}, "base port 65530: 3 nodes would need ports up to 65552"},
		{testnet.Config{Dir: "x", User: "a:b"}, "a user name cannot contain a colon"},
		{testnet.Config{Dir: "x", Processes: true, Binary: "/nowhere/keelson"}, "there is no command /nowhere/keelson"},
		{testnet.Config{Dir: "x", Mining: testnet.Mining{Mode: "x"}}, `mining "x": it is none of manual, instant, every=10s, poisson=30s and hashrate=1000`},
	} {
		_, err := testnet.Up(t.Context(), c.cfg)
		if !errors.Is(err, testnet.ErrArgument) || err.Error() != c.want {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
	if _, err := testnet.Up(t.Context(), testnet.Config{Dir: t.TempDir(), Args: []string{"--nonsense"}}); !errors.Is(err, testnet.ErrArgument) {
		t.Errorf("a setting that there is not: %v", err)
	}

	n := testnet.Start(t, testnet.Nodes(2))
	ctx := t.Context()
	mine := func(node, blocks int) error { _, err := n.Mine(ctx, node, blocks); return err }
	reorg := func(depth, length int) error { _, err := n.Reorg(ctx, depth, length); return err }
	fund := func(to string, amount wire.Amount) error { _, err := n.Fund(ctx, to, amount); return err }
	for _, c := range []struct {
		err  error
		want string
	}{
		{mine(2, 1), "node 2: the nodes are 0 to 1"},
		{mine(-1, 1), "node -1: the nodes are 0 to 1"},
		{mine(0, -1), "-1 blocks: they must be from 0 to 10000"},
		{mine(0, 10_001), "10001 blocks: they must be from 0 to 10000"},
		{reorg(0, 1), "a reorganisation of 0 blocks by 1: at least 1 must be replaced, by more, and by at most 10000"},
		{reorg(2, 2), "a reorganisation of 2 blocks by 2: at least 1 must be replaced, by more, and by at most 10000"},
		{reorg(200, 201), "a reorganisation of 200 blocks: the chain has 200"},
		{n.Partition(ctx), "a partition needs nodes on two sides"},
		{n.Partition(ctx, []int{0, 1}), "a partition needs nodes on two sides"},
		{n.Partition(ctx, []int{0}, []int{0}), "node 0 is named twice"},
		{n.Partition(ctx, []int{}, []int{0}), "a part of the network without nodes"},
		{n.Partition(ctx, []int{3}), "node 3: the nodes are 0 to 1"},
		{n.SetLatency(0, 1, -1), "a latency of -1ns: it must be from 0 to 1s"},
		{n.SetLatency(0, 0, 1), "node 0 has no link to itself"},
		{n.SetLatency(0, 5, 1), "node 5: the nodes are 0 to 1"},
		{n.SetLoss(0, 1, 1), "a loss of 1: it must be from 0 to 0.95"},
		{n.SetJitter(0, 1, time.Hour), "a jitter of 1h0m0s: it must be from 0 to 1s"},
		{n.Kill(ctx, 7), "node 7: the nodes are 0 to 1"},
		{n.Restart(ctx, 7), "node 7: the nodes are 0 to 1"},
		{n.SetTime(ctx, time.Unix(0, 0)), "1970-01-01T00:00:00Z: the time must be from 2011-02-02T23:16:42Z to 2106-02-06T06:28:15Z"},
		{n.Advance(ctx, -time.Second), "an advance of -1s: it must be whole seconds, forward"},
		{n.Advance(ctx, 2_000_000*time.Hour), "an advance of 2000000h0m0s: the time can be at most 2106-02-06T06:28:15Z"},
		{fund("x", wire.Coin), `"x" is not an address of regtest: `},
		{fund(n.Accounts[0].Address, 1), "an amount of 0.00000001: it must be at least 0.00001000"},
	} {
		if !errors.Is(c.err, testnet.ErrArgument) || !strings.HasPrefix(c.err.Error(), c.want) {
			t.Errorf("%v, want %s", c.err, c.want)
		}
	}
}

// TestInUse: a folder and ports are one network's.
func TestInUse(t *testing.T) {
	dir := t.TempDir()
	n := testnet.Start(t, testnet.Nodes(1), testnet.Dir(dir))
	if _, err := testnet.Up(t.Context(), testnet.Config{Dir: dir}); !errors.Is(err, testnet.ErrInUse) {
		t.Errorf("a second network in one folder: %v", err)
	}
	var port uint16
	_, err := fmt.Sscanf(n.Nodes[0].RPCAddress, "127.0.0.1:%d", &port)
	check(t, err)
	_, err = testnet.Up(t.Context(), testnet.Config{Dir: t.TempDir(), BasePort: port})
	if want := fmt.Sprintf("port %d of node 0 is in use", port); !errors.Is(err, testnet.ErrInUse) || err.Error() != want {
		t.Errorf("%v, want %s", err, want)
	}
}

// TestClose: what is under way ends, and nothing is left in the folder.
func TestClose(t *testing.T) {
	dir := t.TempDir()
	n, err := testnet.Up(t.Context(), testnet.Config{Dir: dir, Nodes: 2})
	check(t, err)
	check(t, n.Partition(t.Context(), []int{0}))
	_, err = n.Mine(t.Context(), 0, 1)
	check(t, err)
	check(t, n.Close())
	check(t, n.Close())
	if _, err := n.Mine(context.Background(), 0, 1); err == nil {
		t.Error("a network that was closed mines")
	}
	left, err := filepath.Glob(filepath.Join(dir, "node*"))
	check(t, err)
	if len(left) != 0 {
		t.Errorf("%v is left", left)
	}
	// A context that has ended leaves nothing running.
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := testnet.Up(ctx, testnet.Config{Dir: dir}); err == nil {
		t.Error("a network starts whose context has ended")
	}
	check(t, testnet.Start(t, testnet.Dir(dir), testnet.Nodes(1)).Close())
}

// TestUpWithProcesses: a network of processes is ready within the time that a person
// waits, which a busy machine is not held to.
func TestUpWithProcesses(t *testing.T) {
	o := processes(t)
	start := time.Now()
	n := testnet.Start(t, o)
	t.Logf("%d processes are ready after %v", len(n.Nodes), time.Since(start))
	if took := time.Since(start); took > patience/2 { // half a second on two idle cores
		t.Errorf("%d processes are ready after %v", len(n.Nodes), took)
	}
}

func BenchmarkStart(b *testing.B) {
	for b.Loop() {
		n, err := testnet.Up(b.Context(), testnet.Config{Dir: b.TempDir()})
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		if err := n.Close(); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}
