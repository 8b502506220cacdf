package explorer

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"golang.org/x/net/netutil"

	"github.com/keelson-chain/keelson/internal/httplog"
)

// Server shows pages about a node. Make one with New, which opens the port, run it
// with Run, and give it the node with Serve. A nil Server shows nothing.
type Server struct {
	cfg      Config
	listener net.Listener
	site     *site
	node     atomic.Pointer[served]
	arrived  chan struct{} // closed by Serve
	renders  chan struct{} // one per page that is being made
	handling handling
}

// served is a node with what is remembered of it.
type served struct {
	Node
	memory *memory
	events *events
}

// New opens the port, or returns nil if there is to be none.
func New(cfg Config) (*Server, error) {
	if !cfg.Listen.IsValid() {
		return nil, nil
	}
	if cfg.Params == nil {
		return nil, errors.New("explorer: no network")
	}
	if cfg.Now == nil {
		cfg.Now = time.Now
	}
	site, err := newSite()
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp", cfg.Listen.String())
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("explorer: port of %v is in use; say --explorer PORT for another one: %w", cfg.Listen, syscall.EADDRINUSE)
	}
	if err != nil {
		return nil, fmt.Errorf("explorer: %w", err)
	}
	return &Server{
		cfg: cfg, listener: listener, site: site,
		arrived: make(chan struct{}), renders: make(chan struct{}, maxRenders),
	}, nil
}

// Address is where the server listens; empty where there is no explorer.
func (s *Server) Address() string {
	if s == nil {
		return ""
	}
	return s.listener.Addr().String()
}

// Close closes the port of a Server that was never run.
func (s *Server) Close() {
	if s != nil {
		s.listener.Close()
	}
}

// Serve ends the time of starting: from now on pages show the node, and
// reorganisations are remembered. It is called once.
func (s *Server) Serve(n Node) {
	if s == nil {
		return
	}
	departures := n.Ledger.Departures() // before the tip, so that none is missed
	s.node.Store(&served{Node: n, memory: newMemory(n.Ledger.Tip().Tip, departures, n.Pool.Moment()), events: newEvents()})
	close(s.arrived)
}

// Run answers until ctx ends and returns with every goroutine joined. An error is
// a fault of the ledger or of the port.
func (s *Server) Run(ctx context.Context) error {
	if s == nil {
		return nil
	}
	requests, cancel := context.WithCancel(context.Background())
	defer cancel()
	server := &http.Server{
		Handler:           http.HandlerFunc(s.handle),
		ReadHeaderTimeout: headTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHead,
		ErrorLog:          httplog.Quiet(s.cfg.Log),
		BaseContext:       func(net.Listener) context.Context { return requests },
	}
	listener := netutil.LimitListener(s.listener, maxConns)
	served, followed := make(chan error, 1), make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	go func() { followed <- s.follow(requests) }()
	event := s.cfg.Log.Info()
	if at := s.cfg.Listen.Addr(); !at.IsLoopback() {
		event = s.cfg.Log.Warn().Str("warning", "whoever reaches this port can read it without a password")
	}
	event.Str("address", "http://"+s.Address()).Msg("the explorer is open")

	var failure error
	stillServing, stillFollowing := true, true
	select {
	case failure = <-served:
		stillServing = false
	case failure = <-followed:
		stillFollowing = false
	case <-ctx.Done():
	}
	cancel() // ends streams and what answers are made of
	stop, stopped := context.WithTimeout(context.Background(), stopTimeout)
	defer stopped()
	if err := server.Shutdown(stop); err != nil {
		server.Close() // somebody does not take an answer
	}
	if stillServing {
		<-served //nolint:errcheck // it ends because it was told to
	}
	if stillFollowing {
		<-followed //nolint:errcheck // the same
	}
	s.handling.stop()
	return failure
}

// follow follows the node once it is there.
func (s *Server) follow(ctx context.Context) error {
	select {
	case <-s.arrived:
	case <-ctx.Done():
		return nil
	}
	n := s.node.Load()
	return n.memory.follow(ctx, &n.Node, n.events, s.cfg.Now)
}

// handling counts the requests that are being answered, which http.Server does
// not wait for when it is closed.
type handling struct {
	mu      sync.Mutex
	stopped bool
	group   sync.WaitGroup
}

// enter reports whether there may be another one; it is over with leave.
func (h *handling) enter() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if !h.stopped {
		h.group.Add(1)
	}
	return !h.stopped
}

func (h *handling) leave() { h.group.Done() }

// stop lets none begin any more and waits for the others.
func (h *handling) stop() {
	h.mu.Lock()
	h.stopped = true
	h.mu.Unlock()
	h.group.Wait()
}
