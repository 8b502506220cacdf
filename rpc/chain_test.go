package rpc

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/wire"
)

const (
	genesisHash   = "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206"
	genesisHeader = "0100000000000000000000000000000000000000000000000000000000000000000000003ba3edfd7a7b12b27ac72c3e67768f617fc81bc3888a51323a9fb8aa4b1e5e4adae5494dffff7f2002000000"
	unknownHash   = "00000000000000000000000000000000000000000000000000000000deadbeef"
)

// TestGenesis compares what a new node says with what Bitcoin Core says.
func TestGenesis(t *testing.T) {
	n := startTestNode(t, nil)
	header := `"hash":"` + genesisHash + `","confirmations":1,"height":0,"version":1,"versionHex":"00000001",` +
		`"merkleroot":"4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b","time":1296688602,"mediantime":1296688602,"nonce":2,` +
		`"bits":"207fffff","difficulty":4.656542373906925e-10,"chainwork":"` + strings.Repeat("0", 63) + `2","nTx":1`
	coinbase := `"txid":"4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b","hash":"4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b",` +
		`"version":1,"size":204,"vsize":204,"weight":816,"locktime":0,"vin":[{"coinbase":"04ffff001d0104455468652054696d65732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e64206261696c6f757420666f722062616e6b73","sequence":4294967295}],` +
		`"vout":[{"value":50.00000000,"n":0,"scriptPubKey":{"asm":"04678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5f OP_CHECKSIG",` +
		`"desc":"pk(04678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5f)#vlz6ztea",` +
		`"hex":"4104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac","type":"pubkey"}}],`
	rawCoinbase := "01000000010000000000000000000000000000000000000000000000000000000000000000ffffffff4d04ffff001d0104455468652054696d65732030332f4a616e2f32303039204368616e63656c6c6f72206f6e206272696e6b206f66207365636f6e64206261696c6f757420666f722062616e6b73ffffffff0100f2052a01000000434104678afdb0fe5548271967f1a67130b7105cd6a828e03909a67962e0ea1f61deb649f6bc3f4cef38c4f35504e51ec112de5c384df7ba0b8d578a4c702b6bf11d5fac00000000"
	sizes := `,"strippedsize":285,"size":285,"weight":1140,"tx":[`
	for _, c := range []struct {
		method string
		args   []any
		want   string
	}{
		{"getblockcount", nil, `0`},
		{"getbestblockhash", nil, `"` + genesisHash + `"`},
		{"getblockhash", []any{0}, `"` + genesisHash + `"`},
		{"getdifficulty", nil, `4.656542373906925e-10`},
		{"getblockheader", []any{genesisHash}, `{` + header + `}`},
		{"getblockheader", []any{genesisHash, true}, `{` + header + `}`},
		{"getblockheader", []any{genesisHash, false}, `"` + genesisHeader + `"`},
		{"getblock", []any{genesisHash, 0}, `"` + genesisHeader + "01" + rawCoinbase + `"`},
		{"getblock", []any{genesisHash, false}, `"` + genesisHeader + "01" + rawCoinbase + `"`},
		{"getblock", []any{genesisHash}, `{` + header + sizes + `"4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b"]}`},
		{"getblock", []any{genesisHash, true}, `{` + header + sizes + `"4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b"]}`},
		{"getblock", []any{genesisHash, 2}, `{` + header + sizes + `{` + coinbase + `"hex":"` + rawCoinbase + `"}]}`},
		{"getblock", []any{genesisHash, 3}, `{` + header + sizes + `{` + coinbase + `"hex":"` + rawCoinbase + `"}]}`},
		{"getchaintips", nil, `[{"height":0,"hash":"` + genesisHash + `","branchlen":0,"status":"active"}]`},
		{"getmininginfo", nil, `{"blocks":0,"difficulty":4.656542373906925e-10,"networkhashps":0,"pooledtx":0,"chain":"regtest","warnings":[]}`},
		{"getchaintxstats", nil, `{"time":1296688602,"txcount":1,"window_final_block_hash":"` + genesisHash + `","window_final_block_height":0,"window_block_count":0}`},
		{"getdeploymentinfo", nil, `{"hash":"` + genesisHash + `","height":0,"deployments":{"bip34":{"type":"buried","active":true,"height":1},` +
			`"bip66":{"type":"buried","active":true,"height":1},"bip65":{"type":"buried","active":true,"height":1},"csv":{"type":"buried","active":true,"height":1},` +
			`"segwit":{"type":"buried","active":true,"height":0},"taproot":{"type":"bip9","height":0,"active":true,` +
			`"bip9":{"start_time":-1,"timeout":9223372036854775807,"min_activation_height":0,"status":"active","since":0,"status_next":"active"}}}}`},
		{"getblockchaininfo", nil, `{"chain":"regtest","blocks":0,"headers":0,"bestblockhash":"` + genesisHash + `","difficulty":4.656542373906925e-10,` +
			`"time":1296688602,"mediantime":1296688602,"verificationprogress":1,"initialblockdownload":true,"chainwork":"` + strings.Repeat("0", 63) + `2",` +
			`"size_on_disk":293,"pruned":false,"warnings":[]}`},
		{"getchainstates", nil, `{"headers":0,"chainstates":[{"blocks":0,"bestblockhash":"` + genesisHash + `","difficulty":4.656542373906925e-10,` +
			`"verificationprogress":1,"coins_db_cache_bytes":0,"coins_tip_cache_bytes":8388608,"validated":true}]}`},
		{"getnetworkinfo", nil, `{"version":280100,"subversion":"/Satoshi:28.1.0/Keelson:0.0.1/","protocolversion":70016,"localservices":"0000000000000409",` +
			`"localservicesnames":["NETWORK","WITNESS","NETWORK_LIMITED"],"localrelay":true,"timeoffset":0,"networkactive":true,"connections":0,"connections_in":0,"connections_out":0,` +
			`"networks":[{"name":"ipv4","limited":true,"reachable":false,"proxy":"","proxy_randomize_credentials":false},{"name":"ipv6","limited":true,"reachable":false,"proxy":"","proxy_randomize_credentials":false},` +
			`{"name":"onion","limited":true,"reachable":false,"proxy":"","proxy_randomize_credentials":false},{"name":"i2p","limited":true,"reachable":false,"proxy":"","proxy_randomize_credentials":false},` +
			`{"name":"cjdns","limited":true,"reachable":false,"proxy":"","proxy_randomize_credentials":false}],"relayfee":0.00001000,"incrementalfee":0.00001000,"localaddresses":[],"warnings":[]}`},
		{"verifychain", nil, `true`},
		{"gettxout", []any{"4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b", 0}, `null`},
	} {
		if got := n.text(c.method, c.args...); got != c.want {
			t.Errorf("%s %v:\n got %s\nwant %s", c.method, c.args, got, c.want)
		}
	}
	stats := n.call("gettxoutsetinfo")
	if stats.Get("txouts").Text != "0" || stats.Get("total_amount").Text != "0.00000000" || stats.Get("bestblock").Text != genesisHash {
		t.Errorf("gettxoutsetinfo: %s", jsonrpc.Append(nil, stats))
	}
	n.fails(-5, "The genesis block coinbase is not considered an ordinary transaction and cannot be retrieved", "getrawtransaction",
		"4a5e1e4baab89f3a32518a88c31bc87f618f76673e2cc77ab2127b7afdeda33b")
}

