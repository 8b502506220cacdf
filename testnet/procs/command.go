package procs

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// built is the command, which one of the tests of a process builds for all.
var built struct {
	once sync.Once
	dir  string
	err  error
}

// Main runs the tests of a package that calls Build, and removes what Build made:
//
//	func TestMain(m *testing.M) { procs.Main(m) }
func Main(m *testing.M) {
	m.Run()
	if built.dir != "" {
		_ = os.RemoveAll(built.dir)
	}
}

// Build returns the path of the command. The first call builds it.
func Build(t testing.TB) string {
	t.Helper()
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "keelson"); built.err != nil {
			return
		}
		out, err := exec.Command("go", "build", "-o", built.dir, "github.com/keelson-chain/keelson/cmd/keelson").CombinedOutput()
		if err != nil {
			built.err = fmt.Errorf("build: %w\n%s", err, out)
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return filepath.Join(built.dir, "keelson")
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
