package rpc

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"time"

	"github.com/keelson-chain/keelson/rpc/jsonrpc"
)

// work is a request's turn at being carried out.
type work struct {
	s     *Server
	ctx   context.Context // ends when the client is gone or the server stops
	user  string
	began time.Time // this turn
	slot  bool      // one of the server's slots is ours
}

// Causes for which a server ends the context of a request.
var errStopping = errors.New("the server is stopping")

// enter waits for one of the slots in which calls are worked on. It returns
// false if too many are waiting already, or nobody waits for the answer.
func (w *work) enter() bool {
	s := w.s
	select {
	case s.slots <- struct{}{}:
		w.slot, w.began = true, time.Now()
		return true
	default:
	}
	defer s.waiting.Add(-1)
	if s.waiting.Add(1) > int64(s.cfg.Queue) {
		s.load.refused.Add(1)
		s.log.Warn().Msg("JSON-RPC call refused because too many are waiting; rpcthreads and rpcworkqueue set the limits")
		return false
	}
	return w.again()
}

// again waits for a slot however many others do. It returns false if nobody
// waits for the answer.
func (w *work) again() bool {
	select {
	case w.s.slots <- struct{}{}:
		w.slot, w.began = true, time.Now()
		return true
	case <-w.ctx.Done():
		return false
	}
}

// leave gives the slot back.
func (w *work) leave() {
	if w.slot {
		w.slot = false
		<-w.s.slots
	}
}

// turn is how long a batch works before it lets others have a turn.
const turn = 50 * time.Millisecond

// yield gives the slot to whoever has waited longest, if anybody waits and this
// turn was long enough, and queues up behind.
func (w *work) yield() {
	if w.slot && w.s.waiting.Load() > 0 && time.Since(w.began) > turn {
		w.leave()
		w.again()
	}
}

// aside runs f without the slot: what only waits must not keep others from
// working. Afterwards the slot is waited for, unless the call has been cancelled.
func (c *call) aside(f func()) {
	held := c.work != nil && c.work.slot
	if held {
		c.work.leave()
	}
	f()
	if held {
		c.work.again()
	}
}

// What is answered with status 503 if the server's memory is in use.
const (
	noMemory       = "Not enough memory is free for a request of this size now"
	noMemoryAnswer = "Not enough memory is free for an answer of this size now"
)

// answer is what a request is answered with.
type answer struct {
	none   bool // the connection is closed instead
	status int
	kind   string   // of the body; empty: JSON, if it looks like it
	pieces [][]byte // of the body, in order
	taken  []int64  // what each of them holds of the budget
	pooled *[]byte  // what the only piece is made of, if it came from the pool
}

// pool has room for small answers.
var pool = sync.Pool{New: func() any { b := make([]byte, 0, 2<<10); return &b }}

const (
	smallSize = 64 << 10  // up to here neither bodies nor answers are counted
	pieceSize = 256 << 10 // of the answers to a batch
)

// one makes an answer of one piece.
func (s *Server) one(ctx context.Context, status int, build func([]byte) []byte) *answer {
	room := pool.Get().(*[]byte)
	a := &answer{status: status, pooled: room}
	piece := append(build((*room)[:0]), '\n')
	if *room = piece; cap(piece) > smallSize {
		a.pooled = nil
	}
	if !s.add(ctx, a, piece) {
		return plainAnswer(http.StatusServiceUnavailable, noMemoryAnswer)
	}
	return a
}

// add adds a piece to an answer, and counts it. It returns false, and adds
// nothing, if there is no memory for it.
func (s *Server) add(ctx context.Context, a *answer, piece []byte) bool {
	var n int64
	if cap(piece) > smallSize {
		n = int64(cap(piece))
		if s.memory.take(ctx, n) != nil {
			return false
		}
	}
	a.pieces, a.taken = append(a.pieces, piece), append(a.taken, n)
	return true
}

// release ends the use of piece i, which has been sent or never will be.
func (s *Server) release(a *answer, i int) {
	if n := a.taken[i]; n > 0 {
		s.memory.give(n)
	}
	a.pieces[i], a.taken[i] = nil, 0
}

// drop releases all that is left of an answer.
func (s *Server) drop(a *answer) {
	for i := range a.pieces {
		s.release(a, i)
	}
	if a.pooled != nil {
		pool.Put(a.pooled)
		a.pooled = nil
	}
}

