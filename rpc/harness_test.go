package rpc

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/mempool"
	"github.com/keelson-chain/keelson/mempool/policy"
	"github.com/keelson-chain/keelson/miner"
	"github.com/keelson-chain/keelson/rpc/client"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/wire"
)

// testNode is a server on a real ledger with a real pool, reached over loopback.
type testNode struct {
	*client.Client
	t        testing.TB
	server   *Server
	ledger   *ledger.Ledger
	pool     *mempool.Pool
	params   *consensus.Params
	clock    *testClock
	address  string
	config   Config
	stop     context.CancelFunc
	done     chan error
	shutdown atomic.Int32 // calls of Config.Shutdown
}

// startTestNode starts one on regtest. change may change both Configs before.
func startTestNode(t testing.TB, change func(*Config, *ledger.Config)) *testNode {
	t.Helper()
	n := newTestNode(t, change)
	n.servePool(nil)
	return n
}

// servePool ends the warm-up with a new pool, for which what an earlier one of
// the node has saved is read. change may change its Config before.
func (n *testNode) servePool(change func(*mempool.Config)) {
	n.t.Helper()
	rules := policy.DefaultRules()
	rules.AcceptNonStandard = true
	cfg := mempool.Config{Chain: n.ledger, Rules: rules, File: n.config.PoolFile, Now: n.clock.Now, Log: zerolog.Nop()}
	if change != nil {
		change(&cfg)
	}
	pool, err := mempool.New(cfg)
	if err != nil {
		n.t.Fatal(err)
	}
	if err := pool.Load(n.t.Context()); err != nil {
		n.t.Fatal(err)
	}
	if n.pool != nil {
		n.pool.Close()
	}
	n.pool = pool
	n.server.Serve(Node{Ledger: n.ledger, Pool: pool, Miner: newTestMiner(n)})
}

// newTestMiner is a miner with the node's pool.
func newTestMiner(n *testNode) *miner.Miner {
	return miner.New(miner.Config{Chain: n.ledger, Source: n.pool, Workers: 1, Now: n.clock.Now, MinFeeRate: miner.DefaultMinFeeRate})
}

// newTestNode is startTestNode before the end of the warm-up.
func newTestNode(t testing.TB, change func(*Config, *ledger.Config)) *testNode {
	t.Helper()
	dir := t.TempDir()
	clock := &testClock{}
	p := consensus.Regtest(consensus.RegtestOptions{})
	lc := ledger.Config{Dir: filepath.Join(dir, "regtest"), Params: p, CacheBytes: 8 << 20, Workers: 1, Now: clock.Now}
	cfg := Config{
		Params:     p,
		Listen:     []string{"127.0.0.1:0"},
		CookieFile: filepath.Join(dir, "regtest", ".cookie"),
		Clock:      clock,
		Version:    "0.0.1",
		Log:        zerolog.Nop(),
		CacheBytes: lc.CacheBytes,
		PoolFile:   filepath.Join(dir, "regtest", "mempool.dat"),
	}
	n := &testNode{t: t, params: p, clock: clock, done: make(chan error, 1)}
	cfg.Shutdown = func() { n.shutdown.Add(1) }
	if change != nil {
		change(&cfg, &lc)
	}
	cfg.PruneTarget = lc.Prune
	l, err := ledger.Open(t.Context(), lc)
	if err != nil {
		t.Fatal(err)
	}
	server, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Listen(); err != nil {
		t.Fatal(err)
	}
	n.ledger, n.server, n.config = l, server, cfg
	n.address = server.Addresses()[0]
	n.Client = client.New(client.Config{Address: n.address, User: cfg.User, Password: cfg.Password, CookieFile: cfg.CookieFile, Timeout: time.Minute})
	ctx, stop := context.WithCancel(context.Background())
	n.stop = stop
	go func() { n.done <- server.Run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := <-n.done; err != nil {
			t.Errorf("Run: %v", err)
		}
		n.done <- nil
		n.Client.Close()
		if n.pool != nil {
			n.pool.Close()
		}
		if err := l.Close(); err != nil {
			t.Errorf("close ledger: %v", err)
		}
	})
	return n
}

// call returns the result of a call that must succeed.
func (n *testNode) call(method string, args ...any) jsonrpc.Value {
	n.t.Helper()
	v, err := n.Call(n.t.Context(), method, args...)
	if err != nil {
		n.t.Fatalf("%s %v: %v", method, args, err)
	}
	n.documented(method, &v)
	return v
}

