package host

import (
	"net/netip"
	"time"

	"github.com/libp2p/go-libp2p/core/network"

	"github.com/keelson-chain/keelson/p2p/peerinfo"
)

// Totals returns the bytes of all frames since the host was made.
func (h *Host) Totals() peerinfo.Totals {
	sent, received, _, _ := h.traffic.read()
	return peerinfo.Totals{Sent: sent, Received: received}
}

// Info returns what is known of the peer here. What the peer's chain and
// transactions are about is for the caller to fill in.
func (p *Peer) Info() peerinfo.Peer {
	sent, received, lastSend, lastRecv := p.traffic.read()
	least, last := p.Latency()
	state := p.conn.ConnState()
	return peerinfo.Peer{
		Num:              p.num,
		ID:               p.ID(),
		Addr:             p.Addr(),
		Bind:             p.conn.LocalMultiaddr().String(),
		Local:            p.hello.Observed,
		Network:          networkOf(p.addr),
		Kind:             p.kind,
		Transport:        transportOf(state),
		Session:          p.conn.ID(),
		Permissions:      p.permissions.Strings(),
		Services:         p.hello.Services,
		Version:          p.hello.Version,
		Subver:           p.hello.Subver,
		RelayTxs:         p.hello.Relay,
		TimeOffset:       time.Duration(p.hello.Time-p.connectedAt) * time.Second,
		StartingHeight:   int64(p.hello.Height),
		Connected:        p.connected,
		LastSend:         lastSend,
		LastRecv:         lastRecv,
		LastTx:           unixNano(&p.lastTx),
		LastBlk:          unixNano(&p.lastBlock),
		Sent:             sent,
		Received:         received,
		Ping:             last,
		MinPing:          least,
		PingWait:         p.pingWait(),
		PresyncedHeaders: -1,
		SyncedHeaders:    -1,
		SyncedBlocks:     -1,
		AddrRelay:        p.addrRelay.Load(),
		AddrProcessed:    p.addrTaken.Load(),
		AddrRateLimited:  p.addrLimited.Load(),
	}
}

// transportOf names what carries a connection.
func transportOf(s network.ConnectionState) string {
	if s.Security == "" {
		return s.Transport
	}
	return s.Transport + string(s.Security)
}

// networkOf sorts an address.
func networkOf(a netip.Addr) peerinfo.Network {
	switch {
	case !a.IsValid() || local(a):
		return peerinfo.Unroutable
	case a.Is4():
		return peerinfo.IPv4
	}
	return peerinfo.IPv6
}
