package browser

import (
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/chromedp/cdproto/emulation"
	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

// TestExplorer looks at one network, whose tests build on each other's chain.
func TestExplorer(t *testing.T) {
	n := up(t)
	for _, test := range []struct {
		name string
		run  func(*testing.T, *localnet)
	}{
		{"a block appears without a reload", blockAppears},
		{"a transaction appears without a reload", txAppears},
		{"a search finds", searchFinds},
		{"the faucet pays", faucetPays},
		{"a reorganisation is drawn", reorgDrawn},
		{"hostile text stays text", hostileText},
		{"a phone is wide enough", phone},
		{"a keyboard is enough", keyboard},
		{"pages without a script", withoutScript},
	} {
		t.Run(test.name, func(t *testing.T) {
			here := *n
			here.t = t
			test.run(t, &here)
		})
	}
}

func blockAppears(t *testing.T, n *localnet) {
	b := open(t, n.Explorer)
	b.visit(n.Explorer)
	b.listening()
	before := n.height()
	hash := n.mine(1)[0]
	b.becomes("the tip is the new block", fmt.Sprintf(`document.getElementById("tip").dataset.hash === %q`, hash))
	b.becomes("the new block leads the strip", fmt.Sprintf(`document.querySelector("#strip .tile.tip").dataset.hash === %q`, hash))
	if got := eval[string](b, `document.getElementById("tip").dataset.height`); got != fmt.Sprint(before+1) {
		t.Errorf("the tip is shown at height %s, not %d", got, before+1)
	}
	if !b.holds(fmt.Sprintf(`document.querySelector("#strip .tile[data-hash='%s']").classList.contains("fresh")`, hash)) {
		t.Error("nothing shows that the block is new")
	}
	b.stillThere()
	b.picture("home")

	// The list of blocks and the page of a block follow as well.
	b.visit(n.url("/block/%s", hash))
	b.listening()
	next := n.mine(1)[0]
	b.becomes("the block has two confirmations", `document.getElementById("block").dataset.confirmations === "2"`)
	b.stillThere()
	b.picture("block")
	b.visit(n.url("/blocks"))
	if got := eval[string](b, `document.querySelector("#blocks tr[data-hash]").dataset.hash`); got != next {
		t.Errorf("the list of blocks begins with %s, not %s", got, next)
	}
	b.picture("blocks")
}

func txAppears(t *testing.T, n *localnet) {
	b := open(t, n.Explorer)
	b.visit(n.Explorer)
	b.listening()
	txid := n.fund(1.25)
	b.becomes("the transaction appears", fmt.Sprintf(`document.querySelector("#arrivals tr[data-txid='%s']")`, txid))
	b.becomes("one transaction waits", `document.getElementById("pool-count").dataset.count === "1"`)
	b.stillThere()

	b.visit(n.url("/tx/%s", txid))
	b.listening()
	if got := eval[string](b, `document.getElementById("tx").dataset.confirmations`); got != "0" {
		t.Errorf("a transaction that waits has %s confirmations", got)
	}
	n.mine(1)
	b.becomes("the transaction is confirmed", `document.getElementById("tx").dataset.confirmations === "1"`)
	b.stillThere()
	b.picture("tx")
}

func searchFinds(t *testing.T, n *localnet) {
	b := open(t, n.Explorer)
	txid := n.fund(0.5)
	hash := n.mine(1)[0]
	for _, c := range []struct{ text, page, id, key string }{
		{txid, "tx", "tx", "txid"},
		{hash, "block", "block", "hash"},
		{fmt.Sprint(n.height()), "block", "block", "hash"},
		{"  " + strings.ToUpper(n.Accounts[0].Address) + " ", "address", "address", "address"},
	} {
		b.visit(n.Explorer)
		b.run(chromedp.SendKeys("#q", c.text+kb.Enter, chromedp.ByQuery))
		b.becomes("a search for "+c.text+" leads to a page", fmt.Sprintf(`document.body.dataset.page === %q`, c.page))
		want := strings.ToLower(strings.TrimSpace(c.text))
		if c.id == "block" {
			want = hash
		}
		if got := eval[string](b, fmt.Sprintf(`document.getElementById(%q).dataset[%q]`, c.id, c.key)); got != want {
			t.Errorf("a search for %q shows %q", c.text, got)
		}
	}
	b.visit(n.Explorer)
	b.run(chromedp.SendKeys("#q", "no such thing"+kb.Enter, chromedp.ByQuery))
	b.becomes("a search in vain says so", `document.body.dataset.page === "error" && document.getElementById("error")`)
	b.pardon("404")
}

func faucetPays(t *testing.T, n *localnet) {
	b := open(t, n.Explorer)
	to := n.Accounts[1].Address
	b.visit(n.url("/address/%s", to))
	before := eval[string](b, `document.getElementById("balance").dataset.satoshi`)
	b.visit(n.Explorer)
	b.run(
		chromedp.SendKeys("#faucet-address", to, chromedp.ByQuery),
		chromedp.SetValue("#faucet-amount", "2.5", chromedp.ByQuery),
		chromedp.Submit("#faucet", chromedp.ByQuery),
	)
	b.becomes("the transaction of the faucet is shown", `document.body.dataset.page === "tx" && document.getElementById("tx")`)
	if !b.holds(fmt.Sprintf(`document.querySelector("#tx .outputs").innerText.replace(/\s/g, "").includes(%q)`, to)) &&
		!b.holds(fmt.Sprintf(`document.querySelector("#tx .outputs a[href='/address/%s']")`, to)) {
		t.Errorf("the transaction does not pay %s: %s", to, eval[string](b, `document.querySelector("#tx .outputs").innerText`))
	}
	n.mine(1)
	b.visit(n.url("/address/%s", to))
	after := eval[string](b, `document.getElementById("balance").dataset.satoshi`)
	var was, is int64
	fmt.Sscan(before, &was)
	fmt.Sscan(after, &is)
	if is-was != 250_000_000 {
		t.Errorf("the balance went from %s to %s satoshi, not up by 250000000", before, after)
	}
	b.picture("address")
}

func reorgDrawn(t *testing.T, n *localnet) {
	b := open(t, n.Explorer)
	n.mine(3)
	txid := n.fund(0.75)
	n.mine(1)
	b.visit(n.url("/reorgs"))
	b.listening()
	seen := eval[string](b, `document.getElementById("reorgs").dataset.count`)
	var reorg struct {
		Fork     int
		Old, New []string
	}
	n.call(&reorg, "testnet_reorg", 2, 3)
	if len(reorg.Old) != 2 || len(reorg.New) != 3 {
		t.Fatalf("the reorganisation is %+v", reorg)
	}
	fork := fmt.Sprintf(`document.querySelector(".fork[data-depth='2'][data-length='3'][data-fork-height='%d']")`, reorg.Fork)
	b.becomes("the reorganisation is drawn", fork)
	for class, hashes := range map[string][]string{"old": reorg.Old, "new": reorg.New} {
		if count := eval[int](b, fmt.Sprintf(`%s.querySelectorAll(".forkpic .%s").length`, fork, class)); count == 0 {
			t.Errorf("no block is drawn as %s", class)
		}
		for _, hash := range hashes {
			if !b.holds(fmt.Sprintf(`%s.querySelector("a[href='/block/%s']")`, fork, hash)) {
				t.Errorf("the block %s, which is %s, cannot be reached", hash, class)
			}
		}
	}
	// It is a picture that somebody can see.
	if area := eval[float64](b, fork+`.querySelector(".forkpic svg, svg.forkpic, svg").getBoundingClientRect().width`); area < 100 {
		t.Errorf("the picture is %v pixels wide", area)
	}
	b.becomes("one more is counted", fmt.Sprintf(`document.getElementById("reorgs").dataset.count !== %q`, seen))
	b.stillThere()
	b.picture("reorgs")

	// What was in the blocks that lost waits again.
	b.visit(n.url("/tx/%s", txid))
	if got := eval[string](b, `document.getElementById("tx").dataset.confirmations`); got != "0" {
		t.Errorf("a transaction of a block that lost has %s confirmations", got)
	}
	b.visit(n.url("/block/%s", reorg.Old[0]))
	if got := eval[string](b, `document.getElementById("block").dataset.active`); got != "false" {
		t.Errorf("a block that lost is shown as active: %s", got)
	}
	n.mine(1)
}

// hostile is what somebody may put into a coinbase or an output, to the annoyance
// of whoever shows it.
var hostile = []string{
	`</script><img src=x onerror=alert(1)>`,
	`"><svg onload=alert(2)>'{{.}}`,
	"\xff\xfe\u202emoc.live\u202c\x00\x1b[31m",
	`javascript:alert(3)//<iframe src=//evil.example>`,
}

func hostileText(t *testing.T, n *localnet) {
	b := open(t, n.Explorer)
	for i, text := range hostile {
		hash := n.mineText(text)
		b.visit(n.url("/block/%s", hash))
		if !b.holds(`document.getElementById("coinbase-text")`) {
			t.Fatalf("%q: the page does not show what the coinbase says", text)
		}
		shown := eval[string](b, `document.getElementById("coinbase-text").textContent`)
		if word := []string{"onerror=alert(1)", "onload=alert(2)", "live", "javascript:alert(3)"}[i]; !strings.Contains(shown, word) {
			t.Errorf("%q is shown as %q", text, shown)
		}
		if strings.ContainsAny(shown, "\u202e\u202c\x00\x1b") {
			t.Errorf("%q is shown with its controls: %q", text, shown)
		}
		b.harmless(text)
		var block struct{ Tx []string }
		n.call(&block, "getblock", hash)
		b.visit(n.url("/tx/%s", block.Tx[0]))
		b.harmless(text)
	}
	b.picture("hostile")
	b.visit(n.Explorer)
	b.harmless("the first page")
	// What is searched for is shown, too.
	for _, text := range hostile {
		b.visit(n.Explorer)
		b.run(chromedp.SetValue("#q", strings.ToValidUTF8(strings.ReplaceAll(text, "\x00", ""), ""), chromedp.ByQuery), chromedp.Submit("#search", chromedp.ByQuery))
		b.becomes("a search for rubbish says so", `document.body.dataset.page === "error"`)
		b.harmless("a search for " + text)
		b.pardon("404")
	}
}

// harmless fails if the page has elements that the explorer's own pages have not.
func (b *tab) harmless(what string) {
	b.t.Helper()
	if got := eval[string](b, `[...document.querySelectorAll("img, iframe, object, embed, script:not([src]), [onload], [onerror], [style]")].map((e) => e.outerHTML).join("\n")`); got != "" {
		b.t.Errorf("%s: the page has %s", what, got)
	}
}

// mineText mines a block whose coinbase has a text, and returns its hash.
func (n *localnet) mineText(text string) string {
	n.t.Helper()
	var tmpl struct {
		Height            int64
		Version           int32
		PreviousBlockHash string
		Bits              string
		CurTime           int64
		CoinbaseValue     int64
		Transactions      []struct{ Data string }
	}
	n.call(&tmpl, "getblocktemplate", map[string]any{"rules": []string{"segwit"}})
	if len(tmpl.Transactions) > 0 {
		n.t.Fatal("the pool is not empty")
	}
	block := build(n.t, tmpl.Height, tmpl.Version, tmpl.PreviousBlockHash, tmpl.Bits, tmpl.CurTime, tmpl.CoinbaseValue, []byte(text))
	var reason *string
	raw, err := btcutil.NewBlock(block).Bytes()
	if err != nil {
		n.t.Fatal(err)
	}
	n.call(&reason, "submitblock", hex.EncodeToString(raw))
	if reason != nil {
		n.t.Fatalf("the block is refused: %s", *reason)
	}
	return block.BlockHash().String()
}

func phone(t *testing.T, n *localnet) {
	b := open(t, n.Explorer)
	txid := n.fund(1)
	hash := n.mine(1)[0]
	waiting := n.fund(1)
	for _, dark := range []bool{false, true} {
		scheme, suffix := "light", ""
		if dark {
			scheme, suffix = "dark", "-dark"
		}
		b.run(
			emulation.SetDeviceMetricsOverride(390, 844, 2, true),
			emulation.SetEmulatedMedia().WithFeatures([]*emulation.MediaFeature{{Name: "prefers-color-scheme", Value: scheme}}),
		)
		for name, path := range map[string]string{
			"home": "/", "blocks": "/blocks", "block": "/block/" + hash, "tx": "/tx/" + txid, "waiting": "/tx/" + waiting,
			"address": "/address/" + n.Accounts[0].Address, "pool": "/pool", "peers": "/peers", "reorgs": "/reorgs",
		} {
			b.visit(n.url("%s", path))
			if wide := eval[float64](b, `document.documentElement.scrollWidth`); wide > 390 {
				t.Errorf("%s is %v pixels wide on a phone of 390: %s", path, wide, eval[string](b,
					`[...document.querySelectorAll("main *")].filter((e) => e.getBoundingClientRect().right > innerWidth + 1 && !e.closest(".scroll, .strip")).slice(0, 5).map((e) => e.outerHTML.slice(0, 200)).join("\n")`))
			}
			// Text can be read on its ground.
			if fore, back := eval[string](b, `getComputedStyle(document.body).color`), eval[string](b, `getComputedStyle(document.body).backgroundColor`); fore == back {
				t.Errorf("%s: text and ground are both %s", path, fore)
			}
			b.picture("phone-" + name + suffix)
		}
	}
	if light := eval[string](b, `getComputedStyle(document.body).backgroundColor`); light == "rgb(255, 255, 255)" {
		t.Error("dark is not dark")
	}
	n.mine(1)
}

func keyboard(t *testing.T, n *localnet) {
	b := open(t, n.Explorer)
	b.visit(n.Explorer)
	// The first stop leads past the head.
	b.run(chromedp.KeyEvent(kb.Tab))
	if got := eval[string](b, `document.activeElement.getAttribute("href") || ""`); !strings.HasPrefix(got, "#") {
		t.Errorf("the first stop leads to %q, not to the main part", got)
	}
	b.run(chromedp.KeyEvent("/"))
	if !b.holds(`document.activeElement.id === "q"`) {
		t.Error("/ does not lead to the search")
	}
	b.run(chromedp.KeyEvent(kb.Escape))
	if b.holds(`document.activeElement.id === "q"`) {
		t.Error("Escape does not leave the search")
	}
	// Whatever can be reached shows that it is, and has a name.
	b.visit(n.Explorer)
	stops := map[string]bool{}
	for range 60 {
		b.run(chromedp.KeyEvent(kb.Tab))
		stop := eval[struct{ Tag, Name, Shown string }](b, `(() => {
			const e = document.activeElement, s = getComputedStyle(e);
			const name = e.getAttribute("aria-label") || e.innerText || e.textContent || (e.labels && e.labels[0] && e.labels[0].innerText) || e.title || "";
			return {Tag: e.tagName, Name: name.trim(), Shown: s.outlineStyle + " " + s.boxShadow + " " + s.borderColor};
		})()`)
		if stop.Tag == "BODY" {
			break
		}
		if stop.Name == "" {
			t.Errorf("the stop at %s has no name: %s", stop.Tag, eval[string](b, `document.activeElement.outerHTML`))
		}
		if strings.HasPrefix(stop.Shown, "none none") {
			t.Errorf("nothing shows the stop at %s %q", stop.Tag, stop.Name)
		}
		stops[stop.Tag] = true
	}
	for _, tag := range []string{"A", "INPUT", "BUTTON"} {
		if !stops[tag] {
			t.Errorf("the keyboard does not reach any %s", tag)
		}
	}
	for _, c := range []struct{ what, selector string }{
		{"a main part", "main"}, {"a head", "header"}, {"a navigation", "nav"}, {"a language", "html[lang]"}, {"heads of tables", "table th[scope]"},
	} {
		if !b.holds(fmt.Sprintf("document.querySelector(%q)", c.selector)) {
			t.Errorf("the first page has not %s", c.what)
		}
	}
}

func withoutScript(t *testing.T, n *localnet) {
	b := open(t, n.Explorer)
	b.run(emulation.SetScriptExecutionDisabled(true))
	hash := n.mine(1)[0]
	b.visit(n.Explorer)
	var got string
	b.run(chromedp.AttributeValue("#tip", "data-hash", &got, nil, chromedp.ByQuery))
	if got != hash {
		t.Errorf("without a script the tip is %s, not %s", got, hash)
	}
	b.run(chromedp.SendKeys("#q", hash, chromedp.ByQuery), chromedp.Click("#search button", chromedp.ByQuery), chromedp.WaitReady("#block", chromedp.ByQuery))
	b.run(chromedp.AttributeValue("#block", "data-hash", &got, nil, chromedp.ByQuery))
	if got != hash {
		t.Errorf("without a script the search shows %s, not %s", got, hash)
	}
}
