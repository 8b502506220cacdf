package rpc

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/mempool"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/wire"
)

// pooled is a node whose chain has money that tests can spend.
type pooled struct {
	*testNode
	chain *chaingen.Chain
	coins []consensus.OutCoin // mature coinbases, 50 coins each
}

// startPooled starts a node with mature coinbases. Its clock stands at the
// tip's time.
func startPooled(t testing.TB, mature int, change func(*Config, *ledger.Config), pool func(*mempool.Config)) *pooled {
	t.Helper()
	n := newTestNode(t, change)
	n.servePool(pool)
	c := chaingen.New(n.params)
	c.MineN(int(n.params.CoinbaseMaturity) + mature - 1)
	n.clock.SetMock(int64(c.Tip().Header.Time))
	n.submit(c.Blocks()...)
	p := &pooled{testNode: n, chain: c, coins: c.Mature()}
	if len(p.coins) != mature {
		t.Fatalf("%d mature coins, want %d", len(p.coins), mature)
	}
	return p
}

// pay spends coins to one output and leaves a fee.
func (p *pooled) pay(fee wire.Amount, coins ...consensus.OutCoin) *wire.Tx {
	var sum wire.Amount
	for i := range coins {
		sum += coins[i].Coin.Out.Value
	}
	return p.chain.Spend(coins, p.chain.Out(chaingen.P2WPKH, 1, sum-fee))
}

// out is an output of a transaction that is not in the chain.
func (p *pooled) out(tx *wire.Tx, index int) consensus.OutCoin { return p.chain.OutputsOf(tx)[index] }

// mine puts transactions into a block of the node's chain.
func (p *pooled) mine(txs ...*wire.Tx) *wire.Block {
	p.t.Helper()
	b := p.chain.Mine(txs...)
	p.clock.SetMock(int64(b.Header.Time))
	p.submit(b)
	return b
}

// send gives transactions to the pool, which must take them.
func (p *pooled) send(txs ...*wire.Tx) {
	p.t.Helper()
	for _, tx := range txs {
		if got, want := p.text("sendrawtransaction", raw(tx)), `"`+tx.TxID().String()+`"`; got != want {
			p.t.Fatalf("sendrawtransaction: %s, want %s", got, want)
		}
	}
}

// sendError gives a transaction to the pool, which must refuse it, and returns
// how it does: "-26 dust".
func (p *pooled) sendError(tx *wire.Tx, args ...any) string {
	p.t.Helper()
	_, err := p.Call(p.t.Context(), "sendrawtransaction", append([]any{raw(tx)}, args...)...)
	var e *jsonrpc.Error
	if !errors.As(err, &e) {
		return fmt.Sprint(err)
	}
	return fmt.Sprint(int(e.Code), " ", e.Message)
}

// sendFails is sendError with what is wanted.
func (p *pooled) sendFails(code jsonrpc.Code, want string, tx *wire.Tx, args ...any) {
	p.t.Helper()
	if got, want := p.sendError(tx, args...), fmt.Sprint(int(code), " ", want); got != want {
		p.t.Errorf("sendrawtransaction: %s, want %s", got, want)
	}
}

// named makes a call with named parameters, given as JSON.
func (n *testNode) named(method, params string) jsonrpc.Value {
	n.t.Helper()
	v, err := jsonrpc.Parse(params)
	if err != nil {
		n.t.Fatal(err)
	}
	result, err := n.CallParams(n.t.Context(), method, v)
	if err != nil {
		n.t.Fatalf("%s %s: %v", method, params, err)
	}
	n.documented(method, &result)
	return result
}

func raw(tx *wire.Tx) jsonrpc.Hex { return tx.Append(nil) }

func encoded(v any) string { return string(jsonrpc.Append(nil, v)) }

// checked verifies that the pool is consistent and has that many transactions.
func (p *pooled) checked(size int) {
	p.t.Helper()
	if got := p.text("checkmempool"); got != "null" {
		p.t.Errorf("checkmempool: %s", got)
	}
	if got := p.call("getmempoolinfo").Get("size").Text; got != fmt.Sprint(size) {
		p.t.Errorf("the pool has %s transactions, want %d", got, size)
	}
}

// TestEmptyPool compares what a node without transactions says with what
// Bitcoin Core says.
func TestEmptyPool(t *testing.T) {
	const nothing = `{"startrange":0,"endrange":1e+99,"withintarget":0,"totalconfirmed":0,"inmempool":0,"leftmempool":0},"errors":["Insufficient data or no feerate found which meets threshold"]`
	n := startTestNode(t, nil)
	for _, c := range []struct {
		method string
		args   []any
		want   string
	}{
		{"getmempoolinfo", nil, `{"loaded":true,"size":0,"bytes":0,"usage":0,"total_fee":0.00000000,"maxmempool":300000000,"mempoolminfee":0.00001000,` +
			`"minrelaytxfee":0.00001000,"incrementalrelayfee":0.00001000,"unbroadcastcount":0,"fullrbf":true}`},
		{"getrawmempool", nil, `[]`},
		{"getrawmempool", []any{true}, `{}`},
		{"getrawmempool", []any{false, true}, `{"txids":[],"mempool_sequence":1}`},
		{"getprioritisedtransactions", nil, `{}`},
		{"checkmempool", nil, `null`},
		{"gettxspendingprevout", []any{outPoints(wire.OutPoint{Index: 5})}, `[{"txid":"` + strings.Repeat("0", 64) + `","vout":5}]`},
		{"estimatesmartfee", []any{6}, `{"feerate":0.00002000,"blocks":6}`},
		{"estimaterawfee", []any{13}, `{"medium":{"decay":0.9952,"scale":2,"fail":` + nothing + `},"long":{"decay":0.99931,"scale":24,"fail":` + nothing + `}}`},
	} {
		if got := n.text(c.method, c.args...); got != c.want {
			t.Errorf("%s %v:\n got %s\nwant %s", c.method, c.args, got, c.want)
		}
	}
}

