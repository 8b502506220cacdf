package procs_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"testing"

	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/testnet/procs"
)

// TestPackageReachesAll gives a parent that pays nothing, with the child that pays for
// both, to the first of three nodes in a row. The last one has both, by its way over the
// one in the middle, and mines them; one that comes later finds them in its peer's pool.
func TestPackageReachesAll(t *testing.T) {
	c := procs.NewCluster(t, procs.Build(t), 4)
	purse := procs.NewPurse(t, c.Nodes[0], 2)
	for _, link := range [][2]int{{0, 1}, {1, 2}} {
		c.Join(link[0], link[1])
	}
	c.OneTip(0, 1, 2)

	parent, child := purse.Pair()
	raw := []string{hex.EncodeToString(parent.Append(nil)), hex.EncodeToString(child.Append(nil))}
	var refused *jsonrpc.Error
	want := fmt.Sprintf("min relay fee not met, 0 < %d", parent.VSize())
	for i, n := range c.Nodes[:3] {
		if err := n.Try(nil, "sendrawtransaction", raw[0]); !errors.As(err, &refused) || refused.Code != -26 || refused.Message != want {
			t.Fatalf("node %d takes the parent alone: %v", i, err)
		}
	}

	var result struct {
		Message string `json:"package_msg"`
	}
	c.Nodes[0].Call(t, &result, "submitpackage", raw)
	if result.Message != "success" {
		t.Fatalf("submitpackage: %+v", result)
	}
	has := func(i int) bool {
		pool := c.Pool(i)
		return pool[parent.TxID()] && pool[child.TxID()]
	}
	if !has(0) {
		t.Fatal("the package is not in the pool that it was given to")
	}
	for i := 1; i < 3; i++ {
		c.Await(fmt.Sprintf("node %d has parent and child", i), func() bool { return has(i) })
	}
	if direct := c.Peers(0, 2) + c.Peers(2, 0); direct != 0 {
		t.Fatalf("nodes 0 and 2 have %d connections", direct)
	}
	c.Await("node 0 knows that a peer has both", func() bool {
		var info struct{ UnbroadcastCount int }
		c.Nodes[0].Call(t, &info, "getmempoolinfo")
		return info.UnbroadcastCount == 0
	})

	c.Join(3, 2)
	c.OneTip()
	c.Await("node 3 has parent and child", func() bool { return has(3) })

	var height int
	c.Nodes[2].Call(t, &height, "getblockcount")
	c.Mine(2, 1)
	c.OneTip()
	for i := range c.Nodes {
		mined := c.Mined(i, height+1)
		if !mined[parent.TxID()] || !mined[child.TxID()] {
			t.Errorf("node %d has not got both in the block", i)
		}
		c.Await(fmt.Sprintf("the pool of node %d is empty", i), func() bool { return len(c.Pool(i)) == 0 })
	}
	c.SameCoins()
}
