package ledger

import (
	"context"
	"errors"
	"path/filepath"
	"testing"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/ledger/fsys"
	"github.com/keelson-chain/keelson/wire"
)

// assumedChain is
//
//	genesis .. low - 5 busy - base - 8 busy - a: 6 busy
//	            \                 \- b: 8 busy
//	             \- 40: more work than any
type assumedChain struct {
	*spender
	base      consensus.AssumedCoins
	coins     chaingen.Coins
	main      []*wire.Block // up to a
	b, around []*wire.Block
}

func newAssumedChain() *assumedChain {
	s := newSpender(91)
	c := &assumedChain{spender: s, coins: make(chaingen.Coins)}
	s.MineN(103)
	s.Mark("low")
	s.busyN(5)
	s.Mark("base")
	c.base = consensus.AssumedCoins{Block: s.State().Tip}
	for _, b := range s.Blocks() {
		c.base.ChainTxs += uint64(len(b.Txs))
	}
	c.base.ChainTxs++ // the genesis block's
	for op, coin := range s.Coins() {
		c.coins[op] = coin
	}
	s.busyN(8)
	s.Mark("fork")
	s.busyN(6)
	s.Mark("a")
	c.main = s.Blocks()
	s.Goto("fork")
	c.b = s.busyN(8)
	s.Mark("b")
	s.Goto("low")
	c.around = s.MineN(40)
	s.Mark("around")
	return c
}

// from returns a ledger that has blocks up to low and the headers of the rest, with
// c.base.Hash set to what it is.
func (c *assumedChain) from(t testing.TB) *Ledger {
	t.Helper()
	l := newTest(t)
	add(t, l, c.main[:c.base.Block.Height]...)
	stats, err := l.CoinStats(t.Context(), StatsSerial3)
	if err != nil {
		t.Fatal(err)
	}
	c.base.Hash = stats.Hash
	l = newTest(t)
	add(t, l, c.main[:103]...)
	addHeaders(l, c.main)
	return l
}

// give yields the coins as a file has them: in no order here, and without MTP.
func (c *assumedChain) give(yield func(op wire.OutPoint, c *consensus.Coin) error) error {
	for op, coin := range c.coins {
		coin.MTP = 0
		if err := yield(op, &coin); err != nil {
			return err
		}
	}
	return nil
}

