package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/testnet/procs"
)

// calls makes n calls of a method in one batch, each of which the log tells of
// once the category rpc is on.
func calls(t *testing.T, n *procs.Node, method string, count int) {
	t.Helper()
	cookie, err := os.ReadFile(filepath.Join(n.Dir, "regtest", ".cookie"))
	if err != nil {
		t.Fatal(err)
	}
	user, password, _ := strings.Cut(string(cookie), ":")
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	batch := "[" + strings.Repeat(`{"method":"`+method+`"},`, count-1) + `{"method":"` + method + `"}]`
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://127.0.0.1:"+n.Port, strings.NewReader(batch))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(user, password)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("status %d", resp.StatusCode)
	}
}

// TestLogRotation has a node write several times the size of its log's file,
// while somebody else renames the file too, and counts the lines of all files.
func TestLogRotation(t *testing.T) {
	const round, rounds = 5000, 5
	bin, logs := procs.Build(t), t.TempDir()
	file := filepath.Join(logs, "sub", "node.log")
	n := procs.Start(t, bin, t.TempDir(), "--log-file="+file, "--log-format=json", "--log-max-size=1", "--log-max-files=0")
	n.CLI(t, "logging", `["rpc"]`)
	for i := range rounds {
		if i == 2 || i == 3 {
			if err := os.Rename(file, filepath.Join(logs, "sub", "renamed."+string(rune('0'+i)))); err != nil {
				t.Fatal(err)
			}
			calls(t, n, "getblockcount", round/2) // these go to the file that has another name now
			n.Cmd.Process.Signal(syscall.SIGHUP)
			calls(t, n, "getblockcount", round/2)
			procs.Eventually(t, func() bool {
				calls(t, n, "uptime", 1) // a line, which opens the file again
				_, err := os.Stat(file)
				return err == nil
			})
			continue
		}
		calls(t, n, "getblockcount", round)
	}
	n.Stop(t)
	if n.Out.Len() > 0 {
		t.Errorf("the standard output has %s", n.Out.Bytes())
	}

	files, err := os.ReadDir(filepath.Dir(file))
	if err != nil {
		t.Fatal(err)
	}
	got, whole := 0, map[string]bool{}
	for _, f := range files {
		text, err := os.ReadFile(filepath.Join(filepath.Dir(file), f.Name()))
		if err != nil {
			t.Fatal(err)
		}
		if len(text) > 1<<20 {
			t.Errorf("%s has %d bytes", f.Name(), len(text))
		}
		for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
			var line struct{ Message, Method string }
			if err := json.Unmarshal(lines.Bytes(), &line); err != nil {
				t.Fatalf("%s: %v in %q", f.Name(), err, lines.Text())
			}
			whole[line.Message] = true
			if line.Method == "getblockcount" {
				got++
			}
		}
	}
	if want := round * rounds; got != want {
		t.Errorf("%d lines in %d files, want %d", got, len(files), want)
	}
	if len(files) < 4 {
		t.Errorf("%d files: the log was not rotated", len(files))
	}
	for _, want := range []string{"Keelson is running", "stopped, everything is on disk"} {
		if !whole[want] {
			t.Errorf("no line %q", want)
		}
	}
}

// TestLogFiles: as many old files are kept as were asked for, and the log says why a
// node has ended.
func TestLogFiles(t *testing.T) {
	bin, dir := procs.Build(t), t.TempDir()
	n := procs.Start(t, bin, dir, "--log-file=node.log", "--log-max-size=1", "--log-max-files=1")
	n.CLI(t, "logging", `["rpc"]`)
	names := func() []string {
		names, err := filepath.Glob(filepath.Join(dir, "regtest", "node*.log"))
		if err != nil {
			t.Fatal(err)
		}
		return names
	}
	for range 3 {
		calls(t, n, "getblockcount", 15000)
	}
	procs.Eventually(t, func() bool { return len(names()) == 2 })
	n.Stop(t)
	if err := os.WriteFile(filepath.Join(dir, "blocker"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	wantFailure(t, bin, 1, "log-file", "node", "--network=regtest", "--datadir="+dir, "--log-file="+filepath.Join(dir, "blocker", "x.log"))
	wantFailure(t, bin, 1, "log-file", "node", "--network=regtest", "--datadir="+dir, "--log-file="+dir)

	broken := t.TempDir()
	if err := os.MkdirAll(filepath.Join(broken, "regtest"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(broken, "regtest", "blocks"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	wantFailure(t, bin, 1, "blocks", "node", "--network=regtest", "--datadir="+broken, "--rpcport="+procs.FreePort(t), "--listen=0", "--log-file=node.log")
	if text, err := os.ReadFile(filepath.Join(broken, "regtest", "node.log")); err != nil || !bytes.Contains(text, []byte("the node has ended")) {
		t.Errorf("the log has %q, %v", text, err)
	}
}
