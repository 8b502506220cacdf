package procs

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/rpc/client"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
)

// Node is a process of a node on regtest with ports of its own.
type Node struct {
	Bin, Dir string
	Port     string // of RPC
	PeerPort string // for other nodes; empty if Launch was given the command
	Cmd      *exec.Cmd
	Out      *Output // what it has written to its standard output and error

	args   []string // what Restart starts it with
	client *client.Client
}

// callTime is how long a call may take, on a slow and busy machine.
const callTime = 2 * time.Minute

// Start starts a node, with free ports, and waits until it answers.
func Start(t testing.TB, bin, dir string, args ...string) *Node {
	t.Helper()
	port, peerPort := FreePort(t), FreePort(t)
	args = append([]string{"node", "--network=regtest", "--datadir=" + dir, "--rpcport=" + port, "--port=" + peerPort}, args...)
	n := Launch(t, Command(context.Background(), bin, args...), bin, dir, port)
	n.PeerPort, n.args = peerPort, args
	return n
}

// Launch is Start with a command that is there already.
func Launch(t testing.TB, cmd *exec.Cmd, bin, dir, port string) *Node {
	t.Helper()
	n := &Node{Bin: bin, Dir: dir, Port: port, Cmd: cmd, Out: new(Output), client: client.New(client.Config{
		Address: "127.0.0.1:" + port, CookieFile: filepath.Join(dir, "regtest", ".cookie"), Timeout: callTime,
	})}
	t.Cleanup(func() {
		n.Kill()
		n.client.Close()
	})
	n.run(t)
	return n
}

// Restart starts a node again that Start has started and that has ended.
func (n *Node) Restart(t testing.TB) {
	t.Helper()
	n.Cmd = Command(context.Background(), n.Bin, n.args...)
	n.run(t)
}

func (n *Node) run(t testing.TB) {
	t.Helper()
	n.Cmd.Stdout, n.Cmd.Stderr = n.Out, n.Out
	if err := n.Cmd.Start(); err != nil {
		t.Fatal(err)
	}
	n.CLI(t, "-rpcwait", "-rpcwaittimeout=60", "getblockcount")
}

// CLI calls the node with the keelson cli command and returns what it prints.
func (n *Node) CLI(t testing.TB, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), callTime)
	defer cancel()
	cmd := Command(ctx, n.Bin, append([]string{"cli", "-regtest", "-datadir=" + n.Dir, "-rpcport=" + n.Port}, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("cli %v: %v\n%s\nnode:\n%s", args, err, stderr.Bytes(), n.Out.Bytes())
	}
	return strings.TrimSpace(string(out))
}

// Try calls a method; result, if it is not nil, takes what encoding/json makes of
// the answer. The error is one of package client's.
func (n *Node) Try(result any, method string, args ...any) error {
	ctx, cancel := context.WithTimeout(context.Background(), callTime)
	defer cancel()
	v, err := n.client.Call(ctx, method, args...)
	if err != nil || result == nil {
		return err
	}
	return json.Unmarshal(jsonrpc.Append(nil, v), result)
}

// Call is Try for a call that must succeed.
func (n *Node) Call(t testing.TB, result any, method string, args ...any) {
	t.Helper()
	if err := n.Try(result, method, args...); err != nil {
		t.Fatalf("%s %v: %v\nnode:\n%s", method, args, err, n.Out.Tail())
	}
}

// Stop asks the node to stop and checks that it does so cleanly.
func (n *Node) Stop(t testing.TB) {
	t.Helper()
	n.CLI(t, "stop")
	if err := n.Cmd.Wait(); err != nil {
		t.Fatalf("node stopped with %v\n%s", err, n.Out.Bytes())
	}
}

// Kill ends the process with SIGKILL, if it has not ended, and waits for that.
func (n *Node) Kill() {
	if n.Cmd.Process == nil {
		return
	}
	_ = n.Cmd.Process.Kill()
	_ = n.Cmd.Wait()
}

// Memory returns how much of the process is in memory, in bytes, or skips the
// test where the system does not tell.
func (n *Node) Memory(t testing.TB) int64 {
	t.Helper()
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", n.Cmd.Process.Pid))
	if err != nil {
		t.Skip("this system does not tell how much memory a process has: ", err)
	}
	fields := strings.Fields(string(raw))
	pages, err := strconv.ParseInt(slices.Concat(fields, []string{"", ""})[1], 10, 64)
	if err != nil {
		t.Fatalf("statm: %q", raw)
	}
	return pages * int64(os.Getpagesize())
}
