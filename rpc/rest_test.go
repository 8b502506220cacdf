package rpc

import (
	"bytes"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/wire"
)

// rest asks for a path and returns the status, the type and the body.
func (n *testNode) rest(method, path, body string) (int, string, string) {
	n.t.Helper()
	var r io.Reader
	if body != "" {
		r = strings.NewReader(body)
	}
	req, err := http.NewRequest(method, "http://"+n.address+"/rest/"+path, r)
	if err != nil {
		n.t.Fatal(err)
	}
	answer, err := http.DefaultClient.Do(req)
	if err != nil {
		n.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		n.t.Fatal(err)
	}
	return answer.StatusCode, answer.Header.Get("Content-Type"), string(text)
}

func withREST(c *Config, l *ledger.Config) {
	c.REST = true
	allIndexes(c, l)
}

// Every path in every form says what the method of JSON-RPC says, or the bytes
// themselves.
func TestREST(t *testing.T) {
	n := startTestNode(t, withREST)
	c := minedChain(n)
	own := c.Mature()
	half := own[0].Coin.Out.Value/2 - 5000
	tx := c.Spend(own[:1], c.Out(chaingen.P2WPKH, 50, half), c.Out(chaingen.P2WPKH, 51, half))
	txid := tx.TxID()
	n.call("sendrawtransaction", jsonrpc.Hex(tx.Append(nil)))
	tip := n.ledger.Tip().Tip
	last := c.Blocks()[len(c.Blocks())-1]
	hash := tip.Hash.String()
	reversed := func(h wire.Hash) string { return string(h[:]) }
	first, _ := n.ledger.EntryAt(tip.Height - 1)
	two := string(last.Header.Append(first.Header.Append(nil)))
	f, err := n.ledger.BlockFilter(tip.Hash)
	if err != nil {
		t.Fatal(err)
	}
	before, _ := n.ledger.BlockFilter(first.Ref.Hash)
	for _, x := range []struct {
		path, raw, json string // raw empty: JSON alone
	}{
		{"block/" + hash, string(last.Bytes()), n.text("getblock", hash, 3)},
		{"block/notxdetails/" + hash, string(last.Bytes()), n.text("getblock", hash, 1)},
		{"headers/1/" + hash, string(last.Header.Append(nil)), "[" + n.text("getblockheader", hash) + "]"},
		{"headers/" + first.Ref.Hash.String(), two, "[" + n.text("getblockheader", first.Ref.Hash.String()) + "," + n.text("getblockheader", hash) + "]"},
		{"headers/2000/" + strings.Repeat("0", 64), "", "[]"},
		{"chaininfo", "", n.text("getblockchaininfo")},
		{"deploymentinfo", "", n.text("getdeploymentinfo")},
		{"deploymentinfo/" + first.Ref.Hash.String(), "", n.text("getdeploymentinfo", first.Ref.Hash.String())},
		{"mempool/info", "", n.text("getmempoolinfo")},
		{"mempool/contents", "", n.text("getrawmempool", true)},
		{"mempool/contents.json?verbose=false", "", n.text("getrawmempool", false)},
		{"mempool/contents.json?verbose=false&mempool_sequence=true", "", n.text("getrawmempool", false, true)},
		{"blockhashbyheight/" + fmt.Sprint(tip.Height), reversed(tip.Hash), `{"blockhash":"` + hash + `"}`},
		{"blockfilter/basic/" + hash, "\x00" + reversed(tip.Hash) + string(wire.AppendCompactSize(nil, uint64(len(f.Filter)))) + string(f.Filter), fmt.Sprintf(`{"filter":"%x"}`, []byte(f.Filter))},
		{"blockfilterheaders/basic/" + hash, reversed(f.Header), `["` + f.Header.String() + `"]`},
		{"blockfilterheaders/basic/2/" + first.Ref.Hash.String(), reversed(before.Header) + reversed(f.Header), `["` + before.Header.String() + `","` + f.Header.String() + `"]`},
		{"tx/" + txid.String(), string(tx.Append(nil)), ""},
		{"tx/" + last.Txs[1].TxID().String(), string(last.Txs[1].Append(nil)), ""},
	} {
		path, query, _ := strings.Cut(x.path, ".json")
		status, kind, got := n.rest("GET", path+".json"+query, "")
		if status != 200 || kind != "application/json" || x.json != "" && got != x.json+"\n" {
			t.Errorf("%s.json: %d, %s, %s, not %s", x.path, status, kind, got, x.json)
		}
		status, kind, got = n.rest("GET", path+".bin"+query, "")
		if x.raw == "" {
			if strings.HasPrefix(path, "headers") {
				continue
			}
			if status != 404 || got != "output format not found (available: json)\r\n" || kind != "text/plain" {
				t.Errorf("%s.bin: %d, %s, %s", path, status, kind, got)
			}
			continue
		}
		if status != 200 || kind != "application/octet-stream" || got != x.raw {
			t.Errorf("%s.bin: %d, %s, %x, not %x", x.path, status, kind, got, x.raw)
		}
		want := hex.EncodeToString([]byte(x.raw))
		if strings.HasPrefix(path, "blockhash") {
			want = hash
		}
		status, kind, got = n.rest("GET", path+".hex"+query, "")
		if status != 200 || kind != "text/plain" || got != want+"\n" {
			t.Errorf("%s.hex: %d, %s, %s, not %s", x.path, status, kind, got, want)
		}
		if status, _, got := n.rest("GET", path, ""); status != 404 || got != "output format not found (available: .bin, .hex, .json)\r\n" {
			t.Errorf("%s without a format: %d %s", path, status, got)
		}
	}
	// A transaction as JSON: without the confirmations of getrawtransaction.
	_, _, got := n.rest("GET", "tx/"+last.Txs[1].TxID().String()+".json", "")
	v, err := jsonrpc.Parse(got)
	if err != nil || v.Get("blockhash").Text != hash || v.Get("txid").Text != last.Txs[1].TxID().String() || !v.Get("confirmations").IsNull() || v.Key(v.Len()-1) != "hex" {
		t.Errorf("tx: %s, %v", got, err)
	}

	n.restErrors(c)
	n.restOutputs(c, tx, own[0].OutPoint)

	// Other methods, no head, and a node without it.
	if status, _, _ := n.rest("PUT", "chaininfo.json", ""); status != 405 {
		t.Errorf("PUT: %d", status)
	}
	if status, _, got := n.rest("HEAD", "chaininfo.json", ""); status != 200 || got != "" {
		t.Errorf("HEAD: %d %s", status, got)
	}
	off := startTestNode(t, nil)
	if status, _, got := off.rest("GET", "chaininfo.json", ""); status != 404 || got != "" {
		t.Errorf("without rest: %d %s", status, got)
	}
	starting := newTestNode(t, withREST)
	if status, _, got := starting.rest("GET", "chaininfo.json", ""); status != 503 || !strings.HasPrefix(got, "Service temporarily unavailable: ") {
		t.Errorf("while it starts: %d %s", status, got)
	}
	starting.servePool(nil)
	none := startTestNode(t, func(c *Config, _ *ledger.Config) { c.REST = true })
	if status, _, got := none.rest("GET", "blockfilter/basic/"+none.params.GenesisHash.String()+".bin", ""); status != 400 || got != "Index is not enabled for filtertype basic\r\n" {
		t.Errorf("filters without an index: %d %s", status, got)
	}
}

