package host

import (
	"errors"

	"github.com/libp2p/go-libp2p/core/control"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"

	"github.com/keelson-chain/keelson/p2p/peerinfo"
)

// maxFromIP bounds the connections that come from one address.
const maxFromIP = 8

var (
	errBanned = errors.New("banned")
	errCrowd  = errors.New("too many connections from that address")
)

// gater turns connections away as early as libp2p allows. What it lets through
// is looked at again in turnAway, since a libp2p host that was handed in has no
// gater of ours.
type gater struct{ h *Host }

// InterceptPeerDial is called before a peer is called.
func (g gater) InterceptPeerDial(id peer.ID) bool {
	h := g.h
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.open()
}

// InterceptAddrDial is called for every address that a peer is called at. Whom
// the operator names is called even if he is banned, as in Bitcoin Core.
func (g gater) InterceptAddrDial(id peer.ID, a multiaddr.Multiaddr) bool {
	h := g.h
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.dialing[id] == peerinfo.Manual || !h.banned(id, ipOf(a))
}

// InterceptAccept is called for every connection that comes in, before anything
// is known but its address.
func (g gater) InterceptAccept(c network.ConnMultiaddrs) bool {
	h := g.h
	addr := remoteIP(c)
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.welcome(h.open() && !h.banned("", addr))
}

// InterceptSecured is called when the peer has shown its id.
func (g gater) InterceptSecured(dir network.Direction, id peer.ID, c network.ConnMultiaddrs) bool {
	h := g.h
	h.mu.Lock()
	defer h.mu.Unlock()
	return dir == network.DirOutbound || h.welcome(!h.banned(id, remoteIP(c)))
}

// welcome counts a caller that is turned away.
func (h *Host) welcome(ok bool) bool {
	if !ok {
		h.counts.refused.Add(1)
	}
	return ok
}

// InterceptUpgraded is called when the connection stands; accept looks at it.
func (g gater) InterceptUpgraded(network.Conn) (bool, control.DisconnectReason) { return true, 0 }
