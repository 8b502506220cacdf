package script_test

import (
	"fmt"

	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/script/sig"
	"github.com/keelson-chain/keelson/wire"
)

// An output that asks for two numbers with the sum seven, and two tries to
// spend it.
func Example() {
	lock := new(script.Builder).Op(script.OpAdd).Int(7).Op(script.OpEqual).Script()
	fmt.Println(script.Disassemble(lock))

	for _, n := range []int64{4, 5} {
		tx := &wire.Tx{Version: 2, Inputs: []wire.TxIn{{SigScript: new(script.Builder).Int(3).Int(n).Script()}}}
		hashes := script.NewSigHashes(tx, []wire.TxOut{{Value: wire.Coin, PkScript: lock}})
		err := script.Verify(hashes, 0, script.MandatoryFlags, sig.Exact{Verifier: sig.DCRD()})
		fmt.Println(n, err)
	}
	// Output:
	// OP_ADD 7 OP_EQUAL
	// 4 <nil>
	// 5 Script evaluated without error but finished with a false/empty top stack element
}

func ExampleClassify() {
	pkScript, err := script.Assemble("DUP HASH160 0x14 0x0102030405060708090a0b0c0d0e0f1011121314 EQUALVERIFY CHECKSIG")
	if err != nil {
		panic(err)
	}
	class, data := script.Classify(pkScript)
	fmt.Printf("%v %x\n", class, data)
	// Output: pubkeyhash [0102030405060708090a0b0c0d0e0f1011121314]
}

func ExampleTokenizer() {
	t := script.Tokenize([]byte{0x02, 0xca, 0xfe, 0x87})
	for t.Next() {
		fmt.Printf("%d %x\n", byte(t.Op), t.Data)
	}
	// Output:
	// 2 cafe
	// 135
}