func (n *testNode) restErrors(c *chaingen.Chain) {
	zeros := strings.Repeat("0", 64)
	c.GotoHash(c.Tip().Header.PrevBlock)
	lone := c.Mine()
	n.call("submitblock", jsonrpc.Hex(lone.Bytes()))
	hash := n.ledger.Tip().Tip.Hash.String()
	for _, x := range []struct {
		status     int
		path, want string
	}{
		{404, "", ""}, {404, "foo", ""},
		{400, "tx/abc.json", "Invalid hash: abc"},
		{400, "tx/" + zeros + ".txt", "Invalid hash: " + zeros + ".txt"},
		{404, "tx/" + zeros + ".json", zeros + " not found"},
		{400, "block/xyz.bin", "Invalid hash: xyz"},
		{404, "block/" + zeros + ".bin", zeros + " not found"},
		{400, "headers/0/" + hash + ".bin", "Header count is invalid or out of acceptable range (1-2000): 0"},
		{400, "headers/2001/" + hash + ".bin", "Header count is invalid or out of acceptable range (1-2000): 2001"},
		{400, "headers/" + hash + ".bin?count=-1", "Header count is invalid or out of acceptable range (1-2000): -1"},
		{400, "headers/" + hash + ".bin?count=%zz", "URI parsing failed, it likely contained RFC 3986 invalid characters"},
		{400, "headers/1/2/" + hash + ".bin", "Invalid URI format. Expected /rest/headers/<hash>.<ext>?count=<count>"},
		{400, "headers/abc.bin", "Invalid hash: abc"},
		{400, "blockhashbyheight/abc.json", "Invalid height: abc"},
		{400, "blockhashbyheight/-1.json", "Invalid height: -1"},
		{400, "blockhashbyheight/.json", "Invalid height: "},
		{404, "blockhashbyheight/1000000.json", "Block height out of range"},
		{400, "deploymentinfo/abc.json", "Invalid hash: abc"},
		{400, "deploymentinfo/" + zeros + ".json", "Block not found"},
		{400, "mempool/foo.json", "Invalid URI format. Expected /rest/mempool/<info|contents>.json"},
		{400, "mempool/contents.json?verbose=1", `The "verbose" query parameter must be either "true" or "false".`},
		{400, "mempool/contents.json?verbose=false&mempool_sequence=x", `The "mempool_sequence" query parameter must be either "true" or "false".`},
		{400, "mempool/contents.json?mempool_sequence=true", `Verbose results cannot contain mempool sequence values. (hint: set "verbose=false")`},
		{400, "blockfilter/" + hash + ".bin", "Invalid URI format. Expected /rest/blockfilter/<filtertype>/<blockhash>"},
		{400, "blockfilter/basic/12.bin", "Invalid hash: 12"},
		{400, "blockfilter/more/" + hash + ".bin", "Unknown filtertype more"},
		{404, "blockfilter/basic/" + zeros + ".bin", zeros + " not found"},
		{404, "blockfilter/basic/" + lone.Hash().String() + ".bin", "Filter not found. Block was not connected to active chain."},
		{400, "blockfilterheaders/basic.bin", "Invalid URI format. Expected /rest/blockfilterheaders/<filtertype>/<blockhash>.<ext>?count=<count>"},
		{400, "blockfilterheaders/more/" + hash + ".bin", "Unknown filtertype more"},
		{400, "getutxos.json", "Error: empty request"},
		{400, "getutxos/checkmempool.json", "Error: empty request"},
		{400, "getutxos/" + zeros + ".json", "Parse error"},
		{400, "getutxos/" + zeros + "-x.json", "Parse error"},
		{400, "getutxos/" + strings.Repeat(zeros+"-0/", 15) + zeros + "-1.json", "Error: max outpoints exceeded (max: 15, tried: 16)"},
	} {
		want := x.want
		if want != "" {
			want += "\r\n"
		}
		if status, kind, got := n.rest("GET", x.path, ""); status != x.status || got != want || want != "" && kind != "text/plain" {
			n.t.Errorf("%s: %d, %s, %q, not %d, %q", x.path, status, kind, got, x.status, want)
		}
	}
}

