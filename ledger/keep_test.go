package ledger

import (
	"bytes"
	"context"
	"encoding/binary"
	"slices"
	"testing"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger/fsys"
	"github.com/keelson-chain/keelson/ledger/muhash"
	"github.com/keelson-chain/keelson/wire"
)

// fat mines blocks with a large output, so that files fill up.
func (s *spender) fat(n, size int) {
	for range n {
		coin := s.Mature()[:1]
		s.Mine(s.Spend(coin, s.Out(0, 0, coin[0].Coin.Out.Value-100_000), wire.TxOut{PkScript: append([]byte{0x6a}, make([]byte, size)...)}))
	}
}

func TestPruning(t *testing.T) {
	s := newSpender(51)
	s.MineN(101)
	s.fat(100, 9000)
	s.MineN(300)
	for _, manual := range []bool{true, false} {
		cfg := testConfig(newClock().farAhead())
		cfg.FastPrune, cfg.Prune = true, 400<<10
		if manual {
			cfg.Prune = PruneManual
		}
		files := fsys.Mem()
		l := openTest(t, files, cfg)
		add(t, l, s.Blocks()...)
		checkAt(t, l, s.Chain)
		tip := l.Tip().Tip.Height
		if manual {
			if _, lowest := l.Pruning(); lowest != 0 {
				t.Fatalf("pruned up to %d without being told", lowest)
			}
			lowest, err := l.PruneTo(120)
			if err != nil || lowest == 0 || lowest > 121 {
				t.Fatalf("pruned to %d, %v", lowest, err)
			}
			if lowest, err = l.PruneTo(tip); err != nil || lowest < 122 || lowest > tip-KeepBlocks+1 {
				t.Fatalf("pruned to %d, %v", lowest, err)
			}
		} else if size := l.DiskSize(); size > 400<<10 {
			t.Fatalf("%d bytes are kept", size)
		}
		on, lowest := l.Pruning()
		if !on || lowest == 0 || lowest+KeepBlocks > tip+1 {
			t.Fatalf("pruning %v, lowest %d, tip %d", on, lowest, tip)
		}
		check := func() {
			t.Helper()
			for i, b := range s.Blocks() {
				height := uint32(i + 1)
				_, err := l.Block(b.Hash())
				_, uerr := l.Spent(b.Hash())
				e, _ := l.EntryAt(height)
				switch {
				case height >= lowest:
					if err != nil || uerr != nil {
						t.Fatalf("block %d: %v, %v", height, err, uerr)
					}
				case height == lowest-1:
					if err == nil && uerr == nil {
						t.Fatalf("block %d is there", height)
					}
				case err != nil:
					wantError(t, err, ErrPruned)
					if !e.Status.Has(Pruned) || e.TxCount == 0 || e.Size == 0 {
						t.Fatalf("entry of a pruned block: %+v", e)
					}
				}
				if uerr != nil {
					wantError(t, uerr, ErrPruned)
				}
			}
		}
		check()
		if err := l.VerifyChain(t.Context(), 4, 0, nil); err != nil {
			t.Fatal(err)
		}
		wantedNone := l.Wanted(10)
		if len(wantedNone) != 0 {
			t.Fatalf("pruned blocks are wanted: %v", wantedNone)
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}

		// Again, and with settings that need what is gone.
		l = openTest(t, files, cfg)
		check()
		checkAt(t, l, s.Chain)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		whole := cfg
		whole.Prune = 0
		_, err := openOn(t.Context(), whole, files)
		oneLine(t, err, ErrPrunedData, "--reindex")
		bad := cfg
		bad.TxIndex = true
		_, err = openOn(t.Context(), bad, files)
		oneLine(t, err, err, "index", "prun")
		bad = cfg
		bad.ReindexChainState = true
		_, err = openOn(t.Context(), bad, files)
		oneLine(t, err, err, "prun")
		// A reindex starts from what connects to the genesis block: nothing.
		whole.Reindex = true
		l = openTest(t, files, whole)
		if h := l.Tip().Tip.Height; h != 0 {
			t.Fatalf("reindexed to %d", h)
		}
		add(t, l, s.Blocks()...)
		checkAt(t, l, s.Chain)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
	l := newTest(t)
	_, err := l.PruneTo(10)
	wantError(t, err, ErrNotPruning)
}

func TestReindex(t *testing.T) {
	s := newSpender(52)
	s.MineN(103)
	s.Mark("fork")
	s.busyN(4)
	side := s.Blocks()
	s.Goto("fork")
	s.busyN(6)
	bad := s.invalidBranch()
	s.GotoHash(bad[0].Header.PrevBlock)
	for _, txindex := range []bool{false, true} {
		cfg := testConfig(newClock())
		files := fsys.Mem()
		l := openTest(t, files, cfg)
		add(t, l, side...)
		add(t, l, s.Blocks()[103:]...)
		wantError(t, l.AddBlock(t.Context(), bad[0]), consensus.ErrCoinbaseAmount)
		before := dump(t, l, keyCoin)
		end := l.blocks.End()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		cfg.TxIndex = txindex
		for _, mod := range []func(*Config){
			func(c *Config) { c.Reindex = true },
			func(c *Config) { c.ReindexChainState = true },
			func(c *Config) { c.CacheBytes = 1; c.ReindexChainState = true },
		} {
			again := cfg
			mod(&again)
			l = openTest(t, files, again)
			checkAt(t, l, s.Chain)
			if got := dump(t, l, keyCoin); !equalMaps(got, before) {
				t.Fatal("the coins differ")
			}
			if got := l.blocks.End(); got != end {
				t.Fatalf("the block files end at %v, not %v", got, end)
			}
			if e, ok := l.Entry(side[len(side)-1].Hash()); !ok || !e.Status.Has(HaveBody) {
				t.Fatal("the side branch is lost")
			}
			if txindex {
				checkTxIndex(t, l, s.Chain)
			}
			if err := l.VerifyChain(t.Context(), 4, 0, nil); err != nil {
				t.Fatal(err)
			}
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
		}
		// It goes on growing as if nothing had been.
		l = openTest(t, files, cfg)
		tip := s.State().Tip.Hash
		add(t, l, s.busyN(2)...)
		checkAt(t, l, s.Chain)
		s.GotoHash(tip)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// A reindex that is cancelled goes on when the ledger is opened without the
// setting.
func TestReindexCancelled(t *testing.T) {
	s := newSpender(53)
	s.MineN(103)
	s.busyN(6)
	for _, mod := range []func(*Config){
		func(c *Config) { c.Reindex = true },
		func(c *Config) { c.ReindexChainState = true },
	} {
		cfg := testConfig(newClock())
		files := fsys.Mem()
		l := openTest(t, files, cfg)
		add(t, l, s.Blocks()...)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		again := cfg
		mod(&again)
		_, err := openOn(&countdown{Context: t.Context(), left: 50}, again, files)
		wantError(t, err, context.Canceled)
		_, err = openOn(&countdown{Context: t.Context(), left: 20}, cfg, files)
		wantError(t, err, context.Canceled)
		l = openTest(t, files, cfg)
		checkAt(t, l, s.Chain)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestTxIndex(t *testing.T) {
	s := newSpender(54)
	s.MineN(103)
	s.busyN(6)
	cfg := testConfig(newClock())
	files := fsys.Mem()
	l := openTest(t, files, cfg)
	add(t, l, s.Blocks()...)
	_, _, err := l.Tx(s.Tip().Txs[0].TxID())
	wantError(t, err, ErrNoTxIndex)
	reopen := func(on bool) {
		t.Helper()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		cfg.TxIndex = on
		l = openTest(t, files, cfg)
	}
	reopen(true) // built
	checkTxIndex(t, l, s.Chain)
	_, _, err = l.Tx(wire.Hash{1})
	wantError(t, err, ErrUnknownTx)
	_, _, err = l.Tx(regtest.Genesis.Txs[0].TxID())
	wantError(t, err, ErrUnknownTx)
	s.Mark("old")
	old := s.busyN(3)
	add(t, l, old...)
	checkTxIndex(t, l, s.Chain)
	s.Goto("old")
	add(t, l, s.busyN(5)...)
	checkTxIndex(t, l, s.Chain) // and none of the blocks that were left
	reopen(false)
	if n := len(dump(t, l, keyTx)); n != 0 {
		t.Fatalf("%d entries are left of the index", n)
	}
	add(t, l, s.busyN(2)...)
	reopen(true)
	checkTxIndex(t, l, s.Chain)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}

	// In the initial download readers do not miss what is only in memory.
	cfg.Now = testConfig(newClock().farAhead()).Now
	l = openTest(t, files, cfg)
	add(t, l, s.busyN(3)...)
	checkTxIndex(t, l, s.Chain)
	// A build that is cut short goes on.
	reopen(false)
	cfg.TxIndex = true
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	_, err = openOn(&countdown{Context: t.Context(), left: 0}, cfg, files)
	wantError(t, err, context.Canceled)
	l = openTest(t, files, cfg)
	checkTxIndex(t, l, s.Chain)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// The hashes of the coins against the definition, spelled out.
func TestCoinStats(t *testing.T) {
	s := newSpender(55)
	s.MineN(103)
	s.busyN(6)
	l := newTest(t)
	add(t, l, s.Blocks()...)

	var ops []wire.OutPoint
	for op := range s.Coins() {
		ops = append(ops, op)
	}
	slices.SortFunc(ops, func(a, b wire.OutPoint) int {
		if c := bytes.Compare(a.TxID[:], b.TxID[:]); c != 0 {
			return c
		}
		return int(a.Index) - int(b.Index)
	})
	want := Stats{Tip: s.State().Tip, TxOuts: uint64(len(ops)), TotalAmount: s.Coins().Total()}
	ids := map[wire.Hash]bool{}
	var all []byte
	var mu muhash.Hash
	for _, op := range ops {
		c := s.Coins()[op]
		ids[op.TxID] = true
		one := append([]byte(nil), op.TxID[:]...)
		one = binary.LittleEndian.AppendUint32(one, op.Index)
		height := c.Height * 2
		if c.Coinbase {
			height++
		}
		one = binary.LittleEndian.AppendUint32(one, height)
		one = binary.LittleEndian.AppendUint64(one, uint64(c.Out.Value))
		one = append(one, byte(len(c.Out.PkScript)))
		one = append(one, c.Out.PkScript...)
		mu.Add(one)
		all = append(all, one...)
		want.BogoSize += uint64(50 + len(c.Out.PkScript))
	}
	want.Transactions = uint64(len(ids))
	for kind, hash := range map[StatsKind]wire.Hash{
		StatsNone: {}, StatsSerial3: wire.DoubleSHA256(all), StatsMuHash: mu.Sum(),
	} {
		got, err := l.CoinStats(t.Context(), kind)
		if err != nil {
			t.Fatal(err)
		}
		want.Hash, want.DiskSize = hash, got.DiskSize
		if got != want {
			t.Fatalf("%+v, want %+v", got, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := l.CoinStats(ctx, StatsNone); err == nil {
		t.Fatal("a cancelled call goes on")
	}
}

// A snapshot stays what it was while the chain goes on.
func TestSnapshotStays(t *testing.T) {
	for _, eager := range []bool{true, false} {
		clock := newClock()
		if !eager {
			clock = clock.farAhead()
		}
		s := newSpender(56)
		s.MineN(103)
		l := openTest(t, fsys.Mem(), testConfig(clock))
		add(t, l, s.Blocks()...)
		snap, err := l.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		at, want := s.State(), s.Coins().Total()
		spentLater := s.Mature()[0]
		add(t, l, s.Mine(s.Spend([]consensus.OutCoin{spentLater})))
		if snap.Tip() != at.Tip || snap.State() != at {
			t.Fatalf("the snapshot is of %v", snap.Tip())
		}
		var sum wire.Amount
		err = snap.Coins(t.Context(), func(_ wire.OutPoint, c *consensus.Coin) error {
			sum += c.Out.Value
			return nil
		})
		if err != nil || sum != want {
			t.Fatalf("the snapshot has %v, not %v: %v", sum, want, err)
		}
		var c consensus.Coin
		if found, err := snap.FetchCoin(spentLater.OutPoint, &c); err != nil || !found || !equalCoins(&c, &spentLater.Coin) {
			t.Fatalf("%v %v %v", found, c, err)
		}
		snap.Close()
		if _, found, err := l.Coin(spentLater.OutPoint); found || err != nil {
			t.Fatalf("a spent coin is found: %v", err)
		}
		for op, want := range s.Coins() {
			if c, found, err := l.Coin(op); err != nil || !found || !equalCoins(&c, &want) {
				t.Fatalf("coin %v: %v, %v", op, c, err)
			}
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		_, _, err = l.Coin(spentLater.OutPoint)
		if err == nil {
			t.Fatal("a closed ledger answers")
		}
	}
}

func TestEntries(t *testing.T) {
	s := newSpender(57)
	s.MineN(105)
	s.busyN(5)
	l := newTest(t)
	add(t, l, s.Blocks()...)
	txs := uint64(1)
	for i, b := range s.Blocks() {
		txs += uint64(len(b.Txs))
		e, ok := l.Entry(b.Hash())
		at, ok2 := l.EntryAt(uint32(i + 1))
		up, ok3 := l.Ancestor(s.Tip().Hash(), uint32(i+1))
		if !ok || !ok2 || !ok3 || e.Ref != at.Ref || e.Ref != up.Ref || e.Ref.Hash != b.Hash() || e.Ref.Height != uint32(i+1) {
			t.Fatalf("block %d: %+v, %+v, %+v", i+1, e, at, up)
		}
		state, err := l.State(b.Hash())
		if err != nil || e.MTP != state.MedianTimePast() || e.Work != state.Work {
			t.Fatalf("block %d: state %+v, %v", i+1, state, err)
		}
		if e.Header != b.Header || e.Size != b.Size() || e.Weight != b.Weight() || e.StrippedSize != b.StrippedSize() ||
			e.TxCount != uint32(len(b.Txs)) || e.ChainTxCount != txs || !e.Active {
			t.Fatalf("block %d: %+v", i+1, e)
		}
		if last := i+1 == len(s.Blocks()); last != (e.Next == nil) || !last && *e.Next != s.Blocks()[i+1].Hash() {
			t.Fatalf("block %d: next %v", i+1, e.Next)
		}
		spent, err := l.Spent(b.Hash())
		if err != nil || len(spent) != inputsOf(b) {
			t.Fatalf("block %d: %d coins spent, %v", i+1, len(spent), err)
		}
		raw, err := l.BlockBytes(b.Hash())
		if err != nil || !bytes.Equal(raw, b.Bytes()) {
			t.Fatalf("block %d: %v", i+1, err)
		}
	}
	genesis, err := l.Block(regtest.GenesisHash)
	if err != nil || genesis.Hash() != regtest.GenesisHash {
		t.Fatal(err)
	}
	if spent, err := l.Spent(regtest.GenesisHash); err != nil || len(spent) != 0 {
		t.Fatal(err)
	}
	if _, ok := l.EntryAt(l.Tip().Tip.Height + 1); ok {
		t.Fatal("an entry above the tip")
	}
	if _, ok := l.Ancestor(regtest.GenesisHash, 1); ok {
		t.Fatal("an ancestor above the block")
	}
	for _, f := range []func(wire.Hash) error{
		func(h wire.Hash) error { _, err := l.Block(h); return err },
		func(h wire.Hash) error { _, err := l.BlockBytes(h); return err },
		func(h wire.Hash) error { _, err := l.Spent(h); return err },
		func(h wire.Hash) error { _, err := l.State(h); return err },
	} {
		wantError(t, f(wire.Hash{1}), ErrUnknownBlock)
	}
	next := s.Next()
	if _, err := l.AddHeaders([]wire.Header{next.Header}); err != nil {
		t.Fatal(err)
	}
	_, err = l.Block(next.Hash())
	wantError(t, err, ErrNoBody)
	_, err = l.Spent(next.Hash())
	wantError(t, err, ErrNoBody)
	if got := l.Tips(); len(got) != 2 || got[0].State != TipHeadersOnly || got[0].BranchLen != 1 || got[1].State != TipActive {
		t.Fatalf("tips %+v", got)
	}
}
