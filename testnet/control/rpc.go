package control

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/keelson-chain/keelson/rpc/jsonrpc"
)

// maxMixed is how many calls a batch may have that is not for node 0 alone.
const maxMixed = 1000

// serveRPC answers JSON-RPC: what is for the network itself here, and everything
// else, byte for byte, as node 0 does.
func (s *Server) serveRPC(w http.ResponseWriter, r *http.Request) {
	if !s.authorized(r) {
		if r.Header.Get("Authorization") != "" {
			wait(r.Context(), refusalDelay) // slows guessing down
		}
		w.Header().Set("WWW-Authenticate", `Basic realm="jsonrpc"`)
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	select {
	case s.requests <- struct{}{}:
	case <-r.Context().Done():
		return
	}
	text, ok := s.body(w, r)
	if !ok {
		<-s.requests
		return
	}
	v, err := jsonrpc.Parse(string(text))
	<-s.requests
	req := jsonrpc.NewRequest()
	switch {
	case err != nil:
		s.reply(w, req, nil, jsonrpc.Errorf(jsonrpc.CodeParse, "Parse error"))
	case v.Kind == jsonrpc.Obj && ours(&v):
		s.single(w, r, req, &v)
	case v.Kind == jsonrpc.Array && mixed(&v):
		s.batch(w, r, &v)
	default:
		s.forward(w, r, text)
	}
}

// body reads a request's body. If it cannot be had, that is answered.
func (s *Server) body(w http.ResponseWriter, r *http.Request) (text []byte, ok bool) {
	// In time, or it would keep others from theirs.
	control := http.NewResponseController(w)
	control.SetReadDeadline(time.Now().Add(headTimeout))
	text, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	control.SetReadDeadline(time.Time{})
	switch {
	case err == nil:
		return text, true
	case errors.As(err, new(*http.MaxBytesError)):
		w.WriteHeader(http.StatusRequestEntityTooLarge)
	default:
		w.WriteHeader(http.StatusBadRequest)
	}
	return nil, false
}

// ours reports whether a request calls a method of the network itself.
func ours(v *jsonrpc.Value) bool {
	m := v.Get("method")
	return m.Kind == jsonrpc.String && strings.HasPrefix(m.Text, prefix)
}

// mixed reports whether a batch has a call for the network itself.
func mixed(batch *jsonrpc.Value) bool {
	for i := range batch.Len() {
		if ours(batch.At(i)) {
			return true
		}
	}
	return false
}

// single answers one call for the network itself.
func (s *Server) single(w http.ResponseWriter, r *http.Request, req *jsonrpc.Request, v *jsonrpc.Value) {
	if err := req.Read(v); err != nil {
		s.reply(w, req, nil, asError(err))
		return
	}
	result, after, err := s.call(r.Context(), req)
	if req.IsNotification() {
		w.WriteHeader(http.StatusNoContent)
	} else {
		s.reply(w, req, result, err)
	}
	finish(w, after)
}

// finish sends what was answered and does what comes after it.
func finish(w http.ResponseWriter, after func()) {
	if after != nil {
		http.NewResponseController(w).Flush()
		after()
	}
}

// reply answers one call; the old versions speak of failure in the HTTP status too.
func (s *Server) reply(w http.ResponseWriter, req *jsonrpc.Request, result any, err *jsonrpc.Error) {
	status := http.StatusOK
	if err != nil && !req.V2 {
		switch err.Code {
		case jsonrpc.CodeInvalidRequest:
			status = http.StatusBadRequest
		case jsonrpc.CodeMethodNotFound:
			status = http.StatusNotFound
		default:
			status = http.StatusInternalServerError
		}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(req.AppendReply(nil, result, err), '\n'))
}

// batch answers the calls of a batch in turn, wherever they are for.
func (s *Server) batch(w http.ResponseWriter, r *http.Request, v *jsonrpc.Value) {
	if v.Len() > maxMixed {
		s.reply(w, jsonrpc.NewRequest(), nil, jsonrpc.Errorf(jsonrpc.CodeInvalidRequest,
			"a batch of %d calls, of which some are for the test network itself, may have at most %d", v.Len(), maxMixed))
		return
	}
	var (
		out  = []byte{'['}
		last func()
	)
	for i := range v.Len() {
		if r.Context().Err() != nil {
			return // the client is gone
		}
		var one []byte
		if ours(v.At(i)) {
			req := jsonrpc.NewRequest()
			err := asErrorOrNil(req.Read(v.At(i)))
			var result any
			if err == nil {
				var after func()
				if result, after, err = s.call(r.Context(), req); after != nil {
					last = after
				}
			}
			if !req.IsNotification() {
				one = req.AppendReply(nil, result, err)
			}
		} else {
			one = s.ofNode(r, v.At(i))
		}
		if len(one) == 0 {
			continue
		}
		if len(out) > 1 {
			out = append(out, ',')
		}
		if out = append(out, one...); len(out) > maxBody {
			s.reply(w, jsonrpc.NewRequest(), nil, jsonrpc.Errorf(jsonrpc.CodeMisc, "the answers to this batch are too large; ask in smaller ones"))
			return
		}
	}
	if len(out) == 1 {
		w.WriteHeader(http.StatusNoContent)
	} else {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(append(out, "]\n"...))
	}
	finish(w, last)
}

func asErrorOrNil(err error) *jsonrpc.Error {
	if err == nil {
		return nil
	}
	return asError(err)
}

// ofNode is what node 0 answers to one call of a batch; nothing for a notification.
func (s *Server) ofNode(r *http.Request, v *jsonrpc.Value) []byte {
	if v.Kind != jsonrpc.Obj {
		req := jsonrpc.NewRequest()
		return req.AppendReply(nil, nil, asErrorOrNil(req.Read(v)))
	}
	resp, rpcErr := s.ask(r, jsonrpc.Append(nil, *v))
	var text []byte
	if rpcErr == nil {
		defer resp.Body.Close()
		var err error
		text, err = io.ReadAll(io.LimitReader(resp.Body, maxBody))
		if err == nil && (resp.StatusCode == http.StatusNoContent || len(text) > 0) {
			return bytes.TrimSpace(text)
		}
		rpcErr = noAnswer(err)
	}
	req := jsonrpc.NewRequest()
	_ = req.Read(v) // what could be read says how to answer
	if req.IsNotification() {
		return nil
	}
	return req.AppendReply(nil, nil, rpcErr)
}

// forward answers as node 0 does.
func (s *Server) forward(w http.ResponseWriter, r *http.Request, text []byte) {
	resp, rpcErr := s.ask(r, text)
	if rpcErr != nil {
		req := jsonrpc.NewRequest()
		if v, err := jsonrpc.Parse(string(text)); err == nil {
			_ = req.Read(&v)
		}
		s.reply(w, req, nil, rpcErr)
		return
	}
	defer resp.Body.Close()
	for _, name := range []string{"Content-Type", "Content-Length"} {
		if value := resp.Header.Get(name); value != "" {
			w.Header().Set(name, value)
		}
	}
	w.WriteHeader(resp.StatusCode)
	_, _ = io.Copy(w, resp.Body)
}

// ask sends a body to node 0.
func (s *Server) ask(r *http.Request, text []byte) (*http.Response, *jsonrpc.Error) {
	first := s.cfg.Network.Nodes[0]
	if !first.Alive() {
		return nil, jsonrpc.Errorf(jsonrpc.CodeNotConnected, "node 0, which answers here, does not run")
	}
	req, err := http.NewRequestWithContext(r.Context(), http.MethodPost, "http://"+first.RPCAddress+"/", bytes.NewReader(text))
	if err != nil {
		return nil, noAnswer(err)
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("Authorization", r.Header.Get("Authorization")) // they have the same
	resp, err := s.nodes.RoundTrip(req)
	if err != nil {
		return nil, noAnswer(err)
	}
	return resp, nil
}

func noAnswer(err error) *jsonrpc.Error {
	return jsonrpc.Errorf(jsonrpc.CodeNotConnected, "node 0, which answers here, does not answer: %v", err)
}

// wait waits for d or until ctx ends.
func wait(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-ctx.Done():
	}
}
