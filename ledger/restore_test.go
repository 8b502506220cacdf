package ledger

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/keelson-chain/keelson/ledger/fsys"
	"github.com/keelson-chain/keelson/wire"
)

// pastState is everything that a ledger shows and stores, for comparison with
// what it shows after a Restore.
type pastState struct {
	checkpoint Checkpoint
	tip        wire.BlockRef
	best       Entry
	tips       []ChainTip
	entries    map[wire.Hash]string
	stats      Stats
	stored     map[string]string
}

func stateOf(t *testing.T, l *Ledger) *pastState {
	t.Helper()
	if err := l.Flush(); err != nil {
		t.Fatal(err)
	}
	s := &pastState{checkpoint: l.Checkpoint(), tip: l.Tip().Tip, best: l.BestHeader(), tips: l.Tips(), entries: map[wire.Hash]string{}}
	for hash := range l.tree.nodes {
		e, _ := l.Entry(hash)
		next := "none"
		if e.Next != nil {
			next = e.Next.String()
		}
		e.Next = nil
		s.entries[hash] = fmt.Sprint(e, next)
	}
	var err error
	if s.stats, err = l.CoinStats(t.Context(), StatsMuHash); err != nil {
		t.Fatal(err)
	}
	s.stats.DiskSize = 0
	s.stored = dump(t, l, keyBlock, keyCoin, keyTx, keyIndexState, keyTotals, keyHistory, keyScriptCoin, keySpender)
	return s
}

// check demands that l is what it was.
func (s *pastState) check(t *testing.T, l *Ledger) {
	t.Helper()
	now := stateOf(t, l)
	if now.tip != s.tip || now.stats != s.stats {
		t.Fatalf("restored to %v with %d coins, muhash %v, not %v with %d, %v",
			now.tip, now.stats.TxOuts, now.stats.Hash, s.tip, s.stats.TxOuts, s.stats.Hash)
	}
	if now.best.Work != s.best.Work { // of several headers alike any may be it
		t.Fatalf("the best header is %v, not %v", now.best.Ref, s.best.Ref)
	}
	if fmt.Sprint(now.checkpoint) != fmt.Sprint(s.checkpoint) {
		t.Fatalf("the tree is\n%v, not\n%v", now.checkpoint, s.checkpoint)
	}
	if fmt.Sprint(tipStates(now.tips)) != fmt.Sprint(tipStates(s.tips)) {
		t.Fatalf("the tips are %v, not %v", tipStates(now.tips), tipStates(s.tips))
	}
	if !maps.Equal(now.entries, s.entries) {
		for hash, e := range s.entries {
			if now.entries[hash] != e {
				t.Errorf("block %v is\n%s, not\n%s", hash, now.entries[hash], e)
			}
		}
		t.Fatalf("%d blocks are known, not %d", len(now.entries), len(s.entries))
	}
	if !equalMaps(now.stored, s.stored) {
		for k, v := range s.stored {
			if now.stored[k] != v {
				t.Errorf("key %x holds %x, not %x", k, now.stored[k], v)
			}
		}
		t.Fatalf("the database has %d keys, not %d", len(now.stored), len(s.stored))
	}
	if len(l.tree.dirty) > 0 || len(l.tree.gone) > 0 {
		t.Fatal("something has not been written")
	}
}

func tipStates(tips []ChainTip) (list []string) {
	for _, tip := range tips {
		list = append(list, fmt.Sprint(tip.Ref, tip.State, tip.BranchLen))
	}
	return list
}

// TestRestoreRandomTrees grows random trees as TestRandomTrees does, and takes
// each back to random earlier states: what is shown and stored must be what it was,
// byte for byte, and what follows must go as by the model.
func TestRestoreRandomTrees(t *testing.T) {
	seeds := 16
	if testing.Short() {
		seeds = 6
	}
	for seed := range uint64(seeds) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { restoreTree(t, seed) })
	}
}

// past is a moment that is gone back to.
type past struct {
	state  *pastState
	blocks []modelBlock
	clock  int
	todo   []*modelBlock
}

