package node

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/keelson-chain/keelson/config"
	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/ledger/fsys"
	"github.com/keelson-chain/keelson/p2p"
	"github.com/keelson-chain/keelson/wire"
)

// The folders, below the network's, of an assumed ledger: one that began with the
// coins of loadtxoutset; and of one that proved wrong.
const (
	assumedDir = "assumed"
	wrongDir   = "assumed_invalid"
)

// errSwitch ends a run that goes on at once with another ledger.
var errSwitch = errors.New("the node goes on with other coins")

// errWrong: the coins of an assumed ledger are not what its blocks lead to, or its
// chain is invalid.
var errWrong = errors.New("the assumed coins are wrong")

// ledgers are what a node runs on. Mostly there is active alone. With assumed coins
// that is the ledger that began with them, and past, the one that began at the genesis
// block, goes up to where those begin.
type ledgers struct {
	active, past *ledger.Ledger
}

func (ls *ledgers) close() error {
	var errs []error
	for _, l := range []*ledger.Ledger{ls.past, ls.active} {
		if l != nil {
			errs = append(errs, l.Close())
		}
	}
	return errors.Join(errs...)
}

// openLedgers opens the ledger of a node, or both. What has become of an assumed one
// is settled first: where its coins have proved right or wrong, it ends here.
func openLedgers(ctx context.Context, cfg ledger.Config, log zerolog.Logger) (ls ledgers, err error) {
	dir := filepath.Join(cfg.Dir, assumedDir)
	there, err := ledger.HasAssumed(fsys.Disk(dir))
	if err != nil {
		return ls, err
	}
	if there && (cfg.Reindex || cfg.ReindexChainState) {
		log.Warn().Msg("everything is validated from the blocks: the assumed coins are dropped")
		there = false
	}
	if !there {
		if err := discardAssumed(dir); err != nil {
			return ls, err
		}
		ls.active, err = ledger.Open(ctx, cfg)
		return ls, err
	}

	defer func() {
		if err != nil {
			err = errors.Join(err, ls.close())
			ls = ledgers{}
		}
	}()
	halves := cfg
	if halves.CacheBytes == 0 {
		halves.CacheBytes = ledger.DefaultCacheBytes
	}
	halves.CacheBytes = max(1, halves.CacheBytes/2)
	assumed := halves
	assumed.Dir = dir
	if ls.active, err = ledger.Open(ctx, assumed); err != nil {
		if errors.Is(err, ledger.ErrAssumed) {
			err = fmt.Errorf("%w; wait until they are validated, or start with --reindex-chainstate to do without them", err)
		}
		return ls, err
	}
	a, ok := ls.active.Assumed()
	if !ok {
		return ls, fmt.Errorf("%w: the ledger in %s has no assumed coins", ledger.ErrCorrupt, dir)
	}
	halves.StopAtHeight = a.Block.Height
	if ls.past, err = ledger.Open(ctx, halves); err != nil {
		return ls, err
	}
	if e, ok := ls.past.EntryAt(a.Block.Height); !ok || e.Ref != a.Block {
		return ls, nil // it is not there yet
	}

	verdict := checkAssumed(ctx, ls.past, a)
	if verdict != nil && !errors.Is(verdict, errWrong) {
		return ls, verdict
	}
	if err := ls.close(); err != nil {
		return ls, err
	}
	ls = ledgers{}
	if verdict != nil {
		log.Error().Err(verdict).Msg("the node goes on without them")
		if err := setAsideAssumed(cfg.Dir); err != nil {
			return ls, err
		}
		ls.active, err = ledger.Open(ctx, cfg)
		return ls, err
	}
	log.Info().Uint32("height", a.Block.Height).Msg("the assumed coins are validated: the blocks above them are taken over")
	if ls.active, err = ledger.Open(ctx, cfg); err != nil {
		return ls, err
	}
	// Whatever is not there, such as what has been pruned, comes from peers.
	if _, err := ls.active.Import(ctx, filepath.Join(dir, "blocks"), nil); err != nil && !errors.Is(err, ledger.ErrUnknownParent) {
		return ls, err
	}
	return ls, discardAssumed(dir)
}

