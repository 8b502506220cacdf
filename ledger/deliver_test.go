package ledger

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/internal/vectors"
	"github.com/keelson-chain/keelson/ledger/flat"
	"github.com/keelson-chain/keelson/ledger/fsys"
	"github.com/keelson-chain/keelson/wire"
)

// verdicts is what was told of delivered blocks.
type verdicts struct {
	err   []error // by the index of the block
	times []int
}

// deliver runs AddBlocks with the given blocks, whose headers it adds first.
func deliver(ctx context.Context, l *Ledger, blocks []*wire.Block) (verdicts, error) {
	v := verdicts{make([]error, len(blocks)), make([]int, len(blocks))}
	deliveries := make(chan Delivery)
	over, done := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(done)
		defer close(deliveries)
		for i, b := range blocks {
			d := Delivery{b, func(err error) { v.err[i] = err; v.times[i]++ }}
			select {
			case deliveries <- d:
			case <-over:
				return
			}
		}
	}()
	err := l.AddBlocks(ctx, deliveries)
	close(over)
	<-done
	return v, err
}

// addHeaders adds the headers of blocks one by one, as far as they are valid.
func addHeaders(l *Ledger, blocks []*wire.Block) {
	for _, b := range blocks {
		_, _ = l.AddHeaders([]wire.Header{b.Header})
	}
}

func (v verdicts) once(t *testing.T) {
	t.Helper()
	for i, n := range v.times {
		if n != 1 {
			t.Fatalf("block %d was judged %d times", i, n)
		}
	}
}

