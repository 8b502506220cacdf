package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/rs/zerolog"

	"github.com/keelson-chain/keelson/config"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/testnet"
	"github.com/keelson-chain/keelson/testnet/control"
)

// basePort is the JSON-RPC port of node 0: that of regtest, where tools look
// for it.
const basePort = 18443

func upFlags() []testnetFlag {
	return []testnetFlag{
		{name: "nodes", arg: "N", help: fmt.Sprintf("how many nodes (%d); at most %d", testnet.DefaultNodes, testnet.MaxNodes)},
		{name: "processes", help: "every node in a process of its own, which kill ends with SIGKILL"},
		{name: "accounts", arg: "N", help: fmt.Sprintf("how many accounts (%d); at most %d", testnet.DefaultAccounts, testnet.MaxAccounts)},
		{name: "seed", arg: "TEXT", help: "the BIP 39 mnemonic, or any text, that the keys come from"},
		{name: "mine", arg: "MODE", help: "how blocks come (manual); see above", choices: miningChoices},
		{name: "keep", help: "keep the folder, and go on from what an earlier --keep left there"},
		{name: "lnd", help: "write an lnd.conf for each of two lnds, which you then start"},
		{name: "env", arg: "FILE", files: true, help: "where to write variables for a shell (testnet.env in the folder)"},
		{name: "port", arg: "N", help: fmt.Sprintf("explorer, faucet and control (%d); 0: a free port", control.DefaultPort)},
		{name: "base-port", arg: "N", help: fmt.Sprintf("JSON-RPC of node 0 (%d), those of others 10 higher each; 0: free ports", basePort)},
		{name: "user", arg: "NAME", help: "user for JSON-RPC (" + testnet.DefaultUser + ")"},
		{name: "password", arg: "PASSWORD", help: "password for JSON-RPC (a random one)"},
		{name: "verbose", help: "say on the standard error what the network does"},
	}
}

// testnetUp starts a network and runs it until ctx ends or it is told to stop.
func testnetUp(ctx context.Context, c *testnetCall) error {
	start := time.Now()
	cfg, port, err := c.upConfig()
	if err != nil {
		return err
	}
	if !signal.Ignored(syscall.SIGHUP) { // the terminal has gone
		var stop context.CancelFunc
		ctx, stop = signal.NotifyContext(ctx, syscall.SIGHUP)
		defer stop()
	}
	// A port that is taken is told of before anything is made.
	listener, err := control.Listen(port)
	if errors.Is(err, testnet.ErrInUse) {
		return fmt.Errorf("%w: --port takes another one, 0 for a free one", err)
	}
	if err != nil {
		return err
	}
	kept := false
	if c.on("lnd") && cfg.Keep {
		if kept, err = testnet.Kept(cfg.Dir); err != nil {
			listener.Close()
			return err
		}
	}
	n, err := testnet.Up(ctx, cfg)
	if err != nil {
		listener.Close()
		switch {
		case ctx.Err() != nil:
			return errors.New("interrupted before the network was ready")
		case errors.Is(err, testnet.ErrArgument):
			return usageError{err}
		}
		return err
	}
	ctx, stop := context.WithCancel(ctx)
	defer stop()
	if c.on("lnd") {
		if !kept {
			err = removeLnds(n.Dir()) // of another chain
		}
		if err = errors.Join(err, writeLnds(n)); err != nil {
			listener.Close()
			return errors.Join(err, n.Close())
		}
	}
	server, err := control.New(control.Config{Network: n, Listener: listener, Stop: stop, Log: cfg.Log})
	if err != nil {
		listener.Close()
		return errors.Join(err, n.Close())
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(ctx) }()
	err = c.announce(n, server, time.Since(start))
	if err != nil {
		stop()
	}
	err = errors.Join(err, <-served)
	if !c.on("json") && err == nil {
		fmt.Fprintln(c.s.out, "\nStopping...")
	}
	err = errors.Join(err, n.Close())
	if c.on("lnd") && !cfg.Keep {
		err = errors.Join(err, removeLnds(n.Dir()))
	}
	return err
}

