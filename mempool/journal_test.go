package mempool

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/keelson-chain/keelson/wire"
)

// restart opens the pool again as after a kill: nothing was saved.
func (w *world) restart(file string) {
	w.t.Helper()
	w.open(func(c *Config) { c.File = file })
	if err := w.pool.Load(w.t.Context()); err != nil {
		w.t.Fatal(err)
	}
}

func TestJournal(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mempool.dat")
	w := newWorld(t, nil)
	w.restart(file)
	a := w.spend(10_000, 2, w.coin(0))
	b := w.child(a, 0, 10_000, 2)
	w.add(a)
	w.now.Add(100)
	w.add(b)
	prioritise := func(txid wire.Hash, delta wire.Amount) {
		t.Helper()
		if err := w.pool.Prioritise(txid, delta); err != nil {
			t.Fatal(err)
		}
	}
	prioritise(b.TxID(), 500)
	prioritise(b.TxID(), 700)
	infos := w.pool.Infos()
	w.restart(file)
	w.holds(a, b)
	for i, got := range w.pool.Infos() {
		if !equalInfo(got, infos[i]) {
			t.Errorf("info %d: %+v, want %+v", i, got, infos[i])
		}
	}

	// What was replaced stays so, and a delta ends with its transaction.
	c := w.spend(60_000, 2, w.coin(0))
	w.add(c)
	d := w.spend(10_000, 2, w.coin(1))
	w.add(d)
	prioritise(d.TxID(), 1)
	w.mine(d)
	w.check()
	w.restart(file)
	w.holds(c)
	if got := w.pool.Deltas(); len(got) != 1 || got[0].TxID != b.TxID() {
		t.Errorf("deltas %v, want that of b alone", got)
	}

	// Save empties it.
	if err := w.pool.Save(); err != nil {
		t.Fatal(err)
	}
	if raw, err := os.ReadFile(file + journalSuffix); err != nil || string(raw) != journalHead {
		t.Errorf("the journal after Save: %d bytes, %v", len(raw), err)
	}
	e := w.spend(10_000, 2, w.coin(2))
	w.add(e)
	w.restart(file)
	w.holds(c, e)
	if got := w.pool.Deltas(); len(got) != 1 || got[0].Delta != 1200 {
		t.Errorf("deltas %v", got)
	}
}

// What no peer had when the process was killed is offered to peers again, and what one
// had is not.
func TestJournalKeepsUnbroadcast(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mempool.dat")
	w := newWorld(t, nil)
	w.restart(file)
	local := func(tx *wire.Tx) *wire.Tx {
		t.Helper()
		if err := w.pool.Add(t.Context(), tx, AddOptions{Local: true}); err != nil {
			t.Fatal(err)
		}
		return tx
	}
	want := func(txs ...*wire.Tx) {
		t.Helper()
		w.check()
		got, want := wtxids(w.pool.Unbroadcast()), idsOf(txs...)
		if !maps.Equal(setOf(got), setOf(want)) {
			t.Fatalf("unbroadcast are %v, want %v", got, want)
		}
	}
	kill := func(txs ...*wire.Tx) {
		t.Helper()
		want(txs...)
		for range 2 { // what loading writes counts, too
			w.restart(file)
			want(txs...)
		}
	}
	ours := local(w.spend(10_000, 2, w.coin(0)))
	known := local(w.spend(10_000, 2, w.coin(1)))
	w.pool.MarkBroadcast(known.WTxID())
	again := w.spend(10_000, 2, w.coin(2)) // a peer's, which our user sends, too
	w.add(again)
	w.pool.MarkUnbroadcast(again.TxID())
	theirs := w.spend(10_000, 2, w.coin(3))
	w.add(theirs)
	kill(ours, again)

	// What a peer asks for after a save, in which it was unbroadcast, and the other way
	// round.
	save := func() {
		t.Helper()
		if err := w.pool.Save(); err != nil {
			t.Fatal(err)
		}
	}
	save()
	kill(ours, again)
	w.pool.MarkBroadcastTxID(again.TxID())
	w.pool.MarkUnbroadcast(known.TxID())
	kill(ours, known)
	save()
	kill(ours, known)

	// Not what was replaced, nor, after a reorganisation, what was mined.
	low := local(w.spend(10_000, 2, w.coin(4)))
	high := w.spend(60_000, 2, w.coin(4))
	kill(ours, known, low)
	w.mine(ours)
	want(known, low)
	w.add(high)
	kill(known)
	w.Goto("start")
	w.goTo(w.MineN(2)...)
	w.holds(ours, known, again, theirs, high)
	kill(known)
}