func restoreTree(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 79))
	s := newSpender(100 + seed)
	s.MineN(101)
	base := s.Blocks()
	var m model
	root := m.add(nil, s.Tip(), false)
	root.has, root.seen, m.tip = true, 1, root
	m.clock = 1
	valid := []*modelBlock{root}
	for range 30 {
		at := valid[len(valid)-1-min(len(valid)-1, int(r.ExpFloat64()*2.5))]
		s.GotoHash(at.block.Hash())
		if r.IntN(7) == 0 {
			parent := at
			for i, b := range s.invalidBranch()[:1+r.IntN(3)] {
				parent = m.add(parent, b, i == 0)
			}
			continue
		}
		valid = append(valid, m.add(at, s.busy(), false))
	}
	clock := newClock()
	if seed%2 == 1 {
		clock = clock.farAhead()
	}
	cfg := testConfig(clock)
	cfg.TxIndex, cfg.AddressIndex = seed%3 != 0, seed%3 == 2
	if seed%4 >= 2 {
		cfg.CacheBytes = 1
	}
	files := fsys.Mem()
	l := openTest(t, files, cfg)
	add(t, l, base...)
	if seed%2 == 0 { // headers first, so that bodies may come in any order
		for _, b := range m.blocks[1:] {
			l.AddHeaders([]wire.Header{b.block.Header})
		}
	}
	todo := slices.Clone(m.blocks[1:])
	r.Shuffle(len(todo), func(i, j int) { todo[i], todo[j] = todo[j], todo[i] })
	slices.SortStableFunc(todo, func(a, b *modelBlock) int { return a.height/3 - b.height/3 })
	ctx := context.Background()
	var pasts []past
	restores, at := 0, l.Tip().Tip
	for step := 0; len(todo) > 0; step++ {
		switch r.IntN(14) {
		case 0:
			b := m.blocks[1+r.IntN(len(m.blocks)-1)]
			if err := l.Invalidate(ctx, b.block.Hash()); err != nil && !errors.Is(err, ErrUnknownBlock) {
				t.Fatal(err)
			} else if err == nil {
				b.marked = true
			}
		case 1:
			b := m.blocks[1+r.IntN(len(m.blocks)-1)]
			if err := l.Reconsider(ctx, b.block.Hash()); err != nil && !errors.Is(err, ErrUnknownBlock) {
				t.Fatal(err)
			} else if err == nil {
				m.reconsider(b)
			}
		case 2:
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			l = openTest(t, files, cfg)
			at = l.Tip().Tip // forgotten blocks end with the process
		case 3, 4:
			p := past{state: stateOf(t, l), clock: m.clock, todo: slices.Clone(todo)}
			for _, b := range m.blocks {
				p.blocks = append(p.blocks, *b)
			}
			pasts = append(pasts, p)
		case 5, 6:
			if len(pasts) == 0 || restores == 12 {
				break
			}
			restores++
			k := r.IntN(len(pasts))
			p := pasts[k]
			pasts = pasts[:k+1] // of the later ones blocks have been forgotten
			known := len(l.tree.nodes)
			if err := l.Restore(ctx, p.state.checkpoint); err != nil {
				t.Fatalf("step %d: %v", step, err)
			}
			p.state.check(t, l)
			if cfg.TxIndex {
				s.GotoHash(l.Tip().Tip.Hash)
				checkTxIndex(t, l, s.Chain)
			}
			if len(l.tree.nodes) > known {
				t.Fatal("there are more blocks than before")
			}
			for i := range m.blocks {
				*m.blocks[i] = p.blocks[i]
			}
			m.clock, todo = p.clock, slices.Clone(p.todo)
			if r.IntN(2) == 0 {
				if err := l.Close(); err != nil {
					t.Fatal(err)
				}
				l = openTest(t, files, cfg)
				p.state.check(t, l)
				at = l.Tip().Tip
			}
		default:
			b := todo[0]
			todo = todo[1:]
			err := l.AddBlock(ctx, b.block)
			switch {
			case err == nil, errors.Is(err, ErrInvalidBranch), isRule(err) && !errors.Is(err, ErrUnknownParent):
				m.receive(b)
			case errors.Is(err, ErrDuplicateInvalid), errors.Is(err, ErrInvalidParent), errors.Is(err, ErrUnknownParent):
			default:
				t.Fatalf("step %d: %v", step, err)
			}
		}
		checkModel(t, l, s, &m, step)
		at = follow(t, l, at)
	}
	if err := l.VerifyChain(ctx, 4, 0, nil); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// follow leads a reader from at to the tip, who reads every block on the way.
