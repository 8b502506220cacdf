package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/rpc/client"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/testnet/procs"
)

// TestTestnetWrongCalls makes mistakes that must each be one clear line, before
// anything is started or called.
func TestTestnetWrongCalls(t *testing.T) {
	t.Setenv("KEELSON_TESTNET", t.TempDir())
	for _, c := range []struct {
		say  string
		line string
	}{
		{`unknown command "upp" of testnet`, "upp"},
		{"no flag --x", "up --x"},
		{"no flag --nodes", "mine --nodes=3"},
		{"--nodes needs a value", "up --nodes"},
		{"--nodes must be a number from 1 to 50", "up --nodes=0"},
		{"--nodes must be a number from 1 to 50", "up --nodes=51"},
		{"--nodes must be a number from 1 to 50", "up --nodes=three"},
		{"--nodes is given twice", "up --nodes=3 --nodes=4"},
		{"--accounts must be a number", "up --accounts=-1"},
		{"--port must be a port from 0 to 65535", "up --port=65536"},
		{"--base-port must be a port", "up --base-port=x"},
		{"would need ports up to", "up --port=0 --base-port=65530"},
		{"--keep is a switch", "up --keep=yes"},
		{"none of manual, instant", "up --mine=sometimes"},
		{`"10" is not an interval`, "up --mine=every=10"},
		{"not a number of hashes", "up --mine=hashrate=fast"},
		{"--shares needs", "up --shares=1,2"},
		{"--shares: \"x\" is not a number", "up --mine=hashrate=10 --shares=1,x"},
		{"shares are for poisson and hashrate", "up --port=0 --base-port=0 --mine=instant --shares=1,2"},
		{"4 shares of the hash rate for 3 nodes", "up --port=0 --base-port=0 --mine=hashrate=10 --shares=1,2,3,4"},
		{"--seed needs a value", "up --seed="},
		{"--dir needs the name", "up --dir="},
		{"unexpected argument", "up now"},
		{"did you mean", "up --port=0 --base-port=0 -- --dbcach=5"},
		{`"x" is not a whole number`, "mine x"},
		{`"-1" is not a whole number`, "mine -- -1"},
		{"--node: \"x\" is not a whole number", "mine --node=x"},
		{"unexpected argument", "mine 1 2"},
		{"needs more", "reorg"},
		{"needs more", "fund"},
		{"unexpected argument", "fund a 1 2"},
		{"groups are written", "partition 0 1,b"},
		{"not a duration", "latency 5"},
		{"not a duration", "latency fast"},
		{"a link has two nodes", "latency 5ms 1"},
		{"not a part of 100", "loss 101"},
		{"not a part of 100", "loss NaN"},
		{"a link has two nodes", "loss 5% 1"},
		{"none of +2h", "time tomorrow"},
		{"whole seconds", "time +1ms"},
		{"--shares needs a mode", "mining --shares=1"},
		{"none of manual", "mining fast"},
		{"nothing behind --", "status -- --x"},
		{"needs more", "revert"},
		{"not a whole number", "kill all"},
		{"unknown command", "help nosuch"},
	} {
		code, out, errs := testnetLine(t, c.line)
		if c.line == "mine -- -1" {
			c.say = "nothing behind --"
		}
		if code != 2 || out != "" || !strings.Contains(errs, c.say) || strings.Count(errs, "\n") != 1 {
			t.Errorf("testnet %s: %d, %q, %q; want a line with %q", c.line, code, out, errs, c.say)
		}
	}
	if code, _, errs := testnetLine(t, ""); code != 2 || !strings.HasPrefix(errs, "Usage:") {
		t.Errorf("testnet: %d, %q", code, errs)
	}
	for _, line := range []string{"status", "mine", "stop", "fund x 1", "time +1h"} {
		code, out, errs := testnetLine(t, line)
		if code != 1 || out != "" || !strings.Contains(errs, "no test network runs in") || strings.Count(errs, "\n") != 1 {
			t.Errorf("testnet %s without a network: %d, %q, %q", line, code, out, errs)
		}
	}
}

