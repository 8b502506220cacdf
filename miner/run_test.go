package miner

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/mempool"
	"github.com/keelson-chain/keelson/pow"
	"github.com/keelson-chain/keelson/wire"
)

// feePool is a pool of nothing but fees.
type feePool struct {
	chain *hardChain

	mu      sync.Mutex
	fees    wire.Amount
	changed chan struct{}
	err     error
}

func (p *feePool) Select(mempool.SelectOptions) (*mempool.Selection, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return &mempool.Selection{State: p.chain.Tip(), Fees: p.fees}, p.err
}

func (p *feePool) Changed() <-chan struct{} {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.changed
}

// pay changes the pool to one that pays so much.
func (p *feePool) pay(fees wire.Amount, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.fees, p.err = fees, err
	close(p.changed)
	p.changed = make(chan struct{})
}

// bench is a miner on a chain too hard to mine, in a bubble of its own time.
type bench struct {
	*Miner
	chain    *hardChain
	pool     *feePool
	searched chan wire.Header // every header whose search begins
	log      bytes.Buffer
	done     chan error
}

// runBench calls f with a miner that runs. Its searches find nothing and take
// for ever, unless find says otherwise.
func runBench(t *testing.T, find func(ctx context.Context, h wire.Header, tried *atomic.Uint64) (uint32, bool), f func(t *testing.T, b *bench)) {
	synctest.Test(t, func(t *testing.T) {
		b := &bench{chain: newHardChain(), searched: make(chan wire.Header, 100), done: make(chan error, 1)}
		b.pool = &feePool{chain: b.chain, changed: make(chan struct{})}
		// The bubble's time is long before the chain's.
		now := func() time.Time { return time.Now().AddDate(20, 0, 0) }
		b.Miner = New(Config{Chain: b.chain, Source: b.pool, Workers: 1, Now: now, Log: zerolog.New(&b.log),
			Plan: Plan{Kind: Search, PkScript: []byte{0x51}}})
		b.find = func(ctx context.Context, h wire.Header, _ pow.Target, _ int, tried *atomic.Uint64) (uint32, bool) {
			b.searched <- h
			if find != nil {
				return find(ctx, h, tried)
			}
			<-ctx.Done()
			return 0, false
		}
		ctx, stop := context.WithCancel(t.Context())
		go func() { b.done <- b.Run(ctx) }()
		f(t, b)
		stop()
		if err := <-b.done; err != nil {
			t.Error(err)
		}
	})
}

// next waits for the next search and returns how long that took.
func (b *bench) next(t *testing.T) (wire.Header, time.Duration) {
	t.Helper()
	started := time.Now()
	select {
	case h := <-b.searched:
		return h, time.Since(started)
	case <-time.After(time.Hour):
		t.Fatal("no search begins")
	}
	panic("unreachable")
}

// TestRunFollowsTip: no time passes between a new tip and the search on it.
func TestRunFollowsTip(t *testing.T) {
	runBench(t, nil, func(t *testing.T, b *bench) {
		b.next(t)
		for range 5 {
			time.Sleep(1700 * time.Millisecond)
			tip := b.chain.move()
			if h, took := b.next(t); h.PrevBlock != tip || took != 0 {
				t.Errorf("search on %v after %v, want one on %v", h.PrevBlock, took, tip)
			}
		}
		if s := b.Stats(); s.Stale != 0 || s.Found != 0 {
			t.Errorf("%+v", s)
		}
	})
}

// TestRunRefreshes: when the pool pays more, the search is exchanged at the
// next look, and otherwise goes on until its time is old.
func TestRunRefreshes(t *testing.T) {
	runBench(t, nil, func(t *testing.T, b *bench) {
		first, _ := b.next(t)
		b.pool.pay(1000, nil)
		better, took := b.next(t)
		if took != look || better.MerkleRoot == first.MerkleRoot {
			t.Errorf("exchanged after %v, want %v", took, look)
		}
		b.pool.pay(1000, nil)
		later, took := b.next(t)
		if took != refresh {
			t.Errorf("refreshed after %v, want %v", took, refresh)
		}
		b.pool.pay(500, nil)
		if _, took = b.next(t); took != refresh {
			t.Errorf("exchanged for less after %v", took)
		}
		if got, want := int64(later.Time)-int64(better.Time), int64(refresh.Seconds()); got != want {
			t.Errorf("the header is %d s later, want %d", got, want)
		}
	})
}

// TestRunRollsExtraNonce: when the nonces run out at once, every search is of
// another header, with the time that it is.
func TestRunRollsExtraNonce(t *testing.T) {
	exhaust := func(ctx context.Context, _ wire.Header, _ *atomic.Uint64) (uint32, bool) {
		wait(ctx, time.Second)
		return 0, false
	}
	runBench(t, exhaust, func(t *testing.T, b *bench) {
		roots := map[wire.Hash]bool{}
		var last wire.Header
		for i := range 20 {
			h, _ := b.next(t)
			if roots[h.MerkleRoot] {
				t.Fatalf("search %d is of a header that was searched before", i)
			}
			if i > 0 && h.Time != last.Time+1 {
				t.Errorf("search %d has the time %d, the one before %d", i, h.Time, last.Time)
			}
			roots[h.MerkleRoot], last = true, h
		}
	})
}

