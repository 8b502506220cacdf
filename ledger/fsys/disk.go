package fsys

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
)

// Disk returns the FS whose root is the folder dir of the real disk. The
// folder need not exist yet: MkdirAll(".") makes it.
func Disk(dir string) FS { return disk{dir, 0o644} }

type disk struct {
	dir  string
	mode fs.FileMode // of new files
}

// ownerOnly is the mode of files that concern nobody but the node's user.
const ownerOnly fs.FileMode = 0o600

func (d disk) Path(name string) string {
	return filepath.Join(d.dir, filepath.FromSlash(name))
}

func (d disk) open(name string, flag int) (File, error) {
	f, err := os.OpenFile(d.Path(name), flag, d.mode)
	if err != nil {
		return nil, classify(err)
	}
	return &diskFile{f}, nil
}

func (d disk) Open(name string) (File, error) { return d.open(name, os.O_RDONLY) }

func (d disk) OpenRW(name string) (File, error) {
	return d.open(name, os.O_RDWR|os.O_CREATE)
}

func (d disk) Create(name string) (File, error) {
	return d.open(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC)
}

func (d disk) Rename(old, new string) error {
	return classify(os.Rename(d.Path(old), d.Path(new)))
}

func (d disk) Remove(name string) error { return classify(os.Remove(d.Path(name))) }

func (d disk) MkdirAll(dir string) error { return classify(mkdirAll(d.Path(dir))) }

// mkdirAll is os.MkdirAll with every new folder's name synced.
func mkdirAll(path string) error {
	err := os.Mkdir(path, 0o755)
	if errors.Is(err, fs.ErrNotExist) && filepath.Dir(path) != path {
		if err = mkdirAll(filepath.Dir(path)); err == nil {
			err = os.Mkdir(path, 0o755)
		}
	}
	if err == nil {
		return syncDir(filepath.Dir(path))
	}
	if info, serr := os.Stat(path); serr == nil && info.IsDir() {
		return nil
	}
	return err
}

func (d disk) SyncDir(dir string) error { return classify(syncDir(d.Path(dir))) }

func (d disk) List(dir string) ([]string, error) {
	f, err := os.Open(d.Path(dir))
	if err != nil {
		return nil, classify(err)
	}
	names, err := f.Readdirnames(-1)
	f.Close()
	if err != nil {
		return nil, classify(err)
	}
	slices.Sort(names)
	return names, nil
}

func (d disk) Stat(name string) (int64, error) {
	info, err := os.Stat(d.Path(name))
	if err != nil {
		return 0, classify(err)
	}
	if info.IsDir() {
		return 0, nil
	}
	return info.Size(), nil
}

func (d disk) Lock(name string) (io.Closer, error) {
	path := d.Path(name)
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, d.mode)
	if err != nil {
		return nil, classify(err)
	}
	if err := lockFile(f); err != nil {
		f.Close()
		if isLocked(err) {
			return nil, fmt.Errorf("the folder %s is %w", filepath.Dir(path), ErrLocked)
		}
		return nil, classify(fmt.Errorf("lock %s: %w", path, err))
	}
	return f, nil // closing the file gives the lock back
}

type diskFile struct{ f *os.File }

func (d *diskFile) ReadAt(p []byte, off int64) (int, error) { return d.f.ReadAt(p, off) }

func (d *diskFile) WriteAt(p []byte, off int64) (int, error) {
	n, err := d.f.WriteAt(p, off)
	return n, classify(err)
}

func (d *diskFile) Truncate(size int64) error { return classify(d.f.Truncate(size)) }
func (d *diskFile) Sync() error               { return classify(d.f.Sync()) }
func (d *diskFile) Close() error              { return classify(d.f.Close()) }

func (d *diskFile) Size() (int64, error) {
	info, err := d.f.Stat()
	if err != nil {
		return 0, classify(err)
	}
	return info.Size(), nil
}
