package rpc

import (
	"runtime"
	"sync"
	"testing"

	"github.com/keelson-chain/keelson/ledger"
)

// TestLoad makes calls of every outcome and looks for each in the numbers.
func TestLoad(t *testing.T) {
	n := startTestNode(t, func(c *Config, _ *ledger.Config) { c.Threads, c.Queue = 1, 1 })
	if l := n.server.Load(); len(l.Calls) != 0 || l.Threads != 1 || l.Queue != 1 || l.MaxConnections != n.server.connections.max || l.Working != 0 {
		t.Errorf("before any call: %+v", l)
	}
	n.text("getblockcount")
	n.post(`[{"method":"getblockcount"},{"method":"getblockhash","params":[0]},{"method":"getblockhash","params":[1]},{"method":"nosuch"}]`)

	n.server.slots <- struct{}{} // the one slot is taken
	var waiting sync.WaitGroup
	waiting.Go(func() { n.text("getblockcount") })
	for n.server.Load().Waiting == 0 {
		runtime.Gosched()
	}
	if status, _ := n.post(`{"method":"getblockcount"}`); status != 503 {
		t.Errorf("status %d, want 503", status)
	}
	if l := n.server.Load(); l.Working != 1 || l.Waiting != 1 || l.Refused != 1 || l.Connections < 1 {
		t.Errorf("a full queue: %+v", l)
	}
	<-n.server.slots
	waiting.Wait()

	l := n.server.Load()
	if l.Waiting != 0 || l.Unknown != 1 || l.Unauthorized != 0 || len(l.Calls) != 2 {
		t.Fatalf("%+v", l)
	}
	for i, want := range []struct {
		method        string
		calls, failed uint64
	}{{"getblockcount", 3, 0}, {"getblockhash", 2, 1}} {
		c := l.Calls[i]
		if c.Method != want.method || c.Time.Count != want.calls || c.Failed != want.failed || c.Time.Sum <= 0 {
			t.Errorf("%+v, want %+v", c, want)
		}
	}
}
