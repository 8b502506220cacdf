package explorer

import (
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/p2p/peerinfo"
	"github.com/keelson-chain/keelson/script/address"
	"github.com/keelson-chain/keelson/wire"
)

// addressOf is the address of an output.
func (n *testNode) addressOf(o wire.TxOut) string {
	n.t.Helper()
	text, ok := address.Encode(&n.server.cfg.Params.Address, o.PkScript)
	if !ok {
		n.t.Fatal("no address")
	}
	return text
}

// TestPages asks for every page of a node that has seen transactions of every
// kind, a reorganisation and peers.
func TestPages(t *testing.T) {
	who := peers{{Num: 3, ID: "12D3KooWPeer", Addr: "/ip4/127.0.0.1/tcp/18555/p2p/12D3KooWPeer", Kind: peerinfo.Inbound,
		Subver: "/Satoshi:28.1.0(one)/", SyncedBlocks: 121, Ping: 7 * time.Millisecond}}
	n := startTestNode(t, options{network: who, config: func(c *Config) { c.Faucet = "/faucet" }})
	data := wire.TxOut{PkScript: append([]byte{0x6a, 5}, "hello"...)}
	mined := n.pay(0, 3000, n.gen.Out(chaingen.P2TR, 3, 1e8), n.gen.Out(chaingen.P2PKH, 4, 2e8), data)
	block := n.mine(mined)
	left, came := n.reorg(2, nil)
	waits := n.gen.Spend(n.gen.OutputsOf(mined)[:1], n.gen.Out(chaingen.P2WPKH, 5, 9e7))
	n.send(waits)
	eventually(t, "the transaction and the reorganisation are remembered", func() bool {
		m := n.server.node.Load().memory
		return len(m.Arrivals()) == 1 && len(m.Reorgs()) == 1
	})
	tip := came[len(came)-1].Hash()

	n.page("/", `data-page="home"`, fmt.Sprintf(`data-tip-height="124" data-tip-hash="%v"`, tip), `data-count="1">1</a>`, waits.TxID().String(),
		`id="reorg-1" data-reorg="1" data-depth="2" data-length="3" data-fork-height="121"`, "After block 121, 2 blocks gave way to 3 others.",
		`class="stale" href="/block/`+left[0].Hash().String(), `<form id="faucet" action="/faucet" method="post">`, `id="hashrate"`, `class="line" d="M`, "4.66 × 10⁻¹⁰", `<a href="/peers">1</a>`)
	n.page("/blocks", tip.String(), `rel="next" href="/blocks?from=99">`, `class="badge stale"`)
	n.page("/blocks?from=24", `data-height="24"`, `data-height="0"`, `rel="prev" href="/blocks?from=49"`)
	n.page("/block/"+block.Hash().String(), `data-active="true"`, "4 confirmations", mined.TxID().String(), `<dt>Fees taken</dt><dd><span class="amount">0.00003<i>000</i>`,
		`<bdi class="data">hello</bdi>`, "new coins", block.Header.MerkleRoot.String())
	n.page("/block/"+left[0].Hash().String(), `data-active="false" data-confirmations="0"`, "not in the active chain", left[0].Txs[0].TxID().String())
	n.page("/block/"+n.server.cfg.Params.GenesisHash.String(), "The first block", "The Times 03/Jan/2009 Chancellor on brink of second bailout for banks")
	n.page("/tx/"+mined.TxID().String(), `data-confirmations="4"`, "OP_PUSHNUM_1 OP_PUSHBYTES_32", "v1_p2tr", "p2pkh", "Spent by", ", which waits", waits.TxID().String(), `class="unspent">Unspent`, "Witness", rateText(3000*4/float64(mined.Weight()))+" sat/vB")
	n.page("/tx/"+waits.TxID().String(), `data-confirmations="0"`, "waits for a block", "nothing that waits", "Output spent")
	n.page("/tx/"+came[0].Txs[0].TxID().String(), "coinbase", `id="coinbase-text"`)
	p2tr := n.addressOf(mined.Outputs[0])
	n.page("/address/"+p2tr, `data-address="`+p2tr, `id="balance" data-satoshi="100000000"`, `id="unconfirmed" data-satoshi="-100000000"`, "witness_v1_taproot", waits.TxID().String(), mined.TxID().String(), "−1<i>.00000000", ">1<i>.00000000")
	n.page("/address/"+n.addressOf(mined.Outputs[1]), "1 unspent output", `data-satoshi="200000000"`)
	n.page("/pool", `id="pool-page"`, waits.TxID().String(), "room in 1 block", "1 to 1 of 1")
	n.page("/peers", `data-peer="12D3KooWPeer"`, "127.0.0.1:18555", "/Satoshi:28.1.0(one)/", "inbound", "7.0 ms", "12D3KooWTestTestTestTest")
	reorgs := n.page("/reorgs", `id="reorg-1"`, "Blocks of both branches")
	for _, b := range append(left, came...) {
		if !strings.Contains(reorgs, b.Hash().String()) {
			t.Errorf("/reorgs lacks %v", b.Hash())
		}
	}
}

