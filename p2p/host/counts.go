package host

import (
	"errors"
	"sync/atomic"

	"github.com/keelson-chain/keelson/p2p/peerinfo"
)

// counts are the counters behind peerinfo.Counts.
type counts struct {
	connected, failed, refused, evicted, penalties, banned, disconnected atomic.Uint64
}

// ended counts a connection that is over.
func (c *counts) ended(p *Peer) {
	switch {
	case p.told:
		c.disconnected.Add(1)
		if errors.Is(p.reason(), errEvicted) {
			c.evicted.Add(1)
		}
	case p.inbound:
		c.refused.Add(1)
	}
}

// Counts returns what has happened to connections since the host was made.
func (h *Host) Counts() peerinfo.Counts {
	c := &h.counts
	return peerinfo.Counts{
		Connected: c.connected.Load(), Failed: c.failed.Load(), Refused: c.refused.Load(), Evicted: c.evicted.Load(),
		Penalties: c.penalties.Load(), Banned: c.banned.Load(), Disconnected: c.disconnected.Load(),
	}
}
