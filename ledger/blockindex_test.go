package ledger

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/ledger/fsys"
	"github.com/keelson-chain/keelson/ledger/muhash"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/wire"
	"github.com/keelson-chain/keelson/wire/filter"
)

// modelRows is what both indexes should say of each block of the chain, by a plain
// walk with all coins at hand.
func modelRows(c *chaingen.Chain) (filters []BlockFilter, stats []IndexedStats) {
	coins := map[wire.OutPoint]consensus.Coin{}
	var s IndexedStats
	s.Subsidy = 50e8
	s.Unspendable.Genesis = 50e8
	var empty muhash.Hash
	s.MuHash = empty.Sum()
	genesis := filter.Basic(regtest.Genesis, nil)
	filters = append(filters, BlockFilter{genesis, genesis.Header(wire.Hash{})})
	stats = append(stats, s)
	for at, b := range c.Blocks() {
		height := uint32(at + 1)
		var scripts [][]byte
		var in, out wire.Amount
		for i, tx := range b.Txs {
			if i > 0 {
				for _, input := range tx.Inputs {
					coin := coins[input.PrevOut]
					delete(coins, input.PrevOut)
					scripts = append(scripts, coin.Out.PkScript)
					in += coin.Out.Value
				}
			}
			for j, o := range tx.Outputs {
				out += o.Value
				switch {
				case script.IsUnspendable(o.PkScript):
					s.Unspendable.Scripts += o.Value
					continue
				case i == 0:
					s.Coinbase += o.Value
				default:
					s.NewOutputs += o.Value
				}
				coins[wire.OutPoint{TxID: tx.TxID(), Index: uint32(j)}] = consensus.Coin{Out: o, Height: height, Coinbase: i == 0}
			}
		}
		subsidy := consensus.Subsidy(regtest, height)
		s.Subsidy += subsidy
		s.Spent += in
		s.Unspendable.Unclaimed += subsidy + in - out
		s.TxOuts, s.BogoSize, s.Total = 0, 0, 0
		var set muhash.Hash
		for op, coin := range coins {
			s.TxOuts++
			s.BogoSize += 50 + uint64(len(coin.Out.PkScript))
			s.Total += coin.Out.Value
			set.Add(appendCoinForHash(nil, &op, &coin))
		}
		s.MuHash = set.Sum()
		f := filter.Basic(b, scripts)
		filters = append(filters, BlockFilter{f, f.Header(filters[at].Header)})
		stats = append(stats, s)
	}
	return filters, stats
}

// checkBlockIndexes demands that the indexes that are kept say of every block of c
// what they should.
func checkBlockIndexes(t testing.TB, l *Ledger, c *chaingen.Chain) {
	t.Helper()
	filters, stats := modelRows(c)
	hashes := []wire.Hash{regtest.GenesisHash}
	for _, b := range c.Blocks() {
		hashes = append(hashes, b.Hash())
	}
	for h, hash := range hashes {
		if l.cfg.BlockFilterIndex {
			got, err := l.BlockFilter(hash)
			if err != nil || !bytes.Equal(got.Filter, filters[h].Filter) || got.Header != filters[h].Header {
				t.Fatalf("block %d: filter %x with header %v, not %x with %v: %v", h, got.Filter, got.Header, filters[h].Filter, filters[h].Header, err)
			}
		}
		if l.cfg.CoinStatsIndex {
			got, before, err := l.IndexedStats(hash)
			var want IndexedStats
			if h > 0 {
				want = stats[h-1]
			}
			if err != nil || got != stats[h] || before != want {
				t.Fatalf("block %d: statistics\n%+v, not\n%+v\nafter\n%+v, not\n%+v: %v", h, got, stats[h], before, want, err)
			}
		}
	}
}

func indexedConfig(c *clock) Config {
	cfg := testConfig(c)
	cfg.BlockFilterIndex, cfg.CoinStatsIndex = true, true
	return cfg
}

// blockKeys are the keys of both indexes.
var blockKeys = []byte{keyFilter, keyFilterState, keyStats, keyStatsState}

