package ledger

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/keelson-chain/keelson/ledger/fsys"
	"github.com/keelson-chain/keelson/ledger/kv"
	"github.com/keelson-chain/keelson/wire"
)

// modelBlock is a block of the dumb model: who its parent is, whether it
// breaks a rule when it is connected, and what has become of it.
type modelBlock struct {
	block  *wire.Block
	parent *modelBlock
	height int
	bad    bool // breaks a rule
	marked bool // invalidated by hand
	has    bool // its body has arrived
	seen   int  // when every body up to it had arrived; 0: not yet
}

// model is the rule of the chain's choice, spelled out: of the valid blocks with
// every body the highest, the first seen among equals. All blocks have the
// same work.
type model struct {
	blocks []*modelBlock
	clock  int
	tip    *modelBlock
}

func (m *model) add(parent *modelBlock, b *wire.Block, bad bool) *modelBlock {
	mb := &modelBlock{block: b, parent: parent, bad: bad}
	if parent != nil {
		mb.height = parent.height + 1
	}
	m.blocks = append(m.blocks, mb)
	return mb
}

func (b *modelBlock) valid() bool {
	for ; b != nil; b = b.parent {
		if b.bad || b.marked {
			return false
		}
	}
	return true
}

// receive hands in a body and notes who has its whole chain now.
func (m *model) receive(b *modelBlock) {
	b.has = true
	m.clock++
	m.complete(b)
}

func (m *model) complete(b *modelBlock) {
	if !b.has || b.seen != 0 || b.parent != nil && b.parent.seen == 0 {
		return
	}
	b.seen = m.clock
	for _, c := range m.blocks {
		if c.parent == b {
			m.complete(c)
		}
	}
}

// best is the tip by the rule. A tie is between blocks that had their whole
// chains at the same moment.
func (m *model) best() (best *modelBlock, tie bool) {
	for _, b := range m.blocks {
		if b.seen == 0 || !b.valid() {
			continue
		}
		switch {
		case best == nil || b.height > best.height:
			best, tie = b, false
		case b.height == best.height && b.seen < best.seen:
			best, tie = b, false
		case b.height == best.height && b.seen == best.seen:
			tie = true
		}
	}
	return best, tie
}

// TestRandomTrees feeds random trees of blocks, in random order, with invalid
// blocks, invalidations, reconsiderations, restarts and cache sizes that
// force commits in the middle, and compares tip and coins with the model.
func TestRandomTrees(t *testing.T) {
	seeds := 12
	if testing.Short() {
		seeds = 4
	}
	for seed := range uint64(seeds) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { randomTree(t, seed) })
	}
}

