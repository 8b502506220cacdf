package kv

import (
	"errors"
	"maps"
	"math/rand/v2"
	"os"
	"slices"
	"syscall"
	"testing"

	"github.com/keelson-chain/keelson/ledger/fsys"
)

// contents returns everything in a store.
func contents(t *testing.T, r Reader) model {
	t.Helper()
	m := model{}
	it := r.Iterate(Range{})
	defer it.Close()
	for it.Next() {
		m[string(it.Key())] = string(it.Value())
	}
	if err := it.Err(); err != nil {
		t.Fatal(err)
	}
	return m
}

// scenario writes to a store with batches, bulk writes, merging and reopening,
// and calls done with the content after each write that succeeded.
func scenario(fs fsys.FS, seed uint64, steps int, done func(m model)) (err error) {
	r := rand.New(rand.NewPCG(seed, 7))
	m := model{}
	var s *Store
	defer func() {
		if s != nil {
			if cerr := s.Close(); err == nil {
				err = cerr
			}
		}
	}()
	for range steps {
		if s == nil {
			if s, err = OpenOn(fs, small); err != nil {
				return err
			}
		}
		next := maps.Clone(m)
		switch r.IntN(12) {
		default:
			var b Batch
			for range 1 + r.IntN(60) {
				change(r, &b, next)
			}
			err = s.Write(&b)
		case 0, 1:
			err = s.Bulk(func(w Writer) error {
				for range 1500 {
					change(r, w, next)
				}
				return nil
			})
		case 2:
			if !raceDetector {
				err = s.Compact(Range{})
			}
		case 3:
			err = s.Close()
			s = nil
		}
		if err != nil {
			return err
		}
		m = next
		done(m)
	}
	return nil
}

// everyWay reports whether tests are to break the store in every way that they know,
// which `make crash` wants, and not in one of them at each place.
var everyWay = os.Getenv("KEELSON_CRASHES") == "all"

// crashSeeds returns the ways in which the power fails behind change n: all that
// was not synced is lost, none of it, or one of two parts.
func crashSeeds(n int) []uint64 {
	ways := []uint64{0, 1, uint64(n) + 2, uint64(n) + 1<<32}
	if everyWay {
		return ways
	}
	return ways[n%4 : n%4+1]
}

// TestCrash runs a scenario on the real database and looks at what a power
// failure behind every single change of the files leaves: everything whose
// write had returned, and nothing of a write but all of it.
func TestCrash(t *testing.T) {
	fs := fsys.NewCrash()
	type commit struct {
		ops int // done when the write returned
		m   model
	}
	commits := []commit{{0, model{}}}
	if err := scenario(fs, 3, 60, func(m model) { commits = append(commits, commit{fs.Ops(), m}) }); err != nil {
		t.Fatal(err)
	}
	images, torn := 0, 0
	step := 1
	if testing.Short() || raceDetector {
		step = 7
	}
	for n := 0; n <= fs.Ops(); n += step {
		at, _ := slices.BinarySearchFunc(commits, n+1, func(c commit, n int) int { return c.ops - n })
		promised := commits[at-1].m
		for _, seed := range crashSeeds(n) {
			image := fs.Image(n, seed)
			s, err := OpenOn(image, small)
			if err != nil {
				t.Fatalf("after %d changes, seed %d: %v", n, seed, err)
			}
			got := contents(t, s)
			if !maps.Equal(got, promised) {
				if at == len(commits) || !maps.Equal(got, commits[at].m) {
					t.Fatalf("after %d changes, seed %d: %d keys, neither commit %d nor the next", n, seed, len(got), at-1)
				}
				torn++
			}
			// And it goes on from there.
			var b Batch
			b.Put([]byte("after"), []byte("the crash"))
			if err := s.Write(&b); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			images++
		}
	}
	t.Logf("%d changes, %d commits, %d images, %d of them with the write that was under way", fs.Ops(), len(commits)-1, images, torn)
	if images < fs.Ops()/step || torn == 0 {
		t.Error("the scenario is too small to show anything")
	}
}

