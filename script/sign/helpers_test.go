package sign

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/script/sig"
	"github.com/keelson-chain/keelson/wire"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// key returns the private key with the number.
func key(number byte) *sig.PrivateKey {
	k, ok := sig.NewPrivateKey(&[32]byte{0: 1, 31: number})
	if !ok {
		panic(number)
	}
	return k
}

func pub(number byte) []byte { return key(number).PubKey(true) }

func p2pk(key []byte) []byte {
	return new(script.Builder).Data(key).Op(script.OpCheckSig).Script()
}

func p2pkh(key []byte) []byte {
	hash := script.Hash160(key)
	return keyHashScript(hash[:])
}

func p2sh(redeem []byte) []byte {
	hash := script.Hash160(redeem)
	return new(script.Builder).Op(script.OpHash160).Data(hash[:]).Op(script.OpEqual).Script()
}

func p2wpkh(key []byte) []byte {
	hash := script.Hash160(key)
	return new(script.Builder).Op(script.Op0).Data(hash[:]).Script()
}

func p2wsh(code []byte) []byte {
	hash := sha256.Sum256(code)
	return new(script.Builder).Op(script.Op0).Data(hash[:]).Script()
}

func p2tr(output []byte) []byte {
	return new(script.Builder).Op(script.Op1).Data(output).Script()
}

func multisig(required int, keys ...[]byte) []byte {
	b := new(script.Builder).Int(int64(required))
	for _, k := range keys {
		b.Data(k)
	}
	return b.Int(int64(len(keys))).Op(script.OpCheckMultisig).Script()
}

// multiA is the leaf of multi_a().
func multiA(required int, keys ...[32]byte) []byte {
	b, op := new(script.Builder), script.OpCheckSig
	for _, k := range keys {
		b.Data(k[:]).Op(op)
		op = script.OpCheckSigAdd
	}
	return b.Int(int64(required)).Op(script.OpNumEqual).Script()
}

// coin is an output with what its owner knows.
type coin struct {
	name    string
	script  []byte
	scripts [][]byte // redeem and witness scripts
	taproot *Taproot
	private []byte // numbers of the keys that must sign
	long    bool   // the keys are used uncompressed
}

func (c *coin) keys() *Keys {
	k := new(Keys)
	for _, number := range c.private {
		k.Add(key(number), !c.long)
	}
	for _, s := range c.scripts {
		k.AddScript(s)
	}
	if c.taproot != nil {
		if _, ok := k.AddTaproot(*c.taproot); !ok {
			panic(c.name)
		}
	}
	return k
}

func outputOf(t Taproot) []byte {
	output, ok := new(Keys).AddTaproot(t)
	if !ok {
		panic("no taproot output")
	}
	return p2tr(output[:])
}

// testCoins are coins of every kind that can be signed for.
func testCoins() []coin {
	three := multisig(2, pub(1), pub(2), pub(3))
	long := key(1).PubKey(false)
	nested := func(c coin) coin {
		c.name = "sh(" + c.name + ")"
		c.scripts = append(c.scripts, c.script)
		c.script = p2sh(c.script)
		return c
	}
	coins := []coin{
		{name: "pk", script: p2pk(pub(1)), private: []byte{1}},
		{name: "pk, uncompressed", script: p2pk(long), private: []byte{1}, long: true},
		{name: "pkh", script: p2pkh(pub(1)), private: []byte{1}},
		{name: "pkh, uncompressed", script: p2pkh(long), private: []byte{1}, long: true},
		{name: "multi", script: three, private: []byte{1, 3}},
		{name: "multi, all keys", script: three, private: []byte{1, 2, 3}},
		{name: "multi, 1 of 1", script: multisig(1, pub(1)), private: []byte{1}},
		{name: "wpkh", script: p2wpkh(pub(1)), private: []byte{1}},
	}
	for _, c := range coins[:len(coins)-1] {
		coins = append(coins, nested(c))
		if c.long {
			continue
		}
		w := c
		w.name, w.script, w.scripts = "wsh("+c.name+")", p2wsh(c.script), [][]byte{c.script}
		coins = append(coins, w, nested(w))
	}
	coins = append(coins, nested(coins[7]))

	internal, x := key(1).XOnly(), key(2).XOnly()
	leaf := TapLeaf{Version: 0xc0, Script: p2pk(x[:])}
	many := TapLeaf{Version: 0xc0, Script: multiA(2, key(2).XOnly(), key(3).XOnly(), key(4).XOnly())}
	other := TapLeaf{Version: 0xc0, Script: []byte{byte(script.OpReturn)}}
	hash := func(l TapLeaf) [32]byte { return script.TapLeafHash(l.Version, l.Script) }
	inner := script.TapBranchHash(hash(many), hash(other))
	root := script.TapBranchHash(hash(leaf), inner)
	leaf.Path = [][32]byte{inner}
	many.Path = [][32]byte{hash(other), hash(leaf)}
	other.Path = [][32]byte{hash(many), hash(leaf)}
	alone := Taproot{InternalKey: internal}
	tree := Taproot{InternalKey: internal, Root: root[:], Leaves: []TapLeaf{other, many, leaf}}
	return append(coins,
		coin{name: "rawtr", script: p2tr(internal[:]), private: []byte{1}},
		coin{name: "tr", script: outputOf(alone), taproot: &alone, private: []byte{1}},
		coin{name: "tr with a tree", script: outputOf(tree), taproot: &tree, private: []byte{1}},
		coin{name: "tr, leaf of one key", script: outputOf(tree), taproot: &tree, private: []byte{2}},
		coin{name: "tr, leaf of multi_a", script: outputOf(tree), taproot: &tree, private: []byte{3, 4}},
		coin{name: "tr, the smaller leaf", script: outputOf(tree), taproot: &tree, private: []byte{2, 3, 4}},
	)
}

// spend returns a transaction with three inputs, of which the middle one spends
// c, and three outputs.
func spend(c *coin) (*wire.Tx, []*wire.TxOut) {
	tx := &wire.Tx{Version: 2, LockTime: 17}
	var spent []*wire.TxOut
	for i := range 3 {
		tx.Inputs = append(tx.Inputs, wire.TxIn{PrevOut: wire.OutPoint{TxID: wire.Hash{byte(i) + 1}, Index: uint32(i)}, Sequence: 0xfffffffd})
		tx.Outputs = append(tx.Outputs, wire.TxOut{Value: wire.Amount(1000 + i), PkScript: []byte{byte(script.Op1)}})
		spent = append(spent, &wire.TxOut{Value: wire.Amount(2000 + i), PkScript: []byte{byte(script.Op1)}})
	}
	spent[1].PkScript = c.script
	return tx, spent
}

// verifyInput runs the scripts of an input of a transaction that came over the
// wire.
func verifyInput(t testing.TB, tx *wire.Tx, spent []*wire.TxOut, input int) error {
	t.Helper()
	again, err := wire.DecodeTx(tx.Append(nil))
	if err != nil {
		t.Fatal(err)
	}
	outs := make([]wire.TxOut, len(spent))
	for i := range spent {
		outs[i] = *spent[i]
	}
	return script.Verify(script.NewSigHashes(again, outs), input, script.StandardFlags, sig.Exact{Verifier: sig.DCRD()})
}
