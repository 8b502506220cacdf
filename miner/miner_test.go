package miner_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/miner"
	"github.com/keelson-chain/keelson/wire"
)

// payTo is an output script that anybody can spend.
var payTo = []byte{0x51}

// newChain opens a real ledger in a folder of the test's.
func newChain(t *testing.T, p *consensus.Params) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(t.Context(), ledger.Config{Dir: t.TempDir(), Params: p, Workers: 1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return l
}

func newMiner(l *ledger.Ledger, workers int) *miner.Miner {
	return miner.New(miner.Config{Chain: l, Workers: workers, Now: time.Now})
}

func TestGenerate(t *testing.T) {
	l := newChain(t, consensus.Regtest(consensus.RegtestOptions{}))
	hashes, err := newMiner(l, 1).Generate(t.Context(), 20, payTo, 1_000_000)
	if err != nil || len(hashes) != 20 {
		t.Fatalf("%d blocks, %v", len(hashes), err)
	}
	if tip := l.Tip().Tip; tip.Height != 20 || tip.Hash != hashes[19] {
		t.Fatalf("tip %v, want height 20, %v", tip, hashes[19])
	}
	b, err := l.Block(hashes[19])
	if err != nil {
		t.Fatal(err)
	}
	cb := b.Txs[0]
	if cb.Outputs[0].Value != 50*wire.Coin || !bytes.Equal(cb.Outputs[0].PkScript, payTo) {
		t.Errorf("coinbase pays %v to %x", cb.Outputs[0].Value, cb.Outputs[0].PkScript)
	}
	if _, ok := b.WitnessCommitment(); !ok {
		t.Error("no witness commitment although segwit is active")
	}
}

// twice is a chain that gets each block from somebody else first. It has the
// body then, and connects it only when somebody waits for that.
type twice struct {
	*ledger.Ledger
	late chan *wire.Block
}

func (c twice) AddBlock(ctx context.Context, b *wire.Block) error {
	select {
	case c.late <- b:
	default:
		return errors.New("another block is mined before the one that is known is connected")
	}
	return fmt.Errorf("%w: %v", ledger.ErrDuplicate, b.Hash())
}

func (c twice) Changed() <-chan struct{} {
	changed := c.Ledger.Changed()
	select {
	case b := <-c.late:
		if err := c.Ledger.AddBlock(context.Background(), b); err != nil {
			panic(err)
		}
	default:
	}
	return changed
}

// TestGenerateTwins: another node makes the same blocks, and is faster, but not so
// much faster that they are connected.
func TestGenerateTwins(t *testing.T) {
	l := newChain(t, consensus.Regtest(consensus.RegtestOptions{}))
	m := miner.New(miner.Config{Chain: twice{l, make(chan *wire.Block, 1)}, Workers: 1, Now: time.Now})
	hashes, err := m.Generate(t.Context(), 3, payTo, 1_000_000)
	if err != nil || len(hashes) != 3 || l.Tip().Tip.Hash != hashes[2] || l.Tip().Tip.Height != 3 {
		t.Fatalf("%d blocks, tip %v, %v", len(hashes), l.Tip().Tip, err)
	}
}

// TestGenerateRace: several miners who pay the same script under one clock, so
// that they make the same blocks: every one of them gets a chain of its own blocks.
func TestGenerateRace(t *testing.T) {
	const miners, blocks = 4, 30
	l := newChain(t, consensus.Regtest(consensus.RegtestOptions{}))
	at := time.Now()
	var all sync.WaitGroup
	for range miners {
		m := miner.New(miner.Config{Chain: l, Workers: 1, Now: func() time.Time { return at }})
		all.Go(func() {
			hashes, err := m.Generate(t.Context(), blocks, payTo, 1_000_000)
			if err != nil || len(hashes) != blocks {
				t.Errorf("%d blocks, %v", len(hashes), err)
			}
			height := uint32(0)
			for _, hash := range hashes {
				e, ok := l.Entry(hash)
				if !ok || e.Ref.Height <= height {
					t.Errorf("%v at height %d follows one at %d", hash, e.Ref.Height, height)
				}
				height = e.Ref.Height
			}
		})
	}
	all.Wait()
	if height := l.Tip().Tip.Height; height < blocks || height > miners*blocks {
		t.Errorf("%d blocks", height)
	}
}

// TestGenerateTries uses the tries up: no block, and no error.
func TestGenerateTries(t *testing.T) {
	l := newChain(t, consensus.Regtest(consensus.RegtestOptions{}))
	hashes, err := newMiner(l, 1).Generate(t.Context(), 1, payTo, 0)
	if err != nil || len(hashes) != 0 {
		t.Fatalf("%d blocks, %v", len(hashes), err)
	}
}

// TestSolve works on a block that is too hard for its tries, and for its time.
func TestSolve(t *testing.T) {
	m := miner.New(miner.Config{Workers: 1, Now: time.Now})
	b := m.Block(consensus.GenesisState(consensus.Regtest(consensus.RegtestOptions{})), nil, payTo)
	b.Header.Bits = 0x0300ffff
	if err := m.Solve(t.Context(), b, 100); !errors.Is(err, miner.ErrMaxTries) {
		t.Errorf("got %v, want ErrMaxTries", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := m.Solve(ctx, b, 1<<40); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want the context's error", err)
	}
}

// TestRun lets the miner run while somebody else adds blocks too, until the
// chain has grown, and stops it.
func TestRun(t *testing.T) {
	l := newChain(t, consensus.Regtest(consensus.RegtestOptions{}))
	m := newMiner(l, 2)
	if err := m.SetPlan(t.Context(), miner.Plan{Kind: miner.Search, PkScript: payTo}); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	for l.Tip().Tip.Height < 30 {
		changed := l.Changed()
		select {
		case <-changed:
		case err := <-done:
			t.Fatalf("Run returned %v", err)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
}

// stopping is a chain whose miner is told to stop while it hands in a block.
type stopping struct {
	*ledger.Ledger
	stop func()
}

func (c stopping) AddBlock(ctx context.Context, b *wire.Block) error {
	c.stop()
	return c.Ledger.AddBlock(ctx, b)
}

// TestRunStopped: a block that is solved becomes the tip, whenever the miner is
// stopped, and does not turn up later.
func TestRunStopped(t *testing.T) {
	l := newChain(t, consensus.Regtest(consensus.RegtestOptions{}))
	ctx, stop := context.WithCancel(t.Context())
	m := miner.New(miner.Config{Chain: stopping{l, stop}, Workers: 1, Now: time.Now, Plan: miner.Plan{Kind: miner.Search, PkScript: payTo}})
	if err := m.Run(ctx); err != nil {
		t.Fatal(err)
	}
	tips := l.Tips()
	if height, found := l.Tip().Tip.Height, m.Stats().Found; height != 1 || found != 1 || len(tips) != 1 {
		t.Errorf("height %d after %d blocks, tips %+v", height, found, tips)
	}
}
