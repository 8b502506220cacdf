package miner

import (
	"bytes"
	"context"
	"errors"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/mempool"
	"github.com/keelson-chain/keelson/pow"
	"github.com/keelson-chain/keelson/wire"
)

// easyChain takes every block on its tip that meets its bits, which stay what
// they are, and notes when it came and whom it pays. Its blocks are a source's, too.
type easyChain struct {
	hardChain
	pool *txPool
	adds func() // called while a block is being added
	list []added
}

// newEasyChain returns one on which a hash is a block with the probability
// 2^-power, which is 8 or 12.
func newEasyChain(power int) *easyChain {
	c := &easyChain{hardChain: hardChain{state: newHardChain().state, changed: make(chan struct{})}}
	c.state.TipBits = map[int]pow.Bits{8: 0x2000ffff, 12: 0x1f0fffff}[power]
	c.pool = &txPool{chain: c, changed: make(chan struct{})}
	return c
}

var errRefused = errors.New("refused")

func (c *easyChain) AddBlock(_ context.Context, b *wire.Block) error {
	c.mu.Lock()
	adds := c.adds
	c.mu.Unlock()
	if adds != nil {
		adds()
	}
	c.mu.Lock()
	target, err := pow.Bits(b.Header.Bits).Target()
	if err != nil || b.Header.Bits != uint32(c.state.TipBits) || b.Header.PrevBlock != c.state.Tip.Hash || !target.Met(b.Hash()) {
		c.mu.Unlock()
		return errRefused
	}
	c.state = consensus.ApplyHeader(c.state, &b.Header)
	c.list = append(c.list, added{time.Now(), b.Txs[0].Outputs[0].PkScript, len(b.Txs) - 1})
	changed := c.changed
	c.changed = make(chan struct{})
	c.mu.Unlock()
	c.pool.remove(b)
	close(changed)
	return nil
}

// added is a block that was added.
type added struct {
	at   time.Time
	paid []byte // the coinbase's script
	txs  int    // without the coinbase
}

// height is how many blocks were added.
func (c *easyChain) height() int { return len(c.blocks()) }

// blocks are those that were added, which do not change.
func (c *easyChain) blocks() []added {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.list
}

// txsOf are the numbers of transactions of all blocks.
func (c *easyChain) txsOf() (txs []int) {
	for _, b := range c.blocks() {
		txs = append(txs, b.txs)
	}
	return txs
}

// txPool has transactions, of which those with a lock time cannot be selected.
type txPool struct {
	chain   *easyChain
	selects atomic.Int64

	mu      sync.Mutex
	txs     []*wire.Tx
	changed chan struct{}
}

func (p *txPool) Select(mempool.SelectOptions) (*mempool.Selection, error) {
	p.selects.Add(1)
	p.mu.Lock()
	defer p.mu.Unlock()
	sel := &mempool.Selection{State: p.chain.Tip()}
	for _, tx := range p.txs {
		if tx.LockTime == 0 {
			sel.Txs = append(sel.Txs, mempool.Selected{Raw: tx.Append(nil), TxID: tx.TxID(), WTxID: tx.WTxID()})
		}
	}
	return sel, nil
}

func (p *txPool) Changed() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.changed
}

func (p *txPool) change(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
	close(p.changed)
	p.changed = make(chan struct{})
}

// add adds a transaction that no other one equals.
func (p *txPool) add(n, lockTime uint32) {
	tx := &wire.Tx{Version: 2, LockTime: lockTime,
		Inputs:  []wire.TxIn{{PrevOut: wire.OutPoint{TxID: wire.Hash{1}, Index: n}}},
		Outputs: []wire.TxOut{{Value: 1, PkScript: []byte{0x51}}}}
	p.change(func() { p.txs = append(p.txs, tx) })
}

func (p *txPool) remove(b *wire.Block) {
	p.change(func() {
		p.txs = slices.DeleteFunc(p.txs, func(tx *wire.Tx) bool {
			return slices.ContainsFunc(b.Txs, func(in *wire.Tx) bool { return in.TxID() == tx.TxID() })
		})
	})
}