// Random trees: the indexes follow every reorganisation, whether tips are committed
// one by one, at once or never, over restarts with and without them, and are the
// same when they are built later. What has left the chain keeps its filter.
func TestBlockIndexesAgainstModel(t *testing.T) {
	seeds := uint64(8)
	if testing.Short() {
		seeds = 4
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			s := newSpender(500 + seed)
			s.MineN(108)
			clock := newClock()
			if seed%2 == 1 {
				clock = clock.farAhead()
			}
			cfg := indexedConfig(clock)
			if seed%4 >= 2 {
				cfg.CacheBytes = 1
			}
			if seed%3 == 1 {
				cfg.bulkFrom = 1
			}
			files := fsys.Mem()
			l := openTest(t, files, cfg)
			add(t, l, s.Blocks()...)
			tips := []wire.Hash{s.State().Tip.Hash}
			for range 20 {
				s.GotoHash(tips[len(tips)-1-min(len(tips)-1, int(s.r.ExpFloat64()*2))])
				for range 1 + s.r.IntN(3) {
					b := s.mazy()
					add(t, l, b)
					tips = append(tips, b.Hash())
				}
				switch s.r.IntN(8) {
				case 0:
					add(t, l, s.MineN(3)...)
					tips = append(tips, s.State().Tip.Hash)
				case 1:
					b := tips[1+s.r.IntN(len(tips)-1)]
					if err := l.Invalidate(t.Context(), b); err != nil {
						t.Fatal(err)
					}
					s.GotoHash(l.Tip().Tip.Hash)
					checkBlockIndexes(t, l, s.Chain)
					if err := l.Reconsider(t.Context(), b); err != nil {
						t.Fatal(err)
					}
				case 2, 3:
					if err := l.Close(); err != nil {
						t.Fatal(err)
					}
					if s.r.IntN(3) == 0 {
						off := cfg
						off.BlockFilterIndex, off.CoinStatsIndex = false, false
						l = openTest(t, files, off)
						if n := len(dump(t, l, blockKeys...)); n != 0 {
							t.Fatalf("%d rows are left of the indexes", n)
						}
						add(t, l, s.mazyN(2)...)
						if err := l.Close(); err != nil {
							t.Fatal(err)
						}
					}
					l = openTest(t, files, cfg)
				case 4, 5:
					continue // several moves of the tip between two looks
				}
				s.GotoHash(l.Tip().Tip.Hash)
				checkBlockIndexes(t, l, s.Chain)
			}
			s.GotoHash(l.Tip().Tip.Hash)
			checkBlockIndexes(t, l, s.Chain)
			checkAt(t, l, s.Chain)
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			for _, mod := range []func(*Config){
				func(c *Config) { c.Reindex = true },
				func(c *Config) { c.ReindexChainState = true },
				func(c *Config) { c.BlockFilterIndex, c.CoinStatsIndex = false, false },
				func(c *Config) { c.growBytes = 1 },
			} {
				again := cfg
				mod(&again)
				l = openTest(t, files, again)
				s.GotoHash(l.Tip().Tip.Hash) // of several with the same work it may be another
				checkBlockIndexes(t, l, s.Chain)
				if err := l.Close(); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// A block that has left the active chain keeps what the indexes say of it.
func TestBlockIndexesOfStaleBlocks(t *testing.T) {
	s := newSpender(520)
	s.MineN(110)
	s.Mark("fork")
	l := openTest(t, fsys.Mem(), indexedConfig(newClock()))
	defer l.Close()
	add(t, l, s.Blocks()...)
	add(t, l, s.mazyN(3)...)
	left := s.Tip().Hash()
	was, err := l.BlockFilter(left)
	if err != nil {
		t.Fatal(err)
	}
	s.Goto("fork")
	add(t, l, s.mazyN(5)...)
	if l.Tip().Tip.Hash != s.Tip().Hash() {
		t.Fatal("no reorganisation")
	}
	if got, err := l.BlockFilter(left); err != nil || !bytes.Equal(got.Filter, was.Filter) || got.Header != was.Header {
		t.Fatalf("the stale block's filter is %x, not %x: %v", got.Filter, was.Filter, err)
	}
	checkBlockIndexes(t, l, s.Chain)
	// A block that was never connected has none.
	s.Goto("fork")
	lone := s.mazy()
	add(t, l, lone)
	_, err = l.BlockFilter(lone.Hash())
	wantError(t, err, ErrNotIndexed)
	_, _, err = l.IndexedStats(lone.Hash())
	wantError(t, err, ErrNotIndexed)
	_, err = l.BlockFilter(wire.Hash{1})
	wantError(t, err, ErrUnknownBlock)
}

// Indexes that are kept from the first block on survive pruning; others cannot be
// built any more, which one line says.
func TestBlockIndexesAndPruning(t *testing.T) {
	s := newSpender(521)
	s.MineN(110)
	s.mazyN(60)
	s.MineN(KeepBlocks + 5)
	cfg := indexedConfig(newClock())
	cfg.Prune, cfg.FastPrune = PruneManual, true
	files := fsys.Mem()
	l := openTest(t, files, cfg)
	add(t, l, s.Blocks()...)
	if lowest, err := l.PruneTo(160); err != nil || lowest < 60 {
		t.Fatalf("pruned to %d, %v", lowest, err)
	}
	checkBlockIndexes(t, l, s.Chain)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	l = openTest(t, files, cfg)
	add(t, l, s.mazyN(2)...)
	checkBlockIndexes(t, l, s.Chain)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	off := cfg
	off.BlockFilterIndex = false
	if err := openTest(t, files, off).Close(); err != nil {
		t.Fatal(err)
	}
	_, err := openOn(t.Context(), cfg, files)
	oneLine(t, err, ErrPrunedData, "block filter index", "--reindex")
}

// Without the indexes every question about them has the same answer; damage gives one
// clear line.
func TestBlockIndexErrors(t *testing.T) {
	l := openTest(t, fsys.Mem(), testConfig(newClock()))
	_, err := l.BlockFilter(regtest.GenesisHash)
	wantError(t, err, ErrNoFilterIndex)
	_, _, err = l.IndexedStats(regtest.GenesisHash)
	wantError(t, err, ErrNoStatsIndex)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	s := newSpender(522)
	s.MineN(3)
	tip := s.State().Tip.Hash
	for _, c := range []struct {
		key, value []byte
		open       string // what the ledger says when it is opened with it; empty: what is said on reading
	}{
		{appendBlockRowKey(nil, keyFilter, s.State().Tip), nil, ""},
		{appendBlockRowKey(nil, keyFilter, s.State().Tip), make([]byte, 40), ""},
		{[]byte{keyFilterState}, []byte{3}, "block filter index"},
		{[]byte{keyStatsState}, append([]byte{3}, make([]byte, 32)...), ""},
		{[]byte{keyStatsState}, append(append([]byte{3}, tip[:]...), 1, 2), "coin statistics index"},
		{appendBlockRowKey(nil, keyStats, s.State().Tip), make([]byte, 31), "coin statistics index"},
		{appendBlockRowKey(nil, keyStats, s.State().Tip), make([]byte, 100), "coin statistics index"},
	} {
		files := fsys.Mem()
		l := openTest(t, files, indexedConfig(newClock()))
		add(t, l, s.Blocks()...)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		putFiles(t, files, map[string]string{string(c.key): string(c.value)})
		l, err := openOn(t.Context(), indexedConfig(newClock()), files)
		if c.open != "" {
			oneLine(t, err, ErrCorrupt, c.open)
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		if c.key[0] == keyFilter {
			_, err = l.BlockFilter(s.State().Tip.Hash)
			oneLine(t, err, ErrCorrupt, "block filter index", "start once without it")
		} else {
			checkBlockIndexes(t, l, s.Chain) // built anew, as its record names no block
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
