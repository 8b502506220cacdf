package main

import (
	"bytes"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/testnet/procs"
)

const mineTo = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"

// stopWithin is how long a node may take to stop, on a slow and busy machine.
const stopWithin = 20 * time.Second

// TestSignals starts a mining node again and again on one folder and stops it
// with a signal at a random moment, the first of them while it still starts.
// It must end by itself, say nothing on the standard error and leave a chain that verifies.
func TestSignals(t *testing.T) {
	bin, dir := procs.Build(t), t.TempDir()
	for i, sig := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGTERM, syscall.SIGINT} {
		cmd := procs.Command(t.Context(), bin, "node", "--network=regtest", "--datadir="+dir, "--rpcport="+procs.FreePort(t), "--listen=0",
			"--mine="+mineTo, "--mineinterval=0")
		var stdout, stderr bytes.Buffer
		cmd.Stdout, cmd.Stderr = &stdout, &stderr
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		// A process that has not come to set its handler up dies of the signal,
		// which is no fault; the cookie is made after that.
		cookie := filepath.Join(dir, "regtest", ".cookie")
		for start := time.Now(); time.Since(start) < stopWithin; time.Sleep(time.Millisecond) {
			if _, err := os.Stat(cookie); err == nil {
				break
			}
		}
		time.Sleep(time.Duration(rand.IntN(400*i+1)) * time.Millisecond)
		cmd.Process.Signal(sig)
		if err := waitFor(cmd, stopWithin); err != nil {
			t.Fatalf("%v: %v\n%s%s", sig, err, stdout.Bytes(), stderr.Bytes())
		}
		if stderr.Len() > 0 {
			t.Errorf("%v: standard error: %s", sig, stderr.Bytes())
		}
		if _, err := os.Stat(cookie); err == nil {
			t.Errorf("%v: the cookie is still there", sig)
		}
	}
	n := procs.Start(t, bin, dir)
	if got := n.CLI(t, "verifychain", "4", "0"); got != "true" {
		t.Errorf("verifychain: %s", got)
	}
	if height, _ := strconv.Atoi(n.CLI(t, "getblockcount")); height == 0 {
		t.Error("nothing was mined")
	}
	n.Stop(t)
}

// TestKilledWhileIdle gives a node blocks of long ago, so that to it the chain
// is still being fetched and they are not written one by one, and kills it.
// Once it has rested they are safe all the same.
func TestKilledWhileIdle(t *testing.T) {
	bin := procs.Build(t)
	source := procs.Start(t, bin, t.TempDir(), "--mocktime=1600000000")
	source.CLI(t, "generatetoaddress", "5", mineTo)
	dir := t.TempDir()
	n := procs.Start(t, bin, dir)
	for height := 1; height <= 5; height++ {
		hash := source.CLI(t, "getblockhash", strconv.Itoa(height))
		if got := n.CLI(t, "submitblock", source.CLI(t, "getblock", hash, "0")); got != "" {
			t.Fatalf("submitblock: %s", got)
		}
	}
	if info := n.CLI(t, "getblockchaininfo"); !strings.Contains(info, `"initialblockdownload": true`) {
		t.Fatalf("the chain counts as fetched: %s", info)
	}
	time.Sleep(5 * time.Second) // there is nothing to see that tells of the write
	n.Cmd.Process.Kill()
	n.Cmd.Wait()
	n = procs.Start(t, bin, dir)
	if got := n.CLI(t, "getblockcount"); got != "5" {
		t.Errorf("height %s after the kill, want 5", got)
	}
	n.Stop(t)
	source.Stop(t)
}