// drawn is a chain with transactions of several kinds, in a node.
//
//	0 ... 101 - 102 (four transactions) - 103
//	        \
//	          stale
type drawn struct {
	*testNode
	chain  *chaingen.Chain
	txs    []*wire.Tx // of block 102, the coinbase first
	block  *wire.Block
	stale  *wire.Block
	coins  []consensus.OutCoin // spent by txs[1]
	onMain []*wire.Block
}

func drawChain(t *testing.T, change func(*Config, *ledger.Config)) *drawn {
	n := startTestNode(t, change)
	c := chaingen.New(n.params)
	c.MineN(101)
	c.Mark("fork")
	coins := c.Mature()[:1]
	value := coins[0].Coin.Out.Value
	first := c.Spend(coins, c.Out(chaingen.P2WPKH, 1, value/4), c.Out(chaingen.P2TR, 2, value/4), c.Out(chaingen.P2PKH, 3, value/4),
		wire.TxOut{PkScript: []byte{0x6a, 0x02, 0xbe, 0xef}})
	outs := c.OutputsOf(first)
	second := c.Spend(outs[:2])
	third := c.Spend(outs[2:3])
	block := c.Mine(first, second, third)
	c.Mine()
	d := &drawn{testNode: n, chain: c, txs: block.Txs, block: block, coins: coins, onMain: c.Blocks()}
	n.clock.SetMock(int64(c.Tip().Header.Time))
	for _, b := range d.onMain {
		if b.Hash() != n.params.GenesisHash {
			n.submit(b)
		}
	}
	c.Goto("fork")
	c.Step += 7 // or it would be the same block
	d.stale = c.Mine()
	if got := n.text("submitblock", jsonrpc.Hex(d.stale.Bytes())); got != `"inconclusive"` {
		t.Fatalf("stale block: %s", got)
	}
	return d
}