// TestRunStats: the rate is that of the last minute, and it is logged.
func TestRunStats(t *testing.T) {
	perSecond := new(atomic.Uint64)
	perSecond.Store(1000)
	hash := func(ctx context.Context, _ wire.Header, tried *atomic.Uint64) (uint32, bool) {
		for wait(ctx, time.Second) {
			tried.Add(perSecond.Load())
		}
		return 0, false
	}
	runBench(t, hash, func(t *testing.T, b *bench) {
		near := func(want float64) {
			t.Helper()
			if got := b.Stats().HashRate; got < want*0.9 || got > want*1.1 {
				t.Errorf("%v hashes per second, want %v", got, want)
			}
		}
		time.Sleep(20*time.Second + time.Millisecond)
		near(1000)
		time.Sleep(100 * time.Second)
		near(1000)
		perSecond.Store(5000)
		time.Sleep(30 * time.Second)
		near(3000)
		time.Sleep(time.Minute)
		near(5000)
		if lines := strings.Count(b.log.String(), `"hashes_per_s"`); lines != 4 { // after 5, 60, 120 and 180 s
			t.Errorf("%d lines in the log:\n%s", lines, b.log.String())
		}
	})
	m := New(Config{})
	if s := m.Stats(); s != (Stats{}) {
		t.Errorf("before anything: %+v", s)
	}
}

// TestRunFaults: a pool that is broken ends the run, at the first template and
// at a look.
func TestRunFaults(t *testing.T) {
	broken := errors.New("broken")
	chain := newHardChain()
	pool := &feePool{chain: chain, changed: make(chan struct{}), err: broken}
	m := New(Config{Chain: chain, Source: pool, Workers: 1, Now: time.Now, Plan: Plan{Kind: Search, PkScript: []byte{0x51}}})
	if err := m.Run(t.Context()); !errors.Is(err, broken) {
		t.Errorf("first: %v", err)
	}
	if _, err := m.Template(); !errors.Is(err, broken) {
		t.Errorf("template: %v", err)
	}
	if _, err := m.Generate(t.Context(), 1, []byte{0x51}, 1); !errors.Is(err, broken) {
		t.Errorf("generate: %v", err)
	}
	runBench(t, nil, func(t *testing.T, b *bench) {
		b.next(t)
		b.pool.pay(0, broken)
		if err := <-b.done; !errors.Is(err, broken) {
			t.Errorf("later: %v", err)
		}
		b.done <- nil
	})
}

// judge is a hardChain that says something about every block.
type judge struct {
	*hardChain
	moves bool // another block arrives first
	err   error
}

func (j *judge) AddBlock(context.Context, *wire.Block) error {
	if j.moves {
		j.move()
	}
	return j.err
}

// TestRunSubmits: what becomes of a block that was found.
func TestRunSubmits(t *testing.T) {
	refused := errors.New("refused")
	for _, c := range []struct {
		name  string
		judge judge
		early bool // the tip moves before the block is handed in
		want  error
		stale uint64
	}{
		{"taken", judge{}, false, nil, 0},
		{"refused", judge{err: refused}, false, refused, 0},
		{"late", judge{moves: true}, false, nil, 1},
		{"late and refused", judge{moves: true, err: refused}, false, nil, 1},
		{"never handed in", judge{err: refused}, true, nil, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := c.judge
			j.hardChain = newHardChain()
			m := New(Config{Chain: &j, Workers: 1, Now: time.Now})
			tmpl, err := m.build([]byte{0x51})
			if err != nil {
				t.Fatal(err)
			}
			if c.early {
				j.move()
			}
			if err := m.submit(t.Context(), tmpl, 0); !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
			if s := m.Stats(); s.Stale != c.stale || s.Found+s.Stale != 1 && c.want == nil {
				t.Errorf("%+v", s)
			}
		})
	}
}

// lookingChain notes which tip was looked at last.
type lookingChain struct {
	Chain
	t    *testing.T
	last atomic.Pointer[consensus.State]
}

func (c *lookingChain) Tip() consensus.State {
	s := c.Chain.Tip()
	c.last.Store(&s)
	return s
}

func (c *lookingChain) AddBlock(ctx context.Context, b *wire.Block) error {
	if tip := c.last.Load().Tip; b.Header.PrevBlock != tip.Hash {
		c.t.Errorf("a block on %v is handed in, and the tip is known to be %v", b.Header.PrevBlock, tip)
	}
	return c.Chain.AddBlock(ctx, b)
}
