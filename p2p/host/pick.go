package host

import (
	"time"

	"github.com/keelson-chain/keelson/p2p/addrbook"
	"github.com/keelson-chain/keelson/p2p/peerinfo"
)

const (
	// maxDraws is how many addresses are looked at before giving up for now, fewer
	// where there are few.
	maxDraws = 100
	// Among the first patient percent of them, one that was tried in the last
	// triedLately is passed over.
	patient     = 30
	triedLately = 10 * time.Minute
)

// pick draws an address to call for a place of the given kind.
func (c *caller) pick(s *seats, kind peerinfo.Kind, now time.Time) (addrbook.Addr, bool) {
	if kind == peerinfo.Feeler {
		if a, ok := c.pickCollision(s, now); ok {
			return a, true
		}
	}
	clock := c.h.cfg.Now()
	draws := min(4*c.h.book.Len()+10, maxDraws)
	for draw := range draws {
		k, last, ok := c.h.book.Select(kind == peerinfo.Feeler, clock)
		if !ok {
			return addrbook.Addr{}, false
		}
		if draw < draws*patient/100 && clock.Sub(last) < triedLately {
			continue
		}
		if c.free(s, kind, &k, now) {
			return k.Addr, true
		}
	}
	return addrbook.Addr{}, false
}

// pickCollision draws an address that another one waits for: to see whether it
// still works decides between the two.
func (c *caller) pickCollision(s *seats, now time.Time) (addrbook.Addr, bool) {
	k, _, ok := c.h.book.SelectCollision()
	if !ok {
		return addrbook.Addr{}, false
	}
	for _, p := range s.peers {
		if a, err := addrbook.ParseAddr(p.Addr()); err == nil && a == k.Addr && !p.inbound {
			c.h.book.Good(a, c.h.cfg.Now()) // it does
			return addrbook.Addr{}, false
		}
	}
	return k.Addr, c.free(s, peerinfo.Feeler, &k, now)
}

// free reports whether an address may be called for a place of the given kind.
// Places of the same kind of network go to different groups, so that whoever has
// many addresses in one of them has one place at most.
func (c *caller) free(s *seats, kind peerinfo.Kind, k *addrbook.Known, now time.Time) bool {
	clock := c.h.cfg.Now()
	host := k.AddrPort.Addr()
	switch {
	case s.ids[k.ID]:
		return false
	case kind != peerinfo.Feeler && !c.h.cfg.Dev && s.groups[addrbook.Group(host)]:
		return false
	case now.Before(c.failing[k.Addr].next), now.Before(c.lost[k.ID]):
		return false
	case !useful(k.Services):
		return false
	case c.h.bans.BannedID(k.ID, clock) || c.h.bans.BannedAddr(host, clock):
		return false
	}
	return true
}
