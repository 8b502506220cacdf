package fsys

import (
	"io"
	"path"
)

// Sub returns the folder dir of fs as an FS of its own. The folder need not
// exist yet: MkdirAll(".") makes it.
func Sub(fs FS, dir string) FS { return sub{fs, dir} }

type sub struct {
	fs  FS
	dir string
}

func (s sub) at(name string) string { return path.Join(s.dir, name) }

func (s sub) Open(name string) (File, error)           { return s.fs.Open(s.at(name)) }
func (s sub) OpenRW(name string) (File, error)         { return s.fs.OpenRW(s.at(name)) }
func (s sub) Create(name string) (File, error)         { return s.fs.Create(s.at(name)) }
func (s sub) Rename(old, new string) error             { return s.fs.Rename(s.at(old), s.at(new)) }
func (s sub) Remove(name string) error                 { return s.fs.Remove(s.at(name)) }
func (s sub) MkdirAll(dir string) error                { return s.fs.MkdirAll(s.at(dir)) }
func (s sub) SyncDir(dir string) error                 { return s.fs.SyncDir(s.at(dir)) }
func (s sub) List(dir string) ([]string, error)        { return s.fs.List(s.at(dir)) }
func (s sub) Stat(name string) (size int64, err error) { return s.fs.Stat(s.at(name)) }
func (s sub) Lock(name string) (io.Closer, error)      { return s.fs.Lock(s.at(name)) }
func (s sub) Path(name string) string                  { return s.fs.Path(s.at(name)) }
