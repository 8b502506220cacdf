package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/keelson-chain/keelson/config"
	"github.com/keelson-chain/keelson/testnet"
)

// subcommand is a row of the table of sub-commands, from which usage, help,
// man page and completion come.
type subcommand struct {
	name     string
	args     string // how the usage shows what follows the settings
	settings bool   // it takes the settings of the node
	hidden   bool   // from people
	help     string // in a line
	more     string // paragraphs of the command's own help
	run      func(args []string, s streams) error
}

// subcommands returns the table.
func subcommands() []subcommand {
	return []subcommand{
		{name: "node", settings: true, run: underSignals(runNode),
			help: "run a node until it is told to stop",
			more: "Runs a node until it is told to stop: by Ctrl-C, by SIGTERM, or by \"keelson cli stop\".\n" +
				"A second signal ends it at once, which costs it a moment at the next start."},
		{name: "import", args: "FILE", settings: true, run: underSignals(runImport),
			help: "add the blocks of a chain file, a bootstrap.dat or a folder of blk*.dat",
			more: "Adds the blocks of a file or folder to the chain of a node that is not running. Every\n" +
				"rule is checked. An import that was interrupted goes on when it is called again."},
		{name: "cli", args: "[FLAGS] METHOD [ARGUMENTS]", run: func(args []string, s streams) error {
			if code := runCLI(args, s.in, s.out, s.err); code != 0 {
				return exitCode(code)
			}
			return nil
		},
			help: "call a running node; takes bitcoin-cli's flags"},
		{name: "testnet", args: "COMMAND [FLAGS] [ARGUMENTS]", run: underSignals(runTestnet),
			help: "run a local test network, and do things to it"},
		{name: "completion", args: "bash|zsh|fish", run: runCompletion,
			help: "print a script that completes commands, settings and methods in a shell",
			more: completionHelp},
		{name: "man", run: runMan,
			help: "print the manual page",
			more: "Prints the manual page keelson(1): keelson man | man -l -"},
		{name: "version", run: func(_ []string, s streams) error { fmt.Fprintln(s.out, versionText()); return nil },
			help: "print version and commit"},
		{name: "help", args: "[COMMAND]", run: runHelp,
			help: "print this text, or the help of a command"},
		{name: completeCommand, hidden: true, run: runComplete},
		{name: testnet.NodeCommand, hidden: true, run: underSignals(runTestnetNode)},
	}
}

// lookup finds a row by its name, or by a flag that means one.
func lookup(name string) (*subcommand, error) {
	switch name {
	case "--version", "-version":
		name = "version"
	case "--help", "-help", "-h":
		name = "help"
	}
	for _, c := range subcommands() {
		if c.name == name {
			return &c, nil
		}
	}
	return nil, usageError{fmt.Errorf("unknown command %q; %s", name, `"keelson help" lists them`)}
}

// usage is the text of the command as a whole.
func usage() string {
	var b strings.Builder
	b.WriteString("Keelson, a proof-of-work full node.\n\nUsage: keelson COMMAND [SETTINGS] [ARGUMENTS]\n\n")
	for _, c := range subcommands() {
		if !c.hidden {
			name := c.name
			if c.name == "import" || c.name == "completion" || c.name == "help" {
				name += " " + c.args
			}
			fmt.Fprintf(&b, "  %-26s%s\n", name, c.help)
		}
	}
	b.WriteString("\n\"keelson help COMMAND\" says more of a command; of \"node\", all the settings, which \"import\" takes as well.\n")
	return b.String()
}

// line is how the command is called.
func (c *subcommand) line() string {
	line := "keelson " + c.name
	if c.settings {
		line += " [SETTINGS]"
	}
	return strings.TrimSuffix(line+" "+c.args, " ")
}

// text is the help of one command.
func (c *subcommand) text() string {
	switch c.name {
	case "cli":
		return cliUsage()
	case "testnet":
		return testnetText()
	}
	more := c.more
	if more == "" {
		more = strings.ToUpper(c.help[:1]) + c.help[1:] + "."
	}
	text := "Usage: " + c.line() + "\n\n" + strings.TrimSuffix(more, "\n") + "\n"
	if c.settings {
		text += "\n" + config.Help()
	}
	return text
}

// runHelp prints the usage, or the help of the command that is named.
func runHelp(args []string, s streams) error {
	if len(args) == 0 {
		fmt.Fprint(s.out, usage())
		return nil
	}
	c, err := lookup(args[0])
	if err != nil {
		return err
	}
	if c.name == "testnet" && len(args) > 1 {
		row, err := lookupTestnet(args[1])
		if err != nil {
			return err
		}
		fmt.Fprint(s.out, row.text())
		return nil
	}
	fmt.Fprint(s.out, c.text())
	return nil
}

// asksForHelp reports whether the arguments of a command without settings ask
// for its help.
func asksForHelp(args []string) bool {
	return len(args) > 0 && (args[0] == "--help" || args[0] == "-help" || args[0] == "-h")
}

// underSignals adapts a command that runs until it is done or told to stop.
func underSignals(f func(ctx context.Context, args []string, s streams) error) func([]string, streams) error {
	return func(args []string, s streams) error {
		return withSignals(func(ctx context.Context) error { return f(ctx, args, s) })
	}
}
