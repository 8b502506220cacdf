package coincache

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"maps"
	"math/rand/v2"
	"testing"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/wire"
)

func outPoint(n uint64) *wire.OutPoint {
	op := &wire.OutPoint{Index: uint32(n % 3)}
	binary.LittleEndian.PutUint64(op.TxID[5:], n/3*0x9e3779b97f4a7c15)
	return op
}

// dumb is the specification: a database and, above it, the changes.
type dumb struct {
	db    map[wire.OutPoint]consensus.Coin
	cache map[wire.OutPoint]*consensus.Coin // nil: spent
}

func (d *dumb) get(op wire.OutPoint) (consensus.Coin, bool) {
	if c, ok := d.cache[op]; ok {
		if c == nil {
			return consensus.Coin{}, false
		}
		return *c, true
	}
	c, ok := d.db[op]
	return c, ok
}

func equalCoin(a, b consensus.Coin) bool {
	return a.Out.Value == b.Out.Value && bytes.Equal(a.Out.PkScript, b.Out.PkScript) &&
		a.Height == b.Height && a.MTP == b.MTP && a.Coinbase == b.Coinbase
}

func randomCoin(r *rand.Rand) consensus.Coin {
	size := []int{0, 22, 25, 34, 35, 36, 67, 71, 105, 500, 10000}[r.IntN(11)]
	script := make([]byte, size)
	for i := range script {
		script[i] = byte(r.Uint32())
	}
	return consensus.Coin{
		Out:    wire.TxOut{Value: wire.Amount(r.Int64() - 1<<62), PkScript: script},
		Height: r.Uint32N(1000), MTP: r.Uint32(), Coinbase: r.IntN(2) == 0,
	}
}

// checkBytes recounts what the cache says of itself.
func checkBytes(t *testing.T, c *Cache) {
	t.Helper()
	var sum int64
	var coins, n int
	for i := range c.segs {
		s := &c.segs[i]
		sum += int64(cap(s.tags)) + int64(cap(s.slots))*(slotBytes-1) + int64(cap(s.arena))
		used, long := 0, 0
		for j := range s.slots {
			e := &s.slots[j]
			if (e.flags == 0) != (s.tags[j] == 0) {
				t.Fatal("tag and slot disagree")
			}
			if e.flags == 0 {
				continue
			}
			used++
			if e.flags&flagSpent == 0 {
				coins++
			}
			if e.size == longScript {
				_, n := e.longScript()
				long += n
			}
			if s.find(c.hash(&e.key), &e.key) != j {
				t.Fatal("an entry is not found where it lies")
			}
		}
		if used != s.n || long != len(s.arena)-s.garbage {
			t.Fatalf("segment %d: %d entries, counted %d; %d bytes of scripts, counted %d",
				i, s.n, used, len(s.arena)-s.garbage, long)
		}
		n += used
	}
	gotCoins, gotN := c.Len()
	if sum != c.Bytes() || coins != gotCoins || n != gotN {
		t.Fatalf("cache says %d bytes, %d coins, %d entries; counted %d, %d, %d",
			c.Bytes(), gotCoins, gotN, sum, coins, n)
	}
}

// TestModel runs random operations on a cache over a map that plays the
// database, and on the dumb specification.
func TestModel(t *testing.T) {
	for seed := range uint64(40) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) { testModel(t, seed) })
	}
}

func testModel(t *testing.T, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 1))
	c := New(1 << 20)
	d := dumb{db: map[wire.OutPoint]consensus.Coin{}, cache: map[wire.OutPoint]*consensus.Coin{}}
	real := map[wire.OutPoint]consensus.Coin{} // the database below c
	keys := uint64(1) << (4 + r.IntN(10))
	var buf []byte
	type held struct{ got, want []byte }
	var helds []held
	look := func(op *wire.OutPoint) {
		want, exists := d.get(*op)
		var coin consensus.Coin
		var st State
		buf, st = c.Get(op, &coin, buf)
		if st == Miss {
			var ok bool
			if coin, ok = real[*op]; ok {
				st = Hit
				if r.IntN(2) == 0 {
					c.PutClean(op, &coin)
				}
			}
		} else if st == Hit {
			helds = append(helds, held{coin.Out.PkScript, bytes.Clone(coin.Out.PkScript)})
		}
		if (st == Hit) != exists || exists && !equalCoin(coin, want) {
			t.Fatalf("look-up of %v: %v, want %v", op, coin, want)
		}
	}
	for range 20_000 {
		op := outPoint(r.Uint64N(keys))
		switch r.IntN(8) {
		case 0, 1, 2:
			look(op)
		case 3, 4:
			_, exists := d.get(*op)
			_, inDB := real[*op]
			if exists && r.IntN(4) != 0 {
				continue // overwriting is rare
			}
			coin := randomCoin(r)
			c.Add(op, &coin, !exists && !inDB)
			d.cache[*op] = &coin
		case 5, 6:
			if _, exists := d.get(*op); exists {
				c.Spend(op)
				d.cache[*op] = nil
			}
		case 7:
			if r.IntN(200) != 0 {
				continue
			}
			checkBytes(t, c)
			if r.IntN(3) == 0 { // an overlay that is merged
				over := New(0)
				for range 50 {
					op := outPoint(r.Uint64N(keys))
					if _, exists := d.get(*op); exists {
						over.Spend(op)
						d.cache[*op] = nil
					} else {
						coin := randomCoin(r)
						over.Add(op, &coin, false)
						d.cache[*op] = &coin
					}
				}
				c.Merge(over)
				continue
			}
			for e := range c.Dirty() {
				if e.Spent {
					delete(real, e.OutPoint)
					continue
				}
				if _, ok := real[e.OutPoint]; ok && e.Fresh {
					t.Fatal("a fresh coin is in the database")
				}
				e.Coin.Out.PkScript = bytes.Clone(e.Coin.Out.PkScript)
				real[e.OutPoint] = e.Coin
			}
			for op, coin := range d.cache {
				if coin == nil {
					delete(d.db, op)
				} else {
					d.db[op] = *coin
				}
			}
			clear(d.cache)
			if !maps.EqualFunc(real, d.db, equalCoin) {
				t.Fatal("the flushed database differs")
			}
			keep := []int64{0, 1 << 14, 1 << 20, 1 << 40}[r.IntN(4)]
			c.Clean(keep)
			for range c.Dirty() {
				t.Fatal("dirty after Clean")
			}
			checkBytes(t, c)
		}
	}
	for n := range keys {
		look(outPoint(n))
	}
	checkBytes(t, c)
	for _, h := range helds {
		if !bytes.Equal(h.got, h.want) {
			t.Fatal("a script that Get returned has changed")
		}
	}
	c.Reset()
	checkBytes(t, c)
}