// TestAddressHistory: a long history comes in pages, each transaction once.
func TestAddressHistory(t *testing.T) {
	n := startTestNode(t, options{blocks: 101})
	to := n.gen.Out(chaingen.P2WPKH, 9, 1e6)
	var want []string
	for range 30 {
		tx := n.pay(0, 1000, to)
		n.mine(tx)
		want = append(want, tx.TxID().String())
	}
	seen := map[string]int{}
	path := "/address/" + n.addressOf(to)
	for pages := 0; path != ""; pages++ {
		if pages == 5 {
			t.Fatal("no end")
		}
		body := n.page(path)
		for _, m := range regexp.MustCompile(`id="tx-([0-9a-f]{64})"`).FindAllStringSubmatch(body, -1) {
			seen[m[1]]++
		}
		path = ""
		if m := regexp.MustCompile(`rel="next" href="([^"]*)"`).FindStringSubmatch(body); m != nil {
			path = m[1]
		}
	}
	for _, id := range want {
		if seen[id] != 1 {
			t.Errorf("%s is there %d times", id, seen[id])
		}
	}
}

// TestWithoutIndexes: pages say which setting is missing.
func TestWithoutIndexes(t *testing.T) {
	n := startTestNode(t, options{ledger: func(c *ledger.Config) { c.TxIndex, c.AddressIndex = false, false }})
	mined := n.pay(0, 1000, n.gen.Out(chaingen.P2TR, 3, 1e8))
	block := n.mine(mined)
	waits := n.pay(1, 1000)
	n.send(waits)
	n.page("/")
	n.page("/block/"+block.Hash().String(), mined.TxID().String())
	n.page("/address/"+n.addressOf(mined.Outputs[0]), "<code>--addressindex</code>")
	n.page("/tx/"+waits.TxID().String(), "<code>--addressindex</code>")
	n.refused("/tx/"+mined.TxID().String(), http.StatusNotFound, "--txindex")
	n.refused("/search?q="+mined.TxID().String(), http.StatusNotFound, "--txindex")
	n.page("/peers", "no peer-to-peer layer")
}

// refused asks for a page that cannot be had.
func (n *testNode) refused(path string, status int, texts ...string) {
	n.t.Helper()
	answer, body := n.get(path)
	if answer.StatusCode != status {
		n.t.Errorf("%s: status %d, want %d", path, answer.StatusCode, status)
	}
	wellFormed(n.t, path, body)
	for _, text := range append(texts, `data-page="error"`) {
		if !strings.Contains(body, text) {
			n.t.Errorf("%s: no %q in\n%s", path, text, body)
		}
	}
}

// TestRefused: what makes no sense gets a page that says so, with what was asked as text.
func TestRefused(t *testing.T) {
	n := startTestNode(t, options{})
	none := strings.Repeat("ab", 32)
	for path, want := range map[string]string{
		"/nothing": "There is no such page", "/block/": "no such page", "/block": "no such page", "/tx/": "no such page", "/blocks/": "no such page",
		"/block/" + none: "knows no block", "/tx/" + none: "No transaction " + none, "/block/121": "the tip is block 120",
		"/block/4294967296": "no block hash", "/blocks?from=121": "the tip is block 120", "/pool?start=50": "only 0 transactions",
		"/block/" + n.gen.Tip().Hash().String() + "?start=25": "out of range",
		"/search?q=" + none: "No block has the hash", "/search?q=999": "no block 999", "/search?q=xyz": "neither", "/search?q=%3Cscript%3E": "&lt;script&gt;",
	} {
		status := http.StatusNotFound
		if strings.Contains(want, "no block hash") {
			status = http.StatusBadRequest
		}
		n.refused(path, status, want)
	}
	for path, want := range map[string]string{
		"/block/xyz": "64 hexadecimal digits", "/tx/12": "64 hexadecimal digits", "/tx/" + none + "0": "64 hexadecimal digits", "/block/-1": "64 hexadecimal digits",
		"/blocks?from=-1": "must be a whole number", "/blocks?from=1e3": "must be a whole number", "/blocks?from=99999999999": "must be a whole number", "/pool?start=x": "must be a whole number",
		"/block/" + n.gen.Tip().Hash().String() + "?start=1":  "multiple of 25",
		"/address/bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4": "is no address of network regtest", "/address/%3Cimg%20src=x%3E": "&lt;img src=x&gt;",
		"/address/" + strings.Repeat("a", 300): "too long", "/address/%ff%fe%00": "is no address", "/search": "Search for", "/search?q=+++": "Search for", "/search?q=" + strings.Repeat("b", 257): "too long",
		"/search?q=" + strings.Repeat("b", 65): "neither",
	} {
		status := http.StatusBadRequest
		if want == "neither" {
			status = http.StatusNotFound
		}
		n.refused(path, status, want)
	}
	answer, _ := n.ask(http.MethodPost, "/", "", strings.NewReader("x=1"))
	if answer.StatusCode != http.StatusMethodNotAllowed || answer.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("POST /: %d %q", answer.StatusCode, answer.Header.Get("Allow"))
	}
}

