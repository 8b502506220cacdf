package kv

import (
	"errors"
	"fmt"
	"io/fs"

	lerrors "github.com/syndtr/goleveldb/leveldb/errors"
	lstorage "github.com/syndtr/goleveldb/leveldb/storage"
)

// The conditions that errors of this package match with errors.Is, besides
// fsys.ErrLocked, fsys.ErrFull and fsys.ErrReadOnly.
var (
	// ErrNotFound: the key has no value. Get returns it unwrapped.
	ErrNotFound = errors.New("key not found")
	// ErrCorrupt: a file of the database is damaged or missing. The data must
	// be built anew.
	ErrCorrupt = errors.New("the database is corrupt: run with --reindex")
	// ErrFailed: an earlier write failed, and the store stopped. What failed is
	// wrapped as well.
	ErrFailed = errors.New("the database stopped after a failed write")
)

// classify turns an error of goleveldb into one of this package's.
func classify(err error) error {
	var table *lerrors.ErrCorrupted
	var file *lstorage.ErrCorrupted
	switch {
	case errors.Is(err, ErrCorrupt):
		return err
	case errors.As(err, &table), errors.As(err, &file), errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("%w (%w)", ErrCorrupt, err)
	}
	return err
}
