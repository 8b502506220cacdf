package addrbook

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"

	"github.com/keelson-chain/keelson/ledger/fsys"
	"github.com/keelson-chain/keelson/wire"
)

// anchors.dat has the peers that a node was connected to for blocks alone when
// it stopped. It connects to them first when it starts again, so that nobody wins
// anything by making it restart. All numbers are little-endian:
//
//	head      8 bytes, "KANCHR01"
//	genesis   32 bytes
//	count     1 byte
//	anchors   count times: address (see appendAddr), services 8 bytes, seen 8 bytes
//	checksum  32 bytes, SHA-256 of all before it
const anchorsHead = "KANCHR01"

// MaxAnchors is how many anchors are kept.
const MaxAnchors = 2

// TakeAnchors reads the anchors of the last run and removes the file, so that
// anchors which bring a node down do so once. A missing file means none. If the
// error wraps ErrDamaged, the file was put aside.
func TakeAnchors(file string, genesis wire.Hash) ([]Known, error) {
	raw, found, err := readFile(file)
	if !found && err == nil {
		return nil, nil
	}
	var list []Known
	if err == nil {
		list, err = decodeAnchors(raw, genesis)
	}
	if err != nil {
		return nil, fmt.Errorf("anchors: %w", setAside(file, err))
	}
	if err := os.Remove(file); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return list, fmt.Errorf("anchors: %w", err)
	}
	return list, nil
}

// SaveAnchors writes the first MaxAnchors of the list.
func SaveAnchors(file string, genesis wire.Hash, list []Known) error {
	if err := fsys.ReplaceFileBytes(file, encodeAnchors(genesis, list[:min(len(list), MaxAnchors)])); err != nil {
		return fmt.Errorf("anchors: %w", err)
	}
	return nil
}

func encodeAnchors(genesis wire.Hash, list []Known) []byte {
	raw := append(append([]byte(anchorsHead), genesis[:]...), byte(len(list)))
	for i := range list {
		raw = appendAddr(raw, &list[i].Addr)
		raw = binary.LittleEndian.AppendUint64(raw, list[i].Services)
		raw = binary.LittleEndian.AppendUint64(raw, uint64(max(list[i].Seen.Unix(), 0)))
	}
	return seal(raw)
}

func decodeAnchors(raw []byte, genesis wire.Hash) ([]Known, error) {
	raw, err := unseal(raw)
	if err != nil {
		return nil, err
	}
	return decodeSealedAnchors(raw, genesis)
}

func decodeSealedAnchors(raw []byte, genesis wire.Hash) ([]Known, error) {
	r := reader{b: raw}
	r.head(anchorsHead, genesis)
	count := int(r.uint8())
	if count > MaxAnchors {
		r.fail("%d anchors, at most %d are kept", count, MaxAnchors)
	}
	var list []Known
	for i := 0; i < count && r.err == nil; i++ {
		k := r.known()
		if !k.valid() {
			r.fail("no address")
		}
		list = append(list, k)
	}
	if err := r.end(); err != nil {
		return nil, err
	}
	return list, nil
}

// valid reports whether all parts of an address are there, and in their one usual
// form.
func (a *Addr) valid() bool {
	return a.AddrPort.IsValid() && a.AddrPort.Port() != 0 && a.AddrPort.Addr() == plain(a.AddrPort.Addr()) &&
		(a.Transport == TCP || a.Transport == QUIC) && a.ID != "" && len(a.ID) <= maxID
}
