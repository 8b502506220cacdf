package metrics

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"net/netip"
	"strings"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/rs/zerolog"

	"github.com/keelson-chain/keelson/internal/localhost"
)

// What bounds a Server.
const (
	maxScrapes    = 4 // at the same time
	maxHead       = 16 << 10
	headTimeout   = 10 * time.Second
	scrapeTimeout = 30 * time.Second // pprof has its own, of what was asked for
	idleTimeout   = 5 * time.Minute
	stopTimeout   = 2 * time.Second
)

// Config is what a Server is made of.
type Config struct {
	// Listen is the address to listen on; the zero value: nothing is shown.
	Listen netip.AddrPort
	// PProf shows profiles too, on loopback alone.
	PProf bool
	// Version, Commit and Network are shown as labels.
	Version, Commit, Network string
	Log                      zerolog.Logger
}

// Server shows metrics at /metrics, in the text format of Prometheus, and with
// Config.PProf profiles below /debug/pprof/. It asks for no password. A nil Server
// takes sources and shows nothing.
type Server struct {
	cfg      Config
	registry *prometheus.Registry
	listener net.Listener
}

// New opens the port, or returns nil if there is to be none. The metrics of the process and of the Go runtime are
// there from the start.
func New(cfg Config) (*Server, error) {
	if !cfg.Listen.IsValid() {
		return nil, nil
	}
	if cfg.PProf && !cfg.Listen.Addr().IsLoopback() {
		return nil, fmt.Errorf("metrics: profiles are shown on loopback alone, not on %v", cfg.Listen.Addr())
	}
	listener, err := net.Listen("tcp", cfg.Listen.String())
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("metrics: port of %v is in use; say --metrics PORT for another one: %w", cfg.Listen, syscall.EADDRINUSE)
	}
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}
	s := &Server{cfg: cfg, registry: prometheus.NewRegistry(), listener: listener}
	s.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	s.Add(func(r *Report) {
		r.Gauge("keelson_build_info", "Always 1; the labels say what runs.", 1,
			"version", cfg.Version, "commit", cfg.Commit, "network", cfg.Network)
	})
	return s, nil
}

// Add shows the numbers of a Source from now on.
func (s *Server) Add(source Source) {
	if s != nil {
		s.registry.MustRegister(source)
	}
}

// Registerer takes the metrics of other libraries, under their own names. It is
// nil where nothing is shown.
func (s *Server) Registerer() prometheus.Registerer {
	if s == nil {
		return nil
	}
	return s.registry
}

// Address is where the server listens; empty where nothing is shown.
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

// Run answers until ctx ends and returns with every goroutine joined.
func (s *Server) Run(ctx context.Context) error {
	if s == nil {
		return nil
	}
	requests, cancel := context.WithCancel(context.Background())
	defer cancel()
	server := &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: headTimeout,
		ReadTimeout:       headTimeout,
		WriteTimeout:      scrapeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHead,
		BaseContext:       func(net.Listener) context.Context { return requests },
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(s.listener) }()
	event := s.cfg.Log.Info()
	if at := s.cfg.Listen.Addr(); !at.IsLoopback() {
		event = s.cfg.Log.Warn().Str("warning", "whoever reaches this port can read it without a password")
	}
	event.Str("address", s.Address()).Bool("pprof", s.cfg.PProf).Msg("metrics are shown")

	select {
	case err := <-done:
		return err
	case <-ctx.Done():
	}
	cancel() // ends profiles
	stop, stopped := context.WithTimeout(context.Background(), stopTimeout)
	defer stopped()
	err := server.Shutdown(stop)
	if errors.Is(err, context.DeadlineExceeded) {
		err = server.Close() // somebody does not take an answer
	}
	<-done //nolint:errcheck // it ends because it was told to
	return err
}

func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{
		ErrorLog:            errorLog{s.cfg.Log},
		ErrorHandling:       promhttp.ContinueOnError,
		MaxRequestsInFlight: maxScrapes,
	}))
	if s.cfg.PProf {
		// Without cmdline, which would show a password that was given as a flag.
		mux.HandleFunc("GET /debug/pprof/", pprof.Index)
		mux.HandleFunc("GET /debug/pprof/cmdline", http.NotFound)
		mux.HandleFunc("GET /debug/pprof/profile", pprof.Profile)
		mux.HandleFunc("GET /debug/pprof/symbol", pprof.Symbol)
		mux.HandleFunc("GET /debug/pprof/trace", pprof.Trace)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.cfg.Listen.Addr().IsLoopback() && !localhost.Is(r.Host) {
			http.Error(w, "ask by address, or as localhost", http.StatusForbidden)
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// errorLog takes what goes wrong in a scrape.
type errorLog struct{ log zerolog.Logger }

func (l errorLog) Println(v ...any) { l.log.Error().Msg(strings.TrimSpace(fmt.Sprintln(v...))) }
