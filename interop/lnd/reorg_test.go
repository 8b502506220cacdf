package lnd

import (
	"testing"

	"github.com/lightningnetwork/lnd/lnrpc"
)

// TestFundingReorganised takes the block with a funding transaction back, both
// before lnd counts the channel as open and after.
func TestFundingReorganised(t *testing.T) {
	for _, s := range setups {
		t.Run(s.String(), func(t *testing.T) {
			k := startKeelson(t, s)
			alice, bob := startLnd(k, "alice"), startLnd(k, "bob", "--bitcoin.defaultchanconfs=3")
			k.fund(alice)
			c := alice.propose(bob, nil)
			out := k.mine(1)[0]
			k.synced(alice, bob)
			k.call(nil, "invalidateblock", out)
			if pool := k.pool(); len(pool) != 1 || pool[0] != c.txid {
				t.Errorf("the pool has %v, not the funding transaction %s", pool, c.txid)
			}
			k.empty(4) // with the block that is gone, there would be confirmations enough
			k.synced(alice, bob)
			pending := must(alice.PendingChannels(t.Context(), &lnrpc.PendingChannelsRequest{}))(t)
			if len(pending.PendingOpenChannels) != 1 || alice.channel(c) != nil {
				t.Errorf("a channel that is not in the chain: %d pending, open: %v", len(pending.PendingOpenChannels), alice.channel(c))
			}
			k.mine(3)
			k.synced(alice, bob)
			for _, end := range []*lightning{alice, bob} {
				end.active(c)
				end.knows(c)
			}
			alice.pay(bob.invoice(2 * price))
			t.Logf("channel %v was in block %s, then in none, and is open", c, out)

			// It is open; out of the chain and back, through a branch without it.
			funding := k.mine(3)[0] // so many lie above it
			k.synced(alice, bob)
			k.call(nil, "invalidateblock", funding)
			k.empty(5)
			k.synced(alice, bob)
			k.call(nil, "reconsiderblock", funding)
			k.mine(1)
			k.synced(alice, bob)
			alice.pay(bob.invoice(price))
			closing := alice.close(c, false)
			k.mine(1)
			alice.closed(c)
			bob.closed(c)
			if got := bob.confirmed(); got != 3*price {
				t.Errorf("bob has %d, want %d", got, 3*price)
			}
			t.Logf("closed by %s", closing)
		})
	}
}

// empty mines blocks that leave the pool alone.
func (k *keelson) empty(blocks int) {
	k.t.Helper()
	for range blocks {
		var mined struct{ Hash string }
		// To a script of its own: else a block might be the one that was just taken back.
		k.call(&mined, "generateblock", "raw(51)", []string{})
	}
}

// TestSweepReorganised takes back, in the middle of a forced close, the block with
// the commitment and then the one with the sweep.
func TestSweepReorganised(t *testing.T) {
	k := startKeelson(t, setup{txindex: true})
	alice, bob := startLnd(k, "alice"), startLnd(k, "bob")
	k.fund(alice)
	c := alice.open(bob, nil)
	alice.pay(bob.invoice(30 * price))
	alice.idle(c)
	commitment := alice.close(c, true)
	gone := k.mine(1)[0]
	k.synced(alice, bob)
	k.call(nil, "invalidateblock", gone)
	k.empty(2)
	k.synced(alice, bob)
	k.resent(alice, commitment)
	hash := k.until(alice, commitment)
	k.synced(alice, bob)
	alice.closed(c)
	bob.closed(c)
	// The tip goes, with whatever it sweeps, and comes in another block.
	var tip string
	k.call(&tip, "getbestblockhash")
	k.call(nil, "invalidateblock", tip)
	k.call(nil, "generatetodescriptor", 2, "raw(51)")
	k.synced(alice, bob)
	k.swept(t, commitment, hash, alice, bob)
	if gone == hash {
		t.Error("the commitment is in the block that was taken back")
	}
}