func follow(t *testing.T, l *Ledger, at wire.BlockRef) wire.BlockRef {
	t.Helper()
	updates, err := l.UpdatesSince(at, 0)
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range updates {
		b, err := l.Block(u.Ref.Hash)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := l.Spent(u.Ref.Hash); err != nil {
			t.Fatal(err)
		}
		if s, err := l.State(u.Tip.Hash); err != nil || s.Tip != u.Tip {
			t.Fatal(err)
		}
		before, after := u.Ref, u.Tip
		if u.Connected {
			before = wire.BlockRef{Height: u.Ref.Height - 1, Hash: b.Header.PrevBlock}
		} else {
			after = wire.BlockRef{Height: u.Ref.Height - 1, Hash: b.Header.PrevBlock}
		}
		if at != before || u.Tip != after {
			t.Fatalf("update %+v at %v", u, at)
		}
		at = u.Tip
	}
	if at != l.Tip().Tip {
		t.Fatalf("followed to %v, and the tip is %v", at, l.Tip().Tip)
	}
	return at
}

// A forgotten block is known to nobody but those who follow the chain, and may
// come again.
func TestRestoreForgets(t *testing.T) {
	s := newSpender(41)
	s.MineN(103)
	base := s.Blocks()
	cfg := testConfig(newClock())
	l := openTest(t, fsys.Mem(), cfg)
	defer l.Close()
	add(t, l, base...)
	before := stateOf(t, l)
	blocks := s.busyN(5)
	add(t, l, blocks...)
	at, left := l.Tip().Tip, l.Departures()
	after := stateOf(t, l)
	for round := range 3 {
		changed := l.Changed()
		if err := l.Restore(t.Context(), before.checkpoint); err != nil {
			t.Fatal(err)
		}
		select {
		case <-changed:
		default:
			t.Fatal("nobody was told")
		}
		before.check(t, l)
		for _, b := range blocks {
			hash := b.Hash()
			if _, ok := l.Entry(hash); ok {
				t.Fatalf("round %d: Entry knows %v", round, hash)
			}
			if _, err := l.BlockBytes(hash); !errors.Is(err, ErrUnknownBlock) {
				t.Fatalf("round %d: BlockBytes of %v: %v", round, hash, err)
			}
			if err := l.Invalidate(t.Context(), hash); !errors.Is(err, ErrUnknownBlock) {
				t.Fatalf("round %d: Invalidate of %v: %v", round, hash, err)
			}
			if _, ok := l.Ancestor(hash, 0); ok || len(l.Missing(hash, 10)) > 0 {
				t.Fatalf("round %d: %v has ancestors", round, hash)
			}
		}
		if err := l.AddBlock(t.Context(), blocks[1]); !errors.Is(err, ErrUnknownParent) {
			t.Fatalf("round %d: a child of a forgotten block: %v", round, err)
		}
		updates, passed, now, err := l.MovesSince(at, left)
		if err != nil || len(updates) != 5 || updates[0].Ref != at || updates[0].Connected || len(passed) > 0 {
			t.Fatalf("round %d: the way back is %v, passed %v, %v", round, updates, passed, err)
		}
		// Who looked last before those blocks came learns of them as passed.
		if _, passed, _, err = l.MovesSince(before.tip, left); err != nil || len(passed) != 5 {
			t.Fatalf("round %d: passed %v, %v", round, passed, err)
		}
		follow(t, l, at)
		add(t, l, blocks...)
		again := stateOf(t, l)
		for key, value := range again.stored { // but for their places in the files
			if key[0] == keyBlock {
				after.stored[key] = value
			}
		}
		after.check(t, l)
		if _, passed, _, err = l.MovesSince(before.tip, left); err != nil || len(passed) != 0 {
			t.Fatalf("round %d: blocks that have come again count as passed: %v, %v", round, passed, err)
		}
		left = now
	}
	if err := l.VerifyChain(t.Context(), 4, 0, nil); err != nil {
		t.Fatal(err)
	}
}

