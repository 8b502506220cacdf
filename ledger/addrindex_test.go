package ledger

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/ledger/fsys"
	"github.com/keelson-chain/keelson/ledger/kv"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/wire"
)

// scriptModel is what the index should say of a script.
type scriptModel struct {
	history []HistoryEntry // newest first
	totals  ScriptTotals
	coins   []ScriptCoin
}

// addressModel is what the index should say, by a plain walk over the chain
// with all outputs at hand.
type addressModel struct {
	scripts  map[string]*scriptModel
	spenders map[wire.OutPoint]Spender
}

func modelAddresses(c *chaingen.Chain) *addressModel {
	m := &addressModel{map[string]*scriptModel{}, map[wire.OutPoint]Spender{}}
	outputs := map[wire.OutPoint]wire.TxOut{}
	of := func(pkScript []byte) *scriptModel {
		s := m.scripts[string(pkScript)]
		if s == nil {
			s = new(scriptModel)
			m.scripts[string(pkScript)] = s
		}
		return s
	}
	for at, b := range c.Blocks() {
		height := uint32(at + 1)
		for i, tx := range b.Txs {
			e := HistoryEntry{tx.TxID(), height, uint32(i)}
			touched := map[*scriptModel]bool{}
			if i > 0 {
				for j, in := range tx.Inputs {
					out := outputs[in.PrevOut]
					s := of(out.PkScript)
					touched[s] = true
					s.totals.Spent++
					s.totals.SpentSum += out.Value
					m.spenders[in.PrevOut] = Spender{e.TxID, uint32(j), height}
				}
			}
			for j, out := range tx.Outputs {
				outputs[wire.OutPoint{TxID: e.TxID, Index: uint32(j)}] = out
				s := of(out.PkScript)
				touched[s] = true
				s.totals.Funded++
				s.totals.FundedSum += out.Value
			}
			for s := range touched {
				s.totals.Txs++
				s.history = slices.Insert(s.history, 0, e)
			}
		}
	}
	for op, coin := range c.Coins() {
		if coin.Height > 0 {
			s := of(coin.Out.PkScript)
			s.coins = append(s.coins, ScriptCoin{op, coin})
		}
	}
	for _, s := range m.scripts {
		slices.SortFunc(s.coins, func(a, b ScriptCoin) int {
			return cmp.Or(bytes.Compare(a.Out.TxID[:], b.Out.TxID[:]), cmp.Compare(a.Out.Index, b.Out.Index))
		})
	}
	return m
}

// checkAddressIndex demands that the index is that of c, and holds nothing else.
func checkAddressIndex(t testing.TB, l *Ledger, c *chaingen.Chain) {
	t.Helper()
	s, err := l.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if s.Tip() != c.State().Tip {
		t.Fatalf("the snapshot is of %v, not of %v", s.Tip(), c.State().Tip)
	}
	checkAddressRows(t, s, c)
}

func checkAddressRows(t testing.TB, s *Snapshot, c *chaingen.Chain) {
	t.Helper()
	m := modelAddresses(c)
	rows := len(m.spenders)
	for pkScript, want := range m.scripts {
		rows += len(want.history) + 1 + len(want.coins)
		h := HashScript([]byte(pkScript))
		history, err := s.History(h, nil, 1<<30)
		if err != nil || !slices.Equal(history, want.history) {
			t.Fatalf("script %x: history %v, not %v, %v", pkScript, history, want.history, err)
		}
		totals, err := s.ScriptTotals(h)
		if err != nil || totals != want.totals {
			t.Fatalf("script %x: totals %+v, not %+v, %v", pkScript, totals, want.totals, err)
		}
		coins, err := s.ScriptCoins(h, len(want.coins))
		if err != nil || !slices.EqualFunc(coins, want.coins, func(a, b ScriptCoin) bool {
			return a.Out == b.Out && equalCoins(&a.Coin, &b.Coin)
		}) {
			t.Fatalf("script %x: coins %v, not %v, %v", pkScript, coins, want.coins, err)
		}
	}
	for op, want := range m.spenders {
		if by, found, err := s.Spender(op); err != nil || !found || by != want {
			t.Fatalf("%v is spent by %v, not by %v (%v, %v)", op, by, want, found, err)
		}
	}
	for _, p := range addressPrefixes {
		it := s.db.Iterate(kv.Prefix([]byte{p}))
		for it.Next() {
			rows--
		}
		if err := it.Err(); err != nil {
			t.Fatal(err)
		}
		it.Close()
	}
	if rows != 0 {
		t.Fatalf("the index has %d rows too many", -rows)
	}
}

