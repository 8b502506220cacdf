package miner

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/pow"
	"github.com/keelson-chain/keelson/wire"
)

// Chain is what a Miner needs of the ledger.
type Chain interface {
	Tip() consensus.State
	AddBlock(ctx context.Context, b *wire.Block) error
	Changed() <-chan struct{} // closed when the tip changes next
}

// Config is what a Miner is made of.
type Config struct {
	Chain   Chain
	Workers int              // cores that Run searches on, at least 1
	Now     func() time.Time // the node's clock, which tests may set
	Log     zerolog.Logger
}

// Miner makes blocks on a chain. Its methods may be called side by side.
type Miner struct {
	cfg Config
}

// New returns a Miner that does nothing until a method is called.
func New(cfg Config) *Miner { return &Miner{cfg: cfg} }

// ErrMaxTries reports that no proof of work was found in the hashes allowed.
var ErrMaxTries = errors.New("no proof of work found within the tries allowed")

// Generate mines n blocks, one on top of the other, each paying pkScript, and
// returns their hashes. It makes maxTries hashes at most over all of them and
// returns what it has, without an error, when they are used up, as Bitcoin
// Core's generatetoaddress does.
func (m *Miner) Generate(ctx context.Context, n int, pkScript []byte, maxTries uint64) ([]wire.Hash, error) {
	hashes := []wire.Hash{}
	for len(hashes) < n {
		b := m.Block(m.cfg.Chain.Tip(), nil, pkScript)
		tried, err := solve(ctx, b, maxTries)
		maxTries -= tried
		if errors.Is(err, ErrMaxTries) {
			return hashes, nil
		}
		if err != nil {
			return hashes, err
		}
		if err := m.cfg.Chain.AddBlock(ctx, b); err != nil {
			return hashes, fmt.Errorf("mined block %v was refused: %w", b.Hash(), err)
		}
		hashes = append(hashes, b.Hash())
	}
	return hashes, nil
}

// Block builds the unsolved child of the state with the given transactions,
// whose fees it leaves to nobody, as Bitcoin Core's generateblock does.
func (m *Miner) Block(s consensus.State, txs []*wire.Tx, pkScript []byte) *wire.Block {
	return Template(s, txs, Payout{PkScript: pkScript}, m.cfg.Now().Unix())
}

// Solve sets the nonce that gives a block its proof of work, on the caller's
// goroutine. The error is ErrMaxTries, also when the nonces run out, or that
// of ctx.
func (m *Miner) Solve(ctx context.Context, b *wire.Block, maxTries uint64) error {
	_, err := solve(ctx, b, maxTries)
	return err
}

// triesPerLook is how many hashes solve makes between two looks at its context.
const triesPerLook = 1 << 14

// solve is Solve; it also returns how many hashes it made.
func solve(ctx context.Context, b *wire.Block, maxTries uint64) (tried uint64, err error) {
	target, err := pow.Bits(b.Header.Bits).Target()
	if err != nil {
		return 0, fmt.Errorf("block to mine: %w", err)
	}
	s := pow.NewSearcher(b.Header, target)
	maxTries = min(maxTries, 1<<32)
	for tried < maxTries {
		if err := ctx.Err(); err != nil {
			return tried, err
		}
		count := uint32(min(maxTries-tried, triesPerLook))
		if nonce, ok := s.Try(uint32(tried), count); ok {
			b.Header.Nonce = nonce
			return uint64(nonce) + 1, nil
		}
		tried += uint64(count)
	}
	return tried, ErrMaxTries
}

// refresh is how often Run takes a new header time into the block it works on.
const refresh = 30 * time.Second

// report is how often Run logs its hash rate.
const report = time.Minute

// Run mines to pkScript on whatever tip the chain has until ctx ends, which is
// its only way to return without an error. It leaves at least interval between
// two of its own blocks, so that a chain without difficulty does not race away.
func (m *Miner) Run(ctx context.Context, pkScript []byte, interval time.Duration) error {
	var tried atomic.Uint64
	stopReport := m.reportRate(ctx, &tried)
	defer stopReport()
	for extraNonce := uint64(1); ctx.Err() == nil; extraNonce++ {
		started := time.Now()
		changed := m.cfg.Chain.Changed()
		s := m.cfg.Chain.Tip()
		b := m.Block(s, nil, pkScript)
		rollExtraNonce(b, s.Tip.Height+1, extraNonce)
		if !m.search(ctx, b, changed, &tried) {
			continue
		}
		if err := m.submit(ctx, s, b); err != nil {
			return err
		}
		wait(ctx, interval-time.Since(started))
	}
	return nil
}

// search works on b until it is solved (true), the tip changes, the header's
// time is stale, all nonces were tried, or ctx ends.
func (m *Miner) search(ctx context.Context, b *wire.Block, changed <-chan struct{}, tried *atomic.Uint64) bool {
	target, err := pow.Bits(b.Header.Bits).Target()
	if err != nil {
		panic("consensus requires bits without a target: " + err.Error())
	}
	ctx, cancel := context.WithTimeout(ctx, refresh)
	defer cancel()

	var watch sync.WaitGroup
	watch.Go(func() {
		select {
		case <-changed:
			cancel()
		case <-ctx.Done():
		}
	})
	nonce, ok := pow.Search(ctx, b.Header, target, m.cfg.Workers, tried)
	cancel()
	watch.Wait()
	b.Header.Nonce = nonce
	return ok
}

// submit hands a solved block to the chain. A refusal is logged, as the tip may
// have moved on; it is an error if the block was made for the tip that still stands.
func (m *Miner) submit(ctx context.Context, s consensus.State, b *wire.Block) error {
	err := m.cfg.Chain.AddBlock(ctx, b)
	switch {
	case err == nil:
		m.cfg.Log.Debug().Uint32("height", s.Tip.Height+1).Stringer("hash", b.Hash()).
			Stringer("pays", b.Txs[0].Outputs[0].Value).Msg("mined a block")
		return nil
	case ctx.Err() != nil:
		return nil
	case m.cfg.Chain.Tip().Tip != s.Tip:
		m.cfg.Log.Info().Err(err).Msg("a mined block came too late")
		return nil
	}
	return fmt.Errorf("mined block %v was refused: %w", b.Hash(), err)
}

// reportRate logs the hash rate now and then until the returned function is
// called, which waits for the last line.
func (m *Miner) reportRate(ctx context.Context, tried *atomic.Uint64) (stop func()) {
	ctx, cancel := context.WithCancel(ctx)
	done := make(chan struct{})
	go func() {
		defer close(done)
		last := uint64(0)
		for wait(ctx, report) {
			now := tried.Load()
			m.cfg.Log.Info().Float64("hashes_per_s", float64(now-last)/report.Seconds()).Msg("mining")
			last = now
		}
	}()
	return func() {
		cancel()
		<-done
	}
}

// wait sleeps for d and reports whether ctx is still alive.
func wait(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(max(d, 0))
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return ctx.Err() == nil
	}
}
