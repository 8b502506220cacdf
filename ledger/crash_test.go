package ledger

import (
	"context"
	"errors"
	"os"
	"testing"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/ledger/flat"
	"github.com/keelson-chain/keelson/ledger/fsys"
	"github.com/keelson-chain/keelson/ledger/kv"
	"github.com/keelson-chain/keelson/pow"
	"github.com/keelson-chain/keelson/wire"
)

// crashScript is what the crash tests do to a ledger, on a chain drawn as
//
//	base - a1 .. a6           then invalid from the tip of a
//	    \- b1 .. b8           reorganisation
//	    \- c1 .. c10          arrives in reverse order: a second one
type crashScript struct {
	s     *spender
	base  []*wire.Block
	steps []func(l *Ledger) error
}

func newCrashScript() *crashScript {
	s := newSpender(11)
	s.MineN(103)
	s.busyN(3)
	s.Mark("base")
	c := &crashScript{s: s, base: s.Blocks()}
	step := func(f func(l *Ledger) error) { c.steps = append(c.steps, f) }
	blocks := func(bs []*wire.Block) {
		for _, b := range bs {
			step(func(l *Ledger) error {
				err := l.AddBlock(context.Background(), b)
				if errors.Is(err, ErrDuplicate) || errors.Is(err, ErrDuplicateInvalid) || errors.Is(err, ErrInvalidBranch) || isRule(err) {
					return nil // done before the crash, or meant to be invalid
				}
				return err
			})
		}
	}
	a := s.busyN(6)
	blocks(a)
	bad := s.invalidBranch()
	blocks(bad[:1])
	s.Goto("base")
	blocks(s.busyN(8))
	step(func(l *Ledger) error { return l.Invalidate(context.Background(), a[4].Hash()) })
	step(func(l *Ledger) error { return l.Reconsider(context.Background(), a[4].Hash()) })
	s.Goto("base")
	up := s.busyN(10)
	step(func(l *Ledger) error {
		var hs []wire.Header
		for _, b := range up {
			hs = append(hs, b.Header)
		}
		_, err := l.AddHeaders(hs)
		return err
	})
	for i := len(up) - 1; i >= 0; i-- {
		blocks(up[i : i+1])
	}
	return c
}

func (c *crashScript) run(l *Ledger, from int, done func(step int)) error {
	for i, f := range c.steps[from:] {
		if err := f(l); err != nil {
			return err
		}
		done(from + i)
	}
	return nil
}

// crashSeeds returns the ways in which the power fails behind change n: all that
// was not synced is lost, none of it, or a part. It is one way for each change, and
// with KEELSON_CRASHES=all, as `make crash` has it, every way.
func crashSeeds(n int) []uint64 {
	ways := []uint64{0, 1, uint64(n) + 2}
	if os.Getenv("KEELSON_CRASHES") == "all" {
		return ways
	}
	return ways[n%3 : n%3+1]
}

// TestCrash runs a scenario with reorganisations over the real database and
// flat files, and looks at what a power failure behind every single change of
// the files leaves: a tip of the scenario with exactly its coins, never less
// work than was promised, from which the scenario goes on to its end.
func TestCrash(t *testing.T) {
	for _, mode := range []struct {
		name  string
		eager bool
		cfg   func(c *Config)
	}{
		{"every tip committed", true, func(*Config) {}},
		{"initial download", false, func(*Config) {}},
		{"reorganisations in stages", false, func(c *Config) { c.CacheBytes = 1 }},
		{"transaction index", true, func(c *Config) { c.TxIndex = true }},
		{"address index", true, func(c *Config) { c.AddressIndex = true }},
		{"address index, in stages", false, func(c *Config) { c.AddressIndex, c.CacheBytes = true, 1 }},
		{"indexes of blocks", true, func(c *Config) { c.BlockFilterIndex, c.CoinStatsIndex = true, true }},
		{"indexes of blocks, in stages", false, func(c *Config) { c.BlockFilterIndex, c.CoinStatsIndex, c.CacheBytes = true, true, 1 }},
		{"commits streamed", true, func(c *Config) { c.bulkFrom = 1 }},
	} {
		t.Run(mode.name, func(t *testing.T) {
			clock := newClock()
			if !mode.eager {
				clock = clock.farAhead()
			}
			cfg := testConfig(clock)
			mode.cfg(&cfg)
			crashTest(t, cfg, mode.eager)
		})
	}
}

