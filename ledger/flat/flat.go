package flat

import (
	"errors"

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

// MaxPayload is the length of the longest payload, in bytes. A longer length in
// a file is taken as damage.
const MaxPayload = 1 << 27

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

// Files is an open set of files. Reading is safe for concurrent use, also
// beside one writer; the writing methods (Append, Sync, Remove, Close) are
// called by one goroutine at a time.
type Files struct{}

// Open opens the files prefix00000.dat, prefix00001.dat and so on of fs and
// cuts off what lies past end: the last file is truncated, later ones are
// removed. The folder of prefix must exist. A new file is begun where a record
// would make the last one longer than maxFile bytes.
//
// It matches ErrCorrupt if the last file is shorter than end says.
func Open(fs fsys.FS, prefix string, magic [4]byte, maxFile int64, end End) (*Files, error) {
	panic("unwritten")
}

// Append adds a record. It is read back at once, and durable after Sync.
func (f *Files) Append(payload []byte) (Pos, error) { panic("unwritten") }

// Sync makes everything appended so far durable. After an error the files are
// not written any more; the caller stops.
func (f *Files) Sync() error { panic("unwritten") }

// End returns the place where the next record goes unless it needs a new file.
func (f *Files) End() End { panic("unwritten") }

// Read returns the payload at p, which belongs to the caller. It matches
// ErrCorrupt if it is not the one that was written, and ErrMissing if its file
// was removed.
func (f *Files) Read(p Pos) ([]byte, error) { panic("unwritten") }

// Remove removes a file, which must not be the last, and all its records. That
// it is gone already is no error. The removal need not be durable, so what
// names the records goes first.
func (f *Files) Remove(file uint32) error { panic("unwritten") }

// List returns the numbers and lengths in bytes of the files, in order.
func (f *Files) List() ([]FileInfo, error) { panic("unwritten") }

// FileInfo is one file of a set.
type FileInfo struct {
	File uint32
	Size int64
}

// Name returns the path of a file, for messages.
func (f *Files) Name(file uint32) string { panic("unwritten") }

// Close syncs and closes the files.
func (f *Files) Close() error { panic("unwritten") }

// Scan reads the records of all files prefix*.dat in order, without an index
// and without changing anything. Where something is not a record, as behind a
// torn write, it goes on at the next magic. fn gets each record's payload,
// which is valid during the call, and its Pos; an error that it returns ends
// the scan and is returned. ext is where the scan begins, to resume one.
//
// A record found by Scan has the length that its frame says; whether it is the
// payload that was written only its content can tell.
func Scan(fs fsys.FS, prefix string, magic [4]byte, begin End, fn func(p Pos, payload []byte) error) error {
	panic("unwritten")
}
