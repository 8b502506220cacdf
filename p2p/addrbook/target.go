package addrbook

import (
	"cmp"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"github.com/multiformats/go-multiaddr"
)

// ErrTarget is text that names neither a subnet nor a peer.
var ErrTarget = errors.New("neither an IP address or subnet nor a peer id")

// Target is who is banned: a subnet or a peer. Exactly one of the fields is set.
// Targets made by the functions here are equal with == when they mean the same.
type Target struct {
	Prefix netip.Prefix // without bits beyond its length
	ID     string       // a libp2p peer id
}

// ParseTarget reads a subnet as Bitcoin Core reads it ("192.0.2.7",
// "192.0.2.0/24", "192.0.2.0/255.255.255.0", "2001:db8::/32") or a peer id. An
// address alone is the subnet of that address. Bits of the address beyond the
// subnet's length are dropped. The error wraps ErrTarget.
func ParseTarget(s string) (Target, error) {
	if prefix, ok := parseSubnet(s); ok {
		return Target{Prefix: prefix}, nil
	}
	if id, ok := parseID(s); ok {
		return Target{ID: id}, nil
	}
	return Target{}, fmt.Errorf("%w: %q", ErrTarget, s)
}

// HostTarget returns the subnet that one owner of an address has for sure: the
// address itself for IPv4, the 64 bits that a single link gets for IPv6.
func HostTarget(addr netip.Addr) Target {
	addr = plain(addr)
	bits := 64
	if addr.Is4() {
		bits = 32
	}
	prefix, _ := addr.Prefix(bits) // the zero Prefix for the zero Addr
	return Target{Prefix: prefix}
}

// IDTarget returns the peer with the given id, which the caller has from a
// connection or has parsed.
func IDTarget(id string) Target { return Target{ID: id} }

// String returns the subnet, always with its length, or the peer id.
func (t Target) String() string {
	if t.ID != "" {
		return t.ID
	}
	return t.Prefix.String()
}

// compare orders targets as Bitcoin Core lists them: IPv4, IPv6, each by address
// and then by length; then peer ids.
func (t Target) compare(o Target) int {
	if t.ID != "" || o.ID != "" {
		return cmp.Compare(t.ID, o.ID)
	}
	if c := t.Prefix.Addr().Compare(o.Prefix.Addr()); c != 0 {
		return c
	}
	return cmp.Compare(t.Prefix.Bits(), o.Prefix.Bits())
}

// plain returns an IPv4 address that was written as an IPv6 one as what it is,
// and drops the zone, which only this machine understands.
func plain(addr netip.Addr) netip.Addr { return addr.Unmap().WithZone("") }

// parseSubnet reads ADDRESS, ADDRESS/LENGTH or ADDRESS/MASK.
func parseSubnet(s string) (netip.Prefix, bool) {
	host, mask, masked := s, "", false
	if slash := strings.LastIndexByte(s, '/'); slash >= 0 {
		host, mask, masked = s[:slash], s[slash+1:], true
	}
	addr, ok := parseHost(host)
	if !ok {
		return netip.Prefix{}, false
	}
	bits := addr.BitLen()
	if masked {
		if bits, ok = parseMask(mask, addr.BitLen()); !ok {
			return netip.Prefix{}, false
		}
	}
	prefix, err := addr.Prefix(bits)
	return prefix, err == nil
}

// parseHost reads an address, which may stand in brackets.
func parseHost(s string) (netip.Addr, bool) {
	if inner, ok := strings.CutPrefix(s, "["); ok {
		if s, ok = strings.CutSuffix(inner, "]"); !ok {
			return netip.Addr{}, false
		}
	}
	addr, err := netip.ParseAddr(s)
	if err != nil || addr.Zone() != "" {
		return netip.Addr{}, false
	}
	return plain(addr), true
}

// parseMask reads the length of a subnet: a number, or a mask with all its ones
// before its zeros.
func parseMask(s string, size int) (bits int, ok bool) {
	if n, err := strconv.ParseUint(s, 10, 8); err == nil {
		return int(n), int(n) <= size
	}
	mask, ok := parseHost(s)
	if !ok || mask.BitLen() != size {
		return 0, false
	}
	for _, b := range mask.AsSlice() {
		for bit := byte(0x80); bit != 0 && b&bit != 0; bit >>= 1 {
			bits++
		}
		if b != 0xff {
			break
		}
	}
	full, err := allOnes(size).Prefix(bits)
	return bits, err == nil && full.Addr() == mask
}

// allOnes returns the address of the given length in bits with all of them set.
func allOnes(size int) netip.Addr {
	var raw [16]byte
	for i := range raw {
		raw[i] = 0xff
	}
	addr, _ := netip.AddrFromSlice(raw[:size/8])
	return addr
}

// parseID reads a libp2p peer id and returns it in its one usual form.
func parseID(s string) (id string, ok bool) {
	if len(s) < 8 || len(s) > 128 {
		return "", false
	}
	c, err := multiaddr.NewComponent("p2p", s)
	if err != nil {
		return "", false
	}
	return c.Value(), true
}
