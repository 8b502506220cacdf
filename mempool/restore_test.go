package mempool

import (
	"bytes"
	"errors"
	"path/filepath"
	"testing"

	"github.com/keelson-chain/keelson/wire"
)

// TestRestore takes chain and pool back behind blocks, a reorganisation,
// replacements and prioritisations. A process that is killed then finds the same pool.
func TestRestore(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mempool.dat")
	set := func(c *Config) { c.File = file }
	w := newWorld(t, set)
	if err := w.pool.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	a := w.spend(10_000, 2, w.coin(0))
	b := w.child(a, 0, 10_000, 2)
	free := w.spend(1, 2, w.coin(1)) // pays less than anything is let in for
	if err := w.pool.Prioritise(free.TxID(), 20_000); err != nil {
		t.Fatal(err)
	}
	w.add(a)
	w.now.Add(77)
	w.add(b, free)
	if err := w.pool.Prioritise(wire.Hash{9}, 5); err != nil {
		t.Fatal(err)
	}
	mine := w.spend(10_000, 2, w.coin(2))
	if err := w.pool.Add(t.Context(), mine, AddOptions{Local: true}); err != nil {
		t.Fatal(err)
	}
	tree, infos, deltas := w.ledger.Checkpoint(), w.pool.Infos(), w.pool.Deltas()
	saved, at, err := w.pool.Dump()
	if err != nil || at != w.ledger.Tip().Tip {
		t.Fatalf("dumped at %v: %v", at, err)
	}
	if again, _, _ := w.pool.Dump(); !bytes.Equal(saved, again) {
		t.Error("two dumps differ")
	}
	same := func() {
		t.Helper()
		w.holds(a, b, free, mine)
		if got := w.pool.Stats(); got.Unbroadcast != 1 {
			t.Errorf("%d are unbroadcast", got.Unbroadcast)
		}
		for i, got := range w.pool.Infos() {
			if !equalInfo(got, infos[i]) {
				t.Errorf("info %d: %+v, want %+v", i, got, infos[i])
			}
		}
		got := w.pool.Deltas()
		if len(got) != len(deltas) {
			t.Fatalf("deltas %v, want %v", got, deltas)
		}
		for i := range got {
			if got[i] != deltas[i] {
				t.Errorf("delta %d: %+v, want %+v", i, got[i], deltas[i])
			}
		}
	}

	other := w.spend(50_000, 2, w.coin(3))
	double := w.spend(90_000, 2, w.coin(2))
	w.add(other, double) // replaces mine
	w.mine(a, free)
	w.mine(other)
	w.Goto("start")
	w.submit(w.MineN(4)...) // a reorganisation: everything comes back
	w.pool.Sync()
	w.now.Add(1000)
	w.add(w.spend(10_000, 2, w.coin(5)))
	changed, moment := w.pool.Changed(), w.pool.Moment()
	restore := func() error { return w.ledger.Restore(t.Context(), tree) }
	if err := w.pool.Restore(saved, restore); err != nil {
		t.Fatal(err)
	}
	if w.ledger.Tip().Tip != at {
		t.Fatalf("the tip is %v, not %v", w.ledger.Tip().Tip, at)
	}
	select {
	case <-changed:
	default:
		t.Error("nobody was told")
	}
	same()
	if list, _, missed := w.pool.ArrivalsSince(moment, nil); missed || len(list) != 4 {
		t.Errorf("%d have come", len(list))
	}
	w.Goto("start")
	w.Step++
	w.refused(a, reasonInPool)

	// A process that is killed now has no more than that.
	w.open(set)
	if err := w.pool.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.holds(a, b, free, mine)
	late := w.spend(10_000, 2, w.coin(6))
	w.add(late)
	w.mine(late) // of which the journal does not say that it has left
	if err := w.pool.Restore(saved, restore); err != nil {
		t.Fatal(err)
	}
	same()
	w.open(set)
	if err := w.pool.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	same()
	w.Goto("start")
	w.Step += 2

	// The chain goes on, and the pool with it.
	w.mine(a, mine)
	w.holds(b, free)
}

// What cannot be restored changes nothing, and what cannot come back is told.
func TestRestoreErrors(t *testing.T) {
	w := newWorld(t, nil)
	a, b := w.spend(10_000, 2, w.coin(0)), w.spend(10_000, 2, w.coin(1))
	w.add(a, b)
	saved, _, err := w.pool.Dump()
	if err != nil {
		t.Fatal(err)
	}
	called := false
	stay := func() error { called = true; return nil }
	for n := range saved {
		if err := w.pool.Restore(saved[:n], stay); !errors.Is(err, ErrFile) {
			t.Fatalf("cut off at %d: %v", n, err)
		}
	}
	if err := w.pool.Restore(append(bytes.Clone(saved), 0), stay); !errors.Is(err, ErrFile) {
		t.Fatalf("a byte too many: %v", err)
	}
	wrong := errors.New("wrong")
	if err := w.pool.Restore(saved, func() error { return wrong }); !errors.Is(err, wrong) {
		t.Fatalf("a move that fails: %v", err)
	}
	w.holds(a, b)
	if called {
		t.Fatal("moved although there was nothing to restore")
	}
	// The chain goes elsewhere than where it was.
	err = w.pool.Restore(saved, func() error { w.mine(a); return nil })
	if !errors.Is(err, ErrLeftOut) {
		t.Fatalf("a transaction that is mined: %v", err)
	}
	w.holds(b)
	empty := []byte{1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}
	if err := w.pool.Restore(empty, stay); err != nil || !called {
		t.Fatal(err)
	}
	w.holds()
}

// FuzzReadContents: whatever is handed in is read or refused.
func FuzzReadContents(f *testing.F) {
	w := newWorld(f, nil)
	w.add(w.spend(10_000, 2, w.coin(0)))
	if err := w.pool.Prioritise(wire.Hash{9}, 5); err != nil {
		f.Fatal(err)
	}
	saved, _, err := w.pool.Dump()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(saved)
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := readContents(raw)
		if err != nil && !errors.Is(err, ErrFile) {
			t.Fatal(err)
		}
		for _, tx := range c.txs {
			if tx.tx == nil {
				t.Fatal("a transaction that is none")
			}
		}
	})
}
