package ledger

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/ledger/fsys"
	"github.com/keelson-chain/keelson/wire"
)

var regtest = consensus.Regtest(consensus.RegtestOptions{})

// clock is the time of the tests: some blocks after the genesis block, so that
// the chains that chaingen builds are recent and commits are not put off.
type clock struct{ now time.Time }

func newClock() *clock {
	return &clock{time.Unix(int64(regtest.Genesis.Header.Time), 0).Add(12 * time.Hour)}
}

// long ago is where the initial download never ends.
func (c *clock) farAhead() *clock { return &clock{c.now.Add(10000 * time.Hour)} }

func testConfig(c *clock) Config {
	return Config{Params: regtest, Workers: 1, Now: func() time.Time { return c.now }}
}

// openOn opens a ledger on any file system.
func openOn(ctx context.Context, cfg Config, files fsys.FS) (*Ledger, error) {
	cfg.Files = files
	return Open(ctx, cfg)
}

func openTest(t testing.TB, files fsys.FS, cfg Config) *Ledger {
	t.Helper()
	l, err := openOn(context.Background(), cfg, files)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	return l
}

// newTest opens a ledger in memory that is closed when the test ends.
func newTest(t testing.TB) *Ledger {
	l := openTest(t, fsys.Mem(), testConfig(newClock()))
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return l
}

func add(t testing.TB, l *Ledger, blocks ...*wire.Block) {
	t.Helper()
	for _, b := range blocks {
		if err := l.AddBlock(context.Background(), b); err != nil {
			t.Fatalf("add %v: %v", b.Hash(), err)
		}
	}
}

