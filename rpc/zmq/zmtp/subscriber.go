package zmtp

import (
	"bufio"
	"context"
	"encoding/binary"
	"net"
	"strings"
	"sync"
	"time"
)

// What a subscriber may have.
const (
	maxTopics      = 64
	maxPingContext = 16 // bytes (RFC 37, "Heartbeating")
)

// subscriber is a peer. Two goroutines serve it: one reads what it says, one
// writes what waits for it.
type subscriber struct {
	socket *Socket
	conn   net.Conn
	work   chan struct{} // something waits to be written
	room   chan struct{} // something is being written, and waits no more
	gone   chan struct{} // it is not served any more

	mu      sync.Mutex
	topics  map[string]int // how often it has subscribed to each
	queue   []*message     // the oldest at first
	first   int
	bytes   int
	slow    bool   // it has let patience run out, and not caught up since
	pong    []byte // answers the last PING
	closing bool
}

func newSubscriber(s *Socket, conn net.Conn) *subscriber {
	return &subscriber{
		socket: s, conn: conn, topics: make(map[string]int),
		work: make(chan struct{}, 1), room: make(chan struct{}, 1), gone: make(chan struct{}),
	}
}

// serve talks to the peer until it leaves or ctx ends, and returns why.
func (s *subscriber) serve(ctx context.Context) error {
	defer context.AfterFunc(ctx, func() { _ = s.conn.Close() })()
	var writing sync.WaitGroup
	defer writing.Wait()
	defer s.end()
	r := bufio.NewReader(s.conn)
	buf := make([]byte, maxFrame)
	if err := s.conn.SetDeadline(time.Now().Add(handshakeTimeout)); err != nil {
		return err
	}
	if err := handshake(r, s.conn, buf); err != nil {
		return err
	}
	if err := s.conn.SetDeadline(time.Time{}); err != nil {
		return err
	}
	writing.Go(s.write)
	return s.read(r, buf)
}

// end closes the connection and lets go of what waits.
func (s *subscriber) end() {
	_ = s.conn.Close()
	close(s.gone)
	s.mu.Lock()
	s.closing, s.queue, s.first, s.bytes = true, nil, 0, 0
	clear(s.topics)
	s.mu.Unlock()
	wake(s.work)
}

// wake puts a token in a channel that has room for one.
func wake(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// read follows what the peer says until it breaks a rule or leaves.
func (s *subscriber) read(r *bufio.Reader, buf []byte) error {
	more := false // in the middle of a message of several frames
	for {
		flags, body, err := readFrame(r, buf)
		if err != nil {
			return err
		}
		if flags&flagCommand != 0 {
			if err := s.command(body); err != nil {
				return err
			}
			continue
		}
		// Subscriptions of ZMTP 3.0 are messages of one frame. A publisher takes no
		// other messages, and passes over them.
		if !more && flags&flagMore == 0 && len(body) > 0 {
			switch body[0] {
			case 1:
				err = s.subscribe(string(body[1:]))
			case 0:
				s.cancel(string(body[1:]))
			}
			if err != nil {
				return err
			}
		}
		more = flags&flagMore != 0
	}
}

func (s *subscriber) command(body []byte) error {
	name, data, err := splitCommand(body)
	if err != nil {
		return err
	}
	switch name {
	case "SUBSCRIBE":
		return s.subscribe(string(data))
	case "CANCEL":
		s.cancel(string(data))
	case "PING":
		return s.ping(data)
	case "ERROR":
		return protocolError("the peer says that something is wrong")
	}
	return nil // such as a PONG: those that nobody knows are passed over
}

func (s *subscriber) subscribe(topic string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.topics[topic] == 0 && len(s.topics) >= maxTopics {
		return protocolError("more than %d topics", maxTopics)
	}
	s.topics[topic]++
	return nil
}

// cancel ends one subscription; who has subscribed twice has the other one yet.
func (s *subscriber) cancel(topic string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.topics[topic] > 1 {
		s.topics[topic]--
	} else {
		delete(s.topics, topic)
	}
}

// ping has a heartbeat answered. A peer that sends heartbeats says how long it
// may be silent, in tenths of a second.
func (s *subscriber) ping(data []byte) error {
	if len(data) < 2 || len(data) > 2+maxPingContext {
		return protocolError("a PING of %d bytes", len(data))
	}
	var deadline time.Time
	if ttl := binary.BigEndian.Uint16(data); ttl > 0 {
		deadline = time.Now().Add(time.Duration(ttl) * (time.Second / 10))
	}
	if err := s.conn.SetReadDeadline(deadline); err != nil {
		return err
	}
	s.mu.Lock()
	s.pong = appendCommand(nil, "PONG", data[2:])
	s.mu.Unlock()
	wake(s.work)
	return nil
}

// takes reports whether the peer has subscribed to a topic.
func (s *subscriber) takes(topic string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for prefix := range s.topics {
		if strings.HasPrefix(topic, prefix) {
			return true
		}
	}
	return false
}

// offer queues a message if there is room, or soon will be.
func (s *subscriber) offer(m *message) {
	queued, wait := s.push(m)
	if queued {
		return
	}
	if wait {
		timer := time.NewTimer(patience)
		defer timer.Stop()
		for {
			select {
			case <-s.room:
				if queued, _ := s.push(m); queued {
					return
				}
				continue
			case <-timer.C:
				s.tooSlow()
			case <-s.gone:
			}
			break
		}
	}
	s.socket.dropped.Add(1)
}

func (s *subscriber) tooSlow() {
	s.mu.Lock()
	s.slow = true
	waiting := len(s.queue) - s.first
	s.mu.Unlock()
	s.socket.cfg.Log.Warn().Stringer("address", s.socket.address).Int("waiting", waiting).Msg("a ZMQ subscriber reads too slowly: it loses messages")
}

// push queues a message. wait says that it is worth waiting for room.
func (s *subscriber) push(m *message) (queued, wait bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	waiting := len(s.queue) - s.first
	hwm := s.socket.cfg.HWM
	if s.closing || hwm > 0 && waiting >= hwm || waiting > 0 && s.bytes+m.size() > maxQueued {
		return false, !s.closing && !s.slow
	}
	s.queue = append(s.queue, m)
	s.bytes += m.size()
	wake(s.work)
	return true, false
}

// pop takes what is to be written next; neither if there is nothing.
func (s *subscriber) pop() (pong []byte, m *message, closing bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if pong = s.pong; pong != nil || s.closing {
		s.pong = nil
		return pong, nil, s.closing
	}
	if s.first == len(s.queue) {
		s.queue, s.first, s.slow = s.queue[:0], 0, false
		return nil, nil, false
	}
	m = s.queue[s.first]
	s.queue[s.first] = nil
	s.first++
	s.bytes -= m.size()
	if s.first > len(s.queue)/2 { // append need not grow for ever
		n := copy(s.queue, s.queue[s.first:])
		clear(s.queue[n:])
		s.queue, s.first = s.queue[:n], 0
	}
	return nil, m, false
}

// write writes what waits until the connection breaks or ends.
func (s *subscriber) write() {
	w := bufio.NewWriterSize(s.conn, 64<<10)
	defer func() { _ = s.conn.Close() }() // so that the other goroutine ends, too
	for {
		pong, m, closing := s.pop()
		var err error
		switch {
		case closing:
			return
		case pong != nil:
			_, err = w.Write(pong)
		case m != nil:
			wake(s.room) // which there is now, however long the writing takes
			err = m.writeTo(w)
		default:
			if err = w.Flush(); err == nil {
				<-s.work
			}
		}
		if err != nil {
			return
		}
	}
}
