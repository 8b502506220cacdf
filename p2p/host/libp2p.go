package host

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	rcmgr "github.com/libp2p/go-libp2p/p2p/host/resource-manager"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/libp2p/go-libp2p/p2p/net/connmgr"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	"github.com/libp2p/go-libp2p/p2p/security/noise"
	libp2ptls "github.com/libp2p/go-libp2p/p2p/security/tls"
	libp2pquic "github.com/libp2p/go-libp2p/p2p/transport/quic"
	"github.com/libp2p/go-libp2p/p2p/transport/tcp"
	"github.com/libp2p/go-libp2p/x/rate"
)

// newLibp2p makes the libp2p host: QUIC and TCP, the latter with TLS or Noise; no
// relays, no hole punching, no discovery of its own.
func newLibp2p(h *Host) (host.Host, error) {
	takeLogs(h.cfg.Log)
	narrowWindows()
	key, err := identity(h.cfg.Dir)
	if err != nil {
		return nil, err
	}
	resources, err := resourceManager(&h.cfg)
	if err != nil {
		return nil, fmt.Errorf("libp2p resource manager: %w", err)
	}
	idle, err := connmgr.NewConnManager(0, 0) // which prunes nothing: slots.go does
	if err != nil {
		return nil, err
	}
	grown := &allowance{limit: maxGrown}
	opts := []libp2p.Option{
		libp2p.Identity(key),
		libp2p.NoListenAddrs, // until Run
		libp2p.NoTransports,
		libp2p.Transport(libp2pquic.NewTransport),
		libp2p.Transport(tcp.NewTCPTransport),
		libp2p.Security(libp2ptls.ID, libp2ptls.New),
		libp2p.Security(noise.ID, noise.New),
		libp2p.Muxer(yamux.ID, yamuxWindows{grown, h.cfg.Log}),
		libp2p.ConnectionGater(gater{h}),
		libp2p.ConnectionManager(idle),
		libp2p.ResourceManager(scopeManager{windowManager{resources, grown}}),
		libp2p.DisableRelay(),
		libp2p.Ping(false),
		libp2p.WithDialTimeout(dialTime),
		libp2p.SwarmOpts(swarm.WithDialRanker(rankAddrs)),
		libp2p.UserAgent(h.cfg.UserAgent),
		libp2p.ProtocolVersion("keelson/1"),
	}
	if h.cfg.NATPortMap {
		opts = append(opts, libp2p.NATPortMap())
	}
	if h.cfg.Registerer != nil {
		opts = append(opts, libp2p.PrometheusRegisterer(h.cfg.Registerer))
	} else {
		opts = append(opts, libp2p.DisableMetrics())
	}
	lib, err := libp2p.New(opts...)
	if err != nil {
		return nil, fmt.Errorf("libp2p: %w", err)
	}
	return lib, nil
}

// dialTime is how long a call at one address may take.
const dialTime = 10 * time.Second

// resourceManager bounds what libp2p keeps for all connections, for one peer, and
// for those that nothing is known of yet.
func resourceManager(cfg *Config) (network.ResourceManager, error) {
	// A peer's streams and memory: each stream of a TCP connection counts with its
	// receive window, which is 256 KiB at first. It grows for fast streams, in half
	// of what memory there is.
	const perPeer, perPeerMemory = maxPeerStreams, 8 << 20
	all := cfg.MaxPeers + manualSlots + maxGreeting
	streams := rcmgr.LimitVal(all * perPeer)
	memory := rcmgr.LimitVal64(64<<20 + int64(all)*(perPeerMemory/2))
	conns := rcmgr.LimitVal(2 * all)
	most := func(conns, streams rcmgr.LimitVal, memory rcmgr.LimitVal64) rcmgr.ResourceLimits {
		return rcmgr.ResourceLimits{
			Conns: 2 * conns, ConnsInbound: conns, ConnsOutbound: conns, FD: 2 * conns,
			Streams: 2 * streams, StreamsInbound: streams, StreamsOutbound: streams,
			Memory: memory,
		}
	}
	limits := rcmgr.DefaultLimits
	libp2p.SetDefaultServiceLimits(&limits)
	partial := rcmgr.PartialLimitConfig{
		System: most(conns, streams, memory),
		// Streams whose protocol is not settled, and those of our own protocols (see
		// scopeManager), are bounded by peer alone, lest some peers use up what others
		// need.
		Transient:           most(4*maxGreeting, streams, memory),
		PeerDefault:         most(4, perPeer, perPeerMemory),
		ProtocolDefault:     most(conns, streams, memory),
		ProtocolPeerDefault: most(4, perPeer, perPeerMemory),
		ServiceDefault:      most(conns, streams, memory),
		ServicePeerDefault:  most(4, perPeer, perPeerMemory),
		Conn:                most(1, perPeer, perPeerMemory),
		Stream:              most(1, 1, perPeerMemory),
	}
	var opts []rcmgr.Option
	if cfg.Dev {
		opts = append(opts, devLimits()...)
	}
	if cfg.Registerer == nil {
		opts = append(opts, rcmgr.WithMetricsDisabled())
	}
	return rcmgr.NewResourceManager(rcmgr.NewFixedLimiter(partial.Build(limits.AutoScale())), opts...)
}

// devLimits lifts libp2p's limits for single addresses from those of this machine
// and of private networks.
func devLimits() []rcmgr.Option {
	var v4, v6 []rcmgr.NetworkPrefixLimit
	limiter := &rate.Limiter{}
	for _, s := range []string{"127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "169.254.0.0/16", "::1/128", "fc00::/7", "fe80::/10"} {
		prefix := netip.MustParsePrefix(s)
		limit := rcmgr.NetworkPrefixLimit{Network: prefix, ConnCount: 1 << 20}
		if prefix.Addr().Is4() {
			v4 = append(v4, limit)
		} else {
			v6 = append(v6, limit)
		}
		limiter.NetworkPrefixLimits = append(limiter.NetworkPrefixLimits, rate.PrefixLimit{Prefix: prefix})
	}
	// Everybody else as always.
	limiter.SubnetRateLimiter = rate.SubnetLimiter{
		IPv4SubnetLimits: []rate.SubnetLimit{{PrefixLength: 32, Limit: rate.Limit{RPS: 0.2, Burst: 2 * maxFromIP}}},
		IPv6SubnetLimits: []rate.SubnetLimit{{PrefixLength: 56, Limit: rate.Limit{RPS: 0.2, Burst: 2 * maxFromIP}}},
		GracePeriod:      time.Minute,
	}
	return []rcmgr.Option{rcmgr.WithNetworkPrefixLimit(v4, v6), rcmgr.WithConnRateLimiters(limiter)}
}