// checkAssumed compares the coins that are vouched for with those that past has come
// to at their block. past may be above it, as one that was there before.
func checkAssumed(ctx context.Context, past *ledger.Ledger, a consensus.AssumedCoins) error {
	stats, err := past.CoinStats(ctx, ledger.StatsSerial3)
	switch {
	case err != nil:
		return err
	case stats.Tip == a.Block && stats.Hash != a.Hash:
		return fmt.Errorf("%w: those of block %v at height %d have the hash %v, not %v", errWrong, a.Block.Hash, a.Block.Height, stats.Hash, a.Hash)
	}
	return nil
}

// discardAssumed removes an assumed ledger, or what is left of one.
func discardAssumed(dir string) error {
	if err := ledger.Discard(fsys.Disk(dir)); err != nil {
		return err
	}
	return os.RemoveAll(dir)
}

// setAsideAssumed keeps a wrong assumed ledger for whoever wants to find out what went
// wrong; an earlier one makes room.
func setAsideAssumed(dir string) error {
	to := filepath.Join(dir, wrongDir)
	if err := os.RemoveAll(to); err != nil {
		return err
	}
	disk := fsys.Disk(dir)
	if err := disk.Rename(assumedDir, wrongDir); err != nil {
		return err
	}
	return disk.SyncDir(".")
}

// chainStates is a node's ledgers as rpc knows them.
type chainStates struct {
	ledgers
	cfg ledger.Config
	// again ends the run, for the next one to take up the new ledger.
	again func()

	loading sync.Mutex
	loaded  bool
	right   atomic.Bool // past has validated the coins
}

// Background returns the ledger that has not yet come to where the assumed coins
// begin, or nil.
func (s *chainStates) Background() *ledger.Ledger {
	if s.right.Load() {
		return nil
	}
	return s.past
}

// Assume makes a ledger of coins that the network vouches for. If that is done, the
// node goes on with it as soon as the calls that are being worked on have been
// answered.
func (s *chainStates) Assume(ctx context.Context, a consensus.AssumedCoins, coins func(yield func(op wire.OutPoint, c *consensus.Coin) error) error) error {
	if c := &s.cfg; c.TxIndex || c.AddressIndex || c.BlockFilterIndex || c.CoinStatsIndex {
		return errors.New("An index (txindex, addressindex, blockfilterindex, coinstatsindex) needs the blocks before the snapshot. Start without one first")
	}
	if !s.loading.TryLock() {
		return errors.New("Another snapshot is being loaded")
	}
	defer s.loading.Unlock()
	if s.loaded || s.past != nil {
		return errors.New("Can't activate a snapshot-based chainstate more than once")
	}
	// What it is made of must not be lost: past goes on from there.
	if err := s.active.Flush(); err != nil {
		return err
	}
	cfg := s.cfg
	cfg.Dir = filepath.Join(s.cfg.Dir, assumedDir)
	if err := ledger.Assume(ctx, cfg, s.active, a, coins); err != nil {
		return errors.Join(err, os.RemoveAll(cfg.Dir))
	}
	s.loaded = true
	s.again()
	return nil
}

// How blocks below the assumed coins are fetched.
const (
	pastBatch = 8               // blocks that one peer is asked for at a time
	pastWait  = 1 * time.Second // before the next peer is asked after a failure
	pastTold  = 30 * time.Second
)

