package host

import (
	"context"
	"net/netip"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	manet "github.com/multiformats/go-multiaddr/net"

	"github.com/keelson-chain/keelson/p2p/peerinfo"
)

const (
	// maxGreeting bounds the connections that called and have not greeted yet.
	maxGreeting = 64
	// greetingSpare is how long such a connection is safe from those that come
	// after it.
	greetingSpare = time.Second
	// feelerSlots are places for feelers and address fetches among MaxPeers.
	feelerSlots = 1
)

// accept begins to deal with a connection that stands, whoever called. It must
// not wait: libp2p does until it returns.
func (h *Host) accept(c network.Conn) {
	p := &Peer{
		host:    h,
		conn:    c,
		id:      c.RemotePeer(),
		addr:    remoteIP(c),
		inbound: c.Stat().Direction == network.DirInbound,
		opened:  time.Now(),
		relay:   make(chan network.Stream, 1),
		serve:   serveGates(),
		ready:   make(chan struct{}),
		gone:    make(chan struct{}),
		queue:   queue{wake: make(chan struct{}, 1)},
		pings:   pings{now: make(chan struct{}, 1)},
		flood:   bucket{rate: pingRate, burst: pingBurst},
		inBytes: bucket{rate: relaySpeed, burst: relayAhead},
		inCount: bucket{rate: relayRate, burst: relayBurst},
		held:    bucket{rate: heldRate, burst: heldBurst},
		unknown: bucket{rate: unknownSpeed, burst: unknownAhead},
		tells:   bucket{rate: tellRate, burst: answerGrant, at: time.Now()}, // none at first
	}
	p.ctx, p.cancel = context.WithCancelCause(context.Background())
	p.permissions = h.permissionsOf(p.id, p.addr, p.inbound)

	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.running || h.conns[c] != nil {
		return // Run closes the network, or knows it
	}
	p.kind = h.kindOf(p)
	if reason := h.turnAway(p); reason != nil {
		p.cancel(reason)
	}
	h.conns[c] = p
	h.wg.Go(p.run)
}

// kindOf says what a connection is for; h.mu is held.
func (h *Host) kindOf(p *Peer) peerinfo.Kind {
	if p.inbound {
		return peerinfo.Inbound
	}
	if kind, ok := h.dialing[p.id]; ok {
		return kind
	}
	return peerinfo.FullRelay
}

// turnAway returns why a new connection is not wanted, or nil; h.mu is held.
func (h *Host) turnAway(p *Peer) error {
	switch {
	case !h.active:
		return errInactive
	case h.paused > 0:
		return errPaused
	case p.inbound && h.banned(p.id, p.addr):
		return errBanned
	case !p.inbound:
		return nil
	}
	greeting, fromIP := 0, 0
	var oldest *Peer
	for _, o := range h.conns {
		if !o.inbound || o.ctx.Err() != nil {
			continue
		}
		if o.addr == p.addr {
			fromIP++
		}
		if h.peers[o.id] == o {
			continue
		}
		greeting++
		if oldest == nil || o.opened.Before(oldest.opened) {
			oldest = o
		}
	}
	if fromIP >= maxFromIP && h.limited(p.addr) && !p.Whitelisted(NoBan) {
		return errCrowd
	}
	if greeting < maxGreeting {
		return nil
	}
	if time.Since(oldest.opened) < greetingSpare {
		return errFull
	}
	oldest.cancel(errFull)
	return nil
}

// enrol makes the connection a peer, after the greeting.
func (p *Peer) enrol() error {
	h := p.host
	old, err := h.seat(p)
	if err != nil {
		return err
	}
	if old != nil { // the Handler hears of its end first
		select {
		case <-old.gone:
		case <-p.ctx.Done():
			return p.reason()
		}
	}
	return nil
}

// seat enters the peer if there is a place, and returns the connection that it
// replaces, if any.
func (h *Host) seat(p *Peer) (old *Peer, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if p.ctx.Err() != nil {
		return nil, p.reason()
	}
	if old = h.peers[p.id]; old != nil {
		if old.ctx.Err() == nil && !p.replaces(old) {
			return nil, errTwice
		}
		old.cancel(errReplaced)
	}
	if p.inbound {
		if err := h.makeRoom(p); err != nil {
			return nil, err
		}
	}
	p.num, p.connected = h.nums, time.Now()
	h.nums++
	p.connectedAt = h.cfg.Now().Unix()
	h.peers[p.id] = p
	return old, nil
}

// replaces decides between two connections to the same peer such that both ends
// come to the same answer.
func (p *Peer) replaces(old *Peer) bool {
	if p.hello.Nonce != old.hello.Nonce {
		return true // the peer started again, and the old one is dead
	}
	if p.inbound == old.inbound {
		return false
	}
	// Each called the other. The call of the one with the smaller id stands.
	return p.inbound == (p.id < p.host.lib.ID())
}

// makeRoom finds a place for a peer that called; h.mu is held.
func (h *Host) makeRoom(p *Peer) error {
	most := h.cfg.MaxPeers
	if h.cfg.Discover && len(h.cfg.Connect) == 0 { // some places are for those that we call
		most = max(most-h.cfg.Outbound-h.cfg.BlockOnly-feelerSlots, 0)
	}
	var inbound []*Peer
	for _, o := range h.peers {
		if o.inbound && o.ctx.Err() == nil && o.id != p.id {
			inbound = append(inbound, o)
		}
	}
	if len(inbound) < most {
		return nil
	}
	victim := evict(inbound, h.secret)
	if victim == nil {
		return errFull
	}
	victim.cancel(errEvicted)
	return nil
}

// strike takes the connection off the lists. No goroutine joins p.wg afterwards.
func (h *Host) strike(p *Peer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	p.closed = true
	delete(h.conns, p.conn)
	if h.peers[p.id] == p {
		delete(h.peers, p.id)
	}
}

// peerOf returns who a connection is, or nil if it is not dealt with any more.
func (h *Host) peerOf(c network.Conn) *Peer {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.conns[c]
}

// lost hears that a connection ended.
func (h *Host) lost(c network.Conn) {
	if p := h.peerOf(c); p != nil {
		p.cancel(errClosed)
	}
}

// remoteIP returns the address of the other end, if it has one.
func remoteIP(c network.ConnMultiaddrs) netip.Addr {
	ip, err := manet.ToIP(c.RemoteMultiaddr())
	if err != nil {
		return netip.Addr{}
	}
	a, _ := netip.AddrFromSlice(ip)
	return a.Unmap()
}

// local reports whether an address is one of this machine or of a private
// network.
func local(a netip.Addr) bool {
	return a.IsLoopback() || a.IsPrivate() || a.IsLinkLocalUnicast()
}

// limited reports whether connections from one address are counted.
func (h *Host) limited(a netip.Addr) bool {
	return a.IsValid() && !(h.cfg.Dev && local(a))
}