// documented holds a result against what the table of methods says of it:
// every member is known and of the right type, those that are not optional are
// there, and their order is that of the table.
func (n *testNode) documented(name string, v *jsonrpc.Value) {
	n.t.Helper()
	m := methods()[name]
	// Two methods have members whose order depends on which are there.
	ordered := name != "getdeploymentinfo" && name != "getblockstats"
	var faults []string
	for i := range m.results {
		fault := m.results[i].fault(v, ordered)
		if fault == "" {
			return
		}
		faults = append(faults, fault)
	}
	n.t.Errorf("%s returned what its table does not say: %s\n%s", name, strings.Join(faults, "; or "), jsonrpc.Append(nil, v))
}

// fault says where v differs from its description.
func (r *result) fault(v *jsonrpc.Value, ordered bool) string {
	if r.typ == tMore {
		return ""
	}
	if want := r.typ.kind(); v.Kind != want {
		return "a " + v.Kind.String() + " for a " + want.String()
	}
	switch r.typ {
	case tHex:
		if strings.Trim(v.Text, "0123456789abcdef") != "" {
			return "not hexadecimal: " + v.Text
		}
	case tAmount:
		if _, decimals, _ := strings.Cut(v.Text, "."); len(decimals) != 8 {
			return "an amount of " + v.Text
		}
	case tArray, tFixed:
		for i := range v.Len() {
			inner := &r.inner[0]
			if r.typ == tFixed {
				inner = &r.inner[i]
			}
			if fault := inner.fault(v.At(i), ordered); fault != "" {
				return fmt.Sprintf("element %d: %s", i, fault)
			}
		}
	case tMap:
		for i := range v.Len() {
			if fault := r.inner[0].fault(v.At(i), ordered); fault != "" {
				return v.Key(i) + ": " + fault
			}
		}
	case tObject:
		var known []string
		for i := range r.inner {
			inner := &r.inner[i]
			if inner.typ == tMore {
				return ""
			}
			m, ok := v.Lookup(inner.key)
			switch {
			case !ok && !inner.optional:
				return "no " + inner.key
			case !ok:
				continue
			}
			known = append(known, inner.key)
			if fault := inner.fault(m, ordered); fault != "" {
				return inner.key + ": " + fault
			}
		}
		for i := range v.Len() {
			at := slices.Index(known, v.Key(i))
			if at < 0 || ordered && at != i {
				return v.Key(i) + " is unknown or not in its place"
			}
		}
	}
	return ""
}

// text is call with the result as compact JSON.
func (n *testNode) text(method string, args ...any) string {
	n.t.Helper()
	v := n.call(method, args...)
	return string(jsonrpc.Append(nil, v))
}

// fails makes a call that must fail with a code and a message that contains
// some text.
func (n *testNode) fails(code jsonrpc.Code, message, method string, args ...any) {
	n.t.Helper()
	v, err := n.Call(n.t.Context(), method, args...)
	var e *jsonrpc.Error
	switch {
	case err == nil:
		n.t.Errorf("%s %v = %s, want error %d", method, args, jsonrpc.Append(nil, v), code)
	case !errors.As(err, &e):
		n.t.Errorf("%s %v: %v", method, args, err)
	case e.Code != code || !strings.Contains(e.Message, message):
		n.t.Errorf("%s %v: error %d %q, want %d %q", method, args, e.Code, e.Message, code, message)
	}
}

// submit adds blocks that must be accepted.
func (n *testNode) submit(blocks ...*wire.Block) {
	n.t.Helper()
	for _, b := range blocks {
		if got := n.text("submitblock", jsonrpc.Hex(b.Bytes())); got != "null" {
			n.t.Fatalf("submitblock %v: %s", b.Hash(), got)
		}
	}
}

// testClock is a clock that can be stopped and set.
type testClock struct{ mock, offset atomic.Int64 }

func (c *testClock) Now() time.Time {
	if s := c.mock.Load(); s != 0 {
		return time.Unix(s, 0)
	}
	return time.Now().Add(c.Offset())
}

func (c *testClock) SetMock(seconds int64)     { c.mock.Store(seconds) }
func (c *testClock) Mock() int64               { return c.mock.Load() }
func (c *testClock) SetOffset(d time.Duration) { c.offset.Store(int64(d)) }
func (c *testClock) Offset() time.Duration     { return time.Duration(c.offset.Load()) }