// testnetLine runs the sub-command in the test's process.
func testnetLine(t *testing.T, line string) (code int, out, errs string) {
	t.Helper()
	var o, e bytes.Buffer
	code = run(append([]string{"testnet"}, strings.Fields(line)...), streams{strings.NewReader(""), &o, &e})
	return code, o.String(), e.String()
}

// TestTestnetHelp: every command has a help, which the usage lists.
func TestTestnetHelp(t *testing.T) {
	usage := testnetText()
	for _, c := range testnetCommands() {
		_, text, errs := testnetLine(t, "help "+c.name)
		if errs != "" || !strings.HasPrefix(text, "Usage: "+c.line()) {
			t.Errorf("help %s: %q, %q", c.name, text, errs)
		}
		if _, again, _ := testnetLine(t, c.name+" --help"); again != text {
			t.Errorf("%s --help: %q", c.name, again)
		}
		if !strings.Contains(usage, "\n  "+c.name) || !strings.Contains(usage, c.help) {
			t.Errorf("the usage does not list %s", c.name)
		}
		for _, f := range c.all() {
			if !strings.Contains(text, f.shown()+" ") || !strings.Contains(text, f.help) {
				t.Errorf("help %s does not have %s", c.name, f.shown())
			}
		}
		for line := range strings.SplitSeq(text, "\n") {
			if len(line) > 100 {
				t.Errorf("help %s: a line of %d letters: %s", c.name, len(line), line)
			}
		}
		if (c.run == nil) != (c.call != nil && c.show != nil) {
			t.Errorf("%s neither runs nor calls", c.name)
		}
	}
}

// upAnswer is what "testnet up --json" prints, as docs/TESTNET.md has it.
type upAnswer struct {
	Control, Explorer, Esplora, Faucet string
	User, Password                     string
	Dir, Env, Seed, Descriptor         string
	Nodes                              []struct {
		ID                      int
		RPC, P2P, Explorer, Dir string
	}
	Accounts []struct {
		Index                    int
		Address, WIF, Descriptor string
	}
}

// testNetwork is a network that runs in a process.
type testNetwork struct {
	upAnswer
	bin    string
	cmd    *exec.Cmd
	stderr *procs.Output
	ended  chan error
}

// upTestnet starts a network and waits until it is ready.
func upTestnet(t *testing.T, bin, dir string, args ...string) *testNetwork {
	t.Helper()
	args = append([]string{"testnet", "up", "--json", "--dir=" + dir, "--port=0"}, args...)
	n := &testNetwork{bin: bin, cmd: procs.Command(context.Background(), bin, args...), stderr: new(procs.Output), ended: make(chan error, 1)}
	n.cmd.Stderr = n.stderr
	out, err := n.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := n.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		n.cmd.Process.Kill()
		<-n.ended
	})
	line := make(chan string, 1)
	go func() {
		r := bufio.NewReader(out)
		text, _ := r.ReadString('\n')
		line <- text
		io.Copy(io.Discard, r)
		n.ended <- n.cmd.Wait()
		close(n.ended)
	}()
	select {
	case text := <-line:
		if err := json.Unmarshal([]byte(text), &n.upAnswer); err != nil {
			t.Fatalf("%q: %v\n%s", text, err, n.stderr)
		}
	case <-time.After(2 * time.Minute):
		t.Fatalf("the network is not ready\n%s", n.stderr)
	}
	return n
}

// stop sends a signal and waits until the network has ended cleanly.
func (n *testNetwork) stop(t *testing.T, sig os.Signal) {
	t.Helper()
	n.cmd.Process.Signal(sig)
	select {
	case err := <-n.ended:
		if err != nil || n.stderr.Len() > 0 {
			t.Errorf("%v: %v, standard error %q", sig, err, n.stderr)
		}
	case <-time.After(time.Minute):
		t.Fatalf("%v does not end the network", sig)
	}
	for _, nd := range n.Nodes {
		if listens(nd.RPC) {
			t.Errorf("node %d still listens", nd.ID)
		}
	}
	if code, _, errs := n.try("status"); code != 1 || !strings.Contains(errs, "no test network runs") {
		t.Errorf("status at the end: %d, %q", code, errs)
	}
}

