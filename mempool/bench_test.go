package mempool

import (
	"fmt"
	"runtime"
	"slices"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/script/sig"
	"github.com/keelson-chain/keelson/wire"
)

// What is measured here is the pool without the curve, which says yes to
// everything: transactions of one P2WPKH input and two outputs.

const (
	// crowdSize is how many transactions wait, and blockCount how many of them
	// fill a block.
	crowdSize  = 50_000
	blockCount = 7000
	fanOut     = 7000
)

var blockRoom = SelectOptions{MaxWeight: 3_991_999, MaxSigOps: 79_599, MinFeeRate: 1000}

// yes is a curve on which every check holds.
type yes struct{}

func (yes) Verify(*sig.Check) bool     { return true }
func (yes) VerifyAll([]sig.Check) bool { return true }

// crowd makes as many independent transactions as somebody asks for.
type crowd struct {
	*world
	coins []consensus.OutCoin
	made  int
}

func newCrowd(b *testing.B) *crowd {
	c := &crowd{world: newWorld(b, nil)}
	c.empty()
	return c
}

// empty begins with a new pool.
func (c *crowd) empty() {
	c.open(func(cfg *Config) { cfg.Rules.AcceptNonStandard, cfg.Sigs, cfg.SigCache = false, yes{}, nil })
}

// prepare has n coins ready, which come with new blocks.
func (c *crowd) prepare(n int) {
	c.t.Helper()
	for len(c.coins) < n {
		coinbase := c.coin(0)
		for i := range c.Mature() {
			if coinbase = c.coin(i); coinbase.Coin.Coinbase {
				break
			}
		}
		outs := make([]wire.TxOut, fanOut)
		for i := range outs {
			outs[i] = c.Out(chaingen.P2WPKH, i%16, (coinbase.Coin.Out.Value-1_000_000)/fanOut)
		}
		tx := c.Spend([]consensus.OutCoin{coinbase}, outs...)
		c.coins = append(c.coins, c.OutputsOf(tx)...)
		c.mine(tx)
	}
}

// txs makes n transactions that pay different fees.
func (c *crowd) txs(n int) []*wire.Tx {
	c.t.Helper()
	c.prepare(n)
	list := make([]*wire.Tx, n)
	for i, coin := range c.coins[:n] {
		c.made++
		half := (coin.Coin.Out.Value - wire.Amount(200+c.made*7919%20_000)) / 2
		tx := c.Spend([]consensus.OutCoin{coin}, c.Out(chaingen.P2WPKH, i%16, half), c.Out(chaingen.P2WPKH, (i+1)%16, half))
		list[i] = decoded(c.t, tx)
	}
	c.coins = c.coins[n:]
	return list
}

// decoded is tx as it comes from outside.
func decoded(t testing.TB, tx *wire.Tx) *wire.Tx {
	tx, err := wire.DecodeTx(tx.Append(nil))
	if err != nil {
		t.Fatal(err)
	}
	return tx
}

// fill adds n transactions.
func (c *crowd) fill(n int) { c.addAll(c.txs(n)) }

func (c *crowd) addAll(txs []*wire.Tx) {
	c.t.Helper()
	errs, err := c.pool.AddAll(c.t.Context(), txs, AddOptions{})
	if err != nil {
		c.t.Fatal(err)
	}
	for i, err := range errs {
		if err != nil {
			c.t.Fatalf("transaction %d: %v", i, err)
		}
	}
}

func (c *crowd) choose() *Selection {
	s, err := c.pool.Select(blockRoom)
	if err != nil {
		c.t.Fatal(err)
	}
	return s
}

// best is what fills the next block.
func (c *crowd) best() []*wire.Tx {
	c.t.Helper()
	chosen := c.choose().Txs
	if len(chosen) < blockCount {
		c.t.Fatalf("%d transactions fill a block", len(chosen))
	}
	txs := make([]*wire.Tx, len(chosen))
	for i := range chosen {
		tx, err := wire.DecodeTx(chosen[i].Raw)
		if err != nil {
			c.t.Fatal(err)
		}
		txs[i] = tx
	}
	return txs
}