// outPoints are the argument of gettxspendingprevout.
func outPoints(list ...wire.OutPoint) []jsonrpc.Object {
	objects := make([]jsonrpc.Object, len(list))
	for i := range list {
		objects[i].Add("txid", list[i].TxID)
		objects[i].Add("vout", list[i].Index)
	}
	return objects
}

// TestPool follows a family of three transactions from the pool into a block.
//
//	parent --- child --- grandchild
//	      \              /
//	       --------------
func TestPool(t *testing.T) {
	p := startPooled(t, 1, func(_ *Config, c *ledger.Config) { c.TxIndex = true }, nil)
	value := p.coins[0].Coin.Out.Value
	parent := p.chain.Spend(p.coins, p.chain.Out(chaingen.P2WPKH, 1, value/2), p.chain.Out(chaingen.P2TR, 2, value/2-1_000))
	child := p.pay(2_000, p.out(parent, 0))
	child.Inputs[0].Sequence = 0xfffffffd // replaceable
	p.chain.Sign(child, []consensus.OutCoin{p.out(parent, 0)})
	grandchild := p.pay(4_000, p.out(parent, 1), p.out(child, 0))
	p.send(parent, child, grandchild)
	height := fmt.Sprint(p.chain.State().Tip.Height)
	now := fmt.Sprint(p.clock.Now().Unix())
	sizes := []int{virtualSize(parent), virtualSize(child), virtualSize(grandchild)}
	all := sizes[0] + sizes[1] + sizes[2]
	id := func(tx *wire.Tx) string { return tx.TxID().String() }

	// The entries, in full.
	entry := func(tx *wire.Tx, descendants, descendantSize, ancestors, ancestorSize int, fees string, depends, spentBy []*wire.Tx, replaceable bool) string {
		list := func(txs []*wire.Tx, order func(a, b wire.Hash) int) string {
			hashes := make([]wire.Hash, len(txs))
			for i, tx := range txs {
				hashes[i] = tx.TxID()
			}
			slices.SortFunc(hashes, order)
			return encoded(hashes)
		}
		return fmt.Sprintf(`{"vsize":%d,"weight":%d,"time":%s,"height":%s,"descendantcount":%d,"descendantsize":%d,"ancestorcount":%d,"ancestorsize":%d,"wtxid":"%v",`+
			`"fees":{%s},"depends":%s,"spentby":%s,"bip125-replaceable":%v,"unbroadcast":true}`,
			virtualSize(tx), tx.Weight(), now, height, descendants, descendantSize, ancestors, ancestorSize, tx.WTxID(), fees,
			list(depends, func(a, b wire.Hash) int { return strings.Compare(a.String(), b.String()) }),
			list(spentBy, func(a, b wire.Hash) int { return bytes.Compare(a[:], b[:]) }), replaceable)
	}
	entries := map[string]string{
		id(parent): entry(parent, 3, all, 1, sizes[0], `"base":0.00001000,"modified":0.00001000,"ancestor":0.00001000,"descendant":0.00007000`,
			nil, []*wire.Tx{child, grandchild}, false),
		id(child): entry(child, 2, sizes[1]+sizes[2], 2, sizes[0]+sizes[1], `"base":0.00002000,"modified":0.00002000,"ancestor":0.00003000,"descendant":0.00006000`,
			[]*wire.Tx{parent}, []*wire.Tx{grandchild}, true),
		id(grandchild): entry(grandchild, 1, sizes[2], 3, all, `"base":0.00004000,"modified":0.00004000,"ancestor":0.00007000,"descendant":0.00004000`,
			[]*wire.Tx{child, parent}, nil, true), // by inheritance
	}
	for txid, want := range entries {
		if got := p.text("getmempoolentry", txid); got != want {
			t.Errorf("getmempoolentry:\n got %s\nwant %s", got, want)
		}
	}
	if got, want := encoded(p.named("getmempoolentry", `{"txid":"`+id(child)+`"}`)), entries[id(child)]; got != want {
		t.Errorf("getmempoolentry by name: %s", got)
	}
	sameEntries := func(what string, v jsonrpc.Value, txs ...*wire.Tx) {
		t.Helper()
		if v.Len() != len(txs) {
			t.Errorf("%s: %s", what, encoded(v))
		}
		for _, tx := range txs {
			if got := encoded(v.Get(id(tx))); got != entries[id(tx)] {
				t.Errorf("%s of %s: %s", what, id(tx), got)
			}
		}
	}
	sameIDs := func(what string, v jsonrpc.Value, txs ...*wire.Tx) {
		t.Helper()
		var got, want []string
		for i := range v.Len() {
			got = append(got, v.At(i).Text)
		}
		for _, tx := range txs {
			want = append(want, id(tx))
		}
		slices.Sort(got)
		slices.Sort(want)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", what, got, want)
		}
	}
	sameEntries("getrawmempool", p.call("getrawmempool", true), parent, child, grandchild)
	sameEntries("getrawmempool", p.named("getrawmempool", `{"verbose":true,"mempool_sequence":false}`), parent, child, grandchild)
	sameIDs("getrawmempool", p.call("getrawmempool", false), parent, child, grandchild)
	// Fewest ancestors first.
	if got, want := p.text("getrawmempool"), fmt.Sprintf(`["%s","%s","%s"]`, id(parent), id(child), id(grandchild)); got != want {
		t.Errorf("getrawmempool: %s, want %s", got, want)
	}
	for _, c := range []struct {
		tx                     *wire.Tx
		ancestors, descendants []*wire.Tx
	}{
		{parent, nil, []*wire.Tx{child, grandchild}},
		{child, []*wire.Tx{parent}, []*wire.Tx{grandchild}},
		{grandchild, []*wire.Tx{parent, child}, nil},
	} {
		sameIDs("getmempoolancestors", p.call("getmempoolancestors", id(c.tx)), c.ancestors...)
		sameIDs("getmempoolancestors", p.call("getmempoolancestors", id(c.tx), false), c.ancestors...)
		sameEntries("getmempoolancestors", p.call("getmempoolancestors", id(c.tx), true), c.ancestors...)
		sameEntries("getmempoolancestors", p.named("getmempoolancestors", `{"verbose":true,"txid":"`+id(c.tx)+`"}`), c.ancestors...)
		sameIDs("getmempooldescendants", p.call("getmempooldescendants", id(c.tx)), c.descendants...)
		sameEntries("getmempooldescendants", p.call("getmempooldescendants", id(c.tx), true), c.descendants...)
		sameEntries("getmempooldescendants", p.named("getmempooldescendants", `{"verbose":true,"txid":"`+id(c.tx)+`"}`), c.descendants...)
	}

	info := p.call("getmempoolinfo")
	if info.Get("size").Text != "3" || info.Get("bytes").Text != fmt.Sprint(all) || info.Get("total_fee").Text != "0.00007000" || info.Get("unbroadcastcount").Text != "3" ||
		info.Get("usage").Text == "0" {
		t.Errorf("%s", encoded(info))
	}
	before := p.call("getrawmempool", false, true).Get("mempool_sequence").Text

	// Who spends what.
	spentBy := p.named("gettxspendingprevout", `{"outputs":`+encoded(outPoints(p.coins[0].OutPoint, p.out(parent, 1).OutPoint, p.out(grandchild, 0).OutPoint))+`}`)
	if got, want := encoded(spentBy), fmt.Sprintf(`[{"txid":"%v","vout":0,"spendingtxid":"%v"},{"txid":"%v","vout":1,"spendingtxid":"%v"},{"txid":"%v","vout":0}]`,
		p.coins[0].OutPoint.TxID, id(parent), id(parent), id(grandchild), id(grandchild)); got != want {
		t.Errorf("gettxspendingprevout: %s, want %s", got, want)
	}

	// Outputs with and without the pool.
	tip := p.call("getbestblockhash").Text
	for _, c := range []struct {
		name          string
		op            wire.OutPoint
		with, without bool
	}{
		{"spent in the pool", p.coins[0].OutPoint, false, true},
		{"made and spent in the pool", p.out(parent, 0).OutPoint, false, false},
		{"made in the pool", p.out(grandchild, 0).OutPoint, true, false},
		{"not there", wire.OutPoint{TxID: grandchild.TxID(), Index: 1}, false, false},
		{"a coinbase that is not mature", wire.OutPoint{TxID: p.chain.Tip().Txs[0].TxID()}, true, true},
	} {
		if v := p.call("gettxout", c.op.TxID, c.op.Index); v.IsNull() == c.with {
			t.Errorf("%s: %s", c.name, encoded(v))
		}
		if v := p.call("gettxout", c.op.TxID, c.op.Index, true); v.IsNull() == c.with {
			t.Errorf("%s: %s", c.name, encoded(v))
		}
		if v := p.call("gettxout", c.op.TxID, c.op.Index, false); v.IsNull() == c.without {
			t.Errorf("%s, without the pool: %s", c.name, encoded(v))
		}
	}
	v := p.call("gettxout", grandchild.TxID(), 0)
	if v.Get("confirmations").Text != "0" || v.Get("coinbase").Text != "false" || v.Get("bestblock").Text != tip || v.Get("value").Text != grandchild.Outputs[0].Value.String() {
		t.Errorf("gettxout: %s", encoded(v))
	}

	// The transaction itself.
	if got := p.text("getrawtransaction", id(child)); got != encoded(raw(child)) {
		t.Errorf("getrawtransaction: %s", got)
	}
	for _, level := range []int{1, 2} {
		v := p.call("getrawtransaction", id(child), level)
		if v.Key(0) != "txid" || v.Key(v.Len()-1) != "hex" || v.Get("hex").Text != fmt.Sprintf("%x", raw(child)) || !v.Get("fee").IsNull() {
			t.Errorf("getrawtransaction: %s", encoded(v))
		}
	}
	p.fails(-5, "No such transaction found in the provided block. Use gettransaction for wallet transactions.", "getrawtransaction", id(child), 0, tip)

	// Into a block, all but the last.
	p.mine(parent, child)
	p.checked(1)
	if got := p.call("getrawmempool", false, true).Get("mempool_sequence").Text; got == before {
		t.Errorf("the sequence is still %s", got)
	}
	v = p.call("getmempoolentry", id(grandchild))
	if v.Get("ancestorcount").Text != "1" || v.Get("depends").Len() != 0 || v.Get("bip125-replaceable").Text != "false" || v.Get("height").Text != height {
		t.Errorf("%s", encoded(v))
	}
	p.fails(-5, "Transaction not in mempool", "getmempoolentry", id(child))
	if v := p.call("getrawtransaction", id(child), 1); v.Get("confirmations").Text != "1" {
		t.Errorf("getrawtransaction: %s", encoded(v))
	}
	// And back: not as something that nobody has seen, until it is sent again.
	p.call("invalidateblock", p.call("getbestblockhash").Text)
	p.checked(3)
	unbroadcast := func(want string) {
		t.Helper()
		if v := p.call("getmempoolentry", id(child)); v.Get("unbroadcast").Text != want {
			t.Errorf("unbroadcast: %s", encoded(v))
		}
	}
	unbroadcast("false")
	p.send(child)
	unbroadcast("true")
	if got := p.call("getmempoolancestors", id(grandchild)); got.Len() != 2 {
		t.Errorf("getmempoolancestors: %s", encoded(got))
	}
}

