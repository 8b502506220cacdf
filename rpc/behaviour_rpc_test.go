package rpc

import (
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"testing"

	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/wire"
)

// The methods that make blocks, as rpc_generate looks at them.
func TestGenerateBehaviour(t *testing.T) {
	p := startPooled(t, 3, nil, nil)
	n := p.testNode
	const address = "mneYUmWYsuk7kySiURxCi3AGxrAqZxLgPZ"
	n.fails(-5, "Invalid address", "generatetoaddress", 1, "3J98t1WpEZ73CNmQviecrnyiWrnqRhWNLy")
	// Not added, then given back; to a descriptor; a key pays to its witness
	// program, or to its hash where it is not compressed.
	v := n.call("generateblock", address, []any{}, false)
	if got := n.call("getbestblockhash").Text; got == v.Get("hash").Text {
		t.Error("submit=false added the block")
	}
	if got := n.text("submitblock", v.Get("hex").Text); got != "null" || n.call("getbestblockhash").Text != v.Get("hash").Text {
		t.Errorf("submitblock: %s", got)
	}
	for output, want := range map[string]string{
		address:                 address,
		"addr(" + address + ")": address,
		"combo(0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798)":                                                                 "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080",
		"combo(0408ef68c46d20596cc3f6ddf7c8794f71913add807f1dc55949fa805d764d191c0b7ce6894c126fce0babc6663042f3dde9b0cf76467ea315514e5a6731149c67)": "mkc9STceoCcjoXEXe6cm66iJbmjM6zR9B2",
	} {
		hash := n.call("generateblock", output, []any{}).Get("hash").Text
		block := n.call("getblock", hash, 2)
		if got := block.Get("tx").At(0).Get("vout").At(0).Get("scriptPubKey").Get("address").Text; got != want || block.Get("tx").Len() != 1 {
			t.Errorf("%s pays %s", output, got)
		}
	}
	// Ids and raw transactions, in the order given, and nothing else of the pool.
	known, other := p.pay(1_000, p.coins[0]), p.pay(1_000, p.coins[1])
	p.send(known, other)
	given := p.pay(1_000, p.coins[2])
	block := n.call("getblock", n.call("generateblock", address, []any{known.TxID(), raw(given)}).Get("hash").Text)
	if got, want := encoded(block.Get("tx")), fmt.Sprintf(`"%v","%v"]`, known.TxID(), given.TxID()); block.Get("nTx").Text != "3" || !strings.HasSuffix(got, want) {
		t.Errorf("%s", got)
	}
	p.holds(other)
	child := p.pay(1_000, p.out(other, 0))
	n.fails(-25, "testBlockValidity failed: bad-txns-inputs-missingorspent", "generateblock", address, []any{raw(child), other.TxID()})
	n.call("generateblock", address, []any{other.TxID(), raw(child)})
	n.fails(-22, "Transaction decode failed for 0000", "generateblock", address, []any{"0000"})
	n.fails(-5, "Transaction "+strings.Repeat("0", 64)+" not in mempool.", "generateblock", address, []any{strings.Repeat("0", 64)})
	n.fails(-5, "Invalid address or descriptor", "generateblock", "1234", []any{})
	p.checked(0)
	// The old method has become an option of the command line, and says so.
	const message = "generate\n\nhas been replaced by the -generate cli option. Refer to -help for more information.\n"
	n.fails(-32601, message, "generate")
	if got := n.call("help", "generate").Text; got != message {
		t.Errorf("%q", got)
	}
	if strings.Contains(n.call("help").Text, "-generate") {
		t.Error("help lists generate")
	}
}

// The result of help ends with a newline where it is about one method, and
// without one where it is a list (rpc_help).
func TestHelpBehaviour(t *testing.T) {
	n := startTestNode(t, nil)
	if got := n.call("help", "getblockcount").Text; !strings.HasPrefix(got, "getblockcount\n\n") || !strings.HasSuffix(got, "\n") || strings.HasSuffix(got, "\n\n") {
		t.Errorf("%q", got)
	}
	all := n.call("help").Text
	var titles []string
	for line := range strings.Lines(all) {
		if title, ok := strings.CutPrefix(strings.TrimSpace(line), "== "); ok {
			titles = append(titles, strings.TrimSuffix(title, " =="))
		}
	}
	if got := strings.Join(titles, " "); got != "Blockchain Control Mining Network Rawtransactions Util Zmq" {
		t.Errorf("titles: %s", got)
	}
	if strings.HasSuffix(all, "\n") {
		t.Error("the list ends with a newline")
	}
	n.fails(-1, "help", "help", "a", "b")
	n.fails(-3, "JSON value of type number is not of expected type string", "help", 0)
}

// What the server says to requests that are none (interface_http), and who may
// read the cookie (rpc_users).
func TestHTTPBehaviour(t *testing.T) {
	for _, mode := range []os.FileMode{0, 0o640, 0o644} {
		n := startTestNode(t, func(c *Config, _ *ledger.Config) { c.CookieMode = mode })
		info, err := os.Stat(n.config.CookieFile)
		if err != nil {
			t.Fatal(err)
		}
		if want := max(mode, 0o600); info.Mode().Perm() != want {
			t.Errorf("the cookie has mode %v, want %v", info.Mode(), want)
		}
		if mode != 0 {
			continue
		}
		for path, want := range map[string]int{
			"/":                            http.StatusMethodNotAllowed,
			"/" + strings.Repeat("x", 1e3): http.StatusNotFound,
			"/" + strings.Repeat("x", 1e4): http.StatusBadRequest,
		} {
			conn, err := net.Dial("tcp", n.address)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", path)
			var version string
			var status int
			if _, err := fmt.Fscan(conn, &version, &status); err != nil || status != want {
				t.Errorf("GET %.10s of %d bytes: %d, %v; want %d", path, len(path), status, err, want)
			}
			conn.Close()
		}
	}
}

