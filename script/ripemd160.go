package script

import (
	"encoding/binary"
	"math/bits"
)

// RIPEMD-160 by Dobbertin, Bosselaers and Preneel (1996). It is here, and not
// in an import, because this floor has none but the curve. Both lines run 80
// steps in five rounds of 16; the tables give, step by step, the word that is
// added and the rotation.
var (
	ripemdWordL = [80]uint8{
		0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
		7, 4, 13, 1, 10, 6, 15, 3, 12, 0, 9, 5, 2, 14, 11, 8,
		3, 10, 14, 4, 9, 15, 8, 1, 2, 7, 0, 6, 13, 11, 5, 12,
		1, 9, 11, 10, 0, 8, 12, 4, 13, 3, 7, 15, 14, 5, 6, 2,
		4, 0, 5, 9, 7, 12, 2, 10, 14, 1, 3, 8, 11, 6, 15, 13,
	}
	ripemdWordR = [80]uint8{
		5, 14, 7, 0, 9, 2, 11, 4, 13, 6, 15, 8, 1, 10, 3, 12,
		6, 11, 3, 7, 0, 13, 5, 10, 14, 15, 8, 12, 4, 9, 1, 2,
		15, 5, 1, 3, 7, 14, 6, 9, 11, 8, 12, 2, 10, 0, 4, 13,
		8, 6, 4, 1, 3, 11, 15, 0, 5, 12, 2, 13, 9, 7, 10, 14,
		12, 15, 10, 4, 1, 5, 8, 7, 6, 2, 13, 14, 0, 3, 9, 11,
	}
	ripemdRotL = [80]uint8{
		11, 14, 15, 12, 5, 8, 7, 9, 11, 13, 14, 15, 6, 7, 9, 8,
		7, 6, 8, 13, 11, 9, 7, 15, 7, 12, 15, 9, 11, 7, 13, 12,
		11, 13, 6, 7, 14, 9, 13, 15, 14, 8, 13, 6, 5, 12, 7, 5,
		11, 12, 14, 15, 14, 15, 9, 8, 9, 14, 5, 6, 8, 6, 5, 12,
		9, 15, 5, 11, 6, 8, 13, 12, 5, 12, 13, 14, 11, 8, 5, 6,
	}
	ripemdRotR = [80]uint8{
		8, 9, 9, 11, 13, 15, 15, 5, 7, 7, 8, 11, 14, 14, 12, 6,
		9, 13, 15, 7, 12, 8, 9, 11, 7, 7, 12, 7, 6, 15, 13, 11,
		9, 7, 15, 11, 8, 6, 6, 14, 12, 13, 5, 14, 13, 13, 7, 5,
		15, 5, 8, 11, 14, 14, 6, 14, 6, 9, 12, 9, 12, 5, 15, 8,
		8, 5, 12, 9, 12, 5, 14, 6, 8, 13, 6, 5, 15, 13, 11, 11,
	}
)

// ripemd160 returns the digest of b.
func ripemd160(b []byte) (sum [20]byte) {
	h := [5]uint32{0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476, 0xc3d2e1f0}
	n := len(b)
	for ; len(b) >= 64; b = b[64:] {
		ripemdBlock(&h, (*[64]byte)(b))
	}
	// The rest, a one bit, zeros, and the length in bits as 64-bit little-endian.
	var last [128]byte
	copy(last[:], b)
	last[len(b)] = 0x80
	end := 64
	if len(b) >= 56 {
		end = 128
	}
	binary.LittleEndian.PutUint64(last[end-8:], uint64(n)<<3)
	for i := 0; i < end; i += 64 {
		ripemdBlock(&h, (*[64]byte)(last[i:]))
	}
	for i, w := range h {
		binary.LittleEndian.PutUint32(sum[4*i:], w)
	}
	return sum
}

// ripemdBlock mixes one block into h. A step takes the registers a to e, adds
// a function of b, c, d, a word and a constant to a, rotates it and adds e;
// then the registers move one place and c turns by ten.
func ripemdBlock(h *[5]uint32, block *[64]byte) {
	var x [16]uint32
	for i := range x {
		x[i] = binary.LittleEndian.Uint32(block[4*i:])
	}
	a, b, c, d, e := h[0], h[1], h[2], h[3], h[4]
	aa, bb, cc, dd, ee := a, b, c, d, e
	for i := range 16 {
		t := a + (b ^ c ^ d) + x[ripemdWordL[i]&15]
		a, b, c, d, e = e, bits.RotateLeft32(t, int(ripemdRotL[i]))+e, b, bits.RotateLeft32(c, 10), d
		t = aa + (bb ^ (cc | ^dd)) + x[ripemdWordR[i]&15] + 0x50a28be6
		aa, bb, cc, dd, ee = ee, bits.RotateLeft32(t, int(ripemdRotR[i]))+ee, bb, bits.RotateLeft32(cc, 10), dd
	}
	for i := 16; i < 32; i++ {
		t := a + (b&c | ^b&d) + x[ripemdWordL[i]&15] + 0x5a827999
		a, b, c, d, e = e, bits.RotateLeft32(t, int(ripemdRotL[i]))+e, b, bits.RotateLeft32(c, 10), d
		t = aa + (bb&dd | cc&^dd) + x[ripemdWordR[i]&15] + 0x5c4dd124
		aa, bb, cc, dd, ee = ee, bits.RotateLeft32(t, int(ripemdRotR[i]))+ee, bb, bits.RotateLeft32(cc, 10), dd
	}
	for i := 32; i < 48; i++ {
		t := a + ((b | ^c) ^ d) + x[ripemdWordL[i]&15] + 0x6ed9eba1
		a, b, c, d, e = e, bits.RotateLeft32(t, int(ripemdRotL[i]))+e, b, bits.RotateLeft32(c, 10), d
		t = aa + ((bb | ^cc) ^ dd) + x[ripemdWordR[i]&15] + 0x6d703ef3
		aa, bb, cc, dd, ee = ee, bits.RotateLeft32(t, int(ripemdRotR[i]))+ee, bb, bits.RotateLeft32(cc, 10), dd
	}
	for i := 48; i < 64; i++ {
		t := a + (b&d | c&^d) + x[ripemdWordL[i]&15] + 0x8f1bbcdc
		a, b, c, d, e = e, bits.RotateLeft32(t, int(ripemdRotL[i]))+e, b, bits.RotateLeft32(c, 10), d
		t = aa + (bb&cc | ^bb&dd) + x[ripemdWordR[i]&15] + 0x7a6d76e9
		aa, bb, cc, dd, ee = ee, bits.RotateLeft32(t, int(ripemdRotR[i]))+ee, bb, bits.RotateLeft32(cc, 10), dd
	}
	for i := 64; i < 80; i++ {
		t := a + (b ^ (c | ^d)) + x[ripemdWordL[i]&15] + 0xa953fd4e
		a, b, c, d, e = e, bits.RotateLeft32(t, int(ripemdRotL[i]))+e, b, bits.RotateLeft32(c, 10), d
		t = aa + (bb ^ cc ^ dd) + x[ripemdWordR[i]&15]
		aa, bb, cc, dd, ee = ee, bits.RotateLeft32(t, int(ripemdRotR[i]))+ee, bb, bits.RotateLeft32(cc, 10), dd
	}
	h[0], h[1], h[2], h[3], h[4] = h[1]+c+dd, h[2]+d+ee, h[3]+e+aa, h[4]+a+bb, h[0]+b+cc
}
