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

const usage = `Keelson, a proof-of-work full node.

Usage: keelson COMMAND [SETTINGS] [ARGUMENTS]

  node             run a node until it is told to stop
  import FILE      add the blocks of a chain file, a bootstrap.dat or a folder of blk*.dat
  cli METHOD ...   call a running node; takes bitcoin-cli's flags
  version          print version and commit
  help             print this text

"keelson node --help" lists the settings, which "import" takes as well.
`

func main() {
	os.Exit(run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is main with its surroundings as arguments. It returns the exit code: 0,
// 1 for a failure, 2 for a wrong call; cli has the codes of bitcoin-cli.
func run(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	if len(args) == 0 {
		fmt.Fprint(stderr, usage)
		return 2
	}
	command, args := args[0], args[1:]
	var err error
	switch command {
	case "node":
		err = withSignals(func(ctx context.Context) error { return runNode(ctx, args, stdout) })
	case "import":
		err = withSignals(func(ctx context.Context) error { return runImport(ctx, args, stdout) })
	case "cli":
		return runCLI(args, stdin, stdout, stderr)
	case "version", "--version", "-version":
		fmt.Fprintln(stdout, versionText())
	case "help", "--help", "-help", "-h":
		fmt.Fprint(stdout, usage)
	default:
		err = usageError{fmt.Errorf("unknown command %q; %s", command, `"keelson help" lists them`)}
	}
	if err == nil {
		return 0
	}
	fmt.Fprintf(stderr, "keelson: %v\n", err)
	if errors.As(err, new(usageError)) {
		return 2
	}
	return 1
}

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
