package main

import (
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/keelson-chain/keelson/testnet/procs"
)

// A build is told like this what it is of. The Makefile and the Dockerfile say
// the same, with a variable in place of the values.
const (
	ldflagCommit = "-X github.com/keelson-chain/keelson/node.commit="
	ldflagDate   = "-X github.com/keelson-chain/keelson/node.date="
)

// TestVersion builds the binary from a git checkout, and as from a tarball.
func TestVersion(t *testing.T) {
	const commit = "0123456789abcdef0123456789abcdef01234567"
	head, checkout := clone(t)
	for _, c := range []struct {
		name  string
		flags []string
		want  string
		git   bool
	}{
		{"git", []string{"-trimpath", "-buildvcs=true", "-ldflags=-s -w"}, "keelson 0.1.0 commit " + head, true},
		{"flags", []string{"-trimpath", "-buildvcs=false", "-ldflags=-s -w " + ldflagCommit + commit + " " + ldflagDate + "2026-01-02T03:04:05Z"}, "keelson 0.1.0 commit " + commit, false},
		{"unknown", []string{"-buildvcs=false", "-ldflags=-s -w"}, "keelson 0.1.0 go1.", false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.git && checkout == "" {
				t.Skip("not a git checkout")
			}
			bin := filepath.Join(t.TempDir(), "keelson")
			build := exec.Command("go", append([]string{"build", "-o", bin}, append(c.flags, ".")...)...)
			if c.git {
				build.Dir = filepath.Join(checkout, "cmd", "keelson")
			}
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("build: %v\n%s", err, out)
			}
			out, err := procs.Command(t.Context(), bin, "version").Output()
			if err != nil {
				t.Fatal(err)
			}
			want := c.want
			if i := strings.Index(want, "commit "); i >= 0 {
				want = want[:i+len("commit ")+12] // as many digits as are shown
			}
			if !strings.HasPrefix(string(out), want) || !strings.Contains(string(out), " go1.") {
				t.Errorf("%q, want %q", out, want)
			}
			man, err := procs.Command(t.Context(), bin, "man").Output()
			if err != nil || strings.Contains(string(man), ".Dd January 2, 2026") != (c.name == "flags") {
				t.Errorf("%v, the page begins with %.60q", err, man)
			}
		})
	}
	for _, c := range []struct{ file, commit, date string }{
		{"Dockerfile", ldflagCommit + "${COMMIT}", ldflagDate + "${DATE}"},
		{"Makefile", "-X $(NODE).commit=$(COMMIT)", "-X $(NODE).date=$(DATE)"},
	} {
		text, err := os.ReadFile(filepath.Join("..", "..", c.file))
		if err != nil {
			t.Fatal(err)
		}
		if !strings.Contains(string(text), c.commit) || !strings.Contains(string(text), c.date) {
			t.Errorf("%s does not have %q and %q", c.file, c.commit, c.date)
		}
	}
}

// clone makes a git checkout of the last commit, since the Go tool does not see
// the repository from a worktree. It returns nothing where there is no git.
func clone(t *testing.T) (head, dir string) {
	t.Helper()
	top, err := exec.Command("git", "rev-parse", "--show-toplevel", "HEAD").Output()
	if err != nil {
		return "", ""
	}
	root, head, _ := strings.Cut(strings.TrimSpace(string(top)), "\n")
	dir = filepath.Join(t.TempDir(), "checkout")
	if out, err := exec.Command("git", "clone", "-q", "--depth=1", "file://"+root, dir).CombinedOutput(); err != nil {
		t.Fatalf("clone: %v\n%s", err, out)
	}
	return head, dir
}

// TestHangup: a node whose terminal goes stops in good order.
func TestHangup(t *testing.T) {
	if signal.Ignored(syscall.SIGHUP) {
		t.Skip("the tests run under nohup, and so would the node")
	}
	n := procs.Start(t, procs.Build(t), t.TempDir())
	n.Cmd.Process.Signal(syscall.SIGHUP)
	if err := waitFor(n.Cmd, stopWithin); err != nil {
		t.Fatalf("%v\n%s", err, n.Out.Bytes())
	}
	if !strings.Contains(n.Out.String(), "everything is on disk") {
		t.Errorf("log:\n%s", n.Out.Bytes())
	}
}
