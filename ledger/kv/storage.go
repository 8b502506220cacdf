package kv

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	lstorage "github.com/syndtr/goleveldb/leveldb/storage"

	"github.com/keelson-chain/keelson/ledger/fsys"
)

const (
	lockName    = "LOCK"
	currentName = "CURRENT"
	currentTemp = "CURRENT.tmp"
)

// storage gives goleveldb its files. The layout is LevelDB's: CURRENT names the
// manifest, which lists the tables (*.ldb) and the journal (*.log) that hold
// the data.
//
// It is stricter than goleveldb's own in three ways:
//
// A name is durable before anything durable refers to it. goleveldb syncs the
// folder for manifests only, and so leaves it to the file system whether the
// journal of a synced write is there after a power failure.
//
// Journals and manifests are checked when they are opened: a torn tail is cut
// off; damage with records behind it is an error, and so is a manifest that
// does not fit the journals. goleveldb would either skip the damage, so that
// later writes are applied without earlier ones, or refuse a tail that a crash
// has torn.
//
// After the first change that fails, no change is made any more, and goleveldb
// is told that they all succeed. The files stay as a power failure at that
// moment would have left them, which is a case that opening copes with, whereas
// goleveldb's own ways after an error lead to lost writes and locks never
// released. Store reports the failure.
type storage struct {
	fs    fsys.FS
	lock  io.Closer
	first atomic.Pointer[error] // what failed

	mu     sync.Mutex
	held   bool // by goleveldb
	closed bool
	// Whether the folder has names that may not be durable.
	unsynced bool
}

func openStorage(fs fsys.FS) (*storage, error) {
	if err := fs.MkdirAll("."); err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	lock, err := fs.Lock(lockName)
	if err != nil {
		return nil, fmt.Errorf("open database: %w", err)
	}
	return &storage{fs: fs, lock: lock, unsynced: true}, nil
}

// failure returns the error that stopped the store, or nil.
func (s *storage) failure() error {
	if p := s.first.Load(); p != nil {
		return *p
	}
	return nil
}

// change makes a change, unless one has failed before.
func (s *storage) change(do func() error) {
	if s.first.Load() != nil {
		return
	}
	if err := do(); err != nil {
		err = fmt.Errorf("%w: %w", ErrFailed, err)
		s.first.CompareAndSwap(nil, &err)
	}
}

// syncNames makes the names in the folder durable if they may not be.
func (s *storage) syncNames() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.unsynced {
		s.change(func() error { return s.fs.SyncDir(".") })
		s.unsynced = s.first.Load() != nil
	}
}

func (s *storage) renamed() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unsynced = true
}

// Lock is goleveldb's claim to the storage, on top of the lock on the folder.
func (s *storage) Lock() (lstorage.Locker, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.held {
		return nil, lstorage.ErrLocked
	}
	s.held = true
	return unlocker{s}, nil
}

type unlocker struct{ s *storage }

func (u unlocker) Unlock() {
	u.s.mu.Lock()
	defer u.s.mu.Unlock()
	u.s.held = false
}

// Log drops goleveldb's diary.
func (s *storage) Log(string) {}

// SetMeta makes CURRENT name a manifest.
func (s *storage) SetMeta(fd lstorage.FileDesc) error {
	s.change(func() error {
		f, err := s.fs.Create(currentTemp)
		if err != nil {
			return err
		}
		defer f.Close()
		if _, err := f.WriteAt([]byte(fd.String()+"\n"), 0); err != nil {
			return err
		}
		if err := f.Sync(); err != nil {
			return err
		}
		if err := s.fs.Rename(currentTemp, currentName); err != nil {
			return err
		}
		return s.fs.SyncDir(".")
	})
	return nil
}

// GetMeta returns the manifest that CURRENT names, or os.ErrNotExist if there is
// no database yet.
func (s *storage) GetMeta() (lstorage.FileDesc, error) {
	text, err := s.readFile(currentName)
	if errors.Is(err, fs.ErrNotExist) {
		return lstorage.FileDesc{}, s.unborn()
	}
	if err != nil {
		return lstorage.FileDesc{}, err
	}
	name, ended := strings.CutSuffix(string(text), "\n")
	fd, ok := parseName(name)
	if !ended || !ok || fd.Type != lstorage.TypeManifest {
		return lstorage.FileDesc{}, corrupt(lstorage.FileDesc{}, "%s does not name a manifest", s.fs.Path(currentName))
	}
	if _, err := s.fs.Stat(name); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			err = corrupt(fd, "%s is missing", s.fs.Path(name))
		}
		return lstorage.FileDesc{}, err
	}
	return fd, nil
}

// unborn returns os.ErrNotExist if the folder holds no database. What is left
// of one that was being made when the power failed, which is a manifest that
// nothing names, is removed.
func (s *storage) unborn() error {
	fds, err := s.List(lstorage.TypeAll)
	if err != nil {
		return err
	}
	for _, fd := range fds {
		if fd.Type != lstorage.TypeManifest {
			return corrupt(lstorage.FileDesc{}, "%s is missing", s.fs.Path(currentName))
		}
	}
	for _, fd := range fds {
		_ = s.Remove(fd) // what stays is removed when the new database is opened
	}
	return os.ErrNotExist // goleveldb does not unwrap
}

