package lnd

import (
	"testing"
)

// TestMultiHop has three lnds in a row: what happens between two of them, the third
// hears of and finds in the chain, and the outer ones pay each other.
func TestMultiHop(t *testing.T) {
	for _, s := range setups {
		t.Run(s.String(), func(t *testing.T) {
			k := startKeelson(t, s)
			alice, bob, carol := startLnd(k, "alice"), startLnd(k, "bob"), startLnd(k, "carol")
			k.fund(alice, bob)
			ab, bc := alice.open(bob, nil), bob.open(carol, nil)
			k.synced(alice, bob, carol)
			carol.knows(ab) // looks ab's output up with getblockhash, getblock and gettxout
			alice.knows(bc)
			there := alice.pay(carol.invoice(20 * price))
			if len(there.Htlcs) == 0 || len(there.Htlcs[0].Route.Hops) != 2 || there.FeeSat == 0 {
				t.Errorf("the payment took %v, for a fee of %d", there.Htlcs, there.FeeSat)
			}
			carol.pay(alice.invoice(price))
			carol.idle(bc)
			if got := carol.channel(bc).LocalBalance; got < 18*price || got >= 19*price {
				t.Errorf("carol has %d of 19 prices less a fee", got)
			}
			// A channel that is closed is no longer known.
			closing := bob.close(bc, false)
			k.mine(1)
			bob.closed(bc)
			carol.closed(bc)
			k.synced(alice)
			alice.forgets(bc)
			t.Logf("alice paid carol through bob for %d satoshi; %s closed %v, of which alice knows", there.FeeSat, closing, bc)
		})
	}
}
