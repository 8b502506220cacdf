package wire

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// HashSize is the length of a Hash in bytes.
const HashSize = 32

// Hash is a double SHA-256 digest in the byte order in which it is hashed and
// sent. People read it reversed: see String and ParseHash.
type Hash [HashSize]byte

// String returns the 64 hexadecimal digits that people and RPC use: the bytes
// in reverse order.
func (h Hash) String() string {
	var text [2 * HashSize]byte
	return string(h.appendHex(text[:0]))
}

func (h Hash) appendHex(dst []byte) []byte {
	for i, j := 0, HashSize-1; i < j; i, j = i+1, j-1 {
		h[i], h[j] = h[j], h[i]
	}
	return hex.AppendEncode(dst, h[:])
}

// IsZero reports whether every byte is zero, as in the previous hash of a
// genesis header and in a coinbase's outpoint.
func (h Hash) IsZero() bool { return h == Hash{} }

// MarshalText gives the text of String, for JSON and logs.
func (h Hash) MarshalText() ([]byte, error) { return h.appendHex(nil), nil }

// UnmarshalText reads the text of String.
func (h *Hash) UnmarshalText(text []byte) error {
	v, err := ParseHash(string(text))
	if err == nil {
		*h = v
	}
	return err
}

// ParseHash reads the 64 hexadecimal digits that String writes, in either case.
func ParseHash(s string) (Hash, error) {
	var h Hash
	if len(s) != 2*HashSize {
		return Hash{}, fmt.Errorf("hash must have %d hexadecimal digits, not %d", 2*HashSize, len(s))
	}
	if _, err := hex.Decode(h[:], []byte(s)); err != nil {
		return Hash{}, fmt.Errorf("hash %q is not hexadecimal", s)
	}
	for i, j := 0, HashSize-1; i < j; i, j = i+1, j-1 {
		h[i], h[j] = h[j], h[i]
	}
	return h, nil
}

// MustHash is ParseHash for constants; it panics on a malformed text.
func MustHash(s string) Hash {
	h, err := ParseHash(s)
	if err != nil {
		panic(err)
	}
	return h
}

// DoubleSHA256 returns SHA-256(SHA-256(b)).
func DoubleSHA256(b []byte) Hash {
	first := sha256.Sum256(b)
	return sha256.Sum256(first[:])
}