// TestPoolChain hangs as many transactions on each other as may be.
func TestPoolChain(t *testing.T) {
	p := startPooled(t, 2, nil, nil)
	coin := p.coins[0]
	var chain []*wire.Tx
	for range 25 {
		tx := p.pay(1_000, coin)
		coin = p.out(tx, 0)
		chain = append(chain, tx)
	}
	p.send(chain...)
	p.checked(25)
	last := p.pay(1_000, coin)
	p.sendFails(-26, "too-long-mempool-chain, too many unconfirmed ancestors [limit: 25]", last)
	first, tail := chain[0].TxID(), chain[24].TxID()
	if v := p.call("getmempoolentry", first); v.Get("descendantcount").Text != "25" || v.Get("fees").Get("descendant").Text != "0.00025000" {
		t.Errorf("%s", encoded(v))
	}
	if v := p.call("getmempoolentry", tail); v.Get("ancestorcount").Text != "25" || v.Get("fees").Get("ancestor").Text != "0.00025000" {
		t.Errorf("%s", encoded(v))
	}
	if n := p.call("getmempoolancestors", tail).Len(); n != 24 {
		t.Errorf("%d ancestors", n)
	}
	if n := p.call("getmempooldescendants", first, true).Len(); n != 24 {
		t.Errorf("%d descendants", n)
	}
	// With the first two in a block there is room for one and one more.
	p.mine(chain[:2]...)
	p.checked(23)
	p.send(last)
	p.checked(24)

	// Shorter limits, and a family that is wide rather than long.
	p = startPooled(t, 1, nil, func(c *mempool.Config) {
		c.Limits = mempool.DefaultLimits()
		c.Limits.DescendantCount = 4
	})
	value := p.coins[0].Coin.Out.Value
	var outs []wire.TxOut
	for i := range 5 {
		outs = append(outs, p.chain.Out(chaingen.P2WPKH, i, value/5-1_000))
	}
	parent := p.chain.Spend(p.coins, outs...)
	p.send(parent, p.pay(1_000, p.out(parent, 0)), p.pay(1_000, p.out(parent, 1)), p.pay(1_000, p.out(parent, 2)))
	// One more is allowed that has no other ancestors (CPFP carve out), and then none.
	p.send(p.pay(1_000, p.out(parent, 3)))
	p.sendFails(-26, fmt.Sprintf("too-long-mempool-chain, too many descendants for tx %v [limit: 4]", parent.TxID()), p.pay(1_000, p.out(parent, 4)))
	p.checked(5)
}

