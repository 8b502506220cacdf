package ledger

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"github.com/keelson-chain/keelson/ledger/kv"
	"github.com/keelson-chain/keelson/wire"
)

// blockRows is what an index is made of that has a row for each block that has been
// connected while the index was kept. What a row says follows from the block and its
// ancestors, so that it stays true whatever becomes of the chain: rows come and never
// change, and a block that has left the active chain keeps its own, as in Bitcoin
// Core.
//
// Such an index holds nothing that pruning deletes: once a block is in, its body is
// not needed any more.
type blockRows struct {
	indexKeys
	waiting map[string][]byte
	bytes   int64
}

func newBlockRows(name string, record, rows byte) blockRows {
	return blockRows{indexKeys: indexKeys{name, record, []byte{rows}}}
}

// appendBlockRowKey appends the key of the row of a block: the prefix, its height
// (4, big-endian) and its hash.
func appendBlockRowKey(dst []byte, prefix byte, ref wire.BlockRef) []byte {
	dst = binary.BigEndian.AppendUint32(append(dst, prefix), ref.Height)
	return append(dst, ref.Hash[:]...)
}

// rowBytes is about what a waiting row takes besides its value.
const rowBytes = 120

func (r *blockRows) put(n *node, value []byte) {
	if r.waiting == nil {
		r.waiting = make(map[string][]byte)
	}
	r.waiting[string(appendBlockRowKey(nil, r.rows[0], n.ref()))] = value
	r.bytes += int64(len(value)) + rowBytes
}

// get returns the row of a block, which waits or is in db. The error is
// kv.ErrNotFound if there is none.
func (r *blockRows) get(db kv.Reader, n *node) ([]byte, error) {
	key := appendBlockRowKey(nil, r.rows[0], n.ref())
	if value, ok := r.waiting[string(key)]; ok {
		return value, nil
	}
	return db.Get(key)
}

// parentRow returns the row of n's parent, which must be there.
func (r *blockRows) parentRow(db kv.Reader, n *node) ([]byte, error) {
	value, err := r.get(db, n.parent)
	if errors.Is(err, kv.ErrNotFound) {
		return nil, fmt.Errorf("%w: the %s has no row of block %v; %s", ErrCorrupt, r.name, n.parent.hash, r.mend())
	}
	return value, err
}

func (r *blockRows) bad(ref wire.BlockRef) error {
	return fmt.Errorf("%w: the %s: the row of block %v is not well-formed; %s", ErrCorrupt, r.name, ref.Hash, r.mend())
}

func (r *blockRows) size() int64 { return r.bytes }

func (r *blockRows) changes() int { return len(r.waiting) }

func (r *blockRows) write(_ kv.Reader, w kv.Writer) error {
	keys := make([]string, 0, len(r.waiting))
	for key := range r.waiting {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		w.Put([]byte(key), r.waiting[key])
	}
	return nil
}

func (r *blockRows) reset() {
	clear(r.waiting)
	r.bytes = 0
}

// blockRow reads the row of a block that the tree knows.
func (s *Snapshot) blockRow(prefix byte, n *node) ([]byte, error) {
	value, err := s.db.Get(appendBlockRowKey(nil, prefix, n.ref()))
	if errors.Is(err, kv.ErrNotFound) {
		return nil, fmt.Errorf("%w: block %v at height %d", ErrNotIndexed, n.hash, n.height)
	}
	return value, err
}