// runPlan runs a miner on a chain in a bubble of its own time, with one plan after
// the other as f sets them.
func runPlan(t *testing.T, power int, plan Plan, f func(t *testing.T, m *Miner, c *easyChain)) {
	synctest.Test(t, func(t *testing.T) {
		c := newEasyChain(power)
		m := newPlanned(c, plan, 1)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- m.Run(ctx) }()
		f(t, m, c)
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// newPlanned returns a miner whose random numbers follow from a seed.
func newPlanned(c *easyChain, plan Plan, seed uint64) *Miner {
	// The bubble's time is long before the chain's.
	now := func() time.Time { return time.Now().AddDate(20, 0, 0) }
	m := New(Config{Chain: c, Source: c.pool, Workers: 1, Now: now, Plan: plan})
	m.gap = rand.New(rand.NewPCG(seed, 1)).ExpFloat64
	m.extraNonce.Store(seed << 32)
	return m
}

// TestPlanInterval: a block every interval, none when the plan is off, and another
// interval when it changes.
func TestPlanInterval(t *testing.T) {
	plan := Plan{Kind: Interval, PkScript: []byte{0x51}, Interval: 10 * time.Second}
	runPlan(t, 8, plan, func(t *testing.T, m *Miner, c *easyChain) {
		began := time.Now()
		time.Sleep(time.Minute + time.Second)
		for i, b := range c.blocks() {
			if want := began.Add(time.Duration(i+1) * plan.Interval); b.at != want {
				t.Errorf("block %d after %v", i, b.at.Sub(began))
			}
		}
		if c.height() != 6 {
			t.Errorf("%d blocks in a minute", c.height())
		}
		set(t, m, Plan{})
		time.Sleep(time.Hour)
		if c.height() != 6 {
			t.Errorf("%d blocks, and the plan was off", c.height())
		}
		plan.Interval, plan.PkScript = 90*time.Millisecond, []byte{0x52}
		set(t, m, plan)
		time.Sleep(time.Second)
		if c.height() != 17 || !bytes.Equal(c.blocks()[16].paid, plan.PkScript) {
			t.Errorf("%d blocks after another second", c.height())
		}
	})
}

// set sets a plan that is a good one.
func set(t *testing.T, m *Miner, p Plan) {
	t.Helper()
	if err := m.SetPlan(t.Context(), p); err != nil {
		t.Error(err)
	}
}

// TestPlanInstant: each transaction is mined in the moment in which it comes, what
// comes during that in the next block, and nothing else makes a block or keeps the
// miner busy.
func TestPlanInstant(t *testing.T) {
	runPlan(t, 8, Plan{Kind: Instant, PkScript: []byte{0x51}}, func(t *testing.T, m *Miner, c *easyChain) {
		time.Sleep(time.Hour)
		if c.height() != 0 || c.pool.selects.Load() != 1 {
			t.Errorf("%d blocks of nothing, %d looks", c.height(), c.pool.selects.Load())
		}
		for i := range uint32(5) {
			at := time.Now()
			c.pool.add(i, 0)
			synctest.Wait()
			if c.height() != int(i)+1 || c.blocks()[i].at != at || c.blocks()[i].txs != 1 {
				t.Fatalf("transaction %d: %+v", i, c.blocks())
			}
		}

		// One more comes during each of three blocks.
		next := uint32(10)
		c.mu.Lock()
		c.adds = func() {
			if next < 13 {
				next++
				c.pool.add(next, 0)
			}
		}
		c.mu.Unlock()
		c.pool.add(10, 0)
		synctest.Wait()
		if want := []int{1, 1, 1, 1, 1, 1, 1, 1, 1}; !slices.Equal(c.txsOf(), want) {
			t.Errorf("transactions by block: %v", c.txsOf())
		}

		// What cannot be selected is looked at once.
		looks := c.pool.selects.Load()
		for i := range uint32(3) {
			c.pool.add(i, 7)
			time.Sleep(time.Hour)
		}
		if c.height() != 9 || c.pool.selects.Load() != looks+3 {
			t.Errorf("%d blocks, %d looks at three transactions that cannot be selected", c.height(), c.pool.selects.Load()-looks)
		}
		c.pool.add(20, 0)
		synctest.Wait()
		if c.height() != 10 || c.blocks()[9].txs != 1 {
			t.Errorf("transactions by block: %v", c.txsOf())
		}
	})
}

// TestPlanHashRate: at any rate and difficulty the times between blocks have the
// exponential distribution, with the mean that rate and difficulty make.
func TestPlanHashRate(t *testing.T) {
	for _, c := range []struct {
		name  string
		power int
		rate  float64
		mean  float64 // seconds
	}{
		{"2 a second", 8, 2, 128},
		{"256 a second", 8, 256, 1},
		{"20000 a second", 12, 20_000, 4096. / 20_000},
	} {
		t.Run(c.name, func(t *testing.T) {
			const blocks = 200
			plan := Plan{Kind: Search, PkScript: []byte{0x51}, HashRate: c.rate}
			runPlan(t, c.power, plan, func(t *testing.T, m *Miner, chain *easyChain) {
				began := time.Now()
				for chain.height() < blocks {
					time.Sleep(time.Duration(c.mean * float64(time.Second)))
				}
				var gaps []float64
				last := began
				for _, b := range chain.blocks()[:blocks] {
					gaps = append(gaps, b.at.Sub(last).Seconds()/c.mean)
					last = b.at
				}
				exponential(t, gaps)
				// Hashes come at the rate, too, apart from what chance makes of that.
				made, want := float64(m.Stats().Hashes), time.Since(began).Seconds()*c.rate
				if math.Abs(made-want) > 5*math.Sqrt(want)+laneTick.Seconds()*c.rate {
					t.Errorf("%.0f hashes, want %.0f", made, want)
				}
			})
		})
	}
}

// exponential holds the mean and the distribution of numbers against the
// exponential distribution of mean 1 (Kolmogorov and Smirnov, at 0.1 %).
func exponential(t *testing.T, x []float64) {
	t.Helper()
	n := float64(len(x))
	sum := 0.0
	for _, v := range x {
		sum += v
	}
	if mean := sum / n; math.Abs(mean-1) > 4/math.Sqrt(n) {
		t.Errorf("the mean is %.3f of what it should be", mean)
	}
	sorted := slices.Sorted(slices.Values(x))
	worst := 0.0
	for i, v := range sorted {
		p := 1 - math.Exp(-v)
		worst = max(worst, math.Abs(p-float64(i)/n), math.Abs(p-float64(i+1)/n))
	}
	if worst > 1.95/math.Sqrt(n) {
		t.Errorf("the distribution is off by %.3f", worst)
	}
}

// TestPlanShares: of two miners the one with three times the rate finds three
// times as many blocks.
func TestPlanShares(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newEasyChain(8)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 2)
		for i, rate := range []float64{7.5, 2.5} {
			m := newPlanned(c, Plan{Kind: Search, PkScript: []byte{0x51 + byte(i)}, HashRate: rate}, uint64(i+1))
			go func() { done <- m.Run(ctx) }()
		}
		const blocks = 600
		for c.height() < blocks {
			time.Sleep(time.Minute)
		}
		stop()
		for range 2 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		first := 0.
		for _, b := range c.blocks()[:blocks] {
			if b.paid[0] == 0x51 {
				first++
			}
		}
		if want, sigma := 0.75*blocks, math.Sqrt(blocks*0.75*0.25); math.Abs(first-want) > 4*sigma {
			t.Errorf("the first one found %.0f of %d", first, blocks)
		}
	})
}

