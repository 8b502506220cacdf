package kv

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/keelson-chain/keelson/ledger/fsys"
)

// model is what the store should hold.
type model map[string]string

func (m model) check(t *testing.T, r Reader, rng Range) {
	t.Helper()
	var keys []string
	for k := range m {
		if k >= string(rng.Start) && (rng.Limit == nil || k < string(rng.Limit)) {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	it := r.Iterate(rng)
	defer it.Close()
	for _, k := range keys {
		if !it.Next() || string(it.Key()) != k || string(it.Value()) != m[k] {
			t.Fatalf("iterator: want %q, is at %q (%v)", k, it.Key(), it.Err())
		}
	}
	if it.Next() || it.Err() != nil {
		t.Fatalf("iterator: %q follows the last key (%v)", it.Key(), it.Err())
	}
	if len(keys) > 0 {
		if !it.Last() || string(it.Key()) != keys[len(keys)-1] {
			t.Fatalf("last key %q, want %q", it.Key(), keys[len(keys)-1])
		}
		k := keys[len(keys)/2]
		if !it.Seek([]byte(k)) || string(it.Key()) != k {
			t.Fatalf("seek %q: at %q", k, it.Key())
		}
	}
}

// change draws a change and applies it to w and to m.
func change(r *rand.Rand, w Writer, m model) {
	key := fmt.Sprintf("key %04d", r.IntN(2000))
	if r.IntN(3) == 0 {
		w.Delete([]byte(key))
		delete(m, key)
		return
	}
	value := make([]byte, r.IntN(200))
	for i := range value {
		value[i] = byte(r.Uint32())
	}
	w.Put([]byte(key), value)
	m[key] = string(value)
}

// small makes every mechanism of the database come into play with little data.
var small = Options{Memory: MinMemory}

// TestModel compares random operations, closing and opening, with a map.
func TestModel(t *testing.T) {
	for name, fs := range map[string]fsys.FS{"disk": fsys.Disk(t.TempDir()), "mem": fsys.Mem()} {
		t.Run(name, func(t *testing.T) {
			r := rand.New(rand.NewPCG(1, 1))
			m := model{}
			s, err := OpenOn(fs, small)
			if err != nil {
				t.Fatal(err)
			}
			type past struct {
				snap *Snapshot
				m    model
			}
			var pasts []past
			for range 600 {
				switch r.IntN(20) {
				default:
					var b Batch
					for range 1 + r.IntN(100) {
						change(r, &b, m)
					}
					if err := s.Write(&b); err != nil {
						t.Fatal(err)
					}
				case 0:
					err := s.Bulk(func(w Writer) error {
						for range r.IntN(3000) {
							change(r, w, m)
						}
						return nil
					})
					if err != nil {
						t.Fatal(err)
					}
				case 1:
					want := errors.New("changed my mind")
					err := s.Bulk(func(w Writer) error {
						change(r, w, maps.Clone(m))
						return want
					})
					if err != want {
						t.Fatal(err)
					}
				case 2:
					snap, err := s.Snapshot()
					if err != nil {
						t.Fatal(err)
					}
					pasts = append(pasts, past{snap, maps.Clone(m)})
				case 3:
					for _, p := range pasts {
						p.m.check(t, p.snap, Range{})
						p.snap.Close()
					}
					pasts = nil
					if err := s.Close(); err != nil {
						t.Fatal(err)
					}
					if s, err = OpenOn(fs, small); err != nil {
						t.Fatal(err)
					}
				case 4:
					m.check(t, s, Range{[]byte("key 05"), []byte("key 15")})
					m.check(t, s, Prefix([]byte("key 1")))
				case 5:
					if err := s.Compact(Range{}); err != nil {
						t.Fatal(err)
					}
				case 6:
					for range 100 {
						key := fmt.Sprintf("key %04d", r.IntN(2000))
						value, err := s.Get([]byte(key))
						want, ok := m[key]
						if ok != (err == nil) || string(value) != want || !ok && err != ErrNotFound {
							t.Fatalf("%q: %q, %v; want %q", key, value, err, want)
						}
					}
				}
			}
			m.check(t, s, Range{})
			for _, p := range pasts {
				p.m.check(t, p.snap, Range{})
				p.snap.Close()
			}
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			if err := s.Close(); err != nil {
				t.Fatal("second Close:", err)
			}
		})
	}
}

// A batch larger than the write buffer is atomic too.
func TestLargeBatch(t *testing.T) {
	s := NewMem()
	defer s.Close()
	var b Batch
	for i := range 2000 {
		b.Put(fmt.Appendf(nil, "%05d", i), bytes.Repeat([]byte{byte(i)}, 1000))
	}
	if b.Len() != 2000 || b.Size() < 2_000_000 {
		t.Fatal(b.Len(), b.Size())
	}
	if err := s.Write(&b); err != nil {
		t.Fatal(err)
	}
	for i := range 2000 {
		if v, err := s.Get(fmt.Appendf(nil, "%05d", i)); err != nil || len(v) != 1000 || v[0] != byte(i) {
			t.Fatal(i, len(v), err)
		}
	}
	if n, err := s.DiskSize(Range{}); err != nil || n < 1_900_000 || n > 2_500_000 {
		t.Fatal(n, err)
	}
	if n, err := s.DiskSize(Range{[]byte("00500"), []byte("01000")}); err != nil || n < 400_000 || n > 600_000 {
		t.Fatal(n, err)
	}
	b.Reset()
	if b.Len() != 0 {
		t.Fatal("not reset")
	}
}

func TestPrefix(t *testing.T) {
	for _, c := range []struct{ prefix, limit string }{
		{"a", "b"}, {"a\xff", "b"}, {"\xff", ""}, {"", ""}, {"\x00\xff\xff", "\x01"},
	} {
		if r := Prefix([]byte(c.prefix)); string(r.Start) != c.prefix || string(r.Limit) != c.limit ||
			(r.Limit == nil) != (c.limit == "") {
			t.Errorf("%q: %q", c.prefix, r)
		}
	}
}

func TestLocked(t *testing.T) {
	dir := t.TempDir()
	s, err := Open(dir, small)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(dir, small); !errors.Is(err, fsys.ErrLocked) {
		t.Fatal(err)
	} else {
		t.Log(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if s, err = Open(dir, small); err != nil {
		t.Fatal(err)
	}
	s.Close()
}

// Readers, snapshots and two writers work side by side: each batch raises two
// counters, which are always equal.
func TestConcurrent(t *testing.T) {
	s, err := Open(t.TempDir(), small)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	put := func(w Writer, who string, n int) {
		value := fmt.Appendf(nil, "%d", n)
		w.Put([]byte("a "+who), value)
		w.Put([]byte("b "+who), bytes.Repeat(value, 100))
	}
	var b Batch
	put(&b, "batch", 0)
	put(&b, "bulk", 0)
	if err := s.Write(&b); err != nil {
		t.Fatal(err)
	}
	const writes = 300
	var writers, readers sync.WaitGroup
	writers.Go(func() {
		for n := range writes {
			var b Batch
			put(&b, "batch", n)
			if err := s.Write(&b); err != nil {
				t.Error(err)
			}
		}
	})
	writers.Go(func() {
		for n := range writes / 10 {
			if err := s.Bulk(func(w Writer) error { put(w, "bulk", n); return nil }); err != nil {
				t.Error(err)
			}
		}
	})
	done := make(chan struct{})
	for range 2 {
		readers.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				snap, err := s.Snapshot()
				if err != nil {
					t.Error(err)
					return
				}
				m := model{}
				it := snap.Iterate(Range{})
				for it.Next() {
					m[string(it.Key())] = string(it.Value())
				}
				if err := it.Err(); err != nil {
					t.Error(err)
				}
				it.Close()
				for _, who := range []string{"batch", "bulk"} {
					b, err := snap.Get([]byte("b " + who))
					if err != nil || strings.Repeat(m["a "+who], 100) != string(b) {
						t.Errorf("%s: %q beside %.10q, %v", who, m["a "+who], b, err)
					}
				}
				snap.Close()
			}
		})
	}
	writers.Wait()
	close(done)
	readers.Wait()
}
