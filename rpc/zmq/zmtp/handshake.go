package zmtp

import (
	"bufio"
	"encoding/binary"
	"io"
	"strings"
)

// A greeting has 64 bytes (RFC 37, "Greeting"):
//
//	0   signature: ff, 8 bytes of padding, 7f
//	10  version: 3, 1
//	12  mechanism, 20 bytes filled with zeros
//	32  as-server: 0
//	33  filler
const (
	greetingSize  = 64
	signatureSize = 10
	mechanismAt   = 12
	mechanismEnd  = 32
)

// greeting is what this side says first.
func greeting() []byte {
	g := make([]byte, greetingSize)
	g[0], g[8], g[9] = 0xff, 0x01, 0x7f // the padding as libzmq has it, for those of ZMTP 1
	g[10], g[11] = 3, 1
	copy(g[mechanismAt:], "NULL")
	return g
}

// ready is the command by which this side says what it is.
var ready = appendCommand(nil, "READY", property(nil, "Socket-Type", "PUB"))

func property(dst []byte, name, value string) []byte {
	dst = append(append(dst, byte(len(name))), name...)
	return append(binary.BigEndian.AppendUint32(dst, uint32(len(value))), value...)
}

// handshake greets a peer, and returns once it has said that it is a subscriber.
func handshake(r *bufio.Reader, w io.Writer, buf []byte) error {
	if _, err := w.Write(greeting()); err != nil {
		return err
	}
	if err := readGreeting(r); err != nil {
		return err
	}
	if _, err := w.Write(ready); err != nil {
		return err
	}
	flags, body, err := readFrame(r, buf)
	if err != nil {
		return noEOF(err)
	}
	if flags&flagCommand == 0 {
		return protocolError("no READY after the greeting")
	}
	err = checkReady(body)
	if err != nil {
		reason := err.Error()
		_, _ = w.Write(appendCommand(nil, "ERROR", append([]byte{byte(min(len(reason), maxShort))}, reason[:min(len(reason), maxShort)]...)))
	}
	return err
}

func readGreeting(r io.Reader) error {
	var g [greetingSize]byte
	// Peers of older versions send less, and need not be waited for.
	if _, err := io.ReadFull(r, g[:signatureSize+1]); err != nil {
		return noEOF(err)
	}
	if g[0] != 0xff || g[9] != 0x7f {
		return protocolError("no greeting")
	}
	if g[10] < 3 {
		return protocolError("version %d of ZMTP, and 3 is needed", g[10])
	}
	if _, err := io.ReadFull(r, g[signatureSize+1:]); err != nil {
		return noEOF(err)
	}
	if mechanism := strings.TrimRight(string(g[mechanismAt:mechanismEnd]), "\x00"); mechanism != "NULL" {
		return protocolError("mechanism %q, and NULL is needed", mechanism)
	}
	return nil
}

// checkReady reads the command by which a peer says what it is.
func checkReady(body []byte) error {
	name, data, err := splitCommand(body)
	if err != nil {
		return err
	}
	if name != "READY" {
		return protocolError("%q in place of READY", name)
	}
	kind := ""
	for len(data) > 0 {
		n := 1 + int(data[0])
		if data[0] == 0 || len(data) < n+4 {
			return protocolError("a property that is cut off")
		}
		key, size := string(data[1:n]), binary.BigEndian.Uint32(data[n:])
		data = data[n+4:]
		if uint64(size) > uint64(len(data)) {
			return protocolError("a property that is cut off")
		}
		if strings.EqualFold(key, "Socket-Type") {
			kind = string(data[:size])
		}
		data = data[size:]
	}
	if kind != "SUB" && kind != "XSUB" {
		return protocolError("a socket of type %q, and this one is for SUB", kind)
	}
	return nil
}
