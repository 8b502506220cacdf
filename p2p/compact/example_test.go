package compact_test

import (
	"fmt"
	"math/rand/v2"

	"github.com/keelson-chain/keelson/p2p/compact"
)

// A node with two of a block's four transactions besides the coinbase asks for the
// others.
func Example() {
	r := rand.New(rand.NewPCG(15, 16))
	sender := block(r, 5, 500)
	c := compact.New(sender, r.Uint64(), nil)
	fmt.Println("a block of", sender.Size()/1000, "kB in", c.Size(), "bytes")

	p, err := compact.NewPartial(c)
	if err != nil {
		panic(err) // fetch the whole block
	}
	for _, tx := range sender.Txs[2:4] { // the pool
		wtxid := tx.WTxID()
		p.Offer(&wtxid, tx.Append(nil))
	}
	fmt.Println("missing:", p.Missing())
	if err := p.Fill(append(sender.Txs[1:2:2], sender.Txs[4])); err != nil {
		panic(err)
	}
	b, err := p.Block()
	fmt.Println(b.Hash() == sender.Hash(), err)
	// Output:
	// a block of 2 kB in 614 bytes
	// missing: [1 4]
	// true <nil>
}
