package rpc

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"github.com/keelson-chain/keelson/rpc/jsonrpc"
)

// Server answers JSON-RPC over HTTP. Make one with New, open its ports with
// Listen, run it with Run, and give it something to work on with Serve.
type Server struct {
	cfg     Config
	log     zerolog.Logger
	clock   Clock
	started int64 // seconds since 1970
	methods map[string]*method
	secret  string // USER:PASSWORD of the cookie or of Config

	listeners   []net.Listener
	connections atomic.Int64
	slots       chan struct{} // one per call that is worked on
	waiting     atomic.Int64  // calls that wait for a slot
	handling    tally         // requests whose heads have been read
	busy        tally         // of those, the ones read whole and not answered

	mu     sync.Mutex
	status string // what a starting node is doing
	node   *Node  // nil: still starting
	calls  map[*call]struct{}

	categories logCategories
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
	s := &Server{
		cfg:     cfg,
		log:     cfg.Log,
		methods: methods(),
		clock:   cfg.Clock,
		slots:   make(chan struct{}, cfg.Threads),
		status:  "RPC server started",
		calls:   map[*call]struct{}{},
	}
	if s.clock == nil {
		s.clock = realClock{}
	}
	s.started = time.Now().Unix()
	s.categories.init()
	return s, nil
}