// listens reports whether anybody takes connections at an address.
func listens(url string) bool {
	c, err := net.DialTimeout("tcp", strings.TrimPrefix(url, "http://"), time.Second)
	if err == nil {
		c.Close()
	}
	return err == nil
}

// try runs a command of testnet in a process.
func (n *testNetwork) try(args ...string) (code int, out, errs string) {
	var o, e bytes.Buffer
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
	defer cancel()
	cmd := procs.Command(ctx, n.bin, append([]string{"testnet"}, args...)...)
	cmd.Env = append(cmd.Env, "KEELSON_TESTNET="+n.Dir)
	cmd.Stdout, cmd.Stderr = &o, &e
	_ = cmd.Run()
	return cmd.ProcessState.ExitCode(), strings.TrimSuffix(o.String(), "\n"), e.String()
}

// do runs a command that must succeed.
func (n *testNetwork) do(t *testing.T, args ...string) string {
	t.Helper()
	code, out, errs := n.try(args...)
	if code != 0 || errs != "" {
		t.Fatalf("testnet %v: %d, %q, %q", args, code, out, errs)
	}
	return out
}

// node calls a node's JSON-RPC.
func (n *testNetwork) node(t *testing.T, i int, method string, args ...any) jsonrpc.Value {
	t.Helper()
	c := client.New(client.Config{Address: strings.TrimPrefix(n.Nodes[i].RPC, "http://"), User: n.User, Password: n.Password})
	defer c.Close()
	v, err := c.Call(t.Context(), method, args...)
	if err != nil {
		t.Fatalf("node %d: %s: %v", i, method, err)
	}
	return v
}

func (n *testNetwork) tip(t *testing.T, i int) string {
	t.Helper()
	return n.node(t, i, "getbestblockhash").Text
}

func (n *testNetwork) height(t *testing.T, i int) int {
	t.Helper()
	h, _ := strconv.Atoi(n.node(t, i, "getblockcount").Text)
	return h
}

// TestTestnet starts networks with the command, and has every other command show
// its effect on them.
func TestTestnet(t *testing.T) {
	bin := procs.Build(t)
	t.Run("commands", func(t *testing.T) { testTestnetCommands(t, bin) })
	t.Run("port in use", func(t *testing.T) { testTestnetPorts(t, bin) })
	t.Run("kept", func(t *testing.T) { testTestnetKept(t, bin) })
	t.Run("killed", func(t *testing.T) { testTestnetKilled(t, bin) })
	t.Run("signals", func(t *testing.T) { testTestnetSignals(t, bin) })
}

