package procs_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/testnet/procs"
)

// TestNodeState takes two nodes back behind blocks, a reorganisation, transactions
// and hours of their clock. They are what they were, take the same block again, and
// are that also after SIGKILL.
func TestNodeState(t *testing.T) {
	c := procs.NewCluster(t, procs.Build(t), 2, "--txindex")
	a, b := c.Nodes[0], c.Nodes[1]
	purse := procs.NewPurse(t, a, 40)
	c.Mine(0, 60) // about 200 blocks
	c.Join(0, 1)
	c.OneTip()
	for range 5 {
		purse.Send(t, a, purse.Tx())
	}
	c.Await("the transactions come to node 1", func() bool { return len(c.Pool(1)) == 5 })
	for _, n := range c.Nodes {
		n.Call(t, nil, "settimeoffset", 3600)
	}

	states := make([]jsonrpc.Value, len(c.Nodes))
	shown := make([]string, len(c.Nodes))
	for i, n := range c.Nodes {
		var raw json.RawMessage
		n.Call(t, &raw, "getnodestate")
		var err error
		if states[i], err = jsonrpc.Parse(string(raw)); err != nil {
			t.Fatal(err)
		}
		shown[i] = show(t, n)
	}
	c.Mine(0, 1)
	mined := c.Tip(0)
	var block string
	a.Call(t, &block, "getblock", mined, 0)
	c.OneTip()
	purse.Send(t, b, purse.Tx())
	c.Part(0, 1)
	c.Mine(0, 2)
	c.Mine(1, 4)
	c.Join(0, 1)
	c.OneTip() // a reorganisation of node 0
	a.Call(t, nil, "setmocktime", time.Now().Unix()+86400)

	restore := func() {
		t.Helper()
		for i, n := range c.Nodes {
			began := time.Now()
			n.Call(t, nil, "setnodestate", states[i])
			t.Logf("node %d is taken back in %v", i, time.Since(began).Round(100*time.Microsecond))
		}
		for i, n := range c.Nodes {
			if got := show(t, n); got != shown[i] {
				t.Fatalf("node %d is\n%s, not\n%s", i, got, shown[i])
			}
			var tips []struct{ Status string }
			if n.Call(t, &tips, "getchaintips"); len(tips) != 1 {
				t.Fatalf("node %d has the tips %v", i, tips)
			}
		}
	}
	restore()
	// The same block is new to both.
	a.Call(t, nil, "submitblock", block)
	if c.Tip(0) != mined {
		t.Fatalf("the tip is %v", c.Tip(0))
	}
	c.Join(0, 1)
	c.OneTip()
	c.SameCoins()
	restore()
	for i, n := range c.Nodes {
		n.Kill()
		n.Restart(t)
		n.Call(t, nil, "settimeoffset", 3600)
		c.Await("the pool is read", func() bool {
			var info struct{ Loaded bool }
			n.Call(t, &info, "getmempoolinfo")
			return info.Loaded
		})
		if got := show(t, n); got != shown[i] {
			t.Fatalf("after SIGKILL node %d is\n%s, not\n%s", i, got, shown[i])
		}
	}
	c.Join(1, 0)
	c.Mine(1, 1)
	c.OneTip()
	c.SameCoins()
}

// show is what a node holds: chain, coins, pool with the times of its transactions,
// and clock to the hour.
func show(t *testing.T, n *procs.Node) string {
	t.Helper()
	var chain struct {
		Blocks, Headers          int
		BestBlockHash, Chainwork string
	}
	n.Call(t, &chain, "getblockchaininfo")
	var coins struct {
		MuHash string
		TxOuts int
	}
	n.Call(t, &coins, "gettxoutsetinfo", "muhash")
	var pool map[string]struct{ Time, VSize int }
	n.Call(t, &pool, "getrawmempool", true)
	var state struct{ MockTime, TimeOffset int64 }
	n.Call(t, &state, "getnodestate")
	return fmt.Sprint(chain, coins, pool, state)
}