// restOutputs asks for outputs: those of a transaction of the pool, and the one
// that it spends.
func (n *testNode) restOutputs(c *chaingen.Chain, tx *wire.Tx, spent wire.OutPoint) {
	t := n.t
	tip := n.ledger.Tip().Tip
	coin, found, err := n.ledger.Coin(spent)
	if err != nil || !found {
		t.Fatal(found, err)
	}
	script := func(s []byte) string { return string(jsonrpc.Append(nil, n.server.scriptObject(s))) }
	chain := fmt.Sprintf(`{"height":%d,"value":%v,"scriptPubKey":%s}`, coin.Height, coin.Out.Value, script(coin.Out.PkScript))
	pooled := fmt.Sprintf(`{"height":2147483647,"value":%v,"scriptPubKey":%s}`, tx.Outputs[0].Value, script(tx.Outputs[0].PkScript))
	path := fmt.Sprintf("%v-%d/%v-0/%v-7", spent.TxID, spent.Index, tx.TxID(), tx.TxID())
	head := fmt.Sprintf(`{"chainHeight":%d,"chaintipHash":"%v",`, tip.Height, tip.Hash)
	for at, want := range map[string]string{
		"getutxos/" + path + ".json":              head + `"bitmap":"100","utxos":[` + chain + "]}\n",
		"getutxos/checkmempool/" + path + ".json": head + `"bitmap":"010","utxos":[` + pooled + "]}\n",
	} {
		if status, kind, got := n.rest("GET", at, ""); status != 200 || kind != "application/json" || got != want {
			t.Errorf("%s: %d, %s, %s, not %s", at, status, kind, got, want)
		}
	}
	question := []byte{1, 3}
	id := tx.TxID()
	for _, op := range []wire.OutPoint{spent, {TxID: id}, {TxID: id, Index: 7}} {
		question = append(append(question, op.TxID[:]...), byte(op.Index), 0, 0, 0)
	}
	var want bytes.Buffer
	want.Write([]byte{byte(tip.Height), byte(tip.Height >> 8), 0, 0})
	want.Write(tip.Hash[:])
	want.Write([]byte{1, 2, 1, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0x7f})
	want.Write(tx.Outputs[0].Append(nil))
	if status, kind, got := n.rest("POST", "getutxos.bin", string(question)); status != 200 || kind != "application/octet-stream" || got != want.String() {
		t.Errorf("in binary: %d, %s, %x, not %x", status, kind, got, want.Bytes())
	}
	if status, _, got := n.rest("POST", "getutxos.hex", hex.EncodeToString(question)); status != 200 || got != hex.EncodeToString(want.Bytes())+"\n" {
		t.Errorf("in hexadecimal: %d, %s", status, got)
	}
	if status, _, got := n.rest("GET", "getutxos/checkmempool/"+path+".bin", ""); status != 200 || got != want.String() {
		t.Errorf("asked by the path: %d, %x", status, got)
	}
	for _, x := range []struct{ path, body, want string }{
		{"getutxos.bin", string(question[:60]), "Parse error"},
		{"getutxos.bin", "\x01", "Parse error"},
		{"getutxos.bin", "\x00\xfe\xff\xff\xff\x01", "Parse error"},
		{"getutxos.hex", "zz", "Parse error"},
		{"getutxos/" + path + ".bin", string(question), "Combination of URI scheme inputs and raw post data is not allowed"},
		{"getutxos.json", "{}", "Error: empty request"},
	} {
		if status, _, got := n.rest("POST", x.path, x.body); status != 400 || got != x.want+"\r\n" {
			t.Errorf("%s with %q: %d %s", x.path, x.body, status, got)
		}
	}
	if status, _, _ := n.rest("POST", "getutxos.bin", strings.Repeat("a", restBody+1)); status != 413 {
		t.Errorf("a long body: %d", status)
	}
}

// A question to getutxos, whatever it is, is answered.
func FuzzRESTOutputs(f *testing.F) {
	f.Add("bin", "", []byte{1, 1, 2, 3})
	f.Add("hex", "/checkmempool/aa-1", []byte("00"))
	f.Add("json", "/"+strings.Repeat("0", 64)+"-1", []byte{})
	f.Fuzz(func(t *testing.T, format, param string, body []byte) {
		c := &restCall{param: param, format: format, body: string(body)}
		ops, _, bad := c.outpoints()
		if bad != nil && (bad.status < 400 || bad.text == "") {
			t.Fatalf("%+v", bad)
		}
		if bad == nil && len(ops) > len(param)/66+1 && len(ops) > len(body)/36 {
			t.Fatalf("%d outpoints of %d bytes", len(ops), len(body))
		}
	})
}
