package addrbook

import (
	"crypto/sha256"
	"encoding/binary"
	"net/netip"
)

// The kinds of places, which make the positions in the two tables independent.
const (
	kindNew   = 'N'
	kindTried = 'K'
)

// newBucket returns the bucket that an address has among the new when source
// tells of it. All that one group tells goes to newPerSource buckets, and all of
// it that belongs to one group to a single one of these.
func (b *Book) newBucket(a, source netip.AddrPort) int {
	var buf [128]byte
	told := b.appendGroup(buf[:0], source)
	group := b.appendGroup(told, a)
	spread := b.hash('n', group) % newPerSource
	return int(b.hash('s', append(told, byte(spread))) % newBuckets)
}

// triedBucket returns the bucket of an address among the tried: one of the
// triedPerGroup that its group has.
func (b *Book) triedBucket(a *Addr) int {
	var buf [192]byte
	spread := b.hash('a', appendAddr(buf[:0], a)) % triedPerGroup
	return int(b.hash('t', append(b.appendGroup(buf[:0], a.AddrPort), byte(spread))) % triedBuckets)
}

// position returns the place of an address in a bucket.
func (b *Book) position(kind byte, bucket int, a *Addr) int {
	var buf [192]byte
	return int(b.hash(kind, appendAddr(binary.LittleEndian.AppendUint16(buf[:0], uint16(bucket)), a)) % bucketSize)
}

// hash is keyed, so that nobody outside knows what collides.
func (b *Book) hash(purpose byte, data []byte) uint64 {
	var buf [256]byte
	msg := append(append(append(buf[:0], b.key[:]...), purpose), data...)
	sum := sha256.Sum256(msg)
	return binary.LittleEndian.Uint64(sum[:])
}

// appendGroup appends the group of an address, with its length before it.
func (b *Book) appendGroup(dst []byte, a netip.AddrPort) []byte {
	if b.cfg.Dev && a.IsValid() && !Routable(a.Addr()) {
		return appendAddrPort(append(dst, 1), a)
	}
	group := Group(a.Addr())
	dst = append(dst, 0, byte(max(group.Bits(), 0)))
	return appendAddrPort(dst, netip.AddrPortFrom(group.Addr(), 0))
}

// appendAddr and appendAddrPort are also how the files have addresses:
//
//	family     1 byte: 4, 6, or 0 for none, after which nothing comes
//	address    4 or 16 bytes
//	port       2 bytes, little-endian
//	transport  1 byte
//	peer id    1 byte for its length, then its text
func appendAddr(dst []byte, a *Addr) []byte {
	dst = append(appendAddrPort(dst, a.AddrPort), byte(a.Transport), byte(len(a.ID)))
	return append(dst, a.ID...)
}

func appendAddrPort(dst []byte, a netip.AddrPort) []byte {
	switch addr := a.Addr(); {
	case addr.Is4():
		raw := addr.As4()
		dst = append(append(dst, 4), raw[:]...)
	case addr.Is6():
		raw := addr.As16()
		dst = append(append(dst, 6), raw[:]...)
	default:
		return append(dst, 0)
	}
	return binary.LittleEndian.AppendUint16(dst, a.Port())
}

// maxID bounds the text of a peer id.
const maxID = 128
