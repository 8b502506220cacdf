package sig_test

import (
	"encoding/hex"
	"fmt"

	"github.com/keelson-chain/keelson/script/sig"
)

func Example() {
	unhex := func(s string) []byte {
		b, err := hex.DecodeString(s)
		if err != nil {
			panic(err)
		}
		return b
	}
	// The first vector of BIP 340: a signature of 32 zero bytes.
	check := sig.Check{
		Kind:   sig.Schnorr,
		PubKey: unhex("f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9"),
		Sig: unhex("e907831f80848d1069a5371b402410364bdf1c5f8307b0084c55f1ce2dca8215" +
			"25f66a4a85ea8b71e482a74f382d2ce5ebeee8fdb2172f477df4900d310536c0"),
	}
	exact := sig.Exact{Verifier: sig.DCRD()}
	fmt.Println(exact.Check(&check))

	batch := sig.NewBatch(sig.DCRD(), nil)
	batch.Defer(&check)
	check.Hash[0] = 1
	batch.Defer(&check)
	fmt.Println(batch.Len(), batch.Verify())
	// Output:
	// true
	// 2 false
}

func ExamplePrivateKey() {
	key, ok := sig.NewPrivateKey(&[32]byte{31: 3})
	if !ok {
		panic("not from 1 to the order less one")
	}
	hash := [32]byte{1}
	der := key.SignECDSA(hash)
	fmt.Printf("%x\n", key.PubKey(true))
	fmt.Println(sig.DCRD().Verify(&sig.Check{Kind: sig.ECDSA, PubKey: key.PubKey(true), Sig: der, Hash: hash}))
	// Output:
	// 02f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9
	// true
}
