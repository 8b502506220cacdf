package rpcclient

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/btcsuite/btcd/btcjson"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/rpcclient"
)

// node is a process with an RPC port of its own, and a proxy before it that
// notes which methods the clients call.
type node struct {
	config rpcclient.ConnConfig
	client *rpcclient.Client
	stderr bytes.Buffer
	ended  chan error

	mu     sync.Mutex
	called map[string]bool
}

// startNode runs a regtest node and waits until it answers. It is told to stop
// by the test itself.
func startNode(t *testing.T, settings ...string) *node {
	t.Helper()
	dir := t.TempDir()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	listener.Close() // nobody listens there now
	_, port, _ := net.SplitHostPort(address)

	n := &node{ended: make(chan error, 1), called: make(map[string]bool)}
	cmd := exec.Command("../../bin/keelson", append([]string{"node", "--network=regtest", "--datadir=" + dir, "--rpcport=" + port, "--bind=127.0.0.1:0", "--blockfilterindex"}, settings...)...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, "KEELSON_") })
	cmd.Stderr = &n.stderr
	if err := cmd.Start(); err != nil {
		t.Fatalf("%v: run make build", err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	go func() { n.ended <- cmd.Wait() }()

	proxy := httptest.NewServer(n.note(httputil.NewSingleHostReverseProxy(&url.URL{Scheme: "http", Host: address})))
	t.Cleanup(proxy.Close)
	n.config = rpcclient.ConnConfig{
		Host:         proxy.Listener.Addr().String(),
		CookiePath:   filepath.Join(dir, "regtest", ".cookie"),
		Params:       chaincfg.RegressionNetParams.Name,
		DisableTLS:   true,
		HTTPPostMode: true,
	}
	n.client = must(rpcclient.New(&n.config, nil))(t)
	t.Cleanup(n.client.Shutdown)
	for deadline := time.Now().Add(time.Minute); ; {
		// The client itself tries again for half a minute.
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
			if _, err = n.client.GetBlockCount(); err == nil {
				return n
			}
		}
		select {
		case err := <-n.ended:
			t.Fatalf("node ended: %v\n%s", err, n.stderr.Bytes())
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("node does not answer: %v", err)
		}
	}
}

// address returns where other nodes reach the node, with its libp2p peer id.
func (n *node) address(t *testing.T) string {
	t.Helper()
	var info struct {
		PeerID    string `json:"peer_id"`
		Listening []string
	}
	receive(t, n.client, btcjson.NewGetNetworkInfoCmd(), &info)
	if len(info.Listening) == 0 {
		t.Fatal("the node does not listen")
	}
	return info.Listening[0] + "/p2p/" + info.PeerID
}

// end tells the node to stop, and waits until it has, with code 0 and nothing on
// standard error.
func (n *node) end(t *testing.T) {
	t.Helper()
	var text string
	receive(t, n.client, btcjson.NewStopCmd(), &text)
	select {
	case err := <-n.ended:
		if err != nil || n.stderr.Len() != 0 {
			t.Errorf("node ended with %v and said %q", err, n.stderr.Bytes())
		}
	case <-time.After(time.Minute):
		t.Error("node does not end")
	}
}

// note writes down the methods of the calls on their way to next.
func (n *node) note(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		type call struct{ Method string }
		var calls []call
		if json.Unmarshal(body, &calls) != nil {
			calls = make([]call, 1)
			json.Unmarshal(body, &calls[0])
		}
		n.mu.Lock()
		for _, c := range calls {
			n.called[c.Method] = true
		}
		n.mu.Unlock()
		r.Body = io.NopCloser(bytes.NewReader(body))
		next.ServeHTTP(w, r)
	})
}
