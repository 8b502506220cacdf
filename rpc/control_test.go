package rpc

import (
	"strings"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
)

func TestControl(t *testing.T) {
	n := startTestNode(t, nil)
	if v := n.call("getrpcinfo"); v.Get("active_commands").Len() != 1 || v.Get("active_commands").At(0).Get("method").Text != "getrpcinfo" {
		t.Errorf("%s", jsonrpc.Append(nil, v))
	}
	if got := n.text("getmemoryinfo"); got != `{"locked":{"used":0,"free":0,"total":0,"locked":0,"chunks_used":0,"chunks_free":0}}` {
		t.Error(got)
	}
	n.fails(-8, "unknown mode foobar", "getmemoryinfo", "foobar")
	n.fails(-8, "mallocinfo mode not available", "getmemoryinfo", "mallocinfo")

	if v := n.call("logging"); v.Len() != len(logCategoryNames) || v.Get("rpc").Text != "false" {
		t.Errorf("%s", jsonrpc.Append(nil, v))
	}
	if v := n.call("logging", []string{"all"}, []string{"qt"}); v.Get("rpc").Text != "true" || v.Get("qt").Text != "false" {
		t.Errorf("%s", jsonrpc.Append(nil, v))
	}
	if v := n.call("logging", []string{"net"}, []string{"net", "all"}); v.Get("rpc").Text != "false" || v.Get("net").Text != "false" {
		t.Errorf("%s", jsonrpc.Append(nil, v))
	}
	n.fails(-8, "unknown logging category foo", "logging", []string{"foo"})
	n.fails(-3, "Position 1 (include)", "logging", "rpc")

	if got := n.text("echo", 0, "a", nil, []any{1}); got != `[0,"a",null,[1]]` {
		t.Error(got)
	}
	n.fails(-1, "Internal bug detected: request.params[9].get_str() != \"trigger_internal_bug\"\n", "echojson", 0, 1, 2, 3, 4, 5, 6, 7, 8, "trigger_internal_bug")
	n.fails(-1, "echo ( \"arg0\"", "echo", 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
	n.call("syncwithvalidationinterfacequeue")
	n.fails(-32601, "Method not found", "getinfo")

	n.call("mockscheduler", 3600)
	n.fails(-1, "delta_time must be between 1 and 3600 seconds (1 hr)", "mockscheduler", 0)
	n.fails(-1, "delta_time must be between 1 and 3600 seconds (1 hr)", "mockscheduler", 3601)
	n.call("setmocktime", 1700000000)
	if got := n.clock.Now().Unix(); got != 1700000000 {
		t.Errorf("the clock says %d", got)
	}
	if got := n.call("uptime").Text; len(got) < 3 {
		t.Errorf("uptime %s with the clock in the past or future", got)
	}
	n.fails(-8, "Mocktime must be in the range [0, 9223372036], not -1.", "setmocktime", -1)
	n.fails(-8, "Mocktime must be in the range [0, 9223372036], not 9223372037.", "setmocktime", 9223372037)
	n.call("setmocktime", 0)
	if d := time.Since(n.clock.Now()).Abs(); d > time.Minute {
		t.Errorf("the clock is off by %v", d)
	}
	n.call("setmocktime", 1700000000)
	n.call("settimeoffset", 7200)
	if d := n.clock.Now().Sub(time.Now().Add(2 * time.Hour)).Abs(); d > time.Minute {
		t.Errorf("two hours ahead the clock is off by %v", d)
	}
	n.fails(-8, "The offset must be in the range [-3153600000, 3153600000], not 3153600001.", "settimeoffset", 3153600001)
	n.fails(-8, "The offset must be in the range [-3153600000, 3153600000], not -3153600001.", "settimeoffset", -3153600001)
	n.call("settimeoffset", 0)

	if n.shutdown.Load() != 0 {
		t.Error("a stop was asked for")
	}
	begin := time.Now()
	if got := n.text("stop", 30); got != `"Keelson stopping"` || n.shutdown.Load() != 1 {
		t.Error(got)
	}
	if d := time.Since(begin); d < 30*time.Millisecond {
		t.Errorf("stop waited %v", d)
	}
}

// TestNotRegtest: clocks of real networks cannot be set.
func TestNotRegtest(t *testing.T) {
	n := startTestNode(t, func(c *Config, l *ledger.Config) {
		c.Params = consensus.Test()
		l.Params = c.Params
	})
	n.fails(-1, "setmocktime is for regression testing (-regtest mode) only", "setmocktime", 1)
	n.fails(-1, "settimeoffset is for regression testing (-regtest mode) only", "settimeoffset", 1)
	n.fails(-1, "getnodestate is for regression testing (-regtest mode) only", "getnodestate")
	n.fails(-1, "setnodestate is for regression testing (-regtest mode) only", "setnodestate", jsonrpc.Object{})
	n.fails(-1, "mockscheduler is for regression testing (-regtest mode) only", "mockscheduler", 1)
	n.fails(-1, "generateat is for regression testing (-regtest mode) only", "generateat", n.params.GenesisHash, 1, "raw(51)")
	n.fails(-1, "setmining is for regression testing (-regtest mode) only", "setmining", jsonrpc.Object{})
	n.fails(-1, "getmining is for regression testing (-regtest mode) only", "getmining")
	if v := n.call("getblockchaininfo"); v.Get("chain").Text != "test" || v.Get("verificationprogress").Text != "0" && v.Get("verificationprogress").Text != "1" {
		t.Errorf("%s", jsonrpc.Append(nil, v))
	}
	if v := n.call("getdeploymentinfo"); v.Get("deployments").Get("bip54").IsNull() {
		t.Errorf("%s", jsonrpc.Append(nil, v))
	}
}

func TestHelp(t *testing.T) {
	n := startTestNode(t, nil)
	all := n.call("help").Text
	var categories []string
	for line := range strings.SplitSeq(all, "\n") {
		if strings.HasPrefix(line, "== ") {
			categories = append(categories, strings.Trim(line, "= "))
		}
	}
	if got := strings.Join(categories, " "); got != "Blockchain Control Mining Network Rawtransactions Util Zmq" {
		t.Errorf("categories %s", got)
	}
	if !strings.Contains(all, "\ngetblock \"blockhash\" ( verbosity )\n") || strings.Contains(all, "generate") || strings.Contains(all, "echo") {
		t.Errorf("%s", all)
	}
	if got := n.call("help", "nosuchmethod").Text; got != "help: unknown command: nosuchmethod" {
		t.Errorf("%s", got)
	}
	n.fails(-3, "Wrong type passed", "help", 0)

	// The help of a method is also what a wrong call of it is told.
	const want = `getblockhash height

The hash of the active chain's block at a height.

Arguments:
1. height    (numeric, required) The height

Result:
"hex"    (string) The block hash

Examples:
> keelson cli getblockhash 1000
`
	if got := n.call("help", "getblockhash").Text; got != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	n.fails(-1, want, "getblockhash")
	for name, m := range methods() {
		text := n.call("help", name).Text
		if first, _, _ := strings.Cut(text, "\n"); first != m.oneLine() || !strings.HasPrefix(first, name) {
			t.Errorf("%s: %s", name, first)
		}
		if strings.Contains(text, "%!") {
			t.Errorf("%s", text)
		}
	}
	for _, c := range []struct{ name, want string }{
		{"generateblock", `generateblock "output" ["rawtx/txid",...] ( submit )`},
		{"getblockstats", `getblockstats hash_or_height ( stats )`},
		{"getchaintxstats", `getchaintxstats ( nblocks "blockhash" )`},
		{"gettxoutsetinfo", `gettxoutsetinfo ( "hash_type" hash_or_height use_index )`},
		{"logging", `logging ( ["include_category",...] ["exclude_category",...] )`},
		{"createrawtransaction", `createrawtransaction [{"txid":"hex","vout":n,"sequence":n},...] [{"address":amount,...},{"data":"hex"},...] ( locktime replaceable )`},
		{"stop", `stop`},
		{"help", `help ( "command" )`},
	} {
		if got := methods()[c.name].oneLine(); got != c.want {
			t.Errorf("%s, want %s", got, c.want)
		}
	}
}

// TestTable holds the table of methods against itself.
func TestTable(t *testing.T) {
	for name, m := range methods() {
		if m.run == nil || m.help == "" || m.category == "" || name != m.name {
			t.Errorf("%s is incomplete", name)
		}
		if len(m.results) == 0 && name != "generate" {
			t.Errorf("%s says nothing of its result", name)
		}
		names, optional := map[string]bool{}, false
		for i := range m.params {
			p := &m.params[i]
			for alias := range strings.SplitSeq(p.names, "|") {
				if names[alias] || alias == "" || alias == "args" {
					t.Errorf("%s: parameter %q", name, alias)
				}
				names[alias] = true
			}
			// Core has one such parameter.
			if p.required && optional && name != "prioritisetransaction" {
				t.Errorf("%s: %s is needed behind one that is not", name, p.names)
			}
			optional = optional || !p.required
			if p.def != "" && !p.hint {
				if v, err := jsonrpc.Parse(p.def); err != nil || !p.anyType && v.Kind != p.typ.kind() {
					t.Errorf("%s: %s has the default %s", name, p.names, p.def)
				}
			}
		}
		if len(m.results) > 1 {
			for i := range m.results {
				if m.results[i].when == "" {
					t.Errorf("%s: a result of several has no condition", name)
				}
			}
		}
	}
}

// TestConvertible: what a command line reads as JSON is what bitcoin-cli does.
func TestConvertible(t *testing.T) {
	want := map[string]string{ // positions
		"getblock": "1", "getblockhash": "0", "getblockheader": "1", "getblockstats": "01", "getchaintxstats": "0", "gettxout": "12", "gettxoutsetinfo": "12",
		"gettxoutproof": "0", "scantxoutset": "1", "scanblocks": "1235", "waitfornewblock": "0", "waitforblock": "1", "waitforblockheight": "01",
		"dumptxoutset": "2", "getblockfrompeer": "1",
		"verifychain": "01", "pruneblockchain": "0", "generatetoaddress": "02", "generatetodescriptor": "02", "generateblock": "12", "generateat": "13", "setmining": "0", "getnetworkhashps": "01",
		"getblocktemplate":  "0",
		"getrawtransaction": "1", "decoderawtransaction": "1", "setmocktime": "0", "settimeoffset": "0", "setnodestate": "0", "mockscheduler": "0", "logging": "01", "stop": "0", "echojson": "0123456789",
		"createrawtransaction": "0123", "signrawtransactionwithkey": "12", "combinerawtransaction": "0", "createmultisig": "01", "deriveaddresses": "1",
		"createpsbt": "0123", "converttopsbt": "12", "combinepsbt": "0", "joinpsbts": "0", "finalizepsbt": "1", "utxoupdatepsbt": "1", "descriptorprocesspsbt": "134",
		"getrawmempool": "01", "getmempoolancestors": "1", "getmempooldescendants": "1", "gettxspendingprevout": "0", "prioritisetransaction": "12", "importmempool": "1",
		"sendrawtransaction": "12", "testmempoolaccept": "01", "submitpackage": "012", "estimatesmartfee": "0", "estimaterawfee": "01",
		"addnode": "2", "disconnectnode": "1", "setnetworkactive": "0", "setban": "23", "getnodeaddresses": "0", "addpeeraddress": "12",
	}
	for name, m := range methods() {
		got := ""
		for i := range m.params {
			byPosition := Convertible(name, i, "")
			if byPosition {
				got += string(rune('0' + i))
			}
			for alias := range strings.SplitSeq(m.params[i].names, "|") {
				if Convertible(name, 0, alias) != byPosition {
					t.Errorf("%s: %s by name is another thing than by position", name, alias)
				}
			}
		}
		if got != want[name] {
			t.Errorf("%s: %q, want %q", name, got, want[name])
		}
	}
	if Convertible("nosuchmethod", 0, "") || Convertible("getblock", 7, "") || Convertible("getblock", 0, "x") {
		t.Error("unknown arguments are no JSON")
	}
}

// TestMistake: a method that panics is answered, and others after it.
func TestMistake(t *testing.T) {
	n := startTestNode(t, nil)
	n.server.Serve(Node{}) // no ledger
	n.fails(-32603, "Internal bug detected: ", "getblockcount")
	n.fails(-32603, "Internal bug detected: ", "getblockcount")
	n.server.Serve(Node{Ledger: n.ledger})
	if got := n.text("getblockcount"); got != "0" {
		t.Error(got)
	}
}
