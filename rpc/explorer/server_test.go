package explorer

import (
	"bufio"
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/wire"
)

// TestHeaders: every answer, of whatever kind, has the headers that keep browsers
// from harm.
func TestHeaders(t *testing.T) {
	n := startTestNode(t, options{})
	for _, path := range []string{"/", "/blocks", "/nothing", "/block/x", "/search?q=1", "/static/style.css", "/static/none", "/static/../doc.go", "/api/blocks/tip/height", "/api/none", "/api", "/favicon.ico"} {
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost, http.MethodOptions} {
			answer, body := n.ask(method, path, "", nil)
			h := answer.Header
			if h.Get("Content-Security-Policy") != "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'" ||
				h.Get("X-Content-Type-Options") != "nosniff" || h.Get("Referrer-Policy") != "same-origin" {
				t.Errorf("%s %s: %v", method, path, h)
			}
			if method == http.MethodHead && body != "" {
				t.Errorf("HEAD %s has a body", path)
			}
			if answer.StatusCode >= 500 {
				t.Errorf("%s %s: %d", method, path, answer.StatusCode)
			}
		}
	}
	for name, kind := range map[string]string{"style.css": "text/css; charset=utf-8", "app.js": "text/javascript; charset=utf-8", "icon.svg": "image/svg+xml"} {
		answer, body := n.get("/static/" + name + "?v=" + n.server.site.version)
		if answer.Header.Get("Content-Type") != kind || !strings.Contains(answer.Header.Get("Cache-Control"), "immutable") || len(body) < 100 {
			t.Errorf("%s: %v", name, answer.Header)
		}
	}
	if _, body := n.get("/api/blocks/tip/height"); body != "120" {
		t.Errorf("/api/blocks/tip/height: %q", body)
	}
}

// TestHost: a page of the web that has its name point to loopback gets nothing.
func TestHost(t *testing.T) {
	n := startTestNode(t, options{})
	for host, want := range map[string]int{"": 200, "localhost": 200, "localhost:1": 200, "127.0.0.1:9": 200, "[::1]:9": 200, "evil.example": 403, "evil.example:80": 403, "127.0.0.1.evil.example": 403} {
		for _, path := range []string{"/", "/api/blocks/tip/height", "/static/app.js"} {
			if answer, body := n.ask(http.MethodGet, path, host, nil); answer.StatusCode != want {
				t.Errorf("%s of %q: %d, want %d: %s", path, host, answer.StatusCode, want, body)
			}
		}
	}
}

// TestStarting: until the node is there pages say that it starts, and come back.
func TestStarting(t *testing.T) {
	n := startTestNode(t, options{waiting: true})
	for _, path := range []string{"/", "/blocks", "/events", "/api/blocks/tip/height"} {
		answer, body := n.get(path)
		if answer.StatusCode != http.StatusServiceUnavailable || answer.Header.Get("Retry-After") == "" || !strings.Contains(body, `http-equiv="refresh"`) {
			t.Errorf("%s: %d %v", path, answer.StatusCode, answer.Header)
		}
		wellFormed(t, path, body)
	}
	n.serve(nil)
	n.page("/")
}

// follower reads /events.
type follower struct {
	t      *testing.T
	events chan event
	cancel context.CancelFunc
}

type event struct{ name, data string }

// followEvents returns once the server has greeted.
func (n *testNode) followEvents(t *testing.T) (*follower, int) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, n.url+"/events", nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	answer, err := transport.RoundTrip(r) //nolint:bodyclose // whoever reads it closes it
	if err != nil {
		t.Fatal(err)
	}
	f := &follower{t: t, events: make(chan event, 256), cancel: cancel}
	if answer.StatusCode != http.StatusOK {
		answer.Body.Close()
		cancel()
		return f, answer.StatusCode
	}
	if kind := answer.Header.Get("Content-Type"); kind != "text/event-stream; charset=utf-8" {
		t.Errorf("content type %s", kind)
	}
	go func() {
		defer close(f.events)
		defer answer.Body.Close()
		var e event
		for lines := bufio.NewScanner(answer.Body); lines.Scan(); {
			switch name, value, _ := strings.Cut(lines.Text(), ": "); name {
			case "event":
				e.name = value
			case "data":
				e.data = value
			case "":
				if e.name != "" {
					f.events <- e
				}
				e = event{}
			}
		}
	}()
	t.Cleanup(cancel)
	f.want("hello", nil)
	return f, answer.StatusCode
}

