package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/keelson-chain/keelson/config"
	"github.com/keelson-chain/keelson/rpc"
	"github.com/keelson-chain/keelson/rpc/client"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
)

// cliCall is what the command line asks for.
type cliCall struct {
	flags map[string]string // value of each flag given; "1" and "0" for switches
	args  []string
}

func (c *cliCall) on(name string) bool { return c.flags[name] == "1" }

// parseCLI takes the command line apart: the flags end at the first argument
// that is not one.
func parseCLI(args []string) (*cliCall, error) {
	c := &cliCall{flags: map[string]string{}}
	for len(args) > 0 && len(args[0]) > 1 && args[0][0] == '-' {
		arg := args[0]
		args = args[1:]
		name, value, hasValue := strings.Cut(strings.TrimPrefix(arg[1:], "-"), "=")
		flag, known := cliFlagNamed(name)
		if negated, isNo := strings.CutPrefix(name, "no"); !known && isNo && !hasValue {
			flag, known = cliFlagNamed(negated)
			if known = known && !flag.takesValue(); known {
				name, value, hasValue = negated, "0", true
			}
		}
		switch {
		case !known:
			return nil, fmt.Errorf("Error parsing command line arguments: Invalid parameter %s", arg)
		case flag.takesValue() && !hasValue && len(args) > 0:
			value, args = args[0], args[1:]
		case flag.takesValue() && !hasValue:
			return nil, fmt.Errorf("Error parsing command line arguments: %s needs a value", arg)
		case !flag.takesValue() && (!hasValue || value == ""):
			value = "1"
		case !flag.takesValue() && value != "1" && value != "0":
			return nil, fmt.Errorf("Error parsing command line arguments: %s is a switch, 1 or 0", arg)
		}
		c.flags[name] = value
	}
	c.args = args
	return c, nil
}

// runCLI is the cli sub-command. It prints what bitcoin-cli prints and returns
// its exit code.
func runCLI(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	call, err := parseCLI(args)
	if err != nil {
		fmt.Fprintln(stderr, err)
		return 1
	}
	switch {
	case call.on("version"):
		fmt.Fprintln(stdout, versionText())
		return 0
	case call.on("help"), call.on("h"), call.on("?"):
		fmt.Fprint(stdout, cliUsage())
		return 0
	case len(args) == 0:
		fmt.Fprint(stdout, cliUsage())
		fmt.Fprintln(stderr, "Error: too few parameters")
		return 1
	}
	text, err := call.run(bufio.NewReader(stdin), isTerminal(stdout))
	var rpcErr *jsonrpc.Error
	switch {
	case errors.As(err, &rpcErr):
		fmt.Fprintf(stderr, "error code: %d\nerror message:\n%s\n", rpcErr.Code, rpcErr.Message)
		return max(int(rpcErr.Code), -int(rpcErr.Code))
	case err != nil:
		fmt.Fprintf(stderr, "error: %v\n", err)
		return 1
	}
	if text != "" {
		fmt.Fprintln(stdout, text)
	}
	return 0
}

// run carries the call out and returns what is to be printed.
func (c *cliCall) run(stdin *bufio.Reader, terminal bool) (string, error) {
	target, err := c.target(stdin)
	if err != nil {
		return "", err
	}
	defer target.Close()
	if c.on("getinfo") {
		if len(c.args) > 0 {
			return "", errors.New("-getinfo takes no arguments")
		}
		color := c.flags["color"]
		switch color {
		case "", "auto", "always", "never":
		default:
			return "", errors.New("Invalid value for -color option. Valid values: always, auto, never.")
		}
		var text string
		err := target.wait(c, func(ctx context.Context) (err error) {
			text, err = getInfo(ctx, target.Client, color == "always" || color != "never" && terminal)
			return err
		})
		return text, err
	}

	if c.on("netinfo") {
		level, err := netInfoLevel(c.args)
		if err != nil {
			return "", err
		}
		var text string
		err = target.wait(c, func(ctx context.Context) (err error) {
			text, err = netInfo(ctx, target.Client, level, time.Now())
			return err
		})
		return text, err
	}

	args := c.args
	if c.on("stdin") {
		for line, err := readLine(stdin); err == nil; line, err = readLine(stdin) {
			args = append(args, line)
		}
	}
	if len(args) == 0 {
		return "", errors.New("too few parameters (need at least command)")
	}
	method := args[0]
	params, err := convert(method, args[1:], c.on("named"))
	if err != nil {
		return "", err
	}
	var result jsonrpc.Value
	err = target.wait(c, func(ctx context.Context) (err error) {
		result, err = target.CallParams(ctx, method, params)
		return err
	})
	switch {
	case err != nil || result.IsNull():
		return "", err
	case result.Kind == jsonrpc.String:
		return result.Text, nil
	}
	return string(jsonrpc.AppendIndent(nil, result, 2)), nil
}

