package consensus_test

import (
	"errors"
	"fmt"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/wire"
)

// A block is taken through the rules as a child of a State, and then applied.
func Example() {
	params := consensus.Regtest(consensus.RegtestOptions{})
	state := consensus.GenesisState(params)
	coins := make(chaingen.Coins)
	block := chaingen.New(params).Next()

	judge := func() ([]consensus.Coin, error) {
		if err := consensus.CheckBlock(params, block); err != nil {
			return nil, err
		}
		if err := consensus.ValidateHeader(state, &block.Header, 1_300_000_000); err != nil {
			return nil, err
		}
		if err := consensus.ValidateBlockContext(state, block); err != nil {
			return nil, err
		}
		spent, err := consensus.Gather(state, block, coins)
		if err != nil {
			return nil, err
		}
		return spent, consensus.ValidateBlock(state, block, spent, consensus.Options{Workers: 2})
	}
	spent, err := judge()
	if err != nil {
		fmt.Println(err)
		return
	}
	state, diff := consensus.ApplyBlock(state, block, spent)
	coins.Apply(diff)
	fmt.Printf("height %d, %d coin of %v\n", state.Tip.Height, len(coins), coins.Total())

	// The same block does not fit on itself.
	_, err = judge()
	fmt.Println(consensus.RejectReason(err), errors.Is(err, consensus.ErrPrevBlock))
	// Output:
	// height 1, 1 coin of 50.00000000
	// prev-blk-not-found true
}

func ExampleSubsidy() {
	params := consensus.Main()
	for _, height := range []uint32{1, 1_049_999, 1_050_000, 2_100_000} {
		fmt.Println(height, consensus.Subsidy(params, height))
	}
	// Output:
	// 1 10.00000000
	// 1049999 10.00000000
	// 1050000 5.00000000
	// 2100000 2.50000000
}

// Errors tell the rule, carry Bitcoin Core's reject string and say whether the
// body may have been changed by somebody on the way.
func ExampleRejectReason() {
	c := chaingen.New(consensus.Regtest(consensus.RegtestOptions{}))
	block := c.Next().Clone()
	block.Txs[0].Outputs[0].Value = 51 * wire.Coin
	err := consensus.CheckBlock(c.State().Params, block)
	fmt.Println(consensus.RejectReason(err), consensus.Mutated(err))

	block.Header.MerkleRoot, _ = block.TxMerkleRoot()
	chaingen.Solve(block)
	err = c.ValidateAt(block, 1_300_000_000)
	fmt.Println(consensus.RejectReason(err), consensus.Mutated(err))
	// Output:
	// bad-txnmrklroot true
	// bad-cb-amount false
}
