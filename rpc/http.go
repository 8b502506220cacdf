package rpc

import (
	"context"
	"crypto/subtle"
	"io"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"
)

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
		panic(http.ErrAbortHandler) // or net/http would answer with nothing, in good order
	}
	defer s.handling.leave()
	c, _ := r.Context().Value(connKey{}).(*conn)
	if c == nil { // not from a port of ours
		c = &conn{all: &s.connections}
	}
	// The body must come in time, even one that nobody is going to read.
	control := http.NewResponseController(w)
	timed := r.ContentLength < 0 || r.ContentLength > 0 && !c.hasBody()
	if timed {
		control.SetReadDeadline(time.Now().Add(4 * s.cfg.Timeout))
	}
	// Until the caller is known, the connection is not kept; and while it is
	// refused, it is none that others have to wait for.
	w.Header()["Connection"] = headerClose
	switch {
	case !s.allowed(r.RemoteAddr):
		s.reply(w, &answer{status: http.StatusForbidden})
		return
	case len(r.RequestURI) > maxTarget:
		s.reply(w, &answer{status: http.StatusBadRequest})
		return
	case s.cfg.REST && strings.HasPrefix(r.RequestURI, restRoot):
		s.serveREST(w, r, c)
		return
	case r.URL.Path != "/":
		s.reply(w, &answer{status: http.StatusNotFound})
		return
	case r.Method != http.MethodPost:
		s.reply(w, plainAnswer(http.StatusMethodNotAllowed, "JSONRPC server handles only POST requests"))
		return
	}
	header := r.Header.Get("Authorization")
	user, ok := s.caller(c, header)
	if !ok {
		s.connections.stand(c, notKnown)
		s.load.unauthorized.Add(1)
		if header != "" {
			s.log.Warn().Str("from", r.RemoteAddr).Msg("JSON-RPC call with a wrong password")
			// Slows guessing down; see Config.Allow for who can try at all.
			sleep(r.Context(), refusalDelay)
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="jsonrpc"`)
		s.reply(w, &answer{status: http.StatusUnauthorized})
		return
	}
	if !s.connections.stand(c, atWork) {
		panic(http.ErrAbortHandler)
	}
	defer s.connections.stand(c, known)
	body, status := s.body(r)
	if status != 0 {
		a := &answer{status: status}
		if status == http.StatusServiceUnavailable {
			a = plainAnswer(status, noMemory)
		}
		s.reply(w, a) // and the connection is closed: who knows where the body ends
		return
	}
	delete(w.Header(), "Connection")
	if timed {
		control.SetReadDeadline(time.Time{})
	}

	if !s.busy.enter() {
		s.memory.give(body.taken)
		panic(http.ErrAbortHandler)
	}
	defer s.busy.leave()
	turn := &work{s: s, ctx: r.Context(), user: user}
	a := func() *answer {
		defer s.memory.give(body.taken)
		return turn.execute(body.text, turn.enter)
	}()
	defer s.drop(a)
	if a.none {
		panic(http.ErrAbortHandler)
	}
	s.reply(w, a)
}

// connKey is under what a request's context has its connection.
type connKey struct{}

// caller is authorized for a connection, which remembers the last credentials
// that were right.
func (s *Server) caller(c *conn, header string) (user string, ok bool) {
	if c.credentials != "" && subtle.ConstantTimeCompare([]byte(header), []byte(c.credentials)) == 1 {
		return c.user, true
	}
	if user, ok = s.authorized(header); ok {
		c.credentials, c.user = header, user
	}
	return user, ok
}

// body is a request's.
type body struct {
	text  string
	taken int64 // of the budget
}

// scratch is what bodies are read through.
var scratch = sync.Pool{New: func() any { return new([8 << 10]byte) }}

// body reads the body. What it holds of the budget grows with what has come,
// not with what was announced. If it cannot be had, the status is the answer;
// otherwise it is 0.
func (s *Server) body(r *http.Request) (b body, status int) {
	if r.ContentLength > maxBody {
		return b, http.StatusRequestEntityTooLarge
	}
	room := scratch.Get().(*[8 << 10]byte)
	defer scratch.Put(room)
	defer func() {
		if status != 0 {
			s.memory.give(b.taken)
		}
	}()
	var text strings.Builder
	if r.ContentLength > 0 {
		text.Grow(int(min(r.ContentLength, smallSize)))
	}
	for {
		n, err := r.Body.Read(room[:])
		if text.Len()+n > maxBody {
			return b, http.StatusRequestEntityTooLarge
		}
		if need := text.Len() + n; need > text.Cap() {
			// Twice as much, or what is announced if that is less. While one is
			// copied into the other, both are there.
			size := 2 * need
			if rest := int(r.ContentLength); rest >= need {
				size = min(size, rest)
			}
			if size > smallSize {
				if s.memory.take(r.Context(), int64(size)) != nil {
					return b, http.StatusServiceUnavailable
				}
			}
			text.Grow(size - text.Len())
			s.memory.give(b.taken)
			b.taken = 0
			if size > smallSize {
				b.taken = int64(size)
			}
		}
		text.Write(room[:n])
		if err == io.EOF {
			break
		}
		if err != nil {
			return b, http.StatusBadRequest
		}
	}
	b.text = text.String()
	return b, 0
}

// Values of header fields, ready for use. Nobody changes them.
var (
	headerClose = []string{"close"}
	headerJSON  = []string{"application/json"}
)

// reply sends an answer of known length. Its pieces are released as they are
// sent.
func (s *Server) reply(w http.ResponseWriter, a *answer) {
	control := http.NewResponseController(w)
	control.SetWriteDeadline(time.Now().Add(4 * s.cfg.Timeout))
	length := 0
	for _, piece := range a.pieces {
		length += len(piece)
	}
	h := w.Header()
	h["Content-Type"] = nil // or net/http would guess one
	if length > 0 && (a.pieces[0][0] == '{' || a.pieces[0][0] == '[') {
		h["Content-Type"] = headerJSON
	}
	if a.kind != "" {
		h["Content-Type"] = []string{a.kind}
	}
	if a.status != http.StatusNoContent {
		h["Content-Length"] = []string{strconv.Itoa(length)}
	}
	w.WriteHeader(a.status)
	for i := range a.pieces {
		if _, err := w.Write(a.pieces[i]); err != nil {
			return
		}
		s.release(a, i)
	}
	control.Flush() // a server that stops may close the connection right after
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
