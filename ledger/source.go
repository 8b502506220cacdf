package ledger

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger/flat"
	"github.com/keelson-chain/keelson/ledger/fsys"
)

// source is where blocks are read from. The place that it gives with a block is
// only for its own read.
type source struct {
	folder bool
	total  int64 // bytes
	// scan calls fn with every block in the order of the files; the payload is
	// fn's to keep. read counts the bytes up to here.
	scan  func(fn func(at flat.Pos, payload []byte, read int64) error) error
	read  func(at flat.Pos) ([]byte, error)
	close func() error
}

// openSource opens a flat chain file, a bootstrap file or a folder of
// blk*.dat files.
func openSource(path string, p *consensus.Params) (*source, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.IsDir() {
		return folderSource(path, p)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	src := &source{total: info.Size(), close: f.Close}
	var head [4]byte
	if _, err := f.ReadAt(head[:], 0); err != nil && !errors.Is(err, io.EOF) {
		f.Close()
		return nil, err
	}
	frame := 4
	if head == p.Magic {
		frame = 8
	}
	src.scan = func(fn func(flat.Pos, []byte, int64) error) error {
		return scanFile(f, path, p, frame, fn)
	}
	src.read = func(at flat.Pos) ([]byte, error) {
		// A file is at most 2^32 frames long, not bytes: File holds the high half.
		payload := make([]byte, at.Size)
		_, err := f.ReadAt(payload, int64(at.File)<<32|int64(at.Offset))
		return payload, err
	}
	return src, nil
}

// scanFile reads the frames of a flat chain file (a length of 4 bytes) or a
// bootstrap file (the magic and a length). Zeros between frames and at the end
// are passed over.
func scanFile(f *os.File, path string, p *consensus.Params, frame int, fn func(flat.Pos, []byte, int64) error) error {
	r := bufio.NewReaderSize(io.NewSectionReader(f, 0, 1<<62), 1<<20)
	var head [8]byte
	for off := int64(0); ; {
		n, err := io.ReadFull(r, head[:frame])
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
			return err
		}
		if head == [8]byte{} {
			off += int64(n)
			if err != nil {
				return nil
			}
			continue
		}
		if err != nil {
			return fmt.Errorf("%s ends in the middle of a block's frame, at %d", path, off)
		}
		if frame == 8 && [4]byte(head[:4]) != p.Magic {
			return fmt.Errorf("%s has no block of network %q at %d: its magic is %x, not %x", path, p.Name, off, head[:4], p.Magic)
		}
		size := binary.LittleEndian.Uint32(head[frame-4:])
		if int64(size) > int64(p.MaxBlockWeight) {
			return fmt.Errorf("%s has a block of %d bytes at %d, more than any of network %q: not a chain file, or damaged", path, size, off, p.Name)
		}
		off += int64(frame)
		payload := make([]byte, size)
		if _, err := io.ReadFull(r, payload); err != nil {
			if errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, io.EOF) {
				return fmt.Errorf("%s ends in the middle of a block, at %d", path, off)
			}
			return err
		}
		at := flat.Pos{File: uint32(off >> 32), Offset: uint32(off), Size: size}
		off += int64(size)
		if err := fn(at, payload, off); err != nil {
			return err
		}
		clear(head[:])
	}
}

// folderSource reads the files blk*.dat of any folder, Bitcoin Core's masked
// ones included.
func folderSource(path string, p *consensus.Params) (*source, error) {
	names, err := filepath.Glob(filepath.Join(path, "blk*.dat"))
	if err != nil {
		return nil, err
	}
	if len(names) == 0 {
		return nil, fmt.Errorf("%s has no files blk*.dat", path)
	}
	files, err := unmasked(fsys.Disk(path))
	if err != nil {
		return nil, err
	}
	return filesSource(files, "blk", p)
}

// ownSource reads the ledger's own block files.
func ownSource(l *Ledger) *source {
	src, err := filesSource(l.fs, blocksPrefix, l.params)
	if err != nil {
		src = &source{scan: func(func(flat.Pos, []byte, int64) error) error { return err }}
	}
	return src
}

func filesSource(files fsys.FS, prefix string, p *consensus.Params) (*source, error) {
	list, err := flat.List(files, prefix)
	if err != nil {
		return nil, err
	}
	total := int64(0)
	before := make(map[uint32]int64, len(list)) // bytes of the files before each
	for _, f := range list {
		before[f.File] = total
		total += f.Size
	}
	return &source{
		folder: true,
		total:  total,
		scan: func(fn func(flat.Pos, []byte, int64) error) error {
			return flat.Scan(files, prefix, p.Magic, p.MaxBlockWeight, flat.End{}, func(at flat.Pos, payload []byte) error {
				return fn(at, payload, before[at.File]+int64(at.Offset)+int64(at.Size))
			})
		},
		read: func(at flat.Pos) ([]byte, error) {
			f, err := files.Open(fmt.Sprintf("%s%05d.dat", prefix, at.File))
			if err != nil {
				return nil, err
			}
			defer f.Close()
			payload := make([]byte, at.Size)
			_, err = f.ReadAt(payload, int64(at.Offset))
			return payload, err
		},
		close: func() error { return nil },
	}, nil
}
