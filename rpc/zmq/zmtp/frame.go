package zmtp

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// A frame is flags, a length of one byte or, if it is long, of eight (big-endian),
// and a body (RFC 37, "Framing").
const (
	flagMore    = 1 << 0
	flagLong    = 1 << 1
	flagCommand = 1 << 2

	maxShort = 255

	// maxFrame is how long a frame of a subscriber may be, in bytes; those of
	// Bitcoin's topics have less than 32.
	maxFrame = 1024
)

// errProtocol: the peer does not speak ZMTP as a subscriber does.
var errProtocol = errors.New("zmtp")

func protocolError(format string, args ...any) error {
	return fmt.Errorf("%w: %s", errProtocol, fmt.Sprintf(format, args...))
}

// appendHead appends the head of a frame, whose body of so many bytes follows.
func appendHead(dst []byte, flags byte, length int) []byte {
	if length <= maxShort {
		return append(dst, flags, byte(length))
	}
	return binary.BigEndian.AppendUint64(append(dst, flags|flagLong), uint64(length))
}

// appendCommand appends a whole command.
func appendCommand(dst []byte, name string, data []byte) []byte {
	dst = appendHead(dst, flagCommand, 1+len(name)+len(data))
	dst = append(append(dst, byte(len(name))), name...)
	return append(dst, data...)
}

// readFrame reads a frame of a peer. The body is valid until the next call with
// the same buf, which has maxFrame bytes.
func readFrame(r *bufio.Reader, buf []byte) (flags byte, body []byte, err error) {
	if flags, err = r.ReadByte(); err != nil {
		return 0, nil, err
	}
	if flags&^(flagMore|flagLong|flagCommand) != 0 || flags&flagCommand != 0 && flags&flagMore != 0 {
		return 0, nil, protocolError("a frame with flags %02x", flags)
	}
	var length uint64
	if flags&flagLong == 0 {
		short, err := r.ReadByte()
		if err != nil {
			return 0, nil, noEOF(err)
		}
		length = uint64(short)
	} else {
		var long [8]byte
		if _, err := io.ReadFull(r, long[:]); err != nil {
			return 0, nil, noEOF(err)
		}
		length = binary.BigEndian.Uint64(long[:])
	}
	if length > maxFrame {
		return 0, nil, protocolError("a frame of %d bytes, more than %d", length, maxFrame)
	}
	body = buf[:length]
	if _, err := io.ReadFull(r, body); err != nil {
		return 0, nil, noEOF(err)
	}
	return flags, body, nil
}

// noEOF is an error in the middle of something.
func noEOF(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// splitCommand takes the body of a command apart.
func splitCommand(body []byte) (name string, data []byte, err error) {
	if len(body) == 0 || body[0] == 0 || int(body[0]) > len(body)-1 {
		return "", nil, protocolError("a command without a name")
	}
	n := 1 + int(body[0])
	return string(body[1:n]), body[n:], nil
}
