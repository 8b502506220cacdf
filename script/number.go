package script

// Numbers on the stack are little-endian with the sign in the highest bit of
// the last byte; zero is the empty element. Operands are at most four bytes,
// lock times five, results may be one byte longer than an operand can be.
const (
	maxNumLen      = 4
	maxLockTimeLen = 5
)

// decodeNum reads a number of at most maxLen bytes. With minimal set it must
// be in its shortest form. Either violation is ErrScriptNum.
func decodeNum(b []byte, maxLen int, minimal bool) (int64, ErrorCode) {
	if len(b) > maxLen {
		return 0, ErrScriptNum
	}
	if len(b) == 0 {
		return 0, errOK
	}
	last := b[len(b)-1]
	if minimal && last&0x7f == 0 && (len(b) == 1 || b[len(b)-2]&0x80 == 0) {
		return 0, ErrScriptNum
	}
	return numValue(b), errOK
}

// numValue reads a non-empty number of at most eight bytes.
func numValue(b []byte) int64 {
	last := len(b) - 1
	n := int64(b[last]&0x7f) << (8 * last)
	for i, c := range b[:last] {
		n |= int64(c) << (8 * i)
	}
	if b[last]&0x80 != 0 {
		return -n
	}
	return n
}

// appendNum appends the shortest form of n to dst.
func appendNum(dst []byte, n int64) []byte {
	if n == 0 {
		return dst
	}
	abs := uint64(n)
	if n < 0 {
		abs = -abs
	}
	for ; abs > 0xff; abs >>= 8 {
		dst = append(dst, byte(abs))
	}
	last, sign := byte(abs), byte(0)
	if n < 0 {
		sign = 0x80
	}
	if last&0x80 != 0 {
		return append(dst, last, sign)
	}
	return append(dst, last|sign)
}

// truth is what OP_IF and the end of a script make of an element: false if it
// is zero of any length, negative zero included.
func truth(b []byte) bool {
	for i, c := range b {
		if c != 0 {
			return i < len(b)-1 || c != 0x80
		}
	}
	return false
}
