package ledger

import (
	"errors"
	"fmt"
	"time"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger/coincache"
	"github.com/keelson-chain/keelson/ledger/kv"
	"github.com/keelson-chain/keelson/wire"
)

// view is the coins at cur: the cache over the database. Scripts are appended
// to l.scripts and live until the next block is connected. The mutex is held.
type view struct{ l *Ledger }

func (v view) FetchCoin(op wire.OutPoint, c *consensus.Coin) (bool, error) {
	l := v.l
	scripts, state := l.cache.Get(&op, c, l.scripts)
	l.scripts = scripts
	switch state {
	case coincache.Hit:
		l.counts.lookups.hits++
		return true, nil
	case coincache.Spent:
		l.counts.lookups.hits++
		return false, nil
	}
	l.counts.lookups.misses++
	var found bool
	var err error
	l.key = coinKey(l.key[:0], &op)
	l.scripts, found, err = fetchCoin(l.db, l.key, c, l.scripts)
	return found, err
}

// fetchCoin looks the coin with a key up in the database. Its script is
// appended to buf.
func fetchCoin(db kv.Reader, key []byte, c *consensus.Coin, buf []byte) (grown []byte, found bool, err error) {
	value, err := db.Get(key)
	if errors.Is(err, kv.ErrNotFound) {
		return buf, false, nil
	}
	if err != nil {
		return buf, false, err
	}
	rest, buf, err := readCoin(value, c, buf)
	if err == nil && len(rest) > 0 {
		err = errBadCoin
	}
	if err != nil {
		return buf, false, fmt.Errorf("the coin with the key %x: %w", key, err)
	}
	return buf, true, nil
}

// step is a block on its way to being connected.
type step struct {
	n       *node
	b       *wire.Block
	parent  consensus.State // before
	after   consensus.State
	spent   []consensus.Coin
	scripts []byte // the memory of spent's scripts
	diff    consensus.Diff
	skip    bool          // the scripts need not be run
	done    chan struct{} // closed when err is known, of a step that is judged in flight
	err     error
}

// gather fetches what b, the body of a child of cur, spends.
func (l *Ledger) gather(n *node, b *wire.Block) (*step, error) {
	s := &step{n: n, b: b, parent: l.state}
	s.skip = n.status.Has(ValidScripts) || l.assumedValid(n)
	l.scripts = nil
	if k := len(l.spare); k > 0 {
		l.scripts, l.spare = l.spare[k-1][:0], l.spare[:k-1]
	}
	var err error
	s.spent, err = consensus.Gather(l.state, b, view{l})
	s.scripts, l.scripts = l.scripts, nil
	return s, err
}

// judge says whether the step is valid. It reads nothing that changes.
func (l *Ledger) judge(s *step, workers int) error {
	defer since(&l.counts.validation, time.Now())
	return consensus.ValidateBlock(s.parent, s.b, s.spent, consensus.Options{
		Workers:     workers,
		Sigs:        l.cfg.Sigs,
		Cache:       l.cfg.SigCache,
		SkipScripts: s.skip,
	})
}

// enter moves cur to the step's block. Every coin that it spends is in spent,
// but it need not have been judged yet.
func (l *Ledger) enter(s *step) {
	s.after, s.diff = consensus.ApplyBlock(s.parent, s.b, s.spent)
	l.apply(s.diff)
	l.cur, l.state = s.n, s.after
}

// takeBack undoes enter.
func (l *Ledger) takeBack(s *step) {
	l.apply(s.diff.Inverse())
	l.cur, l.state = s.n.parent, s.parent
}

// confirm notes that the step, which has been entered, is valid. An error is a
// fault.
func (l *Ledger) confirm(s *step) error {
	n, undo := s.n, s.n.undo
	if !n.status.Has(HaveUndo) {
		l.record = appendUndo(l.record[:0], s.spent)
		var err error
		if undo, err = l.undo.Append(l.record); err != nil {
			return err
		}
	}
	if !n.status.Has(ValidScripts | HaveUndo) {
		l.tree.update(n, func() {
			n.undo = undo
			n.status |= ValidScripts | HaveUndo
		})
	}
	if l.cfg.TxIndex {
		l.indexBlock(n, s.b, false)
	}
	for _, x := range l.indexes {
		if err := x.add(l, n, s.b, s.spent); err != nil {
			return err
		}
	}
	l.last.Store(s.b)
	l.counts.connected.Add(1)
	l.noteCache()
	if len(l.spare) <= l.cfg.Workers {
		l.spare = append(l.spare, s.scripts)
	}
	return nil
}

// disconnect moves cur to its parent.
func (l *Ledger) disconnect() error {
	n := l.cur
	if n.parent == nil {
		return errors.New("the genesis block cannot be disconnected")
	}
	b, err := l.readBody(n)
	if err != nil {
		return err
	}
	spent, err := l.readSpent(n, b)
	if err != nil {
		return err
	}
	parent := l.tree.state(n.parent)
	l.apply(consensus.RevertBlock(parent, b, spent))
	if l.cfg.TxIndex {
		l.indexBlock(n, b, true)
	}
	for _, x := range l.indexes {
		if err := x.remove(l, n, b, spent); err != nil {
			return err
		}
	}
	l.cur, l.state = n.parent, parent
	l.counts.disconnected.Add(1)
	l.noteCache()
	return nil
}

// apply changes the coins.
func (l *Ledger) apply(d consensus.Diff) {
	for i := range d.Spent {
		l.cache.Spend(&d.Spent[i].OutPoint)
	}
	for i := range d.Created {
		// A coin that comes into being cannot lie in the database already,
		// with the exception of a coinbase that repeats an earlier one (BIP 30).
		c := &d.Created[i]
		l.cache.Add(&c.OutPoint, &c.Coin, !c.Coin.Coinbase)
	}
	l.commits.changes += len(d.Spent) + len(d.Created)
}

// assumedValid reports whether n's scripts need not be verified because n lies
// deep below the block that the configuration names: an ancestor of it on the
// best header chain, with two weeks of work above it, so that nobody can feed
// a node a short false chain (Bitcoin Core's assumevalid).
func (l *Ledger) assumedValid(n *node) bool {
	if l.cfg.AssumeValid.IsZero() {
		return false
	}
	const twoWeeks = 14 * 24 * 60 * 60
	a, best := l.tree.lookup(l.cfg.AssumeValid), l.tree.best
	if a == nil || a.ancestor(n.height) != n || best.ancestor(n.height) != n || best.work.Cmp(l.cfg.MinimumWork) < 0 {
		return false
	}
	perBlock := best.work.Sub(best.parent.work).Float64()
	above := best.work.Sub(n.work).Float64()
	return above/perBlock*float64(l.params.Spacing) > twoWeeks
}
