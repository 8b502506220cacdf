package sim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/ledger/fsys"
	"github.com/keelson-chain/keelson/mempool"
	"github.com/keelson-chain/keelson/script/sig"
	"github.com/keelson-chain/keelson/wire"
)

// Config says what a World is made of.
type Config struct {
	Seed  uint64
	Nodes int
	// Dials is how many others each node calls.
	Dials int
	Links Links
	Costs Costs
	// Txs is how many transactions there are coins for.
	Txs int
	// Neighbours is how many of the hosts, the last ones, have their addresses in
	// one /16; all others have one of their own each.
	Neighbours int
	// Crashes keeps of each disk what Kill needs.
	Crashes bool
	// Before is called for each node before it is started for the first time.
	Before func(*Node)
	// Log gets the nodes' logs; the zero value is silent.
	Log zerolog.Logger
}

// A World is hosts on a network. Its methods are for one goroutine, that of the
// test.
type World struct {
	Nodes []*Node

	t       testing.TB
	cfg     Config
	params  *consensus.Params
	rand    *rand.Rand
	net     *fabric
	factory *factory
	files   fsys.FS // of a ledger with the factory's base chain
	sigs    *sig.Cache
	started time.Time
	epoch   time.Time // what the clock showed at started
}

// NewWorld makes a world in the bubble of t (see testing/synctest), whose nodes
// run and have the same chain. Close ends it.
func NewWorld(t testing.TB, cfg Config) *World {
	t.Helper()
	w := &World{
		t:       t,
		cfg:     cfg,
		params:  params(),
		rand:    rand.New(rand.NewPCG(cfg.Seed, 1)),
		net:     newFabric(cfg.Seed, cfg.Links),
		factory: newFactory(cfg.Txs),
		sigs:    sig.NewCache(64<<20, [32]byte{1}),
		started: time.Now(),
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("seed %d", cfg.Seed)
		}
	})
	base := w.factory.base
	w.epoch = time.Unix(int64(base[len(base)-1].Header.Time)+600, 0)
	w.files = w.baseFiles()
	ips := publicIPs(w.rand, cfg.Nodes-cfg.Neighbours)
	ips = append(ips, neighbourIPs(w.rand, cfg.Neighbours)...)
	for i, ip := range ips {
		n := &Node{
			Number: i, Dials: w.others(i, cfg.Dials), world: w, ip: ip, files: w.disk(),
			processor: make(chan struct{}, 1), traces: make(map[wire.Hash]trace),
		}
		var err error
		n.key, err = identity(cfg.Seed, i)
		w.must(err)
		w.must(copyFiles(n.files, w.files))
		w.net.join(i, ip)
		w.Nodes = append(w.Nodes, n)
	}
	for _, n := range w.Nodes {
		if cfg.Before != nil {
			cfg.Before(n)
		}
		w.must(n.start())
	}
	return w
}

func (w *World) disk() fsys.FS {
	if w.cfg.Crashes {
		return fsys.NewCrash()
	}
	return fsys.Mem()
}

// others draws n hosts but that with a number.
func (w *World) others(number, n int) []int {
	list := w.rand.Perm(w.cfg.Nodes)
	list = slices.DeleteFunc(list, func(other int) bool { return other == number })
	return list[:min(n, len(list))]
}

// Close takes all nodes down and ends the network.
func (w *World) Close() {
	w.t.Helper()
	w.each(func(n *Node) {
		if err := n.stop(); err != nil {
			w.t.Errorf("stop host %d: %v", n.Number, err)
		}
	})
	w.net.close()
	time.Sleep(5 * time.Second) // goleveldb lets the last goroutine of a database go a second after Close
}

// each calls f for all running nodes at once.
func (w *World) each(f func(n *Node)) {
	var all sync.WaitGroup
	for _, n := range w.Nodes {
		if n.Running() {
			all.Go(func() { f(n) })
		}
	}
	all.Wait()
}

// baseFiles returns the files of a ledger with the factory's base chain.
func (w *World) baseFiles() fsys.FS {
	w.t.Helper()
	files := fsys.Mem()
	l, err := ledger.Open(context.Background(), ledger.Config{
		Files: files, Params: w.params, CacheBytes: cacheBytes, Workers: 1, SigCache: w.sigs, Now: w.Now,
	})
	w.must(err)
	for _, b := range w.factory.base {
		w.must(l.AddBlock(context.Background(), b))
	}
	w.must(l.Close())
	return files
}

// Now is the time of the world, which the nodes' clocks follow.
func (w *World) Now() time.Time { return w.epoch.Add(time.Since(w.started)) }

// Txs returns n new transactions that are in no pool yet.
func (w *World) Txs(n int) []*wire.Tx { return w.factory.txs(n) }

// Give puts transactions into a node's pool, at no cost.
func (w *World) Give(n *Node, txs []*wire.Tx) {
	w.t.Helper()
	errs, err := n.Pool.AddAll(context.Background(), txs, mempool.AddOptions{})
	w.must(err)
	for i, err := range errs {
		if err != nil {
			w.t.Fatalf("transaction %d at host %d: %v", i, n.Number, err)
		}
	}
}