// A coin that was added fresh and spent leaves nothing to flush, and no slot.
func TestFreshSpentLeavesNothing(t *testing.T) {
	c := New(1 << 20)
	coin := consensus.Coin{Out: wire.TxOut{PkScript: make([]byte, 67)}}
	for n := range uint64(10_000) {
		c.Add(outPoint(n), &coin, true)
	}
	for n := range uint64(10_000) {
		c.Spend(outPoint(n))
	}
	for e := range c.Dirty() {
		t.Fatalf("%v is left", e.OutPoint)
	}
	if coins, n := c.Len(); coins != 0 || n != 0 {
		t.Fatalf("%d coins, %d entries", coins, n)
	}
	checkBytes(t, c)
}

// Clean keeps the newest coins, and keeps to its bound.
func TestCleanKeepsNewest(t *testing.T) {
	c := New(0)
	const n = 100_000
	for i := range uint64(n) {
		coin := consensus.Coin{Out: wire.TxOut{PkScript: make([]byte, 25)}, Height: uint32(i / 10)}
		c.Add(outPoint(i), &coin, true)
	}
	full := c.Bytes()
	c.Clean(full / 2)
	checkBytes(t, c)
	coins, _ := c.Len()
	if c.Bytes() > full/2 || coins < n/3 {
		t.Fatalf("%d coins in %d bytes of %d", coins, c.Bytes(), full)
	}
	for i := range uint64(n) {
		var coin consensus.Coin
		_, st := c.Get(outPoint(i), &coin, nil)
		if (st == Hit) != (i >= uint64(n-coins)) {
			t.Fatalf("coin %d: state %d, %d newest coins are kept", i, st, coins)
		}
	}
}

// The table grows in small steps: no insertion adds more than a few hundredths
// of it, and it never takes much more than its entries need.
func TestGrowthIsSmooth(t *testing.T) {
	c := New(0)
	coin := consensus.Coin{Out: wire.TxOut{PkScript: make([]byte, 25)}}
	before := int64(0)
	for i := range uint64(500_000) {
		c.Add(outPoint(i), &coin, true)
		if step := c.Bytes() - before; i > 50_000 && step > c.Bytes()/100 {
			t.Fatalf("coin %d: %d bytes more, of %d", i, step, c.Bytes())
		}
		before = c.Bytes()
		if per := c.Bytes() / int64(i+1); i > 50_000 && per > 150 {
			t.Fatalf("%d coins: %d bytes each", i+1, per)
		}
	}
}

func filled(n uint64) *Cache {
	c := New(1 << 40)
	coin := consensus.Coin{Out: wire.TxOut{Value: 1, PkScript: make([]byte, 25)}}
	for i := range n {
		coin.Height = uint32(i)
		c.Add(outPoint(i), &coin, true)
	}
	return c
}

func BenchmarkGet(b *testing.B) {
	for _, n := range []uint64{1 << 14, 1_000_000, 4_000_000} {
		c := filled(n)
		r := rand.New(rand.NewPCG(1, 2))
		ops := make([]wire.OutPoint, 1<<20)
		for _, missing := range []bool{false, true} {
			for i := range ops {
				ops[i] = *outPoint(r.Uint64N(n))
				if missing {
					ops[i].Index += 10
				}
			}
			b.Run(fmt.Sprintf("coins=%d/missing=%v", n, missing), func(b *testing.B) {
				b.ReportAllocs()
				var coin consensus.Coin
				var buf []byte
				var st State
				for i := 0; b.Loop(); i++ {
					buf, st = c.Get(&ops[i%len(ops)], &coin, buf[:0])
					if (st == Miss) != missing {
						b.Fatal(st)
					}
				}
				b.ReportMetric(float64(c.Bytes())/float64(n), "B/coin")
			})
		}
	}
}

// One coin made and one spent, among a million.
func BenchmarkAddSpend(b *testing.B) {
	const n = 1_000_000
	c := filled(n)
	coin := consensus.Coin{Out: wire.TxOut{Value: 1, PkScript: make([]byte, 25)}}
	b.ReportAllocs()
	for i := uint64(0); b.Loop(); i++ {
		c.Add(outPoint(n+i), &coin, true)
		c.Spend(outPoint(i))
	}
}
