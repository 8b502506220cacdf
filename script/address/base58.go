package address

import (
	"crypto/sha256"
	"slices"
	"strings"
)

const base58Alphabet = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

// encodeBase58 writes b as a big-endian number in base 58, with a "1" for each
// leading zero byte.
func encodeBase58(b []byte) string {
	zeros := leadingZeros(b)
	var digits []byte // least significant first
	for _, v := range b[zeros:] {
		carry := int(v)
		for i, d := range digits {
			carry += int(d) << 8
			digits[i] = byte(carry % 58)
			carry /= 58
		}
		for ; carry > 0; carry /= 58 {
			digits = append(digits, byte(carry%58))
		}
	}
	var s strings.Builder
	s.WriteString(strings.Repeat(base58Alphabet[:1], zeros))
	for _, d := range slices.Backward(digits) {
		s.WriteByte(base58Alphabet[d])
	}
	return s.String()
}

func leadingZeros(b []byte) int {
	for i, v := range b {
		if v != 0 {
			return i
		}
	}
	return len(b)
}

// decodeBase58 reads base 58, like Bitcoin Core with white space around it
// allowed. It returns false if s is not base 58 or has more than limit bytes,
// and does no more work than that limit needs.
func decodeBase58(s string, limit int) ([]byte, bool) {
	s = strings.Trim(s, " \f\n\r\t\v")
	zeros := 0
	for zeros < len(s) && s[zeros] == base58Alphabet[0] {
		zeros++
	}
	if zeros > limit {
		return nil, false
	}
	var b []byte // least significant first
	for _, c := range []byte(s[zeros:]) {
		carry := strings.IndexByte(base58Alphabet, c)
		if carry < 0 {
			return nil, false
		}
		for i, v := range b {
			carry += int(v) * 58
			b[i] = byte(carry)
			carry >>= 8
		}
		for ; carry > 0; carry >>= 8 {
			b = append(b, byte(carry))
		}
		if zeros+len(b) > limit {
			return nil, false
		}
	}
	b = append(b, make([]byte, zeros)...)
	slices.Reverse(b)
	return b, true
}

// The checksum of base58check is the start of the double SHA-256.
const base58Checksum = 4

func checksum58(b []byte) []byte {
	h := sha256.Sum256(b)
	h = sha256.Sum256(h[:])
	return h[:base58Checksum]
}

// EncodeBase58Check writes a payload in base 58 with its checksum.
func EncodeBase58Check(b []byte) string {
	return encodeBase58(append(slices.Clip(b), checksum58(b)...))
}

// DecodeBase58Check returns the payload, of at most limit bytes, of a string in
// base 58 with a checksum. Like Bitcoin Core it allows white space around it.
func DecodeBase58Check(s string, limit int) ([]byte, bool) {
	b, ok := decodeBase58(s, limit+base58Checksum)
	if !ok || len(b) < base58Checksum {
		return nil, false
	}
	payload := b[:len(b)-base58Checksum]
	return payload, string(checksum58(payload)) == string(b[len(payload):])
}