// mazy mines a block whose transactions have the same few scripts on both sides,
// several times each, spend what the block itself makes, and leave outputs that
// nobody can spend.
func (s *spender) mazy() *wire.Block {
	own := s.Mature()
	if len(own) < 8 {
		return s.Mine()
	}
	s.r.Shuffle(len(own), func(i, j int) { own[i], own[j] = own[j], own[i] })
	var txs []*wire.Tx
	for range 1 + s.r.IntN(3) {
		k := 1 + s.r.IntN(3)
		coins := own[:k]
		own = own[k:]
		var sum wire.Amount
		for _, c := range coins {
			sum += c.Coin.Out.Value
		}
		n := 1 + s.r.IntN(5)
		outs := make([]wire.TxOut, n, n+1)
		for i := range outs {
			outs[i] = s.Out(chaingen.Kind(s.r.IntN(int(chaingen.Anyone)+1)), s.r.IntN(3), (sum-50_000)/wire.Amount(n))
		}
		if s.r.IntN(2) == 0 {
			outs = append(outs, wire.TxOut{Value: wire.Amount(s.r.IntN(2)), PkScript: []byte{0x6a, byte(0x51 + s.r.IntN(2))}})
		}
		tx := s.Spend(coins, outs...)
		txs = append(txs, tx)
		if inside := s.OutputsOf(tx); s.r.IntN(2) == 0 && inside[0].Coin.Out.Value > 100_000 {
			txs = append(txs, s.Spend(inside[:1], s.Out(chaingen.P2WPKH, s.r.IntN(3), inside[0].Coin.Out.Value-50_000)))
		}
	}
	return s.Mine(txs...)
}

func (s *spender) mazyN(n int) (blocks []*wire.Block) {
	for range n {
		blocks = append(blocks, s.mazy())
	}
	return blocks
}

func addressConfig(c *clock) Config {
	cfg := testConfig(c)
	cfg.AddressIndex = true
	return cfg
}

func TestAddressIndex(t *testing.T) {
	s := newSpender(81)
	s.MineN(110)
	s.mazyN(12)
	l := openTest(t, fsys.Mem(), addressConfig(newClock()))
	defer l.Close()
	add(t, l, s.Blocks()...)
	checkAddressIndex(t, l, s.Chain)
	checkTxIndex(t, l, s.Chain) // which comes with it

	snapshot, err := l.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	defer snapshot.Close()
	// What the chain has never used, and the genesis block's coinbase.
	for _, pkScript := range [][]byte{{1, 2, 3}, regtest.Genesis.Txs[0].Outputs[0].PkScript} {
		h := HashScript(pkScript)
		history, err1 := snapshot.History(h, nil, 10)
		totals, err2 := snapshot.ScriptTotals(h)
		coins, err3 := snapshot.ScriptCoins(h, 0)
		if err1 != nil || err2 != nil || err3 != nil || len(history) > 0 || totals != (ScriptTotals{}) || len(coins) > 0 {
			t.Fatalf("an unused script: %v %v, %v %v, %v %v", history, err1, totals, err2, coins, err3)
		}
	}
	if by, found, err := snapshot.Spender(wire.OutPoint{Index: 1}); found || err != nil {
		t.Fatalf("an outpoint that is not there is spent by %v, %v", by, err)
	}

	// The history comes in pages, from any place on, whatever their size.
	model := modelAddresses(s.Chain)
	var busiest string
	for pkScript, m := range model.scripts {
		if b := model.scripts[busiest]; b == nil || len(m.history) > len(b.history) {
			busiest = pkScript
		}
	}
	want, h := model.scripts[busiest], HashScript([]byte(busiest))
	for _, size := range []int{1, 2, 7, len(want.history)} {
		var got []HistoryEntry
		var before *HistoryEntry
		for {
			page, err := snapshot.History(h, before, size)
			if err != nil || len(page) > size {
				t.Fatalf("%d entries of %d, %v", len(page), size, err)
			}
			if len(page) == 0 {
				break
			}
			got = append(got, page...)
			before = &page[len(page)-1]
		}
		if !slices.Equal(got, want.history) {
			t.Fatalf("pages of %d give %v, not %v", size, got, want.history)
		}
	}
	middle := want.history[len(want.history)/2]
	if at, err := snapshot.Position(middle.TxID); err != nil || at != middle {
		t.Fatalf("position %v, not %v: %v", at, middle, err)
	}
	page, err := snapshot.History(h, &HistoryEntry{Height: middle.Height}, 1<<30) // no such entry, or its coinbase
	older := slices.IndexFunc(want.history, func(e HistoryEntry) bool { return e.Height < middle.Height })
	if err != nil || older < 0 || !slices.Equal(page, want.history[older:]) {
		t.Fatalf("before block %d there are %v, %v", middle.Height, page, err)
	}
	if page, err = snapshot.History(h, nil, 0); err != nil || len(page) > 0 {
		t.Fatalf("nothing is asked for: %v, %v", page, err)
	}
	tx, block, err := snapshot.Tx(middle.TxID)
	if err != nil || tx.TxID() != middle.TxID || block.Height != middle.Height {
		t.Fatalf("transaction %v in %v, %v", middle.TxID, block, err)
	}
	_, err = snapshot.Position(wire.Hash{1})
	wantError(t, err, ErrUnknownTx)

	for _, m := range model.scripts {
		if len(m.coins) > 1 {
			_, err := snapshot.ScriptCoins(HashScript(m.coins[0].Coin.Out.PkScript), len(m.coins)-1)
			wantError(t, err, ErrTooMany)
		}
	}

	// A snapshot stays at its tip.
	tip := snapshot.Tip()
	s.Mark("here")
	add(t, l, s.mazyN(3)...)
	checkAddressIndex(t, l, s.Chain)
	s.Goto("here")
	if again, err := snapshot.History(h, nil, 1<<30); err != nil || !slices.Equal(again, want.history) || snapshot.Tip() != tip {
		t.Fatalf("the snapshot has moved: %v", err)
	}
}

