package host

import (
	"context"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	"github.com/multiformats/go-multiaddr"
	manet "github.com/multiformats/go-multiaddr/net"
	"github.com/multiformats/go-multistream"

	"github.com/keelson-chain/keelson/p2p/peerinfo"
)

// ParseAddr reads where a node is: a multi-address with /p2p/ID, HOST:PORT/ID, or
// HOST:PORT, which leaves the id empty. HOST is a name or an IP address, an IPv6
// one in brackets; PORT stands for both TCP and UDP. The error wraps
// peerinfo.ErrAddress.
func ParseAddr(s string) (peer.AddrInfo, error) {
	info, err := parseAddr(s)
	if err != nil {
		return peer.AddrInfo{}, fmt.Errorf("%w: %q: %w", peerinfo.ErrAddress, s, err)
	}
	return info, nil
}

// ParseNode is ParseAddr for nodes that the operator names: the port may be
// missing if there is a default one (not 0), and the id only on networks for
// development.
func ParseNode(s string, defaultPort uint16, dev bool) (peer.AddrInfo, error) {
	info, err := ParseAddr(withPort(s, defaultPort))
	if err == nil && info.ID == "" && !dev {
		err = fmt.Errorf("%w: %q: the peer id is missing; write /ip4/ADDRESS/tcp/PORT/p2p/ID", peerinfo.ErrAddress, s)
	}
	return info, err
}

// withPort appends a port to a node that is named without one.
func withPort(s string, port uint16) string {
	name, id, hasID := strings.Cut(s, "/")
	if port == 0 || name == "" {
		return s
	}
	ip, err := netip.ParseAddr(strings.TrimSuffix(strings.TrimPrefix(name, "["), "]"))
	switch {
	case err == nil:
		name = netip.AddrPortFrom(ip, port).String()
	case !strings.Contains(name, ":"):
		name += ":" + strconv.Itoa(int(port))
	}
	if hasID {
		name += "/" + id
	}
	return name
}

// parseNode is ParseNode with what the Config says.
func (h *Host) parseNode(s string) (peer.AddrInfo, error) {
	return ParseNode(s, h.cfg.DefaultPort, h.cfg.Dev)
}

// isHostName reports whether s looks like the name of a host.
func isHostName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(c rune) bool {
		return (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (c < '0' || c > '9') && !strings.ContainsRune("-_.", c)
	})
}

func parseAddr(s string) (peer.AddrInfo, error) {
	if strings.HasPrefix(s, "/") {
		info, err := peer.AddrInfoFromString(s)
		if err != nil {
			return peer.AddrInfo{}, err
		}
		if len(info.Addrs) == 0 {
			return peer.AddrInfo{}, fmt.Errorf("no address before the peer id")
		}
		return *info, nil
	}
	hostPort, idText, hasID := strings.Cut(s, "/")
	var info peer.AddrInfo
	if hasID {
		id, err := peer.Decode(strings.TrimPrefix(idText, "p2p/"))
		if err != nil {
			return info, fmt.Errorf("peer id: %w", err)
		}
		info.ID = id
	}
	name, portText, err := net.SplitHostPort(hostPort)
	if err != nil {
		return info, err
	}
	port, err := strconv.ParseUint(portText, 10, 16)
	if err != nil || port == 0 {
		return info, fmt.Errorf("port %q is not one of 1 to 65535", portText)
	}
	at := "/dns/" + name
	if ip, err := netip.ParseAddr(name); err == nil {
		if ip = ip.Unmap(); ip.Is4() {
			at = "/ip4/" + ip.String()
		} else {
			at = "/ip6/" + ip.WithZone("").String()
		}
	} else if !isHostName(name) {
		return info, fmt.Errorf("%q is not the name of a host", name)
	}
	for _, via := range []string{fmt.Sprintf("/udp/%d/quic-v1", port), fmt.Sprintf("/tcp/%d", port)} {
		a, err := multiaddr.NewMultiaddr(at + via)
		if err != nil {
			return info, err
		}
		info.Addrs = append(info.Addrs, a)
	}
	return info, nil
}

// multiaddrs reads the addresses to listen on.
func multiaddrs(list []string) ([]multiaddr.Multiaddr, error) {
	addrs := make([]multiaddr.Multiaddr, 0, len(list))
	for _, s := range list {
		a, err := multiaddr.NewMultiaddr(s)
		if err != nil {
			return nil, fmt.Errorf("cannot listen on %q: %w", s, err)
		}
		addrs = append(addrs, a)
	}
	return addrs, nil
}

// ipOf returns the IP address of a multi-address, if it has one.
func ipOf(a multiaddr.Multiaddr) netip.Addr {
	ip, err := manet.ToIP(a)
	if err != nil {
		return netip.Addr{}
	}
	addr, _ := netip.AddrFromSlice(ip)
	return addr.Unmap()
}

// identify learns who listens on the TCP port of info's addresses, by greeting
// it as Noise does and accepting any id. This is for development, where nobody
// pretends to be somebody else.
func (h *Host) identify(ctx context.Context, info peer.AddrInfo) (peer.ID, error) {
	for _, a := range info.Addrs {
		network, at, err := dialArgs(a)
		if err == nil && strings.HasPrefix(network, "tcp") {
			return h.whoListens(ctx, network, at)
		}
	}
	return "", fmt.Errorf("%w: no TCP address to ask for the peer id", peerinfo.ErrAddress)
}

// dialArgs is manet.DialArgs with names left for the dialer to resolve.
func dialArgs(a multiaddr.Multiaddr) (network, at string, err error) {
	if name, err := a.ValueForProtocol(multiaddr.P_DNS); err == nil {
		if port, err := a.ValueForProtocol(multiaddr.P_TCP); err == nil {
			return "tcp", net.JoinHostPort(name, port), nil
		}
	}
	return manet.DialArgs(a)
}

func (h *Host) whoListens(ctx context.Context, network, at string) (peer.ID, error) {
	ctx, cancel := context.WithTimeout(ctx, dialTime)
	defer cancel()
	conn, err := (&net.Dialer{}).DialContext(ctx, network, at)
	if err != nil {
		return "", err
	}
	defer func() { _ = conn.Close() }()
	until, _ := ctx.Deadline()
	_ = conn.SetDeadline(until)
	if deadline := time.Now().Add(dialTime); deadline.Before(until) {
		_ = conn.SetDeadline(deadline)
	}
	if err := multistream.SelectProtoOrFail[protocol.ID](noise.ID, conn); err != nil {
		return "", fmt.Errorf("%s does not speak libp2p: %w", at, err)
	}
	tr, err := noise.New(noise.ID, h.lib.Peerstore().PrivKey(h.lib.ID()), nil)
	if err != nil {
		return "", err
	}
	session, err := tr.WithSessionOptions(noise.DisablePeerIDCheck())
	if err != nil {
		return "", err
	}
	secure, err := session.SecureOutbound(ctx, conn, "")
	if err != nil {
		return "", fmt.Errorf("handshake with %s: %w", at, err)
	}
	return secure.RemotePeer(), nil
}
