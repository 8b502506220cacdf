package sign_test

import (
	"fmt"

	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/script/sig"
	"github.com/keelson-chain/keelson/script/sign"
	"github.com/keelson-chain/keelson/wire"
)

func Example() {
	key, ok := sig.NewPrivateKey(&[32]byte{31: 7})
	if !ok {
		panic("not from 1 to the order less one")
	}
	hash := script.Hash160(key.PubKey(true))
	coin := &wire.TxOut{Value: 5000, PkScript: new(script.Builder).Op(script.Op0).Data(hash[:]).Script()}
	tx := &wire.Tx{
		Version: 2,
		Inputs:  []wire.TxIn{{PrevOut: wire.OutPoint{TxID: wire.Hash{1}}, Sequence: wire.SequenceFinal}},
		Outputs: []wire.TxOut{{Value: 4000, PkScript: coin.PkScript}},
	}

	s := sign.NewTx(tx, []*wire.TxOut{coin})
	fmt.Println(s.Sign(nil, sign.Default))

	var keys sign.Keys
	keys.Add(key, true)
	fmt.Println(s.Sign(&keys, sign.Default), len(s.Tx().Inputs[0].Witness))
	// Output:
	// [Witness program hash mismatch]
	// [<nil>] 2
}
