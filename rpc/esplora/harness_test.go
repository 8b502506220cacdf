package esplora

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/mempool"
	"github.com/keelson-chain/keelson/mempool/policy"
	"github.com/keelson-chain/keelson/rpc"
	"github.com/keelson-chain/keelson/wire"
)

// testNode is a view of a real ledger with a real pool, and a chain of which the
// ledger has every block.
type testNode struct {
	*View
	t       testing.TB
	ledger  *ledger.Ledger
	pool    *mempool.Pool
	chain   *chaingen.Chain
	handler http.Handler // mounted at /api
	clock   atomic.Int64 // seconds since 1970
}

// startTestNode starts one on regtest, with all indexes and a number of mature
// coins. change may change the ledger's Config before.
func startTestNode(t testing.TB, mature int, change func(*ledger.Config)) *testNode {
	t.Helper()
	n := startOn(t, consensus.Regtest(consensus.RegtestOptions{}), change)
	n.chain = chaingen.New(n.cfg.Params)
	if mature > 0 {
		n.chain.MineN(int(n.cfg.Params.CoinbaseMaturity) + mature - 1)
		n.add(n.chain.Blocks()...)
	}
	return n
}

func startOn(t testing.TB, params *consensus.Params, change func(*ledger.Config)) *testNode {
	t.Helper()
	n := &testNode{t: t}
	now := func() time.Time { return time.Unix(n.clock.Load(), 0) }
	cfg := ledger.Config{Dir: t.TempDir(), Params: params, CacheBytes: 8 << 20, Workers: 1, AddressIndex: true, Now: now}
	if change != nil {
		change(&cfg)
	}
	var err error
	if n.ledger, err = ledger.Open(t.Context(), cfg); err != nil {
		t.Fatal(err)
	}
	rules := policy.DefaultRules()
	rules.AcceptNonStandard = true
	limits := mempool.DefaultLimits()
	limits.AncestorCount, limits.DescendantCount = 100, 100
	if n.pool, err = mempool.New(mempool.Config{Chain: n.ledger, Rules: rules, Limits: limits, Now: now}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		n.pool.Close()
		if err := n.ledger.Close(); err != nil {
			t.Errorf("close ledger: %v", err)
		}
	})
	send := rpc.Node{Ledger: n.ledger, Pool: n.pool}
	n.View = New(Config{Params: params, Chain: n.ledger, Pool: n.pool, Broadcast: send.Broadcast, Log: zerolog.Nop()})
	n.handler = http.StripPrefix("/api", n.Handler())
	return n
}

// do makes a request.
func (n *testNode) do(method, path, body string) *httptest.ResponseRecorder {
	n.t.Helper()
	w := httptest.NewRecorder()
	r := httptest.NewRequest(method, "/api"+path, strings.NewReader(body)).WithContext(n.t.Context())
	n.handler.ServeHTTP(w, r)
	return w
}

// get returns the body of an answer that must be good.
func (n *testNode) get(path string) string {
	n.t.Helper()
	w := n.do("GET", path, "")
	if w.Code != http.StatusOK {
		n.t.Fatalf("GET %s: %d %s", path, w.Code, w.Body)
	}
	return w.Body.String()
}

// wants compares an answer with what is wanted.
func (n *testNode) wants(path, want string) {
	n.t.Helper()
	if got := n.get(path); got != want {
		n.t.Errorf("GET %s\n got %s\nwant %s", path, got, want)
	}
}

// fails makes a request that must be refused with a status and a text.
func (n *testNode) fails(path string, status int, text string) {
	n.t.Helper()
	w := n.do("GET", path, "")
	if w.Code != status || w.Body.String() != text {
		n.t.Errorf("GET %s: %d %q, want %d %q", path, w.Code, w.Body, status, text)
	}
	if kind := w.Header().Get("Content-Type"); kind != kindText {
		n.t.Errorf("GET %s: the refusal is %s", path, kind)
	}
}

// add gives blocks to the ledger, which must take them.
func (n *testNode) add(blocks ...*wire.Block) {
	n.t.Helper()
	for _, b := range blocks {
		n.clock.Store(max(n.clock.Load(), int64(b.Header.Time)))
		if err := n.ledger.AddBlock(n.t.Context(), b); err != nil {
			n.t.Fatalf("block %v: %v", b.Hash(), err)
		}
	}
}

// mine puts transactions into a block on the chain's tip.
func (n *testNode) mine(txs ...*wire.Tx) *wire.Block {
	n.t.Helper()
	b := n.chain.Mine(txs...)
	n.add(b)
	return b
}

// send gives transactions to the pool, which must take them.
func (n *testNode) send(txs ...*wire.Tx) {
	n.t.Helper()
	for _, tx := range txs {
		if err := n.pool.Add(n.t.Context(), tx, mempool.AddOptions{}); err != nil {
			n.t.Fatalf("transaction %v: %v", tx.TxID(), err)
		}
	}
}

// pay spends the first of the mature coins to outputs; the rest is fee.
func (n *testNode) pay(coin int, outs ...wire.TxOut) *wire.Tx {
	return n.chain.Spend(n.chain.Mature()[coin:coin+1], outs...)
}