// What getrawtransaction finds where, with and without the index
// (rpc_rawtransaction).
func TestGetRawTransactionBehaviour(t *testing.T) {
	for _, index := range []bool{true, false} {
		p := startPooled(t, 2, func(_ *Config, c *ledger.Config) { c.TxIndex = index }, nil)
		n := p.testNode
		tx := p.pay(1_000, p.coins[0])
		p.send(tx)
		b1 := p.mine(tx).Hash()
		b2 := p.mine().Hash()
		genesis := n.call("getblock", n.call("getblockhash", 0).Text).Get("merkleroot").Text
		n.fails(-5, "The genesis block coinbase is not considered an ordinary transaction and cannot be retrieved", "getrawtransaction", genesis)
		if index {
			if got := n.text("getrawtransaction", tx.TxID()); got != encoded(raw(tx)) {
				t.Errorf("%s", got)
			}
			v := n.call("getrawtransaction", tx.TxID(), true)
			if _, ok := v.Lookup("in_active_chain"); ok || v.Get("blockhash").Text != b1.String() || v.Get("confirmations").Text != "2" {
				t.Errorf("%s", encoded(v))
			}
			v = n.call("getrawtransaction", tx.TxID(), 2)
			if v.Get("fee").Text != "0.00001000" || v.Get("vin").At(0).Get("prevout").Get("value").Text != "50.00000000" {
				t.Errorf("%s", encoded(v))
			}
			n.fails(-5, "No such mempool or blockchain transaction. Use gettransaction for wallet transactions.", "getrawtransaction", strings.Repeat("ab", 32))
		} else {
			n.fails(-5, "No such mempool transaction. Use -txindex or provide a block hash to enable blockchain transaction queries. Use gettransaction for wallet transactions.",
				"getrawtransaction", tx.TxID())
		}
		for _, v := range []jsonrpc.Value{
			n.call("getrawtransaction", tx.TxID(), true, b1),
			n.call("getrawtransaction", tx.TxID(), 1, b1),
			n.named("getrawtransaction", fmt.Sprintf(`{"txid":"%v","verbose":true,"blockhash":"%v"}`, tx.TxID(), b1)),
			n.named("getrawtransaction", fmt.Sprintf(`{"txid":"%v","verbosity":1,"blockhash":"%v"}`, tx.TxID(), b1)),
		} {
			if v.Get("in_active_chain").Text != "true" || v.Get("hex").Text != fmt.Sprintf("%x", raw(tx)) {
				t.Errorf("%s", encoded(v))
			}
		}
		n.fails(-5, "No such transaction found in the provided block. Use gettransaction for wallet transactions.", "getrawtransaction", tx.TxID(), true, b2)
		n.fails(-5, "Block hash not found", "getrawtransaction", tx.TxID(), true, strings.Repeat("0", 64))
		n.fails(-3, "JSON value of type bool is not of expected type string", "getrawtransaction", tx.TxID(), true, true)
		n.fails(-8, "parameter 3 must be of length 64 (not 6, for 'foobar')", "getrawtransaction", tx.TxID(), true, "foobar")
		// A block that is not in the chain any more still has it.
		n.call("invalidateblock", b1)
		if v := n.call("getrawtransaction", tx.TxID(), true, b1); v.Get("in_active_chain").Text != "false" {
			t.Errorf("%s", encoded(v))
		}
		p.checked(1)
		n.call("reconsiderblock", b1)
		if got := n.call("getbestblockhash").Text; got != b2.String() {
			t.Errorf("best block %s", got)
		}
		p.checked(0)
		// Any version is read as it is.
		for _, version := range []uint32{0, 1, 0x7fffffff, 0x80000000, 0xffffffff} {
			other := tx.Clone()
			other.Version = version
			if got := n.call("decoderawtransaction", raw(other)).Get("version").Text; got != fmt.Sprint(version) {
				t.Errorf("version %s, want %d", got, version)
			}
		}
	}
}

// What was not broadcast counts until it is in a block, and is remembered
// (mempool_unbroadcast, mempool_persist).
func TestUnbroadcastBehaviour(t *testing.T) {
	p := startPooled(t, 2, nil, nil)
	count := func() string { return p.call("getmempoolinfo").Get("unbroadcastcount").Text }
	one, two := p.pay(1_000, p.coins[0]), p.pay(1_000, p.coins[1])
	p.send(one, two, one)
	if got := count(); got != "2" {
		t.Errorf("%s are not broadcast", got)
	}
	for _, tx := range []*wire.Tx{one, two} {
		if v := p.call("getmempoolentry", tx.TxID()); v.Get("unbroadcast").Text != "true" {
			t.Errorf("%s", encoded(v))
		}
	}
	p.call("savemempool")
	p.servePool(nil)
	if got := count(); got != "2" {
		t.Errorf("after a restart %s are not broadcast", got)
	}
	p.mine(one)
	if got := count(); got != "1" {
		t.Errorf("after a block %s are not broadcast", got)
	}
	// A block that is taken back brings it as one that others know.
	p.invalidate(p.height())
	p.holds(one, two)
	if got := count(); got != "1" {
		t.Errorf("after a reorganisation %s are not broadcast", got)
	}
}
