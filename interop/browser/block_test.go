package browser

import (
	"encoding/binary"
	"encoding/hex"
	"testing"
	"time"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/chainhash/v2"
	"github.com/btcsuite/btcd/txscript/v2"
	"github.com/btcsuite/btcd/wire/v2"
)

// build makes the block that a template asks for, with a text in its coinbase and
// in an output of it, with btcd's own code.
func build(t *testing.T, height int64, version int32, parent, bits string, at, value int64, text []byte) *wire.MsgBlock {
	t.Helper()
	push := func(b *txscript.ScriptBuilder) []byte {
		script, err := b.Script()
		if err != nil {
			t.Fatal(err)
		}
		return script
	}
	coinbase := wire.NewMsgTx(2)
	coinbase.AddTxIn(&wire.TxIn{
		PreviousOutPoint: wire.OutPoint{Index: wire.MaxPrevOutIndex},
		SignatureScript:  push(txscript.NewScriptBuilder().AddInt64(height).AddData(text)),
		Sequence:         wire.MaxTxInSequenceNum,
	})
	coinbase.AddTxOut(wire.NewTxOut(value, []byte{txscript.OP_TRUE}))
	coinbase.AddTxOut(wire.NewTxOut(0, push(txscript.NewScriptBuilder().AddOp(txscript.OP_RETURN).AddData(text))))

	raw, err := hex.DecodeString(bits)
	if err != nil || len(raw) != 4 {
		t.Fatalf("bits %q", bits)
	}
	prev, err := chainhash.NewHashFromStr(parent)
	if err != nil {
		t.Fatal(err)
	}
	block := wire.NewMsgBlock(&wire.BlockHeader{
		Version: version, PrevBlock: *prev, MerkleRoot: coinbase.TxHash(),
		Timestamp: time.Unix(at, 0), Bits: binary.BigEndian.Uint32(raw),
	})
	if err := block.AddTransaction(coinbase); err != nil {
		t.Fatal(err)
	}
	target := blockchain.CompactToBig(block.Header.Bits)
	for hash := block.BlockHash(); blockchain.HashToBig(&hash).Cmp(target) > 0; hash = block.BlockHash() {
		block.Header.Nonce++
	}
	return block
}
