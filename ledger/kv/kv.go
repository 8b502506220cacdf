package kv

import "github.com/keelson-chain/keelson/ledger/fsys"

// Options tune a Store. The zero value is the default.
type Options struct {
	// Memory bounds what the store holds in memory, in bytes: write buffers,
	// cached blocks and indexes of tables. 0 means DefaultMemory, and less
	// than MinMemory means MinMemory.
	Memory int64
}

// Memory that a Store uses by default, and at least, in bytes.
const (
	DefaultMemory = 64 << 20
	MinMemory     = 1 << 20
)

// Open opens or makes the store in the folder dir of the real disk.
//
// It matches fsys.ErrLocked if another process has it open, ErrCorrupt if a
// file is damaged, fsys.ErrReadOnly and fsys.ErrFull if it cannot be written.
func Open(dir string, o Options) (*Store, error) {
	return OpenOn(fsys.Disk(dir), o)
}

// Reader reads a Store, at its newest or as it was when a Snapshot was taken.
// It is safe for concurrent use.
type Reader interface {
	// Get returns the value of a key, which belongs to the caller, or
	// ErrNotFound.
	Get(key []byte) ([]byte, error)
	// Iterate returns an Iterator over the keys in r, which stands before the
	// first. It sees no later write.
	Iterate(r Range) *Iterator
}

// Writer takes the parts of a write. It keeps neither key nor value.
type Writer interface {
	Put(key, value []byte)
	Delete(key []byte)
}

// Range is the keys from Start (nil: from the first) up to but without Limit
// (nil: to the last).
type Range struct{ Start, Limit []byte }

// Prefix returns the range of the keys that begin with p.
func Prefix(p []byte) Range {
	limit := append([]byte(nil), p...)
	for i := len(limit) - 1; i >= 0; i-- {
		if limit[i]++; limit[i] != 0 {
			return Range{p, limit[:i+1]}
		}
	}
	return Range{p, nil}
}