func crashTest(t *testing.T, cfg Config, eager bool) {
	c := newCrashScript()
	end := c.s.State().Tip
	fresh := fsys.NewCrash()
	l := openTest(t, fresh, cfg)
	add(t, l, c.base...)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	disk := fresh.Reboot(0)

	// What is promised once so many changes of the files are done.
	type promise struct {
		ops  int
		work pow.Work
	}
	l = openTest(t, disk, cfg)
	promises := []promise{{0, l.Tip().Work}}
	err := c.run(l, 0, func(int) {
		if eager {
			promises = append(promises, promise{disk.Ops(), l.Tip().Work})
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if got := l.Tip().Tip; got != end {
		t.Fatalf("the scenario ends at %v, not %v", got, end)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	ops := disk.Ops()
	promises = append(promises, promise{ops, l.Tip().Work})

	tips := map[wire.Hash]int{}
	var promised pow.Work
	images := 0
	raw := map[wire.Hash]bool{}
	for n := range ops + 1 {
		for len(promises) > 0 && promises[0].ops <= n {
			promised = promises[0].work
			promises = promises[1:]
		}
		for _, seed := range crashSeeds(n) {
			image := disk.Image(n, seed)
			raw[checkRaw(t, image, c)] = true
			if cfg.AddressIndex {
				checkRawAddresses(t, image, c)
			}
			l, err := openOn(t.Context(), cfg, image)
			if err != nil {
				t.Fatalf("after %d changes, seed %d: %v", n, seed, err)
			}
			checkCrashed(t, l, c, promised)
			tips[l.Tip().Tip.Hash]++
			if seed <= 1 && n%7 == 0 { // and on to the end
				if err := c.run(l, 0, func(int) {}); err != nil {
					t.Fatalf("after %d changes: going on: %v", n, err)
				}
				c.s.GotoHash(end.Hash)
				checkAt(t, l, c.s.Chain)
			}
			if err := l.Close(); err != nil {
				t.Fatalf("after %d changes, seed %d: close: %v", n, seed, err)
			}
			images++
		}
	}
	if len(tips) < 10 && eager {
		t.Fatalf("only %d different tips were seen", len(tips))
	}
	t.Logf("%d changes of the files, %d images, %d different tips, %d on disk", ops, images, len(tips), len(raw))
}

// checkRaw demands that the database, as the crash left it, holds exactly the coins
// of the tip that it names, and returns that tip.
func checkRaw(t *testing.T, image fsys.FS, c *crashScript) wire.Hash {
	t.Helper()
	db, err := kv.OpenOn(fsys.Sub(image, dbDir), kv.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	value, err := db.Get([]byte{keyState})
	if err != nil {
		t.Fatal(err)
	}
	state, err := readState(value)
	if err != nil {
		t.Fatal(err)
	}
	snapshot, err := db.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	s := Snapshot{db: snapshot}
	defer s.Close()
	c.s.GotoHash(state.tip)
	n := 0
	err = s.Coins(t.Context(), func(op wire.OutPoint, coin *consensus.Coin) error {
		want, ok := c.s.Coins()[op]
		if !ok || !equalCoins(coin, &want) {
			t.Fatalf("the coin %v on disk is none of the tip %v", op, state.tip)
		}
		n++
		return nil
	})
	if err != nil || n != len(c.s.Coins()) {
		t.Fatalf("%d coins on disk at %v, not %d: %v", n, state.tip, len(c.s.Coins()), err)
	}
	return state.tip
}

// checkCrashed demands that l stands at a block of the scenario with its coins,
// and that everything it has still reads.
func checkCrashed(t *testing.T, l *Ledger, c *crashScript, promised pow.Work) {
	t.Helper()
	tip := l.Tip()
	if tip.Work.Cmp(promised) < 0 {
		t.Fatalf("the tip is %v; more was promised", tip.Tip)
	}
	c.s.GotoHash(tip.Tip.Hash)
	checkAt(t, l, c.s.Chain)
	if l.cfg.TxIndex {
		checkTxIndex(t, l, c.s.Chain)
	}
	if l.cfg.AddressIndex {
		checkAddressIndex(t, l, c.s.Chain)
	}
	if l.cfg.BlockFilterIndex {
		checkBlockIndexes(t, l, c.s.Chain)
	}
	if err := l.VerifyChain(t.Context(), 3, 12, nil); err != nil {
		t.Fatalf("at %v: %v", tip.Tip, err)
	}
}

// checkRawAddresses demands that the database, as the crash left it, holds exactly
// the address index of the tip that the coins belong to: Open need not mend it.
func checkRawAddresses(t *testing.T, image fsys.FS, c *crashScript) {
	t.Helper()
	db, err := kv.OpenOn(fsys.Sub(image, dbDir), kv.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	l := &Ledger{db: db, cfg: Config{AddressIndex: true}}
	record, _, err := readRecord(db, keyIndexState, "address index")
	if err != nil || record.state != indexOn {
		t.Fatalf("the record of the address index is %v, %v", record, err)
	}
	c.s.GotoHash(record.tip)
	snapshot, err := db.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	s := &Snapshot{l: l, db: snapshot, tip: &node{height: c.s.State().Tip.Height}}
	defer s.Close()
	checkAddressRows(t, s, c.s.Chain)
	value, err := db.Get([]byte{keyState})
	if err != nil {
		t.Fatal(err)
	}
	if state, err := readState(value); err != nil || state.tip != record.tip {
		t.Fatalf("the coins are those of %v, the address index that of %v: %v", state.tip, record.tip, err)
	}
}

// An address index whose building or deletion a crash cuts short anywhere comes
// out whole.
func TestCrashOfAddressIndex(t *testing.T) {
	s := newSpender(15)
	s.MineN(110)
	s.mazyN(4)
	plain := testConfig(newClock())
	plain.growBytes = 4 << 10
	with := plain
	with.AddressIndex = true
	fresh := fsys.NewCrash()
	l := openTest(t, fresh, plain)
	add(t, l, s.Blocks()...)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	disk := fresh.Reboot(0)
	for _, cfg := range []Config{with, plain, with} { // built, deleted, built again
		if err := openTest(t, disk, cfg).Close(); err != nil {
			t.Fatal(err)
		}
	}
	states := map[indexRecord]bool{}
	for n := range disk.Ops() + 1 {
		for _, seed := range crashSeeds(n) {
			image := disk.Image(n, seed)
			for k, v := range dumpFiles(t, image, keyIndexState) {
				states[indexRecord{indexState(v[0]), wire.Hash([]byte(v[1:]))}] = len(k) == 1
			}
			cfg := with
			if n%5 == 0 {
				cfg = plain
			}
			l, err := openOn(t.Context(), cfg, image)
			if err != nil {
				t.Fatalf("after %d changes, seed %d: %v", n, seed, err)
			}
			if cfg.AddressIndex {
				checkAddressIndex(t, l, s.Chain)
			} else if rows := dump(t, l, append(addressPrefixes, keyIndexState)...); len(rows) != 0 {
				t.Fatalf("after %d changes, seed %d: %d rows are left", n, seed, len(rows))
			}
			if err := l.Close(); err != nil {
				t.Fatalf("after %d changes, seed %d: close: %v", n, seed, err)
			}
		}
	}
	if len(states) < 8 {
		t.Fatalf("only %d states of the index were seen", len(states))
	}
	t.Logf("%d changes of the files, %d states of the index", disk.Ops(), len(states))
}

// checkTxIndex demands that the index holds the transactions of c and no others.
func checkTxIndex(t *testing.T, l *Ledger, c *chaingen.Chain) {
	t.Helper()
	n := 0
	for _, b := range c.Blocks() {
		for _, tx := range b.Txs {
			got, hash, err := l.Tx(tx.TxID())
			if err != nil || got.WTxID() != tx.WTxID() || hash != b.Hash() {
				t.Fatalf("transaction %v of block %v: found in %v, %v", tx.TxID(), b.Hash(), hash, err)
			}
			n++
		}
	}
	it := l.db.Iterate(kv.Prefix([]byte{keyTx}))
	defer it.Close()
	for it.Next() {
		n--
	}
	if n != 0 {
		t.Fatalf("the index has %d entries too many", -n)
	}
}

// A crash while files are pruned loses neither a block that is kept nor a coin.
func TestCrashOfPruning(t *testing.T) {
	s := newSpender(13)
	s.MineN(101)
	s.fat(50, 9000)
	s.MineN(300)
	cfg := testConfig(newClock().farAhead())
	cfg.FastPrune, cfg.Prune = true, PruneManual
	fresh := fsys.NewCrash()
	l := openTest(t, fresh, cfg)
	add(t, l, s.Blocks()...)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	disk := fresh.Reboot(0)
	l = openTest(t, disk, cfg)
	for height := uint32(100); height < 200; height += 20 {
		if _, err := l.PruneTo(height); err != nil {
			t.Fatal(err)
		}
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	lows := map[uint32]bool{}
	for n := range disk.Ops() + 1 {
		for _, seed := range crashSeeds(n) {
			image := disk.Image(n, seed)
			l, err := openOn(t.Context(), cfg, image)
			if err != nil {
				t.Fatalf("after %d changes, seed %d: %v", n, seed, err)
			}
			checkAt(t, l, s.Chain)
			_, lowest := l.Pruning()
			lows[lowest] = true
			for h := max(lowest, 1); h <= s.State().Tip.Height; h++ {
				e, _ := l.EntryAt(h)
				if _, err := l.Block(e.Ref.Hash); err != nil {
					t.Fatal(err)
				}
				if _, err := l.Spent(e.Ref.Hash); err != nil {
					t.Fatal(err)
				}
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			// Nothing is left lying about: as many files as blocks need.
			l = openTest(t, image, cfg)
			list, err := l.blocks.List()
			if err != nil {
				t.Fatal(err)
			}
			used := map[uint32]bool{}
			for _, n := range l.tree.nodes {
				if n.status.Has(HaveBody) {
					used[n.body.File] = true
				}
			}
			if len(list) > len(used)+1 {
				t.Fatalf("after %d changes, seed %d: %d files for %d", n, seed, len(list), len(used))
			}
			l.Close()
		}
	}
	if len(lows) < 3 {
		t.Fatalf("pruned heights %v", lows)
	}
	t.Logf("%d changes of the files, %d states of pruning", disk.Ops(), len(lows))
}

// sliceSource gives blocks from memory.
func sliceSource(blocks []*wire.Block) *source {
	return &source{
		folder: true,
		scan: func(fn func(flat.Pos, []byte, int64) error) error {
			for i, b := range blocks {
				if err := fn(flat.Pos{Offset: uint32(i)}, b.Bytes(), 0); err != nil {
					return err
				}
			}
			return nil
		},
		read: func(at flat.Pos) ([]byte, error) { return blocks[at.Offset].Bytes(), nil },
	}
}

// A crash during an import, with blocks in flight, reorganisations and an
// invalid branch, and a cache so small that every block is committed.
func TestCrashOfImport(t *testing.T) {
	s := newSpender(14)
	s.MineN(103)
	s.Mark("base")
	base := s.Blocks()
	blocks := s.busyN(6)
	blocks = append(blocks, s.invalidBranch()...)
	s.Goto("base")
	blocks = append(blocks, s.busyN(9)...)
	end := s.State().Tip
	for _, cacheBytes := range []int64{1, 100_000} {
		cfg := testConfig(newClock())
		cfg.CacheBytes, cfg.Workers = cacheBytes, 2
		fresh := fsys.NewCrash()
		l := openTest(t, fresh, cfg)
		add(t, l, base...)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		disk := fresh.Reboot(0)
		l = openTest(t, disk, cfg)
		in := intake{l: l, src: sliceSource(blocks)}
		if p, err := in.run(t.Context()); err != nil || p.Invalid == 0 || l.Tip().Tip != end {
			t.Fatalf("%+v at %v, %v", p, l.Tip().Tip, err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		c := &crashScript{s: s}
		raw := map[wire.Hash]bool{}
		for n := range disk.Ops() + 1 {
			for _, seed := range crashSeeds(n) {
				image := disk.Image(n, seed)
				raw[checkRaw(t, image, c)] = true
				l, err := openOn(t.Context(), cfg, image)
				if err != nil {
					t.Fatalf("after %d changes, seed %d: %v", n, seed, err)
				}
				s.GotoHash(l.Tip().Tip.Hash)
				checkAt(t, l, s.Chain)
				in := intake{l: l, src: sliceSource(blocks)}
				if _, err := in.run(t.Context()); err != nil || l.Tip().Tip != end {
					t.Fatalf("going on after %d changes, seed %d, ends at %v, %v", n, seed, l.Tip().Tip, err)
				}
				if err := l.Close(); err != nil {
					t.Fatal(err)
				}
			}
		}
		t.Logf("%d changes of the files, %d tips on disk", disk.Ops(), len(raw))
	}
}

// A first start that is cut short anywhere leaves a folder that starts.
func TestCrashOfFirstStart(t *testing.T) {
	cfg := testConfig(newClock())
	disk := fsys.NewCrash()
	l := openTest(t, disk, cfg)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	for n := range disk.Ops() + 1 {
		for seed := range uint64(4) {
			l, err := openOn(t.Context(), cfg, disk.Image(n, seed))
			if err != nil {
				t.Fatalf("after %d changes, seed %d: %v", n, seed, err)
			}
			checkAt(t, l, chaingen.New(regtest))
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A fault at any change of the files stops the ledger for good and loses nothing.
func TestFaults(t *testing.T) {
	c := newCrashScript()
	end := c.s.State().Tip
	cfg := testConfig(newClock())
	for n := 0; ; n += 3 {
		files := fsys.NewFaults(fsys.Mem())
		cfg.AddressIndex = n%2 == 1
		l := openTest(t, files, cfg)
		add(t, l, c.base...)
		files.FailAfter(n, fsys.ErrFull)
		err := c.run(l, 0, func(int) {})
		if err == nil {
			if n < 50 {
				t.Fatalf("only %d changes of the files", n)
			}
			l.Close()
			return
		}
		wantError(t, err, ErrFault)
		wantError(t, err, fsys.ErrFull)
		files.FailAfter(0, nil)
		// The disk has space again, but what was half done stays so.
		wantError(t, l.AddBlock(t.Context(), c.base[0].Clone()), ErrDuplicate)
		wantError(t, l.Flush(), ErrFault)
		wantError(t, l.Fault(), fsys.ErrFull)
		_, err = l.AddHeaders(nil)
		wantError(t, err, ErrFault)
		l.Close()
		l = openTest(t, files, cfg)
		checkCrashed(t, l, c, pow.Work{})
		if err := c.run(l, 0, func(int) {}); err != nil {
			t.Fatalf("after fault %d: %v", n, err)
		}
		c.s.GotoHash(end.Hash)
		checkAt(t, l, c.s.Chain)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// A reindex that is cut short anywhere goes on and ends as if it had not been.
func TestCrashOfReindex(t *testing.T) {
	s := newSpender(12)
	s.MineN(103)
	s.busyN(4)
	for _, chainState := range []bool{false, true} {
		cfg := testConfig(newClock())
		fresh := fsys.NewCrash()
		l := openTest(t, fresh, cfg)
		add(t, l, s.Blocks()...)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		disk := fresh.Reboot(0)
		again := cfg
		again.Reindex, again.ReindexChainState = !chainState, chainState
		l = openTest(t, disk, again)
		checkAt(t, l, s.Chain)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		t.Logf("%d changes of the files", disk.Ops())
		for n := range disk.Ops() + 1 {
			for _, seed := range crashSeeds(n) {
				l, err := openOn(t.Context(), cfg, disk.Image(n, seed))
				if err != nil {
					t.Fatalf("after %d changes, seed %d: %v", n, seed, err)
				}
				checkAt(t, l, s.Chain)
				if err := l.Close(); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
}
