package policy_test

import (
	"errors"
	"fmt"

	"github.com/keelson-chain/keelson/mempool/policy"
	"github.com/keelson-chain/keelson/wire"
)

// A transaction whose output would cost more to spend than it holds is refused.
func Example() {
	keyHash := append([]byte{0x00, 20}, make([]byte, 20)...) // P2WPKH
	tx := &wire.Tx{
		Version: 2,
		Inputs:  []wire.TxIn{{PrevOut: wire.OutPoint{TxID: wire.Hash{1}}, Sequence: wire.SequenceFinal}},
		Outputs: []wire.TxOut{{Value: 293, PkScript: keyHash}},
	}
	rules := policy.DefaultRules()
	err := rules.CheckDust(tx, 1_000, 1_000) // of a transaction that pays a fee
	var refusal *policy.Error
	fmt.Println(errors.As(err, &refusal), err)
	fmt.Println("at least", rules.DustThreshold(&tx.Outputs[0]))

	tx.Outputs[0].Value = 294
	fmt.Println(rules.CheckDust(tx, 1_000, 1_000))
	// Output:
	// true dust, tx with dust output must be 0-fee
	// at least 0.00000294
	// <nil>
}

func ExampleFeeRate() {
	rate := policy.RateOf(2_820, 141)
	fmt.Println(rate, rate.Fee(200))
	// Output: 0.00020000 BTC/kvB 0.00004000
}

// A second child of a TRUC parent can take the place of the first.
func ExampleCheckTRUC() {
	parent := policy.TRUCParent{
		TxID: wire.Hash{0xaa}, Version: policy.TRUCVersion, Ancestors: 1, Descendants: 2,
		Children: []policy.TRUCChild{{TxID: wire.Hash{0xbb}, Ancestors: 2}},
	}
	tx := &wire.Tx{Version: policy.TRUCVersion, Inputs: []wire.TxIn{{PrevOut: wire.OutPoint{TxID: parent.TxID}}}}

	evict, err := policy.CheckTRUC(tx, 150, []policy.TRUCParent{parent})
	fmt.Println(err != nil, evict.TxID)
	// Output: true 00000000000000000000000000000000000000000000000000000000000000bb
}
