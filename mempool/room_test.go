package mempool

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/mempool/policy"
	"github.com/keelson-chain/keelson/wire"
)

// large spends a coin in about 20,000 bytes.
func (w *world) large(fee wire.Amount, coin int) *wire.Tx {
	tx := w.spend(fee, 2, w.coin(coin)).Clone()
	data := make([]byte, 20_000)
	data[0] = 0x6a
	tx.Outputs = append(tx.Outputs, wire.TxOut{PkScript: data})
	return tx
}

func TestEviction(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Limits.DescendantSize, c.MaxBytes = 21_000, 900_000 })
	var txs []*wire.Tx
	for i := range 44 {
		txs = append(txs, w.large(wire.Amount(100_000+1000*i), i))
		w.add(txs[i])
	}
	s := w.pool.Stats()
	if s.MinFee != policy.DefaultRules().MinRelay || s.Counts.Evicted != 0 {
		t.Fatalf("a pool that is not full: %+v", s)
	}
	w.add(w.large(200_000, 44))
	s = w.pool.Stats()
	if s.Counts.Evicted != 1 || w.pool.Has(txs[0].TxID()) {
		t.Errorf("%d evicted, want the cheapest one", s.Counts.Evicted)
	}
	// Who is not better than what went has no chance.
	want := policy.RateOf(100_000, txs[0].VSize()) + 1000
	if s.MinFee != want {
		t.Errorf("floor %v, want %v", s.MinFee, want)
	}
	tx := w.large(100_000, 45)
	w.refused(tx, fmt.Sprintf("mempool min fee not met, 100000 < %d", want.Fee(tx.VSize())))
	// The worst of all goes at once.
	w.pool.floor.rate = 0
	w.refused(tx, "mempool full")

	// The floor sinks by half in twelve hours once there was a block, faster in
	// a pool with room, and then to nothing.
	floor := w.pool.Stats().MinFee
	w.now.Add(12 * 3600)
	if got := w.pool.Stats().MinFee; got != floor {
		t.Errorf("floor %v without a block, want %v", got, floor)
	}
	w.mine()
	w.check()
	w.now.Add(12 * 3600)
	if got := w.pool.Stats().MinFee; got < floor/2-2 || got > floor/2+2 {
		t.Errorf("floor %v after 12 hours, want half of %v", got, floor)
	}
	w.now.Add(5 * 24 * 3600)
	if got := w.pool.Stats().MinFee; got != policy.DefaultRules().MinRelay {
		t.Errorf("floor %v in the end", got)
	}
}

// A parent that pays nothing stays for what its child pays.
func TestEvictionByDescendants(t *testing.T) {
	w := newWorld(t, func(c *Config) {
		c.Limits.DescendantSize, c.MaxBytes = 21_000, 900_000
		c.Rules.MinRelay = 0
	})
	parent := w.spend(0, 2, w.coin(0))
	child := w.child(parent, 0, 1_000_000, 2)
	lone := w.spend(0, 2, w.coin(1))
	w.add(parent, child, lone)
	for i := range 48 {
		w.add(w.large(wire.Amount(200_000+30_000*i), 2+i))
	}
	if !w.pool.Has(parent.TxID()) || !w.pool.Has(child.TxID()) || w.pool.Has(lone.TxID()) {
		t.Error("the wrong ones were evicted")
	}
}

func TestExpiry(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Expiry = time.Hour })
	a := w.spend(10_000, 2, w.coin(0))
	w.add(a)
	w.now.Add(600)
	b, c := w.child(a, 0, 10_000, 2), w.spend(10_000, 2, w.coin(1))
	w.add(b, c)
	w.now.Add(3000)
	w.add(w.spend(10_000, 2, w.coin(2)))
	w.now.Add(1)
	d := w.spend(10_000, 2, w.coin(3))
	w.add(d) // a is an hour and a second old, and b is its child
	if w.pool.Has(a.TxID()) || w.pool.Has(b.TxID()) || !w.pool.Has(c.TxID()) || !w.pool.Has(d.TxID()) {
		t.Error("the wrong ones have expired")
	}
	// A clock that goes back does not hide what is old.
	w.now.Add(-7200)
	e := w.spend(10_000, 2, w.coin(0))
	w.add(e)
	w.now.Add(3601)
	w.add(w.spend(10_000, 2, w.coin(4)))
	if w.pool.Has(e.TxID()) {
		t.Error("one that came with an earlier time has not expired")
	}
}

func TestFeeRates(t *testing.T) {
	for _, c := range []struct {
		a, b rate
		want int
	}{
		{rate{1, 2}, rate{2, 4}, 0},
		{rate{1, 2}, rate{1, 3}, 1},
		{rate{-1, 2}, rate{1, 3}, -1},
		{rate{-1, 2}, rate{-1, 3}, -1},
		{rate{0, 1}, rate{0, 100}, 0},
		{rate{1 << 50, 3}, rate{1 << 50, 4}, 1},
		{rate{1 << 62, 1 << 40}, rate{1<<62 - 1, 1 << 40}, 1},
		{rate{-(1 << 62), 1 << 40}, rate{-(1<<62 - 1), 1 << 40}, -1},
		{rate{-(1 << 50), 3}, rate{1, 4}, -1},
	} {
		if got := c.a.cmp(c.b); got != c.want {
			t.Errorf("%v against %v: %d, want %d", c.a, c.b, got, c.want)
		}
		if got := c.b.cmp(c.a); got != -c.want {
			t.Errorf("%v against %v: %d, want %d", c.b, c.a, got, -c.want)
		}
		if got := cmpLarge(c.a, c.b); got != c.want {
			t.Errorf("%v against %v in 128 bits: %d, want %d", c.a, c.b, got, c.want)
		}
	}
	if got := strings.Join([]string{money(0), money(100), money(123456789), money(5e8), money(-1)}, " "); got != "0.00 0.000001 1.23456789 5.00 -0.00000001" {
		t.Error(got)
	}
}
