package host

import (
	"encoding/binary"
	"errors"
	"net"

	"github.com/rs/zerolog"
)

// The frames of yamux are kept as they come until they are read, and a frame of one
// byte takes some fifty: a window full of them would be 13 MB. Honest peers send
// small frames now and then.
const (
	smallFrame             = 64 // bytes
	crumbRate, crumbsBurst = 2000, 4000
)

var errCrumbs = errors.New("too many small frames")

// frameHead is the length of the head of a yamux frame: version, type, flags (2), stream
// (4), length of the body or a number (4, big endian).
const frameHead, frameData = 12, 0

// crumbs is a connection below yamux that ends when too many small frames come,
// and says so: whoever uses yamux's streams hears no more than that it ended.
// It is read by one goroutine.
type crumbs struct {
	net.Conn
	small bucket
	log   zerolog.Logger

	head [frameHead]byte
	have int    // bytes of head
	body uint32 // bytes of the frame's body that are to come
}

// Read reads what yamux is to have.
func (c *crumbs) Read(b []byte) (int, error) {
	n, err := c.Conn.Read(b)
	if !c.count(b[:n]) {
		c.log.Info().Err(errCrumbs).Msg("connection ended")
		return 0, errCrumbs
	}
	return n, err
}

// count follows the frames, and reports whether there are not too many small ones.
func (c *crumbs) count(b []byte) bool {
	for len(b) > 0 {
		if c.body > 0 {
			n := min(c.body, uint32(len(b)))
			c.body -= n
			b = b[n:]
			continue
		}
		n := copy(c.head[c.have:], b)
		c.have += n
		b = b[n:]
		if c.have < frameHead {
			break
		}
		c.have = 0
		if c.head[1] != frameData {
			continue
		}
		c.body = binary.BigEndian.Uint32(c.head[8:])
		if c.body > 0 && c.body < smallFrame && !c.small.take(1) {
			return false
		}
	}
	return true
}
