package fsys

import (
	"bufio"
	"io"
	"path"
	"path/filepath"
)

// Replace puts what write writes in the place of a file. Whatever it is stopped in
// the middle of, and whatever it fails for, the name stands for all of what was there
// before or for all of the new; without an error, for the new also when the machine
// loses its power. Until it is whole the new one has the name with ".new" behind it,
// of which a crash may leave one; only one Replace of a name may run at a time.
func Replace(fsys FS, name string, write func(w io.Writer) error) error {
	part := name + ".new"
	f, err := fsys.Create(part)
	if err != nil {
		return err
	}
	w := bufio.NewWriterSize(&appender{f: f}, 1<<16)
	if err = write(w); err == nil {
		err = w.Flush()
	}
	if err == nil {
		// Before the new name, which may become durable by itself.
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = fsys.Rename(part, name)
	}
	if err != nil {
		_ = fsys.Remove(part) // of no use; err says why
		return err
	}
	return fsys.SyncDir(path.Dir(name))
}

// ReplaceFile is Replace for a file of the real disk, which its owner alone may read.
func ReplaceFile(file string, write func(w io.Writer) error) error {
	return Replace(disk{filepath.Dir(file), ownerOnly}, filepath.Base(file), write)
}

// ReplaceFileBytes is ReplaceFile with content that is there already.
func ReplaceFileBytes(file string, content []byte) error {
	return ReplaceFile(file, func(w io.Writer) error {
		_, err := w.Write(content)
		return err
	})
}

// appender writes to a new file, one after the other.
type appender struct {
	f  File
	at int64
}

func (a *appender) Write(p []byte) (int, error) {
	n, err := a.f.WriteAt(p, a.at)
	a.at += int64(n)
	return n, err
}
