package rpc

import (
	"fmt"
	"strings"
	"testing"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/mempool"
	"github.com/keelson-chain/keelson/mempool/policy"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/wire"
)

func standardOnly(c *mempool.Config) { c.Rules.AcceptNonStandard = false }

// spendRaw spends an output by a script and a witness that are given.
func spendRaw(op wire.OutPoint, sigScript []byte, witness [][]byte, outs ...wire.TxOut) *wire.Tx {
	return &wire.Tx{
		Version: 2,
		Inputs:  []wire.TxIn{{PrevOut: op, SigScript: sigScript, Sequence: wire.SequenceFinal, Witness: witness}},
		Outputs: outs,
	}
}

// fund mines a transaction that pays amounts to scripts, from one coin, and
// returns their outpoints.
func (p *pooled) fund(coin consensus.OutCoin, value wire.Amount, scripts ...[]byte) []wire.OutPoint {
	p.t.Helper()
	outs := []wire.TxOut{p.chain.Out(chaingen.P2WPKH, 9, coin.Coin.Out.Value-10_000-value*wire.Amount(len(scripts)))}
	ops := make([]wire.OutPoint, len(scripts))
	for _, s := range scripts {
		outs = append(outs, wire.TxOut{Value: value, PkScript: s})
	}
	tx := p.chain.Spend([]consensus.OutCoin{coin}, outs...)
	for i := range ops {
		ops[i] = wire.OutPoint{TxID: tx.TxID(), Index: uint32(i + 1)}
	}
	p.mine(tx)
	return ops
}

