package link

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Shape is how a link behaves.
type Shape struct {
	// Latency is how long bytes are on their way, in each direction; Jitter is how
	// much longer they may be at most, at random.
	Latency, Jitter time.Duration
	// Loss is the probability, from 0 to 1, with which a piece of data is taken for
	// lost: it and what follows it wait for Retransmission besides. 0 of that is
	// DefaultRetransmission.
	Loss           float64
	Retransmission time.Duration
}

// DefaultRetransmission is the least time after which Linux sends something
// again that was not acknowledged.
const DefaultRetransmission = 200 * time.Millisecond

// Bounds of a Shape.
const (
	MaxLatency = time.Minute
	// MaxLoss leaves something to come through.
	MaxLoss = 0.95
)

// ErrShape is a Shape out of bounds.
var ErrShape = errors.New("bad shape of a link")

// Check reports what is wrong with s, as ErrShape.
func (s Shape) Check() error {
	for _, d := range []time.Duration{s.Latency, s.Jitter, s.Retransmission} {
		if d < 0 || d > MaxLatency {
			return fmt.Errorf("%w: a time of %v, which must be from 0 to %v", ErrShape, d, MaxLatency)
		}
	}
	if !(s.Loss >= 0 && s.Loss <= MaxLoss) { // nor NaN
		return fmt.Errorf("%w: a loss of %v, which must be from 0 to %v", ErrShape, s.Loss, MaxLoss)
	}
	return nil
}

// Link is a port that passes connections on. It may be used from several
// goroutines.
type Link struct {
	target   string
	listener net.Listener
	shape    atomic.Pointer[Shape]
	passed   atomic.Int64

	ctx  context.Context // ends with the link
	end  context.CancelFunc
	work sync.WaitGroup // every goroutine of the link

	mu    sync.Mutex
	cut   bool
	conns map[*pair]struct{}
}

// pair is a connection that was accepted and the one to the target.
type pair struct {
	near   net.Conn
	closed chan struct{} // closed when both are broken

	mu     sync.Mutex
	far    net.Conn // nil before it is there
	broken bool
}

// dialTime bounds how long the target may take to accept.
const dialTime = 10 * time.Second

// maxConns bounds how many connections a link carries at a time; more are closed
// at once.
const maxConns = 64

// Open makes a link to a target, HOST:PORT on loopback, which need not listen yet.
// It has no latency and no loss, and its own port is chosen by the system. Close
// must be called.
func Open(target string) (*Link, error) {
	host, _, err := net.SplitHostPort(target)
	if err != nil {
		return nil, fmt.Errorf("link to %q: %w", target, err)
	}
	if ip := net.ParseIP(host); ip == nil || !ip.IsLoopback() {
		return nil, fmt.Errorf("link to %q: the address is not a loopback one", target)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	l := &Link{target: target, listener: listener, conns: map[*pair]struct{}{}}
	l.shape.Store(&Shape{})
	l.ctx, l.end = context.WithCancel(context.Background())
	l.work.Go(l.accept)
	return l, nil
}

// Address is where to connect to, as HOST:PORT.
func (l *Link) Address() string { return l.listener.Addr().String() }

// Shape returns how the link behaves.
func (l *Link) Shape() Shape { return *l.shape.Load() }

// SetShape changes how the link behaves. It holds for what comes from now on; what
// is on its way arrives as it would have. The error is ErrShape.
func (l *Link) SetShape(s Shape) error {
	if err := s.Check(); err != nil {
		return err
	}
	l.shape.Store(&s)
	return nil
}

// Conns is how many connections the link carries.
func (l *Link) Conns() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.conns)
}

// Passed is how many bytes have come through, in both directions.
func (l *Link) Passed() int64 { return l.passed.Load() }

// Cut breaks all connections, and new ones at once, until Mend. What was on its way
// is lost.
func (l *Link) Cut() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = true
	for p := range l.conns {
		p.close()
	}
}

// Mend lets connections through again.
func (l *Link) Mend() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.cut = false
}

// IsCut reports whether the link is cut.
func (l *Link) IsCut() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.cut
}

// Close ends the link. All connections are broken and all goroutines have ended
// when it returns.
func (l *Link) Close() error {
	l.end()
	err := l.listener.Close()
	l.Cut()
	l.work.Wait()
	return err
}

// accept takes connections until the link ends.
func (l *Link) accept() {
	for {
		near, err := l.listener.Accept()
		if err != nil {
			if l.ctx.Err() != nil {
				return
			}
			// Out of descriptors, perhaps: it may get better.
			select {
			case <-time.After(10 * time.Millisecond):
				continue
			case <-l.ctx.Done():
				return
			}
		}
		p := &pair{near: near, closed: make(chan struct{})}
		if !l.add(p) {
			reset(near)
			continue
		}
		l.work.Go(func() { l.carry(p) })
	}
}

// add takes a connection in, unless the link is cut or full.
func (l *Link) add(p *pair) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.cut || len(l.conns) >= maxConns {
		return false
	}
	l.conns[p] = struct{}{}
	return true
}

// carry connects to the target and passes on until both directions have ended.
func (l *Link) carry(p *pair) {
	defer func() {
		p.end(false)
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.conns, p)
	}()
	far, err := (&net.Dialer{Timeout: dialTime}).DialContext(l.ctx, "tcp", l.target)
	if err != nil || !p.join(far) {
		return
	}
	var ways sync.WaitGroup
	ways.Go(func() { l.way(p, p.near, far) })
	ways.Go(func() { l.way(p, far, p.near) })
	ways.Wait()
}

// way carries one direction. If it breaks, both do; if the sender has ended it,
// only this one does.
func (l *Link) way(p *pair, from, to net.Conn) {
	if err := l.forward(p, from, to); err != nil {
		p.close()
		return
	}
	if c, ok := to.(*net.TCPConn); ok {
		_ = c.CloseWrite()
	}
}

// join puts the connection to the target to p, or closes it if p is broken by now.
func (p *pair) join(far net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.broken {
		reset(far)
		return false
	}
	p.far = far
	return true
}

// close breaks both connections.
func (p *pair) close() { p.end(true) }

// end closes both connections: hard, so that what waits to be sent is lost, or
// when it has been sent.
func (p *pair) end(hard bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.broken {
		return
	}
	p.broken = true
	close(p.closed)
	for _, c := range []net.Conn{p.near, p.far} {
		switch {
		case c == nil:
		case hard:
			reset(c)
		default:
			_ = c.Close()
		}
	}
}

// reset closes a connection so that the other end takes notice at once, whatever
// is still waiting to be sent.
func reset(c net.Conn) {
	if c, ok := c.(*net.TCPConn); ok {
		_ = c.SetLinger(0)
	}
	_ = c.Close()
}