func TestChain(t *testing.T) {
	d := drawChain(t, nil)
	n := d.testNode
	if got := n.text("getblockcount"); got != "103" {
		t.Fatal(got)
	}
	tip := d.onMain[len(d.onMain)-1].Hash()

	// A stale block is still found, without confirmations.
	header := n.call("getblockheader", d.stale.Hash())
	if header.Get("confirmations").Text != "-1" || header.Get("height").Text != "102" || !header.Get("nextblockhash").IsNull() {
		t.Errorf("stale: %s", jsonrpc.Append(nil, header))
	}
	if got := n.text("getblock", d.stale.Hash(), 0); got != fmt.Sprintf(`"%x"`, d.stale.Bytes()) {
		t.Error("stale block differs")
	}
	// It was never connected: no undo record, no fees.
	if v := n.call("getblock", d.stale.Hash(), 3); v.Get("confirmations").Text != "-1" || v.Get("tx").Len() != 1 {
		t.Errorf("stale: %s", jsonrpc.Append(nil, v))
	}
	if got, want := n.text("getchaintips"), fmt.Sprintf(`[{"height":103,"hash":"%v","branchlen":0,"status":"active"},{"height":102,"hash":"%v","branchlen":1,"status":"valid-headers"}]`,
		tip, d.stale.Hash()); got != want {
		t.Errorf("tips %s, want %s", got, want)
	}

	header = n.call("getblockheader", d.block.Hash())
	if header.Get("confirmations").Text != "2" || header.Get("nextblockhash").Text != tip.String() || header.Get("nTx").Text != "4" {
		t.Errorf("%s", jsonrpc.Append(nil, header))
	}
	if got, want := n.text("getblockheader", d.block.Hash(), false), fmt.Sprintf(`"%x"`, d.block.Header.Append(nil)); got != want {
		t.Errorf("header %s, want %s", got, want)
	}

	// A block's sizes, and its transactions in more and more detail.
	v := n.call("getblock", d.block.Hash())
	if v.Get("size").Text != fmt.Sprint(d.block.Size()) || v.Get("strippedsize").Text != fmt.Sprint(d.block.StrippedSize()) || v.Get("weight").Text != fmt.Sprint(d.block.Weight()) {
		t.Errorf("sizes: %s", jsonrpc.Append(nil, v))
	}
	for i, tx := range d.txs {
		if got := v.Get("tx").At(i).Text; got != tx.TxID().String() {
			t.Errorf("tx %d is %s", i, got)
		}
	}
	v = n.call("getblock", d.block.Hash(), 2)
	if tx := v.Get("tx").At(1); tx.Get("fee").Text != "12.50000000" || tx.Get("hex").Text != fmt.Sprintf("%x", d.txs[1].Append(nil)) || !tx.Get("vin").At(0).Get("prevout").IsNull() {
		t.Errorf("transaction: %s", jsonrpc.Append(nil, *tx))
	}
	if fee := v.Get("tx").At(0).Get("fee"); !fee.IsNull() {
		t.Errorf("the coinbase has a fee of %s", fee.Text)
	}
	v = n.call("getblock", d.block.Hash(), 3)
	prevout := v.Get("tx").At(1).Get("vin").At(0).Get("prevout")
	if prevout.Get("generated").Text != "true" || prevout.Get("height").Text != "1" || prevout.Get("value").Text != "50.00000000" ||
		prevout.Get("scriptPubKey").Get("hex").Text != fmt.Sprintf("%x", d.coins[0].Coin.Out.PkScript) {
		t.Errorf("prevout: %s", jsonrpc.Append(nil, *prevout))
	}
	prevout = v.Get("tx").At(2).Get("vin").At(1).Get("prevout")
	if prevout.Get("generated").Text != "false" || prevout.Get("height").Text != "102" || prevout.Get("scriptPubKey").Get("type").Text != "witness_v1_taproot" {
		t.Errorf("prevout: %s", jsonrpc.Append(nil, *prevout))
	}
	var types []string
	for i := range 4 {
		types = append(types, v.Get("tx").At(1).Get("vout").At(i).Get("scriptPubKey").Get("type").Text)
	}
	if got := strings.Join(types, " "); got != "witness_v0_keyhash witness_v1_taproot pubkeyhash nulldata" {
		t.Errorf("types %s", got)
	}
	if tx := v.Get("tx").At(2); tx.Get("hash").Text == tx.Get("txid").Text || tx.Get("vin").At(0).Get("txinwitness").Len() != 2 {
		t.Errorf("segwit: %s", jsonrpc.Append(nil, *tx))
	}
	// A signature's hash type is spelled out.
	if asm := v.Get("tx").At(3).Get("vin").At(0).Get("scriptSig").Get("asm").Text; !strings.Contains(asm, "[ALL] 0") {
		t.Errorf("asm %q", asm)
	}

	// The rate of transactions: 107 in 104 blocks.
	stats := n.call("getchaintxstats", 2)
	if stats.Get("txcount").Text != "107" || stats.Get("window_tx_count").Text != "5" || stats.Get("window_final_block_height").Text != "103" {
		t.Errorf("%s", jsonrpc.Append(nil, stats))
	}
	if stats = n.call("getchaintxstats"); stats.Get("window_block_count").Text != "102" {
		t.Errorf("%s", jsonrpc.Append(nil, stats))
	}
	if stats = n.call("getchaintxstats", nil, d.block.Hash()); stats.Get("window_final_block_height").Text != "102" {
		t.Errorf("%s", jsonrpc.Append(nil, stats))
	}

	info := n.call("getblockchaininfo")
	if info.Get("initialblockdownload").Text != "false" || info.Get("bestblockhash").Text != tip.String() || info.Get("headers").Text != "103" {
		t.Errorf("%s", jsonrpc.Append(nil, info))
	}
	if got := n.call("getnetworkhashps", -1, 50).Text; got == "0" {
		t.Error("no hash rate")
	}
	for level := range 5 {
		if got := n.text("verifychain", level, 0); got != "true" {
			t.Errorf("verifychain %d: %s", level, got)
		}
	}
}

