package ledger

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger/coincache"
	"github.com/keelson-chain/keelson/ledger/flat"
	"github.com/keelson-chain/keelson/ledger/fsys"
	"github.com/keelson-chain/keelson/ledger/kv"
	"github.com/keelson-chain/keelson/wire"
)

// Ledger holds the block tree, the coins at the tip of the active chain, and
// the bodies and undo records of blocks. Its methods may be called from any
// goroutine; see the package comment for who waits for whom.
type Ledger struct {
	// Fixed once Open has returned.
	cfg    Config
	params *consensus.Params
	log    zerolog.Logger
	fs     fsys.FS
	lock   io.Closer
	db     *kv.Store
	blocks *flat.Files
	undo   *flat.Files
	// assumed and base are set in a ledger that Assume has made.
	assumed *consensus.AssumedCoins
	base    *node

	tree *tree // has a lock of its own

	turn sync.Mutex // one writer at a time, for the whole of what it does
	mu   sync.Mutex // guards what follows; taken after turn

	cur        *node              // whose coins the cache and the database hold together
	state      consensus.State    // at cur
	cache      *coincache.Cache   // over the database
	txs        []txChange         // changes of the transaction index since the last commit
	indexes    []index            // that are kept, at cur
	candidates map[*node]struct{} // ends of chains that may be better than cur
	verdicts   map[*node]error    // why blocks failed, during one operation
	seq        uint64             // the last that was given to a node
	precious   int64              // the last that was given to a node
	disk       diskState          // as committed
	commits    commitClock        // what has gathered since the last commits
	prunedAt   [2]uint32          // the last files when pruning was last tried
	fault      error              // what broke; nothing is written any more
	faulted    chan struct{}      // closed once fault is set
	closed     bool
	flights    []*step  // entered but not yet known to be valid; empty when mu is free
	spare      [][]byte // memory for scripts, see gather
	scripts    []byte   // of the coins that view has fetched
	record     []byte   // room for an undo record
	key        []byte   // room for a key

	// Written under mu, read by anybody.
	tip       atomic.Pointer[published]
	committed atomic.Pointer[node] // whose coins the database holds
	synced    atomic.Bool          // the initial download is over
	lazy      atomic.Int32         // above zero: commits wait as in the initial download
	headers   atomic.Int32         // calls of AddHeaders that wait for mu: see batch
	last      atomic.Pointer[wire.Block]
	counts    counts // see there for its guards

	changedMu sync.Mutex
	changed   chan struct{}
}

// published is the tip that readers see.
type published struct {
	node  *node
	state consensus.State
}

// Tip returns the state at the tip of the active chain. It never waits.
func (l *Ledger) Tip() consensus.State { return l.tip.Load().state }

// Changed returns a channel that is closed when the tip changes next. Ask for
// the channel first and for the tip or for UpdatesSince after it, and no
// change is missed.
func (l *Ledger) Changed() <-chan struct{} {
	l.changedMu.Lock()
	defer l.changedMu.Unlock()
	return l.changed
}

// publish makes n the tip that readers see.
func (l *Ledger) publish(n *node, s consensus.State) {
	if old := l.tip.Load(); old != nil && old.node == n {
		return
	}
	l.tree.setActive(n)
	l.tip.Store(&published{n, s})
	l.tick()
}

// tick tells those who wait that the tip has changed.
func (l *Ledger) tick() {
	l.changedMu.Lock()
	close(l.changed)
	l.changed = make(chan struct{})
	l.changedMu.Unlock()
}

// InitialDownload reports whether the chain is still being fetched: its work
// is below the minimum, its tip is older than MaxTipAge, or it is being
// imported. Once false it stays so until the ledger is closed.
func (l *Ledger) InitialDownload() bool { return !l.caughtUp(l.tip.Load().node) }

// caughtUp reports whether the initial download is over, which n as the tip
// may bring about.
func (l *Ledger) caughtUp(n *node) bool {
	if l.synced.Load() {
		return true
	}
	age := l.cfg.Now().Sub(time.Unix(int64(n.header.Time), 0))
	if l.lazy.Load() > 0 || n.work.Cmp(l.cfg.MinimumWork) < 0 || age > l.cfg.MaxTipAge {
		return false
	}
	l.synced.Store(true)
	return true
}

// writable reports why nothing can be written, if so. The mutex is held.
func (l *Ledger) writable() error {
	switch {
	case l.closed:
		return ErrClosed
	case l.fault != nil:
		return fmt.Errorf("%w: %w", ErrFault, l.fault)
	}
	return nil
}

// broken notes that an input or output error has hit a write.
func (l *Ledger) broken(err error) error {
	if errors.Is(err, ErrFault) {
		return err
	}
	if l.fault == nil {
		l.fault = err
		close(l.faulted)
		l.log.Error().Err(err).Msg("the ledger stops writing; start again once this is mended")
	}
	return fmt.Errorf("%w: %w", ErrFault, err)
}

// Faulted returns a channel that is closed when a fault has stopped the
// ledger: see ErrFault, and Fault for what it was.
func (l *Ledger) Faulted() <-chan struct{} { return l.faulted }

// Fault returns the fault that has stopped the ledger, or nil.
func (l *Ledger) Fault() error {
	select {
	case <-l.faulted:
		return fmt.Errorf("%w: %w", ErrFault, l.fault)
	default:
		return nil
	}
}

// Flush writes everything that is only in memory and returns once it is safe
// on disk.
func (l *Ledger) Flush() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.writable(); err != nil {
		return err
	}
	return l.commit(true)
}

// Close writes what has not been written and closes the files. The ledger
// cannot be used afterwards; Close may be called again and does nothing.
func (l *Ledger) Close() error {
	l.turn.Lock()
	defer l.turn.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return nil
	}
	var err error
	if l.fault == nil {
		err = l.commit(true)
	}
	l.closed = true
	return errors.Join(err, l.closeFiles())
}

func (l *Ledger) closeFiles() error {
	var errs []error
	for _, f := range []*flat.Files{l.blocks, l.undo} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	if l.db != nil {
		errs = append(errs, l.db.Close())
	}
	if l.lock != nil {
		errs = append(errs, l.lock.Close())
	}
	if l.fault != nil {
		return nil // closing repeats what is known
	}
	return errors.Join(errs...)
}
