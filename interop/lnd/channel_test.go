package lnd

import (
	"slices"
	"testing"
)

// setups are the ways in which a node can serve lnd.
var setups = []setup{{txindex: true}, {}, {zmq: true, txindex: true}, {zmq: true}}

// TestChannel opens a channel, pays in both directions and closes it in peace: in
// every setup.
func TestChannel(t *testing.T) {
	for _, s := range setups {
		t.Run(s.String(), func(t *testing.T) {
			k := startKeelson(t, s)
			alice, bob := startLnd(k, "alice"), startLnd(k, "bob")
			k.fund(alice)
			c := alice.open(bob, nil)
			alice.pay(bob.invoice(5 * price))
			bob.pay(alice.invoice(price))
			bob.idle(c)
			if got := bob.channel(c).LocalBalance; got != 4*price {
				t.Errorf("bob has %d, want %d", got, 4*price)
			}
			closing := alice.close(c, false)
			hash := k.mine(1)[0]
			if !slices.Contains(k.mined(hash), closing) {
				t.Errorf("the block has %v, not %s", k.mined(hash), closing)
			}
			tx := k.transaction(closing, hash)
			if len(tx.Vin) != 1 || tx.Vin[0].Txid != c.txid || len(tx.Vout) != 2 {
				t.Errorf("the closing transaction is %+v", tx)
			}
			alice.closed(c)
			bob.closed(c)
			if got := bob.confirmed(); got != 4*price {
				t.Errorf("bob has %d in the chain, want %d", got, 4*price)
			}
			t.Logf("channel %v, two payments, closed by %s", c, closing)
		})
	}
}