func setOf(ids []wire.Hash) map[wire.Hash]bool {
	set := map[wire.Hash]bool{}
	for _, id := range ids {
		set[id] = true
	}
	return set
}

// A process that is killed while it loads has written transactions to the journal, but
// not yet that they are unbroadcast. The next one finds that where this one did.
func TestJournalOfKillDuringLoad(t *testing.T) {
	for name, save := range map[string]bool{"in the file": true, "in the journal": false} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "mempool.dat")
			w := newWorld(t, nil)
			w.restart(file)
			a, b := w.spend(10_000, 2, w.coin(0)), w.spend(10_000, 2, w.coin(1))
			for _, tx := range []*wire.Tx{a, b} {
				if err := w.pool.Add(t.Context(), tx, AddOptions{Local: true}); err != nil {
					t.Fatal(err)
				}
			}
			if save {
				if err := w.pool.Save(); err != nil {
					t.Fatal(err)
				}
			}
			w.restart(file)
			raw, err := os.ReadFile(file + journalSuffix)
			if err != nil {
				t.Fatal(err)
			}
			const marks = 2 * (1 + wire.HashSize)
			if kind := raw[len(raw)-marks]; kind != recordUnbroadcast {
				t.Fatalf("a record of kind %d is where the first mark should be", kind)
			}
			for cut := marks; cut > 0; cut -= 11 {
				if err := os.WriteFile(file+journalSuffix, raw[:len(raw)-cut], 0o600); err != nil {
					t.Fatal(err)
				}
				w.restart(file)
				w.holds(a, b)
				if list := w.pool.Unbroadcast(); len(list) != 2 {
					t.Fatalf("without the last %d bytes %v are unbroadcast", cut, list)
				}
			}
		})
	}
}

