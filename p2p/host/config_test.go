package host

import (
	"context"
	"errors"
	"net"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/keelson-chain/keelson/p2p/peerinfo"
)

func TestParseNode(t *testing.T) {
	const id = "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN"
	for _, test := range []struct {
		node  string
		port  uint16
		dev   bool
		addrs string // empty: refused
		id    string
	}{
		{"192.0.2.1:5", 18444, true, "/ip4/192.0.2.1/udp/5/quic-v1 /ip4/192.0.2.1/tcp/5", ""},
		{"192.0.2.1", 18444, true, "/ip4/192.0.2.1/udp/18444/quic-v1 /ip4/192.0.2.1/tcp/18444", ""},
		{"192.0.2.1", 0, true, "", ""},
		{"192.0.2.1", 18444, false, "", ""},
		{"192.0.2.1/" + id, 18444, false, "/ip4/192.0.2.1/udp/18444/quic-v1 /ip4/192.0.2.1/tcp/18444", id},
		{"::1", 18444, true, "/ip6/::1/udp/18444/quic-v1 /ip6/::1/tcp/18444", ""},
		{"[::1]", 18444, true, "/ip6/::1/udp/18444/quic-v1 /ip6/::1/tcp/18444", ""},
		{"[::1]:5", 18444, true, "/ip6/::1/udp/5/quic-v1 /ip6/::1/tcp/5", ""},
		{"node.example", 18444, true, "/dns/node.example/udp/18444/quic-v1 /dns/node.example/tcp/18444", ""},
		{"/ip4/192.0.2.1/tcp/5/p2p/" + id, 18444, false, "/ip4/192.0.2.1/tcp/5", id},
		{"node.example:x", 18444, true, "", ""},
		{"node.example:0", 18444, true, "", ""},
		{"192.0.2.1/12D3", 18444, true, "", ""},
		{"/p2p/" + id, 18444, true, "", ""},
		{":5", 18444, true, "", ""},
		{"", 18444, true, "", ""},
	} {
		info, err := ParseNode(test.node, test.port, test.dev)
		if test.addrs == "" {
			if !errors.Is(err, peerinfo.ErrAddress) {
				t.Errorf("%q: %v, %v", test.node, info, err)
			}
			continue
		}
		var addrs []string
		for _, a := range info.Addrs {
			addrs = append(addrs, a.String())
		}
		if err != nil || strings.Join(addrs, " ") != test.addrs || info.ID.String() != test.id {
			t.Errorf("%q: %v, %v", test.node, info, err)
		}
	}
}

// TestListenAny: a port that is taken is an error that says what to do, unless
// another address is enough.
func TestListenAny(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	_, port, _ := net.SplitHostPort(taken.Addr().String())
	in := "/ip4/127.0.0.1/tcp/" + port

	run := func(any bool, listen ...string) error {
		cfg := testConfig()
		cfg.Handler, cfg.Listen, cfg.ListenAny = newRecorder(), listen, any
		h, err := New(cfg)
		if err != nil {
			t.Fatal(err)
		}
		return h.Run(context.Background())
	}
	for _, err := range []error{
		run(false, in), run(true, in), run(false, in, "/ip4/127.0.0.1/tcp/0"), run(false, "/ip4/127.0.0.1/tcp/0", in),
	} {
		if !errors.Is(err, syscall.EADDRINUSE) || !strings.Contains(err.Error(), "say --port PORT") {
			t.Errorf("port taken: %v", err)
		}
	}
	n := start(t, func(c *Config) { c.Listen, c.ListenAny = []string{in, "/ip4/127.0.0.1/tcp/0"}, true })
	if got := n.lib.Network().ListenAddresses(); len(got) != 1 {
		t.Errorf("listens on %v", got)
	}
}

// TestAnnounce: peers hear of the addresses that the operator names, first.
func TestAnnounce(t *testing.T) {
	const ours = "/ip4/192.0.2.1/tcp/18444"
	a := start(t, func(c *Config) { c.Announce = []string{ours} })
	b := start(t, nil)
	if err := b.OneTry(t.Context(), a.addr(t, "tcp")); err != nil {
		t.Fatal(err)
	}
	p := await(t, "peer", b.connected)
	if listen := p.Hello().Listen; len(listen) < 2 || slices.Index(listen, ours) != 0 {
		t.Errorf("the peer listens on %v", listen)
	}
}