// Restoring goes up as well, to a tip that was left by hand, and to one that has
// another beside it of the same work.
func TestRestoreUp(t *testing.T) {
	s := newSpender(42)
	s.MineN(103)
	s.Mark("base")
	base := s.Blocks()
	a := s.busyN(4)
	s.Goto("base")
	b := s.busyN(4)
	l := openTest(t, fsys.Mem(), testConfig(newClock()))
	defer l.Close()
	add(t, l, base...)
	add(t, l, a...)
	add(t, l, b...)
	first := stateOf(t, l) // at a, which was there first
	if err := l.Precious(b[3].Hash()); err != nil {
		t.Fatal(err)
	}
	second := stateOf(t, l)
	if second.tip.Hash != b[3].Hash() {
		t.Fatalf("the tip is %v", second.tip)
	}
	add(t, l, s.busyN(2)...)
	if err := l.Invalidate(t.Context(), b[1].Hash()); err != nil {
		t.Fatal(err)
	}
	if err := l.Invalidate(t.Context(), a[2].Hash()); err != nil {
		t.Fatal(err)
	}
	third := stateOf(t, l)
	for _, want := range []*pastState{second, first} {
		if err := l.Restore(t.Context(), want.checkpoint); err != nil {
			t.Fatal(err)
		}
		if l.Tip().Tip != want.tip {
			t.Fatalf("restored to %v, not %v", l.Tip().Tip, want.tip)
		}
		// It stays there when the choice is made anew.
		if err := l.Reconsider(t.Context(), base[50].Hash()); err != nil {
			t.Fatal(err)
		}
		want.check(t, l)
	}
	if err := l.Restore(t.Context(), third.checkpoint); !errors.Is(err, ErrUnknownBlock) {
		t.Fatalf("a checkpoint with blocks that have been forgotten: %v", err)
	}
	first.check(t, l)
}

// A block of which only the header was known is one again.
func TestRestoreHeaders(t *testing.T) {
	s := newSpender(43)
	s.MineN(102)
	base := s.Blocks()
	more := s.busyN(6)
	l := openTest(t, fsys.Mem(), testConfig(newClock()))
	defer l.Close()
	add(t, l, base...)
	for _, b := range more {
		if _, err := l.AddHeaders([]wire.Header{b.Header}); err != nil {
			t.Fatal(err)
		}
	}
	add(t, l, more[4], more[5]) // their ancestors are missing
	before := stateOf(t, l)
	add(t, l, more[:4]...)
	if l.Tip().Tip.Hash != more[5].Hash() {
		t.Fatalf("the tip is %v", l.Tip().Tip)
	}
	if err := l.Restore(t.Context(), before.checkpoint); err != nil {
		t.Fatal(err)
	}
	before.check(t, l)
	if wanted := l.Wanted(10); len(wanted) != 4 || wanted[0].Hash != more[0].Hash() {
		t.Fatalf("%v are wanted", wanted)
	}
	add(t, l, more[:4]...)
	if l.Tip().Tip.Hash != more[5].Hash() {
		t.Fatalf("the tip is %v", l.Tip().Tip)
	}
}