func testTestnetCommands(t *testing.T, bin string) {
	n := upTestnet(t, bin, t.TempDir(), "--base-port=0", "--nodes=3", "--accounts=2")
	if len(n.Nodes) != 3 || len(n.Accounts) != 2 || n.User != "testnet" || len(n.Password) < 20 {
		t.Fatalf("%+v", n.upAnswer)
	}
	// The keys are those that other development networks derive from this mnemonic.
	if !strings.HasPrefix(n.Seed, "test test") || !strings.HasPrefix(n.Accounts[0].Address, "bcrt1q") || !strings.HasPrefix(n.Descriptor, "wpkh(") {
		t.Errorf("%+v", n.upAnswer)
	}

	t.Run("env", func(t *testing.T) {
		cmd := procs.Command(t.Context(), "sh", "-c", `. "$0" && exec "$1" cli getblockcount`, n.Env, bin)
		out, err := cmd.CombinedOutput()
		if want := fmt.Sprintln(n.height(t, 0)); err != nil || string(out) != want {
			t.Errorf("cli with the variables: %v, %q, want %q", err, out, want)
		}
		out, _ = procs.Command(t.Context(), "sh", "-c", `. "$0" && echo "$TESTNET_WIF_1 $ESPLORA_URL $BITCOIN_RPC_URL"`, n.Env).CombinedOutput()
		if want := fmt.Sprintln(n.Accounts[1].WIF, n.Esplora, n.Nodes[0].RPC); string(out) != want {
			t.Errorf("variables %q, want %q", out, want)
		}
		if info, err := os.Stat(n.Env); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%v, %v", info, err)
		}
	})

	t.Run("status", func(t *testing.T) {
		var s struct {
			Height int
			Synced bool
			Nodes  []struct{ Peers []int }
		}
		if err := json.Unmarshal([]byte(n.do(t, "status", "--json")), &s); err != nil {
			t.Fatal(err)
		}
		if !s.Synced || s.Height != n.height(t, 0) || len(s.Nodes) != 3 || len(s.Nodes[0].Peers) != 2 {
			t.Errorf("%+v", s)
		}
		if text := n.do(t, "status"); !strings.Contains(text, n.tip(t, 0)) || !strings.Contains(text, "mining") {
			t.Error(text)
		}
	})

	t.Run("accounts", func(t *testing.T) {
		text := n.do(t, "accounts")
		if !strings.Contains(text, n.Accounts[1].WIF) || !strings.Contains(text, "250.00000000") {
			t.Error(text)
		}
	})

	t.Run("mine", func(t *testing.T) {
		before := n.height(t, 1)
		out := strings.Fields(n.do(t, "mine"))
		if len(out) != 2 || out[0] != strconv.Itoa(before+1) || n.tip(t, 1) != out[1] || n.tip(t, 2) != out[1] {
			t.Errorf("%q", out)
		}
		n.do(t, "mine", "3", "--node", "2")
		if got := n.height(t, 0); got != before+4 {
			t.Errorf("height %d, want %d", got, before+4)
		}
	})

	t.Run("fund", func(t *testing.T) {
		txid := n.do(t, "fund", n.Accounts[0].Address, "1.5")
		if got := n.node(t, 0, "getmempoolentry", txid).Kind; got != jsonrpc.Obj {
			t.Errorf("%v", got)
		}
		n.do(t, "sync")
		n.node(t, 2, "getmempoolentry", txid)
		n.do(t, "mine")
		n.do(t, "fund", n.Accounts[0].Address)
		for _, c := range []struct {
			say  string
			args []string
		}{
			{"not an address", []string{"fund", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"}},
			{"amount must be a number", []string{"fund", n.Accounts[0].Address, "much"}},
			{"must be at least", []string{"fund", n.Accounts[0].Address, "0"}},
			{"enough", []string{"fund", n.Accounts[0].Address, "2000000"}},
		} {
			code, out, errs := n.try(c.args...)
			if code < 1 || code == 2 || out != "" || !strings.Contains(errs, c.say) || strings.Count(errs, "\n") != 1 {
				t.Errorf("%v: %d, %q, %q; want %q", c.args, code, out, errs, c.say)
			}
		}
		n.do(t, "mine")
	})

	t.Run("reorg", func(t *testing.T) {
		txid := n.do(t, "fund", n.Accounts[0].Address, "2")
		n.do(t, "mine", "2")
		before, old := n.height(t, 0), n.tip(t, 0)
		out := n.do(t, "reorg", "2")
		if !strings.HasPrefix(out, "2 blocks above height "+strconv.Itoa(before-2)+" replaced by 3") || !strings.Contains(out, old) {
			t.Errorf("%q", out)
		}
		for i := range n.Nodes {
			if n.height(t, i) != before+1 || n.node(t, i, "getblockheader", old).Get("confirmations").Text != "-1" {
				t.Errorf("node %d did not reorganise", i)
			}
			n.node(t, i, "getmempoolentry", txid) // is back
		}
		if code, _, errs := n.try("reorg", "3", "3"); code != 8 || !strings.Contains(errs, "by more") {
			t.Errorf("a shorter branch: %d, %q", code, errs)
		}
	})

	t.Run("partition", func(t *testing.T) {
		if out := n.do(t, "partition", "0", "1,2"); out != "0 | 1,2" {
			t.Errorf("%q", out)
		}
		n.do(t, "mine", "1", "--node=0")
		n.do(t, "mine", "2", "--node=1")
		if n.tip(t, 0) == n.tip(t, 1) || n.tip(t, 1) != n.tip(t, 2) {
			t.Error("the network is not cut")
		}
		if text := n.do(t, "status"); !strings.Contains(text, "parted") || !strings.Contains(text, "0 | 1,2") {
			t.Error(text)
		}
		want := n.tip(t, 1)
		n.do(t, "heal")
		for i := range n.Nodes {
			if n.tip(t, i) != want {
				t.Errorf("node %d is not on the longer chain", i)
			}
		}
		if code, _, errs := n.try("partition", "0,1,2"); code != 8 || !strings.Contains(errs, "two sides") {
			t.Errorf("one group: %d, %q", code, errs)
		}
	})

	t.Run("latency and loss", func(t *testing.T) {
		n.do(t, "latency", "150ms")
		if ms := n.ping(t, 0, 1); ms < 300 {
			t.Errorf("a ping takes %v ms, there and back 150 each", ms)
		}
		n.do(t, "loss", "20%", "0", "2")
		if text := n.do(t, "status"); !strings.Contains(text, "150 ms, loss 20 %") {
			t.Error(text)
		}
		n.do(t, "latency", "0")
		n.do(t, "loss", "0")
		if ms := n.ping(t, 0, 1); ms > 140 {
			t.Errorf("a ping takes %v ms without latency", ms)
		}
		if code, _, errs := n.try("latency", "5ms", "0", "3"); code != 8 || !strings.Contains(errs, "nodes are 0 to 2") {
			t.Errorf("no such node: %d, %q", code, errs)
		}
	})

	t.Run("kill and restart", func(t *testing.T) {
		n.do(t, "kill", "1")
		if listens(n.Nodes[1].RPC) {
			t.Error("the node lives")
		}
		if text := n.do(t, "status"); !strings.Contains(text, "down") {
			t.Error(text)
		}
		if code, _, errs := n.try("kill", "1"); code == 0 || !strings.Contains(errs, "node 1") {
			t.Errorf("again: %d, %q", code, errs)
		}
		n.do(t, "mine", "2")
		n.do(t, "restart", "1")
		n.do(t, "sync")
		if n.tip(t, 1) != n.tip(t, 0) {
			t.Error("the node has not caught up")
		}
	})

	t.Run("time", func(t *testing.T) {
		n.do(t, "time", "+48h")
		n.do(t, "mine")
		at, _ := strconv.ParseInt(n.node(t, 2, "getblockheader", n.tip(t, 2)).Get("time").Text, 10, 64)
		if ahead := time.Until(time.Unix(at, 0)); ahead < 47*time.Hour || ahead > 49*time.Hour {
			t.Errorf("a block is %v ahead", ahead)
		}
		out, _, _ := strings.Cut(n.do(t, "time", "2100-01-01T00:00:00Z"), " ")
		if now, err := time.Parse(time.RFC3339, out); err != nil || now.Sub(time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC)).Abs() > 5*time.Second {
			t.Errorf("%s, %v", out, err)
		}
		n.do(t, "time", "now")
		if out := n.do(t, "time"); strings.Contains(out, "machine's") {
			t.Error(out)
		}
	})

	t.Run("snapshot and revert", func(t *testing.T) {
		// The chain runs in the time of before, so that it can be mined on.
		n.do(t, "time", "+48h")
		txid := n.do(t, "fund", n.Accounts[1].Address)
		n.do(t, "sync")
		id, tip := n.do(t, "snapshot"), n.tip(t, 0)
		for range 2 {
			n.do(t, "mine", "3")
			n.do(t, "time", "+1000h")
			if out := n.do(t, "revert", id); !strings.Contains(out, tip) {
				t.Error(out)
			}
			for i := range n.Nodes {
				if n.tip(t, i) != tip {
					t.Errorf("node %d is not back", i)
				}
				n.node(t, i, "getmempoolentry", txid)
			}
			if out := n.do(t, "time"); !strings.Contains(out, "48h0m") {
				t.Errorf("the clock is not back: %s", out)
			}
		}
		if code, _, errs := n.try("revert", "77"); code != 8 || strings.Count(errs, "\n") != 1 {
			t.Errorf("no such snapshot: %d, %q", code, errs)
		}
		n.do(t, "mine")
	})

	t.Run("mining", func(t *testing.T) {
		if out := n.do(t, "mining"); out != "manual" {
			t.Error(out)
		}
		n.do(t, "mining", "instant")
		before := n.height(t, 0)
		n.do(t, "fund", n.Accounts[0].Address)
		procs.Eventually(t, func() bool { return n.height(t, 2) > before })
		n.do(t, "mining", "every=100ms")
		before = n.height(t, 0)
		procs.Eventually(t, func() bool { return n.height(t, 0) > before+2 })
		if out := n.do(t, "mining", "hashrate=50", "--shares=1,3"); out != "hashrate=50, shares 1,3" {
			t.Error(out)
		}
		n.do(t, "mining", "manual")
		n.do(t, "mine") // if two found a block at the same time, one more decides
		n.do(t, "sync")
	})

	t.Run("difficulty", func(t *testing.T) {
		n.do(t, "difficulty", "0x2000ffff")
		n.do(t, "mine")
		for i := range n.Nodes {
			if bits := n.node(t, i, "getblockheader", n.tip(t, i)).Get("bits").Text; bits != "2000ffff" {
				t.Errorf("node %d has bits %s", i, bits)
			}
		}
		if code, _, errs := n.try("difficulty", "hard"); code != 8 || strings.Count(errs, "\n") != 1 {
			t.Errorf("%d, %q", code, errs)
		}
	})

	t.Run("explorer", func(t *testing.T) {
		for path, want := range map[string]string{"/": "<html", "/testnet": `"synced": true`, "/api/blocks/tip/height": strconv.Itoa(n.height(t, 0))} {
			resp, err := http.Get(strings.TrimSuffix(n.Control, "/") + path)
			if err != nil {
				t.Fatal(err)
			}
			text, _ := io.ReadAll(resp.Body)
			resp.Body.Close()
			if resp.StatusCode != http.StatusOK || !strings.Contains(string(text), want) {
				t.Errorf("%s: %d, %.200q; want %q", path, resp.StatusCode, text, want)
			}
		}
	})

	t.Run("stop", func(t *testing.T) {
		if out := n.do(t, "stop"); out != "Test network stopping" {
			t.Error(out)
		}
		n.stop(t, syscall.Signal(0))
		if _, err := os.Stat(n.Nodes[0].Dir); err == nil {
			t.Error("the folder of a node is left")
		}
	})
}

