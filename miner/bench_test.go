package miner

import (
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/mempool"
	"github.com/keelson-chain/keelson/pow"
	"github.com/keelson-chain/keelson/wire"
)

// hardChain is a chain too hard for its blocks to be found, whose tip moves
// when it is told to.
type hardChain struct {
	mu      sync.Mutex
	state   consensus.State
	changed chan struct{}
}

func newHardChain() *hardChain {
	p := consensus.Regtest(consensus.RegtestOptions{})
	p.Difficulty, p.Window = consensus.Window, 1<<30 // the bits stay those of the tip
	s := consensus.GenesisState(p)
	s.TipBits = 0x170331db
	return &hardChain{state: s, changed: make(chan struct{})}
}

func (c *hardChain) Tip() consensus.State {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.state
}

func (c *hardChain) Changed() <-chan struct{} {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.changed
}

func (c *hardChain) AddBlock(context.Context, *wire.Block) error { panic("a block was found") }

// move puts a block on top and returns its hash.
func (c *hardChain) move() wire.Hash {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.state = consensus.ApplyHeader(c.state, &wire.Header{
		PrevBlock: c.state.Tip.Hash, Time: c.state.Times[0] + 1, Bits: uint32(c.state.TipBits)})
	close(c.changed)
	c.changed = make(chan struct{})
	return c.state.Tip.Hash
}

// fullPool always selects the same number of transactions.
type fullPool struct {
	chain *hardChain
	txs   []mempool.Selected
}

func (p *fullPool) Select(mempool.SelectOptions) (*mempool.Selection, error) {
	return &mempool.Selection{State: p.chain.Tip(), Txs: p.txs}, nil
}

func (p *fullPool) Changed() <-chan struct{} { return nil }

// BenchmarkNewTip is the time from a new tip to the first hash on it, while
// every core searches.
func BenchmarkNewTip(b *testing.B) {
	b.Run("empty", func(b *testing.B) { benchNewTip(b, 0) })
	b.Run("7000", func(b *testing.B) { benchNewTip(b, 7000) })
}

func benchNewTip(b *testing.B, txs int) {
	chain := newHardChain()
	pool := &fullPool{chain, make([]mempool.Selected, txs)}
	m := New(Config{Chain: chain, Source: pool, Workers: 2, Now: time.Now, Plan: Plan{Kind: Search, PkScript: []byte{0x51}}})
	hashed := make(chan wire.Hash)
	m.find = func(ctx context.Context, h wire.Header, t pow.Target, workers int, tried *atomic.Uint64) (uint32, bool) {
		pow.NewSearcher(h, t).Try(0, 1)
		select {
		case hashed <- h.PrevBlock:
		case <-ctx.Done():
		}
		return pow.Search(ctx, h, t, workers, tried)
	}
	ctx, cancel := context.WithCancel(b.Context())
	done := make(chan error)
	go func() { done <- m.Run(ctx) }()
	<-hashed
	var took []time.Duration
	for b.Loop() {
		// The search is under way on all cores.
		for at := m.Stats().Hashes; m.Stats().Hashes < at+1<<16; {
			time.Sleep(time.Millisecond)
		}
		started := time.Now()
		tip := chain.move()
		for <-hashed != tip { // older ones do not count
		}
		took = append(took, time.Since(started))
	}
	cancel()
	if err := <-done; err != nil {
		b.Fatal(err)
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-us")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-us")
	b.ReportMetric(0, "ns/op")
}
