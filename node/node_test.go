package node_test

import (
	"context"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/keelson-chain/keelson/config"
	"github.com/keelson-chain/keelson/node"
)

// TestReady: a node whose ports the system chooses says which it got, once they
// can be reached.
func TestReady(t *testing.T) {
	cfg, _, err := config.Load([]string{"--network=regtest", "--datadir=" + t.TempDir(), "--dbcache=4", "--rpcbind=127.0.0.1:0", "--bind=/ip4/127.0.0.1/tcp/0", "--metrics=0", "--explorer=0"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ready := make(chan config.Endpoints, 2)
	cfg.Ready = func(e config.Endpoints) { ready <- e }
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- node.Run(ctx, cfg, zerolog.Nop()) }()

	var e config.Endpoints
	select {
	case e = <-ready:
	case err := <-ended:
		t.Fatalf("the node ended: %v", err)
	case <-time.After(time.Minute):
		t.Fatal("not ready")
	}
	if len(e.RPC) != 1 || len(e.P2P) != 1 {
		t.Fatalf("RPC at %v, peers at %v, want one each", e.RPC, e.P2P)
	}
	port, ok := strings.CutPrefix(e.P2P[0], "/ip4/127.0.0.1/tcp/")
	if !ok {
		t.Fatalf("peers at %s", e.P2P[0])
	}
	for what, addr := range map[string]string{"JSON-RPC": e.RPC[0], "peers": "127.0.0.1:" + port, "metrics": e.Metrics, "explorer": e.Explorer} {
		c, err := net.DialTimeout("tcp", addr, time.Minute)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		c.Close()
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+e.Explorer+"/", nil)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := new(http.Transport).RoundTrip(r)
	if err != nil {
		t.Fatal(err)
	}
	answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		t.Errorf("the explorer answers with status %d", answer.StatusCode)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
	if len(ready) != 0 {
		t.Error("ready twice")
	}
}