// TestSecondProcess starts a node, and an import, on the folder of a running
// node: one line each, and the running node's cookie stays.
func TestSecondProcess(t *testing.T) {
	bin, dir := procs.Build(t), t.TempDir()
	n := procs.Start(t, bin, dir)
	for _, args := range [][]string{
		{"node", "--network=regtest", "--datadir=" + dir, "--rpcport=" + procs.FreePort(t), "--listen=0"},
		{"import", "--network=regtest", "--datadir=" + dir, os.DevNull},
	} {
		wantFailure(t, bin, 1, "in use", args...)
	}
	n.CLI(t, "getblockcount")
	n.Stop(t)
}

// TestOtherChain opens the folder of one chain-spec with another one of the same name.
func TestOtherChain(t *testing.T) {
	bin, dir := procs.Build(t), t.TempDir()
	spec, err := os.ReadFile(filepath.Join("..", "..", "consensus", "testdata", "bitcoin.json"))
	if err != nil {
		t.Fatal(err)
	}
	other := bytes.Replace(spec, []byte(`"bip54": "never"`), []byte(`"bip54": 900000`), 1)
	if bytes.Equal(spec, other) {
		t.Fatal("the spec has not the rule that this test changes")
	}
	write := func(name string, b []byte) string {
		path := filepath.Join(t.TempDir(), name)
		if err := os.WriteFile(path, b, 0o644); err != nil {
			t.Fatal(err)
		}
		return path
	}
	empty := write("empty.dat", nil)
	if out, err := procs.Command(t.Context(), bin, "import", "--network="+write("a.json", spec), "--datadir="+dir, empty).CombinedOutput(); err != nil && !bytes.Contains(out, []byte("no block")) {
		t.Fatalf("%v\n%s", err, out)
	}
	wantFailure(t, bin, 1, "another", "import", "--network="+write("b.json", other), "--datadir="+dir, empty)
}

// TestOpenFails starts a node on a folder that the ledger cannot open: the ports
// are open by then, and must not keep the process alive.
func TestOpenFails(t *testing.T) {
	bin, dir := procs.Build(t), t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "regtest"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "regtest", "blocks"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	wantFailure(t, bin, 1, "blocks", "node", "--network=regtest", "--datadir="+dir, "--rpcport="+procs.FreePort(t), "--listen=0")
}

// TestWrongCalls makes mistakes that must each be one clear line.
func TestWrongCalls(t *testing.T) {
	bin, dir := procs.Build(t), "--datadir="+t.TempDir()
	for _, c := range []struct {
		say  string
		args []string
	}{
		{"Usage", nil},
		{`unknown command "nod"`, []string{"nod"}},
		{`did you mean`, []string{"node", "--network=regtest", dir, "--dbcach=5"}},
		{"neither main, test nor regtest", []string{"node", "--network=regtset", dir}},
		{"unexpected argument", []string{"node", "--network=regtest", dir, "mine"}},
		{"is not an address", []string{"node", "--network=regtest", dir, "--mine=bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4"}},
		{"takes one file", []string{"import", "--network=regtest", dir}},
	} {
		wantFailure(t, bin, 2, c.say, c.args...)
	}
	wantFailure(t, bin, 1, "no such file", "import", "--network=regtest", dir, "no-such-file.dat")
}

// wantFailure runs the binary and wants an exit code and a text on the standard
// error, which is one line where something is said besides the usage.
func wantFailure(t *testing.T, bin string, code int, say string, args ...string) {
	t.Helper()
	cmd := procs.Command(t.Context(), bin, args...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	err := waitFor(cmd, stopWithin)
	got := stderr.String()
	if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != code {
		t.Errorf("%v: %v, want exit code %d: %s", args, err, code, got)
	}
	if !strings.Contains(got, say) || say != "Usage" && strings.Count(got, "\n") != 1 {
		t.Errorf("%v: says %q, want a line with %q", args, got, say)
	}
}

// waitFor waits for a process; one that takes too long is killed, which is an
// error.
func waitFor(cmd *exec.Cmd, d time.Duration) error {
	timer := time.AfterFunc(d, func() { cmd.Process.Kill() })
	defer timer.Stop()
	return cmd.Wait()
}
