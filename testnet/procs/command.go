package procs

import (
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

// Build builds the command and returns its path.
func Build(t testing.TB) string {
	t.Helper()
	bin := filepath.Join(t.TempDir(), "keelson")
	if out, err := exec.Command("go", "build", "-o", bin, "github.com/keelson-chain/keelson/cmd/keelson").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return bin
}

// Command is a call of the binary without the settings of whoever runs the tests,
// which it would take from the environment.
func Command(ctx context.Context, bin string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, bin, args...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, "KEELSON_") || strings.HasPrefix(s, "NOTIFY_SOCKET=") })
	return cmd
}

// FreePort returns a loopback port that nobody listens on at the moment.
func FreePort(t testing.TB) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return port
}

// patience is how long to wait for what ought to happen soon, on a slow and busy
// machine.
const patience = time.Minute

// Eventually waits for something that another process is about to do.
func Eventually(t testing.TB, done func() bool) {
	t.Helper()
	for start := time.Now(); !done(); time.Sleep(time.Millisecond) {
		if time.Since(start) > patience {
			t.Fatal("it does not happen")
		}
	}
}
