//go:build unix

package main

import (
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/keelson-chain/keelson/testnet/procs"
)

// TestNotify has a node run commands, one of which calls the node itself while
// it waits to stop, and a service manager that listens.
func TestNotify(t *testing.T) {
	bin, dir := procs.Build(t), t.TempDir()
	told := filepath.Join(dir, "told")
	socket := filepath.Join(dir, "s")
	manager, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: socket, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer manager.Close()
	port := procs.FreePort(t)
	cli := strings.Join([]string{bin, "cli", "-regtest", "-datadir=" + dir, "-rpcport=" + port}, " ")
	cmd := procs.Command(t.Context(), bin, "node", "--network=regtest", "--datadir="+dir, "--rpcport="+port, "--listen=0",
		"--startupnotify=echo started `"+cli+" getblockcount` >>"+told,
		"--blocknotify=echo %s >>"+told+"; exit 7",
		"--shutdownnotify=sleep 0.2; echo stopping at `"+cli+" getblockcount` >>"+told)
	cmd.Env = append(cmd.Env, "NOTIFY_SOCKET="+socket)
	n := procs.Launch(t, cmd, bin, dir, port)
	var states []string
	for !slices.Contains(states, "READY=1\nSTATUS=running") {
		buf := make([]byte, 1000)
		k, err := manager.Read(buf)
		if err != nil {
			t.Fatal(err)
		}
		states = append(states, string(buf[:k]))
	}
	lines := func() []string {
		b, _ := os.ReadFile(told)
		return strings.Fields(string(b))
	}
	procs.Eventually(t, func() bool { return slices.Equal(lines(), []string{"started", "0"}) })
	n.CLI(t, "generatetoaddress", "1", mineTo)
	first := n.CLI(t, "getbestblockhash")
	procs.Eventually(t, func() bool { return slices.Contains(lines(), first) })
	n.CLI(t, "generatetoaddress", "1", mineTo)
	second := n.CLI(t, "getbestblockhash")
	procs.Eventually(t, func() bool { return slices.Contains(lines(), second) })

	n.Cmd.Process.Signal(syscall.SIGTERM)
	if err := waitFor(n.Cmd, stopWithin); err != nil {
		t.Fatalf("%v\n%s", err, n.Out.Bytes())
	}
	if got, want := strings.Join(lines(), " "), "started 0 "+first+" "+second+" stopping at 2"; got != want {
		t.Errorf("told: %s\nwant: %s", got, want)
	}
	if out := n.Out.String(); strings.Count(out, "exit status 7") != 2 || !strings.Contains(out, "everything is on disk") {
		t.Errorf("log:\n%s", out)
	}
	buf := make([]byte, 1000)
	if k, err := manager.Read(buf); err != nil || string(buf[:k]) != "STOPPING=1\nSTATUS=stopping" {
		t.Errorf("the service manager is told %q, %v", buf[:k], err)
	}
}
