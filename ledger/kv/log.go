package kv

import (
	"encoding/binary"
	"errors"
	"hash/crc32"
	"io"

	"github.com/keelson-chain/keelson/ledger/fsys"
)

// LevelDB's log format, which journals and manifests have: blocks of 32 KiB;
// in them chunks; a record is one full chunk, or a first, any number of middle
// and a last one. A chunk never crosses a block, and fewer than 7 bytes at the
// end of one stay zero.
//
//	4  CRC-32C of type and data, masked
//	2  length of the data
//	1  type
//	   data
const (
	logBlock  = 32 << 10
	logHeader = 7

	chunkFull   = 1
	chunkFirst  = 2
	chunkMiddle = 3
	chunkLast   = 4
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// chunkAt returns the type and the length, with its header, of the chunk at the
// start of b, the rest of a block; 0 if there is none.
func chunkAt(b []byte) (kind byte, size int) {
	if len(b) < logHeader {
		return 0, 0
	}
	kind = b[6]
	size = logHeader + int(binary.LittleEndian.Uint16(b[4:]))
	if kind < chunkFull || kind > chunkLast || size > len(b) {
		return 0, 0
	}
	crc := crc32.Checksum(b[6:size], castagnoli)
	if binary.LittleEndian.Uint32(b) != crc>>15|crc<<17+0xa282ead8 {
		return 0, 0
	}
	return kind, size
}

// readLog calls fn for each record, whose bytes are valid during the call, and
// returns how long the file is without the record that a crash has torn. Each
// record was synced before the next was written, so at most the last one can be
// torn: if a record begins behind damage, the file is corrupt.
func readLog(f fsys.File, size int64, fn func(record []byte) error) (whole int64, err error) {
	var buf [logBlock]byte
	var record []byte
	inside := false // a record whose end has not come
	for start := int64(0); start < size; start += logBlock {
		block := buf[:min(logBlock, size-start)]
		if _, err := f.ReadAt(block, start); err != nil && !errors.Is(err, io.EOF) {
			return 0, err
		}
		for at := 0; len(block)-at >= logHeader; {
			kind, n := chunkAt(block[at:])
			begins := kind == chunkFull || kind == chunkFirst
			if n == 0 || begins == inside {
				// Damage, a first part without its rest or a rest without its
				// first part.
				return whole, damageAt(f, size, start, at, begins)
			}
			record = append(record, block[at+logHeader:at+n]...)
			at += n
			inside = kind == chunkFirst || kind == chunkMiddle
			if inside {
				continue
			}
			whole = start + int64(at)
			if err := fn(record); err != nil {
				return 0, err
			}
			record = record[:0]
		}
	}
	return whole, nil
}

// damageAt returns an error if a record begins behind the damage at the given
// place: at any byte of the damaged block, or at a chunk of a later one, as far
// as its chunks are whole.
func damageAt(f fsys.File, size, start int64, at int, begins bool) error {
	found := begins
	var buf [logBlock]byte
	for first := true; start < size && !found; start, first = start+logBlock, false {
		block := buf[:min(logBlock, size-start)]
		if _, err := f.ReadAt(block, start); err != nil && !errors.Is(err, io.EOF) {
			return err
		}
		i := 0
		if first {
			i = at + 1
		}
		for i < len(block) && !found {
			kind, n := chunkAt(block[i:])
			found = kind == chunkFull || kind == chunkFirst
			switch {
			case first:
				i++
			case n == 0:
				i = len(block)
			default:
				i += n
			}
		}
	}
	if found {
		return damaged("records are damaged, and others follow them")
	}
	return nil
}
