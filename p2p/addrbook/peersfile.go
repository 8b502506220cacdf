package addrbook

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"

	"github.com/keelson-chain/keelson/ledger/fsys"
	"github.com/keelson-chain/keelson/wire"
)

// peers.dat, all numbers little-endian:
//
//	head      8 bytes, "KPEERS01"
//	genesis   32 bytes, the network that the addresses are of
//	key       32 bytes, the secret that chooses places
//	count     4 bytes
//	entries   count times:
//	          address (see appendAddr), source (address and port alone)
//	          services, seen, success: 8 bytes each; failures: 2 bytes
//	          places: 1 byte, 255 for tried; then 2 bytes for each bucket of new addresses
//	checksum  32 bytes, SHA-256 of all before it
//
// An entry's position follows from the key.
const (
	peersHead  = "KPEERS01"
	placeTried = 255
)

// maxEntries is how many places there are.
const maxEntries = (newBuckets + triedBuckets) * bucketSize

// Load returns the book of the last run; a missing file is an empty one. The
// book is there even if there is an error: then it is empty, and if the error
// wraps ErrDamaged, the file was put aside.
func Load(file string, cfg Config) (*Book, error) {
	b := New(cfg)
	raw, found, err := readFile(file)
	if !found && err == nil {
		return b, nil
	}
	if err == nil {
		err = b.decode(raw)
	}
	if err != nil {
		return New(cfg), fmt.Errorf("addresses of peers: %w", setAside(file, err))
	}
	return b, nil
}

// Save writes the book to a file, whole or not at all.
func (b *Book) Save(file string) error {
	if err := fsys.ReplaceFileBytes(file, b.encode()); err != nil {
		return fmt.Errorf("addresses of peers: %w", err)
	}
	return nil
}

func (b *Book) encode() []byte {
	b.mu.Lock()
	defer b.mu.Unlock()
	raw := make([]byte, 0, 128+128*len(b.order))
	raw = append(raw, peersHead...)
	raw = append(raw, b.cfg.Genesis[:]...)
	raw = append(raw, b.key[:]...)
	raw = binary.LittleEndian.AppendUint32(raw, uint32(len(b.order)))
	for _, e := range b.order {
		raw = appendEntry(raw, e)
	}
	return seal(raw)
}

func appendEntry(raw []byte, e *entry) []byte {
	raw = appendAddrPort(appendAddr(raw, &e.addr), e.source)
	for _, v := range []uint64{e.services, uint64(e.seen), uint64(e.success)} {
		raw = binary.LittleEndian.AppendUint64(raw, v)
	}
	raw = binary.LittleEndian.AppendUint16(raw, uint16(min(e.failures, 1<<16-1)))
	if e.tried {
		return append(raw, placeTried)
	}
	raw = append(raw, byte(len(e.buckets)))
	for _, n := range e.buckets {
		raw = binary.LittleEndian.AppendUint16(raw, n)
	}
	return raw
}

// decode fills an empty book. The error wraps ErrDamaged.
func (b *Book) decode(raw []byte) error {
	raw, err := unseal(raw)
	if err != nil {
		return err
	}
	return b.decodeSealed(raw)
}

// decodeSealed is decode of what stands before the checksum.
func (b *Book) decodeSealed(raw []byte) error {
	r := reader{b: raw}
	r.head(peersHead, b.cfg.Genesis)
	copy(b.key[:], r.take(len(b.key)))
	count := int(r.uint32())
	if count > maxEntries {
		r.fail("%d addresses, at most %d have a place", count, maxEntries)
	}
	for i := 0; i < count && r.err == nil; i++ {
		if e, tried := r.entry(); r.err == nil {
			b.restore(e, tried)
		}
	}
	return r.end()
}

// restore gives an entry its places. One that has none, because it does not
// belong here or others stand there, is left out.
func (b *Book) restore(e *entry, tried bool) {
	if !b.takes(&e.addr) || b.byAddr[e.addr] != nil {
		return
	}
	if tried {
		at, position := b.triedPlace(&e.addr)
		if at.at[position] != nil || e.success == 0 {
			return
		}
		at.set(position, e)
		e.tried, e.buckets = true, nil
		b.triedCount++
	} else {
		var placed []uint16
		for _, n := range e.buckets {
			position := b.position(kindNew, int(n), &e.addr)
			if b.fresh[n].at[position] == nil {
				b.fresh[n].set(position, e)
				placed = append(placed, n)
			}
		}
		if e.buckets = placed; len(placed) == 0 {
			return
		}
	}
	e.at = len(b.order)
	b.order = append(b.order, e)
	b.byAddr[e.addr] = e
}

