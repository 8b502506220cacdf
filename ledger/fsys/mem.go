package fsys

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"sync"
)

// Mem returns an empty FS in memory. Nothing of it is ever lost.
func Mem() FS { return newMem() }

// mem is a tree of files in memory. Before an operation changes it, hook (if
// any) is asked, and may refuse.
type mem struct {
	mu     sync.RWMutex
	names  map[string]*node
	dirs   map[string]bool
	locks  map[string]bool
	nextID int
	hook   func(op) error // called with mu held
	gate   func() error   // called before anything is read, with mu held
}

// node is a file, which keeps its identity when it is renamed.
type node struct {
	id   int
	data []byte
}

// op is one change of a mem.
type op struct {
	kind opKind
	id   int    // file, for write, truncate, sync and create
	name string // file or folder, for the others and create
	to   string // rename
	off  int64  // write: where; truncate: the size
	data []byte // write
}

type opKind uint8

const (
	opWrite opKind = iota
	opTruncate
	opSync
	opCreate
	opRename
	opRemove
	opMkdir
	opSyncDir
)

func newMem() *mem {
	return &mem{
		names: map[string]*node{},
		dirs:  map[string]bool{".": true},
		locks: map[string]bool{},
		hook:  func(op) error { return nil },
		gate:  func() error { return nil },
	}
}

func pathError(verb, name string, err error) error {
	return &fs.PathError{Op: verb, Path: name, Err: err}
}

func (m *mem) Path(name string) string { return path.Clean(name) }

func (m *mem) Open(name string) (File, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	name = path.Clean(name)
	if err := m.gate(); err != nil {
		return nil, pathError("open", name, err)
	}
	n := m.names[name]
	if n == nil {
		return nil, pathError("open", name, fs.ErrNotExist)
	}
	return &memFile{m: m, n: n, name: name, readOnly: true}, nil
}

func (m *mem) OpenRW(name string) (File, error) { return m.openRW(name, false) }
func (m *mem) Create(name string) (File, error) { return m.openRW(name, true) }

func (m *mem) openRW(name string, empty bool) (File, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	name = path.Clean(name)
	if err := m.gate(); err != nil {
		return nil, pathError("open", name, err)
	}
	n := m.names[name]
	switch {
	case n == nil:
		if !m.dirs[path.Dir(name)] || m.dirs[name] {
			return nil, pathError("open", name, fs.ErrNotExist)
		}
		if err := m.hook(op{kind: opCreate, id: m.nextID, name: name}); err != nil {
			return nil, pathError("open", name, err)
		}
		n = &node{id: m.nextID}
		m.nextID++
		m.names[name] = n
	case empty && len(n.data) > 0:
		if err := m.hook(op{kind: opTruncate, id: n.id}); err != nil {
			return nil, pathError("open", name, err)
		}
		n.data = nil
	}
	return &memFile{m: m, n: n, name: name}, nil
}

func (m *mem) Rename(old, new string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	old, new = path.Clean(old), path.Clean(new)
	n := m.names[old]
	if n == nil || m.dirs[new] {
		return pathError("rename", old, fs.ErrNotExist)
	}
	if path.Dir(old) != path.Dir(new) {
		return pathError("rename", old, errors.New("into another folder"))
	}
	if err := m.hook(op{kind: opRename, name: old, to: new}); err != nil {
		return pathError("rename", old, err)
	}
	delete(m.names, old)
	m.names[new] = n
	return nil
}

func (m *mem) Remove(name string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	name = path.Clean(name)
	if m.names[name] == nil {
		return pathError("remove", name, fs.ErrNotExist)
	}
	if err := m.hook(op{kind: opRemove, name: name}); err != nil {
		return pathError("remove", name, err)
	}
	delete(m.names, name)
	return nil
}

func (m *mem) MkdirAll(dir string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for dir = path.Clean(dir); !m.dirs[dir]; dir = path.Dir(dir) {
		if m.names[dir] != nil {
			return pathError("mkdir", dir, fs.ErrExist)
		}
		if err := m.hook(op{kind: opMkdir, name: dir}); err != nil {
			return pathError("mkdir", dir, err)
		}
		m.dirs[dir] = true
	}
	return nil
}

func (m *mem) SyncDir(dir string) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	dir = path.Clean(dir)
	if !m.dirs[dir] {
		return pathError("sync", dir, fs.ErrNotExist)
	}
	if err := m.hook(op{kind: opSyncDir, name: dir}); err != nil {
		return pathError("sync", dir, err)
	}
	return nil
}