// Mine makes a block with txs on the tip of a node's chain and hands it to that
// node, as its miner would.
func (w *World) Mine(n *Node, txs ...*wire.Tx) *wire.Block {
	w.t.Helper()
	b := w.factory.block(n.Tip().Hash, n.Now().Unix(), txs...)
	w.must(chain{n.Ledger, n}.AddBlock(context.Background(), b))
	return b
}

// Partition sets the groups of hosts apart: no packet gets from one to another.
func (w *World) Partition(group func(host int) int) {
	groups := make([]int, len(w.Nodes))
	for i := range groups {
		groups[i] = group(i)
	}
	w.net.groups.Store(&groups)
}

// Heal ends Partition.
func (w *World) Heal() { w.net.groups.Store(nil) }

// Stop takes a node down in order.
func (w *World) Stop(n *Node) {
	w.t.Helper()
	w.must(n.stop())
}

// Kill takes a node down as if its power had failed: what was not synced is lost,
// or a part of it, as the seed has it.
func (w *World) Kill(n *Node) {
	w.t.Helper()
	disk, ok := n.files.(*fsys.Crash)
	if !ok {
		w.t.Fatal("Kill needs Config.Crashes")
	}
	disk.StopAt(disk.Ops())
	_ = n.stop() // the ledger notices that its disk is gone
	n.files = disk.Reboot(w.rand.Uint64())
}

// Start brings a node up again.
func (w *World) Start(n *Node) {
	w.t.Helper()
	w.must(n.start())
}

// Wipe gives a node that is down a disk with nothing but the base chain.
func (w *World) Wipe(n *Node) {
	w.t.Helper()
	n.files = w.disk()
	w.must(copyFiles(n.files, w.files))
}

// Until waits until cond holds and returns how long that took, or fails the test
// after the time given.
func (w *World) Until(what string, most time.Duration, cond func() bool) time.Duration {
	w.t.Helper()
	started := time.Now()
	for !cond() {
		if time.Since(started) > most {
			w.t.Fatalf("after %v: not %s\n%s", most, what, w.state())
		}
		time.Sleep(10 * time.Millisecond)
	}
	return time.Since(started)
}

// Connected reports whether every running node has a peer for each other running
// one that it dials.
func (w *World) Connected() bool {
	for _, n := range w.Nodes {
		if !n.Running() {
			continue
		}
		want := 0
		for _, to := range n.Dials {
			if w.Nodes[to].Running() {
				want++
			}
		}
		if len(n.Net.Peers()) < want {
			return false
		}
	}
	return true
}

// At reports whether all running nodes of a list have a block at their tip.
func (w *World) At(hash wire.Hash, nodes ...*Node) bool {
	for _, n := range nodes {
		if n.Running() && n.Tip().Hash != hash {
			return false
		}
	}
	return true
}

// Agree reports whether all running nodes have one tip.
func (w *World) Agree() bool {
	var first *Node
	for _, n := range w.Nodes {
		switch {
		case !n.Running():
		case first == nil:
			first = n
		case n.Tip() != first.Tip():
			return false
		}
	}
	return true
}

// CheckCoins fails the test if two running nodes with one tip have different
// coins, or if a pool is not in order.
func (w *World) CheckCoins() {
	w.t.Helper()
	type node struct {
		number int
		stats  ledger.Stats
	}
	seen := make(map[wire.Hash]node)
	for _, n := range w.Nodes {
		if !n.Running() {
			continue
		}
		stats, err := n.Ledger.CoinStats(context.Background(), ledger.StatsMuHash)
		w.must(err)
		if first, ok := seen[stats.Tip.Hash]; !ok {
			seen[stats.Tip.Hash] = node{n.Number, stats}
		} else if stats.Hash != first.stats.Hash {
			w.t.Errorf("hosts %d and %d have the tip %v and coins %v and %v", first.number, n.Number, stats.Tip.Hash, first.stats.Hash, stats.Hash)
		}
		if err := n.Pool.Check(); err != nil {
			w.t.Errorf("pool of host %d: %v", n.Number, err)
		}
	}
}

// state describes the nodes for a failure.
func (w *World) state() string {
	text := fmt.Sprintf("seed %d\n", w.cfg.Seed)
	for _, n := range w.Nodes {
		if !n.Running() {
			text += fmt.Sprintf("host %d is down\n", n.Number)
			continue
		}
		text += fmt.Sprintf("host %d: %d peers, tip %d %v, best header %d, pool %d\n",
			n.Number, len(n.Net.Peers()), n.Tip().Height, n.Tip().Hash, n.Ledger.BestHeader().Ref.Height, n.Pool.Stats().Count)
	}
	return text
}

// must ends the test with an error.
func (w *World) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// log is the logger of a part of a node.
func (w *World) log(n *Node, part string) zerolog.Logger {
	return w.cfg.Log.With().Int("host", n.Number).Str("part", part).Logger()
}
