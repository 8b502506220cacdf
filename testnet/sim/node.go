package sim

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net/netip"
	"sync"
	"time"

	"github.com/libp2p/go-libp2p"
	"github.com/libp2p/go-libp2p/core/crypto"
	libp2phost "github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	libp2pquic "github.com/libp2p/go-libp2p/p2p/transport/quic"

	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/ledger/fsys"
	"github.com/keelson-chain/keelson/mempool"
	"github.com/keelson-chain/keelson/mempool/policy"
	"github.com/keelson-chain/keelson/p2p"
	"github.com/keelson-chain/keelson/p2p/host"
	"github.com/keelson-chain/keelson/p2p/message"
	"github.com/keelson-chain/keelson/p2p/peerinfo"
	"github.com/keelson-chain/keelson/wire"
)

// A Node is one host of a World with what runs on it. What is exported but
// Number is there while it runs.
type Node struct {
	// Number is the host's, from 0.
	Number int

	Ledger *ledger.Ledger
	Pool   *mempool.Pool
	P2P    *p2p.Node
	Net    *host.Host // that of P2P

	// Skew is how far the node's clock is ahead of the world's.
	Skew time.Duration
	// Dials are the hosts that the node stays connected with.
	Dials []int
	// Bend puts something else before the chain that the node talks about.
	Bend func(p2p.Chain) p2p.Chain
	// Change changes what else the node is told.
	Change func(*p2p.Config)
	// Handler, if not nil, takes the place of the whole p2p.Node: the host runs
	// with it alone, and P2P stays nil.
	Handler host.Handler

	world *World
	ip    netip.Addr
	key   crypto.PrivKey
	files fsys.FS

	processor chan struct{} // holds what computes
	libp2p    libp2phost.Host
	cancel    context.CancelFunc
	ran       chan error // takes what Run of P2P returned

	mu          sync.Mutex
	traces      map[wire.Hash]trace
	preverified map[wire.Hash]bool // by wtxid, of blocks that are not there yet
}

// Now is the node's clock.
func (n *Node) Now() time.Time { return n.world.Now().Add(n.Skew) }

// Running reports whether the node is up.
func (n *Node) Running() bool { return n.Net != nil }

// Honest reports whether a p2p.Node runs on the host.
func (n *Node) Honest() bool { return n.P2P != nil }

// ID is the node's libp2p peer id.
func (n *Node) ID() string {
	id, err := peer.IDFromPrivateKey(n.key)
	n.world.must(err)
	return id.String()
}

// Addr is where others reach the node, a multi-address with its peer id.
func (n *Node) Addr() string { return listenAddr(n.ip) + "/p2p/" + n.ID() }

// Tip is the block at the tip of the node's chain.
func (n *Node) Tip() wire.BlockRef { return n.Ledger.Tip().Tip }

// Totals is the node's traffic since it was started.
func (n *Node) Totals() peerinfo.Totals { return n.Net.Totals() }