// validate has past go up to where the assumed coins begin, with blocks of peers, and
// compares its coins with them.
func (s *chainStates) validate(ctx context.Context, network *p2p.Node, log zerolog.Logger) error {
	if s.past == nil {
		return nil
	}
	a, _ := s.active.Assumed()
	if err := s.addPastHeaders(a.Block); err != nil {
		return err
	}
	log.Info().Uint32("from", s.past.Tip().Tip.Height).Uint32("to", a.Block.Height).Msg("the blocks before the assumed coins are validated in the background")
	told := time.Now()
	for s.past.Tip().Tip != a.Block {
		want := s.past.Missing(a.Block.Hash, pastBatch)
		if len(want) == 0 {
			if e, _ := s.past.Entry(a.Block.Hash); !e.Status.Invalid() {
				log.Warn().Stringer("tip", s.past.Tip().Tip.Hash).Msg("a chain of more work leaves the one of the assumed coins before them; they are not validated")
				return nil
			}
			return fmt.Errorf("%w: block %v at height %d is not reached by valid blocks", errWrong, a.Block.Hash, a.Block.Height)
		}
		blocks, err := network.FetchPast(ctx, want)
		for _, b := range blocks {
			if err = s.addPast(ctx, b.Block); err != nil {
				if !consensus.Mutated(err) {
					return err
				}
				b.Blame(err)
				break
			}
		}
		if time.Since(told) > pastTold {
			told = time.Now()
			log.Info().Uint32("height", s.past.Tip().Tip.Height).Uint32("to", a.Block.Height).Msg("validating the blocks before the assumed coins")
		}
		if err != nil {
			log.Debug().Err(err).Msg("no past blocks")
			select {
			case <-time.After(pastWait):
			case <-ctx.Done():
				return nil
			}
		}
	}
	if err := checkAssumed(ctx, s.past, a); err != nil {
		return err
	}
	s.right.Store(true)
	log.Info().Uint32("height", a.Block.Height).Stringer("hash", a.Block.Hash).
		Msg("the assumed coins are validated; the next start does without them")
	return s.past.Flush()
}

// addPastHeaders gives past the headers up to the base, which it may have lost.
func (s *chainStates) addPastHeaders(base wire.BlockRef) error {
	var headers []wire.Header
	for h := uint32(1); h <= base.Height; h++ {
		e, ok := s.active.EntryAt(h)
		if !ok {
			return fmt.Errorf("the active chain has no block at height %d", h)
		}
		if _, known := s.past.Entry(e.Ref.Hash); !known {
			headers = append(headers, e.Header)
		}
		if len(headers) == 2000 || h == base.Height && len(headers) > 0 {
			if _, err := s.past.AddHeaders(headers); err != nil {
				return fmt.Errorf("headers before the assumed coins: %w", err)
			}
			headers = headers[:0]
		}
	}
	return nil
}

// addPast adds a block below the base.
func (s *chainStates) addPast(ctx context.Context, b *wire.Block) error {
	err := s.past.AddBlock(ctx, b)
	var rule *consensus.RuleError
	switch {
	case errors.Is(err, ledger.ErrDuplicate):
		return nil
	case consensus.Mutated(err):
		return err
	case errors.As(err, &rule), errors.Is(err, ledger.ErrDuplicateInvalid), errors.Is(err, ledger.ErrInvalidParent), errors.Is(err, ledger.ErrInvalidBranch):
		return fmt.Errorf("%w: their chain is invalid: block %v: %w", errWrong, b.Hash(), err)
	}
	return err
}

// next returns the settings of the run after one that reached e, for clients to find
// the node where it was. What happens once in the life of a process does not happen again.
func next(cfg *config.Config, e config.Endpoints) *config.Config {
	c := *cfg
	c.Ready, c.StartupNotify = nil, ""
	if len(e.RPC) > 0 {
		c.RPC.Listen = e.RPC
	}
	if at, err := netip.ParseAddrPort(e.Explorer); err == nil {
		c.Explorer.Listen = at
	}
	if at, err := netip.ParseAddrPort(e.Metrics); err == nil {
		c.Metrics = at
	}
	if len(e.ZMQ) > 0 {
		c.ZMQ.Endpoints = e.ZMQ
	}
	any := func(a string) bool { return strings.HasSuffix(a, "/tcp/0") || strings.Contains(a, "/udp/0/") }
	if slices.ContainsFunc(c.P2P.Host.Listen, any) && len(e.P2P) > 0 {
		c.P2P.Host.Listen = e.P2P
	}
	return &c
}
