package main

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/internal/vectors"
	"github.com/keelson-chain/keelson/testnet/procs"
)

// The chain that the kill test imports, as the vectors' MANIFEST.md has it.
const (
	killChain  = "chains/chain-p2wpkh.dat"
	killTip    = "17f967d5221ebff1a86a8bbcc9624f733d5298720c6caf4a74cefbbc0e1b7344"
	killMuHash = "f70473228486329daab7adbcdc40625acd77f96fde37f181f26ee6a9d51d4d5d"
)

// defaultKills is how often TestKill kills without KEELSON_KILLS: enough for
// every run of the tests; `make crash` does 100.
const defaultKills = 3

// TestKillDuringImport kills a real import with SIGKILL at random moments, each
// time on the data that the last one left behind, and then lets it finish. The
// coins must be those of an import that nobody disturbed.
//
// At first it is interrupted, which it says in a line.
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
	bin, dir := procs.Build(t), t.TempDir()
	seed := uint64(time.Now().UnixNano())
	random := rand.New(rand.NewPCG(seed, 0))
	t.Logf("seed %d, %d kills", seed, kills)

	importArgs := []string{"import", "--network=regtest", "--datadir=" + dir, "--dbcache=4", chain}
	interrupted := procs.Command(t.Context(), bin, importArgs...)
	var stderr bytes.Buffer
	interrupted.Stderr = &stderr
	if err := interrupted.Start(); err != nil {
		t.Fatal(err)
	}
	time.Sleep(1500 * time.Millisecond)
	interrupted.Process.Signal(os.Interrupt)
	if err := waitFor(interrupted, stopWithin); interrupted.ProcessState == nil || interrupted.ProcessState.ExitCode() != 1 {
		t.Fatalf("%v: %s", err, stderr.Bytes())
	}
	if lines := strings.Count(stderr.String(), "\n"); lines != 1 || !strings.Contains(stderr.String(), "interrupted") {
		t.Errorf("standard error: %s", stderr.Bytes())
	}

	killed := 0
	for killed < kills {
		cmd := procs.Command(t.Context(), bin, importArgs...)
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
	if out, err := procs.Command(t.Context(), bin, importArgs...).CombinedOutput(); err != nil {
		t.Fatalf("last import: %v\n%s", err, out)
	}
	checkCoins(t, bin, dir)
}

// checkCoins starts a node on the folder, asks it for the hash of its coins,
// and stops it.
func checkCoins(t *testing.T, bin, dir string) {
	t.Helper()
	node := procs.Start(t, bin, dir)
	defer node.Stop(t)
	var info struct {
		BestBlock string
		MuHash    string
	}
	if err := json.Unmarshal([]byte(node.CLI(t, "gettxoutsetinfo", "muhash")), &info); err != nil {
		t.Fatal(err)
	}
	if info.BestBlock != killTip || info.MuHash != killMuHash {
		t.Fatalf("tip %s with coins %s, want %s with %s", info.BestBlock, info.MuHash, killTip, killMuHash)
	}
	if got := node.CLI(t, "verifychain", "4", "20"); got != "true" {
		t.Fatalf("verifychain: %s", got)
	}
}
