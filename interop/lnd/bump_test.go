package lnd

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"github.com/lightningnetwork/lnd/lnrpc"
	"github.com/lightningnetwork/lnd/lnrpc/walletrpc"
)

// TestAnchor closes a channel by force when blocks have no room for a commitment,
// whose fee was agreed upon in better times: a child that spends its anchor pays for
// both.
func TestAnchor(t *testing.T) {
	const spike = 40 // satoshi per vB that miners want
	k := startKeelson(t, setup{txindex: true})
	alice, bob := startLnd(k, "alice"), startLnd(k, "bob")
	k.fund(alice, bob)
	c := alice.open(bob, nil)
	alice.pay(bob.invoice(30 * price))
	alice.idle(c)
	k.args = []string{fmt.Sprintf("--blockmintxfee=%.8f", spike*1000/float64(coin))}
	k.interrupt()
	k.run()
	commitment := alice.close(c, true)
	k.mine(1)
	k.synced(alice, bob)
	if !slices.Contains(k.pool(), commitment) {
		t.Fatalf("the commitment is mined in spite of its fee, and the pool has %v", k.pool())
	}
	eventually(t, "lnd takes the order", func() error {
		_, err := alice.wallet.BumpForceCloseFee(t.Context(), &walletrpc.BumpForceCloseFeeRequest{
			ChanPoint: c.point, Immediate: true, StartingFeerate: 3 * spike, Budget: 200_000,
		})
		return err
	})
	child := ""
	eventually(t, "a child pays for the commitment", func() error {
		var entry struct{ SpentBy []string }
		if err := k.try(&entry, "getmempoolentry", commitment); err != nil {
			return err
		}
		for _, id := range entry.SpentBy {
			var e struct {
				AncestorSize float64
				Fees         struct{ Ancestor float64 }
			}
			if err := k.try(&e, "getmempoolentry", id); err != nil {
				return err
			}
			if rate := e.Fees.Ancestor * coin / e.AncestorSize; rate >= spike {
				child = id
				t.Logf("commitment %s and child %s pay %.1f sat/vB", commitment, child, rate)
				return nil
			}
		}
		return errors.New("none does yet")
	})
	hash := k.mine(1)[0]
	if mined := k.mined(hash); !slices.Contains(mined, commitment) || !slices.Contains(mined, child) {
		t.Fatalf("the block has %v", mined)
	}
	k.synced(alice, bob)
	// The spike is over.
	k.args = nil
	k.interrupt()
	k.run()
	alice.closed(c)
	bob.closed(c)
	if got := must(alice.PendingChannels(t.Context(), &lnrpc.PendingChannelsRequest{}))(t).TotalLimboBalance; got != 0 {
		t.Errorf("%d are left in limbo", got)
	}
}