// ping has a node measure a round trip, in milliseconds.
func (n *testNetwork) ping(t *testing.T, a, b int) float64 {
	t.Helper()
	c := client.New(client.Config{Address: strings.Trim(strings.TrimPrefix(n.Control, "http:"), "/"), User: n.User, Password: n.Password})
	defer c.Close()
	v, err := c.Call(t.Context(), "testnet_ping", a, b)
	if err != nil {
		t.Fatal(err)
	}
	ms, _ := strconv.ParseFloat(v.Text, 64)
	return ms
}

// testTestnetPorts wants one clear line about a port, or a folder, that is taken.
func testTestnetPorts(t *testing.T, bin string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	dir := t.TempDir()
	wantFailure(t, bin, 1, "port "+port+" is in use by another program: --port takes another one", "testnet", "up", "--dir="+dir, "--port="+port, "--base-port=0")
	wantFailure(t, bin, 1, "port "+port+" of node 0 is in use", "testnet", "up", "--dir="+dir, "--port=0", "--base-port="+port)
	if left, _ := filepath.Glob(filepath.Join(dir, "node*")); len(left) > 0 {
		t.Errorf("%v is left", left)
	}
	n := upTestnet(t, bin, dir, "--base-port=0", "--nodes=1", "--accounts=1")
	wantFailure(t, bin, 1, "another test network runs there", "testnet", "up", "--dir="+dir, "--port=0", "--base-port=0")
	n.do(t, "mine")
	n.stop(t, os.Interrupt)
}

