package ledger

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"time"

	"github.com/keelson-chain/keelson/ledger/kv"
	"github.com/keelson-chain/keelson/wire"
)

// txChange is a change of the transaction index that waits to be committed.
type txChange struct {
	txid                 wire.Hash
	height, offset, size uint32 // size 0: the transaction leaves the index
}

func (c *txChange) write(w kv.Writer) {
	var room [1 + wire.HashSize]byte
	key := txKey(room[:0], &c.txid)
	if c.size == 0 {
		w.Delete(key)
		return
	}
	value := make([]byte, 0, 12)
	for _, v := range []uint32{c.height, c.offset, c.size} {
		value = binary.LittleEndian.AppendUint32(value, v)
	}
	w.Put(key, value)
}

// txPlaces calls f with the place of each transaction in the body of b.
func txPlaces(b *wire.Block, f func(tx *wire.Tx, offset, size uint32)) {
	offset := uint32(wire.HeaderSize + wire.CompactSizeLen(uint64(len(b.Txs))))
	for _, tx := range b.Txs {
		size := uint32(tx.Size())
		f(tx, offset, size)
		offset += size
	}
}

// indexBlock puts the transactions of b, the body of n, into the index, or
// takes them out of it if gone is set.
func (l *Ledger) indexBlock(n *node, b *wire.Block, gone bool) {
	txPlaces(b, func(tx *wire.Tx, offset, size uint32) {
		if gone {
			size = 0
		}
		l.txs = append(l.txs, txChange{tx.TxID(), n.height, offset, size})
	})
}

// Tx finds a transaction of the active chain, and the block that it is in,
// through the transaction index. The errors are ErrNoTxIndex, ErrUnknownTx and
// those of Block. As in Bitcoin Core the coinbase of the genesis block is not
// in the index.
func (l *Ledger) Tx(txid wire.Hash) (*wire.Tx, wire.Hash, error) {
	if !l.cfg.TxIndex {
		return nil, wire.Hash{}, ErrNoTxIndex
	}
	// A snapshot has the index and the tip that it belongs to.
	s, err := l.Snapshot()
	if err != nil {
		return nil, wire.Hash{}, err
	}
	defer s.Close()
	tx, block, err := s.Tx(txid)
	return tx, block.Hash, err
}

// Tx finds a transaction of the active chain and the block that it is in; see
// Ledger.Tx for the errors.
func (s *Snapshot) Tx(txid wire.Hash) (*wire.Tx, wire.BlockRef, error) {
	n, offset, size, err := s.place(txid)
	if err != nil {
		return nil, wire.BlockRef{}, err
	}
	raw, err := s.l.readBytes(n)
	if err != nil {
		return nil, wire.BlockRef{}, err
	}
	if uint64(offset)+uint64(size) > uint64(len(raw)) {
		return nil, wire.BlockRef{}, fmt.Errorf("%w: transaction index entry of %v points past block %v", ErrCorrupt, txid, n.hash)
	}
	tx, err := wire.DecodeTx(append([]byte(nil), raw[offset:offset+size]...))
	if err != nil || tx.TxID() != txid {
		return nil, wire.BlockRef{}, fmt.Errorf("%w: transaction index entry of %v does not point at it in block %v", ErrCorrupt, txid, n.hash)
	}
	return tx, n.ref(), nil
}

// place looks up where a transaction lies: in the body of n.
func (s *Snapshot) place(txid wire.Hash) (n *node, offset, size uint32, err error) {
	if !s.l.cfg.TxIndex {
		return nil, 0, 0, ErrNoTxIndex
	}
	var room [1 + wire.HashSize]byte
	value, err := s.db.Get(txKey(room[:0], &txid))
	if errors.Is(err, kv.ErrNotFound) {
		return nil, 0, 0, fmt.Errorf("%w: %v", ErrUnknownTx, txid)
	}
	if err != nil {
		return nil, 0, 0, fmt.Errorf("transaction index: %w", err)
	}
	if len(value) != 12 {
		return nil, 0, 0, fmt.Errorf("%w: transaction index entry of %v", ErrCorrupt, txid)
	}
	le := binary.LittleEndian
	height, offset, size := le.Uint32(value), le.Uint32(value[4:]), le.Uint32(value[8:])
	if n = s.tip.ancestor(height); n == nil {
		return nil, 0, 0, fmt.Errorf("%w: transaction index entry of %v names height %d", ErrCorrupt, txid, height)
	}
	return n, offset, size, nil
}

