package pow_test

import (
	"context"
	"sync/atomic"
	"testing"

	"github.com/keelson-chain/keelson/pow"
	"github.com/keelson-chain/keelson/wire"
)

// mainnetGenesis is the header of Bitcoin's first block.
func mainnetGenesis() wire.Header {
	return wire.Header{
		Version:    1,
		MerkleRoot: wire.MustHash("4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b"),
		Time:       1231006505,
		Bits:       0x1d00ffff,
		Nonce:      2083236893,
	}
}

func target(t testing.TB, b pow.Bits) pow.Target {
	t.Helper()
	target, err := b.Target()
	if err != nil {
		t.Fatal(err)
	}
	return target
}

func TestSearcherFindsGenesisNonce(t *testing.T) {
	h := mainnetGenesis()
	const want = 2083236893
	h.Nonce = 7 // must not matter
	s := pow.NewSearcher(h, target(t, 0x1d00ffff))
	if n, ok := s.Try(want-5000, 10000); !ok || n != want {
		t.Fatalf("Try = %d, %v, want %d", n, ok, want)
	}
	for _, c := range []struct{ from, count uint32 }{{want - 5000, 5000}, {want + 1, 5000}, {want, 0}} {
		if n, ok := s.Try(c.from, c.count); ok {
			t.Errorf("Try(%d, %d) found %d", c.from, c.count, n)
		}
	}
	if n, ok := s.Try(want, 1); !ok || n != want {
		t.Errorf("Try(%d, 1) = %d, %v", want, n, ok)
	}
}

// TestSearcherStopsAtLastNonce checks that a range past the last nonce does
// not wrap around to nonces that the caller did not ask for.
func TestSearcherStopsAtLastNonce(t *testing.T) {
	easy := target(t, 0x207fffff)
	h := mainnetGenesis()
	const last = 1<<32 - 1
	for h.Time = 0; ; h.Time++ { // find a header that the last nonce fails and nonce 0 meets
		h.Nonce = last
		lastMeets := easy.Met(h.Hash())
		h.Nonce = 0
		if !lastMeets && easy.Met(h.Hash()) {
			break
		}
	}
	if n, ok := pow.NewSearcher(h, easy).Try(last, last); ok {
		t.Errorf("Try(last, many) = %d", n)
	}
}

// TestSearchFindsLowest compares Search with hashing one nonce after another.
func TestSearchFindsLowest(t *testing.T) {
	for _, b := range []pow.Bits{0x207fffff, 0x200fffff, 0x2000ffff, 0x1f3fffff, 0x1f03ffff} {
		tgt := target(t, b)
		for seed := range uint32(8) {
			h := mainnetGenesis()
			h.Time += seed
			want := h
			for want.Nonce = 0; !tgt.Met(want.Hash()); {
				want.Nonce++
			}
			for _, workers := range []int{-1, 0, 1, 2, 5} {
				var tried atomic.Uint64
				n, ok := pow.Search(t.Context(), h, tgt, workers, &tried)
				if !ok || n != want.Nonce {
					t.Fatalf("bits %v, seed %d, %d workers: %d, %v, want %d", b, seed, workers, n, ok, want.Nonce)
				}
				if tried.Load() <= uint64(n) {
					t.Errorf("found nonce %d after %d hashes", n, tried.Load())
				}
			}
			if n, ok := pow.Search(t.Context(), h, tgt, 2, nil); !ok || n != want.Nonce {
				t.Errorf("without counter: %d, %v, want %d", n, ok, want.Nonce)
			}
		}
	}
}

// endsAfter is a context that ends when it has been looked at a few times.
type endsAfter struct {
	context.Context
	looks atomic.Int32
}

func (c *endsAfter) Err() error {
	if c.looks.Add(-1) < 0 {
		return context.Canceled
	}
	return nil
}

// TestSearchStopsWithContext checks how far a search without a solution gets
// when its context ends: each look allows for one chunk of 4,096 nonces.
func TestSearchStopsWithContext(t *testing.T) {
	impossible := target(t, 0x03000001) // a hash of 0 or 1
	for _, workers := range []int{1, 3} {
		for _, looks := range []int32{0, 1, 10} {
			ctx := &endsAfter{Context: t.Context()}
			ctx.looks.Store(looks)
			var tried atomic.Uint64
			if n, ok := pow.Search(ctx, mainnetGenesis(), impossible, workers, &tried); ok {
				t.Errorf("found the impossible nonce %d", n)
			}
			if want := uint64(looks) * 4096; tried.Load() != want {
				t.Errorf("%d workers, %d looks: %d hashes, want %d", workers, looks, tried.Load(), want)
			}
		}
	}
}

func BenchmarkSearcher(b *testing.B) {
	const batch = 1 << 10
	hashes := func(b *testing.B) {
		b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/batch, "ns/hash")
	}
	b.Run("naive", func(b *testing.B) {
		hard := target(b, 0x03000001)
		h := mainnetGenesis()
		h.Nonce = 0
		for b.Loop() {
			for range batch {
				if hard.Met(h.Hash()) {
					b.Fatal("impossible")
				}
				h.Nonce++
			}
		}
		hashes(b)
	})
	b.Run("midstate", func(b *testing.B) {
		b.ReportAllocs()
		s := pow.NewSearcher(mainnetGenesis(), target(b, 0x03000001))
		from := uint32(0)
		for b.Loop() {
			if _, ok := s.Try(from, batch); ok {
				b.Fatal("impossible")
			}
			from += batch
		}
		hashes(b)
	})
}