// TestReplacement pays more and more for the same coin.
func TestReplacement(t *testing.T) {
	p := startPooled(t, 3, nil, nil)
	coin := p.coins[0]
	first := p.pay(1_000, coin)
	child := p.pay(1_000, p.out(first, 0))
	p.send(first, child)

	same := p.pay(1_500, coin)
	rate := func(fee wire.Amount, size int) string { return wire.Amount(int64(fee) * 1000 / int64(size)).String() }
	p.sendFails(-26, fmt.Sprintf("insufficient fee, rejecting replacement %v, less fees than conflicting txs; 0.000015 < 0.00002", same.TxID()), same)
	lower := p.chain.Spend(p.coins[:2], p.chain.Out(chaingen.P2WPKH, 1, 99*wire.Coin+99_998_800))
	p.sendFails(-26, fmt.Sprintf("insufficient fee, rejecting replacement %v; new feerate %s BTC/kvB <= old feerate %s BTC/kvB",
		lower.TxID(), rate(1_200, virtualSize(lower)), rate(1_000, virtualSize(first))), lower)
	little := p.pay(2_001, coin)
	p.sendFails(-26, fmt.Sprintf("insufficient fee, rejecting replacement %v, not enough additional fees to relay; 0.00000001 < %s", little.TxID(),
		strings.TrimRight(wire.Amount(virtualSize(little)).String(), "0")), little)
	v := p.call("testmempoolaccept", []any{raw(little)})
	if v.At(0).Get("allowed").Text != "false" || v.At(0).Get("reject-reason").Text != "insufficient fee" {
		t.Errorf("%s", encoded(v))
	}
	p.checked(2)

	better := p.pay(3_000, coin)
	p.send(better)
	p.checked(1)
	p.fails(-5, "Transaction not in mempool", "getmempoolentry", first.TxID())
	p.fails(-5, "Transaction not in mempool", "getmempoolentry", child.TxID())
	// What depends on something else that is unconfirmed comes too late.
	other := p.pay(1_000, p.coins[1])
	p.send(other)
	adds := p.pay(50_000, coin, p.out(other, 0))
	p.sendFails(-26, fmt.Sprintf("replacement-adds-unconfirmed, replacement %v adds unconfirmed input, idx 1", adds.TxID()), adds)
	both := p.pay(50_000, p.out(better, 0), coin)
	p.sendFails(-26, fmt.Sprintf("bad-txns-spends-conflicting-tx, %v spends conflicting transaction %v", both.TxID(), better.TxID()), both)
	p.checked(2)

	// Without full replacement only those can be replaced that say so.
	p = startPooled(t, 2, nil, func(c *mempool.Config) { c.NoFullRBF = true })
	final, signals := p.pay(1_000, p.coins[0]), p.pay(1_000, p.coins[1])
	signals.Inputs[0].Sequence = 0xfffffffd
	p.chain.Sign(signals, p.coins[1:2])
	p.send(final, signals)
	p.sendFails(-26, "txn-mempool-conflict", p.pay(9_000, p.coins[0]))
	p.send(p.pay(9_000, p.coins[1]))
	p.checked(2)
	if got := p.call("getmempoolinfo").Get("fullrbf").Text; got != "false" {
		t.Errorf("fullrbf is %s", got)
	}
}

