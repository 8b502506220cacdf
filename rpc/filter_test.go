package rpc

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/script/address"
	"github.com/keelson-chain/keelson/wire"
	"github.com/keelson-chain/keelson/wire/filter"
)

// allIndexes switches every index on.
func allIndexes(_ *Config, l *ledger.Config) {
	l.TxIndex, l.BlockFilterIndex, l.CoinStatsIndex = true, true, true
}

// minedChain gives a node a chain with payments of several kinds.
func minedChain(n *testNode) *chaingen.Chain {
	n.t.Helper()
	c := chaingen.New(n.params)
	c.MineN(104)
	own := c.Mature()
	for i := range 3 {
		coin := own[i]
		half := coin.Coin.Out.Value/2 - 1000
		c.Mine(c.Spend(own[i:i+1], c.Out(chaingen.P2WPKH, 100+i, half), c.Out(chaingen.P2TR, 100+i, half), wire.TxOut{Value: 5, PkScript: []byte{0x6a, 1, byte(i)}}))
	}
	n.submit(c.Blocks()...)
	return c
}

func TestGetBlockFilter(t *testing.T) {
	n := startTestNode(t, allIndexes)
	c := minedChain(n)
	previous := wire.Hash{}
	for h := range n.ledger.Tip().Tip.Height + 1 {
		e, _ := n.ledger.EntryAt(h)
		b, err := n.ledger.Block(e.Ref.Hash)
		if err != nil {
			t.Fatal(err)
		}
		coins, err := n.ledger.Spent(e.Ref.Hash)
		if err != nil {
			t.Fatal(err)
		}
		var spent [][]byte
		for _, coin := range coins {
			spent = append(spent, coin.Out.PkScript)
		}
		f := filter.Basic(b, spent)
		previous = f.Header(previous)
		want := fmt.Sprintf(`{"filter":"%x","header":"%v"}`, []byte(f), previous)
		if got := n.text("getblockfilter", e.Ref.Hash.String()); got != want {
			t.Fatalf("block %d: %s, not %s", h, got, want)
		}
	}
	// A block that was never connected has none.
	c.GotoHash(c.Tip().Header.PrevBlock)
	lone := c.Mine()
	if got := n.text("submitblock", jsonrpc.Hex(lone.Bytes())); got != `"inconclusive"` {
		t.Fatalf("submitblock: %s", got)
	}
	n.fails(-5, "Filter not found. Block was not connected to active chain.", "getblockfilter", lone.Hash().String())
	n.fails(-5, "Block not found", "getblockfilter", strings.Repeat("0", 64))
	n.fails(-5, "Unknown filtertype", "getblockfilter", lone.Hash().String(), "unknown")
	n.fails(-8, "blockhash must be of length 64 (not 2, for 'ab')", "getblockfilter", "ab")

	height := n.ledger.Tip().Tip.Height
	is := fmt.Sprintf(`{"synced":true,"best_block_height":%d}`, height)
	if got, want := n.text("getindexinfo"), `{"txindex":`+is+`,"coinstatsindex":`+is+`,"basic block filter index":`+is+`}`; got != want {
		t.Errorf("getindexinfo: %s, not %s", got, want)
	}
	if got, want := n.text("getindexinfo", "coinstatsindex"), `{"coinstatsindex":`+is+`}`; got != want {
		t.Errorf("getindexinfo: %s, not %s", got, want)
	}
	if got := n.text("getindexinfo", "foo"); got != "{}" {
		t.Errorf("getindexinfo foo: %s", got)
	}

	off := startTestNode(t, nil)
	off.fails(-1, "Index is not enabled for filtertype basic", "getblockfilter", off.params.GenesisHash.String())
	off.fails(-1, "Index is not enabled for filtertype basic", "scanblocks", "start", []string{})
	if got := off.text("getindexinfo"); got != "{}" {
		t.Errorf("getindexinfo without indexes: %s", got)
	}
}