// execute carries out the request or the batch in body, on a slot if enter
// finds one. The answer must be dropped in the end.
func (w *work) execute(body string, enter func() bool) *answer {
	s := w.s
	// Memory is waited for before there is a slot, and the slot is left before
	// the answer is sent.
	kind, values, err := jsonrpc.Obj, 0, error(nil)
	if len(body) > smallSize || startsArray(body) {
		kind, values, err = jsonrpc.Check(body)
	}
	if n := int64(values) * jsonrpc.ValueBytes; n > smallSize && err == nil {
		if s.memory.take(w.ctx, n) != nil {
			return plainAnswer(http.StatusServiceUnavailable, noMemory)
		}
		defer s.memory.give(n)
	}
	if !enter() {
		if w.ctx.Err() != nil {
			return &answer{none: true}
		}
		return plainAnswer(http.StatusServiceUnavailable, "Work queue depth exceeded")
	}
	defer w.leave()
	req := jsonrpc.NewRequest()
	var v jsonrpc.Value
	if err == nil && kind != jsonrpc.Array {
		v, err = jsonrpc.Parse(body)
		kind = v.Kind
	}
	switch {
	case err != nil:
		return w.failed(req, jsonrpc.Errorf(jsonrpc.CodeParse, "Parse error"))
	case !s.mayCallAny(w.user):
		return &answer{status: http.StatusForbidden}
	case kind == jsonrpc.Obj:
		return w.single(req, &v)
	case kind == jsonrpc.Array:
		return w.batch(body)
	}
	return w.failed(req, jsonrpc.Errorf(jsonrpc.CodeParse, "Top-level object parse error"))
}

// startsArray reports whether a body is an array, if it is anything.
func startsArray(body string) bool {
	for i := range len(body) {
		switch body[i] {
		case ' ', '\t', '\r', '\n':
		default:
			return body[i] == '['
		}
	}
	return false
}

func (w *work) single(req *jsonrpc.Request, v *jsonrpc.Value) *answer {
	if err := req.Read(v); err != nil {
		return w.failed(req, asError(err))
	}
	if !w.s.mayCall(w.user, req.Method) {
		return &answer{status: http.StatusForbidden}
	}
	result, err := w.s.call(w, req)
	switch {
	case err == errUntouched:
		return &answer{none: true}
	case req.IsNotification():
		return &answer{status: http.StatusNoContent}
	case err != nil && !req.V2:
		return w.failed(req, err)
	}
	return w.s.one(w.ctx, http.StatusOK, func(dst []byte) []byte { return req.AppendReply(dst, result, err) })
}

// failed answers a failed call of the old versions, which speak of it in the
// HTTP status too.
func (w *work) failed(req *jsonrpc.Request, err *jsonrpc.Error) *answer {
	status := http.StatusInternalServerError
	switch err.Code {
	case jsonrpc.CodeInvalidRequest:
		status = http.StatusBadRequest
	case jsonrpc.CodeMethodNotFound:
		status = http.StatusNotFound
	}
	return w.s.one(w.ctx, status, func(dst []byte) []byte { return req.AppendReply(dst, nil, err) })
}

// maxBatchReply bounds the answer to a batch in bytes: calls beyond it are
// answered with an error, not left out.
const maxBatchReply = 128 << 20

// batch answers each element, in order. A batch of nothing but notifications
// has no answer; an empty one has an empty answer, because old clients rely on that.
// Elements are parsed one at a time.
func (w *work) batch(body string) *answer {
	if w.s.restricted(w.user) {
		for v := range jsonrpc.Elements(body) {
			name, err := batchMethod(&v)
			switch {
			case err != nil:
				return w.failed(jsonrpc.NewRequest(), err)
			case !w.s.mayCall(w.user, name):
				return &answer{status: http.StatusForbidden}
			}
		}
	}
	a := &answer{status: http.StatusOK}
	piece := append(make([]byte, 0, min(max(len(body), 512), pieceSize)), '[') // a guess
	elements, answered, size := 0, 0, 0
	for v := range jsonrpc.Elements(body) {
		elements++
		w.yield()
		cause := context.Cause(w.ctx)
		if cause != nil && !errors.Is(cause, errStopping) {
			w.s.drop(a) // the client is gone
			return &answer{status: http.StatusNoContent}
		}
		req := jsonrpc.NewRequest()
		var result any
		err := asError(req.Read(&v))
		switch {
		case err != nil:
		case cause != nil:
			err = errShuttingDown
		case size+len(piece) > maxBatchReply:
			err = jsonrpc.Errorf(jsonrpc.CodeMisc, "the answers to this batch are too large; ask in smaller ones")
		default:
			result, err = w.s.call(w, req)
		}
		if req.IsNotification() {
			continue
		}
		if answered++; answered > 1 {
			piece = append(piece, ',')
		}
		piece = req.AppendReply(piece, result, err)
		if len(piece) >= pieceSize {
			size += len(piece)
			if !w.s.add(w.ctx, a, piece) {
				w.s.drop(a)
				return plainAnswer(http.StatusServiceUnavailable, noMemoryAnswer)
			}
			piece = make([]byte, 0, pieceSize+smallSize)
		}
	}
	if answered == 0 && elements > 0 {
		return &answer{status: http.StatusNoContent}
	}
	a.pieces, a.taken = append(a.pieces, append(piece, "]\n"...)), append(a.taken, 0)
	return a
}

// plainAnswer is an answer that is no JSON.
func plainAnswer(status int, text string) *answer {
	return &answer{status: status, pieces: [][]byte{[]byte(text)}, taken: []int64{0}}
}
