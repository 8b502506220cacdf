package pow_test

import (
	"context"
	"fmt"

	"github.com/keelson-chain/keelson/pow"
	"github.com/keelson-chain/keelson/wire"
)

// The way from a header's bits to a nonce that meets them.
func Example() {
	h := wire.Header{Version: 0x20000000, Time: 1795219200, Bits: 0x1f00ffff}
	target, err := pow.Bits(h.Bits).Target()
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("target", target)
	fmt.Println("hashes", target.Work().Float64())

	nonce, ok := pow.Search(context.Background(), h, target, 2, nil)
	if !ok {
		fmt.Println("no nonce meets the target")
		return
	}
	h.Nonce = nonce
	fmt.Println("nonce ", nonce)
	fmt.Println("hash  ", h.Hash())
	fmt.Println("met   ", target.Met(h.Hash()))
	// Output:
	// target 0000ffff00000000000000000000000000000000000000000000000000000000
	// hashes 65537
	// nonce  13191
	// hash   00005922a5467261482130095bb87b6b71c7fc5a29b42e2ce50e2e5d85df5916
	// met    true
}

// A chain that is an hour behind its schedule of one block in two minutes.
func ExampleASERT() {
	limit, err := pow.Bits(0x1e00ffff).Target()
	if err != nil {
		fmt.Println(err)
		return
	}
	rule := pow.ASERT{
		AnchorParentTime: 1795219200,
		AnchorBits:       0x1d00ffff,
		Spacing:          120,
		HalfLife:         288 * 120,
		Limit:            limit,
	}
	const height = 1000
	onTime := rule.AnchorParentTime + (height+1)*rule.Spacing
	fmt.Println(rule.Next(height, onTime))
	fmt.Println(rule.Next(height, onTime+3600))
	// Output:
	// 1d00ffff
	// 1d011330
}
