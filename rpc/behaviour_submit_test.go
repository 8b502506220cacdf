package rpc

import (
	"fmt"
	"strings"
	"testing"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/wire"
)

// submitted is what submitblock says.
func (n *testNode) submitted(b *wire.Block) string {
	n.t.Helper()
	v := n.call("submitblock", jsonrpc.Hex(b.Bytes()))
	return v.Text
}

// tip is how getchaintips describes a block, "" if it does not.
func (n *testNode) tip(hash wire.Hash) string {
	n.t.Helper()
	tips := n.call("getchaintips")
	for i := range tips.Len() {
		if v := tips.At(i); v.Get("hash").Text == hash.String() {
			return v.Get("status").Text + " " + v.Get("branchlen").Text
		}
	}
	return ""
}

// Headers and blocks, in good and bad order (mining_basic).
func TestSubmitBehaviour(t *testing.T) {
	p := startPooled(t, 1, nil, nil)
	n := p.testNode
	header := func(b *wire.Block) jsonrpc.Hex { return b.Bytes()[:wire.HeaderSize] }
	changed := func(change func(*wire.Block)) *wire.Block {
		b := p.chain.Next()
		b.Txs[0] = b.Txs[0].Clone()
		change(b)
		chaingen.Solve(b)
		return b
	}
	block := changed(func(b *wire.Block) { b.Header.Time++ })
	n.fails(-22, "Block decode failed", "submitblock", jsonrpc.Hex(block.Bytes()[:block.Size()-15]))
	n.fails(-22, "Block header decode failed", "submitheader", strings.Repeat("x", 2*wire.HeaderSize))
	n.fails(-22, "Block header decode failed", "submitheader", header(block)[2:])
	orphan := changed(func(b *wire.Block) { b.Header.PrevBlock = wire.Hash{123} })
	n.fails(-25, "Must submit previous header (000000000000000000000000000000000000000000000000000000000000007b) first", "submitheader", header(orphan))

	// A header, also with its block behind it, once and again.
	for range 2 {
		n.call("submitheader", jsonrpc.Hex(block.Bytes()))
		n.call("submitheader", header(block))
		if got := n.tip(block.Hash()); got != "headers-only 1" {
			t.Errorf("%q", got)
		}
	}
	// A body that does not fit says nothing against the header.
	root := changed(func(b *wire.Block) { b.Header.MerkleRoot[0] += 2 })
	n.call("submitheader", header(root))
	for range 2 {
		if got := n.submitted(root); got != "bad-txnmrklroot" {
			t.Errorf("%q", got)
		}
	}
	n.call("submitheader", header(root))
	if got := n.tip(root.Hash()); got != "headers-only 1" {
		t.Errorf("%q", got)
	}
	// An invalid block is remembered, and what builds on it is refused.
	locked := changed(func(b *wire.Block) {
		b.Txs[0].LockTime, b.Txs[0].Inputs[0].Sequence = 1<<32-1, 0
		b.Header.MerkleRoot, _ = b.TxMerkleRoot()
	})
	for _, want := range []string{"bad-txns-nonfinal", "duplicate-invalid"} {
		if got := n.submitted(locked); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	above := changed(func(b *wire.Block) { b.Header.PrevBlock = locked.Hash() })
	old := changed(func(b *wire.Block) { b.Header.Time = 1 })
	for range 2 {
		n.fails(-25, "bad-prevblk", "submitheader", header(above))
		n.fails(-25, "time-too-old", "submitheader", header(old))
		p.submitOnce(block)
		if got := n.tip(block.Hash()); got != "active 0" {
			t.Errorf("%q", got)
		}
		n.call("submitheader", header(block))
		n.call("submitheader", header(root))
		if got := n.submitted(block); got != "duplicate" {
			t.Errorf("%q", got)
		}
	}
}

// submitOnce submits a block if it is not in the chain.
func (p *pooled) submitOnce(b *wire.Block) {
	p.t.Helper()
	if p.tip(b.Hash()) != "active 0" {
		p.submit(b)
	}
}

// Rules that begin at a height: what breaks them is valid before, but does not
// get into the pool (feature_cltv, feature_dersig).
func TestActivationBehaviour(t *testing.T) {
	const at = 104
	p := startPooled(t, 2, func(c *Config, _ *ledger.Config) {
		c.Params.Activation[consensus.BIP65] = at
		c.Params.Activation[consensus.BIP66] = at
	}, nil)
	active := func(name string) string {
		return encoded(p.call("getdeploymentinfo").Get("deployments").Get(name))
	}
	deployment := func(active bool) string { return fmt.Sprintf(`{"type":"buried","active":%v,"height":%d}`, active, at) }
	kinds := make([][]byte, 14)
	for i := range kinds {
		kinds[i] = []byte{0x51}
	}
	ops := p.fund(p.coins[0], 1e6, kinds...)
	const negative, tooEarly = "Negative locktime", "Locktime requirement not satisfied"
	type fault struct {
		sigScript          []byte
		lockTime, sequence uint32
		text               string
	}
	cltv := byte(script.OpCheckLockTimeVerify)
	drop := byte(script.OpDrop)
	faults := []fault{
		{[]byte{cltv}, 0, wire.SequenceFinal, "Operation not valid with the current stack size"},
		{[]byte{0x4f, cltv, drop}, 0, wire.SequenceFinal, negative},
		{[]byte{1, 100, cltv, drop}, 1296688602, 0, tooEarly},
		{[]byte{1, 100, cltv, drop}, 50, 0, tooEarly},
		{[]byte{1, 50, cltv, drop}, 50, wire.SequenceFinal, tooEarly},
	}
	spend := func(f fault, op wire.OutPoint) *wire.Tx {
		tx := spendRaw(op, f.sigScript, nil, p.chain.Out(chaingen.P2WPKH, 1, 990_000))
		tx.LockTime, tx.Inputs[0].Sequence = f.lockTime, f.sequence
		return tx
	}
	var txs []*wire.Tx
	for i, f := range faults {
		tx := spend(f, ops[i])
		if got, want := p.verdict(tx), "mandatory-script-verify-flag-failed ("+f.text+")"; got != want {
			t.Errorf("%d: %s, want %s", i, got, want)
		}
		txs = append(txs, tx)
	}
	if got := active("bip65"); got != deployment(false) {
		t.Errorf("%s", got)
	}
	p.mine(txs...)
	if p.height() != at-1 {
		t.Fatalf("height %d", p.height())
	}
	for _, name := range []string{"bip65", "bip66"} {
		if got := active(name); got != deployment(true) {
			t.Errorf("%s: %s", name, got)
		}
	}
	for version, want := range map[int32]string{2: "bad-version(0x00000002)", 3: "bad-version(0x00000003)"} {
		b := p.chain.Next()
		b.Header.Version = version
		chaingen.Solve(b)
		if got := p.submitted(b); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	for i, f := range faults {
		b := p.chain.Next(spend(f, ops[5+i]))
		if got, want := p.submitted(b), "mandatory-script-verify-flag-failed ("+f.text+")"; got != want {
			t.Errorf("%d: %s, want %s", i, got, want)
		}
	}
	// The same with a lock that holds.
	good := fault{[]byte{1, at - 1, cltv, drop}, at - 1, 0, ""}
	tx := spend(good, ops[10])
	b := p.chain.Next(tx)
	b.Header.Version = 4
	chaingen.Solve(b)
	if got := p.submitted(b); got != "" || p.call("getbestblockhash").Text != b.Hash().String() {
		t.Errorf("%s", got)
	}
}
