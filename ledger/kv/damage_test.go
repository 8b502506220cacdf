package kv

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/keelson-chain/keelson/ledger/fsys"
)

// damages are the ways in which TestDamage breaks a file, at the place that r
// draws.
var damages = map[string]func(r *rand.Rand, data []byte) []byte{
	"flip":     func(r *rand.Rand, data []byte) []byte { data[r.IntN(len(data))] ^= 1 << r.IntN(8); return data },
	"truncate": func(r *rand.Rand, data []byte) []byte { return data[:r.IntN(len(data))] },
	"zero": func(r *rand.Rand, data []byte) []byte {
		at := r.IntN(len(data))
		clear(data[at:min(at+512, len(data))])
		return data
	},
	"garbage": func(r *rand.Rand, data []byte) []byte {
		at := r.IntN(len(data))
		for i := at; i < min(at+64, len(data)); i++ {
			data[i] = byte(r.Uint32())
		}
		return data
	},
	"grow": func(r *rand.Rand, data []byte) []byte {
		return append(data, make([]byte, 1+r.IntN(100))...)
	},
	"end": func(r *rand.Rand, data []byte) []byte { // where tables have their footer
		data[len(data)-1-r.IntN(min(48, len(data)))] ^= byte(1 + r.IntN(255))
		return data
	},
	"remove": func(*rand.Rand, []byte) []byte { return nil },
}

// TestDamage breaks one file of a database, in many ways. The store either says
// that it is corrupt, or holds what it should. One exception cannot be told from
// a power failure: where the end of the journal or of the manifest is gone, the
// store may be as it was an earlier number of writes ago; but never anything
// else.
func TestDamage(t *testing.T) {
	counts := map[string]int{}
	scenarios, draws := uint64(3), uint64(4)
	switch {
	case testing.Short():
		scenarios = 1
	case everyWay:
		draws = 12
	}
	for seed := range scenarios {
		testDamage(t, 11+seed, draws, counts)
	}
	t.Log(counts)
	for _, kind := range []string{"CURRENT", "MANIFEST", "ldb", "log"} {
		if counts[kind+" corrupt"] < int(draws) && !testing.Short() {
			t.Errorf("%s was found corrupt %d times", kind, counts[kind+" corrupt"])
		}
	}
}

func testDamage(t *testing.T, scenarioSeed, draws uint64, counts map[string]int) {
	fs := fsys.NewCrash()
	var commits []model
	if err := scenario(fs, scenarioSeed, 40, func(m model) { commits = append(commits, m) }); err != nil {
		t.Fatal(err)
	}
	names, err := fs.List(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if name == lockName {
			continue
		}
		kind := strings.Trim(name[strings.LastIndexAny(name, ".")+1:], "-0123456789")
		for how, damage := range damages {
			for seed := range draws {
				image := fs.Reboot(1)
				breakFile(t, image, name, func(data []byte) []byte {
					return damage(rand.New(rand.NewPCG(seed, 3)), data)
				})
				what := fmt.Sprintf("scenario %d: %s %s %d", scenarioSeed, how, name, seed)
				got, err := readAll(image)
				age := slices.IndexFunc(commits, func(m model) bool { return maps.Equal(m, got) })
				switch {
				case errors.Is(err, ErrCorrupt):
					counts[kind+" corrupt"]++
					if strings.ContainsRune(err.Error(), '\n') {
						t.Errorf("%s: more than a line: %v", what, err)
					}
					if seed == 0 {
						t.Logf("%s: %v", what, err)
					}
				case err != nil:
					t.Errorf("%s: %v", what, err)
				case maps.Equal(got, commits[len(commits)-1]):
					counts[kind+" intact"]++
				case age >= 0 && (kind == "log" || kind == "MANIFEST"):
					counts[kind+" older"]++
				default:
					t.Errorf("%s: %d keys that never were together", what, len(got))
				}
				if how == "remove" {
					break
				}
			}
		}
	}
}

func breakFile(t *testing.T, fs fsys.FS, name string, damage func([]byte) []byte) {
	f, err := fs.OpenRW(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	size, _ := f.Size()
	if size == 0 {
		return
	}
	data := make([]byte, size)
	if _, err := f.ReadAt(data, 0); err != nil {
		t.Fatal(err)
	}
	if data = damage(data); data == nil {
		if err := fs.Remove(name); err != nil {
			t.Fatal(err)
		}
		return
	}
	if err := f.Truncate(int64(len(data))); err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteAt(data, 0); err != nil {
		t.Fatal(err)
	}
}

// readAll opens a store, walks over it, reads and writes.
func readAll(fs fsys.FS) (m model, err error) {
	s, err := OpenOn(fs, small)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	m = model{}
	it := s.Iterate(Range{})
	defer it.Close()
	for it.Next() {
		m[string(it.Key())] = string(it.Value())
	}
	if err := it.Err(); err != nil {
		return nil, err
	}
	for i := range 2000 {
		key := fmt.Sprintf("key %04d", i)
		value, err := s.Get([]byte(key))
		if err != nil && err != ErrNotFound {
			return nil, err
		}
		if want, ok := m[key]; ok != (err == nil) || string(value) != want {
			return nil, fmt.Errorf("get %q is not what the iterator saw", key)
		}
	}
	if err := s.Compact(Range{}); err != nil {
		return nil, err
	}
	return m, s.Bulk(func(w Writer) error { w.Put([]byte("x"), nil); return nil })
}
