package rpc

import (
	"encoding/hex"
	"encoding/json"
	"testing"

	"github.com/keelson-chain/keelson/internal/vectors"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
)

// TestBlockStats submits Bitcoin Core's chain of 104 blocks and compares every
// statistic that Core computes of it.
func TestBlockStats(t *testing.T) {
	var data struct {
		Blocks   []string
		MockTime int64
		Stats    []json.RawMessage
	}
	if err := json.Unmarshal(vectors.Read(t, "bitcoin-core-28.1/test/functional/data/rpc_getblockstats.json"), &data); err != nil {
		t.Fatal(err)
	}
	if len(data.Blocks) != 104 || len(data.Stats) != 3 {
		t.Fatalf("%d blocks and %d statistics", len(data.Blocks), len(data.Stats))
	}
	n := startTestNode(t, nil)
	n.call("setmocktime", data.MockTime)
	for i, block := range data.Blocks {
		want := "null"
		if i == 0 {
			want = `"duplicate"` // the genesis block
		}
		if got := n.text("submitblock", block); got != want {
			t.Fatalf("block %d: %s", i, got)
		}
	}
	compared := 0
	for _, raw := range data.Stats {
		want, err := jsonrpc.Parse(string(raw))
		if err != nil {
			t.Fatal(err)
		}
		height := want.Get("height").Text
		byHeight := n.call("getblockstats", number(height))
		byHash := n.call("getblockstats", want.Get("blockhash").Text)
		if a, b := string(jsonrpc.Append(nil, byHeight)), string(jsonrpc.Append(nil, byHash)); a != b {
			t.Errorf("height %s: by hash %s", height, b)
		}
		if got := byHeight.Len(); got != want.Len() {
			t.Errorf("height %s: %d statistics, want %d", height, got, want.Len())
		}
		for i := range want.Len() {
			name := want.Key(i)
			got, wanted := string(jsonrpc.Append(nil, *byHeight.Get(name))), string(jsonrpc.Append(nil, *want.At(i)))
			if got != wanted {
				t.Errorf("height %s: %s is %s, want %s", height, name, got, wanted)
			}
			single := n.text("getblockstats", number(height), []string{name})
			if single != `{"`+name+`":`+wanted+`}` {
				t.Errorf("height %s: %s alone: %s", height, name, single)
			}
			compared++
		}
	}
	if compared != 3*31 {
		t.Errorf("%d statistics compared", compared)
	}

	// The order of names asked for is the alphabet's; a name twice counts once.
	if got := n.text("getblockstats", 103, []string{"txs", "height", "txs"}); got != `{"height":103,"txs":5}` {
		t.Errorf("selected: %s", got)
	}
	n.fails(-8, "Invalid selected statistic 'aaaasdfghjkl'", "getblockstats", 1, []string{"minfee", "aaaasdfghjkl"})
	n.fails(-8, "Target block height -1 is negative", "getblockstats", -1)
	n.fails(-8, "Target block height 104 after current tip 103", "getblockstats", 104)
	n.fails(-5, "Block not found", "getblockstats", hex.EncodeToString(make([]byte, 32)))
	n.fails(-1, "getblockstats hash_or_height ( stats )\n\n", "getblockstats")
	n.fails(-3, "JSON value of type number is not of expected type string", "getblockstats", 1, []any{1})
	n.fails(-3, "JSON value of type bool is not of expected type string", "getblockstats", true)

	// The genesis block's coinbase is not among the unspent outputs.
	if got := n.text("getblockstats", 0, []string{"utxo_increase", "utxo_size_inc", "utxo_size_inc_actual", "utxo_increase_actual"}); got !=
		`{"utxo_increase":1,"utxo_increase_actual":0,"utxo_size_inc":117,"utxo_size_inc_actual":0}` {
		t.Errorf("genesis: %s", got)
	}
}

// number is a number that is already JSON.
func number(text string) jsonrpc.Value { return jsonrpc.Value{Kind: jsonrpc.Number, Text: text} }
