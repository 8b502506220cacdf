package miner

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/mempool"
	"github.com/keelson-chain/keelson/mempool/policy"
	"github.com/keelson-chain/keelson/miner/template"
	"github.com/keelson-chain/keelson/pow"
	"github.com/keelson-chain/keelson/wire"
)

// Chain is what a Miner needs of the ledger.
type Chain interface {
	Tip() consensus.State
	AddBlock(ctx context.Context, b *wire.Block) error
	Changed() <-chan struct{} // closed when the tip changes next
}

// Source is where transactions come from: the pool.
type Source interface {
	// Select chooses transactions for the child of the chain's tip.
	Select(mempool.SelectOptions) (*mempool.Selection, error)
	Changed() <-chan struct{} // closed when another selection may be better
}

// DefaultMinFeeRate is the fee rate below which transactions do not get into
// our blocks by default, 1 satoshi per virtual byte.
const DefaultMinFeeRate policy.FeeRate = 1000

// Config is what a Miner is made of.
type Config struct {
	Chain   Chain
	Source  Source           // nil: blocks have no transactions but the coinbase
	Workers int              // cores that Run searches on, at least 1
	Plan    Plan             // what Run does, until SetPlan says otherwise
	Now     func() time.Time // the node's clock, which tests may set
	// MaxWeight is the most that a block weighs, in weight units, of which
	// template.ReservedWeight is for header and coinbase. 0: that much less
	// than the network's limit, as in Bitcoin Core 28.
	MaxWeight int
	// MinFeeRate is what a transaction with its ancestors must pay.
	MinFeeRate policy.FeeRate
	// Version is the block version, 0: template.BlockVersion.
	Version int32
	Log     zerolog.Logger
}

// Miner makes blocks on a chain. Its methods may be called side by side.
type Miner struct {
	cfg Config
	// find is pow.Search, but in tests that have no time for so many nonces.
	find finder
	// gap is rand.ExpFloat64, but in tests: see newPace.
	gap func() float64

	planned planned
	offer   offer
	counts  counts
	// extraNonce is the last one of Run's. The first is random, so that two
	// miners who pay the same script do not search the same headers.
	extraNonce atomic.Uint64
	// early says that the last block of Run's was refused because the chain is
	// ahead of the clock.
	early atomic.Bool
}

// finder is pow.Search, or something that does the same in another way.
type finder func(ctx context.Context, h wire.Header, t pow.Target, workers int, tried *atomic.Uint64) (nonce uint32, ok bool)

// New returns a Miner that does nothing until a method is called. Its plan is
// cfg.Plan, which must be one that SetPlan would take.
func New(cfg Config) *Miner {
	m := &Miner{cfg: cfg, find: pow.Search, gap: rand.ExpFloat64}
	m.planned.plan = cfg.Plan
	m.extraNonce.Store(rand.Uint64())
	return m
}

// build makes a template on the chain's tip that pays pkScript.
func (m *Miner) build(pkScript []byte) (*template.Template, error) {
	started := time.Now()
	sel, err := m.selection()
	if err != nil {
		return nil, fmt.Errorf("select transactions for a block: %w", err)
	}
	t := m.templateOf(sel, pkScript)
	m.counts.templateTime.Store(int64(time.Since(started)))
	return t, nil
}

func (m *Miner) selection() (*mempool.Selection, error) {
	if m.cfg.Source == nil {
		return template.Of(m.cfg.Chain.Tip(), nil), nil
	}
	p := m.cfg.Chain.Tip().Params
	most := m.cfg.MaxWeight
	if most == 0 {
		most = p.MaxBlockWeight - template.ReservedWeight
	}
	// Bitcoin Core's blocks stay below their limits.
	return m.cfg.Source.Select(mempool.SelectOptions{
		MaxWeight:  max(0, most-template.ReservedWeight-1),
		MaxSigOps:  p.MaxBlockSigOpsCost - template.ReservedSigOps - 1,
		MinFeeRate: m.cfg.MinFeeRate,
	})
}

func (m *Miner) templateOf(sel *mempool.Selection, pkScript []byte) *template.Template {
	m.counts.last.Store(&size{weight: template.ReservedWeight + sel.Weight, txs: len(sel.Txs)})
	return template.New(sel, template.Options{PkScript: pkScript, Now: m.cfg.Now().Unix(), Version: m.cfg.Version})
}

// ErrMaxTries reports that no proof of work was found in the hashes allowed.
var ErrMaxTries = errors.New("no proof of work found within the tries allowed")

