package zmtp

import (
	"context"
	"fmt"
	"io"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"
)

// What bounds a Socket, whoever connects.
const (
	maxSubscribers   = 64 // connections; more are closed at once
	handshakeTimeout = 10 * time.Second
	// maxQueued bounds what waits for one subscriber in bytes, whatever the
	// number of messages. Bodies are shared among subscribers.
	maxQueued = 64 << 20
	// patience is how long Publish waits for a subscriber that kept up until now.
	patience = 50 * time.Millisecond
	// acceptPause is how long to wait when the system is out of something.
	acceptPause = 100 * time.Millisecond
)

// Config is what a Socket is made of.
type Config struct {
	Address Address
	// HWM, the high-water mark, is how many messages may wait for a subscriber;
	// more are dropped. 0: as many as there is room for.
	HWM int
	Log zerolog.Logger
}

// Socket publishes to everybody who connects to an address.
type Socket struct {
	cfg      Config
	listener net.Listener
	address  Address
	dropped  atomic.Uint64

	mu          sync.Mutex
	subscribers map[*subscriber]struct{}
}

// Listen opens the address; who connects is greeted when Run runs. The error is
// for the user.
func Listen(ctx context.Context, cfg Config) (*Socket, error) {
	l, err := cfg.Address.listen(ctx)
	if err != nil {
		return nil, err
	}
	return &Socket{cfg: cfg, listener: l, address: cfg.Address.actual(l), subscribers: make(map[*subscriber]struct{})}, nil
}

// Address is where the socket listens, with the actual port.
func (s *Socket) Address() Address { return s.address }

// Dropped is how many messages subscribers did not get because too many waited.
func (s *Socket) Dropped() uint64 { return s.dropped.Load() }

// Subscribers is how many are connected.
func (s *Socket) Subscribers() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.subscribers)
}

// Close closes the address of a socket that does not run.
func (s *Socket) Close() { s.listener.Close() }

// Run serves subscribers until ctx ends. What waits for them then is dropped.
func (s *Socket) Run(ctx context.Context) error {
	var serving sync.WaitGroup
	defer serving.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(ctx, s.Close)()
	for {
		conn, err := s.listener.Accept()
		if ctx.Err() != nil {
			if err == nil {
				_ = conn.Close()
			}
			return nil
		}
		if err != nil {
			// Such as too many open files, which may pass.
			s.cfg.Log.Warn().Err(err).Stringer("address", s.address).Msg("a ZMQ subscriber is not served")
			select {
			case <-time.After(acceptPause):
			case <-ctx.Done():
			}
			continue
		}
		sub := newSubscriber(s, conn)
		if !s.enter(sub) {
			s.cfg.Log.Warn().Stringer("address", s.address).Int("max", maxSubscribers).Msg("too many ZMQ subscribers")
			_ = conn.Close()
			continue
		}
		serving.Go(func() {
			defer s.leave(sub)
			err := sub.serve(ctx)
			s.cfg.Log.Debug().Err(err).Stringer("address", s.address).Msg("a ZMQ subscriber has left")
		})
	}
}

func (s *Socket) enter(sub *subscriber) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.subscribers) >= maxSubscribers {
		return false
	}
	s.subscribers[sub] = struct{}{}
	return true
}

func (s *Socket) leave(sub *subscriber) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.subscribers, sub)
}

// takers returns those who have subscribed to a topic.
func (s *Socket) takers(topic string) (list []*subscriber) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for sub := range s.subscribers {
		if sub.takes(topic) {
			list = append(list, sub)
		}
	}
	return list
}

// Wanted reports whether anybody has subscribed to a topic.
func (s *Socket) Wanted(topic string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for sub := range s.subscribers {
		if sub.takes(topic) {
			return true
		}
	}
	return false
}

// Publish sends a message of three frames to all who have subscribed to the
// beginning of the topic. It keeps body, which nobody may change any more. One that
// reads too slowly does not get it; waiting for those who kept up takes a moment at
// most. Only one goroutine may publish.
func (s *Socket) Publish(topic string, body, tail []byte) {
	takers := s.takers(topic)
	if len(takers) == 0 {
		return
	}
	m := newMessage(topic, body, tail)
	for _, sub := range takers {
		sub.offer(m)
	}
}

// message is one as it goes over the wire.
type message struct {
	head, body, tail []byte
}

func newMessage(topic string, body, tail []byte) *message {
	head := make([]byte, 0, 2+len(topic)+9)
	head = append(appendHead(head, flagMore, len(topic)), topic...)
	return &message{
		head: appendHead(head, flagMore, len(body)),
		body: body,
		tail: append(appendHead(make([]byte, 0, 2+len(tail)), 0, len(tail)), tail...),
	}
}

func (m *message) size() int { return len(m.head) + len(m.body) + len(m.tail) }

func (m *message) writeTo(w io.Writer) error {
	for _, part := range [...][]byte{m.head, m.body, m.tail} {
		if _, err := w.Write(part); err != nil {
			return fmt.Errorf("send: %w", err)
		}
	}
	return nil
}
