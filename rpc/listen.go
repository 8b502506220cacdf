package rpc

import (
	"bytes"
	"net"
	"strconv"
	"sync/atomic"
	"time"
)

const (
	readSize  = 4 << 10   // bytes of a head that are read at a time
	writeSize = 256 << 10 // bytes of an answer that are written at a time
)

// conn hands the server requests that it accepts. Electrum servers send a head
// with bare line feeds and without a Host field, which Bitcoin Core takes and net/http
// refuses. Each head is read whole, given line ends and a Host where it has none,
// and passed on; the body behind it, whose length the head states, is passed on
// untouched. A head that is too long, or a body of unknown length, ends the
// repairs: from there on the server sees the connection as it is.
type conn struct {
	net.Conn
	all *connections

	// Guarded by all.
	standing standing
	since    time.Time // when it came to this standing

	// writing is when the client last took something of the large answer that is
	// being written, in nanoseconds since 1970; 0: none is.
	writing atomic.Int64

	// Of whoever reads, which one goroutine does at a time.
	buf   []byte // what was read; what is not repaired yet is between the next two
	r, w  int
	out   []byte // a head, to be handed out before anything else
	made  []byte // room for a repaired head
	body  int64  // bytes of the current request's body still to pass on
	raw   bool   // no more repairs
	early []byte // see watch

	// Of the one handler that works at a time.
	credentials string // the last Authorization header that was right
	user        string // and whose it was
}

func (c *conn) Close() error {
	c.all.mu.Lock()
	c.all.drop(c)
	c.all.mu.Unlock()
	return c.Conn.Close()
}

// Write writes large pieces bit by bit, to know whether the client takes them.
func (c *conn) Write(p []byte) (n int, err error) {
	if len(p) <= writeSize {
		return c.Conn.Write(p)
	}
	defer c.writing.Store(0)
	for err == nil && n < len(p) {
		c.writing.Store(time.Now().UnixNano())
		var m int
		m, err = c.Conn.Write(p[n:min(len(p), n+writeSize)])
		n += m
	}
	if err != nil {
		c.abandon()
	}
	return n, err
}

// abandon closes the connection at once: the system too forgets what the
// client has not taken.
func (c *conn) abandon() {
	if tcp, ok := c.Conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0) // if it fails the system forgets later
	}
	_ = c.Conn.Close() // nobody is told anything on it any more
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
			if c.r < c.w {
				n = copy(p, c.buf[c.r:c.w])
				c.r += n
			} else {
				n, err = c.Conn.Read(p)
			}
			c.body = max(0, c.body-int64(n))
			return n, err
		}
		if c.head() {
			continue
		}
		if err := c.fill(); err != nil {
			return 0, err
		}
	}
}

// hasBody reports whether all of the current request's body has come. It may be
// called only while nobody reads: before the body, if there is one.
func (c *conn) hasBody() bool { return !c.raw && c.body <= int64(c.w-c.r) }

// fill reads more of a head. An error with bytes comes again at the next read.
// One without leaves an unfinished head where it is: after a timeout the read may be
// repeated.
func (c *conn) fill() error {
	if c.w == len(c.buf) {
		buf := c.buf
		if c.r == 0 {
			buf = make([]byte, max(readSize, 2*len(buf)))
		}
		c.w = copy(buf, c.buf[c.r:c.w])
		c.buf, c.r = buf, 0
	}
	n, err := c.Conn.Read(c.buf[c.w:])
	c.w += n
	if n > 0 {
		return nil
	}
	return err
}

// head takes the head at the beginning of what was read, repairs it, and
// reports whether there is something to hand out now.
func (c *conn) head() bool {
	// Empty lines before a request are allowed (RFC 9112, section 2.2).
	for c.r < c.w && (c.buf[c.r] == '\n' || c.buf[c.r] == '\r') {
		c.r++
	}
	if c.r == c.w {
		c.r, c.w = 0, 0
	}
	in := c.buf[c.r:c.w]
	end := headEnd(in)
	if end < 0 {
		if len(in) > maxHead {
			c.raw = true
		}
		return c.raw
	}
	c.r += end
	host, ends := false, true // a Host is there; all lines end as they should
	for at := 0; at < end; {
		line := in[at : at+bytes.IndexByte(in[at:], '\n')]
		first := at == 0
		at += len(line) + 1
		line, proper := bytes.CutSuffix(line, []byte("\r"))
		ends = ends && proper
		name, value, isField := bytes.Cut(line, []byte(":"))
		if first || !isField {
			continue
		}
		switch name = bytes.TrimSpace(name); {
		case bytes.EqualFold(name, []byte("Host")):
			host = true
		case bytes.EqualFold(name, []byte("Content-Length")):
			n, err := strconv.ParseInt(string(bytes.TrimSpace(value)), 10, 64)
			if err != nil || n < 0 {
				c.raw = true
				break
			}
			c.body = n
		case bytes.EqualFold(name, []byte("Transfer-Encoding")), bytes.EqualFold(name, []byte("Upgrade")):
			c.raw = true
		}
	}
	if c.out = in[:end]; host && ends {
		return true
	}
	c.made = c.made[:0]
	for line := range bytes.Lines(in[:end]) {
		line = bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r"))
		if len(line) == 0 {
			break
		}
		c.made = append(append(c.made, line...), "\r\n"...)
	}
	if !host {
		c.made = append(c.made, "Host: localhost\r\n"...)
	}
	c.made = append(c.made, "\r\n"...)
	c.out = c.made
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
