package rpc

import (
	"fmt"
	"testing"

	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/wire"
)

// What is said of a fee counts in every total, before a transaction comes and
// while it is there (mining_prioritisetransaction).
//
//	    b
//	  /   \
//	a       d
//	  \   /
//	    c
func TestPrioritisationBehaviour(t *testing.T) {
	p := startPooled(t, 2, nil, nil)
	value := p.coins[0].Coin.Out.Value
	a := p.chain.Spend(p.coins[:1], p.chain.Out(chaingen.P2WPKH, 1, value/2), p.chain.Out(chaingen.P2WPKH, 2, value/2-1_000))
	b, c := p.pay(2_000, p.out(a, 0)), p.pay(3_000, p.out(a, 1))
	d := p.pay(4_000, p.out(b, 0), p.out(c, 0))
	all := []*wire.Tx{a, b, c, d}
	prioritise := func(tx *wire.Tx, delta int64) {
		t.Helper()
		if got := p.text("prioritisetransaction", tx.TxID(), 0, delta); got != "true" {
			t.Errorf("prioritisetransaction: %s", got)
		}
	}
	say := func() {
		prioritise(b, 9_999)
		prioritise(c, -1_234)
		prioritise(c, 8_888)
	}
	const onB, onC = 9_999, 8_888 - 1_234
	fees := func(when string) {
		t.Helper()
		for _, x := range []struct {
			tx                                   *wire.Tx
			base, modified, ancestor, descendant wire.Amount
		}{
			{a, 1_000, 1_000, 1_000, 10_000 + onB + onC},
			{b, 2_000, 2_000 + onB, 3_000 + onB, 6_000 + onB},
			{c, 3_000, 3_000 + onC, 4_000 + onC, 7_000 + onC},
			{d, 4_000, 4_000, 10_000 + onB + onC, 4_000},
		} {
			want := fmt.Sprintf(`{"base":%v,"modified":%v,"ancestor":%v,"descendant":%v}`, x.base, x.modified, x.ancestor, x.descendant)
			if got := encoded(p.call("getmempoolentry", x.tx.TxID()).Get("fees")); got != want {
				t.Errorf("%s: %s, want %s", when, got, want)
			}
		}
		v := p.call("getprioritisedtransactions")
		if got, want := encoded(v.Get(c.TxID().String())), fmt.Sprintf(`{"fee_delta":%d,"in_mempool":true,"modified_fee":%d}`, onC, 3_000+onC); v.Len() != 2 || got != want {
			t.Errorf("%s: %s", when, encoded(v))
		}
	}
	p.send(all...)
	say()
	fees("said in the pool")
	p.checked(4)
	// Taken back by the inverse, and said before they come.
	prioritise(b, -onB)
	prioritise(c, -onC)
	if got := p.text("getprioritisedtransactions"); got != "{}" {
		t.Errorf("%s", got)
	}
	p.mine(all...)
	p.invalidate(p.height())
	p.holds(all...)
	p.mine(all...)
	say()
	v := p.call("getprioritisedtransactions")
	if got := encoded(v.Get(b.TxID().String())); v.Len() != 2 || got != fmt.Sprintf(`{"fee_delta":%d,"in_mempool":false}`, onB) {
		t.Errorf("%s", encoded(v))
	}
	p.invalidate(p.height())
	fees("said before")
	p.checked(4)
	p.mine(all...)
	if got := p.text("getprioritisedtransactions"); got != "{}" {
		t.Errorf("after a block: %s", got)
	}

	// More than 32 bits hold.
	const large = 86 * int64(wire.Coin)
	tx := p.pay(1_000, p.coins[1])
	p.named("prioritisetransaction", fmt.Sprintf(`{"txid":"%v","fee_delta":%d}`, tx.TxID(), large))
	p.send(tx)
	if got, want := p.text("getprioritisedtransactions"), fmt.Sprintf(`{"%v":{"fee_delta":%d,"in_mempool":true,"modified_fee":%d}}`, tx.TxID(), large, large+1_000); got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got := encoded(p.call("getmempoolentry", tx.TxID()).Get("fees")); got != `{"base":0.00001000,"modified":86.00001000,"ancestor":86.00001000,"descendant":86.00001000}` {
		t.Errorf("%s", got)
	}
	p.checked(1)
}
