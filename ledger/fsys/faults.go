package fsys

import (
	"io"
	"sync"
)

// Faults makes another FS fail on demand, in the way a disk does: full,
// read-only or broken. It is safe for concurrent use.
type Faults struct {
	FS
	mu       sync.Mutex
	limited  bool
	space    int64 // bytes left, if limited
	readOnly bool
	err      error // of every change, once left is used up
	left     int
}

// NewFaults returns fs without a fault yet.
func NewFaults(fs FS) *Faults { return &Faults{FS: fs} }

// Limit leaves space for so many more bytes of writes, and for no new file when
// they are used up. A write that does not fit is cut short and matches ErrFull.
// A negative number lifts the limit.
func (f *Faults) Limit(bytes int64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.limited, f.space = bytes >= 0, bytes
}

// ReadOnly makes every change fail with an error that matches ErrReadOnly.
func (f *Faults) ReadOnly(on bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.readOnly = on
}

// FailAfter lets n more changes happen and makes every later one fail with err,
// until it is called again; a nil err never fails.
func (f *Faults) FailAfter(n int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.left, f.err = n, err
}

// change asks whether a change may happen, and how many of its bytes fit.
func (f *Faults) change(verb, name string, bytes int) (int, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	path := f.FS.Path(name)
	if f.readOnly {
		return 0, pathError(verb, path, ErrReadOnly)
	}
	if f.err != nil {
		if f.left == 0 {
			return 0, pathError(verb, path, f.err)
		}
		f.left--
	}
	if !f.limited {
		return bytes, nil
	}
	if int64(bytes) > f.space || verb == "create" && f.space == 0 {
		fit := int(f.space)
		f.space = 0
		return fit, pathError(verb, path, ErrFull)
	}
	f.space -= int64(bytes)
	return bytes, nil
}

func (f *Faults) openRW(verb, name string, open func(string) (File, error)) (File, error) {
	if _, err := f.change(verb, name, 0); err != nil {
		return nil, err
	}
	file, err := open(name)
	if err != nil {
		return nil, err
	}
	return &faultyFile{file, f, name}, nil
}

func (f *Faults) OpenRW(name string) (File, error) {
	return f.openRW("open", name, f.FS.OpenRW)
}

func (f *Faults) Create(name string) (File, error) {
	return f.openRW("create", name, f.FS.Create)
}

func (f *Faults) Rename(old, new string) error {
	if _, err := f.change("rename", old, 0); err != nil {
		return err
	}
	return f.FS.Rename(old, new)
}

func (f *Faults) Remove(name string) error {
	if _, err := f.change("remove", name, 0); err != nil {
		return err
	}
	return f.FS.Remove(name)
}

func (f *Faults) MkdirAll(dir string) error {
	if _, err := f.FS.Stat(dir); err == nil {
		return nil
	}
	if _, err := f.change("mkdir", dir, 0); err != nil {
		return err
	}
	return f.FS.MkdirAll(dir)
}

func (f *Faults) SyncDir(dir string) error {
	if _, err := f.change("sync", dir, 0); err != nil {
		return err
	}
	return f.FS.SyncDir(dir)
}

func (f *Faults) Lock(name string) (io.Closer, error) {
	if _, err := f.change("lock", name, 0); err != nil {
		return nil, err
	}
	return f.FS.Lock(name)
}

type faultyFile struct {
	File
	f    *Faults
	name string
}

func (f *faultyFile) WriteAt(p []byte, off int64) (int, error) {
	fit, err := f.f.change("write", f.name, len(p))
	if fit > 0 {
		if n, werr := f.File.WriteAt(p[:fit], off); werr != nil {
			return n, werr
		}
	}
	return fit, err
}

func (f *faultyFile) Truncate(size int64) error {
	if _, err := f.f.change("truncate", f.name, 0); err != nil {
		return err
	}
	return f.File.Truncate(size)
}

func (f *faultyFile) Sync() error {
	if _, err := f.f.change("sync", f.name, 0); err != nil {
		return err
	}
	return f.File.Sync()
}
