package host

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/keelson-chain/keelson/p2p/message"
)

// Pings measure the latency and show that the peer still works.
const (
	pingInterval = 30 * time.Second
	// A peer is dead when it does not answer and is silent for pingTimeout, and in
	// any case when it does not answer for answerTimeout: one that is busy may take
	// long to come to our ping.
	pingTimeout   = 60 * time.Second
	answerTimeout = 5 * time.Minute
	// pingRate and pingBurst are how many pings a peer may send.
	pingRate, pingBurst = 1, 20
)

// pings is what is known of one peer's answers. The zero value is ready but for
// now.
type pings struct {
	now chan struct{} // has an element when a ping is wanted at once

	busy atomic.Bool // we are at work on a message, so that answers wait

	mu        sync.Mutex
	nonce     uint64 // of the ping without an answer; 0: none
	sent      time.Time
	last, min time.Duration // 0: not measured
	idleSince time.Time     // when we were at work for the last time
}

// Latency returns the least and the last measured time between a ping and its
// answer; 0 when there was none.
func (p *Peer) Latency() (least, last time.Duration) {
	p.pings.mu.Lock()
	defer p.pings.mu.Unlock()
	return p.pings.min, p.pings.last
}

// pingWait returns how long a ping has been without its answer.
func (p *Peer) pingWait() time.Duration {
	p.pings.mu.Lock()
	defer p.pings.mu.Unlock()
	if p.pings.nonce == 0 {
		return 0
	}
	return time.Since(p.pings.sent)
}

// Ping asks for a new measurement at once.
func (p *Peer) Ping() {
	select {
	case p.pings.now <- struct{}{}:
	default:
	}
}

// PingAll asks all peers for a new measurement.
func (h *Host) PingAll() {
	for _, p := range h.Peers() {
		p.Ping()
	}
}

// begin returns the nonce of a new ping, or false while one is without answer.
func (g *pings) begin() (nonce uint64, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.nonce != 0 {
		return 0, false
	}
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	g.nonce = binary.LittleEndian.Uint64(b[:]) | 1
	g.sent = time.Now()
	return g.nonce, true
}

// pong takes an answer in, and reports whether there was a ping for it.
func (g *pings) pong(nonce uint64) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if nonce == 0 || nonce != g.nonce {
		return false
	}
	g.nonce = 0
	g.last = max(time.Since(g.sent), 1)
	if g.min == 0 || g.last < g.min {
		g.min = g.last
	}
	return true
}

// idle tells that we are not at work on a message any more.
func (g *pings) idle(now time.Time) {
	g.mu.Lock()
	g.idleSince = now
	g.mu.Unlock()
	g.busy.Store(false)
}

// overdue reports whether the peer should have answered by now, given when the
// last byte of it came.
func (g *pings) overdue(now, lastRecv time.Time) bool {
	if g.busy.Load() {
		return false
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.nonce == 0 {
		return false
	}
	since := g.sent
	if g.idleSince.After(since) {
		since = g.idleSince // before that the answer could not be read
	}
	return now.Sub(since) >= answerTimeout || now.Sub(since) >= pingTimeout && now.Sub(lastRecv) >= pingTimeout
}

func (p *Peer) pingLoop() {
	t := time.NewTicker(pingInterval)
	defer t.Stop()
	for {
		if nonce, ok := p.pings.begin(); ok {
			p.Send(&message.Ping{Nonce: nonce})
		} else if p.pings.overdue(time.Now(), p.traffic.lastReceived()) {
			p.cancel(errors.New("does not answer pings"))
			return
		}
		select {
		case <-t.C:
		case <-p.pings.now:
		case <-p.ctx.Done():
			return
		}
	}
}
