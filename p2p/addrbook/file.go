package addrbook

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// ErrDamaged is what a file is that was not written by us, or not to its end.
// Whoever reads it gets an empty book instead, and the file stays under another
// name, with ".damaged" at its end, for whoever wants to look at it.
var ErrDamaged = errors.New("damaged")

// A file that is larger than maxFile was not written by us.
const maxFile = 64 << 20

// readFile returns the content of a file, and false if there is none.
func readFile(file string) (raw []byte, found bool, err error) {
	switch info, err := os.Stat(file); {
	case errors.Is(err, fs.ErrNotExist):
		return nil, false, nil
	case err != nil:
		return nil, false, err
	case info.Size() > maxFile:
		return nil, true, fmt.Errorf("%w: %d bytes, at most %d are possible", ErrDamaged, info.Size(), maxFile)
	}
	raw, err = os.ReadFile(file)
	return raw, true, err
}

// setAside gives a damaged file another name and says so in the error.
func setAside(file string, err error) error {
	err = fmt.Errorf("%s: %w", file, err)
	if !errors.Is(err, ErrDamaged) {
		return err
	}
	aside := file + ".damaged"
	if moved := os.Rename(file, aside); moved != nil {
		return errors.Join(err, moved)
	}
	return fmt.Errorf("%w; it is kept as %s", err, aside)
}

// writeFile puts raw in the place of a file. Whatever it is killed in the middle
// of, the file is the old one or the new one, whole.
func writeFile(file string, raw []byte) (err error) {
	f, err := os.OpenFile(file+".new", os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(raw)
	if err == nil {
		err = f.Sync()
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		os.Remove(f.Name())
		return err
	}
	return syncDir(filepath.Dir(file))
}

// syncDir makes a rename in a folder safe.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer d.Close()
	if err := d.Sync(); err != nil && !errors.Is(err, errors.ErrUnsupported) {
		return err
	}
	return nil
}
