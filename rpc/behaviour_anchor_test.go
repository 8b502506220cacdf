package rpc

import (
	"testing"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/mempool"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/wire"
)

// TestAnchor: the script OP_1 <4e73> is an anchor and has an address (Bitcoin Core's
// P2A). It is paid to by that address, and anybody spends it without a signature or a
// witness, and pays with that for the transaction that made it.
func TestAnchor(t *testing.T) {
	p := startPooled(t, 2, nil, func(c *mempool.Config) { standardOnly(c) })
	const (
		anchor = "bcrt1pfeesnyr2tx"
		before = `{"asm":"1 29518","desc":"addr(bcrt1pfeesnyr2tx)#swxgse0y",`
		after  = `"address":"bcrt1pfeesnyr2tx","type":"anchor"}`
	)
	same := func(what string, v jsonrpc.Value, want string) {
		t.Helper()
		if got := encoded(&v); got != want {
			t.Errorf("%s:\n got %s\nwant %s", what, got, want)
		}
	}
	same("decodescript", p.call("decodescript", "51024e73"), before+after)

	// A parent that pays nothing, with an anchor that is worth nothing.
	coin := p.coins[0]
	change := p.call("decodescript", jsonrpc.Hex(p.chain.Script(chaingen.P2WPKH, 1))).Get("address").Text
	made := p.call("createrawtransaction",
		[]any{object("txid", coin.OutPoint.TxID, "vout", coin.OutPoint.Index)},
		[]any{object(change, coin.Coin.Out.Value), object(anchor, 0)})
	v := p.call("decoderawtransaction", made.Text)
	same("decoderawtransaction", *v.Get("vout").At(1).Get("scriptPubKey"), before+`"hex":"51024e73",`+after)
	unsigned, err := decodeTxForms(made.Text, true, true)
	if err != nil {
		t.Fatal(err)
	}
	parent := unsigned.Clone()
	parent.Version = 3
	p.chain.Sign(parent, []consensus.OutCoin{coin})

	// The child brings a coin for the fee. Only that is signed for: OP_1 alone asks
	// for as little as an anchor, and is known to the chain.
	coins := []consensus.OutCoin{p.out(parent, 1), p.coins[1]}
	coins[0].Coin.Out.PkScript = p.chain.Script(chaingen.Anyone, 0)
	child := p.chain.Spend(coins, p.chain.Out(chaingen.P2WPKH, 2, coins[1].Coin.Out.Value-5_000))
	child.Version = 3
	p.chain.Sign(child, coins)
	if in := &child.Inputs[0]; len(in.SigScript) != 0 || len(in.Witness) != 0 {
		t.Fatalf("the anchor is spent with %x, %x", in.SigScript, in.Witness)
	}
	p.packageMessage(p.submitPackage(parent, child), "success", nil)
	p.holds(parent, child)
	v = p.call("gettxout", parent.TxID().String(), 1)
	if !v.IsNull() {
		t.Errorf("the anchor is unspent: %s", encoded(&v))
	}
	p.checked(2)
	p.mine(parent, child)
	p.checked(0)

	// One that is worth something is a coin like others in a block, too.
	var ops []wire.OutPoint
	for _, op := range p.fund(p.out(child, 0), 240, []byte{0x51, 2, 0x4e, 0x73}) {
		v := p.call("gettxout", op.TxID.String(), op.Index)
		same("gettxout", *v.Get("scriptPubKey"), before+`"hex":"51024e73",`+after)
		ops = append(ops, op)
	}
	if len(ops) != 1 {
		t.Fatal("no anchor is mined")
	}
}

// object is a JSON object of keys, each with its value after it.
func object(list ...any) (o jsonrpc.Object) {
	for i := 0; i < len(list); i += 2 {
		o.Add(list[i].(string), list[i+1])
	}
	return o
}