// want reads the next event, which must have a name.
func (f *follower) want(name string, data any) {
	f.t.Helper()
	select {
	case e, ok := <-f.events:
		if !ok || e.name != name {
			f.t.Fatalf("event %q %s, want %s", e.name, e.data, name)
		}
		if data != nil {
			if err := json.Unmarshal([]byte(e.data), data); err != nil {
				f.t.Fatal(err)
			}
		}
	case <-time.After(time.Minute):
		f.t.Fatalf("no event %s", name)
	}
}

// TestEvents: blocks, transactions and reorganisations are told, in order.
func TestEvents(t *testing.T) {
	n := startTestNode(t, options{})
	f, _ := n.followEvents(t)
	b := n.mine()
	var block blockEvent
	f.want("block", &block)
	if block != (blockEvent{121, b.Hash(), b.Header.Time, 1}) {
		t.Errorf("%+v", block)
	}

	tx := n.pay(0, 2500)
	n.send(tx)
	var txs txEvent
	f.want("tx", &txs)
	if txs.Count != 1 || txs.Fees != 2500 || txs.VSize != int64(tx.VSize()) || !slices.Equal(txs.Txs, []arrivalJSON{{tx.TxID(), 2500, tx.VSize()}}) {
		t.Errorf("%+v", txs)
	}
	n.mine(tx)
	f.want("block", &block)
	f.want("tx", &txs)
	if txs.Count != 0 || len(txs.Txs) != 0 {
		t.Errorf("after the block: %+v", txs)
	}

	// Two blocks give way to three. Of blocks that come and go before the reader looks,
	// only the reorganisation is told.
	fork := wire.BlockRef{Height: 122, Hash: n.gen.Tip().Hash()}
	left, came := n.reorg(2, func() {
		f.want("block", &block)
		f.want("block", &block)
	})
	var reorg reorgEvent
	f.want("reorg", &reorg)
	if reorg.ID != 1 || reorg.Fork != ref(fork) || reorg.Old != (blockRef{124, left[1].Hash()}) || reorg.New != (blockRef{125, came[2].Hash()}) || reorg.Depth != 2 || reorg.Gain != 3 {
		t.Errorf("%+v", reorg)
	}
	for i := range came {
		f.want("block", &block)
		if block.Hash != came[i].Hash() || block.Height != uint32(123+i) {
			t.Errorf("block %d: %+v", i, block)
		}
	}

	// Blocks that are taken back by hand leave no new branch.
	last := n.mine()
	f.want("block", &block)
	if err := n.ledger.Invalidate(t.Context(), last.Hash()); err != nil {
		t.Fatal(err)
	}
	f.want("reorg", &reorg)
	if reorg.ID != 2 || reorg.Depth != 1 || reorg.Gain != 0 || reorg.New.Height != 125 {
		t.Errorf("%+v", reorg)
	}
	n.page("/reorgs", "1 block above block 125 was taken back, and none came in its place.")
}

// TestStreams: there are so many and no more, and one that ends makes room.
func TestStreams(t *testing.T) {
	n := startTestNode(t, options{})
	var last *follower
	for range maxStreams {
		f, status := n.followEvents(t)
		if status != http.StatusOK {
			t.Fatalf("status %d", status)
		}
		last = f
	}
	if _, status := n.followEvents(t); status != http.StatusServiceUnavailable {
		t.Fatalf("one too many: status %d", status)
	}
	n.page("/") // pages go on
	last.cancel()
	eventually(t, "a place is free", func() bool {
		s := n.server.node.Load().events
		s.mu.Lock()
		defer s.mu.Unlock()
		return len(s.streams) < maxStreams
	})
	if _, status := n.followEvents(t); status != http.StatusOK {
		t.Fatalf("after one has left: status %d", status)
	}
}

// TestSlowStream: who does not take events is let go, and holds up nobody.
func TestSlowStream(t *testing.T) {
	e := newEvents()
	slow, _ := e.join()
	for range streamBacklog + 1 {
		if err := e.publish("block", blockEvent{}); err != nil {
			t.Fatal(err)
		}
	}
	for range streamBacklog {
		<-slow.queue
	}
	if _, ok := <-slow.queue; ok || len(e.streams) != 0 {
		t.Error("still there")
	}
}

