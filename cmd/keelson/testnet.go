package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/keelson-chain/keelson/rpc/client"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/testnet/control"
)

// testnetCommand is a row of the table of what follows "keelson testnet", from
// which help, man page and completion come.
type testnetCommand struct {
	name  string
	args  string // how the usage shows what follows the flags
	least int    // how many arguments there must be
	most  int    // and may be; -1: any number
	flags []testnetFlag
	help  string // in a line
	more  string // paragraphs of the command's own help
	// run carries the command out and returns what is to be printed. It is nil
	// for those that call a method.
	run func(context.Context, *testnetCall) error
	// call turns the arguments into a method and its parameters, and show makes
	// text of the result.
	call func(*testnetCall) (method string, params []any, err error)
	show func(*testnetCall, *jsonrpc.Value) string
}

// testnetFlag is a row of the table of a command's flags.
type testnetFlag struct {
	name    string
	arg     string // what its value is called; empty for a switch
	help    string
	choices []string // what completion offers
	files   bool
	dirs    bool
}

// testnetCommon are the flags that all commands take.
var testnetCommon = []testnetFlag{
	{name: "dir", arg: "DIR", dirs: true, help: "the folder of the network (~/.keelson/testnet, or KEELSON_TESTNET)"},
	{name: "json", help: "print JSON, for programs"},
}

// all returns the flags of a command with those that all take.
func (c *testnetCommand) all() []testnetFlag { return append(slices.Clip(c.flags), testnetCommon...) }

func (c *testnetCommand) flag(name string) *testnetFlag {
	all := c.all()
	if i := slices.IndexFunc(all, func(f testnetFlag) bool { return f.name == name }); i >= 0 {
		return &all[i]
	}
	return nil
}

// shown is how help shows the flag.
func (f *testnetFlag) shown() string {
	if f.arg != "" {
		return "--" + f.name + "=" + f.arg
	}
	return "--" + f.name
}

// line is how the command is called.
func (c *testnetCommand) line() string {
	line := "keelson testnet " + c.name
	if len(c.flags) > 0 {
		line += " [FLAGS]"
	}
	return strings.TrimSuffix(line+" "+c.args, " ")
}

// text is the help of one command.
func (c *testnetCommand) text() string {
	var b strings.Builder
	more := c.more
	if more == "" {
		more = capital(c.help) + "."
	}
	fmt.Fprintf(&b, "Usage: %s\n\n%s\n\n", c.line(), strings.TrimSuffix(more, "\n"))
	for _, f := range c.all() {
		fmt.Fprintf(&b, "  %-22s %s\n", f.shown(), f.help)
	}
	return b.String()
}

// testnetText is the help of all of them.
func testnetText() string {
	var b strings.Builder
	b.WriteString(`Usage: keelson testnet COMMAND [FLAGS] [ARGUMENTS]

A local test network: some real nodes on regtest with funded accounts, an explorer, a
faucet, and commands that do to it what a program should be tried against.

`)
	for _, c := range testnetCommands() {
		fmt.Fprintf(&b, "  %-30s%s\n", strings.TrimSuffix(c.name+" "+c.args, " "), c.help)
	}
	b.WriteString(`
"keelson help testnet COMMAND" says more of a command. All find the network by its folder,
--dir=DIR or else KEELSON_TESTNET or ~/.keelson/testnet, and print JSON with --json. The
exit code is 0, 1 if no network could be called, 2 for a wrong call, or the number of the
RPC error.
`)
	return b.String()
}

// lookupTestnet finds a row.
func lookupTestnet(name string) (*testnetCommand, error) {
	for _, c := range testnetCommands() {
		if c.name == name {
			return &c, nil
		}
	}
	return nil, usageError{fmt.Errorf("unknown command %q of testnet; %s", name, `"keelson help testnet" lists them`)}
}

// testnetCall is what the command line asks for.
type testnetCall struct {
	*testnetCommand
	s     streams
	flags map[string]string // value of each flag given; "1" and "0" for switches
	args  []string
	rest  []string // what stands behind --
}

func (c *testnetCall) on(name string) bool { return c.flags[name] == "1" }