// TestPaceLimits: what a pace could not try in time is not made up for but for a
// moment of it, a rate above that of one core is shared, and slow ones look seldom.
func TestPaceLimits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one := func() float64 { return 1 }
		p := newPace(1000, 8, one)
		if len(p.lanes) != 1 {
			t.Errorf("%d lanes for a low rate", len(p.lanes))
		}
		time.Sleep(time.Hour)
		total := uint32(0)
		for l := &p.lanes[0]; ; {
			if n := l.take(t.Context()); time.Since(p.began) > time.Hour {
				break
			} else {
				total += n
			}
		}
		if total < 99 || total > 102 {
			t.Errorf("%d hashes after a sleep, want those of %v", total, laneBehind)
		}
		if p := newPace(5*laneRate, 4, one); len(p.lanes) != 4 || math.Abs(p.lanes[0].mean*5*laneRate-4) > 1e-9 {
			t.Errorf("%d lanes for a high rate", len(p.lanes))
		}

		// All lanes together find a nonce, and all end.
		h := wire.Header{Time: 1}
		target, err := pow.Bits(0x1f0fffff).Target()
		if err != nil {
			t.Fatal(err)
		}
		tried := new(atomic.Uint64)
		p = newPace(4*laneRate, 4, one)
		if nonce, ok := p.find(t.Context(), h, target, 1, tried); !ok || !target.Met((&wire.Header{Time: 1, Nonce: nonce}).Hash()) || tried.Load() == 0 {
			t.Errorf("nonce %d, %v after %d", nonce, ok, tried.Load())
		}
		ctx, stop := context.WithTimeout(t.Context(), time.Second)
		defer stop()
		at := time.Now()
		if _, ok := newPace(0.0001, 1, one).find(ctx, h, target, 1, tried); ok || time.Since(at) != time.Second {
			t.Errorf("%v after %v", ok, time.Since(at))
		}
	})
}

