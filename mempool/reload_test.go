package mempool

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/keelson-chain/keelson/mempool/policy"
	"github.com/keelson-chain/keelson/wire"
)

// enterPackage adds a package that must be accepted.
func (w *world) enterPackage(txs ...*wire.Tx) {
	w.t.Helper()
	r, err := w.pool.AddPackage(w.t.Context(), txs, PackageOptions{})
	if err != nil || r.Err != nil {
		w.t.Fatalf("package: %v, %v", r.Err, err)
	}
	w.check()
}

// What came in for its child's sake is there after a restart, whether the
// file has it or the journal alone.
func TestLoadPackages(t *testing.T) {
	for name, save := range map[string]bool{"saved": true, "killed": false} {
		t.Run(name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "mempool.dat")
			set := func(c *Config) { c.File = file }
			w := newWorld(t, set)
			if err := w.pool.Load(t.Context()); err != nil {
				t.Fatal(err)
			}
			pair := func(coin int) (parent, child *wire.Tx) {
				parent = w.spend(0, 2, w.coin(coin))
				parent.Version = policy.TRUCVersion
				child = w.child(parent, 0, 10_000, 1)
				child.Version = policy.TRUCVersion
				w.enterPackage(parent, child)
				return parent, child
			}
			a, b := pair(0)
			c, d := pair(1)
			// One that pays nothing, but is said to be worth a lot, and its child.
			e := w.spend(0, 2, w.coin(2))
			if err := w.pool.Prioritise(e.TxID(), 10_000); err != nil {
				t.Fatal(err)
			}
			f := w.child(e, 0, 300, 1)
			w.add(e, f)
			all := []*wire.Tx{a, b, c, d, e, f}
			w.holds(all...)
			for _, tx := range []*wire.Tx{a, b, c, e} { // of our user, also those that need a child
				w.pool.MarkUnbroadcast(tx.TxID())
			}

			before := w.pool.Infos()
			if save {
				if err := w.pool.Save(); err != nil {
					t.Fatal(err)
				}
			}
			w.now.Add(100) // the times of arrival are kept
			w.open(set)
			if err := w.pool.Load(t.Context()); err != nil {
				t.Fatal(err)
			}
			w.holds(all...)
			times := map[wire.Hash]Info{}
			for _, info := range before {
				times[info.TxID] = info
			}
			for _, info := range w.pool.Infos() {
				if !equalInfo(info, times[info.TxID]) {
					t.Errorf("%+v came back as %+v", times[info.TxID], info)
				}
			}
		})
	}
}

// What nobody pays for stays outside, with all that spends from it.
func TestLoadUnpaid(t *testing.T) {
	w := newWorld(t, nil)
	free := w.spend(0, 2, w.coin(0))
	child := w.child(free, 0, 1, 1)
	alone := w.spend(0, 1, w.coin(1))
	// Mined meanwhile: its child needs nobody.
	mined := w.spend(0, 1, w.coin(2))
	heir := w.child(mined, 0, 10_000, 1)
	file := filepath.Join(t.TempDir(), "mempool.dat")
	if err := os.WriteFile(file, plainFile(free, child, w.child(child, 0, 1, 1), alone, mined, heir), 0o600); err != nil {
		t.Fatal(err)
	}
	w.mine(mined)
	w.now.Store(1 << 40)
	w.open(func(c *Config) { c.File = file })
	if err := w.pool.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.holds(heir)
}