// Generate mines n blocks with the source's transactions, one on top of the
// other, each paying pkScript, and returns their hashes. It makes maxTries
// hashes at most over all of them and returns what it has, without an error,
// when they are used up, as Bitcoin Core's generatetoaddress does.
func (m *Miner) Generate(ctx context.Context, n int, pkScript []byte, maxTries uint64) ([]wire.Hash, error) {
	hashes := []wire.Hash{}
	for len(hashes) < n {
		t, err := m.build(pkScript)
		if err != nil {
			return hashes, err
		}
		b, err := m.solved(ctx, t, &maxTries)
		if errors.Is(err, ErrMaxTries) {
			return hashes, nil
		}
		if err != nil {
			return hashes, err
		}
		switch err := m.cfg.Chain.AddBlock(ctx, b); {
		case errors.Is(err, ledger.ErrDuplicate):
			// Another node that pays the same script has made the same block, which has
			// come from there meanwhile.
			if err := m.awaitTwin(ctx, b); err != nil {
				return hashes, err
			}
		case err != nil:
			return hashes, fmt.Errorf("mined block %v was refused: %w", b.Hash(), err)
		}
		m.counts.found.Add(1)
		hashes = append(hashes, b.Hash())
	}
	return hashes, nil
}

// solved makes a block of a template, with no more hashes than maxTries, of which it
// takes off those that it made. The errors are those of solve and Template.Block.
func (m *Miner) solved(ctx context.Context, t *template.Template, maxTries *uint64) (*wire.Block, error) {
	nonce, tried, err := solve(ctx, &t.Header, *maxTries)
	*maxTries -= tried
	m.counts.hashes.Add(tried)
	if err != nil {
		return nil, err
	}
	return t.Block(nonce)
}

// twinPatience is how long the chain may take to connect a block that it has.
const twinPatience = time.Minute

// awaitTwin waits until the tip has moved on from the parent of a mined block that
// the chain has already: until it has, the next block could only be the same again.
func (m *Miner) awaitTwin(ctx context.Context, b *wire.Block) error {
	late := time.NewTimer(twinPatience)
	defer late.Stop()
	for {
		changed := m.cfg.Chain.Changed()
		if m.cfg.Chain.Tip().Tip.Hash != b.Header.PrevBlock {
			return nil
		}
		select {
		case <-changed:
		case <-late.C:
			return fmt.Errorf("mined block %v: %w, and is not being connected", b.Hash(), ledger.ErrDuplicate)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// Block builds the unsolved child of the state with the given transactions and
// none of the source's. It leaves their fees to nobody, as Bitcoin Core's
// generateblock does.
func (m *Miner) Block(s consensus.State, txs []*wire.Tx, pkScript []byte) *wire.Block {
	t := m.templateOf(template.Of(s, txs), pkScript)
	m.counts.last.Store(&size{weight: template.ReservedWeight})
	return &wire.Block{Header: t.Header, Txs: append([]*wire.Tx{t.Coinbase}, txs...)}
}

// Solve sets the nonce that gives a block its proof of work, on the caller's
// goroutine. The error is ErrMaxTries, also when the nonces run out, or that
// of ctx.
func (m *Miner) Solve(ctx context.Context, b *wire.Block, maxTries uint64) error {
	nonce, tried, err := solve(ctx, &b.Header, maxTries)
	m.counts.hashes.Add(tried)
	if err == nil {
		b.Header.Nonce = nonce
	}
	return err
}

// triesPerLook is how many hashes solve makes between two looks at its context.
const triesPerLook = 1 << 14

// solve looks for a nonce from 0 up; tried is how many hashes it made.
func solve(ctx context.Context, h *wire.Header, maxTries uint64) (nonce uint32, tried uint64, err error) {
	target, err := pow.Bits(h.Bits).Target()
	if err != nil {
		return 0, 0, fmt.Errorf("block to mine: %w", err)
	}
	s := pow.NewSearcher(*h, target)
	maxTries = min(maxTries, 1<<32)
	for tried < maxTries {
		if err := ctx.Err(); err != nil {
			return 0, tried, err
		}
		count := uint32(min(maxTries-tried, triesPerLook))
		if nonce, ok := s.Try(uint32(tried), count); ok {
			return nonce, uint64(nonce) + 1, nil
		}
		tried += uint64(count)
	}
	return 0, tried, ErrMaxTries
}
