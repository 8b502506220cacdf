package addrbook

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/keelson-chain/keelson/p2p/peerinfo"
)

func TestParseAddr(t *testing.T) {
	for _, s := range []string{
		"/ip4/192.0.2.7/tcp/7333/p2p/" + peerA,
		"/ip4/192.0.2.7/udp/7333/quic-v1/p2p/" + peerA,
		"/ip6/2001:db8::7/tcp/1/p2p/" + peerA,
		"/ip6/2001:db8::7/udp/65535/quic-v1/p2p/" + peerA,
	} {
		a, err := ParseAddr(s)
		if err != nil || a.String() != s || !a.valid() {
			t.Errorf("%s: %v, %v", s, a, err)
		}
	}
	a, err := ParseAddr("/ip6/::ffff:192.0.2.7/tcp/7333/p2p/" + peerA)
	if want := "/ip4/192.0.2.7/tcp/7333/p2p/" + peerA; err != nil || a.String() != want {
		t.Errorf("an IPv4 address inside: %v, %v", a, err)
	}
	for _, bad := range []string{
		"", "/", peerA, "/p2p/" + peerA, "192.0.2.7:7333", "/ip4/192.0.2.7/tcp/7333", "/ip4/192.0.2.7/p2p/" + peerA, "/ip4/192.0.2.7/tcp/0/p2p/" + peerA,
		"/ip4/192.0.2.7/tcp/65536/p2p/" + peerA, "/ip4/192.0.2/tcp/7333/p2p/" + peerA, "/dns4/example.com/tcp/7333/p2p/" + peerA,
		"/ip4/192.0.2.7/udp/7333/p2p/" + peerA, "/ip4/192.0.2.7/udp/7333/quic/p2p/" + peerA, "/ip4/192.0.2.7/tcp/7333/ws/p2p/" + peerA,
		"/ip4/192.0.2.7/udp/7333/quic-v1/webtransport/p2p/" + peerA, "/ip4/192.0.2.7/tcp/7333/p2p/" + peerA + "/p2p-circuit",
		"/ip4/192.0.2.7/tcp/7333/p2p/" + peerA + "/p2p-circuit/p2p/" + peerA, "/ip6zone/lo/ip6/fe80::1/tcp/7333/p2p/" + peerA,
		"/ip4/192.0.2.7/tcp/7333/p2p/xyz",
	} {
		if a, err := ParseAddr(bad); !errors.Is(err, ErrAddr) {
			t.Errorf("%q: %v, %v", bad, a, err)
		}
	}
}

func FuzzParseAddr(f *testing.F) {
	f.Add("/ip4/192.0.2.7/tcp/7333/p2p/" + peerA)
	f.Add("/ip6/2001:db8::7/udp/7333/quic-v1/p2p/" + peerA)
	f.Fuzz(func(t *testing.T, s string) {
		a, err := ParseAddr(s)
		if err != nil {
			return
		}
		if again, err := ParseAddr(a.String()); err != nil || again != a || !a.valid() {
			t.Fatalf("%q is %v, read again %v, %v", s, a, again, err)
		}
	})
}

func TestNetworks(t *testing.T) {
	for _, c := range []struct {
		addr    string
		network peerinfo.Network
		group   string
	}{
		{"1.2.3.4", peerinfo.IPv4, "1.2.0.0/16"},
		{"::ffff:1.2.3.4", peerinfo.IPv4, "1.2.0.0/16"},
		{"223.255.255.255", peerinfo.IPv4, "223.255.0.0/16"},
		{"172.32.0.1", peerinfo.IPv4, "172.32.0.0/16"},
		{"2a00:1450:4001::1", peerinfo.IPv6, "2a00:1450::/32"},
		{"2001:470:abcd:9999::1", peerinfo.IPv6, "2001:470:a000::/36"},
		{"2002:102:304::1", peerinfo.IPv6, "1.2.0.0/16"},
		{"64:ff9b::1.2.3.4", peerinfo.IPv6, "1.2.0.0/16"},
		{"2001:0:9999:9999:9999:9999:fefd:fcfb", peerinfo.IPv6, "1.2.0.0/16"},
		{"::ffff:0:1.2.3.4", peerinfo.IPv6, "1.2.0.0/16"},
		{"2001:20::1", peerinfo.Unroutable, "invalid Prefix"},
		{"0.0.0.0", peerinfo.Unroutable, "invalid Prefix"},
		{"10.1.2.3", peerinfo.Unroutable, "invalid Prefix"},
		{"100.64.0.1", peerinfo.Unroutable, "invalid Prefix"},
		{"127.0.0.1", peerinfo.Unroutable, "invalid Prefix"},
		{"169.254.1.1", peerinfo.Unroutable, "invalid Prefix"},
		{"172.31.255.255", peerinfo.Unroutable, "invalid Prefix"},
		{"192.168.1.1", peerinfo.Unroutable, "invalid Prefix"},
		{"198.19.0.1", peerinfo.Unroutable, "invalid Prefix"},
		{"203.0.113.1", peerinfo.Unroutable, "invalid Prefix"},
		{"224.0.0.1", peerinfo.Unroutable, "invalid Prefix"},
		{"255.255.255.255", peerinfo.Unroutable, "invalid Prefix"},
		{"::", peerinfo.Unroutable, "invalid Prefix"},
		{"::1", peerinfo.Unroutable, "invalid Prefix"},
		{"::ffff:127.0.0.1", peerinfo.Unroutable, "invalid Prefix"},
		{"2001:db8::1", peerinfo.Unroutable, "invalid Prefix"},
		{"fd00::1", peerinfo.Unroutable, "invalid Prefix"},
		{"fe80::1%lo", peerinfo.Unroutable, "invalid Prefix"},
		{"ff02::1", peerinfo.Unroutable, "invalid Prefix"},
	} {
		addr := netip.MustParseAddr(c.addr)
		if got := NetworkOf(addr); got != c.network {
			t.Errorf("%s: %s, want %s", c.addr, got, c.network)
		}
		if got := Group(addr).String(); got != c.group {
			t.Errorf("%s: group %s, want %s", c.addr, got, c.group)
		}
	}
	if Routable(netip.Addr{}) || NetworkOf(netip.Addr{}) != peerinfo.Unroutable {
		t.Error("no address is routable")
	}
}