// start brings the node up with what its disk holds.
func (n *Node) start() (err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("start host %d: %w", n.Number, errors.Join(err, n.stop()))
		}
	}()
	w := n.world
	if n.Ledger, err = ledger.Open(context.Background(), ledger.Config{
		Files: n.files, Params: w.params, CacheBytes: cacheBytes, Workers: 1, SigCache: w.sigs, Now: n.Now, Log: w.log(n, "ledger"),
	}); err != nil {
		return err
	}
	if n.Pool, err = mempool.New(mempool.Config{
		Chain: n.Ledger, Rules: policy.DefaultRules(), Limits: mempool.DefaultLimits(), Workers: 1, SigCache: w.sigs, Now: n.Now, Log: w.log(n, "mempool"),
	}); err != nil {
		return err
	}
	if n.libp2p, err = libp2p.New(
		libp2p.Identity(n.key),
		libp2p.ListenAddrStrings(listenAddr(n.ip)),
		libp2p.NoTransports,
		libp2p.Transport(libp2pquic.NewTransport),
		w.net.quic(n.Number),
		libp2p.ResourceManager(&network.NullResourceManager{}),
		libp2p.DisableRelay(),
		libp2p.DisableMetrics(),
		libp2p.DisableIdentifyAddressDiscovery(), // it waits in a way that stops virtual time
	); err != nil {
		return err
	}
	var talk p2p.Chain = chain{n.Ledger, n}
	if n.Bend != nil {
		talk = n.Bend(talk)
	}
	cfg := p2p.Config{
		Params: w.params, Chain: talk, Pool: pool{n.Pool, n}, Subver: fmt.Sprintf("/sim:%d/", n.Number), Now: n.Now, Log: w.log(n, "p2p"),
		Host: host.Config{Libp2p: n.libp2p, Listen: []string{listenAddr(n.ip)}},
	}
	for _, to := range n.Dials {
		cfg.Host.Connect = append(cfg.Host.Connect, w.Nodes[to].Addr())
	}
	if n.Change != nil {
		n.Change(&cfg)
	}
	run := func(ctx context.Context) error { return n.Net.Run(ctx) }
	if n.Handler != nil {
		cfg.Host.Genesis, cfg.Host.MaxBlockWeight, cfg.Host.Now, cfg.Host.Log = w.params.GenesisHash, w.params.MaxBlockWeight, n.Now, cfg.Log
		cfg.Host.Hello, cfg.Host.Handler = n.hello, n.Handler
		if n.Net, err = host.New(cfg.Host); err != nil {
			return err
		}
	} else {
		if n.P2P, err = p2p.New(cfg); err != nil {
			return err
		}
		n.Net, run = n.P2P.Host(), n.P2P.Run
	}
	ctx, cancel := context.WithCancel(context.Background())
	n.cancel, n.ran = cancel, make(chan error, 1)
	go func() { n.ran <- run(ctx) }()
	return nil
}

// notePreverified remembers of which transactions the scripts have been verified.
func (n *Node) notePreverified(txs []*wire.Tx) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.preverified == nil {
		n.preverified = map[wire.Hash]bool{}
	}
	for _, tx := range txs {
		n.preverified[tx.WTxID()] = true
	}
}

func (n *Node) isPreverified(wtxid wire.Hash) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.preverified[wtxid]
}

// forgetPreverified forgets the transactions of a block that is there.
func (n *Node) forgetPreverified(b *wire.Block) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, tx := range b.Txs {
		delete(n.preverified, tx.WTxID())
	}
}

// hello is the greeting of a node with a Handler of its own.
func (n *Node) hello() message.Hello {
	tip := n.Ledger.Tip()
	return message.Hello{
		Version: message.Version, Services: message.ServiceNetwork | message.ServiceWitness, Subver: "/sim/",
		Height: tip.Tip.Height, Tip: tip.Tip.Hash, Work: tip.Work, Relay: true,
	}
}

// stop takes the node down and closes everything.
func (n *Node) stop() error {
	var errs []error
	if n.Net != nil {
		n.cancel()
		errs = append(errs, <-n.ran)
		n.P2P, n.Net = nil, nil
	}
	if n.libp2p != nil {
		errs = append(errs, n.libp2p.Close())
		n.libp2p = nil
	}
	if n.Pool != nil {
		n.Pool.Close()
		n.Pool = nil
	}
	if n.Ledger != nil {
		errs = append(errs, n.Ledger.Close())
		n.Ledger = nil
	}
	return errors.Join(errs...)
}

// cacheBytes is the coin cache of each ledger; it makes the buffers of the
// database, which are its fractions, small.
const cacheBytes = 8 << 20

// identity derives a host's key from the seed.
func identity(seed uint64, number int) (crypto.PrivKey, error) {
	hash := wire.DoubleSHA256(fmt.Appendf(nil, "identity of host %d of world %d", number, seed))
	return crypto.UnmarshalEd25519PrivateKey(ed25519.NewKeyFromSeed(hash[:]))
}
