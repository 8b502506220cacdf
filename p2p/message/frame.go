package message

import "encoding/binary"

// LengthSize is the length in bytes of the number that each frame begins with:
// how many bytes follow.
const LengthSize = 4

// AppendRelayFrame appends the frame of a relay message.
func AppendRelayFrame(dst []byte, m Message) []byte {
	return appendFrame(dst, func(dst []byte) []byte { return m.Append(append(dst, byte(m.Kind()))) })
}

// AppendFrame appends the frame of a request or an answer.
func AppendFrame(dst, payload []byte) []byte {
	return append(binary.LittleEndian.AppendUint32(dst, uint32(len(payload))), payload...)
}

func appendFrame(dst []byte, what func([]byte) []byte) []byte {
	from := len(dst) + LengthSize
	dst = what(append(dst, make([]byte, LengthSize)...))
	binary.LittleEndian.PutUint32(dst[from-LengthSize:], uint32(len(dst)-from))
	return dst
}
