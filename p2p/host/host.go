package host

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"syscall"

	"github.com/libp2p/go-libp2p/core/host"
	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/libp2p/go-libp2p/core/protocol"
	"github.com/libp2p/go-libp2p/p2p/net/swarm"
	"github.com/multiformats/go-multiaddr"

	"github.com/keelson-chain/keelson/p2p/addrbook"
	"github.com/keelson-chain/keelson/p2p/message"
	"github.com/keelson-chain/keelson/p2p/peerinfo"
)

// Host is a node among others. Its methods may be called from any goroutine.
type Host struct {
	cfg      Config
	lib      host.Host
	own      bool     // lib is ours to close
	nonce    uint64   // of our greetings
	secret   [32]byte // for what others must not foresee
	traffic  traffic
	counts   counts
	bans     *addrbook.Bans
	banSaver banSaver
	book     *addrbook.Book
	news     news
	answers  answers
	timing   timing
	stirred  chan struct{} // takes a tick when there may be somebody to call

	// Large frames that come in, and that go out in answers.
	incoming, outgoing hoard

	wg sync.WaitGroup // connections
	up chan struct{}  // closed when Run has begun

	mu sync.Mutex // guards what follows

	running bool // between the begin and the end of Run
	active  bool // see SetNetworkActive
	paused  int  // Pauses that have not been resumed
	nums    int64
	conns   map[network.Conn]*Peer // all connections
	peers   map[peer.ID]*Peer      // those that have greeted
	dialing map[peer.ID]peerinfo.Kind
	scores  map[string]*score
	added   []string // the list of AddNode
	// met says who the nodes were that the operator named.
	met map[string]peer.ID
}

// New makes a host. It neither listens nor calls before Run.
func New(cfg Config) (*Host, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	var nonce [8]byte
	_, _ = rand.Read(nonce[:]) // never fails
	h := &Host{
		cfg:      cfg,
		nonce:    binary.LittleEndian.Uint64(nonce[:]),
		bans:     loadBans(&cfg),
		banSaver: banSaver{news: make(chan struct{}, 1)},
		book:     loadBook(&cfg),
		timing:   timingOf(cfg.Dev),
		stirred:  make(chan struct{}, 1),
		met:      map[string]peer.ID{},
		active:   !cfg.Inactive,
		up:       make(chan struct{}),
		incoming: hoard{limit: maxIncoming},
		outgoing: hoard{limit: maxOutgoing},
		conns:    map[network.Conn]*Peer{},
		peers:    map[peer.ID]*Peer{},
		dialing:  map[peer.ID]peerinfo.Kind{},
		scores:   map[string]*score{},
		added:    slices.Clone(cfg.AddNode),
	}
	_, _ = rand.Read(h.secret[:])
	if h.lib = cfg.Libp2p; h.lib == nil {
		if h.lib, err = newLibp2p(h); err != nil {
			return nil, err
		}
		h.own = true
	}
	return h, nil
}

// Running returns a channel that is closed when Run listens.
func (h *Host) Running() <-chan struct{} { return h.up }

// LibP2P returns the libp2p host below, for protocols that are not this
// package's. It must not be closed.
func (h *Host) LibP2P() host.Host { return h.lib }

// ID returns our own libp2p peer id.
func (h *Host) ID() string { return h.lib.ID().String() }

// Close frees what New took. It is only needed when Run is never called, and
// harmless after it.
func (h *Host) Close() error {
	if !h.own {
		return nil
	}
	return h.lib.Close()
}

// Run listens and works until ctx ends, then closes all connections and returns
// when nothing of the host runs any more. It is called once. An error means that
// it could not listen.
func (h *Host) Run(ctx context.Context) error {
	net := h.lib.Network()
	bundle := &network.NotifyBundle{
		ConnectedF:    func(_ network.Network, c network.Conn) { h.accept(c) },
		DisconnectedF: func(_ network.Network, c network.Conn) { h.lost(c) },
	}
	h.lib.SetStreamHandler(h.protocol(message.NameRelay), h.handleRelay)
	for name := range serveLimits {
		h.lib.SetStreamHandler(h.protocol(name), func(s network.Stream) { h.handleRequest(name, s) })
	}
	h.mu.Lock()
	h.running = true
	h.mu.Unlock()
	net.Notify(bundle)
	defer func() {
		net.StopNotify(bundle)
		h.lib.RemoveStreamHandler(h.protocol(message.NameRelay))
		for name := range serveLimits {
			h.lib.RemoveStreamHandler(h.protocol(name))
		}
	}()

	var err error
	if h.own {
		err = h.listen()
	}
	for _, c := range net.Conns() { // made before there was anybody to notify
		h.accept(c)
	}
	if err == nil {
		close(h.up)
		h.work(ctx)
	}
	return errors.Join(err, h.stop())
}