// TestEviction fills a pool of the least size.
func TestEviction(t *testing.T) {
	p := startPooled(t, 1, nil, func(c *mempool.Config) { c.MaxBytes = 5_000_000 })
	// 100 coins for 100 transactions of 70 kvB.
	const count = 100
	value := p.coins[0].Coin.Out.Value / count
	outs := make([]wire.TxOut, count)
	for i := range outs {
		outs[i] = p.chain.Out(chaingen.P2WPKH, i, value-1_000)
	}
	split := p.chain.Spend(p.coins, outs...)
	p.mine(split)
	large := wire.TxOut{PkScript: append([]byte{0x6a}, make([]byte, 70_000)...)}
	big := make([]*wire.Tx, count)
	for i := range big {
		coin := p.out(split, i)
		fee := wire.Amount(100_000 + 5_000*i)
		big[i] = p.chain.Spend([]consensus.OutCoin{coin}, p.chain.Out(chaingen.P2WPKH, 1, coin.Coin.Out.Value-fee), large)
	}
	p.send(big...)
	info := p.call("getmempoolinfo")
	size := len(p.pool.Infos())
	if info.Get("maxmempool").Text != "5000000" || len(info.Get("usage").Text) > 7 || info.Get("usage").Text > "5000000" || size < 30 || size > 80 {
		t.Errorf("%s", encoded(info))
	}
	p.checked(size)
	// The cheapest have gone.
	for i, tx := range big {
		if got := p.pool.Has(tx.TxID()); got != (i >= count-size) {
			t.Errorf("transaction %d of %d is there: %v", i, count, got)
		}
	}
	least := info.Get("mempoolminfee").Text
	if least <= "0.00001000" || least != p.call("getmempoolinfo").Get("mempoolminfee").Text {
		t.Errorf("%s", encoded(info))
	}
	rate, ok := parseFixed(least, amountDecimals)
	if !ok {
		t.Fatal(least)
	}
	wanted := (int64(virtualSize(big[0]))*rate + 999) / 1000
	p.sendFails(-26, fmt.Sprintf("mempool min fee not met, 100000 < %d", wanted), big[0])
	if v := p.call("testmempoolaccept", []any{raw(big[0])}); v.At(0).Get("reject-reason").Text != "mempool min fee not met" {
		t.Errorf("%s", encoded(v))
	}
	// What is told to be worth more gets in.
	p.call("prioritisetransaction", big[0].TxID(), nil, 1_000_000)
	p.send(big[0])
	if v := p.call("getmempoolentry", big[0].TxID()); v.Get("fees").Get("modified").Text != "0.01100000" || v.Get("fees").Get("base").Text != "0.00100000" {
		t.Errorf("%s", encoded(v))
	}
	p.checked(len(p.pool.Infos()))
}

