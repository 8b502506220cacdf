package mempool

import (
	"context"
	"fmt"
	"sync"

	"github.com/rs/zerolog"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/mempool/fees"
	"github.com/keelson-chain/keelson/wire"
)

// Pool is the transactions that wait for a block. Its methods may be called
// from any goroutine.
type Pool struct {
	cfg    Config
	params *consensus.Params
	chain  Chain
	log    zerolog.Logger

	mu sync.Mutex // guards what follows

	state consensus.State        // at the tip that the pool stands on
	left  uint64                 // Chain.Departures then
	coins consensus.CoinSnapshot // at that tip; nil until somebody needs it

	byID       table    // entries by txid
	byWitness  table    // entries by wtxid
	spends     table    // entries by each outpoint that they spend
	leaving    []leaver // still in the tables; see retire
	deltas     map[wire.Hash]wire.Amount
	walks      uint64 // how many walks there were: the mark of the last one
	selections uint64 // the same of selections
	likely     int    // how many transactions the next selection may have
	version    uint64 // grows with every change of entries or of the tip

	ranking, pending []*entry // see rank.go
	spare            []*entry // memory for the next ranking
	stale            int      // entries in ranking and pending that are gone
	arrivals         arrivals
	latest           latest
	replaced         replaced
	evictions        *evictions // nil while there is room

	bytes       int64       // virtual sizes summed up
	fees        wire.Amount // what all pay, without prioritisation
	usage       int64       // memory; see Config.MaxBytes
	unbroadcast int
	floor       feeFloor
	sequence    uint64
	loaded      bool
	counts      Counts

	journal *journal // nil before Load
	moves   *moves   // nil if nobody takes them

	estimator *fees.Estimator

	saving sync.Mutex // one Save at a time; taken before mu

	news      bool // something changed since the lock was taken
	changedMu sync.Mutex
	changed   chan struct{}
}

// New returns an empty pool at the chain's tip.
func New(cfg Config) (*Pool, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	p := &Pool{
		cfg:       cfg,
		chain:     cfg.Chain,
		params:    cfg.Chain.Tip().Params,
		log:       cfg.Log,
		left:      cfg.Chain.Departures(), // before the tip, so that none is missed
		byID:      newTable(func(e *entry, _ uint32) []byte { return e.txid[:] }),
		byWitness: newTable(func(e *entry, _ uint32) []byte { return e.wtxid[:] }),
		spends:    newTable(func(e *entry, at uint32) []byte { return e.raw[at : at+outPointSize] }),
		deltas:    map[wire.Hash]wire.Amount{},
		estimator: fees.New(),
		changed:   make(chan struct{}),
		loaded:    cfg.File == "",
		// Core's first sequence number is 1.
		sequence: 1,
	}
	p.state = cfg.Chain.Tip()
	if cfg.Moves {
		p.moves = new(moves)
	}
	return p, nil
}

// Close lets go of what the pool holds of the chain, which may then be closed,
// and ends the journal. Nothing is saved.
func (p *Pool) Close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.dropCoins()
	p.journal.close()
	p.journal = nil
}

func (p *Pool) dropCoins() {
	if p.coins != nil {
		p.coins.Close()
		p.coins = nil
	}
}

// Changed returns a channel that is closed when transactions come or go next,
// the tip that they wait on changes, or Load is through. Ask for it first and for what is there
// after it, and no change is missed.
func (p *Pool) Changed() <-chan struct{} {
	p.changedMu.Lock()
	defer p.changedMu.Unlock()
	return p.changed
}

// touched notes that the pool has changed; unlock tells those who wait.
func (p *Pool) touched() {
	p.version++
	p.news = true
}

// unlock ends what mu.Lock began.
func (p *Pool) unlock() {
	news := p.news
	p.news = false
	p.mu.Unlock()
	if !news {
		return
	}
	p.changedMu.Lock()
	defer p.changedMu.Unlock()
	close(p.changed)
	p.changed = make(chan struct{})
}

// count is how many transactions there are.
func (p *Pool) count() int { return p.byID.used - len(p.leaving) }

// lookup finds an entry by its id, nil if there is none.
func (p *Pool) lookup(txid *wire.Hash) *entry { return present(p.byID.get(txid[:])) }

// lookupWitness finds an entry by its witness id, nil if there is none.
func (p *Pool) lookupWitness(wtxid *wire.Hash) *entry { return present(p.byWitness.get(wtxid[:])) }

// spender finds the entry that spends an output, nil if none does.
func (p *Pool) spender(op *wire.OutPoint) *entry {
	key := outPointKey(op)
	return present(p.spends.get(key[:]))
}

// present is e unless it has left and only waits to be taken out of the tables.
func present(e *entry) *entry {
	if e == nil || e.has(flagGone) {
		return nil
	}
	return e
}

// read calls f with the pool locked and at the chain's tip.
func (p *Pool) read(f func()) error {
	p.mu.Lock()
	defer p.unlock()
	if err := p.advance(); err != nil {
		return err
	}
	f()
	return nil
}

// withCoins is read for who needs the coins at the tip, which are in p.coins.
// A ledger in the middle of a long reorganisation has coins of a tip that it
// does not show yet; then the call waits for the ledger.
func (p *Pool) withCoins(ctx context.Context, f func() error) error {
	for {
		changed := p.chain.Changed()
		done, err := p.tryCoins(f)
		if done || err != nil {
			return err
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func (p *Pool) tryCoins(f func() error) (done bool, err error) {
	p.mu.Lock()
	defer p.unlock()
	for range 3 { // a block may come in between; not forever
		if err := p.advance(); err != nil {
			return false, err
		}
		if p.coins == nil {
			if p.coins, err = p.chain.CoinSnapshot(); err != nil {
				return false, fmt.Errorf("mempool: coins at the tip: %w", err)
			}
		}
		if p.coins.Tip() == p.state.Tip {
			return true, f()
		}
		p.dropCoins()
	}
	return false, nil
}
