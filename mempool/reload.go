package mempool

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"

	"github.com/keelson-chain/keelson/wire"
)

// loader adds what a file has. Each transaction is offered by itself, many at a time.
// What was refused since it pays too little waits for its children: when they came,
// they may have paid for it.
type loader struct {
	pool   *Pool
	ctx    context.Context
	oldest int64 // what came before that is expired
	now    bool  // all have come now, whenever it was
	gone   map[wire.Hash]bool
	unsent map[wire.Hash]bool // are unbroadcast

	list    []offer           // gathered
	orphans []offer           // whose parents were not there
	poor    []offer           // that pay too little by themselves, in their order
	poorAt  map[wire.Hash]int // where each stands in poor; those that came in are gone

	added, failed int
}

// loadSize is how many transactions of a file are gathered before they are added.
const loadSize = 4 * bulkSize

// add gathers a transaction that came at a time.
func (l *loader) add(tx *wire.Tx, at int64) error {
	if !l.now && at <= l.oldest || l.gone[tx.TxID()] {
		l.failed++
		return nil
	}
	if l.now {
		at = 0
	}
	l.list = append(l.list, offer{tx: tx, time: at})
	if len(l.list) < loadSize {
		return nil
	}
	return l.flush()
}

// flush adds what was gathered.
func (l *loader) flush() error {
	if err := l.pool.addAll(l.ctx, l.list, AddOptions{}); err != nil {
		return err
	}
	for _, f := range l.list {
		waiting := offer{tx: f.tx, time: f.time}
		switch {
		case f.err == nil:
			l.added++
		case IsMissingInputs(f.err):
			l.orphans = append(l.orphans, waiting)
		case dependsOnPackage(f.err):
			if l.poorAt == nil {
				l.poorAt = make(map[wire.Hash]int)
			}
			l.poorAt[f.tx.TxID()] = len(l.poor)
			l.poor = append(l.poor, waiting)
		case RejectReason(f.err) != reasonInPool:
			l.failed++
		}
	}
	l.list = nil
	return nil
}

// adopt adds what had no parents when its turn came: a parent that was mined
// when its child came, and is mined no more, stands behind it in the journal; and
// one that pays too little comes with its child or not at all.
func (l *loader) adopt() error {
	for added := -1; added < l.added; {
		added = l.added
		l.list, l.orphans = l.orphans, nil
		if err := l.flush(); err != nil {
			return err
		}
		if added == l.added {
			if err := l.unite(); err != nil {
				return err
			}
		}
	}
	l.failed += len(l.orphans) + len(l.poorAt)
	return nil
}

// unite offers each orphan together with those of its parents that pay too little.
func (l *loader) unite() error {
	orphans := l.orphans
	l.orphans = nil
	for i := range orphans {
		family := l.family(&orphans[i])
		in := false
		if len(family) > 1 {
			var err error
			if in, err = l.pool.addTogether(l.ctx, family); err != nil {
				return err
			}
		}
		if !in {
			l.orphans = append(l.orphans, orphans[i])
			continue
		}
		l.added += len(family)
		for _, f := range family[:len(family)-1] {
			delete(l.poorAt, f.tx.TxID())
		}
	}
	return nil
}

// family returns the parents of child that pay too little, in their order, and child.
func (l *loader) family(child *offer) []offer {
	var places []int
	for id := range spentIDs(child.tx) {
		if at, ok := l.poorAt[id]; ok {
			places = append(places, at)
		}
	}
	slices.Sort(places)
	var list []offer
	for _, at := range places {
		list = append(list, l.poor[at])
	}
	return append(list, *child)
}

// addTogether adds transactions each of which was refused by itself, all of them or
// none, by what they pay together. The error is a fault or ctx's.
func (p *Pool) addTogether(ctx context.Context, list []offer) (in bool, err error) {
	s := submission{pool: p, ctx: ctx, alone: make([]error, len(list))}
	s.Txs = make([]PackageTx, len(list))
	for i := range list {
		s.txs, s.times, s.rest = append(s.txs, list[i].tx), append(s.times, list[i].time), append(s.rest, i)
	}
	if wellFormed(s.txs) != "" {
		return false, nil
	}
	if err := s.together(); err != nil {
		return false, err
	}
	err = s.finish()
	return err == nil && s.Err == nil, err
}

// ImportOptions say what else counts of a file that is imported.
type ImportOptions struct {
	// Times has each transaction come at the time that the file says, so that it
	// may have expired, instead of now.
	Times bool
	// Deltas adds what the file says of fees to what was said of them here.
	Deltas bool
	// Unbroadcast has those of the file that no peer had count as such.
	Unbroadcast bool
}

// maxImport is the least bound on the size of a file to be imported, in bytes.
const maxImport = 1 << 30

// Import adds the transactions of a file that Save, or Bitcoin Core, has written.
// Those that are in the pool already, or that it refuses, are left out; numbers
// say how many came in and how many were refused. An error about what the file has in
// it wraps ErrFile, with nothing added; ctx's ends it half-way.
func (p *Pool) Import(ctx context.Context, file string, o ImportOptions) (added, refused int, err error) {
	raw, err := readImport(file, max(maxImport, 2*p.cfg.MaxBytes))
	if err != nil {
		return 0, 0, fmt.Errorf("mempool: import: %w", err)
	}
	c, err := readContents(raw)
	if err != nil {
		return 0, 0, fmt.Errorf("mempool: import %s: %w", file, err)
	}
	if o.Deltas {
		for i := range c.txs {
			if tx := &c.txs[i]; tx.delta != 0 {
				c.deltas[tx.tx.TxID()] = tx.delta
			}
		}
		// Before the transactions, some of which may need it.
		for txid, delta := range c.deltas {
			if err := p.Prioritise(txid, delta); err != nil {
				return 0, 0, err
			}
		}
	}
	l := loader{pool: p, ctx: ctx, oldest: p.cfg.Now().Add(-p.cfg.Expiry).Unix(), now: !o.Times}
	for i := range c.txs {
		if ctx.Err() != nil {
			return l.added, l.failed, ctx.Err()
		}
		if err := l.add(c.txs[i].tx, c.txs[i].time); err != nil {
			return l.added, l.failed, err
		}
	}
	for _, step := range []func() error{l.flush, l.adopt} {
		if err := step(); err != nil {
			return l.added, l.failed, err
		}
	}
	if o.Unbroadcast {
		for i := range c.unbroadcast {
			p.MarkUnbroadcast(c.unbroadcast[i])
		}
	}
	return l.added, l.failed, nil
}

// readImport reads a file of at most limit bytes.
func readImport(file string, limit int64) ([]byte, error) {
	// Before it is opened: what is no file may keep whoever opens it waiting.
	info, err := os.Stat(file)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, &fs.PathError{Op: "read", Path: file, Err: fmt.Errorf("%w: it is no file", ErrFile)}
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(raw)) > limit {
		err = &fs.PathError{Op: "read", Path: file, Err: fmt.Errorf("%w: it is longer than %d bytes", ErrFile, limit)}
	}
	return raw, err
}
