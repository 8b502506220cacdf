package p2p

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/internal/vectors"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/ledger/fsys"
	"github.com/keelson-chain/keelson/p2p/chainsync"
	"github.com/keelson-chain/keelson/p2p/message"
	"github.com/keelson-chain/keelson/pow"
	"github.com/keelson-chain/keelson/script/sig"
	"github.com/keelson-chain/keelson/wire"
)

var regtest = consensus.Regtest(consensus.RegtestOptions{})

// openLedger opens a ledger on files, with the first blocks given. They have to be
// of this hour for it not to be in its initial download.
func openLedger(t testing.TB, files fsys.FS, blocks ...*wire.Block) *ledger.Ledger {
	t.Helper()
	l, err := ledger.Open(t.Context(), ledger.Config{Files: files, Params: regtest, CacheBytes: 32 << 20})
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range blocks {
		if err := l.AddBlock(t.Context(), again(b)); err != nil {
			t.Fatal(err)
		}
	}
	return l
}

// syncNode runs a node on a ledger.
func syncNode(t testing.TB, l *ledger.Ledger, change func(cfg *Config)) *testNode {
	t.Helper()
	return runNode(t, 0, l, regtest, time.Now, func(_ int, cfg *Config) {
		if change != nil {
			change(cfg)
		}
	})
}

// dial connects a node with another one.
func (n *testNode) dial(o *testNode) {
	n.t.Helper()
	if err := n.Host().OneTry(n.t.Context(), o.addr()); err != nil {
		n.t.Fatal(err)
	}
}

// at waits until the tip of the node is at least that high.
func (n *testNode) at(height uint32, within time.Duration) {
	n.t.Helper()
	deadline := time.After(within)
	for {
		changed := n.ledger.Changed()
		if n.ledger.Tip().Tip.Height >= height {
			return
		}
		select {
		case <-changed:
		case <-deadline:
			n.t.Fatalf("the tip is %v, not %d", n.ledger.Tip().Tip, height)
		}
	}
}

// lines keeps what is logged.
type lines struct {
	mu sync.Mutex
	bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.Buffer.Write(b)
}

func (l *lines) text() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.String()
}

// believer takes every signature for valid: for nodes that only serve.
type believer struct{}

func (believer) Verify(*sig.Check) bool     { return true }
func (believer) VerifyAll([]sig.Check) bool { return true }