func closed(t testing.TB, l *Ledger) {
	t.Helper()
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// An assumed ledger goes on from the base as one does that has every block, and
// reports what it lacks.
func TestAssumed(t *testing.T) {
	c := newAssumedChain()
	from := c.from(t)
	cfg := testConfig(newClock())
	dir := t.TempDir()
	files := fsys.Disk(filepath.Join(dir, "assumed"))
	cfg.Files = files
	if has, err := HasAssumed(files); has || err != nil {
		t.Fatalf("before: %v, %v", has, err)
	}
	if err := Assume(t.Context(), cfg, from, c.base, c.give); err != nil {
		t.Fatal(err)
	}
	if has, err := HasAssumed(files); !has || err != nil {
		t.Fatalf("after: %v, %v", has, err)
	}
	l := openTest(t, files, cfg)
	if a, ok := l.Assumed(); !ok || a != c.base {
		t.Fatalf("assumed %+v, %v, want %+v", a, ok, c.base)
	}
	c.Goto("base")
	checkAt(t, l, c.Chain)
	if e, _ := l.EntryAt(c.base.Block.Height); e.ChainTxCount != c.base.ChainTxs || !e.Active {
		t.Errorf("the base is %+v", e)
	}
	if best := l.BestHeader().Ref; best.Height != uint32(len(c.main)) {
		t.Errorf("the best header is %v", best)
	}
	if want := l.Wanted(100); len(want) != len(c.main)-int(c.base.Block.Height) || want[0].Height != c.base.Block.Height+1 {
		t.Errorf("wanted are %v", want)
	}
	for _, h := range []uint32{1, 103, c.base.Block.Height} {
		hash := c.main[h-1].Hash()
		_, err := l.Block(hash)
		wantError(t, err, ErrNoBody)
		_, err = l.Spent(hash)
		wantError(t, err, ErrNoBody)
	}
	if _, err := l.Block(regtest.GenesisHash); err != nil {
		t.Errorf("the genesis block: %v", err)
	}
	if err := l.VerifyChain(t.Context(), 4, 0, nil); err != nil {
		t.Errorf("at the base: %v", err)
	}

	add(t, l, c.main[c.base.Block.Height:]...)
	c.Goto("a")
	checkAt(t, l, c.Chain)
	closed(t, l)
	l = openTest(t, files, cfg)
	checkAt(t, l, c.Chain)
	if err := l.VerifyChain(t.Context(), 4, 0, nil); err != nil {
		t.Errorf("above the base: %v", err)
	}
	// A branch that leaves above the base is gone to, another is not.
	add(t, l, c.b...)
	c.Goto("b")
	checkAt(t, l, c.Chain)
	add(t, l, c.around...)
	checkAt(t, l, c.Chain)
	closed(t, l)
	l = openTest(t, files, cfg)
	checkAt(t, l, c.Chain)
	wantError(t, l.Invalidate(t.Context(), c.base.Block.Hash), ErrAssumed)
	wantError(t, l.Invalidate(t.Context(), c.main[50].Hash()), ErrAssumed)
	wantError(t, l.Restore(t.Context(), l.Checkpoint()), ErrPrunedData)
	if err := l.Invalidate(t.Context(), c.main[c.base.Block.Height].Hash()); err != nil {
		t.Fatal(err)
	}
	c.Goto("base")
	checkAt(t, l, c.Chain)
	if err := l.Reconsider(t.Context(), c.main[c.base.Block.Height].Hash()); err != nil {
		t.Fatal(err)
	}
	c.Goto("b")
	checkAt(t, l, c.Chain)

	// Whoever has every block has the same coins, to the byte.
	full := newTest(t)
	add(t, full, c.main...)
	add(t, full, c.b...)
	checkAt(t, full, c.Chain)
	if !equalMaps(dump(t, l, keyCoin), dump(t, full, keyCoin)) {
		t.Error("the coins differ")
	}
	closed(t, l)

	for name, change := range map[string]func(*Config){
		"txindex":            func(c *Config) { c.TxIndex = true },
		"block filters":      func(c *Config) { c.BlockFilterIndex = true },
		"coin statistics":    func(c *Config) { c.CoinStatsIndex = true },
		"reindex":            func(c *Config) { c.Reindex = true },
		"reindex-chainstate": func(c *Config) { c.ReindexChainState = true },
	} {
		cfg := cfg
		change(&cfg)
		if l, err := openOn(t.Context(), cfg, files); !errors.Is(err, ErrAssumed) {
			t.Errorf("%s: %v", name, err)
			if err == nil {
				closed(t, l)
			}
		}
	}

	// What came above the base goes to the ledger that has the rest.
	add(t, from, c.main[103:c.base.Block.Height]...)
	if p, err := from.Import(t.Context(), filepath.Join(dir, "assumed", "blocks"), nil); err != nil {
		t.Fatalf("%+v, %v", p, err)
	}
	c.Goto("around") // which it may go to
	checkAt(t, from, c.Chain)
	if err := Discard(files); err != nil {
		t.Fatal(err)
	}
	if has, err := HasAssumed(files); has || err != nil {
		t.Fatalf("in the end: %v, %v", has, err)
	}
}

// What Assume refuses leaves nothing.
func TestAssumeErrors(t *testing.T) {
	c := newAssumedChain()
	from := c.from(t)
	stop := errors.New("stop")
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	cases := map[string]struct {
		ctx    context.Context
		change func(a *consensus.AssumedCoins)
		give   func(yield func(op wire.OutPoint, c *consensus.Coin) error) error
		want   error
	}{
		"unknown":      {change: func(a *consensus.AssumedCoins) { a.Block.Hash = wire.Hash{1} }, want: ErrUnknownBlock},
		"other height": {change: func(a *consensus.AssumedCoins) { a.Block.Height++ }, want: ErrUnknownBlock},
		"genesis": {change: func(a *consensus.AssumedCoins) {
			a.Block = wire.BlockRef{Hash: regtest.GenesisHash}
		}, want: ErrUnknownBlock},
		"end of the file": {give: func(func(op wire.OutPoint, c *consensus.Coin) error) error { return stop }, want: stop},
		"end of the call": {ctx: ended, want: context.Canceled},
		"younger coin": {give: func(yield func(op wire.OutPoint, c *consensus.Coin) error) error {
			return yield(wire.OutPoint{}, &consensus.Coin{Height: c.base.Block.Height + 1})
		}, want: errYoung},
	}
	for name, test := range cases {
		a, give, ctx := c.base, c.give, t.Context()
		if test.change != nil {
			test.change(&a)
		}
		if test.give != nil {
			give = test.give
		}
		if test.ctx != nil {
			ctx = test.ctx
		}
		cfg := testConfig(newClock())
		cfg.Files = fsys.Mem()
		err := Assume(ctx, cfg, from, a, give)
		if !errors.Is(err, test.want) {
			t.Errorf("%s: %v", name, err)
		}
		nothingIn(t, name, cfg.Files)
	}
	cfg := testConfig(newClock())
	cfg.Files = fsys.Mem()
	var wrong *WrongCoinsError
	for name, change := range map[string]func(i int, op *wire.OutPoint, c *consensus.Coin) bool{
		"one missing":  func(i int, _ *wire.OutPoint, _ *consensus.Coin) bool { return i != 7 },
		"richer":       func(_ int, _ *wire.OutPoint, c *consensus.Coin) bool { c.Out.Value++; return true },
		"older":        func(_ int, _ *wire.OutPoint, c *consensus.Coin) bool { c.Height--; return true },
		"other output": func(i int, op *wire.OutPoint, _ *consensus.Coin) bool { op.Index += uint32(i / 7); return true },
	} {
		i := 0
		err := Assume(t.Context(), cfg, from, c.base, func(yield func(op wire.OutPoint, c *consensus.Coin) error) error {
			return c.give(func(op wire.OutPoint, coin *consensus.Coin) error {
				i++
				if !change(i, &op, coin) {
					return nil
				}
				return yield(op, coin)
			})
		})
		if !errors.As(err, &wrong) || wrong.Want != c.base.Hash || wrong.Got == wrong.Want {
			t.Errorf("%s: %v", name, err)
		}
		nothingIn(t, name, cfg.Files)
	}
	if err := from.Invalidate(t.Context(), c.main[104].Hash()); err != nil {
		t.Fatal(err)
	}
	wantError(t, Assume(t.Context(), cfg, from, c.base, c.give), ErrInvalidParent)
	nothingIn(t, "invalid", cfg.Files)
}

// nothingIn looks for files of an assumed ledger.
func nothingIn(t *testing.T, name string, files fsys.FS) {
	t.Helper()
	if has, err := HasAssumed(files); has || err != nil {
		t.Errorf("%s: there is a ledger, %v", name, err)
	}
	for _, dir := range []string{blocksDir, dbDir} {
		if names, err := files.List(dir); err == nil && len(names) > 0 {
			t.Errorf("%s: left in %s: %v", name, dir, names)
		}
	}
}

// A crash while an assumed ledger is made, or removed, leaves all of it or none.
func TestCrashOfAssume(t *testing.T) {
	c := newAssumedChain()
	from := c.from(t)
	cfg := testConfig(newClock())
	disk := fsys.NewCrash()
	cfg.Files = disk
	if err := Assume(t.Context(), cfg, from, c.base, c.give); err != nil {
		t.Fatal(err)
	}
	made := disk.Ops()
	if err := Discard(disk); err != nil {
		t.Fatal(err)
	}
	c.Goto("base")
	whole := 0
	for n := range disk.Ops() + 1 {
		for _, seed := range crashSeeds(n) {
			image := disk.Image(n, seed)
			cfg.Files = image
			has, err := HasAssumed(image)
			if err != nil || n == made && !has {
				t.Fatalf("after %d changes of %d, seed %d: %v, %v", n, made, seed, has, err)
			}
			if has {
				whole++
			} else if err := Assume(t.Context(), cfg, from, c.base, c.give); err != nil {
				t.Fatalf("after %d changes, seed %d, again: %v", n, seed, err)
			}
			l := openTest(t, image, cfg)
			checkAt(t, l, c.Chain)
			closed(t, l)
		}
	}
	if whole == 0 || has(t, disk) {
		t.Errorf("%d times whole", whole)
	}
	t.Logf("%d changes of the files, %d images with a whole ledger", disk.Ops(), whole)
}

func has(t *testing.T, files fsys.FS) bool {
	t.Helper()
	has, err := HasAssumed(files)
	if err != nil {
		t.Fatal(err)
	}
	return has
}
