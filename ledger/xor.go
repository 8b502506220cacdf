package ledger

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/keelson-chain/keelson/ledger/fsys"
)

// xorFile is where Bitcoin Core, from version 28 on, keeps the key that its
// block files are masked with: 8 bytes, all zero for files that are plain.
const xorFile = "xor.dat"

// unmasked returns files with the mask taken off that its xorFile describes, if
// there is one.
func unmasked(files fsys.FS) (fsys.FS, error) {
	f, err := files.Open(xorFile)
	if errors.Is(err, fs.ErrNotExist) {
		return files, nil
	}
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var key [8]byte
	size, err := f.Size()
	if err != nil {
		return nil, err
	}
	if size != int64(len(key)) {
		return nil, fmt.Errorf("%s has %d bytes, not the %d of a key", files.Path(xorFile), size, len(key))
	}
	if _, err := f.ReadAt(key[:], 0); err != nil {
		return nil, err
	}
	return xored{files, key}, nil
}

// xored is a folder whose files are read through a mask: each byte is
// exclusive-ored with the key's byte at its offset modulo 8.
type xored struct {
	fsys.FS
	key [8]byte
}

func (x xored) Open(name string) (fsys.File, error) {
	f, err := x.FS.Open(name)
	if err != nil {
		return nil, err
	}
	return xoredFile{f, x.key}, nil
}

type xoredFile struct {
	fsys.File
	key [8]byte
}

func (f xoredFile) ReadAt(b []byte, off int64) (int, error) {
	n, err := f.File.ReadAt(b, off)
	for i := range b[:n] {
		b[i] ^= f.key[(off+int64(i))%int64(len(f.key))]
	}
	return n, err
}
