package fsys

import (
	"errors"
	"io"
	"io/fs"
)

// FS is a folder of files. All methods are safe for concurrent use. Every
// error names the file and, where it is one of the conditions below, matches
// it with errors.Is.
type FS interface {
	// Open opens an existing file for reading. A missing file is
	// fs.ErrNotExist.
	Open(name string) (File, error)
	// OpenRW opens a file for reading and writing, and makes it if it is
	// missing.
	OpenRW(name string) (File, error)
	// Create opens a file for reading and writing, and makes it empty.
	Create(name string) (File, error)
	// Rename gives the file old the name new, in place of any file of that
	// name, atomically.
	Rename(old, new string) error
	// Remove removes a file.
	Remove(name string) error
	// MkdirAll makes a folder and those above it, durably; that it exists is
	// no error.
	MkdirAll(dir string) error
	// SyncDir makes the names in a folder durable.
	SyncDir(dir string) error
	// List returns the names in a folder, sorted. A missing folder is
	// fs.ErrNotExist.
	List(dir string) ([]string, error)
	// Stat returns the size of a file, 0 for a folder. A missing file is
	// fs.ErrNotExist.
	Stat(name string) (size int64, err error)
	// Lock takes a lock of this process on the named file, which it makes,
	// until the result is closed or the process ends. A lock that somebody
	// else holds is ErrLocked.
	Lock(name string) (io.Closer, error)
	// Path returns the name as people know it, for messages: the path on a
	// disk.
	Path(name string) string
}

// File is an open file. ReadAt and WriteAt are safe for concurrent use where
// their ranges do not overlap.
type File interface {
	io.ReaderAt
	io.WriterAt
	io.Closer
	// Truncate makes the file size bytes long.
	Truncate(size int64) error
	// Sync makes the content and the size durable, but not the name.
	Sync() error
	// Size returns the length in bytes.
	Size() (int64, error)
}

// The conditions that a user can do something about.
var (
	// ErrFull: no space, or no quota, is left for a write.
	ErrFull = errors.New("the disk is full")
	// ErrReadOnly: the file system, folder or file must not be written.
	ErrReadOnly = errors.New("no permission to write, or a read-only file system")
	// ErrLocked: another process has the folder open.
	ErrLocked = errors.New("in use by another process")
	// ErrCrashed is what a stopped Crash file system answers.
	ErrCrashed = errors.New("file system stopped by a test")
)

// kindError is an error of the operating system together with the condition
// that it is.
type kindError struct {
	kind error
	err  error
}

func (e *kindError) Error() string   { return e.err.Error() }
func (e *kindError) Unwrap() []error { return []error{e.kind, e.err} }

// classify adds the condition to an error that is one.
func classify(err error) error {
	switch {
	case err == nil:
		return nil
	case isFull(err):
		return &kindError{ErrFull, err}
	case errors.Is(err, fs.ErrPermission) || isReadOnly(err):
		return &kindError{ErrReadOnly, err}
	}
	return err
}
