package host

import (
	"errors"
	"sync"
	"time"

	"github.com/keelson-chain/keelson/p2p/message"
)

// The bounds of what waits to be written to one peer.
const (
	maxQueued      = 4096    // messages
	maxQueuedBytes = 8 << 20 // of them together; a single one may be larger
	// stuckTime is how long the queue may stay full before the peer is too slow.
	stuckTime = 20 * time.Second
	// writeGrace and writeSpeed bound the time for one write.
	writeGrace = 20 * time.Second
	writeSpeed = 32 << 10 // bytes a second
)

// outgoing is one frame that waits.
type outgoing struct {
	kind  message.Kind
	frame []byte
	stale func() bool // may be nil
}

// queue is what waits to be written to one peer's relay stream. The zero value
// is ready but for wake.
type queue struct {
	wake chan struct{} // has an element when something is queued

	mu        sync.Mutex
	items     []outgoing
	bytes     int
	fullSince time.Time // zero: the last Send found room
}

// Send queues a message for the peer and returns at once. It returns false if
// the connection is over or the queue is full; a peer whose queue stays full is
// disconnected.
func (p *Peer) Send(m message.Message) bool { return p.SendUnless(m, nil) }

// SendUnless is Send, but asks stale right before the message would be written
// and drops it if that is true. stale may be called from another goroutine and
// must not wait.
func (p *Peer) SendUnless(m message.Message, stale func() bool) bool {
	if p.ctx.Err() != nil {
		return false
	}
	frame := message.AppendRelayFrame(nil, m)
	ok, stuck := p.queue.push(outgoing{kind: m.Kind(), frame: frame, stale: stale})
	if stuck {
		p.cancel(errors.New("too slow: its send queue stayed full"))
	}
	return ok
}

// Queued returns how many messages and bytes wait for the peer.
func (p *Peer) Queued() (messages, bytes int) {
	p.queue.mu.Lock()
	defer p.queue.mu.Unlock()
	return len(p.queue.items), p.queue.bytes
}

func (q *queue) push(o outgoing) (ok, stuck bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	full := len(q.items) >= maxQueued || len(q.items) > 0 && q.bytes+len(o.frame) > maxQueuedBytes
	if full {
		now := time.Now()
		if q.fullSince.IsZero() {
			q.fullSince = now
		}
		return false, now.Sub(q.fullSince) >= stuckTime
	}
	q.fullSince = time.Time{}
	q.items = append(q.items, o)
	q.bytes += len(o.frame)
	select {
	case q.wake <- struct{}{}:
	default:
	}
	return true, false
}

// pop returns the first that waits.
func (q *queue) pop() (o outgoing, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.items) == 0 {
		return outgoing{}, false
	}
	o = q.items[0]
	q.items[0] = outgoing{}
	q.items = q.items[1:]
	q.bytes -= len(o.frame)
	return o, true
}

// joinBelow is up to what size small frames are written together.
const joinBelow = 16 << 10

// writeLoop writes what is queued until the connection ends.
func (p *Peer) writeLoop(out *stream) {
	var joined []byte
	for {
		select {
		case <-p.queue.wake:
		case <-p.ctx.Done():
			return
		}
		for o, ok := p.queue.pop(); ok; o, ok = p.queue.pop() {
			var err error
			switch {
			case o.stale != nil && o.stale():
				continue
			case len(joined)+len(o.frame) > joinBelow:
				err = p.write(out, joined)
				joined = joined[:0]
			}
			if err == nil && len(o.frame) > joinBelow {
				err = p.write(out, o.frame)
			} else {
				joined = append(joined, o.frame...)
			}
			if err != nil {
				return
			}
			p.sentBytes(o.kind.String(), len(o.frame))
		}
		if p.write(out, joined) != nil {
			return
		}
		joined = joined[:0]
	}
}

func (p *Peer) write(out *stream, b []byte) error {
	if len(b) == 0 {
		return nil
	}
	err := out.writeInTime(b)
	if err != nil {
		p.cancel(endOf(err, "too slow: does not read what it is sent"))
	}
	return err
}
