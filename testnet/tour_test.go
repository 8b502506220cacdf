package testnet_test

import (
	"testing"

	"github.com/keelson-chain/keelson/testnet"
	"github.com/keelson-chain/keelson/wire"
)

// docs/TESTNET.md shows this test.
func TestPaymentComesBack(t *testing.T) {
	n := testnet.Start(t, testnet.Nodes(3))
	payment, err := n.Fund(t.Context(), n.Accounts[0].Address, 2*wire.Coin)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := n.Mine(t.Context(), 0, 1); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Reorg(t.Context(), 1, 2); err != nil {
		t.Fatal(err)
	}
	var waiting []wire.Hash
	if err := n.Nodes[2].Call(t.Context(), &waiting, "getrawmempool"); err != nil {
		t.Fatal(err)
	}
	if len(waiting) != 1 || waiting[0] != payment {
		t.Errorf("%v wait for a block, want %v", waiting, payment)
	}
}