func TestCoins(t *testing.T) {
	d := drawChain(t, nil)
	n := d.testNode
	coinbase := d.txs[0].TxID()
	v := n.call("gettxout", coinbase, 0)
	if v.Get("confirmations").Text != "2" || v.Get("coinbase").Text != "true" || v.Get("bestblock").Text != n.call("getbestblockhash").Text ||
		v.Get("value").Text != d.txs[0].Outputs[0].Value.String() {
		t.Errorf("%s", jsonrpc.Append(nil, v))
	}
	for _, c := range []struct {
		txid wire.Hash
		n    any
		want bool
	}{
		{d.txs[1].TxID(), 0, false}, {d.txs[1].TxID(), 3, false}, {d.txs[1].TxID(), 4, false}, {d.txs[2].TxID(), 0, true},
		{coinbase, uint32(math.MaxUint32), false}, {wire.Hash{}, 0, false},
	} {
		for _, pool := range []bool{true, false} {
			if v := n.call("gettxout", c.txid, c.n, pool); v.IsNull() == c.want {
				t.Errorf("%v:%v is %s", c.txid, c.n, jsonrpc.Append(nil, v))
			}
		}
	}

	// All three kinds of statistics tell of the same set.
	for _, kind := range []string{"hash_serialized_3", "muhash", "none"} {
		v := n.call("gettxoutsetinfo", kind)
		if v.Get("height").Text != "103" || v.Get("txouts").Text != "104" || v.Get("transactions").Text != "104" || v.Get(kind).IsNull() != (kind == "none") {
			t.Errorf("%s", jsonrpc.Append(nil, v))
		}
	}
	if a, b := n.call("gettxoutsetinfo"), n.call("gettxoutsetinfo", "hash_serialized_3", nil, false); string(jsonrpc.Append(nil, a)) != string(jsonrpc.Append(nil, b)) {
		t.Error("the default is another hash")
	}
}

