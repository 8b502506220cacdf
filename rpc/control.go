package rpc

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/keelson-chain/keelson/rpc/jsonrpc"
)

func controlMethods() []method {
	return []method{
		{
			name: "help", category: "control", run: help,
			help:    "List all methods, or explain one.",
			params:  []param{{names: "command", typ: tString, def: "all commands", hint: true, help: "The method to explain"}},
			results: one(rString("", "The text")),
		},
		{
			name: "stop", category: "control", run: stop,
			help:    "Ask the node to stop in good order.",
			params:  []param{{names: "wait", typ: tNumber, help: "how long to hold the answer back, in milliseconds", hidden: true}},
			results: one(rString("", "'"+stopping+"'")),
		},
		{
			name: "uptime", category: "control", run: uptime,
			help:     "How long the node has been running, by its own clock.",
			results:  one(rNumber("", "Seconds since it was started")),
			examples: []string{""},
		},
		{
			name: "getrpcinfo", category: "control", run: getrpcinfo,
			help: "About the JSON-RPC server itself.",
			results: one(rObject("", "",
				rArray("active_commands", "the calls being carried out", rObject("", "",
					rString("method", "its name"),
					rNumber("duration", "how long it has been running, in microseconds"))),
				rString("logpath", "empty: the log goes to the standard error"))),
			examples: []string{""},
		},
		{
			name: "getmemoryinfo", category: "control", run: getmemoryinfo,
			help: "About memory that is locked, so that secrets in it are never written to disk. The node holds no secrets in locked memory: all numbers are zero.",
			params: []param{may("mode", tString, `"stats"`,
				"what to return\n- \"stats\": numbers\n- \"mallocinfo\": the C library's view of the heap, which this node does not have")},
			results: one(when(`mode "stats"`, rObject("", "",
				rObject("locked", "",
					rNumber("used", "bytes in use"),
					rNumber("free", "bytes available"),
					rNumber("total", "bytes in all"),
					rNumber("locked", "bytes that the system agreed to lock"),
					rNumber("chunks_used", "pieces in use"),
					rNumber("chunks_free", "pieces available"))))),
			examples: []string{""},
		},
		{
			name: "logging", category: "control", run: logging,
			help: "Show, and with arguments first change, what is logged in detail. What is both included and excluded is excluded in the end.\n" +
				"The categories are: " + strings.Join(logCategoryNames, ", ") + ", and \"all\".\n" +
				"Of these, \"rpc\" logs every call; the others are kept and shown without an effect.",
			params: []param{
				{names: "include", typ: tArray, help: "Categories to switch on", inner: []param{{names: "include_category", typ: tString, help: "a category"}}},
				{names: "exclude", typ: tArray, help: "Categories to switch off", inner: []param{{names: "exclude_category", typ: tString, help: "a category"}}},
			},
			results:  one(rMap("", "the categories", rBool("category", "whether it is logged"))),
			examples: []string{`'["all"]' '["http"]'`},
		},
	}
}

func help(c *call) (any, error) {
	if !c.has(0) {
		return helpAll(c.s.methods), nil
	}
	name := c.text(0)
	switch m, ok := c.s.methods[name]; {
	case c.err != nil:
		return nil, c.err
	case ok:
		return m.text(), nil
	}
	return "help: unknown command: " + name, nil
}

const stopping = "Keelson stopping"

// maxStopWait bounds how long stop can hold its answer back: less than a
// stopping server waits for its calls.
const maxStopWait = 4 * time.Second

func stop(c *call) (any, error) {
	wait := time.Duration(c.intOr(0, 32, 0)) * time.Millisecond
	if c.err != nil {
		return nil, c.err
	}
	c.s.log.Info().Str("user", c.user).Msg("stop asked for by JSON-RPC")
	if c.s.cfg.Shutdown != nil {
		c.s.cfg.Shutdown()
	}
	// Not cut short by the stop itself, which would cancel the call's context.
	c.aside(func() { time.Sleep(min(wait, maxStopWait)) })
	return stopping, nil
}

func uptime(c *call) (any, error) {
	return c.s.clock.Now().Unix() - c.s.started, nil
}

func getrpcinfo(c *call) (any, error) {
	c.s.mu.Lock()
	calls := slices.Collect(maps.Keys(c.s.calls))
	c.s.mu.Unlock()
	slices.SortFunc(calls, func(a, b *call) int { return a.start.Compare(b.start) })
	active := make([]jsonrpc.Object, len(calls))
	for i, other := range calls {
		active[i].Add("method", other.method.name)
		active[i].Add("duration", time.Since(other.start).Microseconds())
	}
	var o jsonrpc.Object
	o.Add("active_commands", active)
	o.Add("logpath", "")
	return o, nil
}