// prepareIndex brings the transaction index to what the configuration says, when
// the ledger is opened: it is built from the blocks, going on where an
// earlier run stopped, or deleted.
func (l *Ledger) prepareIndex(ctx context.Context) error {
	switch want, have := l.cfg.TxIndex, l.disk.index; {
	case want && have == indexOn, !want && have == indexOff:
		return nil
	case !want:
		return l.dropIndex(ctx)
	case have == indexDrop:
		if err := l.dropIndex(ctx); err != nil {
			return err
		}
	}
	if l.disk.pruned {
		return fmt.Errorf("%w: the transaction index cannot be built; start with --reindex, or without the index", ErrPrunedData)
	}
	return l.growIndex(ctx)
}

func (l *Ledger) growIndex(ctx context.Context) error {
	if l.disk.index == indexOff {
		l.disk.index, l.disk.indexHeight = indexGrow, 0
	}
	// The index never gets ahead of the coins: it ends at their tip.
	top := l.cur.height
	l.log.Info().Uint32("from", l.disk.indexHeight).Uint32("to", top).Msg("building the transaction index")
	told := time.Now()
	for l.disk.indexHeight < top {
		if err := ctx.Err(); err != nil {
			return err
		}
		var b kv.Batch
		next := l.disk
		for next.indexHeight < top && int64(b.Size()) < l.cfg.growBytes {
			next.indexHeight++
			n := l.cur.ancestor(next.indexHeight)
			block, err := l.readBody(n)
			if err != nil {
				return fmt.Errorf("build the transaction index: %w", err)
			}
			txPlaces(block, func(tx *wire.Tx, offset, size uint32) {
				c := txChange{tx.TxID(), n.height, offset, size}
				c.write(&b)
			})
		}
		if next.indexHeight == top {
			next.index, next.indexHeight = indexOn, 0
		}
		b.Put([]byte{keyState}, appendState(nil, &next))
		if err := l.db.Write(&b); err != nil {
			return err
		}
		if l.disk = next; next.index == indexOn {
			break
		}
		if time.Since(told) > 5*time.Second {
			told = time.Now()
			l.log.Info().Uint32("height", next.indexHeight).Uint32("to", top).Msg("building the transaction index")
		}
	}
	if l.disk.index != indexOn {
		l.disk.index, l.disk.indexHeight = indexOn, 0
		return l.putState()
	}
	return nil
}

func (l *Ledger) dropIndex(ctx context.Context) error {
	l.log.Info().Msg("deleting the transaction index")
	l.disk.index, l.disk.indexHeight = indexDrop, 0
	if err := l.putState(); err != nil {
		return err
	}
	if err := l.wipe(ctx, keyTx); err != nil {
		return err
	}
	l.disk.index = indexOff
	return l.putState()
}

// putState writes the state record alone.
func (l *Ledger) putState() error {
	var b kv.Batch
	b.Put([]byte{keyState}, appendState(nil, &l.disk))
	return l.db.Write(&b)
}

// wipe deletes every key that begins with prefix. It may be repeated.
func (l *Ledger) wipe(ctx context.Context, prefix byte) error {
	all := kv.Prefix([]byte{prefix})
	start := all.Start
	for {
		var b kv.Batch
		it := l.db.Iterate(kv.Range{Start: start, Limit: all.Limit})
		for b.Len() < 50_000 && it.Next() {
			b.Delete(it.Key())
			start = append(append([]byte(nil), it.Key()...), 0)
		}
		err := it.Err()
		it.Close()
		switch {
		case err != nil:
			return err
		case ctx.Err() != nil:
			return ctx.Err()
		case b.Len() == 0:
			return l.db.Compact(all)
		}
		if err := l.db.Write(&b); err != nil {
			return err
		}
	}
}