func TestPriority(t *testing.T) {
	p := startPooled(t, 2, nil, nil)
	tx := p.pay(1_000, p.coins[0])
	child := p.pay(1_000, p.out(tx, 0))
	later := p.pay(0, p.coins[1])
	p.send(tx, child)
	p.sendFails(-26, fmt.Sprintf("min relay fee not met, 0 < %d", virtualSize(later)), later)
	for _, dummy := range []any{nil, 0, number("0.0"), number("-0")} {
		if got := p.text("prioritisetransaction", tx.TxID(), dummy, 500); got != "true" {
			t.Errorf("prioritisetransaction: %s", got)
		}
	}
	p.named("prioritisetransaction", `{"txid":"`+later.TxID().String()+`","fee_delta":7000}`)
	fees := func(tx *wire.Tx) string { return encoded(p.call("getmempoolentry", tx.TxID()).Get("fees")) }
	if got := fees(tx); got != `{"base":0.00001000,"modified":0.00003000,"ancestor":0.00003000,"descendant":0.00004000}` {
		t.Errorf("%s", got)
	}
	if got := fees(child); got != `{"base":0.00001000,"modified":0.00001000,"ancestor":0.00004000,"descendant":0.00001000}` {
		t.Errorf("%s", got)
	}
	v := p.call("getprioritisedtransactions")
	if got := encoded(v.Get(tx.TxID().String())); v.Len() != 2 || got != `{"fee_delta":2000,"in_mempool":true,"modified_fee":3000}` {
		t.Errorf("%s", encoded(v))
	}
	if got := encoded(v.Get(later.TxID().String())); got != `{"fee_delta":7000,"in_mempool":false}` {
		t.Errorf("%s", encoded(v))
	}
	v = p.call("testmempoolaccept", []any{raw(later)})
	if rate := wire.Amount(7_000 * 1000 / virtualSize(later)).String(); v.At(0).Get("fees").Get("effective-feerate").Text != rate || v.At(0).Get("fees").Get("base").Text != "0.00000000" {
		t.Errorf("%s", encoded(v))
	}
	p.send(later)
	p.checked(3)
	if got := p.call("getmempoolinfo").Get("total_fee").Text; got != "0.00002000" {
		t.Errorf("total_fee %s", got)
	}
	// Downwards, until nothing is left to say.
	p.call("prioritisetransaction", tx.TxID(), nil, -2_000)
	p.call("prioritisetransaction", later.TxID(), 0, -6_999)
	if got := p.text("getprioritisedtransactions"); got != `{"`+later.TxID().String()+`":{"fee_delta":1,"in_mempool":true,"modified_fee":1}}` {
		t.Errorf("%s", got)
	}
	// A block settles it.
	p.mine(later)
	if got := p.text("getprioritisedtransactions"); got != `{}` {
		t.Errorf("%s", got)
	}
	p.checked(2)
}

// TestPoolFile saves the pool and starts again from its file.
func TestPoolFile(t *testing.T) {
	p := startPooled(t, 3, nil, nil)
	tx := p.pay(1_000, p.coins[0])
	child := p.pay(2_000, p.out(tx, 0))
	other := p.pay(3_000, p.coins[1])
	absent := p.pay(0, p.coins[2])
	p.send(tx, child, other)
	p.call("prioritisetransaction", other.TxID(), nil, 77)
	p.call("prioritisetransaction", absent.TxID(), nil, 88)
	before, deltas := p.text("getrawmempool", true), p.text("getprioritisedtransactions")
	if got := p.text("savemempool"); got != encoded(jsonrpc.Object{{Key: "filename", Value: p.config.PoolFile}}) {
		t.Errorf("savemempool: %s", got)
	}
	if _, err := os.Stat(p.config.PoolFile); err != nil {
		t.Fatal(err)
	}
	// The pool's journal begins anew: it holds no transaction.
	if journal, err := os.Stat(p.config.PoolFile + ".journal"); err != nil || journal.Size() >= int64(tx.Size()) {
		t.Errorf("the journal after savemempool: %+v, %v", journal, err)
	}
	p.clock.SetMock(p.clock.Now().Unix() + 60) // the time of arrival is kept
	p.servePool(nil)
	p.checked(3)
	if got := p.text("getrawmempool", true); got != before {
		t.Errorf("after a restart: %s\nwant %s", got, before)
	}
	if got := p.text("getprioritisedtransactions"); got != deltas {
		t.Errorf("after a restart: %s\nwant %s", got, deltas)
	}
	if got := p.call("getmempoolinfo").Get("loaded").Text; got != "true" {
		t.Errorf("loaded is %s", got)
	}
	// What a block has meanwhile is not taken again.
	p.call("savemempool")
	p.mine(other)
	p.servePool(nil)
	p.checked(2)

	// A file that cannot be written.
	if err := os.Remove(p.config.PoolFile); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(p.config.PoolFile+".new/x", 0o700); err != nil {
		t.Fatal(err)
	}
	p.fails(-1, "Unable to dump mempool to disk", "savemempool")
}

