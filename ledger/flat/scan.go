package flat

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"

	"github.com/keelson-chain/keelson/ledger/fsys"
)

// scanWindow is how much of a file Scan looks at for the next magic.
const scanWindow = 1 << 16

// Scan reads the records of all files prefix*.dat in order, without an index
// and without changing anything. Where something is not a record, as behind a
// torn write, it goes on at the next magic; a record of more than limit bytes
// is none. fn gets each record's payload, which is fn's to keep, and its Pos;
// an error that it returns ends the scan and is returned. begin is where the
// scan starts, to resume one.
//
// A record found by Scan has the length that its frame says; whether it is the
// payload that was written only its content can tell.
func Scan(fs fsys.FS, prefix string, magic [4]byte, limit int, begin End, fn func(p Pos, payload []byte) error) error {
	files, err := List(fs, prefix)
	if err != nil {
		return err
	}
	s := scanner{magic, int64(min(limit, MaxPayload)), fn}
	for _, info := range files {
		if info.File < begin.File {
			continue
		}
		from := int64(0)
		if info.File == begin.File {
			from = int64(begin.Offset)
		}
		if err := s.scanFile(fs, name(prefix, info.File), info.File, from); err != nil {
			return err
		}
	}
	return nil
}

type scanner struct {
	magic [4]byte
	limit int64
	fn    func(p Pos, payload []byte) error
}

func (s *scanner) scanFile(fs fsys.FS, name string, number uint32, from int64) error {
	file, err := fs.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	size, err := file.Size()
	if err != nil {
		return err
	}
	// A Pos reaches no further; no file of ours is longer.
	size = min(size, 1<<32-1)
	at := from // of the reader in the file
	r := bufio.NewReaderSize(io.NewSectionReader(file, from, max(size-from, 0)), scanWindow)
	for {
		window, err := r.Peek(scanWindow)
		if err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		if len(window) < HeaderSize {
			return nil
		}
		if skip := s.nextFrame(window, size-at); skip > 0 {
			r.Discard(skip)
			at += int64(skip)
			continue
		}
		payload := make([]byte, binary.LittleEndian.Uint32(window[4:]))
		r.Discard(HeaderSize)
		if _, err := io.ReadFull(r, payload); err != nil {
			return err
		}
		at += HeaderSize
		p := Pos{number, uint32(at), uint32(len(payload)), crc32.Checksum(payload, castagnoli)}
		at += int64(len(payload))
		if err := s.fn(p, payload); err != nil {
			return err
		}
	}
}

// nextFrame returns how many bytes of the window lie before something that can
// be a record, 0 if one begins there. left is how many bytes the file has from
// the window on.
func (s *scanner) nextFrame(window []byte, left int64) int {
	at := bytes.Index(window, s.magic[:])
	switch {
	case at < 0:
		return len(window) - len(s.magic) + 1
	case at > 0:
		return at
	}
	length := int64(binary.LittleEndian.Uint32(window[4:]))
	if length > s.limit || length > left-HeaderSize {
		return 1
	}
	return 0
}