// TestFaults makes every single change of the files fail, in one of three ways or, if
// everyWay, in each: the store says so, takes nothing more, closes, and after it is
// opened again holds what it promised.
func TestFaults(t *testing.T) {
	eio := syscall.EIO
	first, step := 0, 1
	switch {
	case testing.Short() || raceDetector:
		step = 7
	case !everyWay:
		step = 3
	}
	const seed, steps = 5, 25
	var all []model
	if err := scenario(fsys.Mem(), seed, steps, func(m model) { all = append(all, m) }); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name string
		want error
		set  func(f *fsys.Faults, n int)
	}{
		{"input/output error", eio, func(f *fsys.Faults, n int) { f.FailAfter(n, eio) }},
		{"full disk", fsys.ErrFull, func(f *fsys.Faults, n int) { f.Limit(int64(n) * 997) }},
		{"read-only", fsys.ErrReadOnly, func(f *fsys.Faults, n int) { f.FailAfter(n, fsys.ErrReadOnly) }},
	} {
		t.Run(c.name, func(t *testing.T) {
			from := first
			if step > 1 {
				first++ // the next way fails at other places
			}
			for n := from; ; n += step {
				fs := fsys.Mem()
				faults := fsys.NewFaults(fs)
				c.set(faults, n)
				commits := []model{{}}
				err := scenario(faults, seed, steps, func(m model) { commits = append(commits, m) })
				if err == nil {
					if n < 50 {
						t.Fatalf("only %d changes", n)
					}
					t.Logf("%d places", n)
					return
				}
				if !errors.Is(err, c.want) {
					t.Fatalf("fault %d: %v", n, err)
				}
				s, err := OpenOn(fs, small)
				if err != nil {
					t.Fatalf("fault %d: open again: %v", n, err)
				}
				got := contents(t, s)
				s.Close()
				// What was under way is not known here: any of it or nothing.
				last := commits[len(commits)-1]
				isNext := len(commits) <= len(all) && maps.Equal(got, all[len(commits)-1])
				if !maps.Equal(got, last) && !isNext {
					t.Fatalf("fault %d: neither the last commit nor the next", n)
				}
			}
		})
	}
}

// A store that failed answers every call with what failed.
func TestFailed(t *testing.T) {
	faults := fsys.NewFaults(fsys.Mem())
	s, err := OpenOn(faults, small)
	if err != nil {
		t.Fatal(err)
	}
	put := func() error {
		var b Batch
		b.Put([]byte("k"), []byte("v"))
		return s.Write(&b)
	}
	snap, err := s.Snapshot()
	if err != nil {
		t.Fatal(err)
	}
	faults.Limit(0)
	defer func() {
		if err := s.Close(); !errors.Is(err, ErrFailed) {
			t.Error("close:", err)
		}
	}()
	if err := put(); !errors.Is(err, fsys.ErrFull) {
		t.Fatal(err)
	} else {
		t.Log(err)
	}
	faults.Limit(-1)
	calls := map[string]func() error{
		"write":        put,
		"get":          func() error { _, err := s.Get([]byte("k")); return err },
		"bulk":         func() error { return s.Bulk(func(w Writer) error { return nil }) },
		"snapshot":     func() error { _, err := s.Snapshot(); return err },
		"snapshot get": func() error { _, err := snap.Get([]byte("k")); return err },
		"compact":      func() error { return s.Compact(Range{}) },
		"iterate":      func() error { it := s.Iterate(Range{}); defer it.Close(); it.Next(); return it.Err() },
	}
	for name, call := range calls {
		if err := call(); !errors.Is(err, ErrFailed) || !errors.Is(err, fsys.ErrFull) {
			t.Errorf("%s: %v", name, err)
		}
	}
	snap.Close()
}

func TestReadOnlyFolder(t *testing.T) {
	faults := fsys.NewFaults(fsys.Mem())
	faults.ReadOnly(true)
	_, err := OpenOn(faults, small)
	if !errors.Is(err, fsys.ErrReadOnly) {
		t.Fatal(err)
	}
	t.Log(err)
}
