package addrbook

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
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