// Without the index every question about it has the same answer.
func TestNoAddressIndex(t *testing.T) {
	for _, txindex := range []bool{false, true} {
		cfg := testConfig(newClock())
		cfg.TxIndex = txindex
		l := openTest(t, fsys.Mem(), cfg)
		defer l.Close()
		s, err := l.Snapshot()
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		_, err1 := s.History(ScriptHash{}, nil, 1)
		_, err2 := s.ScriptTotals(ScriptHash{})
		_, err3 := s.ScriptCoins(ScriptHash{}, 1)
		_, _, err4 := s.Spender(wire.OutPoint{})
		for _, err := range []error{err1, err2, err3, err4} {
			wantError(t, err, ErrNoAddressIndex)
		}
		_, _, err = s.Tx(wire.Hash{})
		want := ErrNoTxIndex
		if txindex {
			want = ErrUnknownTx
		}
		wantError(t, err, want)
	}
	cfg := addressConfig(newClock())
	cfg.Prune = PruneManual
	_, err := openOn(t.Context(), cfg, fsys.Mem())
	oneLine(t, err, err, "address index", "prun")
}

// Random trees: the index follows every reorganisation, whether tips are committed
// one by one, at once or never, over restarts with and without it.
func TestAddressIndexAgainstModel(t *testing.T) {
	seeds := uint64(12)
	if testing.Short() {
		seeds = 4
	}
	for seed := range seeds {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			s := newSpender(100 + seed)
			s.MineN(108)
			clock := newClock()
			if seed%2 == 1 {
				clock = clock.farAhead()
			}
			cfg := addressConfig(clock)
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
			for range 25 {
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
					checkAddressIndex(t, l, s.Chain)
					if err := l.Reconsider(t.Context(), b); err != nil {
						t.Fatal(err)
					}
				case 2, 3:
					if err := l.Close(); err != nil {
						t.Fatal(err)
					}
					if s.r.IntN(3) == 0 {
						off := cfg
						off.AddressIndex = false
						l = openTest(t, files, off)
						if n := len(dump(t, l, append(addressPrefixes, keyIndexState)...)); n != 0 {
							t.Fatalf("%d rows are left of the index", n)
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
				checkAddressIndex(t, l, s.Chain)
			}
			s.GotoHash(l.Tip().Tip.Hash)
			checkAddressIndex(t, l, s.Chain)
			checkAt(t, l, s.Chain)
			before := dump(t, l, append(addressPrefixes, keyIndexState)...)
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			for _, mod := range []func(*Config){
				func(c *Config) { c.Reindex = true },
				func(c *Config) { c.ReindexChainState = true },
			} {
				again := cfg
				mod(&again)
				l = openTest(t, files, again)
				s.GotoHash(l.Tip().Tip.Hash) // of several with the same work it may be another
				checkAddressIndex(t, l, s.Chain)
				if err := l.Close(); err != nil {
					t.Fatal(err)
				}
			}
			if len(before) < 100 {
				t.Fatalf("only %d rows", len(before))
			}
		})
	}
}