// parseTestnet takes the words behind the command's name apart. Flags may stand
// anywhere before "--".
func parseTestnet(row *testnetCommand, words []string) (*testnetCall, error) {
	c := &testnetCall{testnetCommand: row, flags: map[string]string{}}
	wrong := func(format string, args ...any) (*testnetCall, error) {
		return nil, usageError{fmt.Errorf(format, args...)}
	}
	for len(words) > 0 {
		word := words[0]
		words = words[1:]
		if word == "--" {
			c.rest = words
			break
		}
		if len(word) < 2 || word[0] != '-' {
			c.args = append(c.args, word)
			continue
		}
		name, value, hasValue := strings.Cut(strings.TrimPrefix(word[1:], "-"), "=")
		f := row.flag(name)
		switch {
		case f == nil:
			return wrong("testnet %s has no flag --%s; %q lists those that it has", row.name, name, "keelson help testnet "+row.name)
		case f.arg != "" && !hasValue && len(words) == 0:
			return wrong("--%s needs a value", name)
		case f.arg != "" && !hasValue:
			value, words = words[0], words[1:]
		case f.arg == "" && !hasValue:
			value = "1"
		case f.arg == "" && value != "1" && value != "0":
			return wrong("--%s is a switch, 1 or 0, not %q", name, value)
		}
		if _, twice := c.flags[name]; twice {
			return wrong("--%s is given twice", name)
		}
		c.flags[name] = value
	}
	switch n := len(c.args); {
	case c.rest != nil && row.name != "up":
		return wrong("testnet %s takes nothing behind --", row.name)
	case n < row.least:
		return wrong("testnet %s needs more: %s", row.name, row.line())
	case row.most >= 0 && n > row.most:
		return wrong("unexpected argument %q: %s", c.args[row.most], row.line())
	}
	return c, nil
}

// runTestnet is the testnet sub-command.
func runTestnet(ctx context.Context, args []string, s streams) error {
	if len(args) == 0 {
		fmt.Fprint(s.err, testnetText())
		return exitCode(2)
	}
	if args[0] == "help" {
		return runHelp(append([]string{"testnet"}, args[1:]...), s)
	}
	row, err := lookupTestnet(args[0])
	if err != nil {
		return err
	}
	if asksForHelp(args[1:]) {
		return runHelp([]string{"testnet", row.name}, s)
	}
	c, err := parseTestnet(row, args[1:])
	if err != nil {
		return err
	}
	c.s = s
	if row.run != nil {
		return row.run(ctx, c)
	}
	return c.remote(ctx)
}

// dir is the folder of the network.
func (c *testnetCall) dir() (string, error) {
	if dir, given := c.flags["dir"]; given {
		if dir == "" {
			return "", usageError{errors.New("--dir needs the name of a folder")}
		}
		return filepath.Abs(dir)
	}
	if dir := os.Getenv("KEELSON_TESTNET"); dir != "" {
		return filepath.Abs(dir)
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "", fmt.Errorf("no home folder, so --dir must name one: %w", err)
	}
	return filepath.Join(home, ".keelson", "testnet"), nil
}

// remote calls the method of the command on the network that runs.
func (c *testnetCall) remote(ctx context.Context) error {
	method, params, err := c.call(c)
	if err != nil {
		return usageError{err}
	}
	dir, err := c.dir()
	if err != nil {
		return err
	}
	place, err := control.Find(dir)
	if errors.Is(err, control.ErrNone) {
		return fmt.Errorf("%w; \"keelson testnet up\" starts one", err)
	}
	if err != nil {
		return err
	}
	server := client.New(client.Config{Address: place.Address, User: place.User, Password: place.Password})
	defer server.Close()
	result, err := server.Call(ctx, method, params...)
	var rpcErr *jsonrpc.Error
	switch {
	case errors.As(err, &rpcErr):
		fmt.Fprintf(c.s.err, "keelson: %s\n", rpcErr.Message)
		return exitCode(max(int(rpcErr.Code), -int(rpcErr.Code)))
	case errors.Is(err, client.ErrConnection) && ctx.Err() == nil:
		return fmt.Errorf("%w in %s any more: nobody answers at %s", control.ErrNone, dir, place.Address)
	case err != nil:
		return err
	}
	text := ""
	if c.on("json") {
		text = string(jsonrpc.AppendIndent(nil, result, 2))
	} else {
		text = strings.TrimSuffix(c.show(c, &result), "\n")
	}
	if text != "" {
		fmt.Fprintln(c.s.out, text)
	}
	return nil
}