// Random trees with invalid blocks, their headers known, in any order: the tip is
// the model's, and whoever sent a block is told what was wrong in it.
func TestAddBlocksAgainstModel(t *testing.T) {
	seeds := 24
	if testing.Short() {
		seeds = 8
	}
	blamed := 0
	for seed := range uint64(seeds) {
		r := rand.New(rand.NewPCG(seed, 79))
		s := newSpender(seed)
		s.MineN(101)
		blocks := slices.Clone(s.Blocks())
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
		for _, b := range m.blocks[1:] {
			m.receive(b)
			blocks = append(blocks, b.block)
		}
		headers := slices.Clone(blocks)
		if seed%2 == 0 {
			r.Shuffle(len(blocks), func(i, j int) { blocks[i], blocks[j] = blocks[j], blocks[i] })
		} else {
			tail := blocks[101:]
			r.Shuffle(len(tail), func(i, j int) { tail[i], tail[j] = tail[j], tail[i] })
		}
		blocks = append(blocks, blocks[r.IntN(len(blocks))]) // a duplicate

		clock := newClock()
		if seed%3 == 0 {
			clock = clock.farAhead() // never out of the initial download
		}
		cfg := testConfig(clock)
		cfg.Workers = 1 + int(seed%3)
		if seed%5 == 0 {
			cfg.CacheBytes = 1
		}
		files := fsys.Mem()
		l := openTest(t, files, cfg)
		addHeaders(l, headers)
		v, err := deliver(t.Context(), l, blocks)
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		v.once(t)
		if len(l.flights) > 0 || l.lazy.Load() != 0 {
			t.Fatal("blocks are still in flight")
		}
		bad := map[wire.Hash]bool{}
		valid := map[wire.Hash]bool{}
		for _, b := range m.blocks[1:] {
			bad[b.block.Hash()], valid[b.block.Hash()] = b.bad, b.valid()
		}
		for i, b := range blocks {
			hash := b.Hash()
			switch e, _ := l.Entry(hash); {
			case isRule(v.err[i]):
				if !bad[hash] {
					t.Fatalf("seed %d: block %d is blamed: %v", seed, i, v.err[i])
				}
				blamed++
			case v.err[i] == nil && e.Status.Has(Failed) && !slices.ContainsFunc(v.err, func(err error) bool {
				return errors.Is(err, ErrInvalidBranch) // of less work when it was judged
			}):
				t.Fatalf("seed %d: nobody is blamed for block %d", seed, i)
			case v.err[i] != nil && valid[hash] && !errors.Is(v.err[i], ErrDuplicate):
				t.Fatalf("seed %d: block %d is valid: %v", seed, i, v.err[i])
			}
		}
		best, _ := m.best()
		s.GotoHash(l.Tip().Tip.Hash)
		checkAt(t, l, s.Chain)
		if got := int(l.Tip().Tip.Height) - 101; got != best.height {
			t.Fatalf("seed %d: the tip is at height %d, not %d", seed, got, best.height)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		l = openTest(t, files, cfg)
		checkAt(t, l, s.Chain)
		l.Close()
	}
	if blamed == 0 {
		t.Fatal("no block was found invalid")
	}
}

// A body that does not belong to its header is refused, and the right one is
// taken after it.
func TestAddBlocksMutated(t *testing.T) {
	s := newSpender(31)
	s.MineN(103)
	s.busyN(6)
	blocks := slices.Clone(s.Blocks())
	l := newTest(t)
	addHeaders(l, blocks)
	good := blocks[105]
	bad := good.Clone()
	bad.Txs[0].Inputs[0].Witness = [][]byte{make([]byte, 31)}
	blocks[105] = bad
	v, err := deliver(t.Context(), l, append(blocks, good))
	if err != nil {
		t.Fatal(err)
	}
	v.once(t)
	if !consensus.Mutated(v.err[105]) {
		t.Fatalf("got %v", v.err[105])
	}
	v.err[105] = nil
	if err := errors.Join(v.err...); err != nil {
		t.Fatal(err)
	}
	checkAt(t, l, s.Chain)
}

// Headers come first: a block without one's parent is nobody's business.
func TestAddBlocksUnknownParent(t *testing.T) {
	s := newSpender(32)
	s.MineN(5)
	l := newTest(t)
	v, err := deliver(t.Context(), l, s.Blocks()[1:])
	if err != nil {
		t.Fatal(err)
	}
	v.once(t)
	for _, err := range v.err {
		wantError(t, err, ErrUnknownParent)
	}
}

// What waits for a block that never comes is told so at the end.
func TestAddBlocksGap(t *testing.T) {
	s := newSpender(33)
	s.MineN(50)
	blocks := s.Blocks()
	l := newTest(t)
	addHeaders(l, blocks)
	v, err := deliver(t.Context(), l, slices.Concat(blocks[:20], blocks[21:]))
	if err != nil || errors.Join(v.err...) != nil {
		t.Fatal(err, v.err)
	}
	v.once(t)
	if got := l.Tip().Tip.Height; got != 20 {
		t.Fatalf("the tip is at height %d", got)
	}
	add(t, l, blocks[20])
	checkAt(t, l, s.Chain)
}

// Outside of the initial download what was judged is safe on disk.
func TestAddBlocksDurable(t *testing.T) {
	s := newSpender(34)
	s.MineN(20)
	blocks := s.Blocks()
	disk := fsys.NewCrash()
	l := openTest(t, disk, testConfig(newClock()))
	add(t, l, blocks[0])
	if l.InitialDownload() {
		t.Fatal("the tip is recent")
	}
	addHeaders(l, blocks)
	deliveries := make(chan Delivery)
	done := make(chan error)
	go func() { done <- l.AddBlocks(t.Context(), deliveries) }()
	heights := make(chan uint32, 1)
	for i, b := range blocks[1:] {
		deliveries <- Delivery{b, func(verdict error) {
			if verdict != nil {
				t.Error(verdict)
			}
			image := disk.Reboot(0)
			again, err := openOn(t.Context(), testConfig(newClock()), image)
			if err != nil {
				t.Error(err)
				heights <- 0
				return
			}
			heights <- again.Tip().Tip.Height
			again.Close()
		}}
		if got := <-heights; got != uint32(i)+2 {
			t.Fatalf("block %d was judged with height %d on disk", i+2, got)
		}
	}
	close(deliveries)
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// A call that is stopped at any moment leaves a valid tip, and the next one goes
// on.
func TestAddBlocksCancelled(t *testing.T) {
	s := newSpender(35)
	s.MineN(105)
	s.busyN(10)
	blocks := s.Blocks()
	cfg := testConfig(newClock().farAhead())
	cfg.Workers = 2
	l := openTest(t, fsys.Mem(), cfg)
	defer l.Close()
	addHeaders(l, blocks)
	for i := 0; ; i++ {
		v, err := deliver(&countdown{Context: t.Context(), left: 50 * (i + 1)}, l, blocks)
		for j, n := range v.times {
			if n > 1 {
				t.Fatalf("block %d was judged %d times", j, n)
			}
			if e := v.err[j]; e != nil && !errors.Is(e, context.Canceled) && !errors.Is(e, ErrDuplicate) {
				t.Fatal(e)
			}
		}
		s.GotoHash(l.Tip().Tip.Hash)
		checkAt(t, l, s.Chain)
		if err == nil {
			if i < 2 || int(l.Tip().Tip.Height) != len(blocks) {
				t.Fatalf("run %d ends at %v", i, l.Tip().Tip)
			}
			return
		}
		wantError(t, err, context.Canceled)
	}
}

// A crash while blocks are delivered in any order, an invalid branch among
// them, loses nothing but what came last.
func TestCrashOfAddBlocks(t *testing.T) {
	s := newSpender(36)
	s.MineN(103)
	s.Mark("base")
	base := s.Blocks()
	blocks := s.busyN(5)
	blocks = append(blocks, s.invalidBranch()...)
	s.Goto("base")
	blocks = append(blocks, s.busyN(8)...)
	end := s.State().Tip
	headers := slices.Clone(blocks)
	rand.New(rand.NewPCG(1, 80)).Shuffle(len(blocks), func(i, j int) { blocks[i], blocks[j] = blocks[j], blocks[i] })
	for _, clock := range []*clock{newClock(), newClock().farAhead()} {
		cfg := testConfig(clock)
		cfg.CacheBytes, cfg.Workers = 100_000, 2
		fresh := fsys.NewCrash()
		l := openTest(t, fresh, cfg)
		add(t, l, base...)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		disk := fresh.Reboot(0)
		l = openTest(t, disk, cfg)
		addHeaders(l, headers)
		if v, err := deliver(t.Context(), l, blocks); err != nil || l.Tip().Tip != end {
			t.Fatalf("%v at %v, %v", v, l.Tip().Tip, err)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		c := &crashScript{s: s}
		for n := range disk.Ops() + 1 {
			for _, seed := range crashSeeds(n) {
				image := disk.Image(n, seed)
				checkRaw(t, image, c)
				l, err := openOn(t.Context(), cfg, image)
				if err != nil {
					t.Fatalf("after %d changes, seed %d: %v", n, seed, err)
				}
				s.GotoHash(l.Tip().Tip.Hash)
				checkAt(t, l, s.Chain)
				addHeaders(l, headers)
				if _, err := deliver(t.Context(), l, blocks); err != nil || l.Tip().Tip != end {
					t.Fatalf("going on after %d changes, seed %d, ends at %v, %v", n, seed, l.Tip().Tip, err)
				}
				if err := l.Close(); err != nil {
					t.Fatal(err)
				}
			}
		}
		t.Logf("%d changes of the files", disk.Ops())
	}
}

// A fault at any moment is told to whoever waits for a verdict.
func TestFaultOfAddBlocks(t *testing.T) {
	s := newSpender(37)
	s.MineN(103)
	s.busyN(8)
	blocks := s.Blocks()
	for n := 0; ; n += 2 {
		files := fsys.NewFaults(fsys.Mem())
		cfg := testConfig(newClock())
		cfg.CacheBytes, cfg.Workers = 1<<(n%20), 2
		l := openTest(t, files, cfg)
		addHeaders(l, blocks)
		files.FailAfter(n, fsys.ErrFull)
		v, err := deliver(t.Context(), l, blocks)
		l.Close()
		if err == nil {
			v.once(t)
			return
		}
		wantError(t, err, fsys.ErrFull)
		told := 0
		for i, e := range v.err {
			if v.times[i] > 1 || e != nil && !errors.Is(e, ErrFault) {
				t.Fatalf("block %d was judged %d times: %v", i, v.times[i], e)
			}
			if e != nil {
				told++
			}
		}
		if told == 0 {
			t.Fatal("nobody was told of the fault")
		}
		files.FailAfter(0, nil)
		l = openTest(t, files, cfg)
		s.GotoHash(l.Tip().Tip.Hash)
		checkAt(t, l, s.Chain)
		if _, err := deliver(t.Context(), l, blocks); err != nil || int(l.Tip().Tip.Height) != len(blocks) {
			t.Fatalf("after fault %d: the tip is %v, %v", n, l.Tip().Tip, err)
		}
		l.Close()
	}
}

// BenchmarkAddBlocks connects a chain of real signatures, delivered in order and
// out of order, beside Import from a file.
func BenchmarkAddBlocks(b *testing.B) {
	path := vectors.Path(b, "chains/chain-p2wpkh.dat")
	var blocks []*wire.Block
	src, err := openSource(path, regtest)
	if err != nil {
		b.Fatal(err)
	}
	defer src.close()
	inputs := 0
	if err := src.scan(func(_ flat.Pos, payload []byte, _ int64) error {
		block, err := wire.DecodeBlock(payload)
		blocks = append(blocks, block)
		inputs += inputsOf(block)
		return err
	}); err != nil {
		b.Fatal(err)
	}
	shuffled := slices.Clone(blocks)
	r := rand.New(rand.NewPCG(1, 81))
	for part := range slices.Chunk(shuffled, 64) {
		r.Shuffle(len(part), func(i, j int) { part[i], part[j] = part[j], part[i] })
	}
	for _, c := range []struct {
		name string
		add  func(l *Ledger) error
	}{
		{"import", func(l *Ledger) error { _, err := l.Import(b.Context(), path, nil); return err }},
		{"in order", func(l *Ledger) error { _, err := deliver(b.Context(), l, blocks); return err }},
		{"out of order", func(l *Ledger) error { _, err := deliver(b.Context(), l, shuffled); return err }},
		{"one by one", func(l *Ledger) error {
			for _, block := range blocks {
				if err := l.AddBlock(b.Context(), block); err != nil {
					return err
				}
			}
			return nil
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				b.StopTimer()
				l := openDisk(b, diskConfig(b))
				addHeaders(l, blocks)
				b.StartTimer()
				if err := c.add(l); err != nil {
					b.Fatal(err)
				}
				b.StopTimer()
				if got := int(l.Tip().Tip.Height); got != len(blocks) {
					b.Fatalf("the tip is at height %d", got)
				}
				l.Close()
				b.StartTimer()
			}
			b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N)/float64(inputs), "µs/input")
		})
	}
}