// mixed returns a ledger with the mixed chain of the vectors.
func mixed(t testing.TB) *ledger.Ledger {
	t.Helper()
	path := vectors.Path(t, "chains/chain-mixed.dat")
	l, err := ledger.Open(t.Context(), ledger.Config{Files: fsys.Mem(), Params: regtest, Sigs: believer{}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Import(t.Context(), path, nil); err != nil {
		t.Fatal(err)
	}
	return l
}

const (
	mixedHeight = 255
	mixedTip    = "0c65e7cc24c73475717cc70d2a48b227b2bc7faa0973bc66f3b9ff67c2f03052"
	mixedCoins  = "88f010e2313694a01d061a5d4da7379272724ac41c9ccd5cc472f815340b0737"
)

// recent returns n blocks that pay anybody, with times of this hour.
func recent(n int) *chaingen.Chain {
	c := chaingen.New(regtest)
	c.Pay = chaingen.Anyone
	// The first block jumps to the present: genesis is of 2011.
	c.Step = time.Now().Unix() - int64(regtest.Genesis.Header.Time) - 3600
	c.Mine()
	c.Step = 1
	c.MineN(n - 1)
	return c
}

// Two nodes give a third one the chain; what it ends with is what Bitcoin Core
// says of it.
func TestSyncMixed(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	a, b := syncNode(t, mixed(t), nil), syncNode(t, mixed(t), nil)
	var log lines
	c := syncNode(t, openLedger(t, fsys.Mem()), func(cfg *Config) { cfg.Log = zerolog.New(&log) })
	c.dial(a)
	c.dial(b)
	c.at(mixedHeight, 5*time.Minute)
	stats, err := c.ledger.CoinStats(t.Context(), ledger.StatsMuHash)
	if err != nil || stats.Tip.Hash.String() != mixedTip || stats.Hash.String() != mixedCoins {
		t.Fatalf("%+v, %v", stats, err)
	}
	for _, p := range []*testNode{a, b} {
		if sent := p.Host().Totals().Sent.ByMessage[message.NameBlocks]; sent < 5_000_000 {
			t.Errorf("one of the peers has sent %d bytes of blocks", sent)
		}
	}
	eventually(t, "the log tells the end", func() bool { return strings.Contains(log.text(), "up to date at height 255") })
	if !strings.Contains(log.text(), "blocks: height 0 of 255 (0.0 %)") {
		t.Errorf("the log: %s", log.text())
	}
}

// staller is a Chain that gives some blocks away, and no others until the test ends.
type staller struct {
	Chain
	gives map[wire.Hash]bool
	ctx   context.Context
	held  chan struct{}
	once  sync.Once
}

func newStaller(ctx context.Context, l Chain, gives []*wire.Block) *staller {
	s := &staller{Chain: l, gives: map[wire.Hash]bool{}, ctx: ctx, held: make(chan struct{})}
	for _, b := range gives {
		s.gives[b.Hash()] = true
	}
	return s
}

func (s *staller) BlockBytes(hash wire.Hash) ([]byte, error) {
	if !s.gives[hash] {
		s.once.Do(func() { close(s.held) })
		<-s.ctx.Done()
	}
	return s.Chain.BlockBytes(hash)
}

// One of two peers stops answering half-way and stays connected: the other one gives
// the rest, and who stalled is not asked again soon.
func TestSyncStall(t *testing.T) {
	c := chaingen.New(regtest)
	c.Pay = chaingen.Anyone
	blocks := c.MineN(400)
	n := syncNode(t, openLedger(t, fsys.Mem()), nil)
	good := syncNode(t, openLedger(t, fsys.Mem(), blocks...), nil)
	ctx, cancel := context.WithCancel(context.Background())
	l := openLedger(t, fsys.Mem(), blocks...)
	s := newStaller(ctx, l, blocks[:60])
	bad := syncNode(t, l, func(cfg *Config) { cfg.Chain = s })
	defer cancel() // before the nodes stop
	n.dial(bad)
	<-s.held // before the other one can have given all
	n.dial(good)
	began := time.Now()
	n.at(400, time.Minute)
	t.Logf("the rest took %v", time.Since(began))
	for _, p := range []*testNode{good, bad} {
		if sent := p.Host().Totals().Sent.ByMessage[message.NameBlocks]; sent == 0 {
			t.Fatal("nothing came from one of them")
		}
	}
	if got := len(n.Host().Peers()); got != 2 {
		t.Fatalf("%d peers are left after one stall", got)
	}
}

// A node that is stopped in the middle goes on where it was.
func TestSyncResume(t *testing.T) {
	c := chaingen.New(regtest)
	c.Pay = chaingen.Anyone
	blocks := c.MineN(600)
	ctx, cancel := context.WithCancel(context.Background())
	l := openLedger(t, fsys.Mem(), blocks...)
	s := newStaller(ctx, l, blocks[:300])
	first := syncNode(t, l, func(cfg *Config) { cfg.Chain = s })
	files := fsys.Mem()
	n := syncNode(t, openLedger(t, files), nil)
	n.dial(first)
	<-s.held
	eventually(t, "what came is connected", func() bool { return n.ledger.Tip().Tip.Height > 200 })
	n.stop()
	cancel()
	first.stop()

	l = openLedger(t, files)
	from := l.Tip().Tip.Height
	if best := l.BestHeader().Ref.Height; best != 600 || from < 200 {
		t.Fatalf("after the restart, the best header is at %d and the tip at %d", best, from)
	}
	n = syncNode(t, l, nil)
	second := syncNode(t, openLedger(t, fsys.Mem(), blocks...), nil)
	n.dial(second)
	n.at(600, time.Minute)
	sent := second.Host().Totals().Sent.ByMessage
	if got, most := sent[message.NameBlocks], uint64(600-from+20)*300; got > most {
		t.Errorf("%d bytes of blocks were sent, at most %d are needed", got, most)
	}
	if sent[message.NameHeaders] > 1000 {
		t.Errorf("%d bytes of headers were sent", sent[message.NameHeaders])
	}
}

// A peer on a branch of less work is given ours, and nothing of its is taken.
func TestSyncLowerWork(t *testing.T) {
	c := recent(50)
	c.Mark("fork")
	long := append(c.Blocks(), c.MineN(20)...)
	c.Goto("fork")
	short := append(c.Blocks(), c.MineN(10)...)
	a := syncNode(t, openLedger(t, fsys.Mem(), long...), nil)
	b := syncNode(t, openLedger(t, fsys.Mem(), short...), nil)
	a.dial(b)
	b.at(70, time.Minute)
	if tip := a.ledger.Tip().Tip.Hash; tip != long[69].Hash() {
		t.Fatalf("the tip is %v", tip)
	}
	if b.ledger.Tip().Tip.Hash != long[69].Hash() {
		t.Fatal("the branch with less work has not been left")
	}
}

// A chain without the minimum work is not taken up: not one of its headers is
// kept. With enough work it is, through a first pass where it is long.
func TestSyncMinimumWork(t *testing.T) {
	c := chaingen.New(regtest)
	c.Pay = chaingen.Anyone
	blocks := c.MineN(2300)
	per := c.State().Work.Sub(stateAt(t, blocks, 2299).Work)
	work := func(n int) (w pow.Work) {
		for range n {
			w = w.Add(per)
		}
		return w
	}
	peer := syncNode(t, openLedger(t, fsys.Mem(), blocks...), nil)
	poor := syncNode(t, openLedger(t, fsys.Mem()), func(cfg *Config) { cfg.MinimumWork = work(2400) })
	poor.dial(peer)
	eventually(t, "it was asked for headers", func() bool {
		return poor.Host().Totals().Received.ByMessage[message.NameHeaders] > 0
	})
	eventually(t, "there is nothing more to ask", func() bool {
		idle := false
		poor.talk().sync.look(func(m *chainsync.Machine) { idle = m.Progress().Stage == 0 && m.Wake().IsZero() })
		return idle
	})
	if best := poor.ledger.BestHeader().Ref.Height; best != 0 {
		t.Fatalf("headers were kept, up to %d", best)
	}
	rich := syncNode(t, openLedger(t, fsys.Mem()), func(cfg *Config) { cfg.MinimumWork = work(2200) })
	rich.dial(peer)
	rich.at(2300, time.Minute)
	if got := rich.Host().Totals().Received.ByMessage[message.NameHeaders]; got < 2*2000*80 {
		t.Errorf("only %d bytes of headers: there was no first pass", got)
	}
}

// stateAt applies the first n headers.
func stateAt(t *testing.T, blocks []*wire.Block, n int) consensus.State {
	t.Helper()
	s := consensus.GenesisState(regtest)
	for _, b := range blocks[:n] {
		s = consensus.ApplyHeader(s, &b.Header)
	}
	return s
}

// Headers and blocks are served as their protocols say.
func TestServe(t *testing.T) {
	c := recent(40)
	c.Mark("fork")
	side := c.MineN(3)
	c.Goto("fork")
	blocks := append(c.Blocks(), c.MineN(5)...)
	l := openLedger(t, fsys.Mem(), append(blocks[:42:42], side...)...)
	for _, b := range blocks[42:] {
		if err := l.AddBlock(t.Context(), again(b)); err != nil {
			t.Fatal(err)
		}
	}
	n := syncNode(t, l, nil)
	w := &world{Chain: c, t: t}
	s := w.stranger()
	p := s.call(n)
	headers := func(stop wire.Hash, locator ...wire.Hash) []wire.Header {
		t.Helper()
		m := message.HeadersRequest{Locator: locator, Stop: stop}
		answer, err := p.Ask(t.Context(), message.NameHeaders, m.Append(nil), message.MaxAnswer(message.NameHeaders, regtest.MaxBlockWeight))
		if err != nil {
			t.Fatal(err)
		}
		hs, err := message.DecodeHeaders(answer)
		if err != nil {
			t.Fatal(err)
		}
		return hs.Headers
	}
	for _, c := range []struct {
		name        string
		stop        wire.Hash
		locator     []wire.Hash
		first, last int // by height
	}{
		{"from genesis", wire.Hash{}, []wire.Hash{regtest.GenesisHash}, 1, 45},
		{"unknown ones", wire.Hash{}, []wire.Hash{{1}, {2}}, 1, 45},
		{"from a block", wire.Hash{}, []wire.Hash{{1}, blocks[29].Hash(), blocks[9].Hash()}, 31, 45},
		{"a branch is passed over", wire.Hash{}, []wire.Hash{side[2].Hash(), blocks[35].Hash()}, 37, 45},
		{"up to one", blocks[34].Hash(), []wire.Hash{blocks[29].Hash()}, 31, 35},
		{"from the tip", wire.Hash{}, []wire.Hash{blocks[44].Hash()}, 1, 0},
		{"just one", blocks[7].Hash(), nil, 8, 8},
		{"just one of a branch", side[0].Hash(), nil, 1, 0},
	} {
		hs := headers(c.stop, c.locator...)
		if len(hs) != c.last-c.first+1 {
			t.Fatalf("%s: %d headers", c.name, len(hs))
		}
		for i, h := range hs {
			if h != blocks[c.first-1+i].Header {
				t.Fatalf("%s: header %d", c.name, i)
			}
		}
	}

	ask := func(hashes ...wire.Hash) (frames [][]byte) {
		t.Helper()
		m := message.BlocksRequest{Hashes: hashes}
		err := p.AskMany(t.Context(), message.NameBlocks, m.Append(nil), message.MaxAnswer(message.NameBlocks, regtest.MaxBlockWeight), func(frame []byte) error {
			frames = append(frames, frame)
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return frames
	}
	frames := ask(blocks[3].Hash(), wire.Hash{9}, blocks[44].Hash(), side[0].Hash(), side[2].Hash(), regtest.GenesisHash)
	want := [][]byte{blocks[3].Bytes(), nil, blocks[44].Bytes(), side[0].Bytes(), side[2].Bytes(), nil}
	if l.Tip().Tip.Hash != blocks[44].Hash() || len(frames) != len(want) {
		t.Fatalf("%d frames", len(frames))
	}
	for i := range want {
		if i < 5 && !bytes.Equal(frames[i], want[i]) {
			t.Errorf("block %d has %d bytes, not %d", i, len(frames[i]), len(want[i]))
		}
	}
	// A request that is none costs the connection.
	if _, err := p.Ask(t.Context(), message.NameHeaders, []byte{1, 2, 3}, 1000); err == nil {
		t.Fatal("an answer to nonsense")
	}
	eventually(t, "the stranger is gone", func() bool { return len(n.Host().Peers()) == 0 })
}

// A peer that hands over an invalid block is banned, and the chain of another one
// is taken up.
func TestSyncInvalidBlock(t *testing.T) {
	c := recent(110)
	good := c.Blocks()
	c.Mark("end")
	var bad *wire.Block
	for _, m := range chaingen.Munges() {
		if m.Kind == consensus.ErrOutputsExceedInputs {
			bad = c.Munged(m)
		}
	}
	w := &world{Chain: c, t: t}
	s := w.stranger()
	chain := append(append([]*wire.Block{}, good...), bad)
	s.on(message.NameHeaders, func(request []byte, answer func([]byte) error) error {
		m, err := message.DecodeHeadersRequest(request)
		if err != nil {
			return err
		}
		var hs message.Headers
		for i := len(chain) - 1; i >= 0 && chain[i].Hash() != m.Locator[0]; i-- {
			hs.Headers = append([]wire.Header{chain[i].Header}, hs.Headers...)
		}
		return answer(hs.Append(nil))
	})
	s.on(message.NameBlocks, func(request []byte, answer func([]byte) error) error {
		m, err := message.DecodeBlocksRequest(request)
		if err != nil {
			return err
		}
		for _, hash := range m.Hashes {
			for _, b := range chain {
				if b.Hash() == hash {
					if err := answer(b.Bytes()); err != nil {
						return err
					}
				}
			}
		}
		return nil
	})
	n := syncNode(t, openLedger(t, fsys.Mem(), good[:100]...), nil)
	p := s.call(n)
	// It tells of its last block, whose parent is not known.
	p.Send(&message.Have{Header: bad.Header})
	eventually(t, "the stranger is banned and gone", func() bool {
		bans := n.Host().Bans()
		return len(n.Host().Peers()) == 0 && len(bans) == 1 && bans[0].Target == s.ID()
	})
	n.at(110, time.Minute)
	honest := syncNode(t, openLedger(t, fsys.Mem(), append(good, c.MineN(2)...)...), nil)
	n.dial(honest)
	n.at(112, time.Minute)
}

// Two nodes that have nothing yet, the second of which follows the first from its
// first block on.
func TestSyncFromNothing(t *testing.T) {
	a := syncNode(t, openLedger(t, fsys.Mem()), nil)
	b := syncNode(t, openLedger(t, fsys.Mem()), nil)
	b.dial(a)
	c := recent(1)
	a.submit(c.Tip())
	b.at(1, time.Minute)
	for i := range 5 {
		a.submit(c.Mine())
		b.at(uint32(i)+2, time.Minute)
	}
}

// A node that has found its blocks alone gets those of a better chain, and the other
// way round, when they meet.
func TestSyncMeeting(t *testing.T) {
	c := recent(30)
	c.Mark("fork")
	one := append(c.Blocks(), c.MineN(12)...)
	c.Goto("fork")
	two := append(c.Blocks(), c.MineN(13)...)
	for _, callerIsBehind := range []bool{true, false} {
		a := syncNode(t, openLedger(t, fsys.Mem(), one...), nil)
		b := syncNode(t, openLedger(t, fsys.Mem(), two...), nil)
		if callerIsBehind {
			a.dial(b)
		} else {
			b.dial(a)
		}
		a.at(43, time.Minute)
		if a.ledger.Tip().Tip.Hash != two[42].Hash() {
			t.Fatal("another tip")
		}
	}
}