// TestManyReorgs: the ring holds the last ones.
func TestManyReorgs(t *testing.T) {
	m := newMemory(wire.BlockRef{}, 0, 0)
	for range maxReorgs + 5 {
		m.remember(&reorg{Depth: 1})
	}
	list := m.Reorgs()
	if len(list) != maxReorgs || list[0].ID != maxReorgs+5 || list[maxReorgs-1].ID != 6 {
		t.Errorf("%d, from %d to %d", len(list), list[0].ID, list[len(list)-1].ID)
	}
}

// TestUnseenReorgs: what left the chain between two looks is not lost.
func TestUnseenReorgs(t *testing.T) {
	n := startTestNode(t, options{})
	m, out := newMemory(n.ledger.Tip().Tip, n.ledger.Departures(), 0), newEvents()
	look := func() {
		t.Helper()
		if err := m.followChain(n.ledger, out, time.Now); err != nil {
			t.Fatal(err)
		}
	}
	same := func(what string, got []branchBlock, want []*wire.Block) {
		t.Helper()
		if len(got) != len(want) {
			t.Fatalf("%s: %d blocks, want %d", what, len(got), len(want))
		}
		for i := range got {
			if got[i].Hash != want[i].Hash() {
				t.Errorf("%s: block %d is %v, want %v", what, i, got[i].Hash, want[i].Hash())
			}
		}
	}

	left, came := n.reorg(2, nil) // neither branch was seen
	look()
	if list := m.Reorgs(); len(list) != 1 || list[0].Depth != 2 || list[0].Length != 3 {
		t.Fatalf("unseen: %+v", list)
	}
	same("unseen, old", m.Reorgs()[0].Old, left)
	same("unseen, new", m.Reorgs()[0].New, came)

	n.gen.Mark("fork") // of the old branch the first block was seen
	left = n.gen.MineN(3)
	n.add(left[0])
	look()
	n.add(left[1:]...)
	n.gen.Goto("fork")
	n.gen.Step += 9
	came = n.gen.MineN(4)
	n.gen.Step -= 9
	n.add(came...)
	look()
	look()
	if list := m.Reorgs(); len(list) != 2 || list[0].Depth != 3 || list[0].Length != 4 {
		t.Fatalf("half seen: %+v", list)
	}
	same("half seen, old", m.Reorgs()[0].Old, left)

	n.gen.Mark("fork") // one that was seen, and one that came and went after it
	seen := n.gen.MineN(1)
	n.add(seen...)
	look()
	n.gen.Goto("fork")
	n.gen.Step += 9
	passing := n.gen.MineN(2)
	n.add(passing...)
	n.gen.Goto("fork")
	n.gen.Step += 9
	came = n.gen.MineN(3)
	n.gen.Step -= 18
	n.add(came...)
	look()
	list := m.Reorgs()
	if len(list) != 4 {
		t.Fatalf("two at once: %+v", list)
	}
	same("the second", list[0].Old, passing)
	same("the first", list[1].Old, seen)
	if m.at != n.ledger.Tip().Tip {
		t.Error("it does not follow")
	}
}

// TestStop: Run ends while streams are open and a client sends nothing.
func TestStop(t *testing.T) {
	n := startTestNode(t, options{})
	f, _ := n.followEvents(t)
	c, err := net.Dial("tcp", n.server.Address())
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := n.stop(); err != nil {
		t.Fatal(err)
	}
	for range f.events { // until it is closed
	}
	if c, err := net.Dial("tcp", n.server.Address()); err == nil {
		c.Close()
		t.Error("the port is still open")
	}
	if n.server.handling.enter() {
		t.Error("a request could begin")
	}
}

// TestPortInUse: it is said with what to do about it.
func TestPortInUse(t *testing.T) {
	n := startTestNode(t, options{})
	_, err := New(Config{Listen: netip.MustParseAddrPort(n.server.Address()), Params: consensus.Regtest(consensus.RegtestOptions{})})
	if err == nil || !strings.Contains(err.Error(), "say --explorer PORT") {
		t.Error(err)
	}
	if s, err := New(Config{}); s != nil || err != nil || s.Address() != "" || s.Run(t.Context()) != nil {
		t.Error("a nil Server is one that shows nothing")
	}
}