// TestChoices moves between the branches by hand.
func TestChoices(t *testing.T) {
	d := drawChain(t, nil)
	n := d.testNode
	tip := d.onMain[len(d.onMain)-1].Hash()
	best := func(want wire.Hash) {
		t.Helper()
		if got := n.call("getbestblockhash").Text; got != want.String() {
			t.Fatalf("the tip is %s, not %v", got, want)
		}
	}
	status := func(hash wire.Hash) string {
		tips := n.call("getchaintips")
		for i := range tips.Len() {
			if tips.At(i).Get("hash").Text == hash.String() {
				return tips.At(i).Get("status").Text
			}
		}
		return ""
	}
	n.call("invalidateblock", d.block.Hash())
	best(d.stale.Hash())
	if got := status(tip); got != "invalid" {
		t.Errorf("%s", got)
	}
	if got := n.text("submitblock", jsonrpc.Hex(d.block.Bytes())); got != `"duplicate-invalid"` {
		t.Errorf("%s", got)
	}
	child := &wire.Block{Header: wire.Header{PrevBlock: tip}, Txs: d.block.Txs}
	if got := n.text("submitblock", jsonrpc.Hex(child.Bytes())); got != `"high-hash"` && got != `"bad-prevblk"` && got != `"bad-txnmrklroot"` {
		t.Errorf("%s", got)
	}
	n.call("reconsiderblock", d.block.Hash())
	best(tip)
	if got := status(d.stale.Hash()); got != "valid-fork" {
		t.Errorf("%s", got)
	}
	// Of two branches with the same work the one that is preferred wins.
	n.call("invalidateblock", tip)
	best(d.block.Hash())
	n.call("preciousblock", d.stale.Hash())
	best(d.stale.Hash())
	n.call("preciousblock", d.block.Hash())
	best(d.block.Hash())
	n.call("reconsiderblock", tip)
	best(tip)
	n.fails(-20, "", "invalidateblock", genesisHash)
}

