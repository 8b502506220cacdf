package rpc

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"github.com/keelson-chain/keelson/rpc/jsonrpc"
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
		return
	}
	defer s.handling.leave()
	control := http.NewResponseController(w)
	control.SetReadDeadline(time.Now().Add(4 * s.cfg.Timeout))
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
		s.load.unauthorized.Add(1)
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
		s.load.refused.Add(1)
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
	control.SetWriteDeadline(time.Now().Add(4 * s.cfg.Timeout))
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
	case !s.mayCallAny(user):
		return http.StatusForbidden, nil
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
	if !s.mayCall(user, req.Method) {
		return http.StatusForbidden, nil
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
	if s.restricted(user) {
		for i := range v.Len() {
			name, err := batchMethod(v.At(i))
			switch {
			case err != nil:
				return errorReply(jsonrpc.NewRequest(), err)
			case !s.mayCall(user, name):
				return http.StatusForbidden, nil
			}
		}
	}
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