// TestSetPlan refuses what is no plan, and ends a search at once.
func TestSetPlan(t *testing.T) {
	to := []byte{0x51}
	runBench(t, nil, func(t *testing.T, b *bench) {
		b.next(t)
		for _, p := range []Plan{
			{Kind: Search + 1, PkScript: to}, {Kind: Search}, {Kind: Instant}, {Kind: Interval, PkScript: to},
			{Kind: Interval, PkScript: to, Interval: -1}, {Kind: Search, PkScript: to, Interval: -1},
			{Kind: Search, PkScript: to, HashRate: -1}, {Kind: Search, PkScript: to, HashRate: math.NaN()},
			{Kind: Search, PkScript: to, HashRate: math.Inf(1)}, {Kind: Instant, PkScript: to, HashRate: 1},
		} {
			if err := b.SetPlan(t.Context(), p); err == nil {
				t.Errorf("%+v is no plan", p)
			}
		}
		if p := b.Plan(); p.Kind != Search || !bytes.Equal(p.PkScript, to) {
			t.Errorf("%+v", p)
		}
		at := time.Now()
		set(t, b.Miner, Plan{})
		if took := time.Since(at); took != 0 {
			t.Errorf("a search takes %v to end", took)
		}
		b.chain.move()
		time.Sleep(time.Hour)
		if len(b.searched) != 0 {
			t.Error("searches although the plan is off")
		}
		set(t, b.Miner, Plan{Kind: Search, PkScript: []byte{0x52}})
		b.next(t)
	})
}

// aheadChain refuses blocks until the clock is right.
type aheadChain struct {
	*easyChain
	right   atomic.Bool
	refused atomic.Int64
}

func (c *aheadChain) AddBlock(ctx context.Context, b *wire.Block) error {
	if !c.right.Load() {
		c.refused.Add(1)
		return &consensus.RuleError{Kind: consensus.ErrTimeTooNew}
	}
	return c.easyChain.AddBlock(ctx, b)
}

// TestClockSetBack: a node whose chain is ahead of its clock goes on mining when
// the clock is right again.
func TestClockSetBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := &aheadChain{easyChain: newEasyChain(8)}
		m := newPlanned(c.easyChain, Plan{Kind: Instant, PkScript: []byte{0x51}}, 1)
		var log bytes.Buffer
		m.cfg.Chain, m.cfg.Log = c, zerolog.New(&log)
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- m.Run(ctx) }()
		c.pool.add(1, 0)
		time.Sleep(10*time.Second + 1)
		if n := c.refused.Load(); n != 11 || strings.Count(log.String(), "ahead of the clock") != 1 {
			t.Errorf("%d blocks refused in 10 s, log %s", n, log.String())
		}
		c.right.Store(true)
		time.Sleep(earlyPause)
		if c.height() != 1 {
			t.Errorf("%d blocks", c.height())
		}
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}
