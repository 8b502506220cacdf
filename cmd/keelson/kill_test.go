package main

import (
	"bytes"
	"context"
	"encoding/json"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/internal/vectors"
)

// The chain that the kill test imports, as the vectors' MANIFEST.md has it.
const (
	killChain  = "chains/chain-p2wpkh.dat"
	killTip    = "17f967d5221ebff1a86a8bbcc9624f733d5298720c6caf4a74cefbbc0e1b7344"
	killMuHash = "f70473228486329daab7adbcdc40625acd77f96fde37f181f26ee6a9d51d4d5d"
)

// defaultKills is how often TestKill kills without KEELSON_KILLS: enough for
// every run of the tests; `make crash` does 100.
const defaultKills = 6

// TestKillDuringImport kills a real import with SIGKILL at random moments, each
// time on the data that the last one left behind, and then lets it finish. The
// coins must be those of an import that nobody disturbed.
//
// The coin cache is small, so that kills hit writes of the database; and a kill
// never comes later than a fraction of the whole, so that most of them hit the import.
func TestKillDuringImport(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	chain := vectors.Path(t, killChain)
	kills := defaultKills
	if s := os.Getenv("KEELSON_KILLS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil {
			t.Fatalf("KEELSON_KILLS: %v", err)
		}
		kills = n
	}
	bin, dir := buildKeelson(t), t.TempDir()
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d, %d kills", seed, kills)

	importArgs := []string{"import", "--network=regtest", "--datadir=" + dir, "--dbcache=4", chain}
	killed := 0
	for killed < kills {
		cmd := command(t.Context(), bin, importArgs...)
		var out bytes.Buffer
		cmd.Stdout, cmd.Stderr = &out, &out
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		timer := time.AfterFunc(time.Duration(random.Int64N(int64(3*time.Second))), func() {
			cmd.Process.Signal(syscall.SIGKILL)
		})
		err := cmd.Wait()
		timer.Stop()
		status, _ := cmd.ProcessState.Sys().(syscall.WaitStatus)
		switch {
		case err == nil:
			// It was through before the kill: start over with an empty folder.
			checkCoins(t, bin, dir)
			if err := os.RemoveAll(filepath.Join(dir, "regtest")); err != nil {
				t.Fatal(err)
			}
		case status.Signaled() && status.Signal() == syscall.SIGKILL:
			killed++
		default:
			t.Fatalf("import after %d kills: %v\n%s", killed, err, out.Bytes())
		}
	}
	if out, err := command(t.Context(), bin, importArgs...).CombinedOutput(); err != nil {
		t.Fatalf("last import: %v\n%s", err, out)
	}
	checkCoins(t, bin, dir)
}

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
	cmd.Env = slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, "KEELSON_") })
	return cmd
}

// checkCoins starts a node on the folder, asks it for the hash of its coins,
// and stops it.
func checkCoins(t *testing.T, bin, dir string) {
	t.Helper()
	node := startNode(t, bin, dir)
	defer node.stop(t)
	var info struct {
		BestBlock string
		MuHash    string
	}
	if err := json.Unmarshal([]byte(node.cli(t, "gettxoutsetinfo", "muhash")), &info); err != nil {
		t.Fatal(err)
	}
	if info.BestBlock != killTip || info.MuHash != killMuHash {
		t.Fatalf("tip %s with coins %s, want %s with %s", info.BestBlock, info.MuHash, killTip, killMuHash)
	}
	if got := node.cli(t, "verifychain", "4", "20"); got != "true" {
		t.Fatalf("verifychain: %s", got)
	}
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
	n := &nodeProcess{bin: bin, dir: dir, port: freePort(t), out: new(bytes.Buffer)}
	n.cmd = command(context.Background(), bin, append([]string{"node", "--network=regtest", "--datadir=" + dir, "--rpcport=" + n.port}, args...)...)
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
