package peerinfo

import (
	"strconv"
	"strings"
)

// HostPort returns the address or name and the port of a multi-address, such as
// 192.0.2.1 and 18444 of /ip4/192.0.2.1/udp/18444/quic-v1. It reports whether
// there are both; the rest of the text is not judged.
func HostPort(multiaddr string) (host string, port uint16, ok bool) {
	parts := strings.SplitN(multiaddr, "/", 6)
	if len(parts) < 5 || parts[0] != "" || parts[2] == "" {
		return "", 0, false
	}
	switch parts[1] {
	case "ip4", "ip6", "dns", "dns4", "dns6":
	default:
		return "", 0, false
	}
	n, err := strconv.ParseUint(parts[4], 10, 16)
	if parts[3] != "tcp" && parts[3] != "udp" || err != nil {
		return "", 0, false
	}
	return parts[2], uint16(n), true
}

// Named reports whether an operator means p by a name: its multi-address, with
// or without /p2p/ID, HOST:PORT with its address and port, or its libp2p peer id.
func (p *Peer) Named(name string) bool {
	if name == "" {
		return false
	}
	bare, _, _ := strings.Cut(p.Addr, "/p2p/")
	if name == p.Addr || name == bare || name == p.ID {
		return true
	}
	host, port, ok := HostPort(p.Addr)
	if !ok {
		return false
	}
	if strings.Contains(host, ":") {
		host = "[" + host + "]"
	}
	return name == host+":"+strconv.Itoa(int(port))
}