func TestPrune(t *testing.T) {
	n := startTestNode(t, nil)
	n.fails(-1, "Cannot prune blocks because node is not in prune mode.", "pruneblockchain", 1)

	n = startTestNode(t, func(r *Config, c *ledger.Config) { c.Prune, c.FastPrune, r.FastPrune = ledger.PruneManual, true, true })
	n.call("generatetodescriptor", 99, "raw(51)")
	n.fails(-1, "Blockchain is too short for pruning.", "pruneblockchain", 1)
	n.fails(-8, "Negative block height.", "pruneblockchain", -1)
	n.fails(-8, "Could not find block with at least the specified timestamp.", "pruneblockchain", int64(math.MaxInt32))
	v := n.call("getblockchaininfo")
	if v.Get("pruned").Text != "true" || v.Get("pruneheight").Text != "0" || v.Get("automatic_pruning").Text != "false" {
		t.Errorf("%s", jsonrpc.Append(nil, v))
	}
	n.call("generatetodescriptor", 700, "raw(6a"+"4c96"+strings.Repeat("00", 150)+")", 10_000_000)
	n.fails(-8, "Blockchain is shorter than the attempted prune height.", "pruneblockchain", 800)
	last := n.call("pruneblockchain", 500).Text
	if last == "-1" || len(last) > 3 {
		t.Fatalf("pruned to %s", last)
	}
	v = n.call("getblockchaininfo")
	if fmt.Sprint(v.Get("pruneheight").Text) == "0" {
		t.Errorf("%s", jsonrpc.Append(nil, v))
	}
	hash := n.call("getblockhash", 1).Text
	n.fails(-1, "Block not available (pruned data)", "getblock", hash, 0)
	n.fails(-1, "Block not available (pruned data)", "getblock", hash)
	n.fails(-1, "Block not available (pruned data)", "getblockstats", 1)
	if got := n.call("getblockheader", hash).Get("nTx").Text; got != "1" {
		t.Errorf("nTx %s", got)
	}
}

