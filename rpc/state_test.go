package rpc

import (
	"testing"
	"time"

	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
)

const payAnyone = "raw(51)"

// TestNodeState takes a node back behind blocks, a reorganisation, transactions and
// changes of the clock, and finds it what it was.
func TestNodeState(t *testing.T) {
	p := startPooled(t, 3, nil, nil)
	p.call("setmocktime", p.clock.Now().Unix()+5)
	p.clock.SetOffset(90 * time.Second)
	p.send(p.pay(10_000, p.coins[0]), p.pay(20_000, p.coins[1]))
	best := p.call("getbestblockhash").Text
	show := func() string {
		return p.text("getchaintips") + p.text("getrawmempool", true) + p.text("gettxoutsetinfo", "muhash") + p.text("getbestblockhash")
	}
	before, state := show(), p.call("getnodestate")
	if got := state.Get("best").Text; got != best {
		t.Fatalf("the state is of %s, not %s", got, best)
	}
	for round := range 2 {
		first := p.call("generatetodescriptor", 1, payAnyone)
		block := p.call("getblock", first.At(0).Text, 0).Text
		p.call("generatetodescriptor", 2, payAnyone)
		p.call("invalidateblock", first.At(0).Text)
		p.call("settimeoffset", 86400)
		p.call("generatetodescriptor", 1, payAnyone)
		p.call("setnodestate", state)
		if got := show(); got != before {
			t.Fatalf("round %d: the node is\n%s, not\n%s", round, got, before)
		}
		if again := p.call("getnodestate"); string(jsonrpc.Append(nil, again)) != string(jsonrpc.Append(nil, state)) {
			t.Fatalf("round %d: the state is\n%s, not\n%s", round, jsonrpc.Append(nil, again), jsonrpc.Append(nil, state))
		}
		p.fails(-5, "Block not found", "getblock", first.At(0).Text)
		// The same block is new.
		if got := p.text("submitblock", block); got != "null" {
			t.Fatalf("round %d: the block again: %s", round, got)
		}
		if got := p.call("getbestblockhash").Text; got != first.At(0).Text {
			t.Fatalf("round %d: the tip is %s", round, got)
		}
		p.call("setnodestate", state)
	}
}

// TestNodeStateErrors: a state that cannot be restored changes nothing.
func TestNodeStateErrors(t *testing.T) {
	p := startPooled(t, 1, nil, nil)
	state := p.call("getnodestate")
	with := func(name string, member string) jsonrpc.Value {
		v, err := jsonrpc.Parse(string(jsonrpc.Append(nil, state)))
		if err != nil {
			t.Fatal(err)
		}
		m, err := jsonrpc.Parse(member)
		if err != nil {
			t.Fatal(err)
		}
		v.SetMember(name, m)
		return v
	}
	unknown := `"00000000000000000000000000000000000000000000000000000000000000ff"`
	for _, c := range []struct {
		code    jsonrpc.Code
		message string
		state   jsonrpc.Value
	}{
		{-5, "not of this node", with("best", unknown)},
		{-5, "not of this node", with("tips", `[{"hash":`+unknown+`}]`)},
		{-8, "best must be of length 64", with("best", `"00"`)},
		{-3, "best is a JSON value of type number", with("best", `1`)},
		{-3, "tips is a JSON value of type object", with("tips", `{}`)},
		{-3, "hash is a JSON value of type null", with("tips", `[{}]`)},
		{-3, "body is a JSON value of type null", with("blocks", `[{"hash":`+unknown+`}]`)},
		{-25, "the checkpoint does not fit", with("tips", `[]`)},
		{-22, "pool is not base64", with("pool", `"*"`)},
		{-22, "The pool of the state cannot be read", with("pool", `"AAAA"`)},
		{-8, "Mocktime must be in the range", with("mocktime", `-1`)},
		{-8, "The offset must be in the range", with("timeoffset", `99999999999`)},
		{-1, "JSON integer out of range", with("timeoffset", `1.5`)},
	} {
		p.fails(c.code, c.message, "setnodestate", c.state)
		if got := p.call("getnodestate"); string(jsonrpc.Append(nil, got)) != string(jsonrpc.Append(nil, state)) {
			t.Fatalf("%s: the state is %s", c.message, jsonrpc.Append(nil, got))
		}
	}
	p.fails(-3, "not of expected type object", "setnodestate", 1)
}

// BenchmarkNodeState takes a node back behind ten blocks of a chain of 200.
func BenchmarkNodeState(b *testing.B) {
	n := startTestNode(b, func(_ *Config, l *ledger.Config) { l.TxIndex, l.AddressIndex = true, true })
	n.call("generatetodescriptor", 200, payAnyone)
	state := n.call("getnodestate")
	for b.Loop() {
		b.StopTimer()
		n.call("generatetodescriptor", 10, payAnyone)
		b.StartTimer()
		n.call("getnodestate")
		n.call("setnodestate", state)
	}
}