// testTestnetKept stops a network with --keep and goes on from there.
func testTestnetKept(t *testing.T, bin string) {
	dir := t.TempDir()
	n := upTestnet(t, bin, dir, "--base-port=0", "--nodes=2", "--keep", "--seed=another seed", "--mine=every=1h")
	n.do(t, "time", "+72h")
	n.do(t, "mine", "2")
	first, tip := n.upAnswer, n.tip(t, 1)
	n.stop(t, syscall.SIGTERM)

	n = upTestnet(t, bin, dir, "--keep")
	if n.Seed != "another seed" || n.Accounts[3] != first.Accounts[3] || len(n.Nodes) != 2 || n.Nodes[1].RPC != first.Nodes[1].RPC || n.Password != first.Password {
		t.Errorf("it does not go on: %+v, was %+v", n.upAnswer, first)
	}
	if got := n.tip(t, 1); got != tip {
		t.Errorf("tip %s, was %s", got, tip)
	}
	if out := n.do(t, "time"); !strings.Contains(out, "(72h0m0s from") && !strings.Contains(out, "(71h59m") {
		t.Errorf("the clock: %s", out)
	}
	if out := n.do(t, "mining"); out != "every=1h0m0s" {
		t.Errorf("mining: %s", out)
	}
	n.do(t, "mine")
	n.stop(t, os.Interrupt)
}

