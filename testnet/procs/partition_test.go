package procs_test

import (
	"math/rand/v2"
	"os"
	"slices"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/testnet/procs"
	"github.com/keelson-chain/keelson/wire"
)

// TestPartition cuts seven nodes into two groups, each of which mines 30 blocks,
// or one more, of transactions of its own, and connects them again: soon there
// is one chain, and of what the other chain had nothing is lost.
//
// How soon is asked only where KEELSON_HEAL says so: `make partition` wants 5 s.
func TestPartition(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	limit := time.Minute
	if s := os.Getenv("KEELSON_HEAL"); s != "" {
		var err error
		if limit, err = time.ParseDuration(s); err != nil {
			t.Fatalf("KEELSON_HEAL: %v", err)
		}
	}
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d", seed)

	const blocks, txs = 30, 5 // of each group; for each block
	loser, winner := []int{0, 1, 2, 3}, []int{4, 5, 6}
	across := [][2]int{{0, 4}, {5, 1}, {3, 6}}
	c := procs.NewCluster(t, procs.Build(t), len(loser)+len(winner))
	purse := procs.NewPurse(t, c.Nodes[0], 2*(blocks+1)*txs)
	for _, link := range append([][2]int{{0, 1}, {1, 2}, {2, 3}, {3, 0}, {4, 5}, {5, 6}, {6, 4}}, across...) {
		c.Join(link[0], link[1])
	}
	c.OneTip()
	var fork int // the height up to which all agree
	c.Nodes[0].Call(t, &fork, "getblockcount")

	for _, link := range across {
		c.Part(link[0], link[1])
	}
	side := func(nodes []int, blocks int) (ids []wire.Hash) {
		for range blocks {
			for i := range txs {
				to := c.Nodes[nodes[random.IntN(len(nodes))]]
				tx := purse.Tx()
				purse.Send(t, to, tx)
				ids = append(ids, tx.TxID())
				if i == 0 {
					child := purse.Child(tx)
					purse.Send(t, to, child)
					ids = append(ids, child.TxID())
				}
			}
			c.Mine(nodes[random.IntN(len(nodes))], 1)
			c.OneTip(nodes...) // two of a group never mine at the same height
		}
		return ids
	}
	lost, won := side(loser, blocks), side(winner, blocks+1)
	if c.Tip(loser[0]) == c.Tip(winner[0]) {
		t.Fatal("the groups are not parted")
	}
	// What was sent last may still be on its way from node to node, here and below.
	c.Await("the losing group has all of its transactions", func() bool { return missing(lost, c.Mined(loser[0], fork+1), c.Pool(loser[0])) == 0 })

	healed := time.Now()
	for _, link := range across {
		c.Nodes[link[0]].Call(t, nil, "addnode", "127.0.0.1:"+c.Nodes[link[1]].PeerPort, "onetry")
	}
	c.OneTip()
	took := time.Since(healed)
	t.Logf("one tip %v after the groups were connected again", took.Round(time.Millisecond))
	if took > limit {
		t.Errorf("one tip after %v, at most %v are allowed", took, limit)
	}
	for _, i := range loser {
		for wait := time.Now().Add(limit); time.Now().Before(wait) && missing(lost, c.Mined(i, fork+1), c.Pool(i)) > 0; {
			time.Sleep(20 * time.Millisecond)
		}
		wantAll(t, "after the reorganisation", lost, c.Mined(i, fork+1), c.Pool(i))
	}

	for i := range c.Nodes { // each of what only its side has
		c.Mine(i, 1)
		c.OneTip()
	}
	for i := range c.Nodes {
		wantAll(t, "at the end", append(lost, won...), c.Mined(i, fork+1))
	}
	c.SameCoins()
}

// wantAll checks that each transaction is in one of the sets.
func wantAll(t *testing.T, when string, ids []wire.Hash, sets ...map[wire.Hash]bool) {
	t.Helper()
	if n := missing(ids, sets...); n > 0 {
		t.Fatalf("%s: %d of %d transactions are lost", when, n, len(ids))
	}
}

// missing counts the transactions that are in none of the sets.
func missing(ids []wire.Hash, sets ...map[wire.Hash]bool) (n int) {
	for _, id := range ids {
		if !slices.ContainsFunc(sets, func(set map[wire.Hash]bool) bool { return set[id] }) {
			n++
		}
	}
	return n
}
