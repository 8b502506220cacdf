package main

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/mempool"
	"github.com/keelson-chain/keelson/mempool/policy"
	"github.com/keelson-chain/keelson/rpc"
	"github.com/keelson-chain/keelson/testnet/procs"
)

// cliServer is a node's JSON-RPC server on an empty regtest ledger.
type cliServer struct {
	dir, port string
	server    *rpc.Server
	ledger    *ledger.Ledger
	pool      *mempool.Pool
}

func startCLIServer(t *testing.T, change func(*rpc.Config)) *cliServer {
	t.Helper()
	p := consensus.Regtest(consensus.RegtestOptions{})
	s := &cliServer{dir: t.TempDir(), port: procs.FreePort(t)}
	l, err := ledger.Open(t.Context(), ledger.Config{Dir: filepath.Join(s.dir, "regtest"), Params: p})
	if err != nil {
		t.Fatal(err)
	}
	cfg := rpc.Config{
		Params:     p,
		Listen:     []string{"127.0.0.1:" + s.port},
		CookieFile: filepath.Join(s.dir, "regtest", ".cookie"),
		Log:        zerolog.Nop(),
	}
	if change != nil {
		change(&cfg)
	}
	if s.server, err = rpc.New(cfg); err != nil {
		t.Fatal(err)
	}
	if err := s.server.Listen(); err != nil {
		t.Fatal(err)
	}
	s.ledger = l
	if s.pool, err = mempool.New(mempool.Config{Chain: l, Rules: policy.DefaultRules()}); err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.server.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-done; err != nil {
			t.Error(err)
		}
		s.pool.Close()
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// call runs the sub-command against the server.
func (s *cliServer) call(stdin string, args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	args = slices.Concat([]string{"-regtest", "-datadir=" + s.dir, "-rpcport=" + s.port}, args)
	code = runCLI(args, strings.NewReader(stdin), &out, &errs)
	return code, out.String(), errs.String()
}

func TestCLI(t *testing.T) {
	s := startCLIServer(t, nil)
	s.server.Serve(rpc.Node{Ledger: s.ledger, Pool: s.pool})
	const genesis = "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206"
	for _, c := range []struct {
		stdin          string
		args           []string
		code           int
		stdout, stderr string
	}{
		// Strings are printed bare, nothing for null, the rest over several lines.
		{args: []string{"getblockcount"}, stdout: "0\n"},
		{args: []string{"getblockhash", "0"}, stdout: genesis + "\n"},
		{args: []string{"gettxout", genesis, "0"}, stdout: ""},
		{args: []string{"getrawmempool"}, stdout: "[\n]\n"},
		{args: []string{"echojson", `{"a":[1.50,{}]}`, "null", `"x"`}, stdout: "[\n  {\n    \"a\": [\n      1.50,\n      {\n      }\n    ]\n  },\n  null,\n  \"x\"\n]\n"},
		{args: []string{"echo", "1", "null"}, stdout: "[\n  \"1\",\n  \"null\"\n]\n"},
		{args: []string{"getblockheader", genesis, "false"}, stdout: "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4adae5494dffff7f2002000000\n"},

		// Two dashes, switches with values, values in an argument of their own.
		{args: []string{"--named", "getblockhash", "height=0"}, stdout: genesis + "\n"},
		{args: []string{"-named=1", "getblockhash", "0"}, stdout: genesis + "\n"},
		{args: []string{"-named=0", "getblockhash", "0"}, stdout: genesis + "\n"},
		{args: []string{"-nonamed", "getblockhash", "0"}, stdout: genesis + "\n"},
		{args: []string{"-rpcconnect", "127.0.0.1", "getblockhash", "0"}, stdout: genesis + "\n"},
		{args: []string{"-named", "echo", "a", "arg1=b", "arg1=c"}, stdout: "[\n  \"a\",\n  \"c\"\n]\n"},
		{args: []string{"-named", "getblock", "blockhash=" + genesis, "verbose=0"}, stdout: "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4adae5494dffff7f20020000000101000000010000000000000000000000000000000000000000000000000000000000000000ffffffff4d04ffff001d0104455468652054696d65732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e64206261696c6f757420666f722062616e6b73ffffffff0100f2052a01000000434104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac00000000\n"},

		// Arguments from the standard input.
		{stdin: "0\n", args: []string{"-stdin", "getblockhash"}, stdout: genesis + "\n"},
		{stdin: "getblockhash\r\n0", args: []string{"-stdin"}, stdout: genesis + "\n"},

		// Errors: the exit code is the error's number.
		{args: []string{"getblockhash", "1"}, code: 8, stderr: "error code: -8\nerror message:\nBlock height out of range\n"},
		{args: []string{"getinfo"}, code: 32601, stderr: "error code: -32601\nerror message:\nMethod not found\n"},
		{args: []string{"-named", "echo", "random=1"}, code: 8, stderr: "error code: -8\nerror message:\nUnknown named parameter random\n"},
		{args: []string{"getblockhash", "x"}, code: 1, stderr: "error: Error parsing JSON: x\n"},
		{args: nil, code: 1, stderr: "error: too few parameters (need at least command)\n"},
		{args: []string{"-stdin"}, code: 1, stderr: "error: too few parameters (need at least command)\n"},
		{args: []string{"-foo", "getblockcount"}, code: 1, stderr: "Error parsing command line arguments: Invalid parameter -foo\n"},
		{args: []string{"-named=2", "getblockcount"}, code: 1, stderr: "Error parsing command line arguments: -named=2 is a switch, 1 or 0\n"},
		{args: []string{"-rpcport"}, code: 1, stderr: "Error parsing command line arguments: -rpcport needs a value\n"},
		{args: []string{"-testnet", "getblockcount"}, code: 1, stderr: "error: Invalid combination of -regtest, -testnet and -chain. Can use at most one.\n"},
		{args: []string{"-netinfo", "x"}, code: 1, stderr: "error: invalid -netinfo argument: x\n0: counts; 1: the peers as well; 2: with their addresses; 3: with what they call themselves; 4: with both\n"},
		{args: []string{"-netinfo"}, code: 31, stderr: "error code: -31\nerror message:\nError: Peer-to-peer functionality missing or disabled\n"},
		{args: []string{"-getinfo", "x"}, code: 1, stderr: "error: -getinfo takes no arguments\n"},
		{args: []string{"-getinfo", "-color=blue"}, code: 1, stderr: "error: Invalid value for -color option. Valid values: always, auto, never.\n"},
		{args: []string{"-rpcclienttimeout=x", "getblockcount"}, code: 1, stderr: "error: -rpcclienttimeout=x is not a number of seconds\n"},
		{args: []string{"-rpcuser=a", "-rpcpassword=b", "getblockcount"}, code: 1, stderr: "error: Authorization failed: Incorrect rpcuser or rpcpassword\n"},
		{args: []string{"-rpccookiefile=/nope", "getblockcount"}, code: 1,
			stderr: "error: Could not locate RPC credentials. No authentication cookie could be found, and RPC password is not set.  See -rpcpassword and -stdinrpcpass.  Configuration file: (" + s.dir + "/keelson.toml)\n"},
		{args: []string{"-rpcconnect=127.0.0.1:1", "-rpcport=2", "getblockcount"}, code: 1,
			stderr: "error: timeout on transient error: Could not connect to the server 127.0.0.1:2\n\nMake sure that the node runs and that this is its RPC port.\nUse \"keelson cli -help\" for more info.\n"},
		{args: []string{"-datadir=/does/not/exist", "getblockcount"}, code: 1, stderr: "error: Specified data directory \"/does/not/exist\" does not exist.\n"},
		{args: []string{"-conf=nope.toml", "getblockcount"}, code: 1, stderr: "error: Error reading configuration: settings file: open " + s.dir + "/nope.toml: no such file or directory\n"},
	} {
		code, stdout, stderr := s.call(c.stdin, c.args...)
		if code != c.code || stdout != c.stdout || stderr != c.stderr {
			t.Errorf("%v: exit code %d, want %d\nstdout %q\n  want %q\nstderr %q\n  want %q", c.args, code, c.code, stdout, c.stdout, stderr, c.stderr)
		}
	}

	code, stdout, stderr := s.call("", "-getinfo")
	const info = `Chain: regtest
Blocks: 0
Headers: 0
Verification progress: 100.0000%
Difficulty: 4.656542373906925e-10

Network: in 0, out 0, total 0
Version: 280100
Time offset (s): 0
Proxies: n/a
Min tx relay fee rate (BTC/kvB): 0.00001000

Warnings: (none)
`
	if code != 0 || stdout != info || stderr != "" {
		t.Errorf("-getinfo: %d %q %q", code, stdout, stderr)
	}
	if _, stdout, _ := s.call("", "-getinfo", "-color=always"); !strings.HasPrefix(stdout, "\x1b[34mChain: regtest\x1b[0m\n") {
		t.Errorf("-color=always: %q", stdout)
	}
	for _, flag := range []string{"-help", "--help", "-h", "-?"} {
		if code, stdout, _ := s.call("", flag); code != 0 || !strings.HasPrefix(stdout, "Usage: keelson cli") {
			t.Errorf("%s: %d %q", flag, code, stdout)
		}
	}
	if code, stdout, _ := s.call("", "-version"); code != 0 || !strings.HasPrefix(stdout, "keelson ") {
		t.Errorf("-version: %d %q", code, stdout)
	}
	var out, errs bytes.Buffer
	if code := runCLI(nil, nil, &out, &errs); code != 1 || errs.String() != "Error: too few parameters\n" {
		t.Errorf("no arguments: %d %q", code, errs.String())
	}
}

// TestCLISettings: the command line finds port and password where the node
// does, in its settings file.
func TestCLISettings(t *testing.T) {
	s := startCLIServer(t, func(c *rpc.Config) { c.User, c.Password = "me", "secret" })
	s.server.Serve(rpc.Node{Ledger: s.ledger, Pool: s.pool})
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(s.dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("keelson.toml", "network = \"regtest\"\nrpcport = "+s.port+"\nrpcuser = \"me\"\nrpcpassword = \"secret\"\n")
	write("other.toml", "rpcuser = \"me\"\nrpcpassword = \"wrong\"\n")
	run := func(stdin string, args ...string) (int, string, string) {
		var out, errs bytes.Buffer
		code := runCLI(append([]string{"-datadir=" + s.dir}, args...), strings.NewReader(stdin), &out, &errs)
		return code, out.String(), errs.String()
	}
	if code, stdout, stderr := run("", "getblockcount"); code != 0 || stdout != "0\n" {
		t.Errorf("%d %q %q", code, stdout, stderr)
	}
	if code, _, stderr := run("", "-conf=other.toml", "-regtest", "-rpcport="+s.port, "getblockcount"); code != 1 || !strings.Contains(stderr, "Authorization failed") {
		t.Errorf("%d %q", code, stderr)
	}
	// The password from the first line, arguments from the others.
	if code, stdout, stderr := run("secret\n0\n", "-stdinrpcpass", "-stdin", "-conf=other.toml", "-regtest", "-rpcport="+s.port, "getblockhash"); code != 0 || !strings.HasPrefix(stdout, "0f9188f1") {
		t.Errorf("%d %q %q", code, stdout, stderr)
	}
	if code, _, stderr := run("", "-stdinrpcpass", "getblockcount"); code != 1 || stderr != "error: -stdinrpcpass specified but failed to read from standard input\n" {
		t.Errorf("%d %q", code, stderr)
	}
}

// TestCLIWait: with -rpcwait a starting node is waited for, and not for ever.
func TestCLIWait(t *testing.T) {
	s := startCLIServer(t, nil)
	if code, _, stderr := s.call("", "getblockcount"); code != 28 || stderr != "error code: -28\nerror message:\nRPC server started\n" {
		t.Errorf("%d %q", code, stderr)
	}
	if code, _, stderr := s.call("", "-rpcwait", "-rpcwaittimeout=1", "getblockcount"); code != 1 || stderr != "error: timeout on transient error: server in warmup\n" {
		t.Errorf("%d %q", code, stderr)
	}
	begin := time.Now()
	if code, _, stderr := s.call("", "-rpcwait", "-rpcwaittimeout=1", "-rpcconnect=127.0.0.1", "-rpcport=1", "getblockcount"); code != 1 || !strings.HasPrefix(stderr, "error: timeout on transient error: Could not connect") {
		t.Errorf("%d %q", code, stderr)
	}
	if time.Since(begin) < time.Second {
		t.Error("was not waited for")
	}
	timer := time.AfterFunc(waitStep, func() { s.server.Serve(rpc.Node{Ledger: s.ledger, Pool: s.pool}) })
	defer timer.Stop()
	if code, stdout, stderr := s.call("", "-rpcwait", "getblockcount"); code != 0 || stdout != "0\n" {
		t.Errorf("%d %q %q", code, stdout, stderr)
	}
}
