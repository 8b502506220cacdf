package link

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"io"
	"net"
	"time"
)

const (
	// piece is how much is read at a time at most: what one loss holds up, and
	// what has one time of arrival.
	piece = 16 << 10
	// maxPieces bounds how many pieces of one direction are on their way, hence the
	// memory that they take, 4 MiB; the sender waits beyond. At a latency of 100 ms
	// that lets 40 MB a second through.
	maxPieces = 256
)

// parcel is a piece of data on its way.
type parcel struct {
	data []byte
	due  time.Time
}

// forward passes on what comes from one connection to the other, each piece when
// its time has come, in order. It returns nil when the first has ended and all has
// arrived, or what broke either.
func (l *Link) forward(p *pair, from, to net.Conn) error {
	way, read := make(chan parcel, maxPieces), make(chan error, 1)
	go func() {
		defer close(way)
		read <- l.take(p, from, way)
	}()
	for parcel := range way {
		err := p.wait(parcel.due)
		if err == nil {
			_, err = to.Write(parcel.data)
		}
		if err != nil {
			p.close()
			<-read //nolint:errcheck // the same, seen from the other end
			return err
		}
		l.passed.Add(int64(len(parcel.data)))
	}
	return <-read
}

// take reads what is to be passed on until the connection ends, which is nil, or
// breaks.
func (l *Link) take(p *pair, from net.Conn, way chan<- parcel) error {
	var last time.Time
	buf := make([]byte, piece)
	for {
		n, err := from.Read(buf)
		if n > 0 {
			due := time.Now().Add(l.Shape().travel())
			if due.Before(last) { // never before what came earlier
				due = last
			}
			last = due
			select {
			case way <- parcel{append([]byte(nil), buf[:n]...), due}:
			case <-p.closed:
				return net.ErrClosed
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

// wait waits until a piece arrives, or the connection is broken.
func (p *pair) wait(due time.Time) error {
	d := time.Until(due)
	if d <= 0 {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-p.closed:
		return net.ErrClosed
	}
}

// travel draws how long a piece is on its way.
func (s Shape) travel() time.Duration {
	d := s.Latency
	if s.Jitter > 0 {
		d += time.Duration(chance() * float64(s.Jitter))
	}
	if s.Loss == 0 {
		return d
	}
	again := s.Retransmission
	if again == 0 {
		again = DefaultRetransmission
	}
	// What is sent again may be lost again, and TCP waits twice as long each time.
	for range maxAgain {
		if chance() >= s.Loss {
			break
		}
		d += again
		again *= 2
	}
	return d
}

// maxAgain bounds how often a piece is lost in a row.
const maxAgain = 6

// chance draws a number from 0 to 1, without the latter.
func chance() float64 {
	var b [8]byte
	rand.Read(b[:]) // never fails
	return float64(binary.LittleEndian.Uint64(b[:])>>11) / (1 << 53)
}
