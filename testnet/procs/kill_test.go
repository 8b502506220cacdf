package procs_test

import (
	"encoding/hex"
	"errors"
	"maps"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/rpc/client"
	"github.com/keelson-chain/keelson/testnet/procs"
	"github.com/keelson-chain/keelson/wire"
)

// defaultKills is how often TestKilledNodes kills without KEELSON_NODE_KILLS:
// enough for every run of the tests; `make kill` does 50.
const defaultKills = 3

// TestKilledNodes has five nodes mine and pass transactions on, kills one of them
// again and again with SIGKILL, and starts it again. In the end there is one
// chain, and every transaction that any of them took is in it.
func TestKilledNodes(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	kills := defaultKills
	if s := os.Getenv("KEELSON_NODE_KILLS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatalf("KEELSON_NODE_KILLS: %v", err)
		}
		kills = n
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d, %d kills", seed, kills)
	k := &killing{t: t, rand: rand.New(rand.NewPCG(seed, 0)), Cluster: procs.NewCluster(t, procs.Build(t), 5, "--persistmempool")}
	k.purse = procs.NewPurse(t, k.Nodes[0], 60*(kills+1))
	k.Nodes[0].Call(t, &k.from, "getblockcount")
	for i := range k.Nodes {
		k.join(i)
	}
	k.OneTip()
	for range kills {
		k.kill(k.rand.IntN(len(k.Nodes)))
	}
	k.work(10)
	k.settle()
	t.Logf("%d transactions taken, %d blocks mined, %d calls cut off", len(k.taken), k.mined, k.cut)
	if len(k.taken) == 0 || k.mined == 0 {
		t.Error("nothing was going on")
	}
}

type killing struct {
	*procs.Cluster
	t     *testing.T
	rand  *rand.Rand
	purse *procs.Purse
	from  int         // the height at which it began
	taken []wire.Hash // what some node has said that it took
	mined int
	cut   int // calls that a kill cut off
}

// join connects node i with those after and before it, and one across: each
// node has four links, and no two kills part the others.
func (k *killing) join(i int) {
	n := len(k.Nodes)
	for _, j := range []int{(i + 1) % n, (i + n - 1) % n, (i + 2) % n} {
		k.Join(i, j)
	}
}

// kill kills node i at a random moment of some work, and starts it again.
func (k *killing) kill(i int) {
	timer := time.AfterFunc(time.Duration(k.rand.Int64N(int64(500*time.Millisecond))), func() { _ = k.Nodes[i].Cmd.Process.Kill() })
	k.work(5 + k.rand.IntN(10))
	timer.Stop()
	k.Nodes[i].Kill()
	k.work(k.rand.IntN(5))
	k.Nodes[i].Restart(k.t)
	k.join(i)
}

// work does a number of things at random nodes.
func (k *killing) work(steps int) {
	for range steps {
		n := k.Nodes[k.rand.IntN(len(k.Nodes))]
		if k.rand.IntN(4) == 0 {
			if k.try(n, "generatetodescriptor", 1, procs.Payout) {
				k.mined++
			}
			continue
		}
		tx := k.purse.Tx()
		for range 1 + k.rand.IntN(3) { // the first, its child, and that one's
			if !k.try(n, "sendrawtransaction", hex.EncodeToString(tx.Append(nil)), 0) {
				break
			}
			k.taken = append(k.taken, tx.TxID())
			tx = k.purse.Child(tx)
		}
	}
}

// try makes a call and reports whether it succeeded; all that may go wrong is that
// nobody is there, or not any more.
func (k *killing) try(n *procs.Node, method string, args ...any) bool {
	k.t.Helper()
	err := n.Try(nil, method, args...)
	switch {
	case err == nil:
		return true
	case errors.Is(err, client.ErrConnection), errors.Is(err, client.ErrNoCookie):
		k.cut++
		return false
	}
	k.t.Fatalf("%s: %v\nnode:\n%s", method, err, n.Out.Tail())
	return false
}

// settle waits until the nodes agree and checks that nothing is lost.
func (k *killing) settle() {
	k.t.Helper()
	// Two chains of the same length would stay: one of them becomes longer once
	// all nodes have one of them.
	procs.Eventually(k.t, func() bool {
		heights := map[int]bool{}
		for _, n := range k.Nodes {
			var height int
			n.Call(k.t, &height, "getblockcount")
			heights[height] = true
		}
		return len(heights) == 1
	})
	k.Mine(0, 1)
	k.OneTip()
	pools := map[wire.Hash]bool{}
	for i := range k.Nodes {
		maps.Copy(pools, k.Pool(i))
	}
	wantAll(k.t, "after the kills", k.taken, pools, k.Mined(0, k.from+1))
	for i := range k.Nodes { // whatever has not come through to others
		k.OneTip()
		k.Mine(i, 1)
	}
	k.OneTip()
	for i := range k.Nodes {
		wantAll(k.t, "at the end", k.taken, k.Mined(i, k.from+1))
	}
	k.SameCoins()
}
