package p2p

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/ledger/fsys"
	"github.com/keelson-chain/keelson/mempool"
	"github.com/keelson-chain/keelson/mempool/policy"
	"github.com/keelson-chain/keelson/p2p/host"
	"github.com/keelson-chain/keelson/p2p/message"
	"github.com/keelson-chain/keelson/wire"
)

// A world is a generator of blocks, and nodes on this machine that all begin with
// its first blocks.
type world struct {
	*chaingen.Chain
	t     *testing.T
	base  []*wire.Block
	nodes []*testNode
	now   time.Time
}

// testNode is a node with a real ledger and a real pool.
type testNode struct {
	*Node
	t      testing.TB
	ledger *ledger.Ledger
	pool   *mempool.Pool
	stop   func()
}

// newWorld has 130 blocks, of which 30 coinbases can be spent.
func newWorld(t *testing.T) *world {
	w := &world{Chain: chaingen.New(consensus.Regtest(consensus.RegtestOptions{})), t: t}
	w.Pay = chaingen.Anyone
	w.base = w.MineN(130)
	w.Mark("base")
	w.now = time.Unix(int64(w.base[129].Header.Time), 0).Add(time.Hour)
	return w
}

// start runs n nodes until the test ends. change may change what they are told.
func (w *world) start(n int, change func(i int, cfg *Config)) []*testNode {
	w.t.Helper()
	for range n {
		w.nodes = append(w.nodes, w.startOne(len(w.nodes), change))
	}
	return w.nodes
}

