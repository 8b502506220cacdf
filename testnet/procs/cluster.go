package procs

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/wire"
)

// Cluster is the nodes of a test, which know each other by their numbers.
type Cluster struct {
	t     testing.TB
	Nodes []*Node
}

// NewCluster starts nodes that are not connected yet.
func NewCluster(t testing.TB, bin string, nodes int, args ...string) *Cluster {
	t.Helper()
	c := &Cluster{t: t}
	for i := range nodes {
		c.Nodes = append(c.Nodes, Start(t, bin, t.TempDir(), append([]string{"--uacomment=" + name(i)}, args...)...))
	}
	return c
}

// name is what node i calls itself.
func name(i int) string { return fmt.Sprintf("node-%d-of-the-cluster", i) }

// peer is what getpeerinfo tells that is of use here.
type peer struct {
	ID     int64
	Subver string
}

// peers returns those peers of node i that are node j.
func (c *Cluster) peers(i, j int) (list []peer) {
	var all []peer
	c.Nodes[i].Call(c.t, &all, "getpeerinfo")
	for _, p := range all {
		if strings.Contains(p.Subver, name(j)) {
			list = append(list, p)
		}
	}
	return list
}

// Peers counts those peers of node i that are node j.
func (c *Cluster) Peers(i, j int) int { return len(c.peers(i, j)) }

// Join has node i call node j, and waits until each has the other as a peer.
func (c *Cluster) Join(i, j int) {
	c.t.Helper()
	c.Nodes[i].Call(c.t, nil, "addnode", "127.0.0.1:"+c.Nodes[j].PeerPort, "onetry")
	c.Await(fmt.Sprintf("node %d has node %d as a peer", i, j), func() bool {
		return len(c.peers(i, j)) > 0 && len(c.peers(j, i)) > 0
	})
}

// Part ends the connection between nodes i and j, if there is one.
func (c *Cluster) Part(i, j int) {
	c.t.Helper()
	c.Await(fmt.Sprintf("nodes %d and %d are parted", i, j), func() bool {
		list := c.peers(i, j)
		for _, p := range list {
			_ = c.Nodes[i].Try(nil, "disconnectnode", "", p.ID) // it may be gone already
		}
		return len(list) == 0 && len(c.peers(j, i)) == 0
	})
}

// Tip is the end of a node's active chain.
func (c *Cluster) Tip(i int) (hash wire.Hash) {
	c.t.Helper()
	c.Nodes[i].Call(c.t, &hash, "getbestblockhash")
	return hash
}

// OneTip waits until the nodes, or all if none are named, have the same tip, and
// returns how long that took.
func (c *Cluster) OneTip(nodes ...int) time.Duration {
	c.t.Helper()
	if len(nodes) == 0 {
		for i := range c.Nodes {
			nodes = append(nodes, i)
		}
	}
	start := time.Now()
	c.Await(fmt.Sprintf("nodes %v have one tip", nodes), func() bool {
		first := c.Tip(nodes[0])
		for _, i := range nodes[1:] {
			if c.Tip(i) != first {
				return false
			}
		}
		return true
	})
	return time.Since(start)
}

// Mine has node i mine blocks of what its pool has.
func (c *Cluster) Mine(i, blocks int) {
	c.t.Helper()
	c.Nodes[i].Call(c.t, nil, "generatetodescriptor", blocks, Payout)
}

// Pool returns what waits for a block at node i.
func (c *Cluster) Pool(i int) map[wire.Hash]bool {
	c.t.Helper()
	var ids []wire.Hash
	c.Nodes[i].Call(c.t, &ids, "getrawmempool")
	pool := make(map[wire.Hash]bool, len(ids))
	for _, id := range ids {
		pool[id] = true
	}
	return pool
}

// Mined returns the transactions of the active chain of node i from the given
// height on.
func (c *Cluster) Mined(i, from int) map[wire.Hash]bool {
	c.t.Helper()
	n := c.Nodes[i]
	var height int
	n.Call(c.t, &height, "getblockcount")
	mined := map[wire.Hash]bool{}
	for ; from <= height; from++ {
		var hash string
		n.Call(c.t, &hash, "getblockhash", from)
		var block struct{ Tx []wire.Hash }
		n.Call(c.t, &block, "getblock", hash, 1)
		for _, id := range block.Tx {
			mined[id] = true
		}
	}
	return mined
}

// SameCoins checks that all nodes have the same tip and the same coins, and no
// block that they call invalid.
func (c *Cluster) SameCoins() {
	c.t.Helper()
	var first struct{ BestBlock, MuHash string }
	for i, n := range c.Nodes {
		var tips []struct{ Status, Hash string }
		n.Call(c.t, &tips, "getchaintips")
		for _, tip := range tips {
			if tip.Status == "invalid" {
				c.t.Errorf("node %d calls the tip %s invalid", i, tip.Hash)
			}
		}
		info := first
		n.Call(c.t, &info, "gettxoutsetinfo", "muhash")
		if i == 0 {
			first = info
		} else if info != first {
			c.t.Errorf("node %d has %+v, node 0 %+v", i, info, first)
		}
	}
}

// Await waits for something that is about to happen, and shows what the nodes
// have said if it does not.
func (c *Cluster) Await(what string, done func() bool) {
	c.t.Helper()
	for start := time.Now(); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Since(start) > patience {
			for i, n := range c.Nodes {
				c.t.Logf("node %d: %s\n%s", i, n.state(), n.Out.Tail())
			}
			c.t.Fatalf("it does not happen that %s", what)
		}
	}
}

// state says in a line how a node stands, for who looks at a test that has failed.
func (n *Node) state() string {
	var (
		chain struct {
			Blocks, Headers      int
			InitialBlockDownload bool
		}
		pool  struct{ Size int }
		peers []struct {
			ID            int64
			SyncedBlocks  int `json:"synced_blocks"`
			SyncedHeaders int `json:"synced_headers"`
		}
	)
	err := errors.Join(n.Try(&chain, "getblockchaininfo"), n.Try(&pool, "getmempoolinfo"), n.Try(&peers, "getpeerinfo"))
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%+v, %d transactions in the pool, peers %+v", chain, pool.Size, peers)
}