// Taking blocks back and connecting them again restores the index byte for byte.
func TestAddressIndexRevertRestores(t *testing.T) {
	for seed := range uint64(4) {
		s := newSpender(130 + seed)
		s.MineN(110)
		s.mazyN(5)
		l := openTest(t, fsys.Mem(), addressConfig(newClock()))
		add(t, l, s.Blocks()...)
		before := dump(t, l, addressPrefixes...)
		blocks := s.mazyN(12)
		add(t, l, blocks...)
		after := dump(t, l, addressPrefixes...)
		if err := l.Invalidate(t.Context(), blocks[0].Hash()); err != nil {
			t.Fatal(err)
		}
		if got := dump(t, l, addressPrefixes...); !equalMaps(got, before) {
			t.Fatalf("seed %d: taking blocks back leaves %d rows, not the %d from before", seed, len(got), len(before))
		}
		if err := l.Reconsider(t.Context(), blocks[0].Hash()); err != nil {
			t.Fatal(err)
		}
		if got := dump(t, l, addressPrefixes...); !equalMaps(got, after) || len(after) <= len(before) {
			t.Fatalf("seed %d: connecting blocks again gives %d rows, not %d", seed, len(got), len(after))
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// A build or a deletion that is cut short at any block, by the end of the
// context, goes on and ends as if it had not been.
func TestAddressIndexBuild(t *testing.T) {
	s := newSpender(82)
	s.MineN(110)
	s.mazyN(6)
	plain := testConfig(newClock())
	with := addressConfig(newClock())
	files := fsys.Mem()
	l := openTest(t, files, plain)
	add(t, l, s.Blocks()...)
	reopen := func(cfg Config) {
		t.Helper()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		l = openTest(t, files, cfg)
	}
	reopen(with)
	checkAddressIndex(t, l, s.Chain)
	built := dump(t, l, append(addressPrefixes, keyIndexState)...)
	add(t, l, s.mazyN(2)...)
	checkAddressIndex(t, l, s.Chain)

	// As a version that does not know the index leaves it: the tip has moved on.
	stale := func(move func(l *Ledger)) {
		t.Helper()
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		before := dumpFiles(t, files, keyIndexState)
		rows := dumpFiles(t, files, addressPrefixes...)
		l = openTest(t, files, plain)
		move(l)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		putFiles(t, files, before)
		putFiles(t, files, rows)
		l = openTest(t, files, with)
		checkAddressIndex(t, l, s.Chain)
	}
	stale(func(l *Ledger) { add(t, l, s.mazyN(3)...) })
	s.Mark("tip")
	s.GotoHash(s.Tip().Header.PrevBlock)
	stale(func(l *Ledger) { add(t, l, s.mazyN(3)...) }) // to another branch

	// Fresh from a folder without it, the same comes out.
	s.GotoHash(l.Tip().Tip.Hash)
	whole := dump(t, l, append(addressPrefixes, keyIndexState)...)
	reopen(plain)
	if n := len(dump(t, l, append(addressPrefixes, keyIndexState)...)); n != 0 {
		t.Fatalf("%d rows are left of the index", n)
	}
	reopen(with)
	if got := dump(t, l, append(addressPrefixes, keyIndexState)...); !equalMaps(got, whole) || len(whole) <= len(built) {
		t.Fatal("the index that is built differs from the one that grew")
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	// With one block in a batch, and ever so many blocks at a time. What is looked
	// at is the address index alone: the other is there already.
	off := plain
	off.TxIndex = true
	openCut(t, files, off, 1<<30)
	small := with
	small.growBytes = 1
	grew := 0
	for left := range 30 {
		openCut(t, files, small, left)
		if rows := dumpFiles(t, files, keyIndexState); len(rows) == 1 && rows[string(keyIndexState)][0] == byte(indexGrow) {
			grew++
		}
		if left%8 == 7 {
			openCut(t, files, off, left/8)
		}
	}
	if grew < 10 {
		t.Fatalf("the build was cut short only %d times", grew)
	}
	l = openTest(t, files, with)
	if got := dump(t, l, append(addressPrefixes, keyIndexState)...); !equalMaps(got, whole) {
		t.Fatal("the index that was built with interruptions differs")
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
}

// openCut opens a ledger with a context that ends after some looks at it.
func openCut(t *testing.T, files fsys.FS, cfg Config, left int) {
	t.Helper()
	l, err := openOn(&countdown{Context: t.Context(), left: left}, cfg, files)
	if err == nil {
		err = l.Close()
	} else {
		wantError(t, err, context.Canceled)
		err = nil
	}
	if err != nil {
		t.Fatal(err)
	}
}

func dumpFiles(t *testing.T, files fsys.FS, prefixes ...byte) map[string]string {
	t.Helper()
	db, err := kv.OpenOn(fsys.Sub(files, dbDir), kv.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	return dump(t, &Ledger{db: db}, prefixes...)
}

func putFiles(t *testing.T, files fsys.FS, rows map[string]string) {
	t.Helper()
	db, err := kv.OpenOn(fsys.Sub(files, dbDir), kv.Options{})
	if err != nil {
		t.Fatal(err)
	}
	var b kv.Batch
	for k, v := range rows {
		b.Put([]byte(k), []byte(v))
	}
	if err := db.Write(&b); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// A row that is not what was written gives one clear line.
func TestDamagedAddressIndex(t *testing.T) {
	s := newSpender(83)
	s.MineN(110)
	s.mazyN(6)
	var pkScript []byte
	var coin, spent wire.OutPoint
	for op, c := range s.Coins() {
		if c.Height > 0 && !script.IsUnspendable(c.Out.PkScript) {
			pkScript, coin = c.Out.PkScript, op
			break
		}
	}
	spent = s.Tip().Txs[1].Inputs[0].PrevOut
	h := HashScript(pkScript)
	history := appendHistoryKey(nil, &h, modelAddresses(s.Chain).scripts[string(pkScript)].history[0].Height, modelAddresses(s.Chain).scripts[string(pkScript)].history[0].Index)
	totals := append([]byte{keyTotals}, h[:]...)
	coinRow := appendOutPoint(append([]byte{keyScriptCoin}, h[:]...), &coin)
	other := coin
	other.TxID[0]++
	otherRow := appendOutPoint(append([]byte{keyScriptCoin}, h[:]...), &other)
	spender := appendSpenderKey(nil, &spent)
	asks := map[byte]func(s *Snapshot) error{
		keyTotals:     func(s *Snapshot) error { _, err := s.ScriptTotals(h); return err },
		keyHistory:    func(s *Snapshot) error { _, err := s.History(h, nil, 1<<20); return err },
		keyScriptCoin: func(s *Snapshot) error { _, err := s.ScriptCoins(h, 1<<20); return err },
		keySpender:    func(s *Snapshot) error { _, _, err := s.Spender(spent); return err },
	}
	for _, c := range []struct {
		name       string
		key, value []byte
	}{
		{"totals, empty", totals, nil},
		{"totals, too long", totals, []byte{1, 1, 0, 1, 0, 0}},
		{"totals, more spent than funded", totals, []byte{1, 1, 2, 1, 0}},
		{"totals, no transactions", totals, []byte{0, 1, 0, 1, 0}},
		{"totals, a uvarint without end", totals, bytes.Repeat([]byte{0xff}, 20)},
		{"history, short id", history, make([]byte, 31)},
		{"history, long key", append(slices.Clone(history), 0), make([]byte, 32)},
		{"history, a height above the tip", appendHistoryKey(nil, &h, 10_000, 0), make([]byte, 32)},
		{"coins, a value", coinRow, []byte{1}},
		{"coins, no index", coinRow[:len(coinRow)-1], nil},
		{"coins, no such coin", otherRow, nil},
		{"spenders, short", spender, make([]byte, 39)},
		{"spenders, a height above the tip", spender, bytes.Repeat([]byte{0xff}, 40)},
	} {
		t.Run(c.name, func(t *testing.T) {
			files := fsys.Mem()
			cfg := addressConfig(newClock())
			l := openTest(t, files, cfg)
			add(t, l, s.Blocks()...)
			var b kv.Batch
			b.Put(c.key, c.value)
			if err := l.db.Write(&b); err != nil {
				t.Fatal(err)
			}
			snapshot, err := l.Snapshot()
			if err != nil {
				t.Fatal(err)
			}
			oneLine(t, asks[c.key[0]](snapshot), ErrCorrupt, "address index")
			snapshot.Close()
			if err := l.Close(); err != nil {
				t.Fatal(err)
			}
			// The way out that the line names.
			cfg.AddressIndex = false
			if err := openTest(t, files, cfg).Close(); err != nil {
				t.Fatal(err)
			}
			cfg.AddressIndex = true
			l = openTest(t, files, cfg)
			defer l.Close()
			checkAddressIndex(t, l, s.Chain)
		})
	}

	t.Run("the record", func(t *testing.T) {
		for _, value := range [][]byte{nil, make([]byte, 32), append([]byte{9}, make([]byte, 32)...)} {
			files := fsys.Mem()
			if err := openTest(t, files, addressConfig(newClock())).Close(); err != nil {
				t.Fatal(err)
			}
			putFiles(t, files, map[string]string{string(keyIndexState): string(value)})
			_, err := openOn(t.Context(), addressConfig(newClock()), files)
			oneLine(t, err, ErrCorrupt, "address index", "--reindex")
		}
	})
	t.Run("totals that a block cannot have left", func(t *testing.T) {
		l := openTest(t, fsys.Mem(), addressConfig(newClock()))
		defer l.Close()
		add(t, l, s.Blocks()...)
		var b kv.Batch
		for key := range dump(t, l, keyTotals) {
			b.Delete([]byte(key))
		}
		if err := l.db.Write(&b); err != nil {
			t.Fatal(err)
		}
		err := l.Invalidate(t.Context(), s.Tip().Hash())
		oneLine(t, err, ErrFault, "totals", "address index")
		wantError(t, err, ErrCorrupt)
	})
}

// The rows of a coinbase that repeats an earlier one, as chains without BIP 34 may
// have, whose outputs are spent by then.
func TestAddressIndexRepeatedTransaction(t *testing.T) {
	x := newAddressIndex()
	at := func(height uint32) *node { return &node{height: height, parent: &node{}} }
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	db := kv.NewMem()
	defer db.Close()
	commit := func() {
		t.Helper()
		var b kv.Batch
		if err := x.write(db, &b); err != nil {
			t.Fatal(err)
		}
		x.reset()
		if err := db.Write(&b); err != nil {
			t.Fatal(err)
		}
	}
	coinbase := &wire.Tx{Version: 1, Inputs: []wire.TxIn{{PrevOut: wire.OutPoint{Index: 0xffffffff}}}, Outputs: []wire.TxOut{{Value: 50, PkScript: []byte{0x51}}}}
	op := wire.OutPoint{TxID: coinbase.TxID()}
	spend := &wire.Tx{Version: 1, Inputs: []wire.TxIn{{PrevOut: op}}, Outputs: []wire.TxOut{{Value: 50, PkScript: []byte{0x52}}}}
	first := &wire.Block{Txs: []*wire.Tx{coinbase}}
	second := &wire.Block{Txs: []*wire.Tx{{Version: 2, Inputs: coinbase.Inputs, Outputs: []wire.TxOut{{PkScript: []byte{0x53}}}}, spend}}
	must(x.add(nil, at(1), first, nil))
	must(x.add(nil, at(2), second, []consensus.Coin{{Out: coinbase.Outputs[0], Height: 1}}))
	commit()
	before := dump(t, &Ledger{db: db}, addressPrefixes...)
	must(x.add(nil, at(3), first, nil))
	commit()
	h := HashScript([]byte{0x51})
	totals, err := readTotals(db, append([]byte{keyTotals}, h[:]...))
	if want := (ScriptTotals{3, 2, 1, 100, 50}); err != nil || totals != want {
		t.Fatalf("%+v, not %+v, %v", totals, want, err)
	}
	must(x.remove(nil, at(3), first, nil))
	commit()
	if got := dump(t, &Ledger{db: db}, addressPrefixes...); !equalMaps(got, before) {
		t.Fatalf("%x is not %x", got, before)
	}
	must(x.remove(nil, at(2), second, []consensus.Coin{{Out: coinbase.Outputs[0], Height: 1}}))
	must(x.remove(nil, at(1), first, nil))
	commit()
	if got := dump(t, &Ledger{db: db}, addressPrefixes...); len(got) != 0 {
		t.Fatalf("rows are left: %x", got)
	}
}
