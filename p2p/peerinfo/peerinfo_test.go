package peerinfo

import "testing"

func TestHostPort(t *testing.T) {
	for _, test := range []struct {
		multiaddr, host string
		port            uint16
		ok              bool
	}{
		{"/ip4/192.0.2.1/udp/18444/quic-v1", "192.0.2.1", 18444, true},
		{"/ip4/192.0.2.1/tcp/65535", "192.0.2.1", 65535, true},
		{"/ip6/2001:db8::1/tcp/18444/p2p/12D3KooW", "2001:db8::1", 18444, true},
		{"/dns4/node.example/tcp/1", "node.example", 1, true},
		{"/ip4/192.0.2.1/tcp/65536", "", 0, false},
		{"/ip4/192.0.2.1/tcp/-1", "", 0, false},
		{"/ip4/192.0.2.1/sctp/1", "", 0, false},
		{"/ip4//tcp/1", "", 0, false},
		{"/ip4/192.0.2.1/tcp", "", 0, false},
		{"/unix/a/tcp/1", "", 0, false},
		{"ip4/192.0.2.1/tcp/1", "", 0, false},
		{"192.0.2.1:18444", "", 0, false},
		{"", "", 0, false},
	} {
		host, port, ok := HostPort(test.multiaddr)
		if host != test.host || port != test.port || ok != test.ok {
			t.Errorf("HostPort(%q) = %q, %d, %v", test.multiaddr, host, port, ok)
		}
	}
}

func TestNamed(t *testing.T) {
	four := Peer{ID: "12D3KooWA", Addr: "/ip4/192.0.2.1/tcp/18444/p2p/12D3KooWA"}
	six := Peer{ID: "12D3KooWB", Addr: "/ip6/2001:db8::1/udp/18444/quic-v1/p2p/12D3KooWB"}
	for _, test := range []struct {
		name      string
		four, six bool
	}{
		{"/ip4/192.0.2.1/tcp/18444/p2p/12D3KooWA", true, false},
		{"/ip4/192.0.2.1/tcp/18444", true, false},
		{"192.0.2.1:18444", true, false},
		{"12D3KooWA", true, false},
		{"/ip6/2001:db8::1/udp/18444/quic-v1", false, true},
		{"[2001:db8::1]:18444", false, true},
		{"12D3KooWB", false, true},
		{"2001:db8::1:18444", false, false},
		{"192.0.2.1:18445", false, false},
		{"192.0.2.1", false, false},
		{"/ip4/192.0.2.1", false, false},
		{"", false, false},
	} {
		if got := four.Named(test.name); got != test.four {
			t.Errorf("%q names %s: %v", test.name, four.Addr, got)
		}
		if got := six.Named(test.name); got != test.six {
			t.Errorf("%q names %s: %v", test.name, six.Addr, got)
		}
	}
	if new(Peer).Named("") {
		t.Error("a peer without any name is named by nothing")
	}
}
