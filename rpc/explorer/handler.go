package explorer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/keelson-chain/keelson/internal/localhost"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/rpc/esplora"
	"github.com/keelson-chain/keelson/wire"
)

// contentPolicy is the Content-Security-Policy of every answer: pages load nothing but
// the style sheet, the script and the icon of this server, and are in nobody's frame.
const contentPolicy = "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; " +
	"form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// request is one that is being answered with a page.
type request struct {
	*http.Request
	s   *Server
	n   *served
	now time.Time
}

// pageFunc makes a page. An error is shown as one.
type pageFunc func(r *request) (*page, error)

// statusError is an error of the user's with the status of its page.
type statusError struct {
	status int
	title  string
	text   string
}

func (e *statusError) Error() string { return e.text }

func notFound(format string, args ...any) error {
	return &statusError{http.StatusNotFound, "Not found", fmt.Sprintf(format, args...)}
}

func badRequest(format string, args ...any) error {
	return &statusError{http.StatusBadRequest, "Bad request", fmt.Sprintf(format, args...)}
}

// redirect is an "error" that leads elsewhere on this site.
type redirect string

func (r redirect) Error() string { return "see " + string(r) }

func (s *Server) handle(w http.ResponseWriter, r *http.Request) {
	if !s.handling.enter() {
		return
	}
	defer s.handling.leave()
	h := w.Header()
	h.Set("Content-Security-Policy", contentPolicy)
	h.Set("X-Content-Type-Options", "nosniff")
	// Not no-referrer, with which browsers post forms with the Origin null, so that
	// whoever takes what the faucet's form posts could not tell where it comes from.
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	if s.cfg.Listen.Addr().IsLoopback() && !localhost.Is(r.Host) {
		http.Error(w, "ask by address, or as localhost", http.StatusForbidden)
		return
	}
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(answerTimeout))
	_ = control.SetWriteDeadline(time.Now().Add(answerTimeout))

	path, n := r.URL.Path, s.node.Load()
	if path == "/favicon.ico" { // browsers ask for it on pages of /api
		path = "/static/icon.svg"
	}
	if rest, ok := strings.CutPrefix(path, "/static/"); ok {
		s.site.serveStatic(w, r, rest)
		return
	}
	if n == nil {
		s.answer(w, r, nil, func(*request) (*page, error) {
			w.Header().Set("Retry-After", "2")
			return nil, &statusError{http.StatusServiceUnavailable, "Starting", "The node is starting. This page comes back by itself once it serves."}
		})
		return
	}
	if path == "/api" || strings.HasPrefix(path, "/api/") {
		if n.API == nil {
			s.answer(w, r, n, func(*request) (*page, error) { return nil, notFound("This node has no REST interface here.") })
			return
		}
		http.StripPrefix("/api", n.API).ServeHTTP(w, r)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		h.Set("Allow", "GET, HEAD")
		s.answer(w, r, n, func(*request) (*page, error) {
			return nil, &statusError{http.StatusMethodNotAllowed, "Only for reading", "Pages can be read (GET), and nothing else."}
		})
		return
	}
	if path == "/events" {
		s.serveEvents(w, r)
		return
	}
	s.answer(w, r, n, route(path))
}

// route finds the page of a path.
func route(path string) pageFunc {
	kind, id, deeper := strings.Cut(strings.TrimPrefix(path, "/"), "/")
	if deeper && id != "" {
		switch kind {
		case "block":
			return func(r *request) (*page, error) { return r.block(id) }
		case "tx":
			return func(r *request) (*page, error) { return r.tx(id) }
		case "address":
			return func(r *request) (*page, error) { return r.address(id) }
		}
	}
	switch path {
	case "/":
		return (*request).home
	case "/blocks":
		return (*request).blocks
	case "/pool":
		return (*request).pool
	case "/peers":
		return (*request).peers
	case "/reorgs":
		return (*request).reorgs
	case "/search":
		return (*request).search
	}
	return func(*request) (*page, error) { return nil, notFound("There is no such page.") }
}

// answer makes a page and sends it.
func (s *Server) answer(w http.ResponseWriter, r *http.Request, n *served, make pageFunc) {
	select {
	case s.renders <- struct{}{}:
		defer func() { <-s.renders }()
	case <-r.Context().Done():
		return
	}
	ctx, cancel := context.WithTimeout(r.Context(), answerTimeout)
	defer cancel()
	req := &request{Request: r.WithContext(ctx), s: s, n: n, now: s.cfg.Now()}
	status := http.StatusOK
	p, err := make(req)
	var to redirect
	if errors.As(err, &to) {
		http.Redirect(w, r, string(to), http.StatusFound)
		return
	}
	if err != nil {
		p, status = req.failed(err)
	}
	req.complete(p)
	var b bytes.Buffer
	if err := s.site.render(&b, p); err != nil {
		s.cfg.Log.Error().Err(err).Str("path", r.URL.Path).Msg("page cannot be made")
		http.Error(w, "the page cannot be made; the node's log says why", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	w.Header().Set("Content-Length", strconv.Itoa(b.Len()))
	w.WriteHeader(status)
	if r.Method != http.MethodHead {
		_, _ = w.Write(b.Bytes()) // nobody is there to be told
	}
}

// failed is the page about an error.
func (r *request) failed(err error) (*page, int) {
	var mine *statusError
	switch {
	case errors.As(err, &mine):
	case errors.Is(err, esplora.ErrNotFound), errors.Is(err, ledger.ErrUnknownBlock), errors.Is(err, ledger.ErrUnknownTx):
		mine = &statusError{http.StatusNotFound, "Not found", sentence(err.Error())}
	case errors.Is(err, esplora.ErrBadRequest):
		mine = &statusError{http.StatusBadRequest, "Bad request", sentence(err.Error())}
	case r.Context().Err() != nil:
		mine = &statusError{http.StatusServiceUnavailable, "Too slow", "The node did not get to making this page. Try again."}
	default:
		r.s.cfg.Log.Error().Err(err).Str("path", r.URL.Path).Msg("page cannot be made")
		mine = &statusError{http.StatusInternalServerError, "Something is wrong", "The page cannot be made; the node's log says why."}
	}
	return &page{Title: mine.title, Name: "error", Data: mine.text}, mine.status
}

// sentence makes a sentence of an error's text.
func sentence(text string) string {
	if text == "" {
		return text
	}
	return strings.ToUpper(text[:1]) + strings.TrimSuffix(text[1:], ".") + "."
}

// number reads a query parameter that is a number below limit; without it there
// is otherwise.
func (r *request) number(name string, otherwise, limit uint32) (uint32, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return otherwise, nil
	}
	n, err := strconv.ParseUint(text, 10, 32)
	if err != nil || uint32(n) >= limit {
		return 0, badRequest("%s is %q, and must be a whole number from 0 to %d.", name, cut(text, 40), limit-1)
	}
	return uint32(n), nil
}

// hash reads a hash of a path.
func hash(what, text string) (wire.Hash, error) {
	h, err := wire.ParseHash(text)
	if err != nil {
		return h, badRequest("%q is no %s: those have 64 hexadecimal digits.", cut(text, 80), what)
	}
	return h, nil
}

// cut shortens a text for a message.
func cut(text string, most int) string {
	if runes := []rune(text); len(runes) > most {
		return string(runes[:most]) + "…"
	}
	return text
}

// link is a path with a query.
func link(path string, pairs ...string) string {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		q.Set(pairs[i], pairs[i+1])
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}