func (s *storage) readFile(name string) ([]byte, error) {
	f, err := s.fs.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	b := make([]byte, size)
	if _, err := f.ReadAt(b, 0); err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	return b, nil
}

// List returns the files of the given types.
func (s *storage) List(types lstorage.FileType) ([]lstorage.FileDesc, error) {
	names, err := s.fs.List(".")
	if err != nil {
		return nil, err
	}
	var fds []lstorage.FileDesc
	for _, name := range names {
		if fd, ok := parseName(name); ok && fd.Type&types != 0 {
			fds = append(fds, fd)
		}
	}
	return fds, nil
}

// parseName is the inverse of FileDesc.String.
func parseName(name string) (fd lstorage.FileDesc, ok bool) {
	digits := name
	if number, ok := strings.CutPrefix(name, "MANIFEST-"); ok {
		fd.Type, digits = lstorage.TypeManifest, number
	} else if number, ok := strings.CutSuffix(name, ".log"); ok {
		fd.Type, digits = lstorage.TypeJournal, number
	} else if number, ok := strings.CutSuffix(name, ".ldb"); ok {
		fd.Type, digits = lstorage.TypeTable, number
	} else if number, ok := strings.CutSuffix(name, ".tmp"); ok {
		fd.Type, digits = lstorage.TypeTemp, number
	}
	num, err := strconv.ParseInt(digits, 10, 64)
	fd.Num = num
	return fd, err == nil && fd.Type != 0 && fd.String() == name
}

// Open opens a file for reading, after a check of what goleveldb believes
// unseen.
func (s *storage) Open(fd lstorage.FileDesc) (lstorage.Reader, error) {
	f, err := s.fs.Open(fd.String())
	if errors.Is(err, fs.ErrNotExist) {
		return nil, corrupt(fd, "%s is missing", s.fs.Path(fd.String()))
	}
	if err != nil {
		return nil, err
	}
	size, err := f.Size()
	if err == nil {
		switch fd.Type {
		case lstorage.TypeTable:
			err = checkFooter(f, size)
		case lstorage.TypeJournal:
			size, err = readLog(f, size, func([]byte) error { return nil })
		case lstorage.TypeManifest:
			size, err = s.checkManifest(f, size)
		}
	}
	if err != nil {
		f.Close()
		if isDamage(err) {
			return nil, corrupt(fd, "%s: %w", s.fs.Path(fd.String()), err)
		}
		return nil, err
	}
	return &fileReader{io.NewSectionReader(f, 0, size), f}, nil
}

// corrupt returns an error that goleveldb takes for the damage of a file.
func corrupt(fd lstorage.FileDesc, format string, a ...any) error {
	return &lstorage.ErrCorrupted{Fd: fd, Err: fmt.Errorf(format, a...)}
}

type fileReader struct {
	*io.SectionReader
	f fsys.File
}

func (r *fileReader) Close() error { return r.f.Close() }

// Create makes a file and opens it for writing from its start.
func (s *storage) Create(fd lstorage.FileDesc) (lstorage.Writer, error) {
	w := &fileWriter{s: s, manifest: fd.Type == lstorage.TypeManifest}
	s.change(func() (err error) {
		w.f, err = s.fs.Create(fd.String())
		return err
	})
	s.renamed()
	return w, nil
}

// Remove removes a file.
func (s *storage) Remove(fd lstorage.FileDesc) error {
	s.change(func() error { return s.fs.Remove(fd.String()) })
	s.renamed()
	return nil
}

// Rename gives a file another name.
func (s *storage) Rename(old, new lstorage.FileDesc) error {
	s.change(func() error { return s.fs.Rename(old.String(), new.String()) })
	s.renamed()
	return nil
}

// Close gives the folder free.
func (s *storage) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	return s.lock.Close()
}

// fileWriter appends to a file. goleveldb uses one from one goroutine at a time.
type fileWriter struct {
	s        *storage
	f        fsys.File // nil if it could not be made
	off      int64
	manifest bool
}

// Write appends. What a manifest names is durable before the manifest can be,
// and that it can be without a sync.
func (w *fileWriter) Write(p []byte) (int, error) {
	if w.manifest {
		w.s.syncNames()
	}
	w.s.change(func() error {
		n, err := w.f.WriteAt(p, w.off)
		w.off += int64(n)
		return err
	})
	return len(p), nil
}

// Sync makes the file durable, with its name.
func (w *fileWriter) Sync() error {
	w.s.syncNames()
	w.s.change(func() error { return w.f.Sync() })
	return nil
}

func (w *fileWriter) Close() error {
	if w.f == nil {
		return nil
	}
	return w.f.Close()
}
