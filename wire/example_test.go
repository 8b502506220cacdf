package wire_test

import (
	"encoding/hex"
	"fmt"

	"github.com/keelson-chain/keelson/wire"
)

// What a transaction says about itself: the payment of the P2WPKH example in
// BIP 143.
func ExampleDecodeTx() {
	raw, err := hex.DecodeString("01000000000102fff7f7881a8099afa6940d42d1e7f6362bec38171ea3edf433541db4e4ad969f" +
		"00000000494830450221008b9d1dc26ba6a9cb62127b02742fa9d754cd3bebf337f7a55d114c8e5cdd30be022040529b194ba3f9281a" +
		"99f2b1c0a19c0489bc22ede944ccf4ecbab4cc618ef3ed01eeffffffef51e1b804cc89d182d279655c3aa89e815b1b309fe287d9b2b5" +
		"5d57b90ec68a0100000000ffffffff02202cb206000000001976a9148280b37df378db99f66f85c95a783a76ac7a6d5988ac9093510d" +
		"000000001976a9143bde42dbee7e4dbe6a21b2d50ce2f0167faa815988ac000247304402203609e17b84f6a7d30c80bfa610b5b4542f" +
		"32a8a0d5447a12fb1366d7f01cc44a0220573a954c4518331561406f90300e8f3358f51928d43c212a8caed02de67eebee0121025476" +
		"c2e83188368da1ff3e292e7acafcdb3566bb0ad253f62fc70f07aeee635711000000")
	if err != nil {
		fmt.Println(err)
		return
	}
	tx, err := wire.DecodeTx(raw)
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println("txid ", tx.TxID())
	fmt.Println("wtxid", tx.WTxID())
	fmt.Println("size ", tx.Size(), "bytes,", tx.Weight(), "weight units,", tx.VSize(), "virtual bytes")
	for _, in := range tx.Inputs {
		fmt.Println("spends", in.PrevOut, "with", len(in.Witness), "witness items")
	}
	for _, out := range tx.Outputs {
		fmt.Printf("pays %v to %x\n", out.Value, out.PkScript)
	}
	// Output:
	// txid  e8151a2af31c368a35053ddd4bdb285a8595c769a3ad83e0fa02314a602d4609
	// wtxid c36c38370907df2324d9ce9d149d191192f338b37665a82e78e76a12c909b762
	// size  343 bytes, 1042 weight units, 261 virtual bytes
	// spends 9f96ade4b41d5433f4eda31e1738ec2b36f6e7d1420d94a6af99801a88f7f7ff:0 with 0 witness items
	// spends 8ac60eb9575db5b2d987e29f301b5b819ea83a5c6579d282d189cc04b8e151ef:1 with 2 witness items
	// pays 1.12340000 to 76a9148280b37df378db99f66f85c95a783a76ac7a6d5988ac
	// pays 2.23450000 to 76a9143bde42dbee7e4dbe6a21b2d50ce2f0167faa815988ac
}

// A block is built field by field, and keeps the buffer that it is decoded
// from.
func ExampleBlock() {
	coinbase := &wire.Tx{
		Version: 1,
		Inputs: []wire.TxIn{{
			PrevOut:   wire.OutPoint{Index: 0xffffffff},
			SigScript: []byte{0x51, 0x00}, // the height, 1, in script
			Sequence:  wire.SequenceFinal,
		}},
		Outputs: []wire.TxOut{{Value: 10 * wire.Coin, PkScript: []byte{0x51}}},
	}
	block := &wire.Block{Header: wire.Header{Version: 0x20000000, Bits: 0x207fffff}, Txs: []*wire.Tx{coinbase}}
	block.Header.MerkleRoot, _ = block.TxMerkleRoot()

	decoded, err := wire.DecodeBlock(block.Bytes())
	if err != nil {
		fmt.Println(err)
		return
	}
	fmt.Println(decoded.Size(), "bytes,", decoded.Weight(), "weight units")
	fmt.Println(decoded.Hash() == block.Hash(), decoded.Txs[0].TxID() == coinbase.TxID())

	_, err = wire.DecodeBlock(block.Bytes()[:100])
	fmt.Println(err)
	// Output:
	// 144 bytes, 576 weight units
	// true true
	// decode block: transaction 0: data ends early
}
