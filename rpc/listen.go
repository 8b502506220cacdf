package rpc

import (
	"bytes"
	"net"
	"strconv"
	"sync/atomic"
)

// listener bounds the number of open connections and repairs what some old
// clients leave out of their requests; see conn.
type listener struct {
	net.Listener
	open *atomic.Int64
}

func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if l.open.Add(1) > maxConnections {
			l.open.Add(-1)
			_ = c.Close() // nothing was said on it
			continue
		}
		return &conn{Conn: c, open: l.open}, nil
	}
}

// conn hands the server requests that it accepts. Electrum servers send a head
// with bare line feeds and without a Host field, which Bitcoin Core takes and net/http
// refuses. Each head is read whole, given line ends and a Host where it has none,
// and passed on; the body behind it, whose length the head states, is passed on
// untouched. A head that is too long, or a body of unknown length, ends the
// repairs: from there on the server sees the connection as it is.
type conn struct {
	net.Conn
	open   *atomic.Int64
	closed atomic.Bool

	in   []byte // read, not repaired yet
	out  []byte // a repaired head, to be handed out before anything else
	body int64  // bytes of the current request's body still to pass on
	raw  bool   // no more repairs
}

func (c *conn) Close() error {
	if c.closed.CompareAndSwap(false, true) {
		c.open.Add(-1)
	}
	return c.Conn.Close()
}

func (c *conn) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		if len(c.out) > 0 {
			n := copy(p, c.out)
			c.out = c.out[n:]
			return n, nil
		}
		if !c.raw && c.body > 0 && int64(len(p)) > c.body {
			p = p[:c.body]
		}
		if c.raw || c.body > 0 {
			var n int
			var err error
			if len(c.in) > 0 {
				n = copy(p, c.in)
				c.in = c.in[n:]
			} else {
				n, err = c.Conn.Read(p)
			}
			c.body = max(0, c.body-int64(n))
			return n, err
		}
		if c.head() {
			continue
		}
		// An error with bytes comes again at the next read. One without leaves an
		// unfinished head where it is: after a timeout the read may be repeated.
		var buf [4096]byte
		n, err := c.Conn.Read(buf[:])
		c.in = append(c.in, buf[:n]...)
		if n == 0 && err != nil {
			return 0, err
		}
	}
}

// head repairs the head at the beginning of c.in and reports whether there is
// something to hand out now.
func (c *conn) head() bool {
	// Empty lines before a request are allowed (RFC 9112, section 2.2).
	for len(c.in) > 0 && (c.in[0] == '\n' || c.in[0] == '\r') {
		c.in = c.in[1:]
	}
	end := headEnd(c.in)
	if end < 0 {
		if len(c.in) > maxHead {
			c.raw = true
		}
		return c.raw
	}
	var host bool
	var out []byte
	lines := bytes.Split(c.in[:end], []byte("\n"))
	for i, line := range lines {
		line = bytes.TrimSuffix(line, []byte("\r"))
		if len(line) == 0 {
			break
		}
		out = append(append(out, line...), "\r\n"...)
		name, value, isField := bytes.Cut(line, []byte(":"))
		if i == 0 || !isField {
			continue
		}
		switch string(bytes.ToLower(bytes.TrimSpace(name))) {
		case "host":
			host = true
		case "content-length":
			n, err := strconv.ParseInt(string(bytes.TrimSpace(value)), 10, 64)
			if err != nil || n < 0 {
				c.raw = true
				break
			}
			c.body = n
		case "transfer-encoding", "upgrade":
			c.raw = true
		}
	}
	if !host {
		out = append(out, "Host: localhost\r\n"...)
	}
	c.out = append(out, "\r\n"...)
	c.in = c.in[end:]
	return true
}

// headEnd returns the length of the head in b, its empty line included, or -1
// if b does not hold all of it.
func headEnd(b []byte) int {
	for at := 0; ; {
		i := bytes.IndexByte(b[at:], '\n')
		if i < 0 {
			return -1
		}
		line := b[at : at+i]
		at += i + 1
		if len(bytes.TrimSuffix(line, []byte("\r"))) == 0 {
			return at
		}
	}
}