// testTestnetKilled kills the controller of nodes that are processes of their own:
// none of them stays, and the folder is as good as before.
func testTestnetKilled(t *testing.T, bin string) {
	dir := t.TempDir()
	n := upTestnet(t, bin, dir, "--base-port=0", "--nodes=2", "--accounts=1", "--processes", "--keep")
	n.do(t, "mine", "2")
	n.do(t, "kill", "1") // with SIGKILL
	n.do(t, "restart", "1")
	tip := n.tip(t, 1)
	n.cmd.Process.Kill()
	<-n.ended
	procs.Eventually(t, func() bool { return !listens(n.Nodes[0].RPC) && !listens(n.Nodes[1].RPC) })
	if code, _, errs := n.try("status"); code != 1 || !strings.Contains(errs, "no test network runs") || strings.Count(errs, "\n") != 1 {
		t.Errorf("status after the kill: %d, %q", code, errs)
	}
	n = upTestnet(t, bin, dir, "--keep", "--processes", "--base-port=0")
	if got := n.tip(t, 1); got != tip {
		t.Errorf("tip %s, was %s", got, tip)
	}
	n.stop(t, os.Interrupt)
}

// testTestnetSignals interrupts a network twice in a row: whatever that cuts
// short, the folder can be used again.
func testTestnetSignals(t *testing.T, bin string) {
	dir := t.TempDir()
	n := upTestnet(t, bin, dir, "--base-port=0", "--nodes=1", "--accounts=1", "--keep")
	n.do(t, "mine", "5")
	tip := n.tip(t, 0)
	n.cmd.Process.Signal(os.Interrupt)
	n.cmd.Process.Signal(os.Interrupt)
	select {
	case <-n.ended:
	case <-time.After(time.Minute):
		t.Fatal("two signals do not end the network")
	}
	n = upTestnet(t, bin, dir, "--keep", "--base-port=0")
	if got := n.tip(t, 0); got != tip {
		t.Errorf("tip %s, was %s", got, tip)
	}
	if got := n.node(t, 0, "verifychain", 4, 0).Text; got != "true" {
		t.Errorf("verifychain: %s", got)
	}
	n.stop(t, os.Interrupt)
}
