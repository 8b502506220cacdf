package config

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/p2p"
	"github.com/keelson-chain/keelson/p2p/host"
)

const someID = "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN"

// TestPeersDefaults: main listens everywhere and looks for peers; regtest stays
// on this machine and calls nobody.
func TestPeersDefaults(t *testing.T) {
	cfg := mustLoad(t, "", nil)
	c := cfg.P2P.Host
	if c.Dir != filepath.Join(cfg.Dir, "p2p") || c.Dev || !c.Discover || !c.Feelers || c.MaxPeers != 125 || c.Outbound != 8 || c.BlockOnly != 2 ||
		c.BanTime != 24*time.Hour || c.Inactive || c.NATPortMap || c.DefaultPort != 7333 || !c.ListenAny || c.Connect != nil || c.AddNode != nil || cfg.P2P.BlocksOnly {
		t.Errorf("main: %+v", c)
	}
	if want := []string{"/ip4/0.0.0.0/udp/7333/quic-v1", "/ip4/0.0.0.0/tcp/7333", "/ip6/::/udp/7333/quic-v1", "/ip6/::/tcp/7333"}; !slices.Equal(c.Listen, want) {
		t.Errorf("main listens on %v", c.Listen)
	}
	c = mustLoad(t, "", nil, "--network=regtest").P2P.Host
	if !c.Dev || c.Discover || c.Feelers || c.DefaultPort != 18444 || c.ListenAny {
		t.Errorf("regtest: %+v", c)
	}
	if want := []string{"/ip4/127.0.0.1/udp/18444/quic-v1", "/ip4/127.0.0.1/tcp/18444"}; !slices.Equal(c.Listen, want) {
		t.Errorf("regtest listens on %v", c.Listen)
	}
}