func (w *world) startOne(i int, change func(i int, cfg *Config)) *testNode {
	t := w.t
	t.Helper()
	now := func() time.Time { return w.now }
	params := w.State().Params
	l, err := ledger.Open(t.Context(), ledger.Config{
		Files: fsys.Mem(), Params: params, CacheBytes: 8 << 20, Workers: 1, Now: now,
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range w.base {
		if err := l.AddBlock(t.Context(), again(b)); err != nil {
			t.Fatal(err)
		}
	}
	return runNode(t, i, l, params, now, change)
}

// runNode runs a node on a ledger until the test ends, or until it is stopped, and
// closes the ledger then.
func runNode(t testing.TB, i int, l *ledger.Ledger, params *consensus.Params, now func() time.Time, change func(i int, cfg *Config)) *testNode {
	t.Helper()
	rules := policy.DefaultRules()
	rules.AcceptNonStandard = true
	pool, err := mempool.New(mempool.Config{Chain: l, Rules: rules, Limits: mempool.DefaultLimits(), Workers: 1, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	cfg := Config{
		Params: params, Chain: l, Pool: pool, Subver: fmt.Sprintf("/test:%d/", i), Now: now, Log: zerolog.Nop(),
		Host: host.Config{Dev: true, Listen: []string{"/ip4/127.0.0.1/tcp/0"}},
	}
	if change != nil {
		change(i, &cfg)
	}
	node, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	n := &testNode{Node: node, t: t, ledger: l, pool: pool}
	run, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- node.Run(run) }()
	n.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("node %d: %v", i, err)
		}
		pool.Close()
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(n.stop)
	select {
	case <-node.Host().Running():
	case err := <-ended:
		t.Fatalf("node %d: %v", i, err)
	}
	return n
}

// again returns a block as it comes from outside, with nothing computed yet.
func again(b *wire.Block) *wire.Block {
	b, err := wire.DecodeBlock(b.Append(nil))
	if err != nil {
		panic(err)
	}
	return b
}

// txs returns n transactions that are valid and independent of each other.
func (w *world) txs(n int) (txs []*wire.Tx) {
	for _, c := range w.split(n) {
		txs = append(txs, w.Spend([]consensus.OutCoin{c}))
	}
	return txs
}

// split mines n coins whose spending needs witnesses.
func (w *world) split(n int) []consensus.OutCoin {
	coins := w.Mature()
	var outs []wire.TxOut
	value := coins[0].Coin.Out.Value / wire.Amount(n+1)
	for range n {
		outs = append(outs, w.Out(chaingen.P2WPKH, 0, value))
	}
	w.Mine(w.Spend(coins[:1], outs...))
	w.base = append(w.base, w.Tip())
	return w.OutputsOf(w.Tip().Txs[1])
}

// give puts transactions into the node's pool.
func (n *testNode) give(txs ...*wire.Tx) {
	n.t.Helper()
	for _, tx := range txs {
		tx, err := wire.DecodeTx(tx.Append(nil))
		if err != nil {
			n.t.Fatal(err)
		}
		if err := n.pool.Add(n.t.Context(), tx, mempool.AddOptions{}); err != nil {
			n.t.Fatal(err)
		}
	}
}

// submit gives the node a block, as its miner does.
func (n *testNode) submit(b *wire.Block) {
	n.t.Helper()
	if err := n.ledger.AddBlock(n.t.Context(), again(b)); err != nil {
		n.t.Fatal(err)
	}
}

// addr returns where the node listens.
func (n *testNode) addr() string { return listens(n.Host()) }

func listens(h *host.Host) string {
	return fmt.Sprintf("%v/p2p/%s", h.LibP2P().Network().ListenAddresses()[0], h.ID())
}

// call connects the node with others, and waits until both sides know it.
func (n *testNode) call(others ...*testNode) {
	n.t.Helper()
	for _, o := range others {
		eventually(n.t, "a call is answered in time, on a busy machine", func() bool {
			// A node that lost its peer calls it by itself, and may have been quicker.
			err := n.Host().OneTry(n.t.Context(), o.addr())
			return err == nil || errors.Is(err, host.ErrConnected)
		})
		eventually(n.t, "both sides know the connection", func() bool { return n.talk().relay.knows(o.Host()) && o.talk().relay.knows(n.Host()) })
	}
}

// knows reports whether a host is among the relay's peers, and what it has to say
// about pushes is said.
func (r *relay) knows(h *host.Host) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for num, p := range r.peers {
		if p.ID() == h.ID() {
			// The caller asks first, so its question is there with the connection.
			return !p.Inbound() || r.links.asksUs(num) || r.links.to >= maxPushTo
		}
	}
	return false
}

// reaches waits until the block is the node's tip.
func (n *testNode) reaches(b *wire.Block) {
	n.t.Helper()
	deadline := time.After(time.Minute)
	for {
		changed := n.ledger.Changed()
		if n.ledger.Tip().Tip.Hash == b.Hash() {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			n.t.Fatalf("block %v does not become the tip, which is %v", b.Hash(), n.ledger.Tip().Tip)
		}
	}
}

// eventually waits until something that is on its way has happened.
func eventually(t testing.TB, what string, happened func() bool) {
	t.Helper()
	tick := time.NewTicker(2 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(time.Minute)
	for !happened() {
		select {
		case <-tick.C:
		case <-deadline:
			t.Fatalf("%s: does not happen", what)
		}
	}
}

// stranger is a host that behaves as the test wants.
type stranger struct {
	*host.Host
	t         *testing.T
	connected chan *host.Peer
	received  chan message.Message

	mu    sync.Mutex
	serve map[string]func(request []byte, answer func([]byte) error) error
}

// stranger starts a host that greets properly, says nothing and answers nothing.
func (w *world) stranger() *stranger {
	t := w.t
	t.Helper()
	s := &stranger{
		t: t, connected: make(chan *host.Peer, 100), received: make(chan message.Message, 1000),
		serve: map[string]func(request []byte, answer func([]byte) error) error{},
	}
	tip := w.State()
	h, err := host.New(host.Config{
		Genesis: tip.Params.GenesisHash, MaxBlockWeight: tip.Params.MaxBlockWeight, Dev: true,
		Listen: []string{"/ip4/127.0.0.1/tcp/0"}, Handler: s, Log: zerolog.Nop(),
		Hello: func() message.Hello {
			return message.Hello{Version: message.Version, Services: message.ServiceNetwork | message.ServiceWitness, Subver: "/stranger/", Relay: true}
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Host = h
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	<-h.Running()
	return s
}

// call connects the stranger with a node, and returns the node as it sees it.
func (s *stranger) call(n *testNode) *host.Peer {
	s.t.Helper()
	if err := s.OneTry(s.t.Context(), n.addr()); err != nil {
		s.t.Fatal(err)
	}
	return <-s.connected
}

// isCalledBy has the node call the stranger, whom it then asks to push.
func (s *stranger) isCalledBy(n *testNode) *host.Peer {
	s.t.Helper()
	if err := n.Host().OneTry(s.t.Context(), listens(s.Host)); err != nil {
		s.t.Fatal(err)
	}
	return <-s.connected
}

// on says how requests of a name are answered.
func (s *stranger) on(name string, f func(request []byte, answer func([]byte) error) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serve[name] = f
}

// Connected, Disconnected, Received and Serve make it a host.Handler.
func (s *stranger) Connected(p *host.Peer)                   { s.connected <- p }
func (s *stranger) Disconnected(*host.Peer)                  {}
func (s *stranger) Received(_ *host.Peer, m message.Message) { s.received <- m }
func (s *stranger) Serve(ctx context.Context, _ *host.Peer, name string, request []byte, answer func([]byte) error) error {
	s.mu.Lock()
	f := s.serve[name]
	s.mu.Unlock()
	if f == nil {
		return errors.New("nothing is served")
	}
	return f(request, answer)
}