// What the index says at the tip is what a walk over all coins says; Core's own
// test has these figures for the first blocks of its chain.
func TestCoinStatsIndex(t *testing.T) {
	n := startTestNode(t, allIndexes)
	minedChain(n)
	walk := n.call("gettxoutsetinfo", "muhash", nil, false)
	indexed := n.call("gettxoutsetinfo", "muhash")
	for _, key := range []string{"height", "bestblock", "txouts", "bogosize", "muhash", "total_amount"} {
		if a, b := walk.Get(key).Text, indexed.Get(key).Text; a != b || a == "" {
			t.Errorf("%s is %s by a walk, %s by the index", key, a, b)
		}
	}
	if !walk.Get("total_unspendable_amount").IsNull() || walk.Get("transactions").IsNull() || !indexed.Get("disk_size").IsNull() {
		t.Error("the wrong members")
	}
	height := n.ledger.Tip().Tip.Height
	e, _ := n.ledger.EntryAt(height - 1)
	for _, by := range []any{height - 1, e.Ref.Hash.String()} {
		v := n.call("gettxoutsetinfo", "none", by)
		// The block's miner has not taken the fee, or some of it, or all: it adds up.
		info := v.Get("block_info")
		sum := amountOf(t, info.Get("coinbase")) + amountOf(t, info.Get("new_outputs_ex_coinbase")) + amountOf(t, info.Get("unspendable")) - amountOf(t, info.Get("prevout_spent"))
		if sum != 50*wire.Coin || info.Get("unspendables").Get("scripts").Text != "0.00000005" {
			t.Errorf("block_info %s", jsonrpc.Append(nil, info))
		}
		if v.Get("height").Text != fmt.Sprint(height-1) || !v.Get("muhash").IsNull() {
			t.Errorf("%s", jsonrpc.Append(nil, v))
		}
	}
	if got, want := n.text("gettxoutsetinfo", "none", 0), `{"height":0,"bestblock":"`+n.params.GenesisHash.String()+`","txouts":0,"bogosize":0,"total_amount":0.00000000,"total_unspendable_amount":50.00000000,`+
		`"block_info":{"prevout_spent":0.00000000,"coinbase":0.00000000,"new_outputs_ex_coinbase":0.00000000,"unspendable":50.00000000,`+
		`"unspendables":{"genesis_block":50.00000000,"bip30":0.00000000,"scripts":0.00000000,"unclaimed_rewards":0.00000000}}}`; got != want {
		t.Errorf("genesis: %s, not %s", got, want)
	}
	n.fails(-8, "hash_serialized_3 hash type cannot be queried for a specific block", "gettxoutsetinfo", "hash_serialized_3", 1)
	n.fails(-8, "Cannot set use_index to false when querying for a specific block", "gettxoutsetinfo", "muhash", 1, false)
	n.fails(-8, "Target block height 10000 after current tip", "gettxoutsetinfo", "muhash", 10000)
	n.fails(-8, "Target block height -1 is negative", "gettxoutsetinfo", "muhash", -1)
	n.fails(-5, "Block not found", "gettxoutsetinfo", "muhash", strings.Repeat("0", 64))
	n.fails(-8, "'foo hash' is not a valid hash_type", "gettxoutsetinfo", "foo hash")
	off := startTestNode(t, nil)
	off.fails(-8, "Querying specific block heights requires coinstatsindex", "gettxoutsetinfo", "muhash", 1)
}

func amountOf(t *testing.T, v *jsonrpc.Value) wire.Amount {
	t.Helper()
	whole, fraction, _ := strings.Cut(v.Text, ".")
	var a wire.Amount
	if _, err := fmt.Sscan(whole+fraction, &a); err != nil || len(fraction) != 8 {
		t.Fatalf("%q is no amount", v.Text)
	}
	return a
}

