package kv

import (
	"encoding/binary"
	"math/rand/v2"
	"path/filepath"
	"testing"

	"github.com/syndtr/goleveldb/leveldb"
	"github.com/syndtr/goleveldb/leveldb/opt"
)

const benchCoins = 2_000_000

func benchKey(key []byte, n uint64) []byte {
	key = key[:36]
	clear(key)
	for i := range 4 {
		binary.LittleEndian.PutUint64(key[8*i:], (n+1)*(0x9e3779b97f4a7c15+2*uint64(i)))
	}
	return key
}

// fillBench makes a store with 2,000,000 keys of 36 bytes and values of 60, as
// flushes of a coin cache would.
func fillBench(b *testing.B) string {
	dir := filepath.Join(b.TempDir(), "db")
	s, err := Open(dir, Options{})
	if err != nil {
		b.Fatal(err)
	}
	order := rand.New(rand.NewPCG(1, 1)).Perm(benchCoins)
	key, value := make([]byte, 36), make([]byte, 60)
	for len(order) > 0 {
		part := order[:min(200_000, len(order))]
		order = order[len(part):]
		err := s.Bulk(func(w Writer) error {
			for _, n := range part {
				binary.LittleEndian.PutUint64(value, uint64(n))
				w.Put(benchKey(key, uint64(n)), value)
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	// Nothing is left to do in the background.
	if err := s.Compact(Range{}); err != nil {
		b.Fatal(err)
	}
	if err := s.Close(); err != nil {
		b.Fatal(err)
	}
	return dir
}

// BenchmarkGet looks up random ones of 2,000,000 coins on disk, through the
// store, through goleveldb with the same settings and its own files, and
// through goleveldb as it comes.
func BenchmarkGet(b *testing.B) {
	dir := fillBench(b)
	run := func(b *testing.B, missing uint64, get func(key []byte) ([]byte, error)) {
		r := rand.New(rand.NewPCG(2, 2))
		key := make([]byte, 36)
		b.ReportAllocs()
		for b.Loop() {
			value, err := get(benchKey(key, missing+r.Uint64N(benchCoins)))
			if (err == nil) != (missing == 0) || err == nil && len(value) != 60 {
				b.Fatal(err)
			}
		}
	}
	both := func(b *testing.B, get func(key []byte) ([]byte, error)) {
		b.Run("hit", func(b *testing.B) { run(b, 0, get) })
		b.Run("miss", func(b *testing.B) { run(b, benchCoins, get) })
	}
	b.Run("store", func(b *testing.B) {
		s, err := Open(dir, Options{})
		if err != nil {
			b.Fatal(err)
		}
		defer s.Close()
		both(b, s.Get)
	})
	for name, o := range map[string]*opt.Options{"goleveldb tuned": settings(DefaultMemory), "goleveldb default": nil} {
		b.Run(name, func(b *testing.B) {
			db, err := leveldb.OpenFile(dir, o)
			if err != nil {
				b.Fatal(err)
			}
			defer db.Close()
			both(b, func(key []byte) ([]byte, error) { return db.Get(key, nil) })
		})
	}
}

// BenchmarkBulk writes coins as a flush of the cache does; per coin.
func BenchmarkBulk(b *testing.B) {
	s, err := Open(b.TempDir(), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	key, value := make([]byte, 36), make([]byte, 60)
	b.ReportAllocs()
	n := uint64(0)
	for b.Loop() {
		err := s.Bulk(func(w Writer) error {
			for range 100_000 {
				w.Put(benchKey(key, n), value)
				n++
			}
			return nil
		})
		if err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(n), "ns/coin")
}

// BenchmarkWrite writes a small durable batch.
func BenchmarkWrite(b *testing.B) {
	s, err := Open(b.TempDir(), Options{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	key := make([]byte, 36)
	b.ReportAllocs()
	n := uint64(0)
	for b.Loop() {
		var batch Batch
		for range 20 {
			batch.Put(benchKey(key, n), key)
			n++
		}
		if err := s.Write(&batch); err != nil {
			b.Fatal(err)
		}
	}
}
