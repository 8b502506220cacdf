package rpc

import (
	"net"
	"sync"
	"time"
)

// connections are the open ones of all ports. There is a limit, so that their
// memory is bounded, and a rule for who gives way at the limit, so that nobody locks
// others out by keeping connections open.
type connections struct {
	max int

	mu   sync.Mutex
	open map[*conn]struct{}
}

// standing is how much a connection is worth: at the limit, one of the lowest
// goes.
type standing uint8

const (
	nothingSaid  standing = iota // no head of a request has been read from it
	notKnown                     // one whose request is being refused for want of a password
	known                        // idle, between two requests of a user
	atWork                       // a request is being read, carried out or answered: stays
	standingGone                 // closed
)

// admit takes a new connection in. If there are too many, the one that has
// been idle longest among those of the lowest standing is closed; if all are at
// work, admit returns false.
func (cs *connections) admit(c *conn) bool {
	cs.mu.Lock()
	var last *conn
	if len(cs.open) >= cs.max {
		for other := range cs.open {
			if last == nil || other.standing < last.standing || other.standing == last.standing && other.since.Before(last.since) {
				last = other
			}
		}
		if last == nil || last.standing >= atWork {
			cs.mu.Unlock()
			return false
		}
		cs.drop(last)
	}
	c.since = time.Now()
	cs.open[c] = struct{}{}
	cs.mu.Unlock()
	if last != nil {
		_ = last.Conn.Close() // nobody waits for anything on it
	}
	return true
}

func (cs *connections) drop(c *conn) {
	c.standing = standingGone
	delete(cs.open, c)
}

// stand changes a connection's standing. It returns false if the connection
// is gone.
func (cs *connections) stand(c *conn, s standing) bool {
	now := time.Now()
	cs.mu.Lock()
	defer cs.mu.Unlock()
	if c.standing == standingGone {
		return false
	}
	c.standing, c.since = s, now
	return true
}

// giveWay closes the connections whose clients have taken nothing of a large
// answer for a while.
func (cs *connections) giveWay(after time.Duration) {
	limit := time.Now().Add(-after).UnixNano()
	cs.mu.Lock()
	defer cs.mu.Unlock()
	for c := range cs.open {
		if moved := c.writing.Load(); moved != 0 && moved < limit {
			c.abandon() // ends the write, and with it the request
		}
	}
}

// closeAll closes them all, when the server has stopped.
func (cs *connections) closeAll() {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	for c := range cs.open {
		cs.drop(c)
		_ = c.Conn.Close() // nobody waits for anything on it
	}
}

// count returns how many there are.
func (cs *connections) count() int {
	cs.mu.Lock()
	defer cs.mu.Unlock()
	return len(cs.open)
}

// listener hands the HTTP server the connections that are admitted.
type listener struct {
	net.Listener
	all *connections
}

func (l *listener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		admitted := &conn{Conn: c, all: l.all}
		if l.all.admit(admitted) {
			return admitted, nil
		}
		_ = c.Close() // nothing was said on it
	}
}
