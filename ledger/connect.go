package ledger

import (
	"errors"
	"fmt"

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
		return true, nil
	case coincache.Spent:
		return false, nil
	}
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

// connect moves cur from n's parent to n, whose body is b. An error of a rule
// leaves everything as it was; any other is a fault.
func (l *Ledger) connect(n *node, b *wire.Block) error {
	l.scripts = l.scripts[:0]
	spent, err := consensus.Gather(l.state, b, view{l})
	if err != nil {
		return err
	}
	options := consensus.Options{
		Workers:     l.cfg.Workers,
		Sigs:        l.cfg.Sigs,
		Cache:       l.cfg.SigCache,
		SkipScripts: n.status.Has(ValidScripts) || l.assumedValid(n),
	}
	if err := consensus.ValidateBlock(l.state, b, spent, options); err != nil {
		return err
	}
	state, diff := consensus.ApplyBlock(l.state, b, spent)
	undo := n.undo
	if !n.status.Has(HaveUndo) {
		l.record = appendUndo(l.record[:0], spent)
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
	l.apply(diff)
	if l.cfg.TxIndex {
		l.indexBlock(n, b, false)
	}
	l.cur, l.state = n, state
	l.last.Store(b)
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
	l.cur, l.state = n.parent, parent
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
