package explorer

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"net/netip"
	"slices"
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
	"github.com/keelson-chain/keelson/miner"
	"github.com/keelson-chain/keelson/p2p/peerinfo"
	"github.com/keelson-chain/keelson/rpc/esplora"
	"github.com/keelson-chain/keelson/wire"
)

// testNode is an explorer on a real ledger with a real pool and a real miner,
// reached over loopback. gen is the chain that the blocks come from.
type testNode struct {
	t      testing.TB
	gen    *chaingen.Chain
	ledger *ledger.Ledger
	pool   *mempool.Pool
	miner  *miner.Miner
	server *Server
	url    string
	stop   func() error // ends Run and returns what it returned
	clock  atomic.Int64 // of the node
}

type options struct {
	ledger  func(*ledger.Config)
	config  func(*Config)
	network Network
	waiting bool // the node is not served
	blocks  int  // 0: 120
}

func startTestNode(t testing.TB, o options) *testNode {
	t.Helper()
	p := consensus.Regtest(consensus.RegtestOptions{})
	n := &testNode{t: t, gen: chaingen.New(p)}
	blocks := o.blocks
	if blocks == 0 {
		blocks = 120
	}
	n.gen.MineN(blocks)
	n.gen.Mark("start")
	n.tell()
	now := func() time.Time { return time.Unix(n.clock.Load(), 0) }
	lc := ledger.Config{Dir: t.TempDir(), Params: p, CacheBytes: 8 << 20, Workers: 1, Now: now, TxIndex: true, AddressIndex: true}
	if o.ledger != nil {
		o.ledger(&lc)
	}
	l, err := ledger.Open(t.Context(), lc)
	if err != nil {
		t.Fatal(err)
	}
	rules := policy.DefaultRules()
	rules.AcceptNonStandard = true
	pool, err := mempool.New(mempool.Config{Chain: l, Rules: rules, Limits: mempool.DefaultLimits(), Workers: 1, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	n.ledger, n.pool = l, pool
	n.add(n.gen.Blocks()...)
	n.miner = miner.New(miner.Config{Chain: l, Source: pool, Workers: 1, Now: now})
	cfg := Config{Listen: netip.MustParseAddrPort("127.0.0.1:0"), Params: p, Subversion: "/Satoshi:28.1.0(test)/", Now: now, Log: zerolog.New(zerolog.NewTestWriter(t))}
	if o.config != nil {
		o.config(&cfg)
	}
	if n.server, err = New(cfg); err != nil {
		t.Fatal(err)
	}
	n.url = "http://" + n.server.Address()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- n.server.Run(ctx) }()
	n.stop = func() error {
		cancel()
		err := <-ended
		ended <- err
		return err
	}
	t.Cleanup(func() {
		if err := n.stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
		pool.Close()
		if err := l.Close(); err != nil {
			t.Errorf("close the ledger: %v", err)
		}
	})
	if !o.waiting {
		n.serve(o.network)
	}
	return n
}

func (n *testNode) serve(network Network) {
	view := esplora.New(esplora.Config{Params: n.server.cfg.Params, Chain: n.ledger, Pool: n.pool})
	n.server.Serve(Node{Ledger: n.ledger, Pool: n.pool, View: view, API: view.Handler(), Network: network})
}

// add gives blocks to the ledger.
func (n *testNode) add(blocks ...*wire.Block) {
	n.t.Helper()
	n.tell()
	for _, b := range blocks {
		if err := n.ledger.AddBlock(n.t.Context(), b); err != nil {
			n.t.Fatal(err)
		}
	}
}

// tell sets the node's clock to ten minutes after the tip of gen.
func (n *testNode) tell() { n.clock.Store(int64(n.gen.Tip().Header.Time) + 600) }

// mine makes a block with transactions on the tip.
func (n *testNode) mine(txs ...*wire.Tx) *wire.Block {
	n.t.Helper()
	b := n.gen.Mine(txs...)
	n.add(b)
	return b
}

// send gives transactions to the pool.
func (n *testNode) send(txs ...*wire.Tx) {
	n.t.Helper()
	for _, tx := range txs {
		if err := n.pool.Add(n.t.Context(), tx, mempool.AddOptions{}); err != nil {
			n.t.Fatal(err)
		}
	}
}

// pay spends a mature coin, counted from the oldest, and leaves a fee.
func (n *testNode) pay(coin int, fee wire.Amount, outs ...wire.TxOut) *wire.Tx {
	n.t.Helper()
	coins := n.gen.Mature()[coin : coin+1]
	rest := coins[0].Coin.Out.Value - fee
	for _, o := range outs {
		rest -= o.Value
	}
	return n.gen.Spend(coins, append(slices.Clone(outs), n.gen.Out(chaingen.P2WPKH, 7, rest))...)
}

// reorg leaves depth blocks for depth+1 others. While it is on the former branch it
// calls seen, which may be nil.
func (n *testNode) reorg(depth int, seen func()) (left, came []*wire.Block) {
	n.t.Helper()
	n.gen.Mark("before")
	left = n.gen.MineN(depth)
	n.add(left...)
	if seen != nil {
		seen()
	}
	n.gen.Goto("before")
	n.gen.Step += 7 // so that the blocks are others
	came = n.gen.MineN(depth + 1)
	n.gen.Step -= 7
	n.add(came...)
	return left, came
}

// answer is what came before the body.
type answer struct {
	StatusCode int
	Header     http.Header
}

// get asks for a page and follows no redirect.
func (n *testNode) get(path string) (answer, string) {
	n.t.Helper()
	return n.ask(http.MethodGet, path, "", nil)
}

func (n *testNode) ask(method, path, host string, body io.Reader) (answer, string) {
	n.t.Helper()
	r, err := http.NewRequestWithContext(n.t.Context(), method, n.url+path, body)
	if err != nil {
		n.t.Fatal(err)
	}
	if host != "" {
		r.Host = host
	}
	client := http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, Timeout: time.Minute}
	defer client.CloseIdleConnections()
	got, err := client.Do(r)
	if err != nil {
		n.t.Fatal(err)
	}
	defer got.Body.Close()
	var b bytes.Buffer
	if _, err := b.ReadFrom(got.Body); err != nil {
		n.t.Fatal(err)
	}
	return answer{got.StatusCode, got.Header}, b.String()
}

// page asks for a page that must be there and holds it against what every page
// must be like, and texts that must be in it.
func (n *testNode) page(path string, texts ...string) string {
	n.t.Helper()
	answer, body := n.get(path)
	if answer.StatusCode != http.StatusOK {
		n.t.Fatalf("%s: status %d\n%s", path, answer.StatusCode, body)
	}
	wellFormed(n.t, path, body)
	for _, text := range texts {
		if !strings.Contains(body, text) {
			n.t.Errorf("%s: no %q in\n%s", path, text, body)
		}
	}
	return body
}

// eventually waits until f is true.
func eventually(t testing.TB, what string, f func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !f(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("never: %s", what)
		}
	}
}

// peers is a Network that says what it is told to: a real one would need a
// second node.
type peers []peerinfo.Peer

func (p peers) Local() peerinfo.Local {
	return peerinfo.Local{ID: "12D3KooWTestTestTestTest", Active: true, In: len(p), Listen: []string{"/ip4/127.0.0.1/tcp/18444"}}
}
func (p peers) Peers() []peerinfo.Peer { return p }
