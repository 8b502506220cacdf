package wire

import "encoding/binary"

// HeaderSize is the length of an encoded Header in bytes.
const HeaderSize = 80

// Header is the 80 bytes that proof of work is done over.
//
//	offset  size  field
//	     0     4  Version, two's complement
//	     4    32  PrevBlock
//	    36    32  MerkleRoot
//	    68     4  Time, seconds since 1970
//	    72     4  Bits, the target in compact form (see pow.Bits)
//	    76     4  Nonce
type Header struct {
	Version    int32
	PrevBlock  Hash
	MerkleRoot Hash
	Time       uint32
	Bits       uint32
	Nonce      uint32
}

// BlockRef names a block by where it is and what it is.
type BlockRef struct {
	Height uint32
	Hash   Hash
}

// DecodeHeader reads exactly HeaderSize bytes.
func DecodeHeader(b []byte) (Header, error) {
	r := reader{b: b}
	h := r.header()
	return h, r.end()
}

func (r *reader) header() (h Header) {
	s := r.bytes(HeaderSize)
	if s == nil {
		return h
	}
	h.Version = int32(binary.LittleEndian.Uint32(s))
	h.PrevBlock = Hash(s[4:36])
	h.MerkleRoot = Hash(s[36:68])
	h.Time = binary.LittleEndian.Uint32(s[68:])
	h.Bits = binary.LittleEndian.Uint32(s[72:])
	h.Nonce = binary.LittleEndian.Uint32(s[76:])
	return h
}

// Append appends the 80 bytes to dst.
func (h *Header) Append(dst []byte) []byte {
	dst = binary.LittleEndian.AppendUint32(dst, uint32(h.Version))
	dst = append(dst, h.PrevBlock[:]...)
	dst = append(dst, h.MerkleRoot[:]...)
	dst = binary.LittleEndian.AppendUint32(dst, h.Time)
	dst = binary.LittleEndian.AppendUint32(dst, h.Bits)
	return binary.LittleEndian.AppendUint32(dst, h.Nonce)
}

// Hash returns the double SHA-256 of the 80 bytes. It is computed at each call.
func (h *Header) Hash() Hash {
	var buf [HeaderSize]byte
	return DoubleSHA256(h.Append(buf[:0]))
}