// readLine reads a line without its end; the last one need not have one.
func readLine(r *bufio.Reader) (string, error) {
	line, err := r.ReadString('\n')
	if err == io.EOF && line != "" {
		err = nil
	}
	return strings.TrimRight(line, "\r\n"), err
}

// convert turns arguments into parameters. Those that are not strings, by the
// server's own table of methods, are read as JSON.
func convert(method string, args []string, named bool) (jsonrpc.Value, error) {
	read := func(text string, position int, name string) (jsonrpc.Value, error) {
		if !rpc.Convertible(method, position, name) {
			return jsonrpc.NewString(text), nil
		}
		v, err := jsonrpc.Parse(text)
		if err != nil {
			return v, fmt.Errorf("Error parsing JSON: %s", text)
		}
		return v, nil
	}
	var positional []jsonrpc.Value
	object := jsonrpc.Value{Kind: jsonrpc.Obj}
	for _, arg := range args {
		name, text, hasName := strings.Cut(arg, "=")
		if !named || !hasName {
			v, err := read(arg, len(positional), "")
			if err != nil {
				return v, err
			}
			positional = append(positional, v)
			continue
		}
		v, err := read(text, 0, name)
		if err != nil {
			return v, err
		}
		object.SetMember(name, v)
	}
	list := jsonrpc.NewArray(positional...)
	if !named {
		return list, nil
	}
	if _, explicit := object.Lookup("args"); len(positional) > 0 && !explicit {
		object.SetMember("args", list)
	}
	return object, nil
}

// target is the server to call.
type target struct {
	*client.Client
	address string
	file    string // the settings file
	cookie  bool   // the credentials are those of a cookie file
}

// target finds out whom to call, from the flags and from the settings of the
// node.
func (c *cliCall) target(stdin *bufio.Reader) (*target, error) {
	if c.on("stdinrpcpass") {
		password, err := readLine(stdin)
		if err != nil {
			return nil, errors.New("-stdinrpcpass specified but failed to read from standard input")
		}
		c.flags["rpcpassword"] = password
	}
	var settings []string
	if c.on("regtest") && c.on("testnet") || (c.on("regtest") || c.on("testnet")) && c.flags["chain"] != "" {
		return nil, errors.New("Invalid combination of -regtest, -testnet and -chain. Can use at most one.")
	}
	switch {
	case c.on("regtest"):
		settings = append(settings, "--network=regtest")
	case c.on("testnet"):
		settings = append(settings, "--network=test")
	}
	if dir := c.flags["datadir"]; dir != "" {
		if info, err := os.Stat(dir); err != nil || !info.IsDir() {
			return nil, fmt.Errorf("Specified data directory %q does not exist.", dir)
		}
	}
	if file := c.flags["conf"]; file != "" {
		if !filepath.IsAbs(file) {
			file = filepath.Join(c.flags["datadir"], file)
		}
		settings = append(settings, "--config="+file)
	}
	for i := range cliFlags {
		name, flag := cliFlags[i].name, &cliFlags[i]
		if value, given := c.flags[name]; given && flag.setting != "" {
			if name == "chain" && value == "" || name == "rpcpassword" && value == "" {
				continue
			}
			settings = append(settings, "--"+flag.setting+"="+value)
		}
	}
	cfg, _, err := config.Load(settings, os.Environ())
	if err != nil {
		return nil, fmt.Errorf("Error reading configuration: %w", err)
	}

	host, port := c.flags["rpcconnect"], strconv.Itoa(int(cfg.RPC.Port))
	if host == "" {
		host = "127.0.0.1"
	}
	if h, p, err := net.SplitHostPort(host); err == nil {
		host = h
		if c.flags["rpcport"] == "" {
			port = p
		}
	}
	timeout, err := c.seconds("rpcclienttimeout", 900)
	if err != nil {
		return nil, err
	}
	address := net.JoinHostPort(strings.Trim(host, "[]"), port)
	return &target{
		Client: client.New(client.Config{
			Address:    address,
			User:       cfg.RPC.User,
			Password:   cfg.RPC.Password,
			CookieFile: cfg.RPC.CookieFile,
			Timeout:    timeout,
		}),
		address: address,
		file:    cfg.File,
		cookie:  cfg.RPC.Password == "",
	}, nil
}

