package flat

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/keelson-chain/keelson/ledger/fsys"
)

// The conditions that errors of this package match with errors.Is, besides
// those of fsys.
var (
	// ErrCorrupt: the file does not hold what was written.
	ErrCorrupt = errors.New("corrupt file")
	// ErrMissing: there is no such file, because it was removed.
	ErrMissing = errors.New("missing file")
)

// HeaderSize is the length of the frame before a payload, in bytes.
const HeaderSize = 8

// MaxPayload is the length of the longest payload, in bytes. Consensus does not
// get there: a block of 4,000,000 weight units has at most 24,390 inputs, which
// spend scripts of at most 10,000 bytes, so that its undo record has 244 MB.
const MaxPayload = 1 << 30

// Pos says where a payload lies.
type Pos struct {
	File   uint32 // number of the file
	Offset uint32 // of the payload in the file, past its frame
	Size   uint32 // of the payload, in bytes
	CRC    uint32 // CRC-32C of the payload
}

// End is the place right behind the last record.
type End struct {
	File   uint32 // number of the last file
	Offset uint32 // its length, in bytes
}

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// Files is an open set of files. Reading is safe for concurrent use, also
// beside one writer; the writing methods (Append, Sync, Remove, Close) are
// called by one goroutine at a time.
type Files struct {
	fs      fsys.FS
	prefix  string
	magic   [4]byte
	maxFile int64

	mu      sync.RWMutex
	end     End
	earlier int64 // what the files before the last take, in bytes

	// Of the writer.
	last   fsys.File // the last file, nil until it is written to
	dirty  bool      // last was written since it was synced
	newDir bool      // a file was made since the folder was synced
	frame  []byte    // the record being written
	failed error     // what stopped the writing
}

// keepFrame is the size up to which the buffer for a frame is kept, in bytes.
const keepFrame = 4 << 20

// Open opens the files prefix00000.dat, prefix00001.dat and so on of fsys and
// cuts off what lies past end: the last file is truncated, later ones are
// removed. The folder of prefix must exist. A new file is begun where a record
// would make the last one longer than maxFile bytes.
//
// It matches ErrCorrupt if the last file is shorter than end says.
func Open(fs fsys.FS, prefix string, magic [4]byte, maxFile int64, end End) (*Files, error) {
	f := &Files{fs: fs, prefix: prefix, magic: magic, maxFile: min(maxFile, 1<<32-1), end: end}
	files, err := List(fs, prefix)
	if err != nil {
		return nil, err
	}
	found := false
	for _, info := range files {
		switch {
		case info.File > end.File:
			if err := fs.Remove(name(prefix, info.File)); err != nil {
				return nil, err
			}
		case info.File == end.File:
			found = true
			if err := f.cut(info.Size); err != nil {
				return nil, err
			}
		default:
			f.earlier += info.Size
		}
	}
	if !found && end.Offset > 0 {
		return nil, fmt.Errorf("%w: %s is gone", ErrCorrupt, f.Name(end.File))
	}
	return f, nil
}

// cut truncates the last file, which has size bytes, to where it ends.
func (f *Files) cut(size int64) error {
	switch want := int64(f.end.Offset); {
	case size < want:
		return fmt.Errorf("%w: %s has %d bytes, %d were written", ErrCorrupt, f.Name(f.end.File), size, want)
	case size > want:
		if err := f.openLast(); err != nil {
			return err
		}
		f.dirty = true
		return f.last.Truncate(want)
	}
	return nil
}

// openLast opens the last file for writing, and makes it if it is missing.
func (f *Files) openLast() (err error) {
	if f.last == nil {
		f.last, err = f.fs.OpenRW(name(f.prefix, f.end.File))
		f.newDir = f.newDir || f.end.Offset == 0
	}
	return err
}

// Append adds a record. It is read back at once, and durable after Sync. After
// an error nothing more is written; the caller stops.
func (f *Files) Append(payload []byte) (Pos, error) {
	if len(payload) > MaxPayload {
		return Pos{}, fmt.Errorf("a record of %d bytes is longer than %d", len(payload), MaxPayload)
	}
	if f.failed != nil {
		return Pos{}, f.failed
	}
	p, err := f.append(payload)
	if err != nil {
		f.failed = err
		return Pos{}, err
	}
	return p, nil
}

func (f *Files) append(payload []byte) (Pos, error) {
	end := f.end
	if end.Offset > 0 && int64(end.Offset)+HeaderSize+int64(len(payload)) > f.maxFile {
		if err := f.finishLast(); err != nil {
			return Pos{}, err
		}
		f.mu.Lock()
		f.earlier += int64(end.Offset)
		end = End{File: end.File + 1}
		f.end = end
		f.mu.Unlock()
	}
	if err := f.openLast(); err != nil {
		return Pos{}, err
	}
	f.frame = append(f.frame[:0], f.magic[:]...)
	f.frame = binary.LittleEndian.AppendUint32(f.frame, uint32(len(payload)))
	f.frame = append(f.frame, payload...)
	f.dirty = true
	if _, err := f.last.WriteAt(f.frame, int64(end.Offset)); err != nil {
		return Pos{}, err
	}
	p := Pos{
		File:   end.File,
		Offset: end.Offset + HeaderSize,
		Size:   uint32(len(payload)),
		CRC:    crc32.Checksum(payload, castagnoli),
	}
	f.mu.Lock()
	f.end.Offset += uint32(len(f.frame))
	f.mu.Unlock()
	if cap(f.frame) > keepFrame {
		f.frame = nil
	}
	return p, nil
}

