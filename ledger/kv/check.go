package kv

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"

	lstorage "github.com/syndtr/goleveldb/leveldb/storage"

	"github.com/keelson-chain/keelson/ledger/fsys"
)

// damageError says what is wrong in a file.
type damageError struct{ what string }

func (e *damageError) Error() string { return e.what }

func damaged(format string, a ...any) error {
	return &damageError{fmt.Sprintf(format, a...)}
}

func isDamage(err error) bool {
	var damage *damageError
	return errors.As(err, &damage)
}

// checkFooter checks the two block handles at the end of a table, which have no
// checksum: goleveldb would ask for as much memory as they say.
func checkFooter(f fsys.File, size int64) error {
	const footerSize = 48
	if size < footerSize {
		return damaged("%d bytes are too few for a table", size)
	}
	var footer [footerSize]byte
	if _, err := f.ReadAt(footer[:], size-footerSize); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	r := fields{b: footer[:]}
	for range 2 {
		offset, length := r.uvarint(), r.uvarint()
		if r.short || offset > uint64(size) || length > uint64(size)-offset {
			return damaged("the footer points outside of the file")
		}
	}
	return nil
}

// manifest is what the records of a manifest say of the journals.
type manifest struct {
	journal int64  // number of the oldest one that is needed; 0: none was made yet
	seq     uint64 // number of the last write in the tables
}

// checkManifest reads a manifest and the journals that belong to it. The last
// record of a manifest may be damaged so that it looks torn. goleveldb would
// then take the tables for those of an earlier time, remove the newer ones and
// play back only the newest journal, on a state that it was not written on. But
// the journal that the earlier record names is gone then, or the numbers of the
// writes have a gap.
func (s *storage) checkManifest(f fsys.File, size int64) (whole int64, err error) {
	var m manifest
	whole, err = readLog(f, size, m.read)
	if err != nil {
		return 0, err
	}
	fds, err := s.List(lstorage.TypeJournal | lstorage.TypeTable)
	if err != nil {
		return 0, err
	}
	slices.SortFunc(fds, func(a, b lstorage.FileDesc) int { return int(a.Num - b.Num) })
	found := false
	last := m.seq
	for _, fd := range fds {
		switch {
		case fd.Type == lstorage.TypeTable:
			if m.journal == 0 {
				return 0, damaged("it names no journal, but there is the table %v", fd)
			}
		case fd.Num >= m.journal:
			found = found || fd.Num == m.journal
			if last, err = s.checkJournal(fd, last); err != nil {
				return 0, err
			}
		}
	}
	if m.journal != 0 && !found {
		return 0, damaged("the journal %06d.log is missing", m.journal)
	}
	return whole, nil
}

// checkJournal checks that the writes in a journal go on where others ended,
// and returns the number of its last one.
func (s *storage) checkJournal(fd lstorage.FileDesc, last uint64) (uint64, error) {
	f, err := s.fs.Open(fd.String())
	if err != nil {
		return 0, err
	}
	defer f.Close()
	size, err := f.Size()
	if err != nil {
		return 0, err
	}
	_, err = readLog(f, size, func(record []byte) error {
		if len(record) < 12 {
			return damaged("a record is too short")
		}
		first := binary.LittleEndian.Uint64(record)
		if first > last+1 {
			return damaged("write %d follows write %d", first, last)
		}
		last = first + uint64(binary.LittleEndian.Uint32(record[8:])) - 1
		return nil
	})
	if isDamage(err) {
		err = fmt.Errorf("%v: %w", fd, err)
	}
	return last, err
}

// read takes what a record says into m. A record is a list of fields, each
// behind a tag.
func (m *manifest) read(record []byte) error {
	for r := (fields{b: record}); len(r.b) > 0; {
		switch tag := r.uvarint(); tag {
		case 1: // name of the order of keys
			r.bytes()
		case 2: // oldest journal that is needed
			m.journal = int64(r.uvarint())
		case 4: // last write in the tables
			m.seq = r.uvarint()
		case 3, 9: // next number of a file; previous journal
			r.uvarint()
		case 5: // where merging goes on: level, key
			r.uvarint()
			r.bytes()
		case 6: // table removed: level, number
			r.uvarint()
			r.uvarint()
		case 7: // table added: level, number, size, first key, last key
			r.uvarint()
			r.uvarint()
			r.uvarint()
			r.bytes()
			r.bytes()
		default:
			return damaged("a record has an unknown field %d", tag)
		}
		if r.short {
			return damaged("a record is too short")
		}
	}
	return nil
}

// fields reads what LevelDB writes: numbers as uvarint, and strings behind
// their length.
type fields struct {
	b     []byte
	short bool
}

func (r *fields) uvarint() uint64 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 {
		r.short, n = true, len(r.b)
	}
	r.b = r.b[n:]
	return v
}

func (r *fields) bytes() {
	n := r.uvarint()
	if n > uint64(len(r.b)) {
		r.short, n = true, uint64(len(r.b))
	}
	r.b = r.b[n:]
}
