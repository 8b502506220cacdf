package rpc

import (
	"context"
	"errors"
	"runtime/debug"
	"strings"
	"time"

	"github.com/keelson-chain/keelson/rpc/jsonrpc"
)

// typ is the type of a parameter or result, as help names it.
type typ uint8

const (
	tString typ = iota
	tHex        // a string of hexadecimal digits
	tNumber
	tTime   // a number of seconds since 1970
	tAmount // a number of coins
	tBool
	tObject
	tMap // an object whose members' names are data
	tArray
	tFixed // an array of a fixed number of elements
	tNull
	tMore // results: "..." and what it stands for
)

// param describes a parameter, or an element of one.
type param struct {
	names    string // several, the first one preferred, are separated by |
	typ      typ
	required bool
	def      string // the default as JSON; or, with hint, what it is in words
	hint     bool
	help     string
	inner    []param // of an array or object
	oneLine  string  // how the first line of the help shows it, if not by its name
	anyType  bool    // the handler checks the type
	typeText string  // what the help calls the type, if not by its name
	hidden   bool    // from the help, with all that follow
}

// name returns the preferred name.
func (p *param) name() string {
	name, _, _ := strings.Cut(p.names, "|")
	return name
}

// result describes what a method returns, or a part of it.
type result struct {
	when     string // the condition, where a method returns different things
	key      string // in an object
	typ      typ
	optional bool
	help     string
	inner    []result
}

// method is a row of the table.
type method struct {
	name     string
	category string // "hidden": left out of the list of methods
	help     string
	params   []param
	results  []result
	examples []string // arguments, as on a command line
	run      func(*call) (any, error)

	// judges is set for methods that judge transactions. They wait for a node that
	// starts, and for the pool of its last run: wallets, and lnd's sweeper for one, take
	// "not yet", and "missing inputs" of a child whose parent is not back yet, for a word
	// on their transaction, and never send it again.
	judges bool
}

// call is one call being carried out.
type call struct {
	*Node
	ctx    context.Context
	work   *work
	s      *Server
	method *method
	user   string
	start  time.Time
	params jsonrpc.Value // positional
	err    error         // the first argument that could not be read; see params.go
}

// call carries out one request.
func (s *Server) call(w *work, req *jsonrpc.Request) (any, *jsonrpc.Error) {
	ctx, user := w.ctx, w.user
	m, ok := s.methods[req.Method]
	patience := s.cfg.limits.start
	if ok && m.judges {
		patience = s.cfg.limits.judge
	}
	node, status := s.serving(ctx, patience)
	switch {
	case node != nil:
	case ctx.Err() != nil:
		return nil, errUntouched
	default:
		return nil, jsonrpc.Errorf(jsonrpc.CodeInWarmup, "%s", status)
	}
	if !ok {
		s.load.unknown.Add(1)
		return nil, jsonrpc.Errorf(jsonrpc.CodeMethodNotFound, "Method not found")
	}
	c := &call{Node: node, ctx: ctx, work: w, s: s, method: m, user: user, start: time.Now(), params: req.Params}
	if s.categories.enabled("rpc") {
		s.log.Info().Str("method", m.name).Str("user", user).Msg("JSON-RPC call")
	}
	s.mu.Lock()
	s.calls[c] = struct{}{}
	s.mu.Unlock()
	defer func() {
		s.mu.Lock()
		delete(s.calls, c)
		s.mu.Unlock()
	}()
	if m.judges && !c.poolBack() {
		return nil, errUntouched
	}
	result, err := c.guarded()
	s.load.ended(m, c.start, err)
	if err != nil {
		if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
			return nil, errShuttingDown
		}
		return nil, asError(err)
	}
	return result, nil
}

// poolBack waits until what the last run left in the pool is back, or for as long as
// is reasonable. It returns false if nobody waits for the answer, or the server stops.
func (c *call) poolBack() bool {
	if c.Pool == nil || c.Pool.Stats().Loaded {
		return true
	}
	c.aside(func() {
		ctx, cancel := context.WithDeadline(c.ctx, c.s.served.Add(c.s.cfg.limits.judge))
		defer cancel()
		for ctx.Err() == nil {
			changed := c.Pool.Changed()
			if c.Pool.Stats().Loaded {
				return
			}
			select {
			case <-changed:
			case <-ctx.Done():
			}
		}
	})
	return c.ctx.Err() == nil
}

var (
	// errShuttingDown is what calls are answered with that the end of the server
	// cuts short.
	errShuttingDown = jsonrpc.Errorf(jsonrpc.CodeNotConnected, "Shutting down")
	// errUntouched stands for the answer to a call that the end of the server found
	// waiting: nothing was done about it. The connection is closed, as if the call had
	// come a moment later; who tries again then will do so.
	errUntouched = jsonrpc.Errorf(jsonrpc.CodeNotConnected, "Shutting down")
)

// guarded is execute for a server that goes on whatever happens in a method:
// a panic is a mistake of ours, which the log tells about and the caller hears of.
func (c *call) guarded() (result any, err error) {
	defer func() {
		if mistake := recover(); mistake != nil {
			c.s.log.Error().Str("method", c.method.name).Str("stack", string(debug.Stack())).Msgf("mistake in a JSON-RPC method: %v", mistake)
			err = jsonrpc.Errorf(jsonrpc.CodeInternal, "Internal bug detected: %v", mistake)
		}
	}()
	return c.execute()
}

func (c *call) execute() (any, error) {
	if c.params.Kind == jsonrpc.Obj {
		positional, err := c.method.positional(&c.params)
		if err != nil {
			return nil, err
		}
		c.params = positional
	}
	if err := c.method.check(&c.params); err != nil {
		return nil, err
	}
	result, err := c.method.run(c)
	if err == nil {
		err = c.err
	}
	return result, err
}

// asError gives an error that a method returned a code: its own, or the one for
// everything else.
func asError(err error) *jsonrpc.Error {
	if err == nil {
		return nil
	}
	var e *jsonrpc.Error
	if errors.As(err, &e) {
		return e
	}
	return jsonrpc.Errorf(jsonrpc.CodeMisc, "%v", err)
}