// TestPeersSettings sets one thing and looks at what follows from it.
func TestPeersSettings(t *testing.T) {
	listens := func(want ...string) func(*Config) bool {
		return func(c *Config) bool { return slices.Equal(c.P2P.Host.Listen, want) }
	}
	both := func(at, port string) []string { return []string{at + "/udp/" + port + "/quic-v1", at + "/tcp/" + port} }
	node := "/ip4/192.0.2.1/tcp/5/p2p/" + someID
	calls := func(c *host.Config) bool { return c.Discover || c.Feelers }
	for _, test := range []struct {
		args string
		ok   func(*Config) bool
	}{
		{"--port=7", listens(both("/ip4/127.0.0.1", "7")...)},
		{"--port=0", listens(both("/ip4/127.0.0.1", "18444")...)},
		{"--bind=10.0.0.1", listens(both("/ip4/10.0.0.1", "18444")...)},
		{"--port=7 --bind=10.0.0.1 --bind=[::1]:8 --bind=::", listens(slices.Concat(both("/ip4/10.0.0.1", "7"), both("/ip6/::1", "8"), both("/ip6/::", "7"))...)},
		{"--bind=127.0.0.1:0", listens(both("/ip4/127.0.0.1", "0")...)},
		{"--bind=localhost:5", listens(both("/ip4/127.0.0.1", "5")...)},
		{"--bind=/ip4/10.0.0.1/tcp/9", listens("/ip4/10.0.0.1/tcp/9")},
		{"--bind=/ip6/::1/udp/9/quic-v1", listens("/ip6/::1/udp/9/quic-v1")},
		{"--listen=0", listens()},
		{"--nolisten --port=5", listens()},
		{"--listen=0 --natpmp", func(c *Config) bool { return !c.P2P.Host.NATPortMap }},
		{"--natpmp", func(c *Config) bool { return c.P2P.Host.NATPortMap }},

		{"--connect=127.0.0.1:5", func(c *Config) bool {
			return slices.Equal(c.P2P.Host.Connect, []string{"127.0.0.1:5"}) && c.P2P.Host.Listen == nil && !calls(&c.P2P.Host)
		}},
		{"--network=main --connect=" + node, func(c *Config) bool {
			return slices.Equal(c.P2P.Host.Connect, []string{node}) && c.P2P.Host.Listen == nil && !calls(&c.P2P.Host)
		}},
		{"--network=main --connect=" + node + " --listen", func(c *Config) bool { return len(c.P2P.Host.Listen) == 4 && !calls(&c.P2P.Host) }},
		{"--connect=127.0.0.1 --bind=127.0.0.1:5", listens(both("/ip4/127.0.0.1", "5")...)},
		{"--network=main --connect=0", func(c *Config) bool {
			return c.P2P.Host.Connect == nil && c.P2P.Host.Listen == nil && !calls(&c.P2P.Host)
		}},
		{"--network=main --noconnect", func(c *Config) bool {
			return c.P2P.Host.Connect == nil && c.P2P.Host.Listen == nil && !calls(&c.P2P.Host)
		}},
		{"--network=main --connect=" + node + " --noconnect", func(c *Config) bool { return c.P2P.Host.Connect == nil && !calls(&c.P2P.Host) }},
		{"--addnode=[::1]:5 --addnode=node.example", func(c *Config) bool {
			return slices.Equal(c.P2P.Host.AddNode, []string{"[::1]:5", "node.example"}) && c.P2P.Host.Listen != nil
		}},
		{"--network=test --addnode=192.0.2.1/" + someID, func(c *Config) bool { return calls(&c.P2P.Host) && len(c.P2P.Host.AddNode) == 1 }},
		{"--network=main --seednode=" + node, func(c *Config) bool { return calls(&c.P2P.Host) && slices.Equal(c.P2P.Host.Seeds, []string{node}) }},
		{"--txdelay=7", func(c *Config) bool { return c.P2P.TxDelay == 7*time.Millisecond }},
		{"--network=main", func(c *Config) bool { return c.P2P.TxDelay == p2p.DefaultTxDelay }},
		{"--findpeers", func(c *Config) bool { return c.P2P.Host.Discover && c.P2P.Host.Feelers }},
		{"--network=main --findpeers=0", func(c *Config) bool { return !calls(&c.P2P.Host) && len(c.P2P.Host.Listen) == 4 }},

		{"--maxconnections=0", func(c *Config) bool {
			return c.P2P.Host.MaxPeers < 0 && c.P2P.Host.Outbound < 0 && c.P2P.Host.BlockOnly < 0 && c.P2P.Host.Listen == nil
		}},
		{"--maxconnections=0 --listen=1", func(c *Config) bool { return c.P2P.Host.MaxPeers < 0 && len(c.P2P.Host.Listen) == 2 }},
		{"--network=main --maxconnections=0", func(c *Config) bool { return !calls(&c.P2P.Host) }},
		{"--maxconnections=9", func(c *Config) bool {
			return c.P2P.Host.MaxPeers == 9 && c.P2P.Host.Outbound == 8 && c.P2P.Host.BlockOnly == 1
		}},
		{"--maxconnections=8", func(c *Config) bool {
			return c.P2P.Host.MaxPeers == 8 && c.P2P.Host.Outbound == 8 && c.P2P.Host.BlockOnly < 0
		}},
		{"--maxconnections=3", func(c *Config) bool {
			return c.P2P.Host.MaxPeers == 3 && c.P2P.Host.Outbound == 3 && c.P2P.Host.BlockOnly < 0
		}},

		{"--externalip=192.0.2.9 --externalip=[2001:db8::1]:5", func(c *Config) bool {
			return slices.Equal(c.P2P.Host.Announce, append(both("/ip4/192.0.2.9", "18444"), both("/ip6/2001:db8::1", "5")...))
		}},
		{"--networkactive=0", func(c *Config) bool { return c.P2P.Host.Inactive }},
		{"--bantime=60", func(c *Config) bool { return c.P2P.Host.BanTime == time.Minute }},
		{"--blocksonly", func(c *Config) bool { return c.P2P.BlocksOnly && c.Pool.MaxBytes == 5_000_000 }},
		{"--blocksonly --maxmempool=6", func(c *Config) bool { return c.P2P.BlocksOnly && c.Pool.MaxBytes == 6_000_000 }},
		{"--whitelist=noban@10.0.0.0/8 --whitelist=" + someID, func(c *Config) bool {
			w := c.P2P.Host.Whitelist
			return len(w) == 2 && w[0].Prefix.String() == "10.0.0.0/8" && w[0].Permissions&host.NoBan != 0 && w[1].Peer == someID
		}},
	} {
		cfg := mustLoad(t, "", nil, append([]string{"--network=regtest"}, strings.Fields(test.args)...)...)
		if !test.ok(cfg) {
			t.Errorf("%s: %+v", test.args, cfg.P2P.Host)
		}
	}
}