// work runs whatever runs for the host as a whole, until ctx ends.
func (h *Host) work(ctx context.Context) {
	var wg sync.WaitGroup
	wg.Go(func() { newCaller(h).run(ctx) })
	wg.Go(func() { h.saveLoop(ctx) })
	wg.Go(func() { h.keepBans(ctx) })
	if h.own {
		wg.Go(func() { h.forgetLoop(ctx) })
	}
	<-ctx.Done()
	h.saveAnchors()
	wg.Wait()
}

// stop ends all connections and waits for them.
func (h *Host) stop() error {
	h.mu.Lock()
	h.running = false
	for _, p := range h.conns {
		p.cancel(errShutdown)
	}
	h.mu.Unlock()
	h.wg.Wait()
	h.saveBansOrSay()
	h.saveBook() // with when those were last seen who were here until now
	return h.Close()
}

// listen listens on the addresses of the Config.
func (h *Host) listen() error {
	addrs, err := multiaddrs(h.cfg.Listen)
	if err != nil {
		return err
	}
	// One by one, since Listen is content with any, and keeps the reasons to itself.
	net, failed := h.lib.Network().(*swarm.Swarm), 0
	for _, a := range addrs {
		err := net.AddListenAddr(a)
		if err == nil {
			continue
		}
		if failed++; !h.cfg.ListenAny || failed == len(addrs) {
			return listenError(a, err)
		}
		h.cfg.Log.Debug().Stringer("addr", a).Err(err).Msg("not listening")
	}
	for _, a := range net.ListenAddresses() {
		h.cfg.Log.Info().Str("addr", fmt.Sprintf("%s/p2p/%s", a, h.ID())).Msg("peers may connect")
	}
	return nil
}

// listenError says what to do about the usual reason.
func listenError(a multiaddr.Multiaddr, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("port of %s is in use; say --port PORT for another one, or --listen=0: %w", a, syscall.EADDRINUSE)
	}
	return fmt.Errorf("cannot listen on %s: %w", a, err)
}

// Peers returns all peers, those with the lowest numbers first.
func (h *Host) Peers() []*Peer {
	h.mu.Lock()
	defer h.mu.Unlock()
	peers := slices.Collect(maps.Values(h.peers))
	peers = slices.DeleteFunc(peers, func(p *Peer) bool {
		select {
		case <-p.ready:
			return !p.handled()
		default:
			return true // about to be one
		}
	})
	slices.SortFunc(peers, func(a, b *Peer) int { return int(a.num - b.num) })
	return peers
}

// handled reports whether the Handler deals with the peer.
func (p *Peer) handled() bool {
	return p.kind != peerinfo.Feeler && p.kind != peerinfo.AddressFetch
}

// Peer returns the peer with that id, or nil.
func (h *Host) Peer(id string) *Peer {
	for _, p := range h.Peers() {
		if p.ID() == id {
			return p
		}
	}
	return nil
}

func (h *Host) protocol(name string) protocol.ID {
	return protocol.ID(message.Protocol(h.cfg.Genesis, name))
}

// ListenAddrs returns the multi-addresses that are listened on, of each interface.
func (h *Host) ListenAddrs() []string {
	addrs, err := h.lib.Network().InterfaceListenAddresses()
	if err != nil {
		addrs = h.lib.Network().ListenAddresses()
	}
	list := make([]string, len(addrs))
	for i, a := range addrs {
		list[i] = a.String()
	}
	slices.Sort(list)
	return list
}

// listenAddrs are what we tell peers that we can be reached at.
func (h *Host) listenAddrs() []string {
	all := slices.Clone(h.cfg.Announce)
	for _, a := range h.lib.Addrs() {
		all = append(all, a.String())
	}
	var list []string
	for _, s := range all {
		if len(list) < message.MaxListen && len(s) <= message.MaxAddr && !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

// SetNetworkActive switches the network off, which ends all connections and
// allows no new ones, or on again.
func (h *Host) SetNetworkActive(on bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.active = on
	h.stir()
	if !on {
		for _, p := range h.conns {
			p.cancel(errInactive)
		}
	}
}

// Pause ends all connections and allows no new ones until Resume, whatever
// SetNetworkActive says. Once it returns, the Handler has been told of the end of every
// peer.
func (h *Host) Pause() {
	h.mu.Lock()
	h.paused++
	ending := slices.Collect(maps.Values(h.conns))
	for _, p := range ending {
		p.cancel(errPaused)
	}
	h.mu.Unlock()
	for _, p := range ending {
		<-p.gone
	}
}

// Resume ends a Pause.
func (h *Host) Resume() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.paused--
	h.stir()
}

// open reports whether connections are wanted; h.mu is held.
func (h *Host) open() bool { return h.running && h.active && h.paused == 0 }

// NetworkActive reports whether the network is switched on.
func (h *Host) NetworkActive() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.active
}
