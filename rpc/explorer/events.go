package explorer

import (
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/keelson-chain/keelson/wire"
)

// The events of /events, in the form of server-sent events: a name, and a JSON
// object as data. A client is told "hello" first, which has the tip.

// blockEvent is a block that was connected: the event "block". "hello" has one for
// the tip.
type blockEvent struct {
	Height uint32    `json:"height"`
	Hash   wire.Hash `json:"hash"`
	Time   uint32    `json:"time"` // of its header, seconds since 1970
	Txs    uint32    `json:"txs"`
}

// txEvent is a change of the pool: the event "tx". It tells of at most maxArrivals new transactions,
// the last one first; it has none where some have left.
type txEvent struct {
	Count int           `json:"count"` // in the pool
	VSize int64         `json:"vsize"` // of all, virtual bytes
	Fees  wire.Amount   `json:"fees"`  // of all, satoshi
	Txs   []arrivalJSON `json:"txs"`
}

type arrivalJSON struct {
	TxID  wire.Hash   `json:"txid"`
	Fee   wire.Amount `json:"fee"`
	VSize int         `json:"vsize"`
}

// reorgEvent is a reorganisation: the event "reorg". The new branch is empty where
// blocks were taken back and none came in their place.
type reorgEvent struct {
	ID    uint64   `json:"id"`
	Fork  blockRef `json:"fork"` // the last block that both branches have
	Old   blockRef `json:"old"`  // the tip before
	New   blockRef `json:"new"`  // the tip after
	Depth int      `json:"depth"`
	Gain  int      `json:"length"` // blocks of the new branch
}

type blockRef struct {
	Height uint32    `json:"height"`
	Hash   wire.Hash `json:"hash"`
}

func ref(r wire.BlockRef) blockRef { return blockRef{r.Height, r.Hash} }

// events hands events to the clients of /events.
type events struct {
	mu      sync.Mutex
	streams map[*stream]struct{}
}

// stream is one of them. Its channel is closed once it has fallen too far behind.
type stream struct{ queue chan []byte }

func newEvents() *events { return &events{streams: map[*stream]struct{}{}} }

// join adds a client, unless there are too many.
func (e *events) join() (*stream, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if len(e.streams) >= maxStreams {
		return nil, false
	}
	s := &stream{queue: make(chan []byte, streamBacklog)}
	e.streams[s] = struct{}{}
	return s, true
}

func (e *events) leave(s *stream) {
	e.mu.Lock()
	defer e.mu.Unlock()
	delete(e.streams, s)
}

// publish tells every client of an event. It never waits: who is too slow is let
// go, and comes back by itself to look at everything anew.
func (e *events) publish(name string, data any) error {
	message, err := encodeEvent(name, data)
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for s := range e.streams {
		select {
		case s.queue <- message:
		default:
			close(s.queue)
			delete(e.streams, s)
		}
	}
	return nil
}

func encodeEvent(name string, data any) ([]byte, error) {
	text, err := json.Marshal(data)
	if err != nil {
		return nil, fmt.Errorf("event %s: %w", name, err)
	}
	return fmt.Appendf(nil, "event: %s\ndata: %s\n\n", name, text), nil
}

// serveEvents sends events until the client goes or the server stops.
func (s *Server) serveEvents(w http.ResponseWriter, r *http.Request) {
	n := s.node.Load()
	stream, ok := n.events.join()
	if !ok {
		w.Header().Set("Retry-After", "10")
		http.Error(w, fmt.Sprintf("%d clients follow this node already; try again later", maxStreams), http.StatusServiceUnavailable)
		return
	}
	defer n.events.leave(stream)
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Accel-Buffering", "no")
	control := http.NewResponseController(w)
	send := func(message []byte) bool {
		_ = control.SetWriteDeadline(time.Now().Add(streamBeat)) // a client that takes nothing is let go
		if _, err := w.Write(message); err != nil {
			return false
		}
		return control.Flush() == nil
	}
	tip := n.Ledger.Tip().Tip
	e, _ := n.Ledger.Entry(tip.Hash)
	hello, err := encodeEvent("hello", blockEvent{tip.Height, tip.Hash, e.Header.Time, e.TxCount})
	if err != nil || r.Method == http.MethodHead || !send(append([]byte("retry: 2000\n\n"), hello...)) {
		return
	}
	beat := time.NewTicker(streamBeat)
	defer beat.Stop()
	for {
		select {
		case message, ok := <-stream.queue:
			if !ok || !send(message) {
				return
			}
		case <-beat.C:
			if !send([]byte(": still here\n\n")) {
				return
			}
		case <-r.Context().Done():
			return
		}
	}
}