// upConfig makes a Config of the flags, and the port of the control.
func (c *testnetCall) upConfig() (cfg testnet.Config, port uint16, err error) {
	dir, err := c.dir()
	if err != nil {
		return cfg, 0, err
	}
	cfg = testnet.Config{
		Dir: dir, Keep: c.on("keep"), Processes: c.on("processes"),
		Seed: c.flags["seed"], User: c.flags["user"], Password: c.flags["password"],
		Args: c.rest,
		Log:  zerolog.Nop(),
	}
	for _, name := range []string{"seed", "user", "password", "env", "mine"} {
		if value, given := c.flags[name]; given && value == "" {
			return cfg, 0, usageError{fmt.Errorf("--%s needs a value", name)}
		}
	}
	if c.on("verbose") {
		cfg.Log = zerolog.New(zerolog.ConsoleWriter{Out: c.s.err, TimeFormat: time.TimeOnly, NoColor: !isTerminal(c.s.err)}).With().Timestamp().Logger()
	}
	if cfg.Nodes, err = c.count("nodes", testnet.MaxNodes); err != nil {
		return cfg, 0, err
	}
	if cfg.Accounts, err = c.count("accounts", testnet.MaxAccounts); err != nil {
		return cfg, 0, err
	}
	if port, err = c.port("port", control.DefaultPort); err != nil {
		return cfg, 0, err
	}
	if cfg.BasePort, err = c.port("base-port", basePort); err != nil {
		return cfg, 0, err
	}
	if _, given := c.flags["base-port"]; cfg.Keep && !given {
		kept, err := testnet.Kept(dir)
		if err != nil {
			return cfg, 0, err
		}
		if kept {
			cfg.BasePort = 0 // it has its ports
		}
	}
	if _, words, err := config.Load(append([]string{"--network=regtest"}, c.rest...), nil); err != nil || len(words) > 0 {
		if err == nil {
			err = fmt.Errorf("%q is not a setting", words[0])
		}
		return cfg, 0, usageError{fmt.Errorf("settings of the nodes: %w", err)}
	}
	shares, given := c.flags["shares"]
	if mode, mines := c.flags["mine"]; mines {
		if cfg.Mining, err = testnet.ParseMining(mode); err != nil {
			return cfg, 0, usageError{err}
		}
	} else if given {
		return cfg, 0, usageError{errors.New("--shares needs --mine=poisson=30s or --mine=hashrate=1000")}
	}
	if cfg.Mining.Shares, err = readShares(shares, given); err != nil {
		return cfg, 0, usageError{err}
	}
	return cfg, port, nil
}