// Sizes, scripts and witnesses at the edges of what is standard (mempool_accept,
// mempool_dust, mempool_datacarrier).
func TestStandardness(t *testing.T) {
	p := startPooled(t, 2, nil, func(c *mempool.Config) {
		standardOnly(c)
		c.Rules.PermitBareMultisig = false
	})
	anchor := []byte{0x51, 2, 0x4e, 0x73}
	nested := script.Hash160(anchor)
	pubKey := append([]byte{2}, p.chain.Script(chaingen.P2TR, 1)[2:]...)
	bare := append(append([]byte{0x51, 33}, pubKey...), 0x51, 0xae)
	ops := p.fund(p.coins[0], 1e6, witnessScript([]byte{0x51}), anchor, append(append([]byte{0xa9, 20}, nested[:]...), 0x87), bare, witnessScript([]byte{0x51}))
	pay := func(value wire.Amount) wire.TxOut {
		return wire.TxOut{Value: value, PkScript: witnessScript([]byte{0x51})}
	}
	truth := [][]byte{{0x51}}
	zeros := func(n int) wire.TxOut {
		return wire.TxOut{Value: 0, PkScript: append([]byte{0x6a}, make([]byte, n-1)...)}
	}
	many := make([]wire.TxOut, 3_200)
	for i := range many {
		many[i] = wire.TxOut{Value: 540, PkScript: append(append([]byte{0xa9, 20}, nested[:]...), 0x87)}
	}
	standard := func(outs ...wire.TxOut) *wire.Tx { return spendRaw(ops[0], nil, truth, outs...) }
	for _, c := range []struct {
		name string
		tx   *wire.Tx
		want string
	}{
		{"plain", standard(pay(990_000)), "allowed"},
		// 65 bytes without the witness are enough, however long that is.
		{"65 bytes", standard(zeros(5)), "allowed"},
		{"64 bytes", standard(zeros(4)), "tx-size-small"},
		{"data of the greatest size", standard(wire.TxOut{PkScript: append([]byte{0x6a, 0x4c, 80}, make([]byte, 80)...)}), "allowed"},
		{"one more byte of data", standard(wire.TxOut{PkScript: append([]byte{0x6a, 0x4c, 81}, make([]byte, 81)...)}), "scriptpubkey"},
		{"a bare multisig output", standard(wire.TxOut{Value: 990_000, PkScript: bare}), "bare-multisig"},
		{"too heavy", standard(many...), "tx-size"},
		{"a P2SH output of 540", standard(pay(980_000), many[0]), "allowed"},
		{"dust by one satoshi", standard(pay(980_000), wire.TxOut{Value: 539, PkScript: many[0].PkScript}), "dust"},
		{"an anchor of 240", standard(pay(980_000), wire.TxOut{Value: 240, PkScript: anchor}), "allowed"},
		{"an anchor of 239", standard(pay(980_000), wire.TxOut{Value: 239, PkScript: anchor}), "dust"},
		{"a long input script", spendRaw(ops[0], append([]byte{0x4d, 0x70, 6}, make([]byte, 1_648)...), truth, pay(990_000)), "scriptsig-size"},
		{"an anchor spent", spendRaw(ops[1], nil, nil, pay(990_000)), "allowed"},
		{"an anchor spent with a witness", spendRaw(ops[1], nil, [][]byte{{'f'}}, pay(990_000)), "bad-witness-nonstandard"},
		{"an anchor within P2SH", spendRaw(ops[2], append([]byte{4}, anchor...), nil, pay(990_000)),
			"non-mandatory-script-verify-flag (Witness version reserved for soft-fork upgrades)"},
		{"a bare multisig spent without a signature", spendRaw(ops[3], []byte{0, 0}, nil, pay(990_000)),
			"mandatory-script-verify-flag-failed (Script evaluated without error but finished with a false/empty top stack element)"},
		{"an outpoint like a coinbase's", func() *wire.Tx {
			tx := standard(pay(990_000))
			tx.Inputs = append(tx.Inputs, wire.TxIn{PrevOut: wire.OutPoint{Index: 0xffffffff}})
			return tx
		}(), "bad-txns-prevout-null"},
		{"outputs that are too much together", standard(wire.TxOut{Value: wire.MaxMoney, PkScript: anchor}, wire.TxOut{Value: wire.MaxMoney, PkScript: anchor}),
			"bad-txns-txouttotal-toolarge"},
		{"larger than a block", func() *wire.Tx {
			tx := standard(pay(990_000))
			for len(tx.Inputs)*41 < 1_000_000 {
				tx.Inputs = append(tx.Inputs, tx.Inputs[0])
			}
			return tx
		}(), "bad-txns-oversize"},
	} {
		if got := p.verdict(c.tx); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
	p.checked(0)
	// What is not standard may be valid.
	p.mine(spendRaw(ops[1], nil, [][]byte{{'f'}}, pay(990_000)), spendRaw(ops[2], append([]byte{4}, anchor...), nil, pay(990_000)))

	// What was spent long ago is missing, not known: nothing of it is left.
	first := spendRaw(ops[4], nil, truth, pay(990_000))
	p.mine(first)
	if got := p.verdict(first); got != "txn-already-known" {
		t.Errorf("%s", got)
	}
	p.mine(spendRaw(wire.OutPoint{TxID: first.TxID()}, nil, truth, pay(980_000)))
	if got := p.verdict(first); got != "missing-inputs" {
		t.Errorf("%s", got)
	}
	p.sendFails(-25, "bad-txns-inputs-missingorspent", first)
}

// signaling makes a payment that says by BIP 125 whether it may be replaced.
func (p *pooled) signaling(yes bool, fee wire.Amount, coins ...consensus.OutCoin) *wire.Tx {
	tx := p.pay(fee, coins...)
	if yes {
		for i := range tx.Inputs {
			tx.Inputs[i].Sequence = wire.SequenceFinal - 2
		}
		p.chain.Sign(tx, coins)
	}
	return tx
}

func (p *pooled) replaceable(tx *wire.Tx) string {
	p.t.Helper()
	return p.call("getmempoolentry", tx.TxID()).Get("bip125-replaceable").Text
}

// Who may be replaced, and at what price (feature_rbf).
func TestReplacementBehaviour(t *testing.T) {
	p := startPooled(t, 5, nil, func(c *mempool.Config) { c.NoFullRBF = true })
	// That an ancestor signals makes an entry replaceable in name, but not in fact.
	parent := p.signaling(true, 1_000, p.coins[0])
	child := p.signaling(false, 1_000, p.out(parent, 0))
	grandchild := p.signaling(false, 1_000, p.out(child, 0))
	p.send(parent, child, grandchild)
	for _, tx := range []*wire.Tx{parent, child, grandchild} {
		if got := p.replaceable(tx); got != "true" {
			t.Errorf("%s", got)
		}
	}
	p.sendFails(-26, "txn-mempool-conflict", p.signaling(true, 90_000, p.out(parent, 0)))
	// Through the one that does, all go.
	better := p.signaling(false, 90_000, p.coins[0])
	p.send(better)
	p.holds(better)
	if got := p.replaceable(better); got != "false" {
		t.Errorf("%s", got)
	}
	p.sendFails(-26, "txn-mempool-conflict", p.signaling(true, 200_000, p.coins[0]))
	// One input that signals is enough; two conflicts of which one does not are not.
	two := p.pay(1_000, p.coins[1], p.coins[2])
	two.Inputs[1].Sequence = 0
	p.chain.Sign(two, p.coins[1:3])
	p.send(two)
	p.sendFails(-26, "txn-mempool-conflict", p.pay(500_000, p.coins[0], p.coins[1]))
	p.send(p.pay(9_000, p.coins[1]))
	// TRUC transactions need no signal.
	truc := p.pay(1_000, p.coins[3])
	truc.Version = 3
	p.chain.Sign(truc, p.coins[3:4])
	p.send(truc)
	p.send(p.pay(9_000, p.coins[3]))
	p.checked(3)

	// What prioritisation says counts, for both sides.
	p = startPooled(t, 3, nil, nil)
	tx := p.pay(1_000, p.coins[0])
	same := p.pay(1_001, p.coins[0])
	p.send(tx)
	if got := p.sendError(same); !strings.HasPrefix(got, fmt.Sprintf("-26 insufficient fee, rejecting replacement %v", same.TxID())) {
		t.Errorf("%s", got)
	}
	p.call("prioritisetransaction", same.TxID(), 0, 100_000)
	p.send(same)
	p.holds(same)
	high := p.pay(90_000, p.coins[0])
	if got := p.sendError(high); !strings.HasPrefix(got, "-26 insufficient fee, rejecting") {
		t.Errorf("%s", got)
	}
	// What was said of one that is replaced is kept.
	if got := p.text("getprioritisedtransactions"); got != fmt.Sprintf(`{"%v":{"fee_delta":100000,"in_mempool":true,"modified_fee":101001}}`, same.TxID()) {
		t.Errorf("%s", got)
	}
	higher := p.pay(300_000, p.coins[0])
	p.send(higher)
	if got := p.text("getprioritisedtransactions"); got != fmt.Sprintf(`{"%v":{"fee_delta":100000,"in_mempool":false}}`, same.TxID()) {
		t.Errorf("%s", got)
	}

	// The increment is incrementalrelayfee for the size of the newcomer.
	for _, rate := range []policy.FeeRate{0, 10, 1_000, 50_000} {
		p := startPooled(t, 1, nil, func(c *mempool.Config) { c.Rules.IncrementalRelay = rate })
		if got, want := p.call("getmempoolinfo").Get("incrementalrelayfee").Text, wire.Amount(rate).String(); got != want {
			t.Errorf("incrementalrelayfee %s, want %s", got, want)
		}
		old := p.pay(10_000, p.coins[0])
		p.send(old)
		least := 10_000 + rate.Fee(virtualSize(old))
		if rate > 10 {
			low := p.pay(least-1, p.coins[0])
			// Sizes differ by the lengths of signatures.
			if virtualSize(low) == virtualSize(old) {
				p.sendFails(-26, fmt.Sprintf("insufficient fee, rejecting replacement %v, not enough additional fees to relay; %s < %s",
					low.TxID(), money(least-1-10_000), money(least-10_000)), low)
			}
		}
		p.send(p.pay(least+rate.Fee(2)+20, p.coins[0]))
		p.checked(1)
	}
}

// truc makes a TRUC transaction of a fee that spends coins; size is the least
// virtual size.
func (p *pooled) truc(version uint32, fee wire.Amount, size int, coins ...consensus.OutCoin) *wire.Tx {
	tx := p.pay(fee, coins...)
	tx.Version = version
	if missing := size - virtualSize(tx); missing > 0 {
		n := max(missing-12, 1)
		tx.Outputs = append(tx.Outputs, wire.TxOut{PkScript: append([]byte{0x6a}, make([]byte, n)...)})
	}
	p.chain.Sign(tx, coins)
	return tx
}

// Transactions of version 3 among themselves (mempool_truc).
func TestTRUCBehaviour(t *testing.T) {
	p := startPooled(t, 6, nil, nil)
	name := func(tx *wire.Tx) string { return fmt.Sprintf("tx %v (wtxid=%v)", tx.TxID(), tx.WTxID()) }
	large := p.truc(3, 100_000, 10_030, p.coins[0])
	p.sendFails(-26, fmt.Sprintf("TRUC-violation, version=3 %s is too big: %d > 10000 virtual bytes", name(large), virtualSize(large)), large)
	p.send(p.truc(2, 100_000, 10_030, p.coins[0]))

	value := p.coins[1].Coin.Out.Value
	parent := p.chain.Spend(p.coins[1:2], p.chain.Out(chaingen.P2WPKH, 1, value/2), p.chain.Out(chaingen.P2WPKH, 2, value/2-1_000))
	parent.Version = 3
	p.chain.Sign(parent, p.coins[1:2])
	p.send(parent)
	big := p.truc(3, 10_000, 1_030, p.out(parent, 0))
	p.sendFails(-26, fmt.Sprintf("TRUC-violation, version=3 child %s is too big: %d > 1000 virtual bytes", name(big), virtualSize(big)), big)
	old := p.pay(10_000, p.out(parent, 0))
	p.sendFails(-26, fmt.Sprintf("TRUC-violation, non-version=3 %s cannot spend from version=3 %s", name(old), name(parent)), old)
	child := p.truc(3, 2_000, 900, p.out(parent, 0))
	p.send(child)
	grandchild := p.truc(3, 10_000, 0, p.out(child, 0))
	p.sendFails(-26, fmt.Sprintf("TRUC-violation, %s would have too many ancestors", name(grandchild)), grandchild)
	// Its replacement counts in its stead.
	another := p.truc(3, 4_000, 800, p.out(parent, 0))
	p.send(another)
	if v := p.call("getmempoolentry", parent.TxID()); v.Get("descendantcount").Text != "2" {
		t.Errorf("%s", encoded(v))
	}
	// A child of another output drives it out, under the rules of replacement.
	const evicting = "insufficient fee (including sibling eviction), rejecting replacement "
	cheap := p.truc(3, 300, 0, p.out(parent, 1))
	if got := p.sendError(cheap); !strings.HasPrefix(got, "-26 "+evicting+cheap.TxID().String()+"; new feerate") {
		t.Errorf("%s", got)
	}
	little := p.truc(3, 4_001, 0, p.out(parent, 1))
	if got := p.sendError(little); !strings.HasPrefix(got, "-26 "+evicting+little.TxID().String()+", not enough additional fees to relay; ") {
		t.Errorf("%s", got)
	}
	sibling := p.truc(3, 9_000, 0, p.out(parent, 1))
	p.send(sibling)
	if p.pool.Has(another.TxID()) || !p.pool.Has(parent.TxID()) {
		t.Error("the sibling was not evicted")
	}
	// At the same time as another conflict.
	unrelated := p.pay(1_000, p.coins[2])
	p.send(unrelated)
	both := p.truc(3, 90_000, 0, p.out(parent, 0), p.coins[2])
	p.send(both)
	if p.pool.Has(sibling.TxID()) || p.pool.Has(unrelated.TxID()) {
		t.Error("both should be gone")
	}

	// A reorganisation may bring what is otherwise forbidden; then nobody's
	// sibling is evicted, but each child can be replaced.
	p = startPooled(t, 6, nil, nil)
	value = p.coins[1].Coin.Out.Value
	parent = p.chain.Spend(p.coins[1:2], p.chain.Out(chaingen.P2WPKH, 1, value/3), p.chain.Out(chaingen.P2WPKH, 2, value/3), p.chain.Out(chaingen.P2WPKH, 3, value/3-1_000))
	parent.Version = 3
	p.chain.Sign(parent, p.coins[1:2])
	plain, trucs := p.pay(1_000, p.coins[2]), p.truc(3, 1_000, 0, p.coins[3])
	p.mine(parent, plain, trucs)
	one, two := p.truc(3, 1_000, 0, p.out(parent, 0)), p.truc(3, 1_000, 0, p.out(parent, 1))
	mixed, mixed2 := p.truc(3, 10_000, 1_200, p.out(plain, 0)), p.pay(1_000, p.out(trucs, 0))
	p.send(one, two, mixed, mixed2)
	p.invalidate(p.height())
	p.holds(parent, plain, trucs, one, two, mixed, mixed2)
	if v := p.call("getmempoolentry", parent.TxID()); v.Get("descendantcount").Text != "3" {
		t.Errorf("%s", encoded(v))
	}
	three := p.truc(3, 90_000, 0, p.out(parent, 2))
	p.sendFails(-26, fmt.Sprintf("TRUC-violation, %s would exceed descendant count limit", name(parent)), three)
	instead := p.truc(3, 90_000, 0, p.out(parent, 0))
	p.send(instead)
	p.holds(parent, plain, trucs, instead, two, mixed, mixed2)

	// Other limits that are tighter hold as well.
	p = startPooled(t, 2, nil, func(c *mempool.Config) {
		c.Limits = mempool.DefaultLimits()
		c.Limits.DescendantSize = 10_000
	})
	parent = p.truc(3, 100_000, 9_990, p.coins[0])
	p.send(parent)
	p.sendFails(-26, fmt.Sprintf("too-long-mempool-chain, exceeds descendant size limit for tx %v [limit: 10000]", parent.TxID()), p.truc(3, 10_000, 500, p.out(parent, 0)))
	p = startPooled(t, 2, nil, func(c *mempool.Config) {
		c.Limits = mempool.DefaultLimits()
		c.Limits.AncestorSize = 10_000
	})
	parent = p.truc(3, 100_000, 9_990, p.coins[0])
	p.send(parent)
	p.sendFails(-26, "too-long-mempool-chain, exceeds ancestor size limit [limit: 10000]", p.truc(3, 10_000, 500, p.out(parent, 0)))
}

// The carve-out lets one more child in, if it is small and alone
// (mempool_package_onemore).
func TestCarveOut(t *testing.T) {
	p := startPooled(t, 2, nil, nil)
	value := p.coins[0].Coin.Out.Value
	var outs []wire.TxOut
	for i := range 3 {
		outs = append(outs, p.chain.Out(chaingen.P2WPKH, i, value/3-10_000))
	}
	first := p.chain.Spend(p.coins[:1], outs...)
	p.send(first)
	second := p.pay(1_000, p.out(first, 0))
	p.send(second)
	last := second
	for range 23 {
		last = p.pay(1_000, p.out(last, 0))
		p.send(last)
	}
	p.checked(25)
	tooMany := fmt.Sprintf("too-long-mempool-chain, too many descendants for tx %v [limit: 25]", first.TxID())
	// Not at the end of the chain, nor with a further ancestor, nor if it is large.
	p.sendFails(-26, "too-long-mempool-chain, too many unconfirmed ancestors [limit: 25]", p.pay(1_000, p.out(last, 0)))
	p.sendFails(-26, tooMany, p.truc(2, 100_000, 10_020, p.out(first, 1)))
	other := p.pay(1_000, p.coins[1])
	p.send(other)
	p.sendFails(-26, tooMany, p.pay(2_000, p.out(first, 1), p.out(other, 0)))
	more := p.pay(1_000, p.out(first, 1))
	p.send(more)
	p.checked(27)
	p.sendFails(-26, tooMany, p.pay(1_000, p.out(first, 2)))
	// The replacement of that one more is fine, too.
	p.send(p.pay(9_000, p.out(first, 1)))
	p.checked(27)
}