func (m *mem) List(dir string) ([]string, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	dir = path.Clean(dir)
	if err := m.gate(); err != nil {
		return nil, pathError("list", dir, err)
	}
	if !m.dirs[dir] {
		return nil, pathError("list", dir, fs.ErrNotExist)
	}
	var names []string
	for name := range m.names {
		if path.Dir(name) == dir {
			names = append(names, path.Base(name))
		}
	}
	for name := range m.dirs {
		if name != "." && path.Dir(name) == dir {
			names = append(names, path.Base(name))
		}
	}
	slices.Sort(names)
	return names, nil
}

func (m *mem) Stat(name string) (int64, error) {
	m.mu.RLock()
	defer m.mu.RUnlock()
	name = path.Clean(name)
	if err := m.gate(); err != nil {
		return 0, pathError("stat", name, err)
	}
	if n := m.names[name]; n != nil {
		return int64(len(n.data)), nil
	}
	if m.dirs[name] {
		return 0, nil
	}
	return 0, pathError("stat", name, fs.ErrNotExist)
}

func (m *mem) Lock(name string) (io.Closer, error) {
	f, err := m.OpenRW(name)
	if err != nil {
		return nil, err
	}
	f.Close()
	m.mu.Lock()
	defer m.mu.Unlock()
	name = path.Clean(name)
	if m.locks[name] {
		return nil, fmt.Errorf("the folder %s is %w", path.Dir(name), ErrLocked)
	}
	m.locks[name] = true
	return memLock{m, name}, nil
}

type memLock struct {
	m    *mem
	name string
}

func (l memLock) Close() error {
	l.m.mu.Lock()
	defer l.m.mu.Unlock()
	delete(l.m.locks, l.name)
	return nil
}

type memFile struct {
	m        *mem
	n        *node
	name     string
	readOnly bool
}

func (f *memFile) ReadAt(p []byte, off int64) (int, error) {
	f.m.mu.RLock()
	defer f.m.mu.RUnlock()
	if err := f.m.gate(); err != nil {
		return 0, pathError("read", f.name, err)
	}
	if off < 0 {
		return 0, pathError("read", f.name, fs.ErrInvalid)
	}
	if off >= int64(len(f.n.data)) {
		return 0, io.EOF
	}
	n := copy(p, f.n.data[off:])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (f *memFile) WriteAt(p []byte, off int64) (int, error) {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if f.readOnly || off < 0 {
		return 0, pathError("write", f.name, fs.ErrInvalid)
	}
	if err := f.m.hook(op{kind: opWrite, id: f.n.id, off: off, data: p}); err != nil {
		return 0, pathError("write", f.name, err)
	}
	f.n.data = writeAt(f.n.data, p, off)
	return len(p), nil
}

func (f *memFile) Truncate(size int64) error {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if f.readOnly || size < 0 {
		return pathError("truncate", f.name, fs.ErrInvalid)
	}
	if err := f.m.hook(op{kind: opTruncate, id: f.n.id, off: size}); err != nil {
		return pathError("truncate", f.name, err)
	}
	f.n.data = truncate(f.n.data, size)
	return nil
}

func (f *memFile) Sync() error {
	f.m.mu.Lock()
	defer f.m.mu.Unlock()
	if err := f.m.hook(op{kind: opSync, id: f.n.id}); err != nil {
		return pathError("sync", f.name, err)
	}
	return nil
}

func (f *memFile) Size() (int64, error) {
	f.m.mu.RLock()
	defer f.m.mu.RUnlock()
	if err := f.m.gate(); err != nil {
		return 0, pathError("stat", f.name, err)
	}
	return int64(len(f.n.data)), nil
}

func (f *memFile) Close() error { return nil }

// writeAt returns data with p at off, zeros before it if it was shorter.
func writeAt(data, p []byte, off int64) []byte {
	if end := off + int64(len(p)); end > int64(len(data)) {
		data = truncate(data, end)
	}
	copy(data[off:], p)
	return data
}

func truncate(data []byte, size int64) []byte {
	if size <= int64(len(data)) {
		return data[:size]
	}
	old := len(data)
	data = slices.Grow(data, int(size)-old)[:size]
	clear(data[old:])
	return data
}