func TestImport(t *testing.T) {
	dir := t.TempDir()
	w := newWorld(t, nil)
	a := w.spend(10_000, 2, w.coin(0))
	free := w.spend(0, 2, w.coin(1))
	free.Version = policy.TRUCVersion
	child := w.child(free, 0, 10_000, 2)
	child.Version = policy.TRUCVersion
	if err := w.pool.Add(t.Context(), a, AddOptions{Local: true}); err != nil {
		t.Fatal(err)
	}
	w.enterPackage(free, child)
	absent := wire.Hash{7}
	for txid, delta := range map[wire.Hash]wire.Amount{a.TxID(): 5, absent: 77} {
		if err := w.pool.Prioritise(txid, delta); err != nil {
			t.Fatal(err)
		}
	}
	masked, plain := filepath.Join(dir, "masked"), filepath.Join(dir, "plain")
	if err := w.pool.SaveTo(masked); err != nil {
		t.Fatal(err)
	}
	saved, _, err := w.pool.Dump()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(plain, saved, 0o600); err != nil {
		t.Fatal(err)
	}
	came := w.now.Load()
	w.now.Add(1000)
	for name, c := range map[string]struct {
		file        string
		o           ImportOptions
		time        int64
		deltas      int
		unbroadcast int
	}{
		"transactions alone": {masked, ImportOptions{}, came + 1000, 0, 0},
		"without a mask":     {plain, ImportOptions{}, came + 1000, 0, 0},
		"times":              {plain, ImportOptions{Times: true}, came, 0, 0},
		"deltas":             {masked, ImportOptions{Deltas: true}, came + 1000, 2, 0},
		"unbroadcast":        {masked, ImportOptions{Unbroadcast: true}, came + 1000, 0, 1},
		"all":                {masked, ImportOptions{Times: true, Deltas: true, Unbroadcast: true}, came, 2, 1},
	} {
		t.Run(name, func(t *testing.T) {
			w.t = t
			w.open(nil)
			added, refused, err := w.pool.Import(t.Context(), c.file, c.o)
			if added != 3 || refused != 0 || err != nil {
				t.Fatalf("%d added, %d refused, %v", added, refused, err)
			}
			w.holds(a, free, child)
			for _, info := range w.pool.Infos() {
				if info.Time != c.time {
					t.Errorf("it came at %d, not %d", info.Time, c.time)
				}
			}
			if got := len(w.pool.Deltas()); got != c.deltas {
				t.Errorf("%d deltas, want %d", got, c.deltas)
			}
			if got := w.pool.Stats().Unbroadcast; got != c.unbroadcast {
				t.Errorf("%d are unbroadcast, want %d", got, c.unbroadcast)
			}
			// Once more: nothing comes in, and what is said of fees adds up, as
			// Bitcoin Core's does.
			if added, refused, err = w.pool.Import(t.Context(), c.file, c.o); added != 0 || refused != 0 || err != nil {
				t.Errorf("again: %d added, %d refused, %v", added, refused, err)
			}
			for _, d := range w.pool.Deltas() {
				if want := map[wire.Hash]wire.Amount{a.TxID(): 10, absent: 154}[d.TxID]; d.Delta != want {
					t.Errorf("again: the delta of %v is %d, not %d", d.TxID, d.Delta, want)
				}
			}
		})
	}
	w.t = t

	// A file's times may have passed, its own clock or none.
	w.now.Add(int64(DefaultExpiry.Seconds()))
	w.open(nil)
	if added, refused, err := w.pool.Import(t.Context(), plain, ImportOptions{Times: true}); added != 0 || refused != 3 || err != nil {
		t.Errorf("expired: %d added, %d refused, %v", added, refused, err)
	}

	// What is damaged changes nothing.
	for name, raw := range map[string][]byte{
		"empty": nil, "cut": saved[:len(saved)-1], "longer": append(saved[:len(saved):len(saved)], 0),
		"another version": append([]byte{3}, saved[1:]...),
	} {
		if err := os.WriteFile(plain, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, _, err := w.pool.Import(t.Context(), plain, ImportOptions{Deltas: true}); !errors.Is(err, ErrFile) {
			t.Errorf("%s: %v", name, err)
		}
		w.holds()
		if d := w.pool.Deltas(); len(d) != 0 {
			t.Errorf("%s: deltas %v", name, d)
		}
	}
	for _, file := range []string{filepath.Join(dir, "absent"), dir} {
		if _, _, err := w.pool.Import(t.Context(), file, ImportOptions{}); err == nil {
			t.Errorf("%s was imported", file)
		}
	}
	if _, err := readImport(masked, 10); !errors.Is(err, ErrFile) {
		t.Errorf("a file beyond the bound: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := w.pool.Import(ctx, masked, ImportOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("ended: %v", err)
	}
}
