package host

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"

	"github.com/keelson-chain/keelson/p2p/peerinfo"
)

const (
	// connectTime is how long it may take from a call to the end of the greeting.
	connectTime = 20 * time.Second
	// addrTTL is how long libp2p remembers where to call a node.
	addrTTL = time.Minute
	// manualSlots are places for nodes that the operator named, besides MaxPeers.
	manualSlots = 8
)

// Connect calls a node and returns it as a peer when both have greeted. A node
// that is connected, or being called, already is ErrConnected, along with the
// peer if there is one. An empty id is found out first, on Dev networks only. A
// peer of kind Feeler is gone when Connect returns.
func (h *Host) Connect(ctx context.Context, info peer.AddrInfo, kind peerinfo.Kind) (*Peer, error) {
	p, err := h.connect(ctx, info, kind)
	if err != nil && !errors.Is(err, ErrConnected) && !errors.Is(err, ErrSelf) && !errors.Is(err, peerinfo.ErrInactive) && !errors.Is(err, peerinfo.ErrAddress) {
		h.counts.failed.Add(1)
	}
	return p, err
}

func (h *Host) connect(ctx context.Context, info peer.AddrInfo, kind peerinfo.Kind) (*Peer, error) {
	ctx, cancel := context.WithTimeout(ctx, connectTime)
	defer cancel()
	if !h.NetworkActive() {
		return nil, peerinfo.ErrInactive
	}
	id, err := h.idOf(ctx, info)
	if err != nil {
		return nil, err
	}
	info.ID = id
	if info.ID == h.lib.ID() {
		return nil, ErrSelf
	}
	old, err := h.beginDial(info.ID, kind)
	if err != nil {
		return old, err
	}
	defer h.endDial(info.ID)
	if err := h.awaitEnded(ctx, info.ID); err != nil {
		return nil, err
	}
	// No other address is tried that libp2p has heard of: the choice is the caller's.
	h.lib.Peerstore().ClearAddrs(info.ID)
	h.lib.Peerstore().AddAddrs(info.ID, info.Addrs, addrTTL)
	// A direct dial is one that does not wait because an earlier one failed.
	conn, err := h.lib.Network().DialPeer(network.WithForceDirectDial(ctx, "connect"), info.ID)
	if err != nil {
		return nil, dialError(err)
	}
	p := h.peerOf(conn)
	if p == nil {
		return nil, errClosed
	}
	select {
	case <-p.ready:
		return p, nil
	case <-p.ctx.Done():
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select { // it may have become one before it ended
	case <-p.ready:
		return p, nil
	default:
	}
	switch reason := p.reason(); {
	case errors.Is(reason, errTwice):
		return h.peer(info.ID), ErrConnected
	case errors.Is(reason, errClosed):
		return nil, errHungUp
	default:
		return nil, reason
	}
}

// idOf returns the id of a node that is to be called, and finds it out if it is
// empty, on Dev networks only.
func (h *Host) idOf(ctx context.Context, info peer.AddrInfo) (peer.ID, error) {
	switch {
	case info.ID != "":
		return info.ID, nil
	case !h.cfg.Dev:
		return "", fmt.Errorf("%w: the peer id is missing; write /ip4/ADDRESS/tcp/PORT/p2p/ID", peerinfo.ErrAddress)
	case !h.NetworkActive():
		return "", peerinfo.ErrInactive
	}
	return h.identify(ctx, info)
}

func (h *Host) beginDial(id peer.ID, kind peerinfo.Kind) (*Peer, error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if p := h.peers[id]; p != nil && p.ctx.Err() == nil {
		return p, ErrConnected
	}
	if _, ok := h.dialing[id]; ok {
		return nil, ErrConnected
	}
	if !h.running {
		return nil, errShutdown
	}
	h.dialing[id] = kind
	return nil, nil
}

// peer returns the peer with that id, whatever its kind, or nil.
func (h *Host) peer(id peer.ID) *Peer {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.peers[id]
}

// awaitEnded waits until connections to a node that are over are closed as well:
// libp2p would give us one of them instead of calling.
func (h *Host) awaitEnded(ctx context.Context, id peer.ID) error {
	var ended []*Peer
	h.mu.Lock()
	for _, p := range h.conns {
		if p.id == id && p.ctx.Err() != nil {
			ended = append(ended, p)
		}
	}
	h.mu.Unlock()
	for _, p := range ended {
		select {
		case <-p.gone:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (h *Host) endDial(id peer.ID) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.dialing, id)
}

// dialError puts libp2p's list of what went wrong at each address into one line.
func dialError(err error) error {
	var d *swarm.DialError
	if !errors.As(err, &d) || len(d.DialErrors) == 0 {
		return err
	}
	last := d.DialErrors[len(d.DialErrors)-1]
	return fmt.Errorf("%s: %w", last.Address, last.Cause)
}