// TestChainErrors are errors that Bitcoin Core 28.1 answered in a run of its own
// tests.
func TestChainErrors(t *testing.T) {
	d := drawChain(t, nil)
	n := d.testNode
	block := d.block.Hash().String()
	const bad = "ZZZ7bb8b1697ea987f3b223ba7819250cae33efacb068d23dc24859824a77844"
	for _, c := range []struct {
		method  string
		args    []any
		code    jsonrpc.Code
		message string
	}{
		{"getblock", []any{block, "2"}, -3, "JSON value of type string is not of expected type number"},
		{"getblock", []any{unknownHash}, -5, "Block not found"},
		{"getblock", nil, -1, "getblock \"blockhash\" ( verbosity )\n\n"},
		{"getblockheader", []any{unknownHash}, -5, "Block not found"},
		{"getblockheader", []any{bad}, -8, "hash must be hexadecimal string (not '" + bad + "')"},
		{"getblockheader", []any{"nonsense"}, -8, "hash must be of length 64 (not 8, for 'nonsense')"},
		{"getblockheader", []any{block, 1}, -3, "Wrong type passed:\n{\n    \"Position 2 (verbose)\": \"JSON value of type number is not of expected type bool\"\n}"},
		{"getblockhash", []any{-1}, -8, "Block height out of range"},
		{"getblockhash", []any{104}, -8, "Block height out of range"},
		{"getchaintxstats", []any{1, block, 3}, -1, "getchaintxstats ( nblocks \"blockhash\" )\n\n"},
		{"getchaintxstats", []any{""}, -3, "Wrong type passed:\n{\n    \"Position 1 (nblocks)\": \"JSON value of type string is not of expected type number\"\n}"},
		{"getchaintxstats", []any{nil, 1}, -3, "Wrong type passed:\n{\n    \"Position 2 (blockhash)\": \"JSON value of type number is not of expected type string\"\n}"},
		{"getchaintxstats", []any{nil, unknownHash}, -5, "Block not found"},
		{"getchaintxstats", []any{nil, d.stale.Hash()}, -8, "Block is not in main chain"},
		{"getchaintxstats", []any{-5}, -8, "Invalid block count: should be between 0 and the block's height - 1"},
		{"getchaintxstats", []any{103}, -8, "Invalid block count: should be between 0 and the block's height - 1"},
		{"getchaintxstats", []any{nil, "0"}, -8, "blockhash must be of length 64 (not 1, for '0')"},
		{"getchaintxstats", []any{nil, bad}, -8, "blockhash must be hexadecimal string (not '" + bad + "')"},
		{"getdeploymentinfo", []any{unknownHash}, -5, "Block not found"},
		{"gettxoutsetinfo", []any{"foo hash"}, -8, "'foo hash' is not a valid hash_type"},
		{"gettxoutsetinfo", []any{"none", 5}, -8, "Querying specific block heights requires coinstatsindex"},
		{"gettxoutsetinfo", []any{"none", nil, 1}, -3, "Position 3 (use_index)"},
		{"gettxout", []any{"foo", 0}, -8, "txid must be of length 64 (not 3, for 'foo')"},
		{"gettxout", []any{block, -1}, -1, "JSON integer out of range"},
		{"invalidateblock", []any{unknownHash}, -5, "Block not found"},
		{"reconsiderblock", []any{unknownHash}, -5, "Block not found"},
		{"preciousblock", []any{unknownHash}, -5, "Block not found"},
		{"getnetworkhashps", []any{"a", "b"}, -3, "Wrong type passed:\n{\n    \"Position 1 (nblocks)\": \"JSON value of type string is not of expected type number\",\n    \"Position 2 (height)\": \"JSON"},
		{"getnetworkhashps", []any{100, 104}, -8, "Block does not exist at specified height"},
		{"getnetworkhashps", []any{100, -10}, -8, "Block does not exist at specified height"},
		{"getnetworkhashps", []any{0}, -8, "Invalid nblocks. Must be a positive number or -1."},
		{"getnetworkhashps", []any{-100}, -8, "Invalid nblocks. Must be a positive number or -1."},
		{"verifychain", []any{"x"}, -3, "Wrong type passed"},
	} {
		n.fails(c.code, c.message, c.method, c.args...)
	}
}

// TestStagedDifficulty: everything that tells the difficulty tells that of the
// stage, and mining goes on in it.
func TestStagedDifficulty(t *testing.T) {
	stages, err := consensus.ParseStages([]string{"3@1f7fffff", "5@1f00ffff,asert,60"})
	if err != nil {
		t.Fatal(err)
	}
	n := startTestNode(t, func(c *Config, l *ledger.Config) {
		c.Params = consensus.Regtest(consensus.RegtestOptions{Stages: stages})
		l.Params = c.Params
	})
	for height, bits := range []string{1: "207fffff", 2: "207fffff", 3: "1f7fffff", 4: "1f7fffff", 5: "1f00ffff"} {
		if height == 0 {
			continue
		}
		template := n.call("getblocktemplate", segwitRules)
		if got := template.Get("bits").Text; got != bits {
			t.Errorf("template %d: bits %s, want %s", height, got, bits)
		}
		hash := n.call("generatetoaddress", 1, regtestAddress).At(0).Text
		header := n.call("getblockheader", hash)
		if got := header.Get("bits").Text; got != bits {
			t.Errorf("block %d: bits %s, want %s", height, got, bits)
		}
		want := header.Get("difficulty").Text
		info, mining := n.call("getblockchaininfo"), n.call("getmininginfo")
		if a, b, c := n.text("getdifficulty"), info.Get("difficulty").Text, mining.Get("difficulty").Text; a != want || b != want || c != want {
			t.Errorf("block %d: difficulties %s, %s, %s, want %s", height, a, b, c, want)
		}
	}
	if got := n.text("getdifficulty"); got != "0.0000152587890625" && got != "1.52587890625e-05" {
		t.Errorf("difficulty %s", got)
	}
}