func randomTree(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 77))
	s := newSpender(seed)
	s.MineN(101)
	base := s.Blocks()

	// The tree: valid blocks by chaingen, and below some of them branches
	// that begin with an invalid block.
	var m model
	root := m.add(nil, s.Tip(), false)
	root.has, root.seen, m.tip = true, 1, root
	m.clock = 1
	valid := []*modelBlock{root}
	for range 25 {
		at := valid[len(valid)-1-min(len(valid)-1, int(r.ExpFloat64()*2.5))]
		s.GotoHash(at.block.Hash())
		if r.IntN(6) == 0 {
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
	cfg.TxIndex = seed%3 == 0
	if seed%4 >= 2 {
		cfg.CacheBytes = 1
	}
	files := fsys.Mem()
	l := openTest(t, files, cfg)
	add(t, l, base...)
	if _, err := l.AddHeaders(nil); err != nil {
		t.Fatal(err)
	}
	for _, b := range m.blocks[1:] {
		l.AddHeaders([]wire.Header{b.block.Header})
	}

	todo := slices.Clone(m.blocks[1:])
	r.Shuffle(len(todo), func(i, j int) { todo[i], todo[j] = todo[j], todo[i] })
	// Roughly in order, so that there is something to reorganise.
	slices.SortStableFunc(todo, func(a, b *modelBlock) int { return a.height/3 - b.height/3 })
	ctx := context.Background()
	for step := 0; len(todo) > 0; step++ {
		switch r.IntN(10) {
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
		default:
			b := todo[0]
			todo = todo[1:]
			err := l.AddBlock(ctx, b.block)
			switch {
			case err == nil, errors.Is(err, ErrInvalidBranch), isRule(err) && !errors.Is(err, ErrUnknownParent):
				m.receive(b)
			case errors.Is(err, ErrDuplicateInvalid), errors.Is(err, ErrInvalidParent), errors.Is(err, ErrUnknownParent):
				// Refused unread; it is not among the bodies.
			default:
				t.Fatalf("step %d: %v", step, err)
			}
		}
		checkModel(t, l, s, &m, step)
	}
	if cfg.TxIndex {
		s.GotoHash(l.Tip().Tip.Hash)
		checkTxIndex(t, l, s.Chain)
	}
	if err := l.VerifyChain(ctx, 4, 0, nil); err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// reconsider takes the marks from b, its ancestors and its descendants.
func (m *model) reconsider(b *modelBlock) {
	for _, d := range m.blocks {
		for a := d; a != nil; a = a.parent {
			if a == b {
				d.marked = false
			}
		}
	}
	for a := b; a != nil; a = a.parent {
		a.marked = false
	}
}

func checkModel(t *testing.T, l *Ledger, s *spender, m *model, step int) {
	t.Helper()
	best, tie := m.best()
	got := l.Tip().Tip
	s.GotoHash(got.Hash)
	checkAt(t, l, s.Chain)
	if tie {
		// It is one of them.
		if int(got.Height)-101 != best.height {
			t.Fatalf("step %d: the tip is at height %d, not %d", step, got.Height, best.height+101)
		}
		return
	}
	if got.Hash != best.block.Hash() {
		t.Fatalf("step %d: the tip is %v, not %v at %d", step, got, best.block.Hash(), best.height+101)
	}
}

// dump returns everything in the database.
func dump(t testing.TB, l *Ledger, prefixes ...byte) map[string]string {
	t.Helper()
	m := map[string]string{}
	for _, p := range prefixes {
		it := l.db.Iterate(kv.Prefix([]byte{p}))
		for it.Next() {
			m[string(it.Key())] = string(it.Value())
		}
		if err := it.Err(); err != nil {
			t.Fatal(err)
		}
		it.Close()
	}
	return m
}

// Connecting blocks and disconnecting them restores the stored coins and the
// index byte for byte.
func TestApplyRevertRestores(t *testing.T) {
	for seed := range uint64(4) {
		s := newSpender(30 + seed)
		s.MineN(103)
		s.busyN(5)
		cfg := testConfig(newClock())
		cfg.TxIndex = true
		l := openTest(t, fsys.Mem(), cfg)
		add(t, l, s.Blocks()...)
		before := dump(t, l, keyCoin, keyTx)
		blocks := s.busyN(12)
		add(t, l, blocks...)
		after := dump(t, l, keyCoin, keyTx)
		if err := l.Invalidate(t.Context(), blocks[0].Hash()); err != nil {
			t.Fatal(err)
		}
		if got := dump(t, l, keyCoin, keyTx); !equalMaps(got, before) {
			t.Fatalf("seed %d: taking blocks back leaves %d keys, not the %d from before", seed, len(got), len(before))
		}
		if err := l.Reconsider(t.Context(), blocks[0].Hash()); err != nil {
			t.Fatal(err)
		}
		if got := dump(t, l, keyCoin, keyTx); !equalMaps(got, after) {
			t.Fatalf("seed %d: connecting blocks again gives %d keys, not %d", seed, len(got), len(after))
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func equalMaps(a, b map[string]string) bool {
	if len(a) != len(b) {
		return false
	}
	for k, v := range a {
		if w, ok := b[k]; !ok || v != w {
			return false
		}
	}
	return true
}

// TestImportAgainstModel imports random trees with invalid blocks, in any order,
// where blocks are connected on top of blocks whose scripts are still running.
func TestImportAgainstModel(t *testing.T) {
	seeds := 16
	if testing.Short() {
		seeds = 6
	}
	for seed := range uint64(seeds) {
		r := rand.New(rand.NewPCG(seed, 78))
		s := newSpender(seed)
		s.MineN(101)
		base := s.Blocks()
		var m model
		root := m.add(nil, s.Tip(), false)
		root.has, root.seen = true, 1
		at := root
		for range 30 {
			s.GotoHash(at.block.Hash())
			if r.IntN(8) == 0 {
				parent := at
				for i, b := range s.invalidBranch()[:1+r.IntN(3)] {
					parent = m.add(parent, b, i == 0)
				}
				continue
			}
			next := m.add(at, s.busy(), false)
			if r.IntN(4) > 0 {
				at = next
			}
		}
		blocks := slices.Clone(base)
		order := slices.Clone(m.blocks[1:])
		r.Shuffle(len(order), func(i, j int) { order[i], order[j] = order[j], order[i] })
		if seed%2 == 0 {
			slices.SortStableFunc(order, func(a, b *modelBlock) int { return a.height/2 - b.height/2 })
		}
		for _, b := range order {
			m.receive(b)
			blocks = append(blocks, b.block)
		}
		_, bootstrap, _ := writeChain(t, blocks)
		folder := t.TempDir()
		if err := os.Rename(bootstrap, filepath.Join(folder, "blk00000.dat")); err != nil {
			t.Fatal(err)
		}
		cfg := testConfig(newClock())
		cfg.Workers = 1 + int(seed%3)
		cfg.TxIndex, cfg.AddressIndex = seed%4 == 0, seed%4 == 2
		if seed%5 == 0 {
			cfg.CacheBytes = 1
		}
		files := fsys.Mem()
		l := openTest(t, files, cfg)
		if _, err := l.Import(t.Context(), folder, nil); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if len(l.flights) > 0 {
			t.Fatal("blocks are still in flight")
		}
		best, _ := m.best()
		s.GotoHash(l.Tip().Tip.Hash)
		checkAt(t, l, s.Chain)
		if got := int(l.Tip().Tip.Height) - 101; got != best.height {
			t.Fatalf("seed %d: the tip is at height %d, not %d", seed, got, best.height)
		}
		if cfg.TxIndex {
			checkTxIndex(t, l, s.Chain)
		}
		if cfg.AddressIndex {
			checkAddressIndex(t, l, s.Chain)
		}
		if err := l.VerifyChain(t.Context(), 4, 0, nil); err != nil {
			t.Fatal(err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		// And once more from the block files, and from the records alone.
		for _, mod := range []func(*Config){
			func(c *Config) { c.Reindex = true },
			func(c *Config) { c.ReindexChainState = true },
		} {
			again := cfg
			mod(&again)
			l = openTest(t, files, again)
			s.GotoHash(l.Tip().Tip.Hash)
			checkAt(t, l, s.Chain)
			if got := int(l.Tip().Tip.Height) - 101; got != best.height {
				t.Fatalf("seed %d: reindexed to height %d, not %d", seed, got, best.height)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
		}
	}
}

// A fault while blocks are in flight leaves a folder that goes on.
func TestFaultInFlight(t *testing.T) {
	s := newSpender(25)
	s.MineN(103)
	s.busyN(12)
	_, bootstrap, _ := writeChain(t, s.Blocks())
	for n := 0; ; n += 2 {
		files := fsys.NewFaults(fsys.Mem())
		cfg := testConfig(newClock())
		cfg.CacheBytes = 1 << (n % 20)
		l := openTest(t, files, cfg)
		files.FailAfter(n, fsys.ErrFull)
		_, err := l.Import(t.Context(), bootstrap, nil)
		if err == nil {
			l.Close()
			return
		}
		wantError(t, err, fsys.ErrFull)
		if len(l.flights) > 0 {
			t.Fatal("blocks are still in flight")
		}
		l.Close()
		files.FailAfter(0, nil)
		l = openTest(t, files, cfg)
		s.GotoHash(l.Tip().Tip.Hash)
		checkAt(t, l, s.Chain)
		if _, err := l.Import(t.Context(), bootstrap, nil); err != nil {
			t.Fatal(err)
		}
		if l.Tip().Tip.Height != 115 {
			t.Fatalf("after fault %d: the tip is %v", n, l.Tip().Tip)
		}
		s.GotoHash(l.Tip().Tip.Hash)
		checkAt(t, l, s.Chain)
		l.Close()
	}
}