// seal appends the checksum.
func seal(raw []byte) []byte {
	sum := sha256.Sum256(raw)
	return append(raw, sum[:]...)
}

// unseal takes the checksum off.
func unseal(raw []byte) ([]byte, error) {
	n := len(raw) - sha256.Size
	if n < 0 {
		return nil, fmt.Errorf("%w: cut off", ErrDamaged)
	}
	if sha256.Sum256(raw[:n]) != [sha256.Size]byte(raw[n:]) {
		return nil, fmt.Errorf("%w: the checksum does not fit", ErrDamaged)
	}
	return raw[:n], nil
}

// reader reads a file. Its first error sticks and wraps ErrDamaged; what it
// returns after that is zero.
type reader struct {
	b   []byte
	err error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf("%w: "+format, append([]any{ErrDamaged}, args...)...)
	}
}

// take returns the next n bytes, or as many zeros, n being small.
func (r *reader) take(n int) []byte {
	if r.err == nil && n > len(r.b) {
		r.fail("cut off")
	}
	if r.err != nil {
		return make([]byte, n)
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) uint8() byte    { return r.take(1)[0] }
func (r *reader) uint16() uint16 { return binary.LittleEndian.Uint16(r.take(2)) }
func (r *reader) uint32() uint32 { return binary.LittleEndian.Uint32(r.take(4)) }
func (r *reader) uint64() uint64 { return binary.LittleEndian.Uint64(r.take(8)) }

// time reads seconds since 1970, which are not negative and far from what
// overflows.
func (r *reader) time() int64 {
	t := r.uint64()
	if t > maxTime {
		r.fail("no time: %d", t)
		return 0
	}
	return int64(t)
}

// head reads how a file begins.
func (r *reader) head(want string, genesis wire.Hash) {
	if got := r.take(len(want)); r.err == nil && string(got) != want {
		r.fail("it begins with %q, not with %q", got, want)
	}
	if got := wire.Hash(r.take(wire.HashSize)); r.err == nil && got != genesis {
		r.fail("it belongs to the network of the genesis block %v", got)
	}
}

// end returns the error, or one about what is left over.
func (r *reader) end() error {
	if len(r.b) > 0 {
		r.fail("%d bytes too many", len(r.b))
	}
	return r.err
}

func (r *reader) addrPort() netip.AddrPort {
	var addr netip.Addr
	switch family := r.uint8(); family {
	case 0:
		return netip.AddrPort{}
	case 4:
		addr = netip.AddrFrom4([4]byte(r.take(4)))
	case 6:
		addr = netip.AddrFrom16([16]byte(r.take(16)))
	default:
		r.fail("no kind of address: %d", family)
	}
	return netip.AddrPortFrom(addr, r.uint16())
}

func (r *reader) addr() Addr {
	a := Addr{AddrPort: r.addrPort(), Transport: Transport(r.uint8())}
	a.ID = string(r.take(int(r.uint8())))
	return a
}

func (r *reader) entry() (e *entry, tried bool) {
	e = &entry{addr: r.addr(), source: r.addrPort(), services: r.uint64(), seen: r.time(), success: r.time(), failures: int(r.uint16())}
	n := r.uint8()
	if n == placeTried {
		return e, true
	}
	if n > maxPlaces {
		r.fail("an address in %d buckets", n)
		return e, false
	}
	for range n {
		bucket := r.uint16()
		if bucket >= newBuckets {
			r.fail("no bucket: %d", bucket)
			return e, false
		}
		e.buckets = append(e.buckets, bucket)
	}
	return e, false
}

// known reads an address with what is said of it.
func (r *reader) known() Known {
	return Known{Addr: r.addr(), Services: r.uint64(), Seen: time.Unix(r.time(), 0)}
}