// count reads how many there are to be of something; 0 if that was not said.
func (c *testnetCall) count(name string, most int) (int, error) {
	text, given := c.flags[name]
	if !given {
		return 0, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 1 || n > most {
		return 0, usageError{fmt.Errorf("--%s must be a number from 1 to %d, not %q", name, most, text)}
	}
	return n, nil
}

func (c *testnetCall) port(name string, def uint16) (uint16, error) {
	text, given := c.flags[name]
	if !given {
		return def, nil
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < 0 || n > math.MaxUint16 {
		return 0, usageError{fmt.Errorf("--%s must be a port from 0 to %d, not %q", name, math.MaxUint16, text)}
	}
	return uint16(n), nil
}

// announce writes the variables and tells where everything is.
func (c *testnetCall) announce(n *testnet.Network, server *control.Server, took time.Duration) error {
	env := c.flags["env"]
	if env == "" {
		env = filepath.Join(n.Dir(), "testnet.env")
	}
	if err := os.WriteFile(env, []byte(server.Env()), 0o600); err != nil {
		return fmt.Errorf("--env: %w", err)
	}
	if c.on("json") {
		all := server.Endpoints(env)
		if c.on("lnd") {
			all = append(all, jsonrpc.Member{Key: "lnd", Value: lndEndpoints(n.Dir())})
		}
		_, err := fmt.Fprintf(c.s.out, "%s\n", jsonrpc.Append(nil, all))
		return err
	}
	_, err := fmt.Fprint(c.s.out, c.banner(n, server, env, took))
	return err
}

// banner is what a person is told of a network that is ready.
func (c *testnetCall) banner(n *testnet.Network, server *control.Server, env string, took time.Duration) string {
	bold, plain := "", ""
	if isTerminal(c.s.out) && os.Getenv("NO_COLOR") == "" {
		bold, plain = "\x1b[1m", "\x1b[0m"
	}
	var b strings.Builder
	title := func(text string) { fmt.Fprintf(&b, "\n%s%s%s\n", bold, text, plain) }
	fmt.Fprintf(&b, "%sKeelson testnet%s: %s on regtest, ready in %.1f s\n", bold, plain, plural(len(n.Nodes), "node"), took.Seconds())

	title("Accounts, with coins of 50 that can be spent")
	for i, a := range n.Accounts {
		fmt.Fprintf(&b, "  %2d  %s  %s\n", i, a.Address, a.WIF)
	}
	fmt.Fprintf(&b, "  Seed        %s\n", n.Seed())
	fmt.Fprintf(&b, "  Path        m/84'/1'/0'/0/i\n")
	fmt.Fprintf(&b, "  Descriptor  %s\n", n.Descriptor(true))

	user, password := n.Credentials()
	title("Endpoints")
	fmt.Fprintf(&b, "  Explorer    %s  (with a faucet)\n", server.URL("/"))
	fmt.Fprintf(&b, "  Esplora     %s\n", server.URL("/api"))
	fmt.Fprintf(&b, "  Control     %s  (JSON-RPC: testnet_help, and node 0)\n", server.URL("/"))
	for _, node := range n.Nodes {
		fmt.Fprintf(&b, "  %-10s  http://%s  peers at %s\n", fmt.Sprintf("Node %d", node.ID), node.RPCAddress, node.P2PAddress)
	}
	fmt.Fprintf(&b, "  User        %s\n  Password    %s\n", user, password)
	if c.on("keep") {
		fmt.Fprintf(&b, "  Folder      %s\n", n.Dir())
	} else {
		fmt.Fprintf(&b, "  Folder      %s  (emptied at the end; --keep keeps it)\n", n.Dir())
	}

	if c.on("lnd") {
		title("Lightning: an lnd in a terminal of its own, and one to call them from")
		for _, l := range lnds(n.Dir()) {
			fmt.Fprintf(&b, "  %s\n", l.start())
		}
		for _, l := range lnds(n.Dir()) {
			fmt.Fprintf(&b, "  alias %s='%s'\n", l.name, strings.ReplaceAll(strings.TrimSpace(l.lncli("")), "'", `'\''`))
		}
	}

	title("Try this in another terminal")
	for _, line := range []string{
		"source " + quoteIfNeeded(env),
		"keelson testnet status",
		"keelson testnet fund " + n.Accounts[0].Address + " 1.5",
		"keelson testnet mine",
		"keelson testnet reorg 1 2",
		"keelson cli getblockchaininfo",
	} {
		fmt.Fprintf(&b, "  %s\n", line)
	}
	fmt.Fprintf(&b, "\nMining: %s. Ctrl-C stops the network.\n", c.miningText())
	return b.String()
}

// miningText says how blocks come.
func (c *testnetCall) miningText() string {
	if mode := c.flags["mine"]; mode != "" && mode != "manual" {
		return mode
	}
	return "manual (keelson testnet mine)"
}

// quoteIfNeeded shows a name as a shell takes it.
func quoteIfNeeded(name string) string {
	if strings.ContainsAny(name, " \t\n'\"\\$`&|;<>()*?[]#~!") {
		return "'" + strings.ReplaceAll(name, "'", `'\''`) + "'"
	}
	return name
}
