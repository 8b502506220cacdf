package ledger

import (
	"time"

	"github.com/keelson-chain/keelson/ledger/kv"
)

const (
	// commitInterval is how long changed coins wait in memory at most while
	// blocks arrive in the initial download.
	commitInterval = 5 * time.Minute
	// indexInterval and indexBytes are how much of downloaded bodies may wait to
	// be named in the database: what is lost in a crash must be fetched and
	// verified again. What is named need only be connected again, without
	// scripts.
	indexInterval = 2 * time.Second
	indexBytes    = 32 << 20
	// txChangeBytes is about what a waiting change of the transaction index takes.
	txChangeBytes = 48
)

// commitClock is what has gathered since the last commits.
type commitClock struct {
	coins   time.Time // of the last full commit
	index   time.Time // of the last commit of any kind
	bytes   int64     // of bodies appended since then
	changes int       // of coins since the last full commit
}

// commit makes everything durable in one batch: bodies, undo records and block
// records, and if coins is set also the coins, the indexes and the tip that they belong to. Without coins, the state on disk stays that of an
// older tip, and blocks above it are connected again when the ledger is opened.
func (l *Ledger) commit(coins bool) error {
	moved := coins && (l.cur.hash != l.disk.tip || l.commits.changes > 0 || len(l.txs) > 0)
	if !moved && len(l.tree.dirty) == 0 && len(l.tree.gone) == 0 {
		return nil
	}
	defer since(&l.counts.commits, time.Now())
	// A place in a file is named only once the file is safe.
	if err := l.blocks.Sync(); err != nil {
		return l.broken(err)
	}
	if err := l.undo.Sync(); err != nil {
		return l.broken(err)
	}
	next := l.disk
	next.blocks, next.undo = l.blocks.End(), l.undo.End()
	if moved {
		next.tip = l.cur.hash
	}
	fill := func(w kv.Writer) error {
		var key, value []byte
		for n := range l.tree.dirty {
			key, value = appendNodeKey(key[:0], n), appendNode(value[:0], n)
			w.Put(key, value)
		}
		for _, n := range l.tree.gone {
			key = appendNodeKey(key[:0], n)
			w.Delete(key)
		}
		if moved {
			for e := range l.cache.DirtySorted() {
				key = coinKey(key[:0], &e.OutPoint)
				if e.Spent {
					w.Delete(key)
					continue
				}
				value = appendCoin(value[:0], &e.Coin)
				w.Put(key, value)
			}
			for i := range l.txs {
				l.txs[i].write(w)
			}
			for _, x := range l.indexes {
				if err := writeIndex(x, l.db, w, indexRecord{indexOn, next.tip}); err != nil {
					return err
				}
			}
		}
		w.Put([]byte{keyState}, appendState(nil, &next))
		return nil
	}
	_, rows := l.indexed()
	if err := l.write(fill, l.commits.changes+len(l.txs)+rows); err != nil {
		return l.broken(err)
	}
	l.disk = next
	clear(l.tree.dirty)
	l.tree.gone = nil
	now := time.Now()
	l.commits.index, l.commits.bytes = now, 0
	if moved {
		// What stays is looked through at every commit: much of it is worth
		// while only where commits are rare.
		keep := l.cfg.CacheBytes / 2
		if l.eager() {
			keep = l.cfg.CacheBytes / 8
		}
		l.cache.Clean(keep)
		l.noteCache()
		l.txs = l.txs[:0]
		if cap(l.txs) > 1<<16 {
			l.txs = nil
		}
		for _, x := range l.indexes {
			x.reset()
		}
		l.commits.coins, l.commits.changes = now, 0
		l.committed.Store(l.cur)
	}
	return nil
}

// write applies what fill writes, in one durable batch.
func (l *Ledger) write(fill func(w kv.Writer) error, changes int) error {
	if changes >= l.cfg.bulkFrom {
		return l.db.Bulk(fill)
	}
	var b kv.Batch
	if err := fill(&b); err != nil {
		return err
	}
	return l.db.Write(&b)
}

// full reports whether what waits in memory has reached its bound.
func (l *Ledger) full() bool {
	waiting, _ := l.indexed()
	waiting += int64(len(l.txs)) * txChangeBytes
	return l.cache.Full() || l.cache.Bytes()+waiting > l.cfg.CacheBytes
}

// eager reports whether every change of the tip is committed at once.
func (l *Ledger) eager() bool { return l.lazy.Load() == 0 && l.caughtUp(l.tip.Load().node) }

// settle makes cur the tip that readers see, and durable: at once, or in the
// initial download when it is due.
func (l *Ledger) settle() error {
	l.caughtUp(l.cur) // which may end the initial download
	if l.eager() || l.full() || time.Since(l.commits.coins) > commitInterval {
		if err := l.commit(true); err != nil {
			return err
		}
	} else if l.commits.bytes > indexBytes || time.Since(l.commits.index) > indexInterval {
		if err := l.commit(false); err != nil {
			return err
		}
	}
	l.publish(l.cur, l.state)
	return l.autoPrune()
}