func getmemoryinfo(c *call) (any, error) {
	mode := "stats"
	if c.has(0) {
		mode = c.text(0)
	}
	switch mode {
	case "stats":
		var locked jsonrpc.Object
		for _, key := range []string{"used", "free", "total", "locked", "chunks_used", "chunks_free"} {
			locked.Add(key, 0)
		}
		var o jsonrpc.Object
		o.Add("locked", locked)
		return o, nil
	case "mallocinfo":
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "mallocinfo mode not available")
	}
	return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "unknown mode %s", mode)
}

func logging(c *call) (any, error) {
	for i, on := range []bool{true, false} {
		for _, name := range c.texts(i) {
			if !c.s.categories.set(name, on) {
				return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "unknown logging category %s", name)
			}
		}
	}
	var o jsonrpc.Object
	for _, name := range logCategoryNames {
		o.Add(name, c.s.categories.enabled(name))
	}
	return o, nil
}

// testMethods are for test suites.
func testMethods() []method {
	echoed := []param{}
	for i := range 10 {
		echoed = append(echoed, param{names: "arg" + string(rune('0'+i)), typ: tString, anyType: true})
	}
	const echoHelp = "Return the arguments, for tests of clients."
	echoJSON := make([]param, len(echoed))
	copy(echoJSON, echoed)
	for i := range echoJSON {
		echoJSON[i].typ = tNumber // so that a command line reads them as JSON
	}
	anything := []result{{typ: tMore, help: "the arguments, as an array"}}
	return []method{
		{name: "echo", category: "hidden", run: echo, help: echoHelp, params: echoed, results: anything},
		{name: "echojson", category: "hidden", run: echo, help: echoHelp, params: echoJSON, results: anything},
		{
			name: "setmocktime", category: "hidden", run: setmocktime,
			help:    "Stop the node's clock at a time (regtest).",
			params:  []param{need("timestamp", tNumber, "seconds since 1970; 0 lets the clock run again")},
			results: one(rNull()),
		},
		{
			name: "settimeoffset", category: "hidden", run: settimeoffset,
			help:    "Let the node's clock run, at a distance from the machine's (regtest). A clock that setmocktime has stopped runs again.",
			params:  []param{need("seconds", tNumber, "how far ahead of the machine's clock, at most a hundred years; negative: behind")},
			results: one(rNull()),
		},
		{
			name: "mockscheduler", category: "hidden", run: mockscheduler,
			help:    "Move the scheduler of periodic tasks on (regtest). The node has no such tasks yet.",
			params:  []param{need("delta_time", tNumber, "by how many seconds, 1 to 3600")},
			results: one(rNull()),
		},
		{
			name: "syncwithvalidationinterfacequeue", category: "hidden", run: syncwithvalidationinterfacequeue,
			help:     "Wait until everything that depends on the chain has followed it. It always has when a call that changes the chain returns.",
			results:  one(rNull()),
			examples: []string{""},
		},
	}
}

func echo(c *call) (any, error) {
	if v := c.params.At(9); v.Kind == jsonrpc.String && v.Text == "trigger_internal_bug" {
		return nil, errors.New("Internal bug detected: request.params[9].get_str() != \"trigger_internal_bug\"\n" +
			"Keelson v" + c.s.cfg.Version + "\nThis was asked for; there is nothing to report.\n")
	}
	return c.params, nil
}

func setmocktime(c *call) (any, error) {
	if !c.s.regtest() {
		return nil, errors.New("setmocktime is for regression testing (-regtest mode) only")
	}
	seconds := c.int(0, 64)
	if c.err != nil {
		return nil, c.err
	}
	if seconds < 0 || seconds > MaxMockTime {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Mocktime must be in the range [0, %d], not %d.", int64(MaxMockTime), seconds)
	}
	c.s.clock.SetMock(seconds)
	return nil, nil
}

func settimeoffset(c *call) (any, error) {
	if !c.s.regtest() {
		return nil, errors.New("settimeoffset is for regression testing (-regtest mode) only")
	}
	seconds := c.int(0, 64)
	if c.err != nil {
		return nil, c.err
	}
	if err := checkOffset(seconds); err != nil {
		return nil, err
	}
	c.s.clock.SetOffset(time.Duration(seconds) * time.Second)
	c.s.clock.SetMock(0)
	return nil, nil
}

// checkOffset reports what is wrong with an offset of the clock in seconds.
func checkOffset(seconds int64) error {
	if seconds < -MaxTimeOffset || seconds > MaxTimeOffset {
		return jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "The offset must be in the range [%d, %d], not %d.", -MaxTimeOffset, MaxTimeOffset, seconds)
	}
	return nil
}

func mockscheduler(c *call) (any, error) {
	if !c.s.regtest() {
		return nil, errors.New("mockscheduler is for regression testing (-regtest mode) only")
	}
	if seconds := c.int(0, 64); c.err == nil && (seconds <= 0 || seconds > 3600) {
		return nil, errors.New("delta_time must be between 1 and 3600 seconds (1 hr)")
	}
	return nil, c.err
}

func syncwithvalidationinterfacequeue(*call) (any, error) { return nil, nil }

// regtest reports whether the network is the local test network.
func (s *Server) regtest() bool { return s.cfg.Params.Name == "regtest" }