// TestImportMempool is what Bitcoin Core's mempool_persist looks at of importmempool.
func TestImportMempool(t *testing.T) {
	p := startPooled(t, 4, nil, nil)
	tx, free := p.pay(1_000, p.coins[0]), p.truc(3, 0, 0, p.coins[1])
	child := p.truc(3, 5_000, 0, p.out(free, 0))
	p.send(tx)
	p.packageMessage(p.submitPackage(free, child), "success", nil)
	p.call("prioritisetransaction", tx.TxID(), nil, 77)
	p.call("savemempool")
	saved, err := os.ReadFile(p.config.PoolFile)
	if err != nil {
		t.Fatal(err)
	}
	came := p.call("getmempoolentry", tx.TxID()).Get("time").Text
	path := filepath.Join(filepath.Dir(p.config.PoolFile), "other.dat")
	if err := os.WriteFile(path, saved, 0o600); err != nil {
		t.Fatal(err)
	}
	empty := func() {
		t.Helper()
		for _, name := range []string{"", ".journal", ".journal.old"} {
			if err := os.Remove(p.config.PoolFile + name); err != nil && !errors.Is(err, fs.ErrNotExist) {
				t.Fatal(err)
			}
		}
		p.servePool(nil)
		p.checked(0)
	}
	p.clock.SetMock(p.clock.Now().Unix() + 60)
	now := fmt.Sprint(p.clock.Now().Unix())

	empty()
	p.fails(-1, "Unable to import mempool file, see debug.log for details.", "importmempool", "absent.dat")
	for _, c := range []struct {
		path    string
		options string
		time    string
		fee     string
		unsent  string
	}{
		{path, `{}`, now, "0.00001000", "false"},
		{"other.dat", `{"use_current_time":false,"apply_fee_delta_priority":false,"apply_unbroadcast_set":false}`, came, "0.00001000", "false"},
		{"other.dat", `{"apply_fee_delta_priority":true,"apply_unbroadcast_set":true}`, now, "0.00001077", "true"},
	} {
		empty()
		if got := p.named("importmempool", fmt.Sprintf(`{"filepath":%q,"options":%s}`, c.path, c.options)); encoded(&got) != "{}" {
			t.Errorf("importmempool: %s", encoded(&got))
		}
		p.holds(tx, free, child)
		e := p.call("getmempoolentry", tx.TxID())
		if e.Get("time").Text != c.time || e.Get("fees").Get("modified").Text != c.fee || e.Get("unbroadcast").Text != c.unsent {
			t.Errorf("%s: %s, want time %s, fee %s, unbroadcast %s", c.options, encoded(&e), c.time, c.fee, c.unsent)
		}
	}
	if got := p.text("importmempool", path); got != "{}" {
		t.Errorf("with nothing new in it: %s", got)
	}
	p.checked(3)

	empty()
	if err := os.WriteFile(path, saved[:len(saved)-1], 0o600); err != nil {
		t.Fatal(err)
	}
	p.fails(-1, "Unable to import mempool file, see debug.log for details.", "importmempool", path)
	p.checked(0)
	p.fails(-1, "importmempool", "importmempool")
	p.fails(-3, "JSON value of type string is not of expected type bool", "importmempool", path, jsonrpc.Object{{Key: "use_current_time", Value: "x"}})
}

func TestPoolNotLoaded(t *testing.T) {
	n := newTestNode(t, nil)
	pool, err := mempool.New(mempool.Config{Chain: n.ledger, File: n.config.PoolFile, Now: n.clock.Now})
	if err != nil {
		t.Fatal(err)
	}
	n.pool = pool
	n.server.Serve(Node{Ledger: n.ledger, Pool: pool})
	if got := n.call("getmempoolinfo").Get("loaded").Text; got != "false" {
		t.Errorf("loaded is %s", got)
	}
	n.fails(-1, "The mempool was not loaded yet", "savemempool")
	n.fails(-10, "Can only import the mempool after the block download and sync is done.", "importmempool", "x")
}

