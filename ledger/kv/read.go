package kv

import (
	"errors"
	"fmt"

	"github.com/syndtr/goleveldb/leveldb"
	"github.com/syndtr/goleveldb/leveldb/iterator"
	"github.com/syndtr/goleveldb/leveldb/opt"
	"github.com/syndtr/goleveldb/leveldb/util"
)

// source is what a database and its snapshot have in common.
type source interface {
	Get(key []byte, ro *opt.ReadOptions) ([]byte, error)
	NewIterator(slice *util.Range, ro *opt.ReadOptions) iterator.Iterator
}

type reader struct {
	src   source
	files *storage
}

// Get returns the value of a key, which belongs to the caller, or ErrNotFound.
func (r *reader) Get(key []byte) ([]byte, error) {
	value, err := r.src.Get(key, nil)
	// A write that failed is visible to goleveldb and to nobody else.
	if err := r.check(err); err != nil {
		return nil, err
	}
	return value, nil
}

// check returns what stopped the store, or else err as one of this package's.
func (r *reader) check(err error) error {
	if failure := r.files.failure(); failure != nil {
		return failure
	}
	if err == nil || errors.Is(err, leveldb.ErrNotFound) {
		return notFound(err)
	}
	return fmt.Errorf("database %s: %w", r.files.fs.Path("."), classify(err))
}

func notFound(err error) error {
	if err != nil {
		return ErrNotFound
	}
	return nil
}

// Iterate returns an Iterator over the keys in r, which stands before the
// first. It sees no later write.
func (r *reader) Iterate(rng Range) *Iterator {
	slice := util.Range(rng)
	return &Iterator{r, r.src.NewIterator(&slice, &opt.ReadOptions{DontFillCache: true})}
}

// Iterator walks over keys in order. It is for one goroutine.
type Iterator struct {
	r  *reader
	it iterator.Iterator
}

// Next moves to the next key and reports whether there is one. After false,
// Err says whether the walk broke off.
func (it *Iterator) Next() bool { return it.it.Next() }

// Seek moves to the first key that is not before key and reports whether there
// is one.
func (it *Iterator) Seek(key []byte) bool { return it.it.Seek(key) }

// Last moves to the last key and reports whether there is one.
func (it *Iterator) Last() bool { return it.it.Last() }

// Key returns the key, which is valid until the next move.
func (it *Iterator) Key() []byte { return it.it.Key() }

// Value returns the value, which is valid until the next move.
func (it *Iterator) Value() []byte { return it.it.Value() }

// Err returns what broke the walk off, or nil.
func (it *Iterator) Err() error { return it.r.check(it.it.Error()) }

// Close releases the iterator.
func (it *Iterator) Close() { it.it.Release() }
