package esplora

import (
	"context"
	"errors"
	"io"
	"net/http"
	"path"
	"strconv"
	"strings"

	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
)

// What a Handler takes of the machine.
const (
	// maxBody is how long the body of a request may be, in bytes (electrs's).
	maxBody = 1_000_000
	// maxWorking is how many requests are answered at the same time; the others
	// wait as long as their clients do.
	maxWorking = 16
	// immutable is for how long what a block's hash names may be kept, in seconds
	// (electrs's: five years). Everything else is asked for anew each time, where
	// electrs lets clients keep it for ten seconds: who makes blocks on request
	// wants to see them.
	immutable = 157_784_630
)

// answer is what a request is answered with.
type answer struct {
	kind string // the Content-Type
	body []byte
	keep bool // it never changes
}

const (
	kindText   = "text/plain"
	kindJSON   = "application/json"
	kindBinary = "application/octet-stream"
)

func textAnswer(text string) (answer, error) {
	return answer{kind: kindText, body: []byte(text)}, nil
}

// jsonAnswer answers with what a View has returned.
func jsonAnswer[T any](value T, err error) (answer, error) {
	if err != nil {
		return answer{}, err
	}
	body, err := encode(value)
	return answer{kind: kindJSON, body: body}, err
}

// forever marks the answer as one that never changes.
func forever(a answer, err error) (answer, error) {
	a.keep = true
	return a, err
}

// handler serves a View.
type handler struct {
	v     *View
	slots chan struct{} // one for each request that is being answered
}

// Handler serves the view as Esplora's REST interface, for paths below where it is
// mounted: "/blocks/tip/hash". The whole is public, so that pages of any origin
// may read it.
func (v *View) Handler() http.Handler {
	h := &handler{v: v, slots: make(chan struct{}, maxWorking)}
	mux, nothing := h.routes(), h.serve(noEndpoint)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The mux would redirect to what it takes for the same, and not know where
		// it is mounted.
		if cleaned := path.Clean("/" + r.URL.Path); cleaned != r.URL.Path && (cleaned == "/" || cleaned+"/" != r.URL.Path) {
			nothing.ServeHTTP(w, r)
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		mux.ServeHTTP(w, r)
	})
}

// noEndpoint refuses a path that is none of Esplora's.
func noEndpoint(r *http.Request) (answer, error) {
	text := r.URL.Path
	if len(text) > 100 {
		text = text[:100] + "…"
	}
	return answer{}, notFound("endpoint does not exist " + strconv.Quote(text))
}

// serve answers requests with what f makes of them.
func (h *handler) serve(f func(r *http.Request) (answer, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var a answer
		var err error
		select {
		case h.slots <- struct{}{}:
			a, err = f(r)
			<-h.slots
		case <-r.Context().Done():
			err = r.Context().Err()
		}
		status, cache := http.StatusOK, "no-cache"
		if err != nil {
			var text string
			status, text = h.refusal(r, err)
			a = answer{kind: kindText, body: []byte(text)}
		}
		if a.keep {
			cache = "public, max-age=" + strconv.Itoa(immutable)
		}
		header := w.Header()
		header.Set("Content-Type", a.kind)
		header.Set("Content-Length", strconv.Itoa(len(a.body)))
		header.Set("Cache-Control", cache)
		header.Set("X-Content-Type-Options", "nosniff")
		header.Set("Access-Control-Allow-Origin", "*")
		w.WriteHeader(status)
		if r.Method != http.MethodHead {
			_, _ = w.Write(a.body) // the client has gone
		}
	})
}

// refusal returns the status and the line that tell a client about an error.
func (h *handler) refusal(r *http.Request, err error) (status int, text string) {
	var tooLong *http.MaxBytesError
	var rejected *jsonrpc.Error
	switch {
	case errors.As(err, &tooLong):
		return http.StatusRequestEntityTooLarge, "Request body too large"
	case errors.As(err, &rejected):
		return http.StatusBadRequest, rejectText(rejected)
	case errors.Is(err, errNoAfter):
		return http.StatusUnprocessableEntity, err.Error()
	case errors.Is(err, ErrBadRequest):
		return http.StatusBadRequest, err.Error()
	case errors.Is(err, ErrNotFound):
		return http.StatusNotFound, err.Error()
	case errors.Is(err, ledger.ErrPruned):
		return http.StatusNotFound, "Block was pruned"
	case errors.Is(err, ledger.ErrNoTxIndex):
		return http.StatusNotImplemented, "transaction index is off: start the node with --txindex"
	case errors.Is(err, ErrNoAddressIndex):
		return http.StatusNotImplemented, "address index is off: start the node with --addressindex"
	case errors.Is(err, errMoving):
		return http.StatusServiceUnavailable, err.Error()
	case r.Context().Err() != nil, errors.Is(err, context.Canceled), errors.Is(err, ledger.ErrClosed):
		return http.StatusServiceUnavailable, "Request was given up"
	}
	h.v.cfg.Log.Error().Err(err).Str("path", r.URL.Path).Msg("esplora: no answer")
	return http.StatusInternalServerError, "Internal server error"
}

// rejectText is how electrs passes on what bitcoind says of a transaction.
func rejectText(e *jsonrpc.Error) string {
	var o jsonrpc.Object
	o.Add("code", int(e.Code))
	o.Add("message", e.Message)
	return "sendrawtransaction RPC error: " + string(jsonrpc.Append(nil, o))
}

// broadcast takes a transaction in hexadecimal and answers with its id.
func (h *handler) broadcast(r *http.Request) (answer, error) {
	if h.v.cfg.Broadcast == nil {
		return answer{}, badRequest("This server takes no transactions")
	}
	body, err := io.ReadAll(r.Body)
	var tooLong *http.MaxBytesError
	if errors.As(err, &tooLong) {
		return answer{}, err
	}
	if err != nil {
		return answer{}, badRequest("Request body broke off")
	}
	txid, err := h.v.cfg.Broadcast(r.Context(), strings.TrimSpace(string(body)))
	if err != nil {
		return answer{}, err
	}
	return textAnswer(txid.String())
}

// preflight answers what browsers ask before they post from another origin.
func preflight(w http.ResponseWriter, _ *http.Request) {
	header := w.Header()
	header.Set("Access-Control-Allow-Origin", "*")
	header.Set("Access-Control-Allow-Methods", "GET, HEAD, POST, OPTIONS")
	header.Set("Access-Control-Allow-Headers", "Content-Type")
	header.Set("Access-Control-Max-Age", "600")
	w.WriteHeader(http.StatusNoContent)
}
