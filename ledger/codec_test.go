package ledger

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/wire"
)

func random(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// scriptsToStore has every form and, for each, something that is almost it.
func scriptsToStore(r *rand.Rand) [][]byte {
	var scripts [][]byte
	for _, f := range scriptForms {
		s := slices.Concat([]byte(f.before), random(r, f.size), []byte(f.after))
		scripts = append(scripts, s)
		for _, i := range []int{0, 1, 2, len(f.before) - 1, len(s) - 1} {
			almost := bytes.Clone(s)
			almost[i] ^= 0x40
			scripts = append(scripts, almost)
		}
		scripts = append(scripts, s[:len(s)-1], append(bytes.Clone(s), 0))
	}
	for _, n := range []int{0, 1, 35, 67, 121, 122, 123, 10_000} {
		scripts = append(scripts, random(r, n))
	}
	return scripts
}

func TestCoinRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	var coins []consensus.Coin
	values := []wire.Amount{0, 1, 9, 10, 99, 100, 123_456_789, 5_000_000_000, 1_000_000_000_000, wire.MaxMoney, wire.MaxMoney - 1}
	for i, s := range scriptsToStore(r) {
		coins = append(coins, consensus.Coin{
			Out:    wire.TxOut{Value: values[i%len(values)], PkScript: s},
			Height: []uint32{0, 1, 127, 1 << 20, 0xffffffff}[i%5], MTP: r.Uint32(), Coinbase: i%3 == 0,
		})
	}
	got, err := readUndo(appendUndo(nil, coins))
	if err != nil || !slices.EqualFunc(got, coins, func(a, b consensus.Coin) bool { return equalCoins(&a, &b) }) {
		t.Fatalf("an undo record does not come back: %v", err)
	}
	for i := range coins {
		b := appendCoin(nil, &coins[i])
		var c consensus.Coin
		rest, _, err := readCoin(append(b, "rest"...), &c, nil)
		if err != nil || !equalCoins(&c, &coins[i]) || string(rest) != "rest" {
			t.Fatalf("coin %d: %+v comes back as %+v, %v", i, coins[i], c, err)
		}
		for n := range b[:min(len(b), 60)] {
			if _, _, err := readCoin(b[:n], &c, nil); err == nil {
				t.Fatalf("coin %d cut to %d bytes is read", i, n)
			}
		}
	}
	// The commonest coin stays small.
	c := consensus.Coin{Out: wire.TxOut{Value: 123_456, PkScript: slices.Concat([]byte{0, 20}, make([]byte, 20))}, Height: 800_000}
	if n := len(appendCoin(nil, &c)); n > 32 {
		t.Fatalf("a P2WPKH coin takes %d bytes", n)
	}
}

func TestAmountRoundTrip(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	for range 100_000 {
		v := r.Uint64N(uint64(wire.MaxMoney) + 1)
		for range r.IntN(10) {
			v -= v % 10
			v /= 10
			v *= 10
		}
		if got := restoreAmount(shortenAmount(v)); got != v {
			t.Fatalf("%d comes back as %d", v, got)
		}
	}
}

func TestOutPointOrder(t *testing.T) {
	indexes := []uint32{0, 1, 0xfc, 0xfd, 0xfe, 0xff, 0x100, 0xfffe, 0xffff, 0x10000, 0xfffffffe, 0xffffffff}
	var last []byte
	for _, id := range []wire.Hash{{0}, {0, 1}, {1}, {0xff}} {
		for _, i := range indexes {
			op := wire.OutPoint{TxID: id, Index: i}
			key := appendOutPoint(nil, &op)
			if bytes.Compare(last, key) >= 0 {
				t.Fatalf("the key of %v does not sort after the one before", op)
			}
			last = key
			got, err := readOutPoint(key)
			if err != nil || got != op {
				t.Fatalf("%v comes back as %v, %v", op, got, err)
			}
			if _, err := readOutPoint(append(key, 0)); err == nil {
				t.Fatalf("a longer key of %v is read", op)
			}
			if _, err := readOutPoint(key[:len(key)-1]); err == nil {
				t.Fatalf("a shorter key of %v is read", op)
			}
		}
	}
}

// Whatever lies in the database or in a file, reading it ends in an error and
// not in a panic, and what is read is written the same way.
func FuzzReadRecords(f *testing.F) {
	r := rand.New(rand.NewPCG(5, 6))
	for _, s := range scriptsToStore(r)[:12] {
		f.Add(appendUndo(nil, []consensus.Coin{{Out: wire.TxOut{Value: 7, PkScript: s}}}))
	}
	tr := newTree(regtest)
	f.Add(appendNode(appendNodeKey(nil, tr.genesis), tr.genesis))
	f.Add(appendState(nil, &diskState{}))
	f.Add(appendIdentity(nil, regtest))
	f.Fuzz(func(t *testing.T, b []byte) {
		var c consensus.Coin
		if rest, _, err := readCoin(b, &c, nil); err == nil && len(rest) == 0 {
			var again consensus.Coin
			if _, _, err := readCoin(appendCoin(nil, &c), &again, nil); c.Out.Value.Valid() && (err != nil || !equalCoins(&c, &again)) {
				t.Fatalf("coin %+v becomes %+v, %v", c, again, err)
			}
		}
		readUndo(b)
		readOutPoint(b)
		checkIdentity(b, regtest)
		if s, err := readState(b); err == nil && !bytes.Equal(appendState(nil, &s), b) {
			t.Fatalf("state %x becomes %x", b, appendState(nil, &s))
		}
		const key = 1 + 4 + wire.HashSize
		if len(b) > key {
			readNode(b[:key], b[key:])
		}
	})
}