// finishLast makes the last file durable and closes it, before the next one.
func (f *Files) finishLast() error {
	if f.last == nil {
		return nil
	}
	err := f.syncLast()
	err = errors.Join(err, f.last.Close())
	f.last = nil
	return err
}

func (f *Files) syncLast() error {
	if !f.dirty {
		return nil
	}
	if err := f.last.Sync(); err != nil {
		return err
	}
	f.dirty = false
	return nil
}

// Sync makes everything appended so far durable. After an error nothing more is
// written, since the operating system may have dropped what it failed to write;
// the caller stops.
func (f *Files) Sync() error {
	if f.failed != nil {
		return f.failed
	}
	f.failed = f.sync()
	return f.failed
}

func (f *Files) sync() error {
	if err := f.syncLast(); err != nil {
		return err
	}
	if f.newDir {
		if err := f.fs.SyncDir(path.Dir(f.prefix)); err != nil {
			return err
		}
		f.newDir = false
	}
	return nil
}

// End returns the place where the next record goes unless it needs a new file.
func (f *Files) End() End {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.end
}

// Size returns how many bytes all files take. It asks no disk.
func (f *Files) Size() int64 {
	f.mu.RLock()
	defer f.mu.RUnlock()
	return f.earlier + int64(f.end.Offset)
}

// Read returns the payload at p, which belongs to the caller. It matches
// ErrCorrupt if it is not the one that was written, and ErrMissing if its file
// was removed.
func (f *Files) Read(p Pos) ([]byte, error) {
	file, err := f.fs.Open(name(f.prefix, p.File))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w: %w", ErrMissing, err)
	}
	if err != nil {
		return nil, err
	}
	defer file.Close()
	size, err := file.Size()
	if err != nil {
		return nil, err
	}
	if int64(p.Offset)+int64(p.Size) > size {
		return nil, fmt.Errorf("%w: %s ends within the record at %d", ErrCorrupt, f.Name(p.File), p.Offset)
	}
	payload := make([]byte, p.Size)
	if n, err := file.ReadAt(payload, int64(p.Offset)); n < len(payload) {
		return nil, fmt.Errorf("read the record at %d: %w", p.Offset, err)
	}
	if crc32.Checksum(payload, castagnoli) != p.CRC {
		return nil, fmt.Errorf("%w: %s, the record at %d does not match its checksum", ErrCorrupt, f.Name(p.File), p.Offset)
	}
	return payload, nil
}

// Remove removes a file, which must not be the last, and all its records. That
// it is gone already is no error. The removal need not be durable, so what
// names the records goes first.
func (f *Files) Remove(file uint32) error {
	if file >= f.end.File {
		return fmt.Errorf("%s is still being written", f.Name(file))
	}
	size, err := f.fs.Stat(name(f.prefix, file))
	if err == nil {
		err = f.fs.Remove(name(f.prefix, file))
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	f.mu.Lock()
	f.earlier -= size
	f.mu.Unlock()
	return nil
}

// List returns the numbers and lengths in bytes of the files, in order.
func (f *Files) List() ([]FileInfo, error) { return List(f.fs, f.prefix) }

// List finds the files prefix00000.dat, prefix00001.dat and so on of a folder, in
// order. Other names are none of them.
func List(fs fsys.FS, prefix string) ([]FileInfo, error) {
	dir, base := path.Split(prefix)
	names, err := fs.List(path.Clean(dir))
	if err != nil {
		return nil, err
	}
	var files []FileInfo
	for _, n := range names {
		digits, ok := strings.CutSuffix(strings.TrimPrefix(n, base), ".dat")
		number, err := strconv.ParseUint(digits, 10, 32)
		if !ok || err != nil || path.Join(dir, n) != path.Clean(name(prefix, uint32(number))) {
			continue
		}
		size, err := fs.Stat(path.Join(dir, n))
		if err != nil {
			return nil, err
		}
		files = append(files, FileInfo{uint32(number), size})
	}
	slices.SortFunc(files, func(a, b FileInfo) int { return int(int64(a.File) - int64(b.File)) })
	return files, nil
}

// FileInfo is one file of a set.
type FileInfo struct {
	File uint32
	Size int64
}

// Name returns the path of a file, for messages.
func (f *Files) Name(file uint32) string { return f.fs.Path(name(f.prefix, file)) }

// Close syncs and closes the files.
func (f *Files) Close() error {
	err := f.Sync()
	if f.last != nil {
		err = errors.Join(err, f.last.Close())
		f.last = nil
	}
	return err
}

func name(prefix string, file uint32) string { return fmt.Sprintf("%s%05d.dat", prefix, file) }
