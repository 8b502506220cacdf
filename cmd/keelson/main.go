// Command keelson is the Keelson full node and the tools that go with it.
//
// Each sub-command stands in a file of its own; see `keelson help`.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	os.Exit(run(os.Args[1:], streams{os.Stdin, os.Stdout, os.Stderr}))
}

// streams are the standard streams of a call.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// run is main with its surroundings as arguments. It returns the exit code: 0,
// 1 for a failure, 2 for a wrong call; cli has the codes of bitcoin-cli.
func run(args []string, s streams) int {
	if len(args) == 0 {
		fmt.Fprint(s.err, usage())
		return 2
	}
	c, err := lookup(args[0])
	switch {
	case err != nil:
	case c.name != "cli" && !c.settings && asksForHelp(args[1:]): // those read flags of their own
		err = runHelp([]string{c.name}, s)
	default:
		err = c.run(args[1:], s)
	}
	var code exitCode
	switch {
	case err == nil:
		return 0
	case errors.As(err, &code):
		return int(code)
	}
	fmt.Fprintf(s.err, "keelson: %v\n", err)
	if errors.As(err, new(usageError)) {
		return 2
	}
	return 1
}

// exitCode ends a command that has said all there is to say.
type exitCode int

func (c exitCode) Error() string { return fmt.Sprintf("exit code %d", int(c)) }

// usageError is a wrong call of the command, told apart by its exit code.
type usageError struct{ error }

// withSignals runs f with a context that ends at the first SIGINT or SIGTERM.
// A second one ends the process at once, as if it had been killed.
func withSignals(f func(context.Context) error) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	context.AfterFunc(ctx, stop)
	return f(ctx)
}
