package chaingen

import (
	"fmt"
	"math/big"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/wire"
)

// Kind is a way to be paid.
type Kind uint8

// The kinds.
const (
	P2WPKH Kind = iota
	P2TR
	P2PKH
	// Anyone is OP_TRUE, for which an empty input script is enough.
	Anyone
	numKinds
)

// owner is who can spend a script.
type owner struct {
	kind    Kind
	key     *big.Int // the secret that signs: tweaked for P2TR
	pub     point
	encoded []byte // the key of P2WPKH and P2PKH
	code    []byte // the script that their signatures commit to: that of P2PKH
}

// Script returns the output script of a kind and the key with a number. What
// is paid to it can be spent with Spend.
func (c *Chain) Script(kind Kind, number int) []byte {
	name := [2]int{int(kind), number}
	if pkScript, ok := c.scripts[name]; ok {
		return pkScript
	}
	pkScript, o := c.makeScript(kind, number)
	c.scripts[name] = pkScript
	c.owners[string(pkScript)] = o
	return pkScript
}

func (c *Chain) makeScript(kind Kind, number int) ([]byte, *owner) {
	o := &owner{kind: kind}
	if kind == Anyone {
		return []byte{0x51}, o
	}
	o.key = c.curve.scalar("key", number)
	o.pub = c.curve.mul(o.key)
	x := bytes32(o.pub.x)
	if kind == P2TR {
		// The key path only: the tweak commits to no script (BIP 341).
		tweak := script.TapTweakHash(x[:], nil)
		key := new(big.Int).Add(c.curve.even(o.key, o.pub), new(big.Int).SetBytes(tweak[:]))
		o.key = key.Mod(key, c.curve.n)
		o.pub = c.curve.mul(o.key)
		x = bytes32(o.pub.x)
		return append([]byte{0x51, 32}, x[:]...), o
	}
	o.encoded = append([]byte{0x02 + byte(o.pub.y.Bit(0))}, x[:]...)
	hash := script.Hash160(o.encoded)
	o.code = append(append([]byte{0x76, 0xa9, 20}, hash[:]...), 0x88, 0xac)
	if kind == P2WPKH {
		return append([]byte{0x00, 20}, hash[:]...), o
	}
	return o.code, o
}

// Out returns an output that pays to a key of the chain.
func (c *Chain) Out(kind Kind, number int, value wire.Amount) wire.TxOut {
	return wire.TxOut{Value: value, PkScript: c.Script(kind, number)}
}

// Sign fills in the input scripts and witnesses of tx, which spends coins of
// the chain's own keys in order. tx must not have been shared.
func (c *Chain) Sign(tx *wire.Tx, coins []consensus.OutCoin) {
	outs := make([]wire.TxOut, len(coins))
	for i := range coins {
		outs[i] = coins[i].Coin.Out
	}
	hashes := script.NewSigHashes(tx, outs)
	for i := range tx.Inputs {
		o := c.owners[string(outs[i].PkScript)]
		if o == nil {
			panic(fmt.Sprintf("chaingen: %v pays to no key of the chain", coins[i].OutPoint))
		}
		in := &tx.Inputs[i]
		in.SigScript, in.Witness = nil, nil
		switch o.kind {
		case P2WPKH:
			sig := c.curve.ecdsa(o.key, hashes.WitnessV0(o.code, i, script.SigHashAll))
			in.Witness = [][]byte{append(sig, script.SigHashAll), o.encoded}
		case P2TR:
			hash, _ := hashes.Taproot(i, script.SigHashDefault, nil, nil)
			in.Witness = [][]byte{c.curve.schnorr(o.key, o.pub, hash)}
		case P2PKH:
			sig := c.curve.ecdsa(o.key, hashes.Legacy(o.code, i, script.SigHashAll))
			sig = append(sig, script.SigHashAll)
			in.SigScript = append(append([]byte{byte(len(sig))}, sig...), byte(len(o.encoded)))
			in.SigScript = append(in.SigScript, o.encoded...)
		}
	}
}
