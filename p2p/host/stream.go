package host

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/multiformats/go-multistream"
)

// stream is one stream of a peer, whichever side opened it.
type stream struct {
	network.Stream
	rw io.ReadWriter // the stream, behind the selection of its protocol
}

func (s *stream) Read(b []byte) (int, error)  { return s.rw.Read(b) }
func (s *stream) Write(b []byte) (int, error) { return s.rw.Write(b) }

// open opens a stream of the given protocol. That the peer knows the protocol
// shows when something is read.
func (p *Peer) open(ctx context.Context, name string) (*stream, error) {
	s, err := p.conn.NewStream(ctx)
	if err != nil {
		return nil, err
	}
	id := p.host.protocol(name)
	if err := s.SetProtocol(id); err != nil {
		_ = s.Reset()
		return nil, err
	}
	return &stream{Stream: s, rw: multistream.NewMSSelect[protocol.ID](s, id)}, nil
}

// writeInTime writes b within the time that its length allows.
func (s *stream) writeInTime(b []byte) error {
	_ = s.SetWriteDeadline(time.Now().Add(writeGrace + time.Duration(len(b))*time.Second/writeSpeed))
	_, err := s.Write(b)
	return err
}

// resetAfter resets the stream when ctx ends. The function that it returns
// must be called; afterwards the stream is left alone.
func (s *stream) resetAfter(ctx context.Context) (release func()) {
	done := make(chan struct{})
	stop := context.AfterFunc(ctx, func() {
		defer close(done)
		_ = s.Reset()
	})
	return func() {
		if !stop() {
			<-done
		}
	}
}

// pace is a reader that gives up on a peer that is too slow: first bytes have
// to come in first, and from then on grace passes at most plus the time that
// the bytes so far take at the given speed. No single read waits longer than
// grace.
type pace struct {
	s            *stream
	first, grace time.Duration
	speed        int // bytes a second

	began time.Time // when the first byte came
	bytes int
}

func (r *pace) Read(b []byte) (int, error) {
	now := time.Now()
	until := now.Add(r.first)
	if r.bytes > 0 {
		until = r.began.Add(r.grace + time.Duration(r.bytes)*time.Second/time.Duration(r.speed))
		if limit := now.Add(r.grace); limit.Before(until) {
			until = limit
		}
	}
	_ = r.s.SetReadDeadline(until)
	n, err := r.s.Read(b)
	if r.bytes == 0 && n > 0 {
		r.began = time.Now()
	}
	r.bytes += n
	return n, err
}

// readLength reads the length that each frame begins with. It returns io.EOF
// at the end of the stream.
func readLength(r io.Reader) (uint32, error) {
	var b [4]byte
	if _, err := io.ReadFull(r, b[:]); err != nil {
		return 0, err
	}
	return binary.LittleEndian.Uint32(b[:]), nil
}

// firstChunk is how much room is made for a frame before any of it has come. What
// all peers send unasked beyond that is bounded together, so that it must be little
// for each of them.
const firstChunk = 8 << 10

// readBody reads n bytes. Room is made as they come, so that an announced length
// costs nothing. x holds what goes beyond firstChunk; if it is nil, what comes was
// asked for, and room is made for all of it as soon as the first of it is there.
func readBody(ctx context.Context, r io.Reader, n int, x *holding) ([]byte, error) {
	b := make([]byte, min(n, firstChunk))
	for have := 0; ; {
		if x != nil {
			x.moving()
		}
		m, err := io.ReadFull(r, b[have:])
		if x != nil {
			x.rest(m)
		}
		have += m
		if err != nil {
			if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			return nil, err
		}
		if have == n {
			return b, nil
		}
		more := n - have
		if x != nil {
			more = min(more, have)
			if err := x.add(ctx, more); err != nil {
				return nil, err
			}
		}
		b = append(make([]byte, 0, have+more), b...)[:have+more]
	}
}

// readFrame reads a frame of a request or of an answer.
func readFrame(r io.Reader, most int) ([]byte, error) {
	n, err := readLength(r)
	if err != nil {
		return nil, err
	}
	if uint64(n) > uint64(most) {
		return nil, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, n, most)
	}
	return readBody(context.Background(), r, int(n), nil)
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.Is(err, os.ErrDeadlineExceeded) || errors.As(err, &t) && t.Timeout()
}