// TestPoolErrors are errors that Bitcoin Core 28.1 answers.
func TestPoolErrors(t *testing.T) {
	n := startTestNode(t, nil)
	const zeros = "0000000000000000000000000000000000000000000000000000000000000000"
	const bad = "Zd1d4e24ed99057e84c3f80fd8fbec79ed9e1acee37da269356ecea000000000"
	prevout := func(text string) []any {
		v, err := jsonrpc.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		return []any{v}
	}
	for _, c := range []struct {
		method  string
		args    []any
		code    jsonrpc.Code
		message string
	}{
		{"getmempoolinfo", []any{1}, -1, "getmempoolinfo\n\n"},
		{"savemempool", []any{1}, -1, "savemempool\n\n"},
		{"getrawmempool", []any{true, true}, -8, "Verbose results cannot contain mempool sequence values."},
		{"getrawmempool", []any{1}, -3, "Wrong type passed:\n{\n    \"Position 1 (verbose)\": \"JSON value of type number is not of expected type bool\"\n}"},
		{"getrawmempool", []any{true, true, 1}, -1, "getrawmempool ( verbose mempool_sequence )\n\n"},
		{"getmempoolentry", []any{zeros}, -5, "Transaction not in mempool"},
		{"getmempoolentry", []any{"foo"}, -8, "parameter 1 must be of length 64 (not 3, for 'foo')"},
		{"getmempoolentry", []any{bad}, -8, "parameter 1 must be hexadecimal string (not '" + bad + "')"},
		{"getmempoolentry", nil, -1, "getmempoolentry \"txid\"\n\n"},
		{"getmempoolancestors", []any{zeros}, -5, "Transaction not in mempool"},
		{"getmempoolancestors", []any{zeros, true}, -5, "Transaction not in mempool"},
		{"getmempoolancestors", []any{zeros, 1}, -3, "Position 2 (verbose)"},
		{"getmempoolancestors", nil, -1, "getmempoolancestors \"txid\" ( verbose )\n\n"},
		{"getmempooldescendants", []any{zeros}, -5, "Transaction not in mempool"},
		{"getmempooldescendants", []any{"foo"}, -8, "parameter 1 must be of length 64 (not 3, for 'foo')"},
		{"getmempooldescendants", nil, -1, "getmempooldescendants \"txid\" ( verbose )\n\n"},

		{"gettxspendingprevout", []any{[]any{}}, -8, "Invalid parameter, outputs are missing"},
		{"gettxspendingprevout", prevout(`[{"txid":"` + zeros + `","vout":-1}]`), -8, "Invalid parameter, vout cannot be negative"},
		{"gettxspendingprevout", prevout(`[{"txid":"` + zeros + `","vout":0},{"txid":1,"vout":0}]`), -3, "JSON value of type number for field txid is not of expected type string"},
		{"gettxspendingprevout", prevout(`[{"txid":"` + zeros + `","vout":"0"}]`), -3, "JSON value of type string for field vout is not of expected type number"},
		{"gettxspendingprevout", prevout(`[{"txid":"` + zeros + `"}]`), -3, "Missing vout"},
		{"gettxspendingprevout", prevout(`[{"vout":0}]`), -3, "Missing txid"},
		{"gettxspendingprevout", prevout(`[{"txid":"` + zeros + `","vout":0,"unknown":1}]`), -3, "Unexpected key unknown"},
		{"gettxspendingprevout", prevout(`[{"txid":"` + zeros + `","vout":4294967296}]`), -1, "JSON integer out of range"},
		{"gettxspendingprevout", prevout(`[{"txid":"foo","vout":0}]`), -8, "txid must be of length 64 (not 3, for 'foo')"},
		{"gettxspendingprevout", prevout(`["` + zeros + `"]`), -3, "JSON value of type string is not of expected type object"},
		{"gettxspendingprevout", []any{"x"}, -3, "Wrong type passed"},
		{"gettxspendingprevout", nil, -1, "gettxspendingprevout [{\"txid\":\"hex\",\"vout\":n},...]\n\n"},

		{"prioritisetransaction", nil, -1, "prioritisetransaction \"txid\" ( dummy ) fee_delta\n\n"},
		{"prioritisetransaction", []any{zeros, 0}, -1, "prioritisetransaction \"txid\" ( dummy ) fee_delta\n\n"},
		{"prioritisetransaction", []any{zeros, 0, 0, 0}, -1, "prioritisetransaction \"txid\" ( dummy ) fee_delta\n\n"},
		{"prioritisetransaction", []any{zeros, "foo", 0}, -3, "Wrong type passed:\n{\n    \"Position 2 (dummy)\": \"JSON value of type string is not of expected type number\"\n}"},
		{"prioritisetransaction", []any{zeros, 0, "foo"}, -3, "Wrong type passed:\n{\n    \"Position 3 (fee_delta)\": \"JSON value of type string is not of expected type number\"\n}"},
		{"prioritisetransaction", []any{zeros, 1, 0}, -8, "Priority is no longer supported, dummy argument to prioritisetransaction must be 0."},
		{"prioritisetransaction", []any{zeros, number("0.1"), 0}, -8, "Priority is no longer supported, dummy argument to prioritisetransaction must be 0."},
		{"prioritisetransaction", []any{zeros, 0, number("0.5")}, -1, "JSON integer out of range"},
		{"prioritisetransaction", []any{"foo", 0, 0}, -8, "txid must be of length 64 (not 3, for 'foo')"},
		{"prioritisetransaction", []any{bad, 0, 0}, -8, "txid must be hexadecimal string (not '" + bad + "')"},
		{"getprioritisedtransactions", []any{true}, -1, "getprioritisedtransactions\n\n"},

		{"estimatesmartfee", nil, -1, "estimatesmartfee conf_target ( \"estimate_mode\" )\n\n"},
		{"estimatesmartfee", []any{1, "ECONOMICAL", 1}, -1, "estimatesmartfee conf_target ( \"estimate_mode\" )\n\n"},
		{"estimatesmartfee", []any{"foo"}, -3, "Wrong type passed:\n{\n    \"Position 1 (conf_target)\": \"JSON value of type string is not of expected type number\"\n}"},
		{"estimatesmartfee", []any{1, 1}, -3, "Wrong type passed:\n{\n    \"Position 2 (estimate_mode)\": \"JSON value of type number is not of expected type string\"\n}"},
		{"estimatesmartfee", []any{1, "foo"}, -8, `Invalid estimate_mode parameter, must be one of: "unset", "economical", "conservative"`},
		{"estimatesmartfee", []any{0}, -8, "Invalid conf_target, must be between 1 and 1008"},
		{"estimatesmartfee", []any{1009}, -8, "Invalid conf_target, must be between 1 and 1008"},
		{"estimatesmartfee", []any{-1}, -8, "Invalid conf_target, must be between 1 and 1008"},

		{"estimaterawfee", nil, -1, "estimaterawfee conf_target ( threshold )\n\n"},
		{"estimaterawfee", []any{1, 1, 1}, -1, "estimaterawfee conf_target ( threshold )\n\n"},
		{"estimaterawfee", []any{"foo"}, -3, "Wrong type passed:\n{\n    \"Position 1 (conf_target)\": \"JSON value of type string is not of expected type number\"\n}"},
		{"estimaterawfee", []any{1, "foo"}, -3, "Wrong type passed:\n{\n    \"Position 2 (threshold)\": \"JSON value of type string is not of expected type number\"\n}"},
		{"estimaterawfee", []any{0}, -8, "Invalid conf_target, must be between 1 and 1008"},
		{"estimaterawfee", []any{1009}, -8, "Invalid conf_target, must be between 1 and 1008"},
		{"estimaterawfee", []any{1, number("1.01")}, -8, "Invalid threshold"},
		{"estimaterawfee", []any{1, -1}, -8, "Invalid threshold"},
	} {
		n.fails(c.code, c.message, c.method, c.args...)
	}
	for _, mode := range []any{nil, "unset", "UNSET", "economical", "Conservative"} {
		for _, target := range []int{1, 1008} {
			if got := n.text("estimatesmartfee", target, mode); got != fmt.Sprintf(`{"feerate":0.00002000,"blocks":%d}`, target) {
				t.Errorf("estimatesmartfee %d %v: %s", target, mode, got)
			}
		}
	}
}
