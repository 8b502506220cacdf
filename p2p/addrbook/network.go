package addrbook

import (
	"net/netip"

	"github.com/keelson-chain/keelson/p2p/peerinfo"
)

// unroutable are the subnets whose addresses mean nothing to others, or nothing
// at all: those of this machine, of private and documentation networks, of
// benchmarks, multicast and what is reserved.
var unroutable = prefixes(
	"0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.2.0/24", "192.168.0.0/16",
	"198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
	"::/127", "2001:10::/28", "2001:20::/28", "2001:db8::/32", "fc00::/7", "fe80::/10", "ff00::/8",
)

func prefixes(list ...string) []netip.Prefix {
	out := make([]netip.Prefix, len(list))
	for i, s := range list {
		out[i] = netip.MustParsePrefix(s)
	}
	return out
}

// Routable reports whether an address can be that of a node somewhere on the
// Internet.
func Routable(addr netip.Addr) bool {
	addr = plain(addr)
	if !addr.IsValid() {
		return false
	}
	for _, p := range unroutable {
		if p.Contains(addr) {
			return false
		}
	}
	return true
}

// NetworkOf returns the kind of an address.
func NetworkOf(addr netip.Addr) peerinfo.Network {
	switch addr = plain(addr); {
	case !Routable(addr):
		return peerinfo.Unroutable
	case addr.Is4():
		return peerinfo.IPv4
	default:
		return peerinfo.IPv6
	}
}

// IPv6 addresses that stand for an IPv4 one, and where in them it is.
var (
	sixToFour = netip.MustParsePrefix("2002::/16")
	teredo    = netip.MustParsePrefix("2001::/32")
	nat64     = netip.MustParsePrefix("64:ff9b::/96")
	siit      = netip.MustParsePrefix("::ffff:0:0:0/96")
	// tunnels is Hurricane Electric's, who gives out /36s of it to anybody.
	tunnels = netip.MustParsePrefix("2001:470::/32")
)

// Group returns the network that an address belongs to as far as attackers are
// concerned, as Bitcoin Core sees it: who has one address of it can be expected
// to have many. That is the /16 of an IPv4 address, also of one inside an IPv6
// address, the /32 of other IPv6 addresses, and one group for all that are
// not routable.
func Group(addr netip.Addr) netip.Prefix {
	addr = plain(addr)
	bits := 32
	switch {
	case !Routable(addr):
		return netip.Prefix{}
	case addr.Is4():
		bits = 16
	case tunnels.Contains(addr):
		bits = 36
	default:
		if inner, ok := innerIPv4(addr); ok {
			addr, bits = inner, 16
		}
	}
	group, _ := addr.Prefix(bits)
	return group
}

// innerIPv4 returns the IPv4 address that an IPv6 one stands for.
func innerIPv4(addr netip.Addr) (netip.Addr, bool) {
	raw := addr.As16()
	var inner [4]byte
	switch {
	case sixToFour.Contains(addr):
		inner = [4]byte(raw[2:6])
	case nat64.Contains(addr), siit.Contains(addr):
		inner = [4]byte(raw[12:])
	case teredo.Contains(addr):
		inner = [4]byte(raw[12:])
		for i := range inner {
			inner[i] ^= 0xff
		}
	default:
		return netip.Addr{}, false
	}
	return netip.AddrFrom4(inner), true
}