// coinsOf returns the coins at the tip, through a snapshot.
func coinsOf(t testing.TB, l *Ledger) (wire.BlockRef, chaingen.Coins) {
	t.Helper()
	s, err := l.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	coins := make(chaingen.Coins)
	err = s.Coins(t.Context(), func(op wire.OutPoint, c *consensus.Coin) error {
		coin := *c
		coin.Out.PkScript = append([]byte(nil), c.Out.PkScript...)
		coins[op] = coin
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return s.Tip(), coins
}

func sameCoins(a, b chaingen.Coins) bool {
	return maps.EqualFunc(a, b, func(x, y consensus.Coin) bool { return equalCoins(&x, &y) })
}

// checkAt demands that l stands at the tip of c, with the coins of it.
func checkAt(t testing.TB, l *Ledger, c *chaingen.Chain) {
	t.Helper()
	if got, want := l.Tip(), c.State(); got != want {
		t.Fatalf("the tip is %v, not %v", got.Tip, want.Tip)
	}
	tip, coins := coinsOf(t, l)
	if tip != c.State().Tip {
		t.Fatalf("the snapshot is of %v, not of %v", tip, c.State().Tip)
	}
	if !sameCoins(coins, c.Coins()) {
		t.Fatalf("at %v there are %d coins, not the %d expected", tip, len(coins), len(c.Coins()))
	}
}

// spender mines blocks that spend and make coins of every kind.
type spender struct {
	*chaingen.Chain
	r *rand.Rand
}

func newSpender(seed uint64) *spender {
	s := &spender{chaingen.New(regtest), rand.New(rand.NewPCG(seed, 1))}
	s.Step = 60
	return s
}

// busy mines a block with some transactions, one of which spends a coin made
// in the same block.
func (s *spender) busy() *wire.Block {
	own := s.Mature()
	if len(own) < 4 {
		return s.Mine()
	}
	var txs []*wire.Tx
	at := s.r.IntN(len(own) - 3)
	kinds := []chaingen.Kind{chaingen.P2WPKH, chaingen.P2PKH, chaingen.Anyone, chaingen.P2TR}
	for i, coin := range own[at : at+1+s.r.IntN(3)] {
		half := coin.Coin.Out.Value / 2
		txs = append(txs, s.Spend([]consensus.OutCoin{coin},
			s.Out(kinds[s.r.IntN(len(kinds))], i, half-1000),
			s.Out(kinds[s.r.IntN(len(kinds))], i+5, half-1000),
			wire.TxOut{PkScript: []byte{0x6a, 0x01, byte(i)}}))
	}
	inside := s.OutputsOf(txs[0])[:1]
	if inside[0].Coin.Out.Value > 5000 {
		txs = append(txs, s.Spend(inside))
	}
	return s.Mine(txs...)
}

func (s *spender) busyN(n int) (blocks []*wire.Block) {
	for range n {
		blocks = append(blocks, s.busy())
	}
	return blocks
}

// invalidChild returns a block on the tip that pays its miner too much, and a
// block on it that is valid but for that.
func (s *spender) invalidBranch() []*wire.Block {
	s.Mark("before the invalid branch")
	good := s.MineN(3)
	s.Goto("before the invalid branch")
	var branch []*wire.Block
	for i, b := range good {
		b = b.Clone()
		if i == 0 {
			b.Txs[0].Outputs[0].Value++
			b.Header.MerkleRoot, _ = b.TxMerkleRoot()
		} else {
			b.Header.PrevBlock = branch[i-1].Hash()
		}
		chaingen.Solve(b)
		branch = append(branch, b)
	}
	return branch
}

func wantError(t testing.TB, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Fatalf("got error %v, want %v", err, want)
	}
}

func TestGrowAndReopen(t *testing.T) {
	s := newSpender(1)
	s.MineN(105)
	s.busyN(20)
	files, clock := fsys.Mem(), newClock()
	l := openTest(t, files, testConfig(clock))
	for _, b := range s.Blocks() {
		add(t, l, b)
	}
	checkAt(t, l, s.Chain)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = openTest(t, files, testConfig(clock))
	checkAt(t, l, s.Chain)
	for i, b := range s.Blocks() {
		got, err := l.Block(b.Hash())
		if err != nil || string(got.Bytes()) != string(b.Bytes()) {
			t.Fatalf("block %d comes back changed: %v", i+1, err)
		}
	}
	s.busyN(3)
	blocks := s.Blocks()
	add(t, l, blocks[len(blocks)-3:]...)
	checkAt(t, l, s.Chain)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	wantError(t, l.AddBlock(t.Context(), s.Mine()), ErrClosed)
}

// a reorganisation in the middle of everything:
//
//	... fork - a1 - a2 - a3
//	        \- b1 - b2 - b3 - b4
func TestReorganisation(t *testing.T) {
	s := newSpender(2)
	s.MineN(105)
	s.busyN(5)
	s.Mark("fork")
	l := newTest(t)
	add(t, l, s.Blocks()...)
	a := s.busyN(3)
	s.Mark("a")
	add(t, l, a...)
	s.Goto("fork")
	b := s.busyN(4)
	at := l.Tip().Tip
	changed := l.Changed()
	add(t, l, b[:3]...) // as much work as a, but seen later
	s.Mark("b")
	s.Goto("a")
	checkAt(t, l, s.Chain)
	select {
	case <-changed:
		t.Fatal("a tick without a change")
	default:
	}
	add(t, l, b[3])
	<-changed
	s.Goto("b")
	checkAt(t, l, s.Chain)

	updates, err := l.UpdatesSince(at, 0)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, u := range updates {
		sign := "-"
		if u.Connected {
			sign = "+"
		}
		got = append(got, sign+u.Ref.Hash.String())
	}
	want := []string{"-" + a[2].Hash().String(), "-" + a[1].Hash().String(), "-" + a[0].Hash().String()}
	for _, block := range b {
		want = append(want, "+"+block.Hash().String())
	}
	if len(got) != len(want) {
		t.Fatalf("updates %v, want %v", got, want)
	}
	for i := range want {
		if got[i] != want[i] {
			t.Fatalf("update %d is %v, want %v", i, got[i], want[i])
		}
	}
	if some, _ := l.UpdatesSince(at, 2); len(some) != 2 || some[1] != updates[1] {
		t.Fatalf("at most two updates: %v", some)
	}
	_, err = l.UpdatesSince(wire.BlockRef{}, 0)
	wantError(t, err, ErrUnknownBlock)

	// And back again, with more work.
	s.Goto("a")
	more := s.busyN(2)
	add(t, l, more...)
	checkAt(t, l, s.Chain)
}

func TestInvalidBranch(t *testing.T) {
	s := newSpender(3)
	s.MineN(105)
	s.Mark("fork")
	s.busyN(2)
	s.Mark("tip")
	l := newTest(t)
	add(t, l, s.Blocks()...)
	s.Goto("fork")
	bad := s.invalidBranch()
	add(t, l, bad[:2]...) // no more work than the tip: kept, not connected
	if e, _ := l.Entry(bad[0].Hash()); e.Status.Has(ValidScripts) || !e.Status.Has(HaveBody) {
		t.Fatalf("a block of a side branch has status %b", e.Status)
	}
	err := l.AddBlock(t.Context(), bad[2])
	wantError(t, err, ErrInvalidBranch)
	s.Goto("tip")
	checkAt(t, l, s.Chain)
	for i, b := range bad {
		e, _ := l.Entry(b.Hash())
		if e.Status.Has(Failed) != (i == 0) || e.Status.Has(FailedParent) != (i > 0) {
			t.Fatalf("block %d of the invalid branch has status %b", i, e.Status)
		}
		wantError(t, l.AddBlock(t.Context(), b), ErrDuplicateInvalid)
	}
	if best := l.BestHeader(); best.Ref != l.Tip().Tip {
		t.Fatalf("the best header is %v", best.Ref)
	}
	// A child of an invalid block.
	child := bad[2].Clone()
	child.Header.PrevBlock = bad[2].Hash()
	chaingen.Solve(child)
	wantError(t, l.AddBlock(t.Context(), child), ErrInvalidParent)
	_, err = l.AddHeaders([]wire.Header{child.Header})
	wantError(t, err, ErrInvalidParent)
	states := map[string]int{}
	for _, tip := range l.Tips() {
		states[tip.State]++
	}
	if states[TipActive] != 1 || states[TipInvalid] != 1 || len(states) != 2 {
		t.Fatalf("tips %v", states)
	}

	// An invalid block straight on the tip says why.
	next := s.invalidBranch()
	err = l.AddBlock(t.Context(), next[0])
	wantError(t, err, consensus.ErrCoinbaseAmount)
	wantError(t, l.AddBlock(t.Context(), next[0]), ErrDuplicateInvalid)
	// Such a chain is left where a longer one has it in the middle: the valid
	// part of it is gone to.
	s.Goto("fork")
	good := s.busyN(4)
	tail := s.invalidBranch()
	_, err = l.AddHeaders([]wire.Header{good[0].Header, good[1].Header, good[2].Header, good[3].Header, tail[0].Header, tail[1].Header})
	if err != nil {
		t.Fatal(err)
	}
	add(t, l, tail[1], tail[0], good[3], good[2], good[1]) // nothing connects
	s.Mark("valid part")
	s.Goto("tip")
	checkAt(t, l, s.Chain)
	add(t, l, good[0])
	s.Goto("valid part")
	checkAt(t, l, s.Chain)
}

func TestMunged(t *testing.T) {
	s := newSpender(4)
	s.MineN(105)
	l := newTest(t)
	add(t, l, s.Blocks()...)
	for _, m := range chaingen.Munges() {
		t.Run(m.Name, func(t *testing.T) {
			b := s.Munged(m)
			err := l.AddBlock(t.Context(), b)
			wantError(t, err, m.Kind)
			e, known := l.Entry(b.Hash())
			if known && e.Status.Invalid() && consensus.Mutated(err) {
				t.Fatal("a block is remembered as invalid although its body may have been changed")
			}
			if again := l.AddBlock(t.Context(), b); !errors.Is(again, m.Kind) && !errors.Is(again, ErrDuplicateInvalid) {
				t.Fatalf("the second time it is %v", again)
			}
		})
	}
	checkAt(t, l, s.Chain)
	// The body that belongs to a mutated block's header is still welcome.
	good := s.busy()
	bad := good.Clone()
	bad.Txs[0].Inputs[0].Witness = [][]byte{make([]byte, 31)}
	wantError(t, l.AddBlock(t.Context(), bad), consensus.ErrWitnessNonceSize)
	add(t, l, good)
	checkAt(t, l, s.Chain)
}

func TestOrderOfArrival(t *testing.T) {
	s := newSpender(5)
	s.MineN(105)
	s.busyN(10)
	blocks := s.Blocks()
	l := newTest(t)
	err := l.AddBlock(t.Context(), blocks[1])
	wantError(t, err, ErrUnknownParent)
	if got := consensus.RejectReason(err); got != "prev-blk-not-found" {
		t.Fatalf("reject reason %q", got)
	}
	var headers []wire.Header
	for _, b := range blocks {
		headers = append(headers, b.Header)
	}
	best, err := l.AddHeaders(headers)
	if err != nil || best != s.State().Tip {
		t.Fatalf("best header %v, %v", best, err)
	}
	if again, err := l.AddHeaders(headers); err != nil || again != best {
		t.Fatalf("known headers: %v, %v", again, err)
	}
	order := rand.New(rand.NewPCG(5, 5)).Perm(len(blocks))
	for i, k := range order {
		if got := l.Wanted(len(blocks)); len(got) != len(blocks)-i {
			t.Fatalf("%d blocks are wanted, %d are missing", len(got), len(blocks)-i)
		}
		add(t, l, blocks[k])
		wantError(t, l.AddBlock(t.Context(), blocks[k]), ErrDuplicate)
	}
	if got := l.Wanted(10); len(got) != 0 {
		t.Fatalf("wanted: %v", got)
	}
	checkAt(t, l, s.Chain)
	// A chain of less work, which nobody wants by itself.
	s.GotoHash(blocks[2].Hash())
	side := s.MineN(2)
	if _, err := l.AddHeaders([]wire.Header{side[0].Header, side[1].Header}); err != nil {
		t.Fatal(err)
	}
	add(t, l, side[0])
	if got := l.Missing(side[1].Hash(), 10); len(got) != 1 || got[0].Hash != side[1].Hash() || got[0].Height != 5 {
		t.Fatalf("missing: %v", got)
	}
	if got := l.Missing(wire.Hash{1}, 10); got != nil {
		t.Fatalf("of an unknown block are missing: %v", got)
	}
	s.GotoHash(blocks[len(blocks)-1].Hash())
	_, err = l.AddHeaders([]wire.Header{{PrevBlock: wire.Hash{1}}})
	wantError(t, err, ErrUnknownParent)
	late := s.Next().Header
	late.Time = uint32(l.cfg.Now().Unix() + 7201)
	lateBlock := wire.Block{Header: late}
	chaingen.Solve(&lateBlock)
	_, err = l.AddHeaders([]wire.Header{lateBlock.Header})
	wantError(t, err, consensus.ErrTimeTooNew)
	if _, known := l.Entry(lateBlock.Hash()); known {
		t.Fatal("a header from the future was kept")
	}
}

func TestInvalidateReconsiderPrecious(t *testing.T) {
	ctx := t.Context()
	s := newSpender(6)
	s.MineN(105)
	s.Mark("fork")
	a := s.busyN(4)
	s.Mark("a")
	l := newTest(t)
	add(t, l, s.Blocks()...)
	s.Goto("fork")
	b := s.busyN(2)
	s.Mark("b")
	add(t, l, b...)

	if err := l.Invalidate(ctx, a[1].Hash()); err != nil {
		t.Fatal(err)
	}
	checkAt(t, l, s.Chain) // two blocks of b are more than the one left of a
	if e, _ := l.Entry(a[3].Hash()); !e.Status.Has(FailedParent) || e.Active {
		t.Fatalf("status %b", e.Status)
	}
	if err := l.Invalidate(ctx, b[0].Hash()); err != nil {
		t.Fatal(err)
	}
	s.GotoHash(a[0].Hash())
	checkAt(t, l, s.Chain)
	// A descendant's reconsideration frees its ancestors.
	if err := l.Reconsider(ctx, a[3].Hash()); err != nil {
		t.Fatal(err)
	}
	s.Goto("a")
	checkAt(t, l, s.Chain)
	if err := l.Reconsider(ctx, b[0].Hash()); err != nil {
		t.Fatal(err)
	}
	checkAt(t, l, s.Chain)

	// Precious: c has as much work as a but came later.
	s.Goto("b")
	c := s.busyN(2)
	s.Mark("c")
	add(t, l, c...)
	s.Goto("a")
	checkAt(t, l, s.Chain)
	if err := l.Precious(c[1].Hash()); err != nil {
		t.Fatal(err)
	}
	s.Goto("c")
	checkAt(t, l, s.Chain)
	if err := l.Precious(a[3].Hash()); err != nil {
		t.Fatal(err)
	}
	s.Goto("a")
	checkAt(t, l, s.Chain)
	if err := l.Precious(b[0].Hash()); err != nil { // less work: nothing happens
		t.Fatal(err)
	}
	checkAt(t, l, s.Chain)

	wantError(t, l.Invalidate(ctx, regtest.GenesisHash), ErrGenesis)
	wantError(t, l.Invalidate(ctx, wire.Hash{1}), ErrUnknownBlock)
	wantError(t, l.Reconsider(ctx, wire.Hash{1}), ErrUnknownBlock)
	wantError(t, l.Precious(wire.Hash{1}), ErrUnknownBlock)

	// Everything down to the genesis block.
	if err := l.Invalidate(ctx, s.Blocks()[0].Hash()); err != nil {
		t.Fatal(err)
	}
	s.Goto("genesis")
	checkAt(t, l, s.Chain)
}

// A call that is cancelled in the middle leaves a valid tip, and the rest is
// done later.
func TestCancelledReorganisation(t *testing.T) {
	s := newSpender(7)
	s.MineN(105)
	s.Mark("fork")
	l := newTest(t)
	add(t, l, s.Blocks()...)
	a := s.busyN(10)
	s.Mark("a")
	add(t, l, a...)
	s.Goto("fork")
	b := s.busyN(11)
	add(t, l, b[:10]...)
	s.Goto("a")
	checkAt(t, l, s.Chain)
	ctx := &countdown{Context: t.Context(), left: 6}
	if err := l.AddBlock(ctx, b[10]); !errors.Is(err, context.Canceled) {
		t.Fatalf("got %v", err)
	}
	tip := l.Tip().Tip
	s.GotoHash(tip.Hash)
	checkAt(t, l, s.Chain)
	s.GotoHash(b[10].Hash())
	next := s.busy()
	add(t, l, next)
	checkAt(t, l, s.Chain)
}

// countdown is cancelled after Err has been called a few times.
type countdown struct {
	context.Context
	left int
}

func (c *countdown) Err() error {
	if c.left--; c.left < 0 {
		return context.Canceled
	}
	return nil
}

func TestStopAtHeight(t *testing.T) {
	s := newSpender(8)
	s.MineN(20)
	cfg := testConfig(newClock())
	cfg.StopAtHeight = 12
	l := openTest(t, fsys.Mem(), cfg)
	defer l.Close()
	add(t, l, s.Blocks()...)
	if h := l.Tip().Tip.Height; h != 12 {
		t.Fatalf("connected up to %d", h)
	}
}

// Scripts below the block that is assumed valid are not run once enough work
// lies above them, and are run otherwise.
func TestAssumeValid(t *testing.T) {
	s := newSpender(9)
	s.MineN(101)
	forged := s.Spend(s.Mature()[:1])
	forged.Inputs[0].Witness = [][]byte{{1}, {2}}
	// A block with a bad signature, and enough blocks on it: two weeks at ten
	// minutes each are 2,016.
	s.MineN(1)
	blocks := s.Blocks()
	bad := s.Next(forged)
	headers := make([]wire.Header, 0, 2100)
	for _, b := range blocks {
		headers = append(headers, b.Header)
	}
	headers = append(headers, bad.Header)
	for len(headers) < 102+2100 {
		last := headers[len(headers)-1]
		b := &wire.Block{Header: wire.Header{Version: 4, PrevBlock: last.Hash(), Time: last.Time + 1, Bits: last.Bits}}
		chaingen.Solve(b)
		headers = append(headers, b.Header)
	}
	for _, c := range []struct {
		name   string
		assume wire.Hash
		known  int
		valid  bool
	}{
		{"deep below", headers[105].Hash(), len(headers), true},
		{"not set", wire.Hash{}, len(headers), false},
		{"another block", wire.Hash{1}, len(headers), false},
		{"below the bad one", headers[50].Hash(), len(headers), false},
		{"too little work above", headers[105].Hash(), 1500, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			cfg := testConfig(newClock())
			cfg.AssumeValid = c.assume
			l := openTest(t, fsys.Mem(), cfg)
			defer l.Close()
			if _, err := l.AddHeaders(headers[:c.known]); err != nil {
				t.Fatal(err)
			}
			add(t, l, blocks...)
			err := l.AddBlock(t.Context(), bad)
			if c.valid && err != nil || !c.valid && !errors.Is(err, consensus.ErrScript) {
				t.Fatal(err)
			}
		})
	}
}
