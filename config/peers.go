package config

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keelson-chain/keelson/p2p/host"
)

// peersDir is the folder, in the network's, of what belongs to this node among
// others: its identity, ban list, addresses and anchors.
const peersDir = "p2p"

// peers puts together whom to talk to. What a setting leaves open follows from
// others as in Bitcoin Core: connect and maxconnections=0 mean listen=0, bind
// means listen.
func (l *loader) peers(cfg *Config) error {
	v := &l.v
	regtest := cfg.Params.Name == "regtest"
	c := host.Config{
		Dir:         filepath.Join(cfg.Dir, peersDir),
		Dev:         regtest,
		BanTime:     time.Duration(v.banTime) * time.Second,
		Inactive:    !v.networkActive,
		NATPortMap:  v.natPMP,
		DefaultPort: cfg.Params.P2PPort,
	}

	// Whom to call.
	switch {
	case slices.Equal(v.connect, []string{"0"}):
	case slices.Contains(v.connect, "0"):
		return l.errorf("connect", "0 (call nobody) cannot be combined with nodes to call")
	default:
		c.Connect = v.connect
	}
	c.AddNode, c.Seeds = v.addNode, v.seedNode
	for _, named := range []struct {
		by    string
		nodes []string
	}{{"connect", c.Connect}, {"addnode", c.AddNode}, {"seednode", c.Seeds}} {
		if err := l.nodes(named.by, named.nodes, &c); err != nil {
			return err
		}
	}
	c.Discover = v.findPeers && (!regtest || l.is("findpeers")) && len(v.connect) == 0 && v.maxConnections > 0
	c.Feelers = c.Discover
	most := int(v.maxConnections)
	c.MaxPeers = most
	c.Outbound = min(host.DefaultOutbound, most)
	c.BlockOnly = min(host.DefaultBlockOnly, most-c.Outbound)
	for _, n := range []*int{&c.MaxPeers, &c.Outbound, &c.BlockOnly} {
		if *n == 0 {
			*n = -1 // none, where 0 means the default
		}
	}

	// Who may call.
	listen := v.listen
	switch {
	case !l.is("listen") && len(v.bind) == 0 && (len(v.connect) > 0 || most == 0):
		listen = false
	case !listen && len(v.bind) > 0:
		return l.errorf("bind", "Cannot set -bind or -whitebind together with -listen=0") // in Bitcoin Core's words
	}
	port := uint16(v.port)
	if port == 0 {
		port = cfg.Params.P2PPort
	}
	if listen {
		for _, text := range v.bind {
			addrs, err := listenAt(text, port)
			if err != nil {
				return l.errorf("bind", "%w", err)
			}
			c.Listen = append(c.Listen, addrs...)
		}
		switch {
		case len(v.bind) > 0:
		case regtest:
			c.Listen = overBoth(netip.AddrFrom4([4]byte{127, 0, 0, 1}), port)
		default:
			c.Listen = append(overBoth(netip.IPv4Unspecified(), port), overBoth(netip.IPv6Unspecified(), port)...)
			c.ListenAny = true // a machine may have one kind of address only
		}
	} else {
		c.NATPortMap = false
	}
	for _, text := range v.externalIP {
		addrs, err := listenAt(text, port)
		if err != nil {
			return l.errorf("externalip", "%w", err)
		}
		c.Announce = append(c.Announce, addrs...)
	}
	for _, text := range v.whitelist {
		w, err := host.ParseWhitelist(text)
		if err != nil {
			return l.errorf("whitelist", "%w", err)
		}
		c.Whitelist = append(c.Whitelist, w)
	}
	cfg.P2P.Host, cfg.P2P.BlocksOnly = c, v.blocksOnly
	cfg.P2P.TxDelay = time.Duration(v.txDelay) * time.Millisecond
	return nil
}

// nodes checks the nodes that a setting names.
func (l *loader) nodes(name string, list []string, c *host.Config) error {
	for _, node := range list {
		if _, err := host.ParseNode(node, c.DefaultPort, c.Dev); err != nil {
			return l.errorf(name, "%w", err)
		}
	}
	return nil
}

// overBoth are the multi-addresses of a port for TCP and for QUIC.
func overBoth(addr netip.Addr, port uint16) []string {
	kind := "ip6"
	if addr.Is4() {
		kind = "ip4"
	}
	return []string{fmt.Sprintf("/%s/%s/udp/%d/quic-v1", kind, addr, port), fmt.Sprintf("/%s/%s/tcp/%d", kind, addr, port)}
}

// listenAt reads ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT, which stand for TCP and
// QUIC, or a multi-address of one of them.
func listenAt(text string, port uint16) ([]string, error) {
	if !strings.HasPrefix(text, "/") {
		addr, n, err := ipPort(text, port)
		if err != nil {
			return nil, err
		}
		return overBoth(addr, n), nil
	}
	wrong := fmt.Errorf("%q is not a multi-address to listen on, such as /ip4/192.0.2.1/tcp/%d or /ip4/192.0.2.1/udp/%[2]d/quic-v1", text, port)
	parts := strings.Split(text, "/")
	if len(parts) < 5 {
		return nil, wrong
	}
	addr, err := netip.ParseAddr(parts[2])
	n, portErr := strconv.ParseUint(parts[4], 10, 16)
	if err != nil || portErr != nil {
		return nil, wrong
	}
	for _, a := range overBoth(addr, uint16(n)) {
		if a == text {
			return []string{text}, nil
		}
	}
	return nil, wrong
}

// ipPort reads ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT.
func ipPort(text string, port uint16) (netip.Addr, uint16, error) {
	wrong := fmt.Errorf("%q is not an IP address, with or without a port, nor a multi-address", text)
	addr, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		name, portText, splitErr := net.SplitHostPort(text)
		if splitErr != nil {
			name, portText = text, strconv.Itoa(int(port))
		}
		if name == "localhost" {
			name = "127.0.0.1"
		}
		n, portErr := strconv.ParseUint(portText, 10, 16)
		addr, err = netip.ParseAddr(name)
		if errors.Join(err, portErr) != nil {
			return netip.Addr{}, 0, wrong
		}
		port = uint16(n)
	}
	if addr.Zone() != "" {
		return netip.Addr{}, 0, wrong
	}
	return addr.Unmap(), port, nil
}
