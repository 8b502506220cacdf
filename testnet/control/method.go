package control

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/testnet"
)

// prefix begins the names of the methods that are ours; all others are a node's.
const prefix = "testnet_"

// method is a row of the table.
type method struct {
	name     string // behind the prefix
	help     string // sentences; the first one is the summary
	params   []param
	result   string   // what is returned, as the help shows it
	examples []string // arguments, as on a command line
	run      func(*call) (any, error)
}

// param describes a parameter.
type param struct {
	name     string
	kind     jsonrpc.Kind
	required bool
	def      string // the default, as the help shows it
	help     string
}

// Method is what is known of a method outside.
type Method struct {
	Name    string   // testnet_mine
	Usage   string   // testnet_mine ( blocks node )
	Summary string   // a sentence without its full stop
	Params  []string // their names
}

// Methods lists the methods by their names.
func Methods() []Method {
	var list []Method
	for _, m := range methods() {
		row := Method{Name: prefix + m.name, Usage: m.usage(), Summary: m.summary()}
		for i := range m.params {
			row.Params = append(row.Params, m.params[i].name)
		}
		list = append(list, row)
	}
	slices.SortFunc(list, func(a, b Method) int { return strings.Compare(a.Name, b.Name) })
	return list
}

// call is one call being carried out.
type call struct {
	*Server
	ctx    context.Context
	method *method
	params jsonrpc.Value // positional
	after  func()        // what is done once the answer is sent
	err    error         // the first argument that could not be read; see params.go
}

// call carries out a request of a method of ours.
func (s *Server) call(ctx context.Context, req *jsonrpc.Request) (result any, after func(), rpcErr *jsonrpc.Error) {
	name := strings.TrimPrefix(req.Method, prefix)
	table := methods()
	i := slices.IndexFunc(table, func(m method) bool { return m.name == name })
	if i < 0 {
		return nil, nil, jsonrpc.Errorf(jsonrpc.CodeMethodNotFound, "Method not found: %shelp lists those of the test network", prefix)
	}
	c := &call{Server: s, ctx: ctx, method: &table[i], params: req.Params}
	result, err := c.guarded()
	if err != nil {
		return nil, nil, asError(err)
	}
	return result, c.after, nil
}

// guarded is execute for a server that goes on whatever happens in a method:
// a panic is a mistake of ours, which the log tells about and the caller hears of.
func (c *call) guarded() (result any, err error) {
	defer func() {
		if mistake := recover(); mistake != nil {
			c.cfg.Log.Error().Str("method", c.method.name).Str("stack", string(debug.Stack())).Msgf("mistake in a method: %v", mistake)
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
	return c.method.run(c)
}

// asError gives an error a code: that of a bad argument, the one that a node gave
// it, or the one for everything else.
func asError(err error) *jsonrpc.Error {
	if e, ok := err.(*jsonrpc.Error); ok { //nolint:errorlint // a wrapped one is told of with what it is wrapped in
		return e
	}
	var e *jsonrpc.Error
	code := jsonrpc.CodeMisc
	switch {
	case errors.Is(err, testnet.ErrArgument), errors.Is(err, testnet.ErrNoSnapshot):
		code = jsonrpc.CodeInvalidParameter
	case errors.Is(err, testnet.ErrClosed), errors.Is(err, context.Canceled):
		return jsonrpc.Errorf(jsonrpc.CodeNotConnected, "The test network is stopping")
	case errors.As(err, &e):
		code = e.Code
	}
	return jsonrpc.Errorf(code, "%s", strings.ReplaceAll(err.Error(), "\n", "; "))
}

// usage shows how the method is called, optional parameters in ( ).
func (m *method) usage() string {
	line := prefix + m.name
	optional := false
	for i := range m.params {
		p := &m.params[i]
		if !p.required && !optional {
			line += " ("
			optional = true
		}
		line += " " + p.sample()
	}
	if optional {
		line += " )"
	}
	return line
}

// sample shows a value of the parameter's type.
func (p *param) sample() string {
	switch p.kind {
	case jsonrpc.String:
		return `"` + p.name + `"`
	case jsonrpc.Array:
		return "[" + p.name + "]"
	}
	return p.name
}

// summary is the first sentence of the help.
func (m *method) summary() string {
	text, _, _ := strings.Cut(m.help, "\n")
	text, _, _ = strings.Cut(text, ". ")
	return strings.TrimSuffix(text, ".")
}

// text is the whole help of a method.
func (m *method) text() string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s\n\n%s\n", m.usage(), m.help)
	width := 0
	for i := range m.params {
		width = max(width, len(m.params[i].name))
	}
	for i := range m.params {
		if i == 0 {
			b.WriteString("\nArguments:\n")
		}
		p := &m.params[i]
		need := "optional"
		switch {
		case p.required:
			need = "required"
		case p.def != "":
			need += ", default=" + p.def
		}
		text := fmt.Sprintf("(%s, %s) %s", kindName(p.kind), need, p.help)
		text = strings.ReplaceAll(text, "\n", "\n"+strings.Repeat(" ", width+7))
		fmt.Fprintf(&b, "%d. %-*s    %s\n", i+1, width, p.name, text)
	}
	fmt.Fprintf(&b, "\nResult:\n%s\n", m.result)
	for i, args := range m.examples {
		if i == 0 {
			b.WriteString("\nExamples:\n")
		}
		b.WriteString(strings.TrimSuffix("> keelson cli -rpcport=18400 "+prefix+m.name+" "+args, " ") + "\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// kindName names a type for people.
func kindName(k jsonrpc.Kind) string {
	switch k {
	case jsonrpc.Bool:
		return "boolean"
	case jsonrpc.Number:
		return "numeric"
	case jsonrpc.Array:
		return "json array"
	}
	return k.String()
}

// help is the method that explains the others.
func help(c *call) (any, error) {
	table := methods()
	if !c.has(0) {
		slices.SortFunc(table, func(a, b method) int { return strings.Compare(a.name, b.name) })
		var lines []string
		for i := range table {
			lines = append(lines, table[i].usage())
		}
		return "== Test network ==\n" + strings.Join(lines, "\n") + "\n\nAll other methods are those of node 0: see help.", nil
	}
	name := strings.TrimPrefix(c.text(0), prefix)
	if c.err != nil {
		return nil, c.err
	}
	for i := range table {
		if table[i].name == name {
			return table[i].text(), nil
		}
	}
	return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "help: unknown method %q; %shelp lists them", c.text(0), prefix)
}
