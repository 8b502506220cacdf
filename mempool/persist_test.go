package mempool

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/wire"
)

func TestSaveAndLoad(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mempool.dat")
	set := func(c *Config) { c.File = file }
	w := newWorld(t, set)
	if s := w.pool.Stats(); s.Loaded {
		t.Error("loaded before Load")
	}
	if err := w.pool.Load(t.Context()); err != nil {
		t.Fatalf("without a file: %v", err)
	}
	a := w.spend(10_000, 2, w.coin(0))
	b := w.child(a, 0, 10_000, 2)
	w.add(a)
	w.now.Add(100)
	w.add(b)
	c := w.spend(10_000, 2, w.coin(1))
	if err := w.pool.Add(t.Context(), c, AddOptions{Local: true}); err != nil {
		t.Fatal(err)
	}
	absent := wire.Hash{7}
	for txid, delta := range map[wire.Hash]wire.Amount{b.TxID(): -5000, absent: 77} {
		if err := w.pool.Prioritise(txid, delta); err != nil {
			t.Fatal(err)
		}
	}
	infos, deltas := w.pool.Infos(), w.pool.Deltas()
	if err := w.pool.Save(); err != nil {
		t.Fatal(err)
	}

	w.open(set)
	if err := w.pool.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.holds(a, b, c)
	if got := w.pool.Stats(); !got.Loaded || got.Unbroadcast != 1 {
		t.Errorf("stats %+v", got)
	}
	for i, got := range w.pool.Infos() {
		want := infos[i]
		got.Depends, got.SpentBy, want.Depends, want.SpentBy = nil, nil, nil, nil
		if !equalInfo(got, want) {
			t.Errorf("info %d: %+v, want %+v", i, got, want)
		}
	}
	for i, got := range w.pool.Deltas() {
		if got != deltas[i] {
			t.Errorf("delta %d: %+v, want %+v", i, got, deltas[i])
		}
	}

	// What was mined or has expired meanwhile is left out.
	w.mine(c)
	w.now.Add(int64((DefaultExpiry - 50*time.Second).Seconds()))
	w.open(set)
	if err := w.pool.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	w.holds() // a has expired, b spends from it, c is mined
}

func equalInfo(a, b Info) bool {
	return a.TxID == b.TxID && a.Time == b.Time && a.Fee == b.Fee && a.ModifiedFee == b.ModifiedFee &&
		a.AncestorFees == b.AncestorFees && a.DescendantSize == b.DescendantSize && a.Unbroadcast == b.Unbroadcast
}

// A file of the older version, without a mask.
func plainFile(txs ...*wire.Tx) []byte {
	b := binary.LittleEndian.AppendUint64(nil, 1)
	b = binary.LittleEndian.AppendUint64(b, uint64(len(txs)))
	for _, tx := range txs {
		b = tx.Append(b)
		b = binary.LittleEndian.AppendUint64(b, 1<<40)
		b = binary.LittleEndian.AppendUint64(b, 0)
	}
	return append(b, 0, 0)
}

// The older version is written where it is asked for, byte for byte.
func TestSavePlain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mempool.dat")
	w := newWorld(t, func(c *Config) { c.File, c.PlainFile = file, true })
	w.now.Store(1 << 40)
	tx := w.spend(10_000, 2, w.coin(0))
	w.add(tx)
	if err := w.pool.Save(); err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(file); err != nil || !bytes.Equal(got, plainFile(tx)) {
		t.Errorf("%x, %v; want %x", got, err, plainFile(tx))
	}
}

// Each case breaks a file that is fine. What stands before the fault is kept.
func TestLoadDamaged(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mempool.dat")
	w := newWorld(t, nil)
	a, b := w.spend(10_000, 2, w.coin(0)), w.spend(10_000, 2, w.coin(1))
	good := plainFile(a, b)
	for name, c := range map[string]struct {
		raw  []byte
		kept int
	}{
		"good":                 {good, 2},
		"empty":                {nil, 0},
		"another version":      {append([]byte{3}, good[1:]...), 0},
		"cut in the head":      {good[:12], 0},
		"cut in a transaction": {good[:len(good)-40], 1},
		"cut in the lists":     {good[:len(good)-1], 2},
		"a list too long":      {append(good[:len(good)-2:len(good)-2], 0xfd, 0xff, 0xff), 2},
		"a count too high":     {append(append(good[:8:8], 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0), good[16:]...), 2},
		"a key of odd size":    {[]byte{2, 0, 0, 0, 0, 0, 0, 0, 7, 1, 2, 3, 4, 5, 6, 7}, 0},
	} {
		if err := os.WriteFile(file, c.raw, 0o600); err != nil {
			t.Fatal(err)
		}
		w.open(func(cfg *Config) { cfg.File = file })
		err := w.pool.Load(t.Context())
		if wantErr := name != "good"; errors.Is(err, ErrFile) != wantErr {
			t.Errorf("%s: error %v", name, err)
		}
		if s := w.pool.Stats(); s.Count != c.kept || !s.Loaded {
			t.Errorf("%s: %d transactions, want %d", name, s.Count, c.kept)
		}
		w.check()
		if _, err := os.Stat(file + ".damaged"); (err == nil) != (name != "good") {
			t.Errorf("%s: put aside: %v", name, err)
		}
		os.Remove(file + ".damaged")
		w.pool.Close()
		os.Remove(file + journalSuffix)
	}
}

func TestLoadCanBeEnded(t *testing.T) {
	file := filepath.Join(t.TempDir(), "mempool.dat")
	w := newWorld(t, func(c *Config) { c.File = file })
	if err := os.WriteFile(file, plainFile(w.spend(10_000, 2, w.coin(0))), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.pool.Load(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if w.pool.Stats().Loaded {
		t.Error("counts as loaded")
	}
}

// A save that fails leaves the old file.
func TestSaveFails(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "missing")
	w := newWorld(t, func(c *Config) { c.File = filepath.Join(dir, "mempool.dat") })
	if err := w.pool.Save(); err == nil {
		t.Error("saved into a folder that is not there")
	}
}

func FuzzLoad(f *testing.F) {
	w := newWorld(f, nil)
	a := w.spend(10_000, 2, w.coin(0))
	f.Add(plainFile(a, w.child(a, 0, 10_000, 2)))
	masked := filepath.Join(f.TempDir(), "masked")
	w.add(a)
	if err := w.pool.SaveTo(masked); err != nil {
		f.Fatal(err)
	}
	raw, err := os.ReadFile(masked)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	defer func() { w.t = f }()
	f.Fuzz(func(t *testing.T, raw []byte) {
		w.t = t
		w.open(nil)
		l := loader{pool: w.pool, ctx: t.Context()}
		if err := l.saved(raw); err != nil && !errors.Is(err, ErrFile) {
			t.Fatal(err)
		}
		w.check()
	})
}
