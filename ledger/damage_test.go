package ledger

import (
	"context"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/ledger/flat"
	"github.com/keelson-chain/keelson/ledger/fsys"
	"github.com/keelson-chain/keelson/ledger/kv"
	"github.com/keelson-chain/keelson/wire"
)

// onDisk makes a folder with a chain in it.
func onDisk(t *testing.T, s *spender, mods ...func(*Config)) Config {
	t.Helper()
	cfg := diskConfig(t)
	cfg.Now = testConfig(newClock()).Now
	for _, mod := range mods {
		mod(&cfg)
	}
	l := openDisk(t, cfg)
	add(t, l, s.Blocks()...)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// flip changes a byte of a file, from the end if at is negative.
func flip(t *testing.T, name string, at int) {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if at < 0 {
		at += len(b)
	}
	b[at] ^= 0x10
	if err := os.WriteFile(name, b, 0o644); err != nil {
		t.Fatal(err)
	}
}

// oneLine demands that err says in one line what is wrong.
func oneLine(t *testing.T, err, kind error, words ...string) {
	t.Helper()
	wantError(t, err, kind)
	text := err.Error()
	if strings.Contains(text, "\n") || len(text) > 400 {
		t.Fatalf("not one line: %q", text)
	}
	for _, w := range words {
		if !strings.Contains(text, w) {
			t.Fatalf("%q does not say %q", text, w)
		}
	}
	t.Log(text)
}

func TestDamagedFolders(t *testing.T) {
	s := newSpender(41)
	s.MineN(103)
	s.busyN(5)
	open := func(cfg Config) error {
		l, err := Open(context.Background(), cfg)
		if err == nil {
			err = l.Close()
			if err == nil {
				return errors.New("it opens")
			}
		}
		return err
	}
	t.Run("another network", func(t *testing.T) {
		cfg := onDisk(t, s)
		cfg.Params = consensus.Test()
		oneLine(t, open(cfg), ErrOtherNetwork, cfg.Dir, "regtest", "test")
		cfg.Reindex = true
		oneLine(t, open(cfg), ErrOtherNetwork)
		cfg.Params, cfg.Reindex = regtest, false
		l := openDisk(t, cfg) // nothing was lost
		defer l.Close()
		checkAt(t, l, s.Chain)
	})
	t.Run("another chain-spec", func(t *testing.T) {
		cfg := onDisk(t, s)
		other := *regtest
		other.SpecHash[0] = 1
		cfg.Params = &other
		oneLine(t, open(cfg), ErrOtherNetwork, "chain-spec")
	})
	t.Run("a newer schema", func(t *testing.T) {
		cfg := onDisk(t, s)
		db, err := kv.Open(filepath.Join(cfg.Dir, dbDir), kv.Options{})
		if err != nil {
			t.Fatal(err)
		}
		var b kv.Batch
		b.Put([]byte{keyIdentity}, binary.LittleEndian.AppendUint32(nil, schemaVersion+1))
		if err := db.Write(&b); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		oneLine(t, open(cfg), ErrNewerSchema, "newer", cfg.Dir)
	})
	t.Run("a second process", func(t *testing.T) {
		cfg := onDisk(t, s)
		l := openDisk(t, cfg)
		defer l.Close()
		oneLine(t, open(cfg), fsys.ErrLocked, cfg.Dir)
	})
	t.Run("a block file cut short", func(t *testing.T) {
		cfg := onDisk(t, s)
		name := filepath.Join(cfg.Dir, "blocks", "blk00000.dat")
		whole, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Truncate(name, int64(len(whole)-10)); err != nil {
			t.Fatal(err)
		}
		oneLine(t, open(cfg), flat.ErrCorrupt, "blk00000.dat", "--reindex")
		cfg.Reindex = true // keeps all but the last block
		l := openDisk(t, cfg)
		if got, want := l.Tip().Tip.Height, s.State().Tip.Height-1; got != want {
			t.Fatalf("reindexed to %d, not %d", got, want)
		}
		add(t, l, s.Tip())
		checkAt(t, l, s.Chain)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("a missing block file", func(t *testing.T) {
		cfg := onDisk(t, s, func(c *Config) { c.FastPrune = true; c.Prune = PruneManual })
		_ = cfg
		if err := os.Remove(filepath.Join(cfg.Dir, "blocks", "blk00000.dat")); err != nil {
			t.Fatal(err)
		}
		err := open(cfg)
		oneLine(t, err, err, "blk00000.dat", "--reindex")
	})
	t.Run("a damaged body", func(t *testing.T) {
		cfg := onDisk(t, s)
		flip(t, filepath.Join(cfg.Dir, "blocks", "blk00000.dat"), -3)
		l := openDisk(t, cfg)
		defer l.Close()
		_, err := l.Block(s.Tip().Hash())
		oneLine(t, err, ErrCorrupt, s.Tip().Hash().String(), "blk00000.dat", "--reindex")
		oneLine(t, l.VerifyChain(t.Context(), 0, 1, nil), ErrCorrupt, s.Tip().Hash().String())
		// A reorganisation that needs it stops the ledger instead of going on.
		err = l.Invalidate(t.Context(), s.Tip().Hash())
		oneLine(t, err, ErrFault, "blk00000.dat")
	})
	t.Run("a damaged undo record", func(t *testing.T) {
		cfg := onDisk(t, s)
		flip(t, filepath.Join(cfg.Dir, "blocks", "rev00000.dat"), -3)
		l := openDisk(t, cfg)
		defer l.Close()
		_, err := l.Spent(s.Tip().Hash())
		oneLine(t, err, ErrCorrupt, s.Tip().Hash().String(), "rev00000.dat")
		if err := l.VerifyChain(t.Context(), 1, 0, nil); err != nil {
			t.Fatal(err)
		}
		oneLine(t, l.VerifyChain(t.Context(), 2, 0, nil), ErrCorrupt, s.Tip().Hash().String())
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		cfg.ReindexChainState = true
		l = openDisk(t, cfg)
		defer l.Close()
		checkAt(t, l, s.Chain)
		if err := l.VerifyChain(t.Context(), 4, 0, nil); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("a corrupt database", func(t *testing.T) {
		cfg := onDisk(t, s)
		db := filepath.Join(cfg.Dir, dbDir)
		names, err := os.ReadDir(db)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range names {
			if strings.HasSuffix(name.Name(), ".log") || strings.HasSuffix(name.Name(), ".ldb") {
				info, err := name.Info()
				if err != nil {
					t.Fatal(err)
				}
				if info.Size() > 100 {
					flip(t, filepath.Join(db, name.Name()), int(info.Size()/2))
				}
			}
		}
		oneLine(t, open(cfg), kv.ErrCorrupt, "--reindex")
		cfg.Reindex = true
		l := openDisk(t, cfg)
		defer l.Close()
		checkAt(t, l, s.Chain)
	})
	t.Run("the database is gone", func(t *testing.T) {
		cfg := onDisk(t, s)
		if err := os.RemoveAll(filepath.Join(cfg.Dir, dbDir)); err != nil {
			t.Fatal(err)
		}
		l := openDisk(t, cfg) // the blocks are read again, not thrown away
		defer l.Close()
		checkAt(t, l, s.Chain)
	})
	t.Run("a file in place of the folder", func(t *testing.T) {
		cfg := diskConfig(t)
		if err := os.WriteFile(cfg.Dir, nil, 0o644); err != nil {
			t.Fatal(err)
		}
		err := open(cfg)
		oneLine(t, err, err, cfg.Dir)
	})
	t.Run("no folder, no network", func(t *testing.T) {
		err := open(Config{Params: regtest})
		oneLine(t, err, err, "folder")
		err = open(Config{Dir: t.TempDir()})
		oneLine(t, err, err, "network")
	})
	t.Run("read-only", func(t *testing.T) {
		files := fsys.NewFaults(fsys.Mem())
		l := openTest(t, files, testConfig(newClock()))
		add(t, l, s.Blocks()...)
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
		files.ReadOnly(true)
		_, err := openOn(t.Context(), testConfig(newClock()), files)
		oneLine(t, err, fsys.ErrReadOnly)
		if os.Getuid() == 0 {
			return // root may write anywhere
		}
		cfg := onDisk(t, s)
		if err := os.Chmod(cfg.Dir, 0o555); err != nil {
			t.Fatal(err)
		}
		defer os.Chmod(cfg.Dir, 0o755)
		oneLine(t, open(cfg), fs.ErrPermission, cfg.Dir)
	})
	t.Run("full disk at the start", func(t *testing.T) {
		for space := int64(0); space < 2000; space += 50 {
			files := fsys.NewFaults(fsys.Mem())
			files.Limit(space)
			l, err := openOn(t.Context(), testConfig(newClock()), files)
			if err == nil {
				l.Close()
				continue
			}
			wantError(t, err, fsys.ErrFull)
			files.Limit(-1)
			l = openTest(t, files, testConfig(newClock()))
			checkAt(t, l, chaingen.New(regtest))
			l.Close()
		}
	})
}

// verifychain finds a coin that was changed, one that is missing and one that
// should not be there.
func TestVerifyChainFindsTampering(t *testing.T) {
	s := newSpender(42)
	s.MineN(103)
	s.busyN(6)
	tamper := func(name string, change func(db *kv.Store, s *spender)) {
		t.Run(name, func(t *testing.T) {
			l := openTest(t, fsys.Mem(), testConfig(newClock()))
			add(t, l, s.Blocks()...)
			for level := range 5 {
				var done []float64
				if err := l.VerifyChain(t.Context(), level, 0, func(d float64) { done = append(done, d) }); err != nil {
					t.Fatal(err)
				}
				if len(done) == 0 || done[len(done)-1] != 1 {
					t.Fatalf("progress %v", done)
				}
			}
			change(l.db, s)
			if err := l.VerifyChain(t.Context(), 2, 0, nil); err != nil {
				t.Fatalf("level 2 does not look at coins, but: %v", err)
			}
			oneLine(t, l.VerifyChain(t.Context(), 3, 6, nil), ErrCorrupt)
			l.Close()
		})
	}
	put := func(db *kv.Store, op wire.OutPoint, c *consensus.Coin) {
		var b kv.Batch
		if c == nil {
			b.Delete(coinKey(nil, &op))
		} else {
			b.Put(coinKey(nil, &op), appendCoin(nil, c))
		}
		if err := db.Write(&b); err != nil {
			t.Fatal(err)
		}
	}
	last := wire.OutPoint{TxID: s.Tip().Txs[0].TxID()}
	tamper("changed", func(db *kv.Store, s *spender) {
		c := s.Coins()[last]
		c.Out.Value++
		put(db, last, &c)
	})
	tamper("missing", func(db *kv.Store, s *spender) { put(db, last, nil) })
	tamper("too many", func(db *kv.Store, s *spender) {
		put(db, s.Tip().Txs[1].Inputs[0].PrevOut, &s.Spent()[0])
	})
}
