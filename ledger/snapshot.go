package ledger

import (
	"context"
	"fmt"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger/kv"
	"github.com/keelson-chain/keelson/wire"
)

// Coin looks an unspent output up at the tip. The coin is the caller's own.
func (l *Ledger) Coin(op wire.OutPoint) (consensus.Coin, bool, error) {
	var c consensus.Coin
	if l.committed.Load() == l.tip.Load().node {
		_, found, err := fetchCoin(l.db, coinKey(nil, &op), &c, nil)
		return c, found, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return c, false, ErrClosed
	}
	l.scripts = nil // the caller keeps the script
	found, err := view{l}.FetchCoin(op, &c)
	l.scripts = nil
	return c, found, err
}

// commitForReader makes the database hold the coins of the tip that readers
// see.
func (l *Ledger) commitForReader() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if err := l.writable(); err != nil {
		return err
	}
	return l.commit(true)
}

// Snapshot returns a consistent view of the coins at one tip, to be closed by
// the caller. Outside of the initial download it does not wait; during it, it
// waits for the block that is being connected and for a commit.
func (l *Ledger) Snapshot() (*Snapshot, error) {
	if l.committed.Load() != l.tip.Load().node {
		if err := l.commitForReader(); err != nil {
			return nil, err
		}
	}
	db, err := l.db.Snapshot()
	if err != nil {
		return nil, err
	}
	// The snapshot itself says which tip it is of.
	value, err := db.Get([]byte{keyState})
	if err != nil {
		db.Close()
		return nil, fmt.Errorf("state: %w", err)
	}
	state, err := readState(value)
	if err != nil {
		db.Close()
		return nil, err
	}
	n := l.tree.find(state.tip, 0) // it may have been forgotten in this moment
	if n == nil {
		db.Close()
		return nil, fmt.Errorf("%w: the tip %v is not in the tree", ErrCorrupt, state.tip)
	}
	return &Snapshot{l: l, db: db, tip: n}, nil
}

// CoinSnapshot is Snapshot for who knows the coins by their interface.
func (l *Ledger) CoinSnapshot() (consensus.CoinSnapshot, error) {
	s, err := l.Snapshot()
	if err != nil {
		return nil, err
	}
	return s, nil
}

// Snapshot is the set of coins at one tip. It is for one goroutine at a time.
type Snapshot struct {
	l   *Ledger
	db  *kv.Snapshot
	tip *node
}

// Tip returns the block whose coins these are.
func (s *Snapshot) Tip() wire.BlockRef { return s.tip.ref() }

// State returns the state at Tip, which the next block is judged by.
func (s *Snapshot) State() consensus.State { return s.l.tree.state(s.tip) }

// FetchCoin looks a coin up; it makes Snapshot a consensus.CoinView.
func (s *Snapshot) FetchCoin(op wire.OutPoint, c *consensus.Coin) (bool, error) {
	_, found, err := fetchCoin(s.db, coinKey(nil, &op), c, nil)
	return found, err
}

// Coins calls yield for every coin, ordered by transaction id (as bytes) and
// output index, until it returns an error, which is returned. The coin is
// valid during the call.
func (s *Snapshot) Coins(ctx context.Context, yield func(op wire.OutPoint, c *consensus.Coin) error) error {
	it := s.db.Iterate(kv.Prefix([]byte{keyCoin}))
	defer it.Close()
	var scripts []byte
	var c consensus.Coin
	for n := 0; it.Next(); n++ {
		if n%1024 == 0 && ctx.Err() != nil {
			return ctx.Err()
		}
		op, err := readOutPoint(it.Key()[1:])
		if err != nil {
			return err
		}
		rest, grown, err := readCoin(it.Value(), &c, scripts[:0])
		if err == nil && len(rest) > 0 {
			err = errBadCoin
		}
		if err != nil {
			return fmt.Errorf("coin %v: %w", op, err)
		}
		scripts = grown
		if err := yield(op, &c); err != nil {
			return err
		}
	}
	return it.Err()
}

// Close lets the snapshot go.
func (s *Snapshot) Close() { s.db.Close() }

// CoinOf returns one of the coins of a transaction, if it has any.
func (s *Snapshot) CoinOf(txid wire.Hash) (c consensus.Coin, found bool, err error) {
	it := s.db.Iterate(kv.Prefix(append([]byte{keyCoin}, txid[:]...)))
	defer it.Close()
	if !it.Next() {
		return c, false, it.Err()
	}
	_, _, err = readCoin(it.Value(), &c, nil)
	return c, err == nil, err
}
