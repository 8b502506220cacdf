package host

import (
	"cmp"
	"crypto/sha256"
	"net/netip"
	"slices"
	"time"
)

// How many peers of each merit are safe, as in Bitcoin Core.
const (
	safeByGroup    = 4
	safeByPing     = 8
	safeByTx       = 4
	safeByBlockAlt = 8 // of those that want no transactions
	safeByBlock    = 4
)

// candidate is what counts when one of those that called has to go.
type candidate struct {
	peer      *Peer
	group     [sha256.Size]byte // the network group, keyed with a secret
	local     bool
	ping      time.Duration // the least; 0 is unknown
	tx, block int64         // when the last new one came, 0 for never
	relay     bool
	connected time.Time
	protected bool // by the whitelist
}

// evict chooses the peer that makes room for another one, or nil if all of them
// deserve to stay. Those are safe that an attacker cannot easily outdo: in
// groups that he cannot choose, near to us, the last to bring transactions and
// blocks, and half of the rest by how long they have been here. Of what remains,
// the youngest of the largest group goes.
func evict(peers []*Peer, secret [32]byte) *Peer {
	list := make([]candidate, 0, len(peers))
	for _, p := range peers {
		least, _ := p.Latency()
		list = append(list, candidate{
			peer:      p,
			group:     sha256.Sum256(append(secret[:], groupOf(p.addr)...)),
			local:     local(p.addr),
			ping:      least,
			tx:        p.lastTx.Load(),
			block:     p.lastBlock.Load(),
			relay:     p.hello.Relay,
			connected: p.connected,
			protected: p.Whitelisted(NoBan),
		})
	}
	return choose(list)
}

func choose(list []candidate) *Peer {
	list = slices.DeleteFunc(list, func(c candidate) bool { return c.protected })
	list = spare(list, safeByGroup, func(a, b candidate) int { return slices.Compare(b.group[:], a.group[:]) }, nil)
	list = spare(list, safeByPing, func(a, b candidate) int { return cmp.Compare(pingOr(a), pingOr(b)) }, nil)
	list = spare(list, safeByTx, func(a, b candidate) int { return cmp.Compare(b.tx, a.tx) }, nil)
	list = spare(list, safeByBlockAlt, func(a, b candidate) int { return cmp.Compare(b.block, a.block) },
		func(c candidate) bool { return !c.relay })
	list = spare(list, safeByBlock, func(a, b candidate) int { return cmp.Compare(b.block, a.block) }, nil)
	list = spareLongest(list)
	if len(list) == 0 {
		return nil
	}
	sizes := map[[sha256.Size]byte]int{}
	youngest := map[[sha256.Size]byte]time.Time{}
	for _, c := range list {
		sizes[c.group]++
		if c.connected.After(youngest[c.group]) {
			youngest[c.group] = c.connected
		}
	}
	worst := slices.MaxFunc(list, func(a, b candidate) int {
		return cmp.Or(
			cmp.Compare(sizes[a.group], sizes[b.group]),
			youngest[a.group].Compare(youngest[b.group]),
			slices.Compare(a.group[:], b.group[:]),
			a.connected.Compare(b.connected),
			cmp.Compare(a.peer.num, b.peer.num),
		)
	})
	return worst.peer
}

// pingOr returns the least ping, an unknown one being the worst.
func pingOr(c candidate) time.Duration {
	if c.ping == 0 {
		return time.Duration(1<<63 - 1)
	}
	return c.ping
}

// spare removes the n best of the list, of those that which holds for if it is
// not nil.
func spare(list []candidate, n int, order func(a, b candidate) int, which func(candidate) bool) []candidate {
	slices.SortStableFunc(list, order)
	left := list[:0]
	for _, c := range list {
		if n > 0 && (which == nil || which(c)) {
			n--
			continue
		}
		left = append(left, c)
	}
	return left
}

// spareLongest removes the half that has been connected longest; a quarter of
// the places is for peers of this machine and of private networks, if there are
// any.
func spareLongest(list []candidate) []candidate {
	half := len(list) / 2
	before := len(list)
	byAge := func(a, b candidate) int { return a.connected.Compare(b.connected) }
	list = spare(list, half/2, byAge, func(c candidate) bool { return c.local })
	return spare(list, half-(before-len(list)), byAge, nil)
}

// groupOf is the part of an address that one operator is likely to hold: /16 of
// IPv4, /32 of IPv6. All local ones are one group.
func groupOf(a netip.Addr) string {
	switch {
	case !a.IsValid() || local(a):
		return "local"
	case a.Is4():
		return netip.PrefixFrom(a, 16).Masked().String()
	}
	return netip.PrefixFrom(a, 32).Masked().String()
}
