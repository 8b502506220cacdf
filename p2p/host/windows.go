package host

import (
	"net"
	"sync"
	_ "unsafe" // for go:linkname

	"github.com/libp2p/go-libp2p/core/network"
	"github.com/libp2p/go-libp2p/p2p/muxer/yamux"
	"github.com/multiformats/go-multiaddr"
	"github.com/quic-go/quic-go"
	"github.com/rs/zerolog"

	muxer "github.com/libp2p/go-yamux/v5"
)

// A receive window is what a peer may send before it is read, and so what a peer may
// have lie in our memory: packets and frames that are not full take more of it than
// they hold. A window must hold what is on its way: bandwidth times delay, 600 KB at
// 50 Mbit/s and 100 ms.
const (
	// firstWindow is where the windows of a QUIC connection and of its streams begin,
	// in which a tenth of a full block has room and the rest of a round trip is given
	// away. That of a yamux stream, which TCP has, is 256 KiB by its protocol. All
	// double when they are read fast.
	firstWindow = 128 << 10
	// mostWindow is how large that of one stream may become, and of a QUIC connection.
	mostWindow = 4 << 20
	// maxGrown is by how much the windows of all those together may grow that have
	// called us. Those that we call have limits of their own, so that nobody who
	// calls slows down what we fetch.
	maxGrown = 8 << 20
)

// quicConfig is what libp2p makes its QUIC listeners and connections with. There is no
// other way to it, and what it begins with, 768 KiB for each connection, is too much
// when all peers use it.
//
//go:linkname quicConfig github.com/libp2p/go-libp2p/p2p/transport/quicreuse.quicConfig
var quicConfig *quic.Config

var narrowOnce sync.Once

// narrowWindows sets the windows of the QUIC connections of all hosts that are made
// from now on in this process, and how many streams a peer may open: a stream takes
// memory, and its first frame a whole packet's, before the resource manager looks at it.
func narrowWindows() {
	narrowOnce.Do(func() {
		quicConfig.InitialStreamReceiveWindow, quicConfig.InitialConnectionReceiveWindow = firstWindow, firstWindow
		quicConfig.MaxStreamReceiveWindow, quicConfig.MaxConnectionReceiveWindow = mostWindow, mostWindow
		quicConfig.MaxIncomingStreams = maxPeerStreams
	})
}

// allowance is how many bytes there are for the windows of those that have called us
// to grow.
type allowance struct {
	limit int

	mu    sync.Mutex
	taken int
}

func (a *allowance) take(n int) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.taken+n > a.limit {
		return false
	}
	a.taken += n
	return true
}

func (a *allowance) giveBack(n int) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.taken -= n
}

// memory is where windows are accounted for.
type memory interface {
	ReserveMemory(size int, prio uint8) error
	ReleaseMemory(size int)
	Done()
}

// growing is the memory of one connection or stream of somebody who has called us.
// What it takes beyond the first window comes out of the allowance as well.
type growing struct {
	memory
	from *allowance

	mu    sync.Mutex
	taken int
	done  bool
}

// ReserveMemory reserves memory, which may be refused. Only a first window has
// the highest priority.
func (g *growing) ReserveMemory(size int, prio uint8) error {
	if prio == network.ReservationPriorityAlways {
		return g.memory.ReserveMemory(size, prio)
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.done || !g.from.take(size) {
		return network.ErrResourceLimitExceeded
	}
	if err := g.memory.ReserveMemory(size, prio); err != nil {
		g.from.giveBack(size)
		return err
	}
	g.taken += size
	return nil
}

// Done gives back what was taken.
func (g *growing) Done() {
	g.mu.Lock()
	g.from.giveBack(g.taken)
	g.taken, g.done = 0, true
	g.mu.Unlock()
	g.memory.Done()
}

// yamuxWindows is libp2p's yamux with bounded windows.
type yamuxWindows struct {
	from *allowance
	log  zerolog.Logger
}

// NewConn takes over a connection.
func (y yamuxWindows) NewConn(nc net.Conn, server bool, scope network.PeerScope) (network.MuxedConn, error) {
	config := *yamux.DefaultTransport.Config()
	config.MaxStreamWindowSize = mostWindow
	var span func() (muxer.MemoryManager, error)
	if scope != nil {
		span = func() (muxer.MemoryManager, error) {
			s, err := scope.BeginSpan()
			if err != nil || !server {
				return s, err
			}
			return &growing{memory: s, from: y.from}, nil
		}
	}
	end := muxer.Client
	if server {
		end = muxer.Server
	}
	log := y.log.With().Stringer("addr", nc.RemoteAddr())
	if secured, ok := nc.(network.ConnSecurity); ok {
		log = log.Stringer("peer", secured.RemotePeer())
	}
	s, err := end(&crumbs{Conn: nc, small: bucket{rate: crumbRate, burst: crumbsBurst}, log: log.Logger()}, &config, span)
	if err != nil {
		return nil, err
	}
	return yamux.NewMuxedConn(s), nil
}

// windowManager is a resource manager that has the windows of QUIC connections grow
// out of an allowance.
type windowManager struct {
	network.ResourceManager
	from *allowance
}

// OpenConnection accounts for a new connection.
func (m windowManager) OpenConnection(dir network.Direction, fd bool, addr multiaddr.Multiaddr) (network.ConnManagementScope, error) {
	scope, err := m.ResourceManager.OpenConnection(dir, fd, addr)
	if err != nil || dir != network.DirInbound {
		return scope, err
	}
	return &connScope{ConnManagementScope: scope, growing: &growing{memory: scope, from: m.from}}, nil
}

type connScope struct {
	network.ConnManagementScope
	growing *growing
}

// ReserveMemory is for a larger window.
func (s *connScope) ReserveMemory(size int, prio uint8) error {
	return s.growing.ReserveMemory(size, prio)
}

// Done ends the connection.
func (s *connScope) Done() { s.growing.Done() }