// seconds reads a flag that is a duration.
func (c *cliCall) seconds(name string, def int64) (time.Duration, error) {
	text, given := c.flags[name]
	if !given {
		return time.Duration(def) * time.Second, nil
	}
	n, err := strconv.ParseInt(text, 10, 32)
	if err != nil || n < 0 {
		return 0, fmt.Errorf("-%s=%s is not a number of seconds", name, text)
	}
	return time.Duration(n) * time.Second, nil
}

const (
	// waitStep is how long -rpcwait waits before it tries again.
	waitStep = 200 * time.Millisecond
	// cookieTries is how often it tries again for want of a good cookie.
	cookieTries = 10
)

// wait makes a call, again and again with -rpcwait while the node cannot be
// reached or is starting, and puts failures in bitcoin-cli's words.
func (t *target) wait(c *cliCall, call func(context.Context) error) error {
	patience, err := c.seconds("rpcwaittimeout", 0)
	if err != nil {
		return err
	}
	deadline := time.Now().Add(patience)
	for tries := 0; ; tries++ {
		err := call(context.Background())
		var rpcErr *jsonrpc.Error
		starting := errors.As(err, &rpcErr) && rpcErr.Code == jsonrpc.CodeInWarmup
		// A node that starts writes a new cookie, perhaps just after the old one
		// was read.
		stale := t.cookie && tries < cookieTries && (errors.Is(err, client.ErrNoCookie) || errors.Is(err, client.ErrUnauthorized))
		if c.on("rpcwait") && (starting || stale || errors.Is(err, client.ErrConnection)) && (patience == 0 || time.Now().Before(deadline)) {
			time.Sleep(waitStep)
			continue
		}
		if starting && c.on("rpcwait") {
			return errors.New("timeout on transient error: server in warmup")
		}
		return t.explain(err)
	}
}

func (t *target) explain(err error) error {
	var status *client.StatusError
	switch {
	case errors.Is(err, client.ErrConnection):
		return fmt.Errorf("timeout on transient error: Could not connect to the server %s\n\n"+
			"Make sure that the node runs and that this is its RPC port.\n"+
			"Use \"keelson cli -help\" for more info.", t.address)
	case errors.Is(err, client.ErrNoCookie):
		return fmt.Errorf("Could not locate RPC credentials. No authentication cookie could be found, and RPC password is not set.  "+
			"See -rpcpassword and -stdinrpcpass.  Configuration file: (%s)", t.file)
	case errors.Is(err, client.ErrUnauthorized):
		return errors.New("Authorization failed: Incorrect rpcuser or rpcpassword")
	case errors.As(err, &status) && status.Status == 503:
		return fmt.Errorf("Server response: %s", status.Body)
	case errors.As(err, &status) && status.Status >= 400:
		return fmt.Errorf("server returned HTTP error %d", status.Status)
	case errors.As(err, &status):
		return errors.New("no response from server")
	case errors.Is(err, client.ErrReply):
		return errors.New("couldn't parse reply from server")
	}
	return err
}