// Listen writes the cookie and then opens the ports, so that whoever finds a
// port open finds the cookie too. Run removes the cookie in the end; without a Run, Close
// does.
func (s *Server) Listen() (err error) {
	s.secret = s.cfg.User + ":" + s.cfg.Password
	if s.cfg.Password == "" {
		if s.secret, err = writeCookie(s.cfg.CookieFile); err != nil {
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
	s.node = &n
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

	calls, cancelCalls := context.WithCancel(context.Background())
	defer cancelCalls()
	server := &http.Server{
		Handler:           http.HandlerFunc(s.handle),
		ReadHeaderTimeout: headTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHead,
		ErrorLog:          nil,
		BaseContext:       func(net.Listener) context.Context { return calls },
	}
	server.ErrorLog = quietLog(s.log)
	done := make(chan error, len(s.listeners))
	for _, l := range s.listeners {
		go func() { done <- server.Serve(&listener{Listener: l, open: &s.connections}) }()
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
	cancelCalls()
	for _, l := range s.listeners {
		l.Close()
	}
	select {
	case <-s.busy.stop():
	case <-time.After(stopTimeout):
	}
	server.Close()
	for ; served < len(s.listeners); served++ {
		<-done //nolint:errcheck // they end because they were told to
	}
	<-s.handling.stop()
	return failure
}

// tally counts what is going on and tells when the last of it has ended.
type tally struct {
	mu       sync.Mutex
	n        int
	stopping bool
	done     chan struct{}
}

// enter counts one in, or returns false after stop.
func (t *tally) enter() bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.stopping {
		return false
	}
	t.n++
	return true
}

func (t *tally) leave() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.n--
	if t.stopping && t.n == 0 {
		close(t.done)
	}
}

// stop lets nobody in any more and returns a channel that is closed when all
// have left. It may be called again.
func (t *tally) stop() <-chan struct{} {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.stopping {
		t.stopping = true
		t.done = make(chan struct{})
		if t.n == 0 {
			close(t.done)
		}
	}
	return t.done
}

// allowed reports whether a client at an address is served at all.
func (s *Server) allowed(remote string) bool {
	at, err := netip.ParseAddrPort(remote)
	if err != nil {
		return false
	}
	addr := at.Addr().Unmap().WithZone("")
	if addr.IsLoopback() {
		return true
	}
	for _, prefix := range s.cfg.Allow {
		if prefix.Contains(addr) {
			return true
		}
	}
	return false
}

// handle answers one HTTP request. Nothing of the body is read before the
// credentials are known to be good.
func (s *Server) handle(w http.ResponseWriter, r *http.Request) {
	if !s.handling.enter() {
		return
	}
	defer s.handling.leave()
	control := http.NewResponseController(w)
	control.SetReadDeadline(time.Now().Add(bodyTimeout))
	// Until the caller is known, the connection is not kept.
	w.Header().Set("Connection", "close")
	switch {
	case !s.allowed(r.RemoteAddr):
		s.reply(w, http.StatusForbidden, "", nil)
		return
	case r.URL.Path != "/":
		s.reply(w, http.StatusNotFound, "", nil)
		return
	case r.Method != http.MethodPost:
		s.reply(w, http.StatusMethodNotAllowed, "", []byte("JSONRPC server handles only POST requests"))
		return
	}
	header := r.Header.Get("Authorization")
	user, ok := s.authorized(header)
	if !ok {
		if header != "" {
			s.log.Warn().Str("from", r.RemoteAddr).Msg("JSON-RPC call with a wrong password")
			// Slows guessing down; see Config.Allow for who can try at all.
			sleep(r.Context(), refusalDelay)
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="jsonrpc"`)
		s.reply(w, http.StatusUnauthorized, "", nil)
		return
	}
	w.Header().Del("Connection")
	if r.ContentLength > maxBody {
		s.reply(w, http.StatusRequestEntityTooLarge, "", nil)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if err != nil {
		status := http.StatusBadRequest
		if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
			status = http.StatusRequestEntityTooLarge
		}
		s.reply(w, status, "", nil)
		return
	}
	control.SetReadDeadline(time.Time{})

	if !s.busy.enter() {
		return
	}
	defer s.busy.leave()
	if !s.enter(r.Context()) {
		s.reply(w, http.StatusServiceUnavailable, "", []byte("Work queue depth exceeded"))
		return
	}
	defer func() { <-s.slots }()
	status, answer := s.execute(r.Context(), user, body)
	if answer == nil {
		s.reply(w, status, "", nil)
		return
	}
	s.reply(w, status, "application/json", answer)
}

// enter waits for one of the slots in which calls are worked on. It returns
// false if too many are waiting already, or the server is stopping.
func (s *Server) enter(ctx context.Context) bool {
	select {
	case s.slots <- struct{}{}:
		return true
	default:
	}
	defer s.waiting.Add(-1)
	if s.waiting.Add(1) > int64(s.cfg.Queue) {
		s.log.Warn().Msg("JSON-RPC call refused because too many are waiting; rpcthreads and rpcworkqueue set the limits")
		return false
	}
	select {
	case s.slots <- struct{}{}:
		return true
	case <-ctx.Done():
		return false
	}
}

// reply sends an answer of known length in one piece.
func (s *Server) reply(w http.ResponseWriter, status int, contentType string, body []byte) {
	control := http.NewResponseController(w)
	control.SetWriteDeadline(time.Now().Add(writeTimeout))
	h := w.Header()
	h["Content-Type"] = nil // or net/http would guess one
	if contentType != "" {
		h.Set("Content-Type", contentType)
	}
	if status != http.StatusNoContent {
		h.Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(status)
	w.Write(body)
	control.Flush() // a server that stops may close the connection right after
}

// execute carries out the request or the batch in body. The answer is nil if
// nothing is to be said.
func (s *Server) execute(ctx context.Context, user string, body []byte) (status int, answer []byte) {
	req := jsonrpc.NewRequest()
	v, err := jsonrpc.Parse(string(body))
	switch {
	case err != nil:
		return errorReply(req, jsonrpc.Errorf(jsonrpc.CodeParse, "Parse error"))
	case v.Kind == jsonrpc.Obj:
		return s.executeOne(ctx, user, req, &v)
	case v.Kind == jsonrpc.Array:
		return s.executeBatch(ctx, user, &v)
	}
	return errorReply(req, jsonrpc.Errorf(jsonrpc.CodeParse, "Top-level object parse error"))
}

func (s *Server) executeOne(ctx context.Context, user string, req *jsonrpc.Request, v *jsonrpc.Value) (int, []byte) {
	if err := req.Read(v); err != nil {
		return errorReply(req, asError(err))
	}
	result, err := s.call(ctx, user, req)
	switch {
	case req.IsNotification():
		return http.StatusNoContent, nil
	case err != nil && !req.V2:
		return errorReply(req, err)
	}
	return http.StatusOK, append(req.AppendReply(nil, result, err), '\n')
}

// errorReply answers a failed call of the old versions, which speak of it in
// the HTTP status too.
func errorReply(req *jsonrpc.Request, err *jsonrpc.Error) (int, []byte) {
	status := http.StatusInternalServerError
	switch err.Code {
	case jsonrpc.CodeInvalidRequest:
		status = http.StatusBadRequest
	case jsonrpc.CodeMethodNotFound:
		status = http.StatusNotFound
	}
	return status, append(req.AppendReply(nil, nil, err), '\n')
}

// maxBatchReply bounds the answer to a batch in bytes: calls beyond it are
// answered with an error, not left out.
const maxBatchReply = 256 << 20

// executeBatch answers each element, in order. A batch of nothing but
// notifications has no answer; an empty one has an empty answer, because old
// clients rely on that.
func (s *Server) executeBatch(ctx context.Context, user string, v *jsonrpc.Value) (int, []byte) {
	answer := []byte{'['}
	for i := range v.Len() {
		req := jsonrpc.NewRequest()
		var result any
		err := asError(req.Read(v.At(i)))
		if err == nil && len(answer) > maxBatchReply {
			err = jsonrpc.Errorf(jsonrpc.CodeMisc, "the answers to this batch are too large; ask in smaller ones")
		}
		if err == nil {
			result, err = s.call(ctx, user, req)
		}
		if req.IsNotification() {
			continue
		}
		if len(answer) > 1 {
			answer = append(answer, ',')
		}
		answer = req.AppendReply(answer, result, err)
	}
	if len(answer) == 1 && v.Len() > 0 {
		return http.StatusNoContent, nil
	}
	return http.StatusOK, append(answer, "]\n"...)
}

// sleep waits for d or until ctx ends.
func sleep(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