// TestSearch: it leads to what is meant.
func TestSearch(t *testing.T) {
	n := startTestNode(t, options{})
	tx := n.pay(0, 1000, n.gen.Out(chaingen.P2PKH, 3, 1e8))
	block := n.mine(tx)
	waits := n.pay(1, 1000)
	n.send(waits)
	to := n.addressOf(tx.Outputs[0])
	const segwit = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"
	for q, want := range map[string]string{
		"121": "/block/" + block.Hash().String(), "0": "/block/" + n.server.cfg.Params.GenesisHash.String(), "%20121+": "/block/" + block.Hash().String(),
		block.Hash().String(): "/block/" + block.Hash().String(), strings.ToUpper(block.Hash().String()): "/block/" + block.Hash().String(),
		tx.TxID().String(): "/tx/" + tx.TxID().String(), waits.TxID().String(): "/tx/" + waits.TxID().String(), to: "/address/" + to,
		strings.ToUpper(segwit): "/address/" + segwit,
	} {
		answer, _ := n.get("/search?q=" + q)
		if answer.StatusCode != http.StatusFound || answer.Header.Get("Location") != want {
			t.Errorf("%s: %d to %q, want %q", q, answer.StatusCode, answer.Header.Get("Location"), want)
		}
	}
	answer, _ := n.get("/block/121")
	if answer.Header.Get("Location") != "/block/"+block.Hash().String() {
		t.Errorf("/block/121 leads to %q", answer.Header.Get("Location"))
	}
}

// TestHostile: what strangers wrote stays text, wherever it is shown.
func TestHostile(t *testing.T) {
	texts := []string{
		`</script><img src=x onerror=alert(1)>`, `"><svg onload=alert(1)>`, "{{.Title}}' onclick='x", "\u202emoc.live\u202c<b>", "\xff\xfe\x00\x1b[31m<i>\xc0\xaf", "</title></main><base href=//x>",
		strings.Repeat("\x01\x80<u>", 19), "\u202e\u200f\u200e evil", "javascript:alert(1)", "<!--", "]]>", "&lt;&#x3c;",
	}
	var list peers
	for i, text := range texts {
		list = append(list, peerinfo.Peer{Num: int64(i), ID: text, Addr: "/dns/" + text, Kind: peerinfo.Kind(text), Transport: text, Subver: text})
	}
	n := startTestNode(t, options{blocks: 100, network: list, config: func(c *Config) { c.Subversion = texts[0] }})
	for _, text := range texts {
		b := n.gen.Next()
		b.Txs[0] = b.Txs[0].Clone()
		// Below height 128 the height takes two bytes.
		script := append(b.Txs[0].Inputs[0].SigScript[:2:2], text...)
		b.Txs[0].Inputs[0].SigScript = script[:min(len(script), 100)]
		b.Txs[0].Outputs = append(b.Txs[0].Outputs, wire.TxOut{PkScript: append([]byte{0x6a, 0x4c, byte(len(text))}, text...)})
		root, _ := b.TxMerkleRoot()
		b.Header.MerkleRoot = root
		chaingen.Solve(b)
		n.gen.Add(b)
		n.add(b)
		for _, path := range []string{"/block/" + b.Hash().String(), "/tx/" + b.Txs[0].TxID().String()} {
			body := n.page(path, `id="coinbase-text"`)
			for _, bad := range []string{"<img", "<svg onload", "<base", "\u202e", "\u200f", "\x1b", "\xff", "\x00", "<b>1", "<u>", "<i>\xc0"} {
				if strings.Contains(body, bad) {
					t.Errorf("%s of %q has %q", path, text, bad)
				}
			}
		}
	}
	for _, path := range []string{"/", "/blocks", "/peers", "/pool", "/reorgs"} {
		n.page(path)
	}
}
