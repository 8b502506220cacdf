package addrbook

import (
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/multiformats/go-multiaddr"
)

// ErrAddr is a multi-address that the book does not take: it wants an IP
// address, a port, TCP or QUIC, and a peer id, and nothing else.
var ErrAddr = errors.New("not the address of a peer")

// Transport is what carries a connection.
type Transport uint8

// The transports that addresses are kept of.
const (
	TCP  Transport = 1
	QUIC Transport = 2 // version 1 of the standard
)

// Addr is one address of one peer. Addrs are equal with == when they mean the
// same; a peer that listens in several ways has several.
type Addr struct {
	AddrPort  netip.AddrPort
	Transport Transport
	ID        string // the libp2p peer id
}

// ParseAddr reads a multi-address: "/ip4/192.0.2.7/tcp/7333/p2p/ID" or
// "/ip6/2001:db8::7/udp/7333/quic-v1/p2p/ID". The error wraps ErrAddr.
func ParseAddr(s string) (Addr, error) {
	m, err := multiaddr.NewMultiaddr(s)
	if err != nil {
		return Addr{}, fmt.Errorf("%w: %q: %w", ErrAddr, s, err)
	}
	a, ok := fromComponents(m)
	if !ok {
		return Addr{}, fmt.Errorf("%w: %q", ErrAddr, s)
	}
	return a, nil
}

func fromComponents(m multiaddr.Multiaddr) (a Addr, ok bool) {
	if len(m) < 3 {
		return Addr{}, false
	}
	var host netip.Addr
	switch m[0].Protocol().Code {
	case multiaddr.P_IP4, multiaddr.P_IP6:
		host, ok = netip.AddrFromSlice(m[0].RawValue())
	}
	switch rest := m[2:]; {
	case m[1].Protocol().Code == multiaddr.P_TCP && len(rest) == 1:
		a.Transport = TCP
	case m[1].Protocol().Code == multiaddr.P_UDP && len(rest) == 2 && rest[0].Protocol().Code == multiaddr.P_QUIC_V1:
		a.Transport = QUIC
	default:
		return Addr{}, false
	}
	port, err := strconv.ParseUint(m[1].Value(), 10, 16)
	last := &m[len(m)-1]
	if !ok || err != nil || port == 0 || last.Protocol().Code != multiaddr.P_P2P {
		return Addr{}, false
	}
	a.AddrPort = netip.AddrPortFrom(plain(host), uint16(port))
	a.ID = last.Value()
	return a, true
}

// String returns the multi-address.
func (a Addr) String() string { return a.Transported() + "/p2p/" + a.ID }

// Transported returns the multi-address without the peer id.
func (a Addr) Transported() string {
	var b strings.Builder
	family := "/ip6/"
	if a.AddrPort.Addr().Is4() {
		family = "/ip4/"
	}
	b.WriteString(family)
	b.WriteString(a.AddrPort.Addr().String())
	port := strconv.Itoa(int(a.AddrPort.Port()))
	if a.Transport == QUIC {
		b.WriteString("/udp/" + port + "/quic-v1")
	} else {
		b.WriteString("/tcp/" + port)
	}
	return b.String()
}

// Known is an address with what is said of it.
type Known struct {
	Addr
	Services uint64    // what the peer offers, as in Bitcoin
	Seen     time.Time // when somebody was last connected to it; whole seconds
}
