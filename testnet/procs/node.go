package procs

import (
	"bytes"
	"context"
	"os/exec"
	"strings"
	"testing"
	"time"
)

// Node is a process of a node on regtest with an RPC port of its own.
type Node struct {
	Bin, Dir string
	Port     string // of RPC
	Cmd      *exec.Cmd
	Out      *Output // what it has written to its standard output and error
}

// Start starts a node and waits until it answers. Other nodes reach it at a free
// port, too; see getnetworkinfo.
func Start(t testing.TB, bin, dir string, args ...string) *Node {
	t.Helper()
	port := FreePort(t)
	cmd := Command(context.Background(), bin, append([]string{"node", "--network=regtest", "--datadir=" + dir, "--rpcport=" + port, "--bind=127.0.0.1:0"}, args...)...)
	return Launch(t, cmd, bin, dir, port)
}

// Launch is Start with a command that is there already.
func Launch(t testing.TB, cmd *exec.Cmd, bin, dir, port string) *Node {
	t.Helper()
	n := &Node{Bin: bin, Dir: dir, Port: port, Cmd: cmd, Out: new(Output)}
	n.Cmd.Stdout, n.Cmd.Stderr = n.Out, n.Out
	if err := n.Cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(n.Kill)
	n.CLI(t, "-rpcwait", "-rpcwaittimeout=60", "getblockcount")
	return n
}

// CLI calls the node with the keelson cli command and returns what it prints.
func (n *Node) CLI(t testing.TB, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
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
	_ = n.Cmd.Process.Kill()
	_ = n.Cmd.Wait()
}