// What was driven out of a full pool does not come back and drive out others,
// whether the file of Save has it or the journal.
func TestJournalOfFullPool(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mempool.dat")
	set := func(c *Config) { c.File, c.Limits.DescendantSize, c.MaxBytes = file, 21_000, 900_000 }
	w := newWorld(t, set)
	if err := w.pool.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i := range 47 {
		w.add(w.large(wire.Amount(100_000+30_000*i), i))
		if i == 20 {
			if err := w.pool.Save(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if w.pool.Stats().Counts.Evicted < 2 {
		t.Fatal("the pool was not full")
	}
	s, err := w.pool.Select(SelectOptions{MaxWeight: 1_000_000, MaxSigOps: 80_000})
	if err != nil {
		t.Fatal(err)
	}
	w.mine(w.decode(s)...)
	w.check()
	want, _ := w.pool.TxIDs()
	w.open(set)
	if err := w.pool.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.check()
	if got, _ := w.pool.TxIDs(); !slices.Equal(got, want) {
		t.Errorf("%d transactions after a kill, %d before", len(got), len(want))
	}
}

// A parent that was mined when its child came, and is not any more, stands
// behind the child in the journal.
func TestJournalAfterReorganisation(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mempool.dat")
	w := newWorld(t, nil)
	w.restart(file)
	grandparent := w.spend(10_000, 2, w.coin(0))
	parent := w.child(grandparent, 0, 10_000, 2)
	w.mine(grandparent, parent)
	child := w.child(parent, 0, 10_000, 2)
	grandchild := w.child(child, 0, 10_000, 2)
	w.add(child, grandchild)
	w.Goto("start")
	w.goTo(w.MineN(2)...)
	w.holds(grandparent, parent, child, grandchild)
	w.restart(file)
	w.holds(grandparent, parent, child, grandchild)
}

// A kill at any moment of Save, and at any byte of a record.
func TestJournalIsCut(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mempool.dat")
	w := newWorld(t, nil)
	w.restart(file)
	a, b, c := w.spend(10_000, 2, w.coin(0)), w.spend(10_000, 2, w.coin(1)), w.spend(10_000, 2, w.coin(2))
	w.add(a)
	whole, err := os.ReadFile(file + journalSuffix)
	if err != nil {
		t.Fatal(err)
	}
	w.add(b)
	raw, err := os.ReadFile(file + journalSuffix)
	if err != nil {
		t.Fatal(err)
	}
	for n := 0; n <= len(raw); n += 7 {
		if err := os.WriteFile(file+journalSuffix, raw[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		w.restart(file)
		switch {
		case n < len(whole):
			w.holds()
		case n < len(raw):
			w.holds(a)
		}
		// And it goes on behind what was whole.
		w.add(c)
		w.restart(file)
		if !w.pool.Has(c.TxID()) {
			t.Fatalf("cut at %d: what came later is lost", n)
		}
		w.pool.Close()
	}

	// Put aside, but the file not written yet.
	w.open(nil)
	if err := os.WriteFile(file+asideSuffix, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file+journalSuffix, []byte(journalHead), 0o600); err != nil {
		t.Fatal(err)
	}
	w.restart(file)
	w.holds(a, b)
	w.add(c)
	// A Save that comes then keeps what it finds until all is safe.
	if err := w.pool.saveTo(file, w.pool.putAside); err != nil {
		t.Fatal(err)
	}
	w.restart(file)
	w.holds(a, b, c)
	if err := w.pool.Save(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(file + asideSuffix); err == nil {
		t.Error("what was put aside is still there after Save")
	}
	w.restart(file)
	w.holds(a, b, c)
}

// A journal that is something else is put aside, and the node goes on.
func TestJournalOfSomethingElse(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mempool.dat")
	w := newWorld(t, nil)
	for _, raw := range [][]byte{[]byte("something else entirely"), []byte(journalHead + "\x09junk")} {
		if err := os.WriteFile(file+journalSuffix, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		w.open(func(c *Config) { c.File = file })
		if err := w.pool.Load(t.Context()); !errors.Is(err, ErrFile) {
			t.Errorf("error %v", err)
		}
		w.add(w.spend(10_000, 2, w.coin(0)))
		w.restart(file)
		if n := w.pool.Stats().Count; n != 1 {
			t.Errorf("%d transactions", n)
		}
		w.pool.Close()
		kept, err := os.ReadFile(file + journalSuffix + ".damaged")
		if err != nil || !bytes.Equal(kept, raw) {
			t.Errorf("put aside: %q, %v", kept, err)
		}
		os.Remove(file + journalSuffix)
	}
}

func TestSaveDue(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mempool.dat")
	w := newWorld(t, nil)
	if w.pool.SaveDue() {
		t.Error("due without a journal")
	}
	w.restart(file)
	w.add(w.spend(10_000, 2, w.coin(0)))
	if w.pool.SaveDue() {
		t.Error("due after one transaction")
	}
	w.pool.journal.size += journalSlack + 10_000
	if !w.pool.SaveDue() {
		t.Error("not due")
	}
	if err := w.pool.Save(); err != nil {
		t.Fatal(err)
	}
	if w.pool.SaveDue() {
		t.Error("due after Save")
	}
	// A journal that cannot be written ends, and a save is due.
	w.pool.journal.file.Close()
	w.add(w.spend(10_000, 2, w.coin(1)))
	if !w.pool.SaveDue() || w.pool.SaveDue() {
		t.Error("a journal that failed is not reported once")
	}
	w.add(w.spend(10_000, 2, w.coin(2)))
}

func FuzzReadJournal(f *testing.F) {
	file := filepath.Join(f.TempDir(), "mempool.dat")
	w := newWorld(f, nil)
	w.restart(file)
	w.add(w.spend(10_000, 2, w.coin(0)))
	if err := w.pool.Prioritise(wire.Hash{1}, 5); err != nil {
		f.Fatal(err)
	}
	raw, err := os.ReadFile(file + journalSuffix)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	path := filepath.Join(f.TempDir(), "fuzzed")
	f.Fuzz(func(t *testing.T, raw []byte) {
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		_, whole, err := readJournal(path)
		if err != nil && !errors.Is(err, ErrFile) {
			t.Fatal(err)
		}
		if whole > int64(len(raw)) {
			t.Errorf("%d of %d bytes are whole", whole, len(raw))
		}
	})
}