// A checkpoint that does not fit changes nothing.
func TestRestoreErrors(t *testing.T) {
	s := newSpender(44)
	s.MineN(103)
	s.Mark("base")
	l := openTest(t, fsys.Mem(), testConfig(newClock()))
	defer l.Close()
	add(t, l, s.Blocks()...)
	a := s.busyN(3)
	add(t, l, a...)
	s.Goto("base")
	side := s.busyN(1)
	add(t, l, side...)
	before := stateOf(t, l)
	good := before.checkpoint
	unknown := wire.Hash{1, 2, 3}
	change := func(f func(c *Checkpoint)) Checkpoint {
		c := Checkpoint{good.Best, slices.Clone(good.Tips), slices.Clone(good.Marks)}
		f(&c)
		return c
	}
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, c := range []struct {
		name string
		ctx  context.Context
		c    Checkpoint
		want error
	}{
		{"nothing", t.Context(), Checkpoint{}, ErrUnknownBlock},
		{"unknown best", t.Context(), change(func(c *Checkpoint) { c.Best = unknown }), ErrUnknownBlock},
		{"unknown tip", t.Context(), change(func(c *Checkpoint) { c.Tips[0] = unknown }), ErrUnknownBlock},
		{"unknown mark", t.Context(), change(func(c *Checkpoint) { c.Marks = []Mark{{Hash: unknown}} }), ErrUnknownBlock},
		{"best on no branch", t.Context(), change(func(c *Checkpoint) { c.Tips = []wire.Hash{side[0].Hash()} }), ErrCheckpoint},
		{"mark on no branch", t.Context(), change(func(c *Checkpoint) {
			c.Tips = []wire.Hash{a[2].Hash()}
			c.Marks = []Mark{{side[0].Hash(), Failed}}
		}), ErrCheckpoint},
		{"mark of genesis", t.Context(), change(func(c *Checkpoint) { c.Marks = []Mark{{regtest.GenesisHash, Failed}} }), ErrCheckpoint},
		{"not the best", t.Context(), change(func(c *Checkpoint) { c.Best = a[1].Hash() }), ErrCheckpoint},
		{"invalid best", t.Context(), change(func(c *Checkpoint) { c.Marks = []Mark{{a[1].Hash(), common | Failed}} }), ErrCheckpoint},
		{"best without a body", t.Context(), change(func(c *Checkpoint) { c.Marks = []Mark{{a[1].Hash(), 0}} }), ErrCheckpoint},
		{"best never connected", t.Context(), change(func(c *Checkpoint) {
			c.Best = side[0].Hash()
			c.Marks = []Mark{{side[0].Hash(), HaveBody}, {a[0].Hash(), common | Failed}}
		}), ErrCheckpoint},
		{"ended", ended, good, context.Canceled},
	} {
		if err := l.Restore(c.ctx, c.c); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, not %v", c.name, err, c.want)
		}
		before.check(t, l)
	}
	if err := l.Restore(t.Context(), good); err != nil {
		t.Fatal(err)
	}
	before.check(t, l)
}

// TestCrashOfRestore looks at what a power failure behind every change of the
// files that a Restore makes leaves: what was before or what was to be restored,
// and nothing in between.
func TestCrashOfRestore(t *testing.T) {
	for _, mode := range []struct {
		name string
		cfg  func(c *Config)
	}{
		{"one commit", func(*Config) {}},
		{"reorganisations in stages", func(c *Config) { c.CacheBytes = 1 }},
		{"transaction index", func(c *Config) { c.TxIndex = true }},
		{"address index", func(c *Config) { c.TxIndex, c.AddressIndex = true, true }},
		{"commits streamed", func(c *Config) { c.bulkFrom = 1 }},
	} {
		t.Run(mode.name, func(t *testing.T) {
			s := newSpender(45)
			s.MineN(103)
			s.busyN(3)
			s.Mark("base")
			cfg := testConfig(newClock())
			mode.cfg(&cfg)
			fresh := fsys.NewCrash()
			l := openTest(t, fresh, cfg)
			add(t, l, s.Blocks()...)
			a := s.busyN(5)
			add(t, l, a...)
			before := stateOf(t, l)
			s.Goto("base")
			b := s.busyN(9)
			add(t, l, b...)
			if err := l.Invalidate(t.Context(), a[3].Hash()); err != nil {
				t.Fatal(err)
			}
			after := stateOf(t, l)
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			disk := fresh.Reboot(0)
			l = openTest(t, disk, cfg)
			from := disk.Ops()
			if err := l.Restore(t.Context(), before.checkpoint); err != nil {
				t.Fatal(err)
			}
			done := disk.Ops()
			before.check(t, l)
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			old, restored := 0, 0
			for n := from; n <= done; n++ {
				for _, seed := range crashSeeds(n) {
					image := disk.Image(n, seed)
					l, err := openOn(t.Context(), cfg, image)
					if err != nil {
						t.Fatalf("after %d changes, seed %d: %v", n-from, seed, err)
					}
					switch l.Tip().Tip {
					case before.tip:
						before.check(t, l)
						restored++
						// The blocks come again.
						add(t, l, b...)
					case after.tip:
						after.check(t, l)
						old++
						if n == done {
							t.Fatalf("seed %d: what was restored is lost", seed)
						}
						if err := l.Restore(t.Context(), before.checkpoint); err != nil {
							t.Fatal(err)
						}
						before.check(t, l)
					default:
						t.Fatalf("after %d changes, seed %d: the tip is %v", n-from, seed, l.Tip().Tip)
					}
					if err := l.VerifyChain(t.Context(), 3, 12, nil); err != nil {
						t.Fatal(err)
					}
					if err := l.Close(); err != nil {
						t.Fatal(err)
					}
				}
			}
			if old == 0 || restored == 0 {
				t.Fatalf("%d images of before, %d of after", old, restored)
			}
			t.Logf("%d changes of the files, %d images from before the restore, %d from behind it", done-from, old, restored)
		})
	}
}