func TestScans(t *testing.T) {
	n := startTestNode(t, allIndexes)
	c := minedChain(n)
	last := c.Blocks()[len(c.Blocks())-1]
	out := last.Txs[1].Outputs[0]
	addr, ok := address.Encode(&n.params.Address, out.PkScript)
	if !ok {
		t.Fatal("no address")
	}
	tip := n.ledger.Tip().Tip
	got := n.text("scantxoutset", "start", []string{"addr(" + addr + ")"})
	desc := n.call("getdescriptorinfo", "addr("+addr+")")
	want := fmt.Sprintf(`{"success":true,"txouts":%s,"height":%d,"bestblock":"%v","unspents":[{"txid":"%v","vout":0,"scriptPubKey":"%x","desc":"%s","amount":%v,"coinbase":false,"height":%d,"blockhash":"%v","confirmations":1}],"total_amount":%v}`,
		n.call("gettxoutsetinfo").Get("txouts").Text, tip.Height, tip.Hash, last.Txs[1].TxID(), out.PkScript, desc.Get("descriptor").Text, out.Value, tip.Height, tip.Hash, out.Value)
	if got != want {
		t.Errorf("scantxoutset: %s, not %s", got, want)
	}
	if again := n.text("scantxoutset", "start", []any{"raw(" + hex.EncodeToString(out.PkScript) + ")", "addr(" + addr + ")"}); again != want {
		t.Errorf("the same script twice: %s, not %s", again, want)
	}

	// Every script of every block is found where it is, and nowhere else.
	where := map[string][]string{}
	for h := range tip.Height + 1 {
		e, _ := n.ledger.EntryAt(h)
		b, _ := n.ledger.Block(e.Ref.Hash)
		spent, _ := n.ledger.Spent(e.Ref.Hash)
		note := func(s []byte) {
			if list := where[string(s)]; len(s) > 0 && s[0] != 0x6a && !slices.Contains(list, e.Ref.Hash.String()) {
				where[string(s)] = append(list, e.Ref.Hash.String())
			}
		}
		for _, tx := range b.Txs {
			for _, o := range tx.Outputs {
				note(o.PkScript)
			}
		}
		for _, coin := range spent {
			note(coin.Out.PkScript)
		}
	}
	for s, blocks := range where {
		v := n.call("scanblocks", "start", []string{"raw(" + hex.EncodeToString([]byte(s)) + ")"}, 0, nil, "basic", jsonrpc.Object{{Key: "filter_false_positives", Value: true}})
		var found []string
		for i := range v.Get("relevant_blocks").Len() {
			found = append(found, v.Get("relevant_blocks").At(i).Text)
		}
		if !slices.Equal(found, blocks) || v.Get("completed").Text != "true" || v.Get("to_height").Text != fmt.Sprint(tip.Height) {
			t.Fatalf("%x is in %v, found in %s", s, blocks, jsonrpc.Append(nil, v))
		}
	}
	if len(where) < 5 {
		t.Fatalf("%d scripts", len(where))
	}
	if got, want := n.text("scanblocks", "start", []string{"addr(" + addr + ")"}, tip.Height, tip.Height), fmt.Sprintf(`{"from_height":%d,"to_height":%d,"relevant_blocks":["%v"],"completed":true}`, tip.Height, tip.Height, tip.Hash); got != want {
		t.Errorf("scanblocks: %s, not %s", got, want)
	}
	for _, m := range []string{"scantxoutset", "scanblocks"} {
		if got := n.text(m, "status") + n.text(m, "abort"); got != "nullfalse" {
			t.Errorf("%s without a scan: %s", m, got)
		}
		n.fails(-8, "Invalid action 'foobar'", m, "foobar")
	}
	n.fails(-1, "scanobjects argument is required for the start action", "scantxoutset", "start")
	n.fails(-1, "Invalid start_height", "scanblocks", "start", []string{}, 100000000)
	n.fails(-1, "Invalid start_height", "scanblocks", "start", []string{}, -1)
	n.fails(-1, "Invalid stop_height", "scanblocks", "start", []string{}, 10, 0)
	n.fails(-1, "Invalid stop_height", "scanblocks", "start", []string{}, 10, 100000000)
	n.fails(-5, "Unknown filtertype", "scanblocks", "start", []string{}, 0, 10, "extended")
	scan := func(o any) []any { return []any{"start", []any{o}} }
	for _, r := range []struct {
		text string
		r    any
	}{
		{"End of range is too high", -1}, {"Range should be greater or equal than 0", []any{-1, 10}},
		{"Range specified as [begin,end] must not have begin after end", []any{2, 1}}, {"Range is too large", []any{0, 1000001}},
	} {
		n.fails(-8, r.text, "scantxoutset", scan(jsonrpc.Object{{Key: "desc", Value: "desc"}, {Key: "range", Value: r.r}})...)
	}
	n.fails(-5, "'desc' is not a valid descriptor function", "scantxoutset", scan("desc")...)
	n.fails(-8, "Descriptor needs to be provided in scan object", "scantxoutset", scan(jsonrpc.Object{{Key: "range", Value: 1}})...)
	n.fails(-8, "Scan object needs to be either a string or an object", "scantxoutset", scan(1)...)

	// One at a time, which another call ends.
	for _, m := range []string{"scantxoutset", "scanblocks"} {
		ended := make(chan jsonrpc.Value, 1)
		failed := make(chan error, 1)
		many := jsonrpc.Object{{Key: "desc", Value: "wpkh(tpubD6NzVbkrYhZ4WaWSyoBvQwbpLkojyoTZPRsgXELWz3Popb3qkjcJyJUGLnL4qHHoQvao8ESaAstxYSnhyswJ76uZPStJRJCTKvosUCJZL5B/1/1/*)"}, {Key: "range", Value: 999_999}}
		go func() {
			v, err := n.Call(t.Context(), m, "start", []any{many})
			if err != nil {
				failed <- err
				return
			}
			ended <- v
		}()
		deadline := time.Now().Add(time.Minute)
		for {
			if v := n.call(m, "status"); !v.IsNull() {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("the scan does not begin")
			}
			time.Sleep(time.Millisecond)
		}
		n.fails(-8, "Scan already in progress", m, "start", []string{})
		if got := n.text(m, "abort"); got != "true" {
			t.Errorf("%s abort: %s", m, got)
		}
		select {
		case err := <-failed: // while it reads its descriptors
			if !strings.Contains(err.Error(), "aborted") {
				t.Errorf("%s: %v", m, err)
			}
		case v := <-ended:
			t.Errorf("%s came to its end: %s", m, jsonrpc.Append(nil, v))
		case <-time.After(time.Minute):
			t.Fatalf("%s goes on", m)
		}
	}
}
