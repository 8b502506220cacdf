package host

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"github.com/keelson-chain/keelson/p2p/message"
	"github.com/keelson-chain/keelson/wire"
)

// Config says what a Host is to be. Genesis, Hello and Handler are required.
type Config struct {
	// Genesis names the network: hosts of different ones never talk.
	Genesis wire.Hash
	// MaxBlockWeight bounds what depends on the size of blocks.
	MaxBlockWeight int

	// Dir is the folder of the identity, bans, addresses and anchors. Empty:
	// nothing outlives the Host, and its identity is new.
	Dir string
	// Listen are the multi-addresses to listen on. None: nobody can call. With
	// ListenAny it is enough if some of them work.
	Listen    []string
	ListenAny bool
	// Announce are multi-addresses at which others reach us, to tell them besides
	// those that we listen on.
	Announce []string
	// Libp2p is a ready libp2p host to use, which stays its owner's to close;
	// Dir's identity, Listen and Registerer do not apply. Nil: the Host makes one.
	Libp2p host.Host
	// NATPortMap asks routers to forward our ports.
	NATPortMap bool
	// UserAgent is what libp2p's own protocols say of us.
	UserAgent string

	// Dev says that this is a network for development: addresses of this machine
	// and of private networks are as good as any, and HOST:PORT may be called
	// without a peer id.
	Dev bool
	// DefaultPort is the port of nodes that are named without one; 0: they must be
	// named with one.
	DefaultPort uint16
	// Connect are the only nodes to call, if there are any.
	Connect []string
	// AddNode are nodes to stay connected with besides others.
	AddNode []string
	// MaxPeers bounds the peers, apart from those that the operator named. Default
	// 125; negative: none.
	MaxPeers int
	// Outbound and BlockOnly are how many peers of these kinds to call.
	// Defaults 8 and 2; negative: none.
	Outbound, BlockOnly int
	// Feelers are short calls that see whether known addresses work.
	Feelers bool
	// Seeds are nodes to ask for addresses when none are known that work, named as
	// in Connect.
	Seeds []string
	// Stale says that our chain has not grown for so long that others may know
	// more: then one more peer is called for a while. It must not wait. May be nil.
	Stale func() bool
	// Discover lets the host call addresses that it heard of, and ask for some.
	// Without it, it calls nobody but those that it was told to.
	Discover bool
	// Whitelist gives peers permissions; see ParseWhitelist.
	Whitelist []Whitelist
	// BanTime is how long a ban for bad behaviour lasts. Default 24 hours.
	BanTime time.Duration
	// Inactive starts the host with its network switched off; see
	// SetNetworkActive.
	Inactive bool

	// Hello says what to greet a peer with at this moment. The host itself fills
	// in Time, Nonce, Listen and Observed, and clears Relay on block-only
	// connections. It must not wait.
	Hello func() message.Hello
	// Handler is told what peers do.
	Handler Handler

	// Now is the node's clock, for bans and the ages of addresses. Default
	// time.Now.
	Now func() time.Time
	Log zerolog.Logger
	// Registerer takes libp2p's own metrics; may be nil.
	Registerer prometheus.Registerer
}

// Handler is what a Host calls when peers do something. Connected, Received and
// Disconnected of one peer never overlap; those of different peers do.
type Handler interface {
	// Connected is called once for every peer, before anything else. The peer's
	// requests wait for it, so that it must not ask the peer anything itself.
	Connected(p *Peer)
	// Disconnected is called after everything else.
	Disconnected(p *Peer)
	// Received is called for every message of the peer's relay stream, in its
	// order, except greetings and pings. While it works, that peer waits.
	Received(p *Peer, m message.Message)
	// Serve answers one request of the given protocol: answer sends one frame of
	// the answer, and waits when the peer reads slowly. ctx ends with the
	// connection. After an error the peer sees a stream that was cut off.
	Serve(ctx context.Context, p *Peer, name string, request []byte, answer func(frame []byte) error) error
}

// The defaults of Config.
const (
	DefaultMaxPeers  = 125
	DefaultOutbound  = 8
	DefaultBlockOnly = 2
	DefaultBanTime   = 24 * time.Hour
)

func (c Config) withDefaults() (Config, error) {
	switch {
	case c.Genesis == wire.Hash{}:
		return c, errors.New("host: Config.Genesis is missing")
	case c.Hello == nil:
		return c, errors.New("host: Config.Hello is missing")
	case c.Handler == nil:
		return c, errors.New("host: Config.Handler is missing")
	case c.MaxBlockWeight < 0, c.BanTime < 0:
		return c, fmt.Errorf("host: negative limit in Config (%d weight units, bans of %v)", c.MaxBlockWeight, c.BanTime)
	}
	if c.MaxBlockWeight == 0 {
		return c, errors.New("host: Config.MaxBlockWeight is missing")
	}
	setDefault(&c.MaxPeers, DefaultMaxPeers)
	setDefault(&c.Outbound, DefaultOutbound)
	setDefault(&c.BlockOnly, DefaultBlockOnly)
	c.MaxPeers, c.Outbound, c.BlockOnly = max(c.MaxPeers, 0), max(c.Outbound, 0), max(c.BlockOnly, 0)
	setDefault(&c.BanTime, DefaultBanTime)
	for _, node := range slices.Concat(c.Connect, c.AddNode, c.Seeds) {
		if _, err := ParseNode(node, c.DefaultPort, c.Dev); err != nil {
			return c, fmt.Errorf("host: %w", err)
		}
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return c, nil
}

func setDefault[T comparable](v *T, def T) {
	var zero T
	if *v == zero {
		*v = def
	}
}