// Restores beside readers, and beside AddBlocks, which hands the same blocks in
// again and again.
func TestRestoreRace(t *testing.T) {
	s := newSpender(46)
	s.MineN(103)
	base := s.Blocks()
	blocks := s.busyN(8)
	cfg := testConfig(newClock())
	cfg.TxIndex, cfg.AddressIndex, cfg.Workers = true, true, 2
	l := openTest(t, fsys.Mem(), cfg)
	defer l.Close()
	add(t, l, base...)
	before := stateOf(t, l)

	var wg sync.WaitGroup
	var done atomic.Bool
	deliveries := make(chan Delivery)
	wg.Go(func() {
		if err := l.AddBlocks(t.Context(), deliveries); err != nil {
			t.Error(err)
		}
	})
	wg.Go(func() {
		defer close(deliveries)
		for i := 0; !done.Load(); i++ {
			b := blocks[i%len(blocks)]
			judged := make(chan error, 1)
			deliveries <- Delivery{Block: b, Judged: func(err error) { judged <- err }}
			err := <-judged
			if err != nil && !errors.Is(err, ErrDuplicate) && !errors.Is(err, ErrUnknownParent) && !errors.Is(err, ErrInvalidBranch) {
				t.Error(err)
			}
		}
	})
	wg.Go(func() {
		at := before.tip
		for !done.Load() {
			changed := l.Changed()
			updates, err := l.UpdatesSince(at, 0)
			if err != nil {
				t.Error(err)
				return
			}
			for _, u := range updates {
				if _, err := l.Block(u.Ref.Hash); err != nil {
					t.Error(err)
				}
				if _, err := l.State(u.Tip.Hash); err != nil {
					t.Error(err)
				}
				at = u.Tip
			}
			<-changed
		}
	})
	wg.Go(func() {
		for !done.Load() {
			snap, err := l.Snapshot()
			if err != nil {
				t.Error(err)
				return
			}
			if got := snap.State().Tip; got != snap.Tip() {
				t.Errorf("the state is of %v", got)
			}
			txid := base[102].Txs[0].TxID()
			if _, _, err := snap.Tx(txid); err != nil {
				t.Error(err)
			}
			snap.Close()
			l.Tips()
			l.Checkpoint()
			l.BestHeader()
		}
	})
	for range 60 {
		changed := l.Changed()
		if l.Tip().Tip == before.tip {
			<-changed // somebody has added a block
		}
		if err := l.Restore(t.Context(), before.checkpoint); err != nil {
			t.Error(err)
			break
		}
	}
	done.Store(true)
	// Wake the follower.
	if err := l.Restore(t.Context(), before.checkpoint); err != nil {
		t.Error(err)
	}
	wg.Wait()
	if err := l.Restore(t.Context(), before.checkpoint); err != nil {
		t.Fatal(err)
	}
	before.check(t, l)
}

// BenchmarkRestore takes 200 blocks back, each with a few transactions; bringing
// them in again is not counted.
func BenchmarkRestore(b *testing.B) {
	s := newSpender(47)
	s.MineN(103)
	base := s.Blocks()
	blocks := s.busyN(200)
	l, err := openOn(b.Context(), testConfig(newClock()), fsys.Disk(b.TempDir()))
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	add(b, l, base...)
	c := l.Checkpoint()
	b.ReportAllocs()
	for b.Loop() {
		b.StopTimer()
		add(b, l, blocks...)
		b.StartTimer()
		if err := l.Restore(b.Context(), c); err != nil {
			b.Fatal(err)
		}
	}
}
