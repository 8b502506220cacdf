package browser

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// patience is how long to wait for what ought to happen soon, on a slow and busy
// machine.
const patience = time.Minute

// localnet is a test network with a process of its own.
type localnet struct {
	t        *testing.T
	Control  string
	Explorer string
	User     string
	Password string
	Accounts []struct{ Address string }
}

// up starts a test network, and ends it with the test.
func up(t *testing.T) *localnet {
	t.Helper()
	cmd := exec.Command("../../bin/keelson", "testnet", "up", "--json", "--nodes=2", "--port=0", "--base-port=0", "--dir="+t.TempDir())
	cmd.Env = slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, "KEELSON_") })
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v: run make build", err)
	}
	var kill sync.Once
	end := time.AfterFunc(10*time.Minute, func() { kill.Do(func() { cmd.Process.Kill() }) })
	t.Cleanup(func() {
		defer end.Stop()
		if err := cmd.Process.Signal(os.Interrupt); err != nil {
			t.Error(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Errorf("the network ended with %v: %s", err, stderr.Bytes())
		}
	})
	n := &localnet{t: t}
	if err := json.NewDecoder(stdout).Decode(n); err != nil {
		kill.Do(func() { cmd.Process.Kill() })
		t.Fatalf("what the network says of itself: %v: %s", err, stderr.Bytes())
	}
	return n
}

// call calls a method of the control port, which passes those of nodes on to node 0.
func (n *localnet) call(result any, method string, params ...any) {
	n.t.Helper()
	if params == nil {
		params = []any{}
	}
	body, err := json.Marshal(map[string]any{"id": 1, "method": method, "params": params})
	if err != nil {
		n.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(n.t.Context(), http.MethodPost, n.Control, bytes.NewReader(body))
	if err != nil {
		n.t.Fatal(err)
	}
	req.SetBasicAuth(n.User, n.Password)
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		n.t.Fatal(err)
	}
	defer resp.Body.Close()
	var answer struct {
		Result json.RawMessage
		Error  *struct {
			Code    int
			Message string
		}
	}
	if err := json.NewDecoder(resp.Body).Decode(&answer); err != nil {
		n.t.Fatalf("%s: status %s: %v", method, resp.Status, err)
	}
	if answer.Error != nil {
		n.t.Fatalf("%s %v: %d %s", method, params, answer.Error.Code, answer.Error.Message)
	}
	if result != nil {
		if err := json.Unmarshal(answer.Result, result); err != nil {
			n.t.Fatalf("%s: %v", method, err)
		}
	}
}

// height is how long the chain is.
func (n *localnet) height() (height int) {
	n.t.Helper()
	n.call(&height, "getblockcount")
	return height
}

// mine mines blocks and returns their hashes.
func (n *localnet) mine(blocks int) []string {
	n.t.Helper()
	var mined struct{ Blocks []string }
	n.call(&mined, "testnet_mine", blocks)
	if len(mined.Blocks) != blocks {
		n.t.Fatalf("mined %d blocks, not %d", len(mined.Blocks), blocks)
	}
	return mined.Blocks
}

// fund has the faucet pay the first account and returns the transaction's id.
func (n *localnet) fund(coins float64) (txid string) {
	n.t.Helper()
	n.call(&txid, "testnet_fund", n.Accounts[0].Address, coins)
	return txid
}

func (n *localnet) url(format string, args ...any) string {
	return strings.TrimSuffix(n.Explorer, "/") + fmt.Sprintf(format, args...)
}