func TestPeersErrors(t *testing.T) {
	for args, want := range map[string]string{
		"--bind=10.0.0.1 --listen=0":            `--bind: Cannot set -bind or -whitebind together with -listen=0`,
		"--bind=node.example":                   `--bind: "node.example" is not an IP address, with or without a port, nor a multi-address`,
		"--bind=10.0.0.1:65536":                 `--bind: "10.0.0.1:65536" is not an IP address`,
		"--bind=fe80::1%lo":                     `--bind: "fe80::1%lo" is not an IP address`,
		"--bind=":                               `--bind: "" is not an IP address`,
		"--bind=/ip4/10.0.0.1/tcp":              `--bind: "/ip4/10.0.0.1/tcp" is not a multi-address to listen on, such as /ip4/192.0.2.1/tcp/18444 or`,
		"--bind=/ip4/::1/tcp/5":                 `--bind: "/ip4/::1/tcp/5" is not a multi-address`,
		"--bind=/ip4/10.0.0.1/udp/5":            `--bind: "/ip4/10.0.0.1/udp/5" is not a multi-address`,
		"--bind=/ip4/10.0.0.1/tcp/5/ws":         `--bind: "/ip4/10.0.0.1/tcp/5/ws" is not a multi-address`,
		"--bind=/ip4/10.0.0.1/tcp/70000":        `--bind: "/ip4/10.0.0.1/tcp/70000" is not a multi-address`,
		"--externalip=node.example":             `--externalip: "node.example" is not an IP address`,
		"--port=65536":                          `--port: 65536 is out of range (0 to 65535)`,
		"--maxconnections=-1":                   `--maxconnections: -1 is out of range (0 to 10000 peers)`,
		"--bantime=0":                           `--bantime: 0 is out of range (1 to 2147483647 seconds)`,
		"--whitelist=oooh@10.0.0.0/8":           `--whitelist: Invalid P2P permission: 'oooh'`,
		"--whitelist=10.0.0.0/33":               `--whitelist: Invalid netmask specified in -whitelist: '10.0.0.0/33'`,
		"--whitelist=noban@":                    `--whitelist: Invalid netmask specified in -whitelist: ''`,
		"--connect=node.example:0":              `--connect: not an address: "node.example:0": port "0" is not one of 1 to 65535`,
		"--connect=0 --connect=127.0.0.1":       `--connect: 0 (call nobody) cannot be combined with nodes to call`,
		"--addnode=/ip4/10.0.0.1/tcp/5":         `--addnode: not an address: "/ip4/10.0.0.1/tcp/5"`,
		"--addnode=":                            `--addnode: not an address: ""`,
		"--seednode=nowhere:x":                  `--seednode: not an address: "nowhere:x"`,
		"--network=main --addnode=192.0.2.1":    `--addnode: not an address: "192.0.2.1": the peer id is missing; write /ip4/ADDRESS/tcp/PORT/p2p/ID`,
		"--network=main --connect=192.0.2.1:55": `--connect: not an address: "192.0.2.1:55": the peer id is missing`,
	} {
		_, err := load(t, "", nil, append([]string{"--network=regtest"}, strings.Fields(args)...)...)
		switch {
		case err == nil:
			t.Errorf("%s was taken", args)
		case !strings.Contains(err.Error(), want):
			t.Errorf("%s:\n got %v\nwant %s", args, err, want)
		case strings.Contains(err.Error(), "\n"):
			t.Errorf("%s: more than one line: %v", args, err)
		}
	}
}
