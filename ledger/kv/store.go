package kv

import "github.com/keelson-chain/keelson/ledger/fsys"

// Store is an open store. It is safe for concurrent use. Close it after the
// last Iterator and Snapshot.
type Store struct{}

// OpenOn opens or makes the store whose files lie at the root of fs; see Open.
func OpenOn(fs fsys.FS, o Options) (*Store, error) { panic("unwritten") }

// NewMem returns an empty store in memory.
func NewMem() *Store { panic("unwritten") }

// Get returns the value of a key, which belongs to the caller, or ErrNotFound.
func (s *Store) Get(key []byte) ([]byte, error) { panic("unwritten") }

// Iterate returns an Iterator over the keys in r, which stands before the
// first. It sees no later write.
func (s *Store) Iterate(r Range) *Iterator { panic("unwritten") }

// Write applies a batch, all of it or nothing, and returns when it is durable.
// A write that failed may turn out to be applied when the store is opened
// again; nothing works any more then (ErrFailed), and the caller stops.
func (s *Store) Write(b *Batch) error { panic("unwritten") }

// Bulk applies what fill writes, all of it or nothing and durably, without
// holding it in memory. It costs a few files each time, so it is for writes of
// many megabytes. Other writers wait meanwhile; readers see nothing of it until
// it is done. An error of fill is returned and nothing is applied.
func (s *Store) Bulk(fill func(w Writer) error) error { panic("unwritten") }

// Snapshot returns the store as it is now.
func (s *Store) Snapshot() (*Snapshot, error) { panic("unwritten") }

// Compact merges the files that hold the keys in r and frees the space of what
// was overwritten or deleted.
func (s *Store) Compact(r Range) error { panic("unwritten") }

// DiskSize returns about how many bytes the keys in r take on disk, without
// what was written last.
func (s *Store) DiskSize(r Range) (int64, error) { panic("unwritten") }

// Close releases everything. It returns the error that stopped the store, if
// one did.
func (s *Store) Close() error { panic("unwritten") }

// Batch collects writes to be applied at once, in order. The zero value is
// empty and ready.
type Batch struct{}

// Put sets the value of a key.
func (b *Batch) Put(key, value []byte) { panic("unwritten") }

// Delete removes a key, which need not exist.
func (b *Batch) Delete(key []byte) { panic("unwritten") }

// Len returns how many writes there are.
func (b *Batch) Len() int { panic("unwritten") }

// Size returns how many bytes of memory they take.
func (b *Batch) Size() int { panic("unwritten") }

// Reset empties the batch and keeps its memory.
func (b *Batch) Reset() { panic("unwritten") }

// Snapshot is a Store as it was at one moment.
type Snapshot struct{}

// Get is Store.Get at the snapshot's moment.
func (s *Snapshot) Get(key []byte) ([]byte, error) { panic("unwritten") }

// Iterate is Store.Iterate at the snapshot's moment.
func (s *Snapshot) Iterate(r Range) *Iterator { panic("unwritten") }

// Close lets go of what only the snapshot still needs.
func (s *Snapshot) Close() { panic("unwritten") }

// Iterator walks over keys in order. It is for one goroutine.
type Iterator struct{}

// Next moves to the next key and reports whether there is one. After false,
// Err says whether the walk broke off.
func (it *Iterator) Next() bool { panic("unwritten") }

// Seek moves to the first key that is not before key and reports whether there
// is one.
func (it *Iterator) Seek(key []byte) bool { panic("unwritten") }

// Last moves to the last key and reports whether there is one.
func (it *Iterator) Last() bool { panic("unwritten") }

// Key returns the key, which is valid until the next move.
func (it *Iterator) Key() []byte { panic("unwritten") }

// Value returns the value, which is valid until the next move.
func (it *Iterator) Value() []byte { panic("unwritten") }

// Err returns what broke the walk off, or nil.
func (it *Iterator) Err() error { panic("unwritten") }

// Close releases the iterator.
func (it *Iterator) Close() { panic("unwritten") }
