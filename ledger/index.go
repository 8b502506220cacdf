package ledger

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger/kv"
	"github.com/keelson-chain/keelson/wire"
)

// index is an index that follows cur: what it says follows from the blocks up to the
// one that it stands at. What waits in memory is written in the batch that moves the
// tip. The index of transactions, whose record is the ledger's own, is none of these.
type index interface {
	about() *indexKeys
	// resume stands at n, up to which the rows in the database are; kept is what
	// keep returned there.
	resume(l *Ledger, n *node, kept []byte) error
	// add enters n, a child of the block that the index stands at, or the genesis
	// block; remove goes back from n to its parent. spent are the coins that the
	// block spends, in the order of its inputs.
	add(l *Ledger, n *node, b *wire.Block, spent []consensus.Coin) error
	remove(l *Ledger, n *node, b *wire.Block, spent []consensus.Coin) error
	// size is about how many bytes of memory wait, and changes how many rows.
	size() int64
	changes() int
	// write writes what waits on top of what db holds; reset forgets it then.
	write(db kv.Reader, w kv.Writer) error
	reset()
	// keep appends what resume needs to go on from here besides the rows.
	keep(dst []byte) []byte
}

// indexKeys is where an index lies in the database.
type indexKeys struct {
	name   string // as a user is told
	record byte   // of the key of its record
	rows   []byte // of the keys of its rows
}

func (k *indexKeys) about() *indexKeys { return k }

// mend is what a user does about damage.
func (k *indexKeys) mend() string { return "start once without it, which deletes it, and then with it" }

// allIndexes returns the indexes that there are, and whether the configuration wants
// each.
func (l *Ledger) allIndexes() (all []index, wanted []bool) {
	return []index{newAddressIndex(), newFilterIndex(), newStatsIndex()},
		[]bool{l.cfg.AddressIndex, l.cfg.BlockFilterIndex, l.cfg.CoinStatsIndex}
}

// indexed is about how many bytes of memory wait for the indexes, and how many rows.
func (l *Ledger) indexed() (size int64, changes int) {
	for _, x := range l.indexes {
		size += x.size()
		changes += x.changes()
	}
	return size, changes
}

// writeIndex writes what waits for an index, and how far it is.
func writeIndex(x index, db kv.Reader, w kv.Writer, at indexRecord) error {
	if err := x.write(db, w); err != nil {
		return err
	}
	w.Put([]byte{x.about().record}, x.keep(at.append(nil)))
	return nil
}

// prepareIndexes brings the indexes to what the configuration says, when the ledger
// is opened.
func (l *Ledger) prepareIndexes(ctx context.Context) error {
	all, wanted := l.allIndexes()
	for i, x := range all {
		if err := l.prepareOne(ctx, x, wanted[i]); err != nil {
			return err
		}
		if wanted[i] {
			l.indexes = append(l.indexes, x)
		}
	}
	return nil
}

func (l *Ledger) prepareOne(ctx context.Context, x index, wanted bool) error {
	k := x.about()
	have, kept, err := readRecord(l.db, k.record, k.name)
	if err != nil {
		return err
	}
	if !wanted {
		if have.state == indexOff {
			return nil
		}
		return l.deleteIndex(ctx, x)
	}
	if have.state == indexOn || have.state == indexGrow {
		// A version of the program that does not know the index has moved the
		// tip on, or this one was interrupted.
		if n := l.tree.lookup(have.tip); n != nil && l.cur.ancestor(n.height) == n {
			if err := x.resume(l, n, kept); err != nil {
				return err
			}
			if have.state == indexOn && n == l.cur {
				return nil
			}
			return l.buildIndex(ctx, x, n)
		}
	}
	if have.state != indexOff {
		if err := l.deleteIndex(ctx, x); err != nil {
			return err
		}
	}
	if l.disk.pruned {
		return fmt.Errorf("%w: the %s cannot be built; start with --reindex, or without the index", ErrPrunedData, k.name)
	}
	if err := x.add(l, l.tree.genesis, l.params.Genesis, nil); err != nil {
		return err
	}
	return l.buildIndex(ctx, x, l.tree.genesis)
}

// buildIndex enters the blocks above from, up to the tip of the coins.
func (l *Ledger) buildIndex(ctx context.Context, x index, from *node) error {
	k, top := x.about(), l.cur
	tell := func(n *node) {
		l.log.Info().Uint32("height", n.height).Uint32("to", top.height).Msgf("building the %s", k.name)
	}
	tell(from)
	told := time.Now()
	for n := from; ; {
		if err := ctx.Err(); err != nil {
			return err
		}
		for n != top && x.size() < l.cfg.growBytes {
			n = top.ancestor(n.height + 1)
			b, err := l.readBody(n)
			if err != nil {
				return fmt.Errorf("build the %s: %w", k.name, err)
			}
			spent, err := l.readSpent(n, b)
			if err != nil {
				return fmt.Errorf("build the %s: %w", k.name, err)
			}
			if err := x.add(l, n, b, spent); err != nil {
				return fmt.Errorf("build the %s: %w", k.name, err)
			}
		}
		at := indexRecord{indexGrow, n.hash}
		if n == top {
			at.state = indexOn
		}
		var b kv.Batch
		if err := writeIndex(x, l.db, &b, at); err != nil {
			return fmt.Errorf("build the %s: %w", k.name, err)
		}
		if err := l.db.Write(&b); err != nil {
			return err
		}
		x.reset()
		if n == top {
			return nil
		}
		if time.Since(told) > 5*time.Second {
			told = time.Now()
			tell(n)
		}
	}
}

func (l *Ledger) deleteIndex(ctx context.Context, x index) error {
	k := x.about()
	l.log.Info().Msgf("deleting the %s", k.name)
	var b kv.Batch
	b.Put([]byte{k.record}, (&indexRecord{state: indexDrop}).append(nil))
	if err := l.db.Write(&b); err != nil {
		return err
	}
	for _, prefix := range k.rows {
		if err := l.wipe(ctx, prefix); err != nil {
			return err
		}
	}
	b.Reset()
	b.Delete([]byte{k.record})
	return l.db.Write(&b)
}

// indexRecord is how far an index is:
//
//	1        indexState
//	32       hash of the tip that it belongs to, or of the block that it is built up to
//
// Where there is none the index is off.
type indexRecord struct {
	state indexState
	tip   wire.Hash
}

func (r *indexRecord) append(dst []byte) []byte {
	return append(append(dst, byte(r.state)), r.tip[:]...)
}

// readRecord returns how far an index is, and what follows that in its record.
func readRecord(db kv.Reader, key byte, name string) (r indexRecord, rest []byte, err error) {
	value, err := db.Get([]byte{key})
	if errors.Is(err, kv.ErrNotFound) {
		return indexRecord{}, nil, nil
	}
	if err != nil {
		return r, nil, err
	}
	if len(value) < 1+wire.HashSize || value[0] > byte(indexOn) {
		return r, nil, badRecord(name)
	}
	r.state = indexState(value[0])
	copy(r.tip[:], value[1:])
	return r, value[1+wire.HashSize:], nil
}

func badRecord(name string) error {
	return fmt.Errorf("%w: the record of the %s is not well-formed; start with --reindex", ErrCorrupt, name)
}

// Indexes names the indexes that are kept, all of which are in step with the tip.
type Indexes struct{ Txs, Addresses, Filters, CoinStats bool }

// Indexes returns which indexes are kept.
func (l *Ledger) Indexes() Indexes {
	return Indexes{l.cfg.TxIndex, l.cfg.AddressIndex, l.cfg.BlockFilterIndex, l.cfg.CoinStatsIndex}
}
