package kv

import (
	"errors"
	"fmt"
	"sync"

	"github.com/syndtr/goleveldb/leveldb"
	"github.com/syndtr/goleveldb/leveldb/filter"
	"github.com/syndtr/goleveldb/leveldb/opt"
	"github.com/syndtr/goleveldb/leveldb/util"

	"github.com/keelson-chain/keelson/ledger/fsys"
)

// Store is an open store. It is safe for concurrent use. Close it after the
// last Iterator and Snapshot.
type Store struct {
	reader
	db     *leveldb.DB
	bulkAt int // size from which a batch is written in bulk

	writing sync.Mutex // held by the one write there is at a time
	stuck   bool       // goleveldb holds its write lock for good
	closed  bool
}

// OpenOn opens or makes the store whose files lie at the root of fs; see Open.
func OpenOn(fs fsys.FS, o Options) (*Store, error) {
	memory := max(o.Memory, MinMemory)
	if o.Memory == 0 {
		memory = DefaultMemory
	}
	files, err := openStorage(fs)
	if err != nil {
		return nil, err
	}
	settings := settings(memory)
	db, err := leveldb.Open(files, settings)
	if failure := files.failure(); failure != nil || err != nil {
		if db != nil {
			_ = db.Close()
		}
		_ = files.Close()
		if failure != nil {
			return nil, fmt.Errorf("open database %s: %w", fs.Path("."), failure)
		}
		return nil, fmt.Errorf("open database %s: %w", fs.Path("."), classify(err))
	}
	return &Store{reader: reader{db, files}, db: db, bulkAt: settings.WriteBuffer}, nil
}

// settings divides the memory. Two write buffers may be full at a time, and a
// third of the same size is being filled by Bulk; the rest is for the indexes
// and filters of open tables and for blocks.
func settings(memory int64) *opt.Options {
	buffer := int(memory / 8)
	return &opt.Options{
		WriteBuffer:        buffer,
		BlockCacheCapacity: int(memory / 2),
		// Blocks of tables that were merged and removed would take room until
		// others push them out.
		BlockCacheEvictRemoved: true,
		// An open table costs a descriptor and little memory: its index and
		// filter lie in the block cache.
		OpenFilesCacheCapacity: 128,
		Filter:                 filter.NewBloomFilter(10),
		Compression:            opt.NoCompression, // hashes do not shrink
		CompactionTableSize:    max(buffer/2, 1<<20),
		CompactionTotalSize:    max(4*buffer, 8<<20),
		DisableSeeksCompaction: true,
		// Write decides when a batch is large; see there.
		DisableLargeBatchTransaction: true,
		// Damage is an error and is never skipped over.
		Strict: opt.StrictAll,
	}
}

// NewMem returns an empty store in memory.
func NewMem() *Store {
	s, err := OpenOn(fsys.Mem(), Options{Memory: MinMemory})
	if err != nil {
		panic(err) // files in memory do not fail
	}
	return s
}

// Write applies a batch, all of it or nothing, and returns when it is durable.
// A write that failed may turn out to be applied when the store is opened
// again; nothing works any more then (ErrFailed), and the caller stops.
func (s *Store) Write(b *Batch) error {
	if b.Size() > s.bulkAt {
		// A batch that does not fit the write buffer would need several times
		// its size in memory.
		return s.Bulk(func(w Writer) error { return b.replay(w) })
	}
	s.writing.Lock()
	defer s.writing.Unlock()
	return s.check(s.db.Write(&b.b, &opt.WriteOptions{Sync: true}))
}

// Bulk applies what fill writes, all of it or nothing and durably, without
// holding it in memory. It costs a few files each time, so it is for writes of
// many megabytes. Other writers wait meanwhile; readers see nothing of it until
// it is done. An error of fill is returned and nothing is applied. Otherwise
// errors are as with Write.
func (s *Store) Bulk(fill func(w Writer) error) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if err := s.check(nil); err != nil {
		return err
	}
	tr, err := s.db.OpenTransaction()
	if err != nil {
		// goleveldb may have kept its write lock, which Close would wait for.
		s.stuck = !errors.Is(err, leveldb.ErrClosed)
		return s.check(err)
	}
	w := &bulkWriter{tr: tr}
	if err := fill(w); err != nil {
		tr.Discard()
		return err
	}
	if w.err == nil {
		w.err = tr.Commit()
	}
	if w.err != nil {
		tr.Discard()
	}
	return s.check(w.err)
}

// bulkWriter keeps the first error, as bufio.Writer does.
type bulkWriter struct {
	tr  *leveldb.Transaction
	err error
}

func (w *bulkWriter) Put(key, value []byte) {
	if w.err == nil {
		w.err = w.tr.Put(key, value, nil)
	}
}

func (w *bulkWriter) Delete(key []byte) {
	if w.err == nil {
		w.err = w.tr.Delete(key, nil)
	}
}

// Snapshot returns the store as it is now.
func (s *Store) Snapshot() (*Snapshot, error) {
	snap, err := s.db.GetSnapshot()
	if err := s.check(err); err != nil {
		return nil, err
	}
	return &Snapshot{reader{snap, s.files}, snap}, nil
}

// Snapshot is a Store as it was at one moment.
type Snapshot struct {
	reader
	snap *leveldb.Snapshot
}

// Close lets go of what only the snapshot still needs.
func (s *Snapshot) Close() { s.snap.Release() }

// Compact merges the files that hold the keys in r and frees the space of what
// was overwritten or deleted. Writers wait meanwhile.
func (s *Store) Compact(r Range) error {
	s.writing.Lock()
	defer s.writing.Unlock()
	// goleveldb removes the journal first. If it is empty, no record of the
	// manifest says so, and checkManifest would miss it.
	if err := s.check(s.db.Delete(nil, &opt.WriteOptions{Sync: true})); err != nil {
		return err
	}
	return s.check(s.db.CompactRange(util.Range(r)))
}

// DiskSize returns about how many bytes the keys in r take on disk, without
// what was written last.
func (s *Store) DiskSize(r Range) (int64, error) {
	if r.Limit == nil {
		// goleveldb takes nil for the first key here.
		it := s.Iterate(r)
		if it.Last() {
			r.Limit = append(append([]byte(nil), it.Key()...), 0)
		}
		it.Close()
		if err := it.Err(); err != nil || r.Limit == nil {
			return 0, err
		}
	}
	sizes, err := s.db.SizeOf([]util.Range{util.Range(r)})
	if err := s.check(err); err != nil {
		return 0, err
	}
	return sizes.Sum(), nil
}

// Close releases everything. It returns what stopped the store, if a write
// failed. A second Close does nothing.
func (s *Store) Close() error {
	s.writing.Lock()
	defer s.writing.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	var err error
	if !s.stuck {
		err = s.db.Close()
	}
	err = s.check(err)
	if cerr := s.files.Close(); err == nil {
		err = cerr
	}
	return err
}
