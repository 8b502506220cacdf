package main

import (
	"bytes"
	"context"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// buildKeelson builds the command and returns its path.
func buildKeelson(t *testing.T) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "keelson")
	if out, err := exec.Command("go", "build", "-o", bin, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return bin
}

// command is a call of the binary without the settings of whoever runs the
// tests, which it would take from the environment.
func command(ctx context.Context, bin string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, bin, args...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, "KEELSON_") || strings.HasPrefix(s, "NOTIFY_SOCKET=") })
	return cmd
}

// nodeProcess is a real node on regtest with an RPC port of its own.
type nodeProcess struct {
	bin, dir string
	port     string
	cmd      *exec.Cmd
	out      *bytes.Buffer
}

// startNode starts a node and waits until it answers.
func startNode(t *testing.T, bin, dir string, args ...string) *nodeProcess {
	t.Helper()
	port := freePort(t)
	cmd := command(context.Background(), bin, append([]string{"node", "--network=regtest", "--datadir=" + dir, "--rpcport=" + port}, args...)...)
	return launch(t, cmd, bin, dir, port)
}

// launch is startNode with a command that is there already.
func launch(t *testing.T, cmd *exec.Cmd, bin, dir, port string) *nodeProcess {
	t.Helper()
	n := &nodeProcess{bin: bin, dir: dir, port: port, cmd: cmd, out: new(bytes.Buffer)}
	n.cmd.Stdout, n.cmd.Stderr = n.out, n.out
	if err := n.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		n.cmd.Process.Kill()
		n.cmd.Wait()
	})
	n.cli(t, "-rpcwait", "-rpcwaittimeout=60", "getblockcount")
	return n
}

// eventually waits for something that another process is about to do.
func eventually(t *testing.T, done func() bool) {
	t.Helper()
	for start := time.Now(); !done(); time.Sleep(time.Millisecond) {
		if time.Since(start) > time.Minute {
			t.Fatal("it does not happen")
		}
	}
}

// freePort returns a loopback port that nobody listens on at the moment.
func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// cli calls the node with the keelson cli command and returns what it prints.
func (n *nodeProcess) cli(t *testing.T, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := command(ctx, n.bin, append([]string{"cli", "-regtest", "-datadir=" + n.dir, "-rpcport=" + n.port}, args...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("cli %v: %v\n%s\nnode:\n%s", args, err, stderr.Bytes(), n.out.Bytes())
	}
	return strings.TrimSpace(string(out))
}

// stop asks the node to stop and checks that it does so cleanly.
func (n *nodeProcess) stop(t *testing.T) {
	t.Helper()
	n.cli(t, "stop")
	if err := n.cmd.Wait(); err != nil {
		t.Fatalf("node stopped with %v\n%s", err, n.out.Bytes())
	}
}
