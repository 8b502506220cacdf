package rpc

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/wire"
)

func TestTxOutProof(t *testing.T) {
	n := startTestNode(t, nil)
	c := minedChain(n)
	b := c.Blocks()[len(c.Blocks())-1]
	coinbase, tx := b.Txs[0].TxID().String(), b.Txs[1].TxID().String()
	spent := b.Txs[1].Inputs[0].PrevOut.TxID.String()
	hash := b.Hash().String()
	for _, ids := range [][]string{{coinbase}, {tx}, {tx, coinbase}} {
		for _, args := range [][]any{{ids}, {ids, hash}} {
			proof := n.call("gettxoutproof", args...)
			got := n.call("verifytxoutproof", proof.Text)
			if got.Len() != len(ids) {
				t.Errorf("%v: %s is proven", ids, jsonrpc.Append(nil, got))
			}
			for i := range got.Len() { // in the order of the block
				if id := got.At(i).Text; id != b.Txs[i].TxID().String() && (len(ids) > 1 || id != ids[0]) {
					t.Errorf("%v: %s is proven", ids, id)
				}
			}
		}
	}
	for _, e := range []struct {
		code jsonrpc.Code
		text string
		args []any
	}{
		{-5, "Transaction not yet in block", []any{[]string{spent}}},
		{-5, "Not all transactions found in specified or retrieved block", []any{[]string{tx, spent}}},
		{-5, "Not all transactions found in specified or retrieved block", []any{[]string{tx}, n.params.GenesisHash.String()}},
		{-8, "Parameter 'txids' cannot be empty", []any{[]string{}}},
		{-8, "Invalid parameter, duplicated txid: " + tx, []any{[]string{tx, tx}}},
		{-8, "txid must be of length 64 (not 32, for '00000000000000000000000000000000')", []any{[]string{strings.Repeat("0", 32)}}},
		{-8, "txid must be hexadecimal string (not 'ZZZ", []any{[]string{"ZZZ" + strings.Repeat("0", 61)}}},
		{-8, "blockhash must be of length 64 (not 32", []any{[]string{tx}, strings.Repeat("0", 32)}},
		{-5, "Block not found", []any{[]string{tx}, strings.Repeat("0", 64)}},
	} {
		n.fails(e.code, e.text, "gettxoutproof", e.args...)
	}
	// A bent proof proves nothing; one of a block that is not on the chain is an error.
	raw, _ := hex.DecodeString(n.call("gettxoutproof", []string{tx}).Text)
	m, _, err := wire.DecodeMerkleBlock(raw)
	if err != nil {
		t.Fatal(err)
	}
	m.Hashes[0][3]++
	if got := n.text("verifytxoutproof", jsonrpc.Hex(m.Append(nil))); got != "[]" {
		t.Errorf("a bent proof: %s", got)
	}
	n.fails(-1, "end of data", "verifytxoutproof", jsonrpc.Hex(raw[:90]))
	n.fails(-8, "proof must be hexadecimal string", "verifytxoutproof", "xy")
	n.call("invalidateblock", hash)
	n.fails(-5, "Block not found in chain", "verifytxoutproof", jsonrpc.Hex(raw))

	// With an index a transaction whose outputs are spent is found, too.
	with := startTestNode(t, func(_ *Config, l *ledger.Config) { l.TxIndex = true })
	minedChain(with)
	if got := with.text("verifytxoutproof", with.call("gettxoutproof", []string{spent}).Text); got != `["`+spent+`"]` {
		t.Errorf("of the index: %s", got)
	}
}

// Calls that wait take no slot: with one thread, others go on. A new block ends them,
// and so does the time, and the end of the server.
func TestWait(t *testing.T) {
	n := startTestNode(t, func(c *Config, _ *ledger.Config) { c.Threads = 1 })
	c := minedChain(n)
	tip := n.ledger.Tip().Tip
	now := fmt.Sprintf(`{"hash":"%v","height":%d}`, tip.Hash, tip.Height)
	for _, args := range [][]any{
		{"waitforblock", tip.Hash.String()}, {"waitforblockheight", tip.Height}, {"waitforblockheight", 1}, // at once
		{"waitfornewblock", 50}, {"waitforblock", strings.Repeat("0", 64), 50}, {"waitforblockheight", tip.Height + 1, 50}, {"waitfornewblock", -1},
	} {
		if got := n.text(args[0].(string), args[1:]...); got != now {
			t.Errorf("%v: %s, not %s", args, got, now)
		}
	}
	n.fails(-8, "blockhash must be of length 64", "waitforblock", "00")

	next := c.Mine()
	answers := make(chan string, 3)
	waiting := func(want int) {
		t.Helper()
		deadline := time.Now().Add(time.Minute)
		for {
			v := n.call("getrpcinfo")
			count := 0
			for i := range v.Get("active_commands").Len() {
				if strings.HasPrefix(v.Get("active_commands").At(i).Get("method").Text, "waitfor") {
					count++
				}
			}
			if count == want {
				return
			}
			if time.Now().After(deadline) {
				t.Fatalf("%d calls wait", count)
			}
			time.Sleep(time.Millisecond)
		}
	}
	start := func(args ...any) {
		go func() {
			v, err := n.Call(t.Context(), args[0].(string), args[1:]...)
			if err != nil {
				answers <- err.Error()
				return
			}
			answers <- string(jsonrpc.Append(nil, v))
		}()
	}
	start("waitfornewblock")
	start("waitforblock", next.Hash().String())
	start("waitforblockheight", tip.Height+1, 600_000)
	waiting(3)
	n.submit(next)
	for range 3 {
		select {
		case got := <-answers:
			if want := fmt.Sprintf(`{"hash":"%v","height":%d}`, next.Hash(), tip.Height+1); got != want {
				t.Errorf("%s, not %s", got, want)
			}
		case <-time.After(time.Minute):
			t.Fatal("a call waits on")
		}
	}
	start("waitfornewblock")
	waiting(1)
	n.stop()
	select {
	case <-answers:
	case <-time.After(time.Minute):
		t.Fatal("the end of the server does not end a call")
	}
}
