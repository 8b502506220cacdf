package procs

import (
	"encoding/binary"
	"encoding/hex"
	"testing"

	"github.com/keelson-chain/keelson/wire"
)

// Payout is the descriptor of an output that anyone can spend, to mine to.
const Payout = "raw(51)#8lvh9jxk"

const (
	perFan      = 50 // coins that one coinbase is divided into
	maturity    = 100
	fee         = wire.Amount(1000)
	fanFee      = wire.Amount(100_000)
	anyoneSpend = 0x51 // OP_1
	opReturn    = 0x6a
	opPushData4 = 0x4e
	padding     = 20 // bytes
	trucVersion = 3
	anchorValue = wire.Amount(240) // less would be dust
)

// Purse is coins that anyone can spend, none of which depends on another.
type Purse struct{ coins []coin }

type coin struct {
	op    wire.OutPoint
	value wire.Amount
}

// NewPurse mines on n until it has so many coins, or somewhat more, in the chain.
func NewPurse(t testing.TB, n *Node, coins int) *Purse {
	t.Helper()
	count := (coins + perFan - 1) / perFan
	var hashes []string
	n.Call(t, &hashes, "generatetodescriptor", count+maturity, Payout)
	p := new(Purse)
	for _, hash := range hashes[:count] {
		var text string
		n.Call(t, &text, "getblock", hash, 0)
		raw, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		block, err := wire.DecodeBlock(raw)
		if err != nil {
			t.Fatal(err)
		}
		coinbase := block.Txs[0]
		fan := spend(coin{wire.OutPoint{TxID: coinbase.TxID()}, coinbase.Outputs[0].Value}, perFan, fanFee)
		p.Send(t, n, fan)
		p.coins = append(p.coins, outputs(fan)...)
	}
	n.Call(t, nil, "generatetodescriptor", 1, Payout)
	return p
}

// Tx spends a coin. The purse does not get what the transaction makes.
func (p *Purse) Tx() *wire.Tx {
	c := p.coins[0]
	p.coins = p.coins[1:]
	return spend(c, 1, fee)
}

// Fat is Tx with so many bytes of data.
func (p *Purse) Fat(data int) *wire.Tx {
	tx := p.Tx()
	script := append([]byte{opReturn, opPushData4}, binary.LittleEndian.AppendUint32(nil, uint32(data))...)
	tx.Outputs[0].Value -= wire.Amount(data)
	tx.Outputs[1].PkScript = append(script, make([]byte, data)...)
	return tx
}

// Coin takes a coin out of the purse.
func (p *Purse) Coin() wire.OutPoint {
	c := p.coins[0]
	p.coins = p.coins[1:]
	return c.op
}

// Child spends what tx makes.
func (p *Purse) Child(tx *wire.Tx) *wire.Tx { return spend(outputs(tx)[0], 1, fee) }

// Pair spends a coin by a transaction that pays nothing, of BIP 431 (TRUC) and with an
// anchor that anyone can spend, and a child that spends all of it and pays for both.
func (p *Purse) Pair() (parent, child *wire.Tx) {
	c := p.coins[0]
	p.coins = p.coins[1:]
	parent = &wire.Tx{
		Version: trucVersion,
		Inputs:  []wire.TxIn{{PrevOut: c.op, Sequence: wire.SequenceFinal}},
		Outputs: []wire.TxOut{
			{Value: c.value - anchorValue, PkScript: []byte{anyoneSpend}},
			{Value: anchorValue, PkScript: []byte{anyoneSpend, 2, 0x4e, 0x73}},
		},
	}
	id := parent.TxID()
	child = spend(coin{wire.OutPoint{TxID: id}, c.value}, 1, 2*fee)
	child.Version = trucVersion
	child.Inputs = append(child.Inputs, wire.TxIn{PrevOut: wire.OutPoint{TxID: id, Index: 1}, Sequence: wire.SequenceFinal})
	return parent, child
}

// Send gives a node a transaction, which it must accept.
func (p *Purse) Send(t testing.TB, n *Node, tx *wire.Tx) {
	t.Helper()
	n.Call(t, nil, "sendrawtransaction", hex.EncodeToString(tx.Append(nil)), 0)
}

func spend(c coin, outs int, fee wire.Amount) *wire.Tx {
	tx := &wire.Tx{Version: 2, Inputs: []wire.TxIn{{PrevOut: c.op, Sequence: wire.SequenceFinal}}}
	for range outs {
		tx.Outputs = append(tx.Outputs, wire.TxOut{Value: (c.value - fee) / wire.Amount(outs), PkScript: []byte{anyoneSpend}})
	}
	// Without some data the transaction would be too small to be relayed.
	tx.Outputs = append(tx.Outputs, wire.TxOut{PkScript: append([]byte{opReturn, padding}, make([]byte, padding)...)})
	return tx
}

func outputs(tx *wire.Tx) (coins []coin) {
	txid := tx.TxID()
	for i, out := range tx.Outputs[:len(tx.Outputs)-1] {
		coins = append(coins, coin{wire.OutPoint{TxID: txid, Index: uint32(i)}, out.Value})
	}
	return coins
}
