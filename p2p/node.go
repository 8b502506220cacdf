package p2p

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/p2p/host"
	"github.com/keelson-chain/keelson/p2p/message"
	"github.com/keelson-chain/keelson/pow"
)

// Config is what a Node is made of. Params, Chain and Pool are needed.
type Config struct {
	Params *consensus.Params
	Chain  Chain
	Pool   Pool

	// Host is whom to talk to and how; New fills in what the network and the
	// node itself determine: Genesis, MaxBlockWeight, Hello, Handler, Now, Log.
	Host host.Config
	// Subver is what the node calls itself, as in "/Satoshi:28.1.0/".
	Subver string
	// MinimumWork is the work below which a chain of headers is not kept, if it
	// is more than the network's own.
	MinimumWork pow.Work
	// BlocksOnly keeps the node out of the talk about transactions.
	BlocksOnly bool
	// MaxOrphans bounds the transactions that wait for their parents; 0 keeps none.
	MaxOrphans int
	// Limited says that blocks before the last ones are missing, though Chain does not
	// prune.
	Limited bool
	// TxDelay is how long announcements of transactions wait on the average; 0:
	// DefaultTxDelay.
	TxDelay time.Duration

	// Now is the node's clock, which tests may set; nil: time.Now.
	Now func() time.Time
	Log zerolog.Logger
}

// Node talks with other nodes.
type Node struct {
	cfg   Config
	host  *host.Host
	still stillness

	current    atomic.Pointer[talk]
	blockStats relayStats // of all talks
	txStats    txStats

	past   atomic.Uint32 // counts the calls of FetchPast
	wishes atomic.Int32  // blocks that the operator waits for: see FetchBlock

	pauses chan pause
	ended  chan struct{} // closed when Run has ended
}

// New makes a node, which listens and talks once it runs.
func New(cfg Config) (*Node, error) {
	if cfg.Params == nil || cfg.Chain == nil || cfg.Pool == nil {
		return nil, errors.New("p2p: Config.Params, Chain or Pool is missing")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	n := &Node{cfg: cfg, pauses: make(chan pause), ended: make(chan struct{})}
	hostConfig := cfg.Host
	hostConfig.Genesis, hostConfig.MaxBlockWeight = cfg.Params.GenesisHash, cfg.Params.MaxBlockWeight
	hostConfig.Hello, hostConfig.Handler = n.hello, n
	hostConfig.Now, hostConfig.Log = cfg.Now, cfg.Log
	if hostConfig.Discover {
		hostConfig.Stale = n.stale
	}
	var err error
	if n.host, err = host.New(hostConfig); err != nil {
		return nil, err
	}
	n.current.Store(n.newTalk())
	return n, nil
}

// Run talks with other nodes until ctx ends, or until something breaks, which
// is the error. All that it started has ended when it returns, and every
// connection is closed.
func (n *Node) Run(ctx context.Context) error {
	defer close(n.ended)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var parts sync.WaitGroup
	parts.Go(func() {
		if err := n.host.Run(ctx); err != nil && ctx.Err() == nil {
			cancel(err)
		}
	})
	for ctx.Err() == nil {
		n.converse(ctx, cancel)
	}
	parts.Wait()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// Host returns the node's connections.
func (n *Node) Host() *host.Host { return n.host }

// hello says what this node is at this moment.
func (n *Node) hello() message.Hello {
	tip := n.cfg.Chain.Tip()
	services := message.ServiceWitness | message.ServiceNetworkLimited
	if pruning, _ := n.cfg.Chain.Pruning(); !pruning && !n.cfg.Limited {
		services |= message.ServiceNetwork
	}
	return message.Hello{
		Version:  message.Version,
		Services: services,
		Subver:   n.cfg.Subver,
		Height:   tip.Tip.Height,
		Tip:      tip.Tip.Hash,
		Work:     tip.Work,
		Relay:    !n.cfg.BlocksOnly,
	}
}

// Connected is called by the host for each new peer.
func (n *Node) Connected(p *host.Peer) {
	t := n.talk()
	t.relay.connected(p)
	t.sync.connected(p)
	t.txs.connected(p)
}

// Disconnected is called by the host once a peer is gone.
func (n *Node) Disconnected(p *host.Peer) {
	t := n.talk()
	t.relay.disconnected(p)
	t.sync.disconnected(p)
	t.txs.disconnected(p)
}

// Received is called by the host for each message of a peer.
func (n *Node) Received(p *host.Peer, m message.Message) {
	t := n.talk()
	switch m := m.(type) {
	case *message.Have:
		t.relay.have(p, m)
	case *message.Compact:
		t.relay.compact(p, m)
	case *message.Head:
		t.relay.head(p, m)
	case *message.Part:
		t.relay.part(p, m)
	case *message.Push:
		t.relay.asked(p, m)
	case *message.Inv:
		t.txs.inv(p, m)
	case *message.FeeFilter:
		t.txs.feeFilter(p, m)
	}
}

// Serve is called by the host for each request of a peer.
func (n *Node) Serve(ctx context.Context, p *host.Peer, name string, request []byte, answer func(frame []byte) error) error {
	t := n.talk()
	switch name {
	case message.NameHeaders:
		return n.serveHeaders(p, request, answer)
	case message.NameBlocks:
		return n.serveBlocks(ctx, p, request, answer)
	case message.NameCompact:
		return t.relay.serveCompact(ctx, request, answer)
	case message.NameBlockTxn:
		return t.relay.serveTxs(ctx, request, answer)
	case message.NameTxs:
		return t.txs.serveTxs(p, request, answer)
	case message.NamePool:
		return t.txs.servePool(p, request, answer)
	}
	return host.ErrRefused
}