// BenchmarkAdd adds transactions one by one.
func BenchmarkAdd(b *testing.B) {
	const n = 20_000
	c := newCrowd(b)
	txs := c.txs(n)
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		c.empty()
		b.StartTimer()
		for _, tx := range txs {
			if err := c.pool.Add(b.Context(), tx, AddOptions{}); err != nil {
				b.Fatal(err)
			}
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/tx")
}

// BenchmarkAddAll adds transactions together.
func BenchmarkAddAll(b *testing.B) {
	const n = 20_000
	c := newCrowd(b)
	txs := c.txs(n)
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		c.empty()
		b.StartTimer()
		c.addAll(txs)
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/tx")
}

// BenchmarkPackage adds parents, each with a child: one after the other, and as
// packages, of which the parents pay enough or, which has children pay for them,
// nothing.
func BenchmarkPackage(b *testing.B) {
	const n = 1_000
	for _, bench := range []struct {
		name     string
		fee      wire.Amount // of a parent
		together bool
	}{{"apart", 1_000, false}, {"package", 1_000, true}, {"package, the child pays", 0, true}} {
		b.Run(bench.name, func(b *testing.B) {
			c := newCrowd(b)
			c.prepare(n)
			pairs := make([][]*wire.Tx, n)
			for i, coin := range c.coins[:n] {
				parent := c.Spend([]consensus.OutCoin{coin}, c.Out(chaingen.P2WPKH, i%16, coin.Coin.Out.Value-bench.fee))
				child := c.Spend(c.OutputsOf(parent), c.Out(chaingen.P2WPKH, i%16, coin.Coin.Out.Value-bench.fee-3_000))
				pairs[i] = []*wire.Tx{decoded(b, parent), decoded(b, child)}
			}
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				c.empty()
				b.StartTimer()
				for _, pair := range pairs {
					if bench.together {
						if r, err := c.pool.AddPackage(b.Context(), pair, PackageOptions{}); err != nil || r.Err != nil {
							b.Fatal(err, r.Err)
						}
						continue
					}
					for _, tx := range pair {
						if err := c.pool.Add(b.Context(), tx, AddOptions{}); err != nil {
							b.Fatal(err)
						}
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/pair")
		})
	}
}

// BenchmarkSelectFromNothing chooses for a block for the first time after
// crowdSize transactions have come.
func BenchmarkSelectFromNothing(b *testing.B) {
	c := newCrowd(b)
	txs := c.txs(crowdSize)
	var times times
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		c.empty()
		c.addAll(txs)
		b.StartTimer()
		times.measure(func() { c.choose() })
	}
	times.report(b)
}

// BenchmarkSelect chooses for a block after a few transactions have come.
func BenchmarkSelect(b *testing.B) {
	c := newCrowd(b)
	c.fill(crowdSize)
	c.choose()
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		c.fill(20)
		b.StartTimer()
		c.choose()
	}
}

// BenchmarkRemoveMined is what the pool itself does when a full block has come:
// BenchmarkSync without asking the ledger, whose work has left nothing of the
// pool in the processor's caches.
func BenchmarkRemoveMined(b *testing.B) {
	c := newCrowd(b)
	c.fill(crowdSize)
	block := &wire.Block{Txs: append([]*wire.Tx{{}}, c.best()...)}
	for _, tx := range block.Txs {
		tx.TxID() // known since the block was checked
	}
	var times times
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		if c.pool.Stats().Count < crowdSize {
			c.addAll(block.Txs[1:])
		}
		c.pool.ranked()
		runtime.GC()
		b.StartTimer()
		times.measure(func() { c.pool.removeMined(block) })
	}
	times.report(b)
}

// times are how long each round of a benchmark took. On a machine that does
// other things, too, the median says more than the mean.
type times []time.Duration

func (t *times) measure(f func()) {
	started := time.Now()
	f()
	*t = append(*t, time.Since(started))
}

func (t times) report(b *testing.B) {
	slices.Sort(t)
	b.ReportMetric(float64(t[0].Microseconds()), "min-us")
	b.ReportMetric(float64(t[len(t)/2].Microseconds()), "p50-us")
}

// afterBlocks runs f whenever a full block has come to a pool with crowdSize
// transactions.
func afterBlocks(b *testing.B, f func(*crowd)) {
	c := newCrowd(b)
	c.fill(crowdSize)
	var times times
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		if missing := crowdSize - c.pool.Stats().Count; missing > 0 {
			c.fill(missing)
		}
		c.submit(c.Mine(c.best()...))
		runtime.GC() // or the generator's garbage is swept meanwhile
		b.StartTimer()
		times.measure(func() { f(c) })
	}
	times.report(b)
}

// BenchmarkSync is what a full block costs the pool, without the ledger's work.
func BenchmarkSync(b *testing.B) {
	afterBlocks(b, func(c *crowd) {
		if err := c.pool.Sync(); err != nil {
			b.Fatal(err)
		}
	})
}

// BenchmarkSelectAfterBlock is from a new tip to what goes into the next block.
func BenchmarkSelectAfterBlock(b *testing.B) { afterBlocks(b, func(c *crowd) { c.choose() }) }

// BenchmarkSpenders asks a full pool for one output, as a Lightning node does for
// each that it watches, and for a hundred.
func BenchmarkSpenders(b *testing.B) {
	c := newCrowd(b)
	var ops []wire.OutPoint
	for _, tx := range c.txs(10_000) {
		if err := c.pool.Add(b.Context(), tx, AddOptions{}); err != nil {
			b.Fatal(err)
		}
		ops = append(ops, tx.Inputs[0].PrevOut)
	}
	for _, n := range []int{1, 100} {
		b.Run(fmt.Sprintf("outputs=%d", n), func(b *testing.B) {
			b.ReportAllocs()
			at := 0
			for b.Loop() {
				if c.pool.Spenders(ops[at : at+n])[0] == (wire.Hash{}) {
					b.Fatal("nothing spends it")
				}
				at = (at + n) % len(ops)
			}
		})
	}
}

// BenchmarkTxIDs lists a full pool, as a Lightning node that polls does many times a
// minute; the pool is locked meanwhile.
func BenchmarkTxIDs(b *testing.B) {
	c := newCrowd(b)
	c.fill(crowdSize)
	var times times
	b.ReportAllocs()
	for b.Loop() {
		times.measure(func() {
			if ids, _ := c.pool.TxIDs(); len(ids) < crowdSize {
				b.Fatal(len(ids))
			}
		})
	}
	times.report(b)
}
