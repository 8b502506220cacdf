package sim

import (
	"fmt"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/p2p/transport/quicreuse"
	"github.com/marcopolo/simnet"
	"github.com/quic-go/quic-go"
	"go.uber.org/fx"
)

// Links say what the network between the hosts is like.
type Links struct {
	// Latency is how long a packet takes from one host to another, one way.
	Latency time.Duration
	// Spread draws the latency of each pair of hosts from Latency less to
	// Latency plus this share of it; 0 gives all the same.
	Spread float64
	// BitsPerSecond is the speed of each host's link, up and down apart.
	BitsPerSecond int
	// Loss is the share of packets that are lost.
	Loss float64
}

// fabric is a simnet whose packets can be stopped.
type fabric struct {
	sim   *simnet.Simnet
	links Links
	seed  uint64

	mu    sync.Mutex
	hosts map[netip.Addr]int // the number of the host with an address

	groups atomic.Pointer[[]int] // by host: those of different groups are apart
}

func newFabric(seed uint64, links Links) *fabric {
	n := &fabric{links: links, seed: seed, hosts: make(map[netip.Addr]int)}
	n.sim = &simnet.Simnet{LatencyFunc: n.latency}
	n.sim.Start()
	return n
}

func (n *fabric) close() { n.sim.Close() }

// join gives an address to a host.
func (n *fabric) join(host int, ip netip.Addr) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.hosts[ip] = host
}

// host returns whose an address is.
func (n *fabric) host(addr net.Addr) (host int, ok bool) {
	udp, ok := addr.(*net.UDPAddr)
	if !ok {
		return 0, false
	}
	ip, _ := netip.AddrFromSlice(udp.IP)
	n.mu.Lock()
	defer n.mu.Unlock()
	host, ok = n.hosts[ip.Unmap()]
	return host, ok
}

// latency is that of the pair of hosts that a packet goes between, the same in
// both directions and for every packet, so that packets stay in order.
func (n *fabric) latency(p *simnet.Packet) time.Duration {
	if n.links.Spread == 0 {
		return n.links.Latency
	}
	from, _ := n.host(p.From)
	to, _ := n.host(p.To)
	r := rand.New(rand.NewPCG(n.seed, uint64(min(from, to))<<32|uint64(max(from, to))))
	return time.Duration(float64(n.links.Latency) * (1 + n.links.Spread*(2*r.Float64()-1)))
}

// passes reports whether a packet between hosts gets onto the network.
func (n *fabric) passes(from int, to net.Addr, lost func() bool) bool {
	host, known := n.host(to)
	if !known {
		return false
	}
	if groups := n.groups.Load(); groups != nil && (*groups)[from] != (*groups)[host] {
		return false
	}
	return !lost()
}

// quic returns libp2p's QUIC on a host's port of this network.
func (n *fabric) quic(host int) libp2p.Option {
	speed := simnet.LinkSettings{BitsPerSecond: n.links.BitsPerSecond}
	source := new(sourceIP)
	return libp2p.QUICReuse(
		func(l fx.Lifecycle, reset quic.StatelessResetKey, token quic.TokenGeneratorKey, opts ...quicreuse.Option) (*quicreuse.ConnManager, error) {
			m, err := quicreuse.NewConnManager(reset, token, opts...)
			if err == nil {
				l.Append(fx.StopHook(m.Close))
			}
			return m, err
		},
		quicreuse.OverrideSourceIPSelector(func() (quicreuse.SourceIPSelector, error) { return source, nil }),
		quicreuse.OverrideListenUDP(func(_ string, addr *net.UDPAddr) (net.PacketConn, error) {
			source.ip = addr.IP
			n.mu.Lock()
			defer n.mu.Unlock()
			return &port{
				SimConn: n.sim.NewEndpoint(addr, simnet.NodeBiDiLinkSettings{Downlink: speed, Uplink: speed}),
				net:     n,
				host:    host,
				rand:    rand.New(rand.NewPCG(n.seed, 1<<63|uint64(host))),
			}, nil
		}),
	)
}

// sourceIP is the address from which a host sends: it has one.
type sourceIP struct{ ip net.IP }

func (s *sourceIP) PreferredSourceIPForDestination(*net.UDPAddr) (net.IP, error) { return s.ip, nil }

// port is the socket of a host.
type port struct {
	*simnet.SimConn
	net  *fabric
	host int

	mu   sync.Mutex
	rand *rand.Rand
}

// WriteTo sends a packet, unless the network swallows it, which a sender of
// datagrams does not learn.
func (p *port) WriteTo(b []byte, to net.Addr) (int, error) {
	if !p.net.passes(p.host, to, p.lost) {
		return len(b), nil
	}
	return p.SimConn.WriteTo(b, to)
}

func (p *port) lost() bool {
	if p.net.links.Loss == 0 {
		return false
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.rand.Float64() < p.net.links.Loss
}

// udpPort is where all hosts listen.
const udpPort = 7333

// listenAddr is a host's address as libp2p writes it.
func listenAddr(ip netip.Addr) string { return fmt.Sprintf("/ip4/%v/udp/%d/quic-v1", ip, udpPort) }

// publicIPs draws n addresses, each in a /16 of its own.
func publicIPs(r *rand.Rand, n int) []netip.Addr {
	list := make([]netip.Addr, n)
	for i, group := range r.Perm(100 * 256)[:n] {
		// 20.0 to 119.255, where 100.64/10 is for carriers and not routed.
		first, second := 20+group/256, group%256
		if first == 100 {
			first = 120
		}
		list[i] = netip.AddrFrom4([4]byte{byte(first), byte(second), byte(r.IntN(256)), byte(1 + r.IntN(254))})
	}
	return list
}

// neighbourIPs draws n addresses in one /16.
func neighbourIPs(r *rand.Rand, n int) []netip.Addr {
	list := make([]netip.Addr, n)
	for i, low := range r.Perm(1 << 16)[:n] {
		list[i] = netip.AddrFrom4([4]byte{130, 7, byte(low >> 8), byte(low)})
	}
	return list
}
