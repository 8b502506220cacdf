package rpc

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"github.com/keelson-chain/keelson/internal/httplog"
)

// Server answers JSON-RPC over HTTP. Make one with New, open its ports with
// Listen, run it with Run, and give it something to work on with Serve.
type Server struct {
	cfg     Config
	log     zerolog.Logger
	clock   Clock
	started int64 // seconds since 1970
	methods map[string]*method

	subversion string // what the node calls itself
	secret     string // USER:PASSWORD of the cookie or of Config

	listeners   []net.Listener
	connections connections
	memory      budget
	made        time.Time
	served      time.Time     // when the node was there
	slots       chan struct{} // one per call that is worked on
	waiting     atomic.Int64  // calls that wait for a slot
	handling    tally         // requests whose heads have been read
	busy        tally         // of those, the ones read whole and not answered
	load        loadCounts

	mu     sync.Mutex
	status string        // what a starting node is doing
	node   *Node         // nil: still starting
	ready  chan struct{} // closed when node is there
	calls  map[*call]struct{}

	categories logCategories

	coinScan, filterScan scan // scantxoutset's and scanblocks'
}

// New returns a Server that has no port open yet.
func New(cfg Config) (*Server, error) {
	if cfg.Params == nil {
		return nil, errors.New("rpc: no network")
	}
	if cfg.Threads == 0 {
		cfg.Threads = DefaultThreads
	}
	if cfg.Queue == 0 {
		cfg.Queue = DefaultQueue
	}
	if cfg.Timeout == 0 {
		cfg.Timeout = DefaultTimeout
	}
	cfg.limits.defaults()
	name, err := subversion(cfg.Version, cfg.Comments)
	if err != nil {
		return nil, err
	}
	s := &Server{
		cfg:     cfg,
		log:     cfg.Log,
		methods: methods(),
		clock:   cfg.Clock,
		slots:   make(chan struct{}, cfg.Threads),
		status:  "RPC server started",
		ready:   make(chan struct{}),
		calls:   map[*call]struct{}{},

		subversion:  name,
		connections: connections{max: cfg.limits.connections, open: map[*conn]struct{}{}},
	}
	s.memory = budget{total: cfg.limits.memory, patience: cfg.limits.patience,
		giveWay: func() { s.connections.giveWay(cfg.limits.stall) }}
	if s.clock == nil {
		s.clock = realClock{}
	}
	s.started = time.Now().Unix()
	s.made = time.Now()
	s.categories.init()
	s.load.init(s.methods)
	return s, nil
}

// Listen writes the cookie and then opens the ports, so that whoever finds a
// port open finds the cookie too. Run removes the cookie in the end; without a Run, Close
// does.
func (s *Server) Listen() (err error) {
	s.secret = s.cfg.User + ":" + s.cfg.Password
	if s.cfg.Password == "" {
		if s.secret, err = writeCookie(s.cfg.CookieFile, cmp.Or(s.cfg.CookieMode, 0o600)); err != nil {
			return err
		}
	}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	addresses, optional := s.cfg.Listen, false
	if len(addresses) == 0 {
		port := strconv.Itoa(int(s.cfg.Port))
		addresses, optional = []string{net.JoinHostPort("127.0.0.1", port), net.JoinHostPort("::1", port)}, true
	}
	var firstErr error
	for _, address := range addresses {
		l, err := net.Listen("tcp", address)
		if err != nil {
			err = listenError(address, err)
			if !optional || errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, syscall.EACCES) {
				return err
			}
			if firstErr == nil {
				firstErr = err
			}
			continue // a machine without IPv6, or without IPv4
		}
		s.listeners = append(s.listeners, l)
	}
	if len(s.listeners) == 0 {
		return firstErr
	}
	return nil
}

func listenError(address string, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("rpc: port of %s is in use: is another node running? Say --rpcport N for another one: %w", address, syscall.EADDRINUSE)
	}
	return fmt.Errorf("rpc: %w", err)
}

// Close closes the ports of a Server that was never run.
func (s *Server) Close() {
	for _, l := range s.listeners {
		l.Close()
	}
	s.listeners = nil
	if s.cfg.Password == "" && s.secret != "" {
		removeCookie(s.cfg.CookieFile, s.secret)
	}
}

// Addresses returns the addresses that Listen has opened.
func (s *Server) Addresses() []string {
	list := make([]string, len(s.listeners))
	for i, l := range s.listeners {
		list[i] = l.Addr().String()
	}
	return list
}

// SetStatus tells callers of a starting node what it is doing: "Loading block
// index…".
func (s *Server) SetStatus(status string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.status = status
}

// Serve ends the time of starting: from now on calls are carried out.
func (s *Server) Serve(n Node) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.node == nil {
		s.served = time.Now()
		close(s.ready)
	}
	s.node = &n
}

// serving returns the node, or what it is doing while it starts. A start that does not
// take long is waited for: clients that know to wait where no port is open, such as
// lnd, may end themselves when they are told that the node is starting. patience is how
// long after New it may take.
func (s *Server) serving(ctx context.Context, patience time.Duration) (*Node, string) {
	if wait := time.Until(s.made.Add(patience)); wait > 0 {
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case <-s.ready:
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.node, s.status
}

// Run answers requests until ctx ends. Calls that are being worked on then
// have their contexts cancelled; Run waits for their answers to be sent, closes the
// ports, removes the cookie and returns, with every goroutine joined.
func (s *Server) Run(ctx context.Context) error {
	if s.listeners == nil {
		if err := s.Listen(); err != nil {
			return err
		}
	}
	defer s.Close()

	calls, cancelCalls := context.WithCancelCause(context.Background())
	defer cancelCalls(nil)
	server := &http.Server{
		Handler:           http.HandlerFunc(s.handle),
		ReadHeaderTimeout: s.cfg.Timeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHead,
		ErrorLog:          nil,
		BaseContext:       func(net.Listener) context.Context { return calls },
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, c)
		},
	}
	server.ErrorLog = httplog.Quiet(s.log)
	done := make(chan error, len(s.listeners))
	var plain []*plainListener
	for _, l := range s.listeners {
		p := newPlainListener(l, &s.connections, func(c *conn) bool { return s.servePlain(calls, c) }, calls.Done())
		plain = append(plain, p)
		go func() { done <- server.Serve(p) }()
		s.log.Info().Str("address", l.Addr().String()).Msg("JSON-RPC is listening")
	}

	var failure error
	served := 0
	select {
	case <-ctx.Done():
	case failure = <-done:
		served++
	}
	// Calls are told to end, and who made them has a moment to take the answer.
	// Who is still sending a request, or none, has nothing to wait for.
	cancelCalls(errStopping)
	for _, l := range s.listeners {
		l.Close()
	}
	select {
	case <-s.busy.stop():
	case <-time.After(stopTimeout):
	}
	server.Close()
	s.connections.closeAll()
	for _, p := range plain {
		p.group.Wait()
	}
	for ; served < len(s.listeners); served++ {
		<-done //nolint:errcheck // they end because they were told to
	}
	<-s.handling.stop()
	return failure
}
