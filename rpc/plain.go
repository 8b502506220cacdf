package rpc

import (
	"bytes"
	"context"
	"net"
	"net/http"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Most requests are plain: a client that is known asks for one thing, in a head
// that says nothing unusual, and all of it comes at once. They are answered
// here, by the goroutine that reads the connection. At the first request that
// is not plain, for whatever reason, the connection is handed to net/http with
// all that was read, and stays there.
//
// net/http starts a goroutine for each request, to see a client go away, and so
// wakes a second thread: for a client that asks one thing after the other that
// is a third of what a call costs. Here a client is watched only once a call takes
// watchAfter.
const watchAfter = 50 * time.Millisecond

// plainListener serves plain requests, and gives net/http the other connections.
type plainListener struct {
	net.Listener
	all   *connections
	serve func(*conn) (handOver bool)
	ready chan net.Conn
	fail  chan error
	done  <-chan struct{} // closed when the server stops
	group sync.WaitGroup
}

func newPlainListener(l net.Listener, all *connections, serve func(*conn) bool, done <-chan struct{}) *plainListener {
	p := &plainListener{Listener: l, all: all, serve: serve, ready: make(chan net.Conn), fail: make(chan error, 1), done: done}
	p.group.Go(p.run)
	return p
}

// run accepts connections until the port is closed.
func (p *plainListener) run() {
	admitting := listener{p.Listener, p.all}
	for {
		c, err := admitting.Accept()
		if err != nil {
			p.fail <- err
			return
		}
		p.group.Go(func() {
			if !p.serve(c.(*conn)) {
				return
			}
			select {
			case p.ready <- c:
			case <-p.done:
				_ = c.Close() // nobody waits for anything on it
			}
		})
	}
}

// Accept returns a connection that is handed over.
func (p *plainListener) Accept() (net.Conn, error) {
	select {
	case c := <-p.ready:
		return c, nil
	case err := <-p.fail:
		return nil, err
	}
}

// servePlain answers the plain requests of a connection. It returns true if
// somebody else is to go on with it; otherwise it has closed it.
func (s *Server) servePlain(calls context.Context, c *conn) (handOver bool) {
	if !s.allowed(c.RemoteAddr().String()) {
		return true
	}
	ctx, cancel := context.WithCancel(calls)
	defer cancel()
	wait := s.cfg.Timeout // for the first request
	for {
		if c.r == c.w {
			c.r, c.w = 0, 0
			_ = c.SetReadDeadline(time.Now().Add(wait)) // what fails shows at the read
			if err := c.fill(); err != nil {
				_ = c.Close() // the client has gone, or said nothing for long
				return false
			}
			wait = idleTimeout
		}
		head, length, credentials := plainHead(c.buf[c.r:c.w])
		if head == 0 || c.buf[c.r+head] != '{' {
			break
		}
		user, ok := s.caller(c, string(credentials)) // net/http refuses wrong ones
		if !ok {
			break
		}
		text := string(c.buf[c.r+head : c.r+head+length])
		c.r += head + length
		if !s.answerPlain(ctx, c, user, text) {
			_ = c.Close() // the server stops, or the client takes no answer
			return false
		}
	}
	_ = c.SetReadDeadline(time.Time{})
	return true
}

// answerPlain carries a request out and reports whether the connection is good
// for another one.
func (s *Server) answerPlain(calls context.Context, c *conn, user, text string) (good bool) {
	// A mistake of ours outside of a method costs the connection, as it does in
	// net/http, and not the node.
	defer func() {
		if mistake := recover(); mistake != nil {
			s.log.Error().Str("stack", string(debug.Stack())).Msgf("mistake in answering a JSON-RPC request: %v", mistake)
			good = false
		}
	}()
	if !s.handling.enter() {
		return false
	}
	defer s.handling.leave()
	if !s.connections.stand(c, atWork) {
		return false
	}
	if !s.busy.enter() {
		return false
	}
	defer s.busy.leave()
	ctx, cancel := context.WithCancel(calls)
	defer cancel()
	stop := c.watch(cancel)
	turn := &work{s: s, ctx: ctx, user: user}
	a := turn.execute(text, turn.enter)
	stop()
	defer s.drop(a)
	if a.none || !s.writePlain(c, a) {
		return false
	}
	return s.connections.stand(c, known)
}

// watch calls gone if the client goes away, until stop is called.
func (c *conn) watch(gone func()) (stop func()) {
	ended := make(chan struct{})
	timer := time.AfterFunc(watchAfter, func() {
		defer close(ended)
		var b [1]byte
		_ = c.SetReadDeadline(time.Time{})
		switch n, err := c.Conn.Read(b[:]); {
		case n == 1:
			c.early = append(c.early, b[0]) // the next request
		case !isTimeout(err):
			gone()
		}
	})
	return func() {
		if timer.Stop() {
			return
		}
		// It reads, or is about to: until it has seen that it is to stop.
		for {
			_ = c.SetReadDeadline(time.Unix(1, 0))
			select {
			case <-ended:
				c.takeEarly()
				return
			case <-time.After(time.Millisecond):
			}
		}
	}
}

// takeEarly puts the byte that watch has read behind what was read before.
func (c *conn) takeEarly() {
	c.buf = append(c.buf[:c.w], c.early...)
	c.w += len(c.early)
	c.buf = c.buf[:cap(c.buf)]
	c.early = c.early[:0]
}

func isTimeout(err error) bool {
	timeout, ok := err.(net.Error) //nolint:errorlint // a connection returns it as it is
	return ok && timeout.Timeout()
}

// writePlain sends an answer as reply does.
func (s *Server) writePlain(c *conn, a *answer) bool {
	length := 0
	for _, piece := range a.pieces {
		length += len(piece)
	}
	head := c.made[:0]
	head = append(head, "HTTP/1.1 "...)
	head = strconv.AppendInt(head, int64(a.status), 10)
	head = append(head, ' ')
	head = append(head, http.StatusText(a.status)...)
	if a.status != http.StatusNoContent {
		head = append(head, "\r\nContent-Length: "...)
		head = strconv.AppendInt(head, int64(length), 10)
	}
	if length > 0 && (a.pieces[0][0] == '{' || a.pieces[0][0] == '[') {
		head = append(head, "\r\nContent-Type: application/json"...)
	}
	head = append(head, "\r\nDate: "...)
	head = time.Now().UTC().AppendFormat(head, http.TimeFormat)
	head = append(head, "\r\n\r\n"...)
	_ = c.SetWriteDeadline(time.Now().Add(4 * s.cfg.Timeout)) // what fails shows at the write
	for i, piece := range a.pieces {
		if i == 0 && len(piece) < writeSize {
			// One write for both.
			head = append(head, piece...)
			piece = head
		} else if i == 0 {
			if _, err := c.Write(head); err != nil {
				return false
			}
		}
		if _, err := c.Write(piece); err != nil {
			return false
		}
		s.release(a, i)
	}
	if len(a.pieces) == 0 {
		if _, err := c.Write(head); err != nil {
			return false
		}
	}
	if c.made = head[:0]; cap(head) > 2*readSize {
		c.made = nil // of a large answer
	}
	return true
}

const plainFirst = "POST / HTTP/1.1\r\n"

// plainHead returns the length of the head that in begins with and of the body
// behind it, if both are there whole and the head is plain; otherwise head is 0.
// There is a Host, a Content-Length above zero and an Authorization, each once,
// and nothing that asks for anything unusual.
func plainHead(in []byte) (head, length int, credentials []byte) {
	if len(in) < len(plainFirst) || string(in[:len(plainFirst)]) != plainFirst {
		return 0, 0, nil
	}
	host, at := false, len(plainFirst)
	for {
		i := bytes.IndexByte(in[at:], '\n')
		if i < 1 || in[at+i-1] != '\r' {
			return 0, 0, nil
		}
		line := in[at : at+i-1]
		at += i + 1
		if len(line) == 0 {
			break
		}
		name, value, found := bytes.Cut(line, []byte(":"))
		if value = bytes.Trim(value, " \t"); !found || !visible(value) {
			return 0, 0, nil
		}
		switch field := string(name); {
		case strings.EqualFold(field, "Host") && !host && plainHost(value):
			host = true
		case strings.EqualFold(field, "Content-Length") && length == 0:
			n, err := strconv.ParseUint(string(value), 10, 31)
			if err != nil || n == 0 || value[0] == '+' {
				return 0, 0, nil
			}
			length = int(n)
		case strings.EqualFold(field, "Authorization") && credentials == nil && len(value) > 0:
			credentials = value
		case strings.EqualFold(field, "Connection") && strings.EqualFold(string(value), "keep-alive"),
			strings.EqualFold(field, "Content-Type"), strings.EqualFold(field, "User-Agent"), strings.EqualFold(field, "Accept"),
			strings.EqualFold(field, "Accept-Encoding"), strings.EqualFold(field, "Accept-Language"):
		default:
			return 0, 0, nil
		}
	}
	if !host || credentials == nil || length == 0 || length > len(in)-at {
		return 0, 0, nil
	}
	return at, length, credentials
}

// visible reports whether a value has nothing but letters, digits, signs and
// spaces of ASCII.
func visible(value []byte) bool {
	for _, b := range value {
		if b < ' ' || b > '~' {
			return false
		}
	}
	return true
}

// plainHost reports whether a value looks like a name or an address, with or
// without a port.
func plainHost(value []byte) bool {
	for _, b := range value {
		switch {
		case b >= 'a' && b <= 'z', b >= 'A' && b <= 'Z', b >= '0' && b <= '9', b == '.', b == '-', b == ':', b == '[', b == ']':
		default:
			return false
		}
	}
	return len(value) > 0
}
