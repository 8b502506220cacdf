package psbt_test

import (
	"fmt"

	"github.com/keelson-chain/keelson/script/psbt"
	"github.com/keelson-chain/keelson/wire"
)

// A transaction becomes a packet, which people then fill.
func Example() {
	tx := &wire.Tx{Version: 2, Inputs: []wire.TxIn{{PrevOut: wire.OutPoint{Index: 1}}}, Outputs: []wire.TxOut{{Value: 5000}}}
	p, err := psbt.Parse(psbt.New(tx).String())
	if err != nil {
		fmt.Println(err)
		return
	}
	a := p.Analyze()
	fmt.Println(len(p.Inputs), a.Inputs[0].HasUTXO, a.Next)
	// Output: 1 false updater
}
