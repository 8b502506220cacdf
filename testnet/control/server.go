package control

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"github.com/rs/zerolog"
	"golang.org/x/net/netutil"

	"github.com/keelson-chain/keelson/internal/httplog"
	"github.com/keelson-chain/keelson/internal/localhost"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/testnet"
)

// DefaultPort is where a test network is controlled.
const DefaultPort = 18400

// Bounds of the server.
const (
	maxConnections = 256
	maxHead        = 16 << 10 // bytes of a request's head
	maxBody        = 32 << 20 // bytes of a JSON-RPC request, as nodes have it
	maxRequests    = 4        // JSON-RPC requests whose bodies are read at a time
	headTimeout    = 10 * time.Second
	idleTimeout    = 2 * time.Minute
	refusalDelay   = 250 * time.Millisecond // before a wrong password is answered
	stopTimeout    = 2 * time.Second        // for answers that are being sent at the end
)

// Config says what a Server controls.
type Config struct {
	Network  *testnet.Network
	Listener net.Listener // from Listen; Serve closes it
	// Stop is called whenever testnet_stop has been answered.
	Stop func()
	Log  zerolog.Logger
}

// Server is the port of a test network.
type Server struct {
	cfg      Config
	nodes    *http.Transport // to the nodes
	explorer http.Handler
	requests chan struct{} // one for each JSON-RPC body in memory
	payments chan struct{} // holds one token; who has it pays from the faucet
	secret   [sha256.Size]byte
}

// Listen opens a port on 127.0.0.1; 0: a free one. One that somebody else has is a
// testnet.ErrInUse.
func Listen(port uint16) (net.Listener, error) {
	l, err := net.Listen("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(int(port))))
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("port %d is %w by another program", port, testnet.ErrInUse)
	}
	return l, err
}

// New returns a Server, and puts a file into the network's folder by which Find
// finds it, until Serve has ended. Until Serve is called, requests wait.
func New(cfg Config) (*Server, error) {
	user, password := cfg.Network.Credentials()
	s := &Server{
		cfg:      cfg,
		nodes:    &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 16, IdleConnTimeout: idleTimeout},
		requests: make(chan struct{}, maxRequests),
		payments: make(chan struct{}, 1),
		secret:   sha256.Sum256([]byte(user + ":" + password)),
	}
	s.explorer = s.newExplorer()
	place := Place{Address: cfg.Listener.Addr().String(), User: user, Password: password, PID: os.Getpid()}
	return s, place.write(cfg.Network.Dir())
}

// Serve answers requests until ctx ends. It returns when all calls have ended.
func (s *Server) Serve(ctx context.Context) (err error) {
	calls, cancel := context.WithCancel(ctx)
	defer cancel()
	server := &http.Server{
		Handler:           s.handler(),
		ReadHeaderTimeout: headTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHead,
		BaseContext:       func(net.Listener) context.Context { return calls },
		ErrorLog:          httplog.Quiet(s.cfg.Log),
	}
	defer os.Remove(filepath.Join(s.cfg.Network.Dir(), placeFile))
	defer s.nodes.CloseIdleConnections()

	served := make(chan error, 1)
	go func() { served <- server.Serve(netutil.LimitListener(s.cfg.Listener, maxConnections)) }()
	select {
	case err = <-served: // the port has failed
		served <- err
	case <-ctx.Done():
	}
	late, stop := context.WithTimeout(context.WithoutCancel(ctx), stopTimeout)
	defer stop()
	if server.Shutdown(late) != nil {
		_ = server.Close() // clients that take no answer
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// handler is everything that the port answers.
func (s *Server) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /{$}", s.serveRPC)
	mux.HandleFunc("POST "+testnet.FaucetPath, s.serveFaucet)
	mux.HandleFunc("GET /testnet", s.serveStatus)
	mux.Handle("/", s.explorer)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !localhost.Is(r.Host) {
			plain(w, http.StatusMisdirectedRequest, "This is a test network on the own machine, which is called localhost or by an address.")
			return
		}
		mux.ServeHTTP(w, r)
	})
}

// authorized reports whether a request has the network's user and password. It
// takes the same time whatever they are.
func (s *Server) authorized(r *http.Request) bool {
	user, password, ok := r.BasicAuth()
	given := sha256.Sum256([]byte(user + ":" + password))
	return ok && subtle.ConstantTimeCompare(given[:], s.secret[:]) == 1
}

// serveStatus answers with the state of the network.
func (s *Server) serveStatus(w http.ResponseWriter, r *http.Request) {
	o, err := s.status(r.Context())
	if err != nil {
		plain(w, http.StatusServiceUnavailable, err.Error())
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(append(jsonrpc.AppendIndent(nil, o, 2), '\n'))
}

// plain answers with a line of text.
func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text + "\n"))
}
