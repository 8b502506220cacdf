package rpc

import (
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/mempool"
	"github.com/keelson-chain/keelson/mempool/policy"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/wire"
)

func TestSendRawTransaction(t *testing.T) {
	p := startPooled(t, 3, nil, nil)
	tx := p.pay(1_000, p.coins[0])
	p.send(tx)
	p.send(tx) // again
	p.checked(1)
	// The same with another witness, which nobody looks at, is there already.
	other := tx.Clone()
	other.Inputs[0].Witness = [][]byte{{1}}
	p.send(other)
	p.checked(1)

	// Fees that look like a mistake.
	high := p.pay(10_000_000, p.coins[1])
	const tooHigh = "Fee exceeds maximum configured by user (e.g. -maxtxfee, maxfeerate)"
	p.sendFails(-25, tooHigh, high)
	p.sendFails(-25, tooHigh, high, nil)
	p.sendFails(-25, tooHigh, high, "0.5")
	p.sendFails(-25, tooHigh, high, number("0.9"))
	p.sendFails(-8, "Fee rates larger than or equal to 1BTC/kvB are not accepted", high, 1)
	p.sendFails(-8, "Fee rates larger than or equal to 1BTC/kvB are not accepted", high, "1.0")
	p.sendFails(-3, "Invalid amount", high, "foo")
	p.sendFails(-3, "Amount is not a number or string", high, true)
	p.sendFails(-3, "Amount out of range", high, -1)
	p.checked(1)
	if got := p.named("sendrawtransaction", fmt.Sprintf(`{"hexstring":"%x","maxfeerate":0}`, raw(high))); got.Text != high.TxID().String() {
		t.Errorf("%s", encoded(got))
	}
	// Exactly the limit is not above it. Sizes differ by the length of signatures.
	exactly := func(more wire.Amount) *wire.Tx {
		for size := 100; ; size++ {
			tx := p.pay(wire.Amount(size*10_000)+more, p.coins[2])
			if virtualSize(tx) == size {
				return tx
			}
		}
	}
	limit, above := exactly(0), exactly(1)
	p.sendFails(-25, tooHigh, above)
	p.send(limit)
	p.checked(3)

	// Money that nobody could ever spend.
	p = startPooled(t, 2, nil, nil)
	const burn = "Unspendable output exceeds maximum configured by user (maxburnamount)"
	for _, pkScript := range [][]byte{{0x6a}, {0x6a, 0x02, 1, 2}, make([]byte, 10_001), {0x02, 1}, {0xff}} {
		value := p.coins[0].Coin.Out.Value - 100_000
		lossy := p.chain.Spend(p.coins[:1], wire.TxOut{Value: 1_001, PkScript: pkScript}, p.chain.Out(chaingen.P2WPKH, 1, value))
		p.sendFails(-25, burn, lossy)
		p.sendFails(-25, burn, lossy, nil, 0)
		p.sendFails(-25, burn, lossy, nil, "0.00001000")
		if v := p.call("testmempoolaccept", []any{raw(lossy)}); v.At(0).Get("allowed").Text != "true" {
			t.Errorf("%x: %s", pkScript[:1], encoded(v))
		}
	}
	lossy := p.chain.Spend(p.coins[:1], wire.TxOut{Value: wire.Coin, PkScript: []byte{0x6a}}, p.chain.Out(chaingen.P2WPKH, 1, 48*wire.Coin))
	p.sendFails(-25, burn, lossy, 0, number("0.99999999"))
	// That is looked at before the fee.
	p.sendFails(-25, burn, lossy, 1)
	p.sendFails(-3, "Invalid amount", lossy, 0, "foo")
	if got := p.named("sendrawtransaction", fmt.Sprintf(`{"hexstring":"%x","maxfeerate":0,"maxburnamount":1}`, raw(lossy))); got.Text != lossy.TxID().String() {
		t.Errorf("%s", encoded(got))
	}
}

// TestRefusals are transactions that no pool takes, and how both methods say so.
func TestRefusals(t *testing.T) {
	p := startPooled(t, 4, nil, func(c *mempool.Config) { c.Rules.AcceptNonStandard = false })
	confirmed := p.pay(1_000, p.coins[0])
	p.mine(confirmed)
	height := p.chain.State().Tip.Height
	spent := p.pay(2_000, p.coins[0])
	coin := p.coins[1]
	value := coin.Coin.Out.Value
	signed := func(change func(tx *wire.Tx)) *wire.Tx {
		tx := p.pay(1_000, coin)
		change(tx)
		p.chain.Sign(tx, []consensus.OutCoin{coin})
		return tx
	}
	broken := func(change func(tx *wire.Tx)) *wire.Tx {
		tx := p.pay(1_000, coin)
		change(tx)
		return tx
	}
	young := consensus.OutCoin{OutPoint: wire.OutPoint{TxID: p.chain.Tip().Txs[0].TxID()}}
	young.Coin = p.chain.Coins()[young.OutPoint]
	missing := p.pay(1_000, p.out(p.pay(9_000, p.coins[2]), 0))
	free := p.pay(0, coin)
	for _, c := range []struct {
		name   string
		tx     *wire.Tx
		code   jsonrpc.Code
		text   string
		reason string // of testmempoolaccept, where it is not the beginning of text
	}{
		{"confirmed", confirmed, -27, "Transaction outputs already in utxo set", "txn-already-known"},
		{"an input that is spent", spent, -25, "bad-txns-inputs-missingorspent", "missing-inputs"},
		{"an input that nobody has seen", missing, -25, "bad-txns-inputs-missingorspent", "missing-inputs"},
		{"no fee", free, -26, fmt.Sprintf("min relay fee not met, 0 < %d", virtualSize(free)), ""},
		{"more out than in", signed(func(tx *wire.Tx) { tx.Outputs[0].Value = value + 1 }), -26,
			fmt.Sprintf("bad-txns-in-belowout, value in (%v) < value out (%v)", money(value), money(value+1)), ""},
		{"no outputs", signed(func(tx *wire.Tx) { tx.Outputs = nil }), -26, "bad-txns-vout-empty", ""},
		{"a negative output", signed(func(tx *wire.Tx) { tx.Outputs[0].Value = -1 }), -26, "bad-txns-vout-negative", ""},
		{"an output above all money", signed(func(tx *wire.Tx) { tx.Outputs[0].Value = wire.MaxMoney + 1 }), -26, "bad-txns-vout-toolarge", ""},
		{"the same input twice", broken(func(tx *wire.Tx) { tx.Inputs = append(tx.Inputs, tx.Inputs[0]) }), -26, "bad-txns-inputs-duplicate", ""},
		{"a coinbase", p.chain.Tip().Txs[0], -27, "Transaction outputs already in utxo set", "coinbase"},
		{"a coinbase's output too early", p.pay(1_000, young), -26, "bad-txns-premature-spend-of-coinbase, tried to spend coinbase at depth 1", ""},
		{"a lock time", signed(func(tx *wire.Tx) { tx.LockTime, tx.Inputs[0].Sequence = height+2, 0 }), -26, "non-final", ""},
		{"a relative lock time", signed(func(tx *wire.Tx) { tx.Inputs[0].Sequence = height + 10 }), -26, "non-BIP68-final", ""},
		{"a wrong signature", broken(func(tx *wire.Tx) { tx.Outputs[0].Value-- }), -26,
			"mandatory-script-verify-flag-failed (Signature must be zero for failed CHECK(MULTI)SIG operation)", ""},
		{"no signature", broken(func(tx *wire.Tx) { tx.Inputs[0].Witness = nil }), -26,
			"mandatory-script-verify-flag-failed (Witness program hash mismatch)", ""},
		{"the wrong key", broken(func(tx *wire.Tx) { tx.Inputs[0].Witness[1] = append([]byte{2}, make([]byte, 32)...) }), -26,
			"mandatory-script-verify-flag-failed (Script failed an OP_EQUALVERIFY operation)", ""},

		// By policy alone.
		{"an unknown version", signed(func(tx *wire.Tx) { tx.Version = 4 }), -26, "version", ""},
		{"an unknown script", signed(func(tx *wire.Tx) { tx.Outputs[0].PkScript = []byte{0x51, 0x51} }), -26, "scriptpubkey", ""},
		{"dust", signed(func(tx *wire.Tx) {
			tx.Outputs = append(tx.Outputs, p.chain.Out(chaingen.P2WPKH, 1, 293))
			tx.Outputs[0].Value -= 293
		}), -26, "dust, tx with dust output must be 0-fee", ""},
		{"two data outputs", signed(func(tx *wire.Tx) {
			tx.Outputs = append(tx.Outputs, wire.TxOut{PkScript: []byte{0x6a}}, wire.TxOut{PkScript: []byte{0x6a}})
		}), -26, "multi-op-return", ""},
		{"an input script that does not only push", broken(func(tx *wire.Tx) { tx.Inputs[0].SigScript = []byte{0x61} }), -26, "scriptsig-not-pushonly", ""},
	} {
		reason := c.reason
		if reason == "" {
			reason, _, _ = strings.Cut(c.text, ",")
		}
		want := fmt.Sprintf(`[{"txid":"%v","wtxid":"%v","allowed":false,"reject-reason":"%s"}]`, c.tx.TxID(), c.tx.WTxID(), reason)
		if got := p.text("testmempoolaccept", []any{raw(c.tx)}); got != want {
			t.Errorf("%s: testmempoolaccept:\n got %s\nwant %s", c.name, got, want)
		}
		if got, want := p.sendError(c.tx), fmt.Sprint(int(c.code), " ", c.text); got != want {
			t.Errorf("%s: sendrawtransaction: %s, want %s", c.name, got, want)
		}
	}
	p.checked(0)
	// What was wrong with the others is not wrong with this one.
	p.send(p.pay(1_000, coin))
	p.checked(1)

	n := p.testNode
	const hint = "TX decode failed. Make sure the tx has at least one input."
	text := fmt.Sprintf("%x", raw(confirmed))
	for _, bad := range []string{"", "00", "foo", text + "00", text[:len(text)-2], "0200000000010100000000000000000000000000"} {
		n.fails(-22, hint, "sendrawtransaction", bad)
	}
	n.fails(-1, "sendrawtransaction \"hexstring\" ( maxfeerate maxburnamount )\n\n", "sendrawtransaction")
	n.fails(-3, "Wrong type passed:\n{\n    \"Position 1 (hexstring)\": \"JSON value of type number is not of expected type string\"\n}", "sendrawtransaction", 1)
}

// money is an amount as Core's debug messages have it: no more zeros than two.
func money(a wire.Amount) string {
	text := a.String()
	for strings.HasSuffix(text, "0") && text[len(text)-3] != '.' {
		text = text[:len(text)-1]
	}
	return text
}

func TestTestMempoolAccept(t *testing.T) {
	p := startPooled(t, 4, nil, nil)
	good := p.pay(1_000, p.coins[0])
	child := p.pay(2_000, p.out(good, 0))
	high := p.pay(20_000_000, p.coins[1])
	lost := p.pay(1_000, p.out(high, 0))
	allowed := func(tx *wire.Tx, fee wire.Amount) string {
		return fmt.Sprintf(`{"txid":"%v","wtxid":"%v","allowed":true,"vsize":%d,"fees":{"base":%v,"effective-feerate":%v,"effective-includes":["%v"]}}`,
			tx.TxID(), tx.WTxID(), virtualSize(tx), fee, wire.Amount(int64(fee)*1000/int64(virtualSize(tx))), tx.WTxID())
	}
	refused := func(tx *wire.Tx, reason string) string {
		return fmt.Sprintf(`{"txid":"%v","wtxid":"%v","allowed":false,"reject-reason":"%s"}`, tx.TxID(), tx.WTxID(), reason)
	}
	untold := func(tx *wire.Tx) string { return fmt.Sprintf(`{"txid":"%v","wtxid":"%v"}`, tx.TxID(), tx.WTxID()) }
	list := func(texts ...string) string { return "[" + strings.Join(texts, ",") + "]" }
	wrong := func(tx *wire.Tx, text string) string {
		return fmt.Sprintf(`{"txid":"%v","wtxid":"%v","package-error":"%s"}`, tx.TxID(), tx.WTxID(), text)
	}
	tampered := child.Clone()
	tampered.Inputs[0].Witness = nil
	double := p.pay(5_000, p.coins[0])
	after := p.pay(1_000, p.out(child, 0))
	for _, c := range []struct {
		name string
		txs  []*wire.Tx
		args []any
		want string
	}{
		{"alone", []*wire.Tx{good}, nil, list(allowed(good, 1_000))},
		{"no limit", []*wire.Tx{high}, []any{0}, list(allowed(high, 20_000_000))},
		{"too high", []*wire.Tx{high}, nil, list(refused(high, "max-fee-exceeded"))},
		{"above a limit of its own", []*wire.Tx{good}, []any{number("0.00000100")}, list(refused(good, "max-fee-exceeded"))},
		{"family", []*wire.Tx{good, child}, nil, list(allowed(good, 1_000), allowed(child, 2_000))},
		{"family without the parent", []*wire.Tx{child}, nil, list(refused(child, "missing-inputs"))},
		{"family of which the first pays too much", []*wire.Tx{high, lost}, nil, list(refused(high, "max-fee-exceeded"), untold(lost))},
		{"second is wrong", []*wire.Tx{good, tampered}, nil,
			list(allowed(good, 1_000), refused(tampered, "mandatory-script-verify-flag-failed (Witness program hash mismatch)"))},
		{"unsorted", []*wire.Tx{child, good}, nil, list(wrong(child, "package-not-sorted"), wrong(good, "package-not-sorted"))},
		{"conflict", []*wire.Tx{good, double}, nil, list(wrong(good, "conflict-in-package"), wrong(double, "conflict-in-package"))},
		{"twice", []*wire.Tx{good, good}, nil, list(wrong(good, "package-contains-duplicates"), wrong(good, "package-contains-duplicates"))},
		{"missing", []*wire.Tx{good, after}, nil, list(untold(good), refused(after, "missing-inputs"))},
	} {
		args := []any{[]any{}}
		for _, tx := range c.txs {
			args[0] = append(args[0].([]any), raw(tx))
		}
		if got := p.text("testmempoolaccept", append(args, c.args...)...); got != c.want {
			t.Errorf("%s:\n got %s\nwant %s", c.name, got, c.want)
		}
	}
	p.checked(0)
	if got := encoded(p.named("testmempoolaccept", fmt.Sprintf(`{"maxfeerate":"0","rawtxs":["%x"]}`, raw(good)))); got != list(allowed(good, 1_000)) {
		t.Errorf("by name: %s", got)
	}
	p.send(good)
	if got := p.text("testmempoolaccept", []any{raw(good)}); got != list(refused(good, "txn-already-in-mempool")) {
		t.Errorf("%s", got)
	}
	other := good.Clone()
	other.Inputs[0].Witness = [][]byte{{1}}
	if got := p.text("testmempoolaccept", []any{raw(other)}); got != list(refused(other, "txn-same-nonwitness-data-in-mempool")) {
		t.Errorf("%s", got)
	}
	if got := p.text("testmempoolaccept", []any{raw(child)}); got != list(allowed(child, 2_000)) {
		t.Errorf("%s", got)
	}
	if got := p.text("testmempoolaccept", []any{raw(double)}); got != list(allowed(double, 5_000)) {
		t.Errorf("a replacement: %s", got)
	}

	text := fmt.Sprintf("%x", raw(good))
	many := make([]any, 26)
	for i := range many {
		many[i] = text
	}
	n := p.testNode
	for _, c := range []struct {
		args    []any
		code    jsonrpc.Code
		message string
	}{
		{[]any{[]any{}}, -8, "Array must contain between 1 and 25 transactions."},
		{[]any{many}, -8, "Array must contain between 1 and 25 transactions."},
		{[]any{[]any{"ff00baar"}}, -22, "TX decode failed: ff00baar Make sure the tx has at least one input."},
		{[]any{[]any{text, "ff22"}}, -22, "TX decode failed: ff22 Make sure the tx has at least one input."},
		{[]any{[]any{text, 1}}, -3, "JSON value of type number is not of expected type string"},
		{[]any{text}, -3, "Wrong type passed:\n{\n    \"Position 1 (rawtxs)\": \"JSON value of type string is not of expected type array\"\n}"},
		{[]any{[]any{text}, 1}, -8, "Fee rates larger than or equal to 1BTC/kvB are not accepted"},
		{[]any{[]any{text}, "1.0"}, -8, "Fee rates larger than or equal to 1BTC/kvB are not accepted"},
		{[]any{[]any{"ff00baar"}, -1}, -3, "Amount out of range"},
		{[]any{[]any{text}, []any{}}, -3, "Amount is not a number or string"},
		{[]any{[]any{text}, 0, 0}, -1, "testmempoolaccept [\"rawtx\",...] ( maxfeerate )\n\n"},
		{nil, -1, "testmempoolaccept [\"rawtx\",...] ( maxfeerate )\n\n"},
	} {
		n.fails(c.code, c.message, "testmempoolaccept", c.args...)
	}
}

// TestPackageLimits tests families that would be too large for the pool.
func TestPackageLimits(t *testing.T) {
	p := startPooled(t, 2, nil, nil)
	var family []*wire.Tx
	coin, size := p.coins[0], 0
	for range 4 {
		tx := p.pay(1_000, coin)
		coin = p.out(tx, 0)
		family = append(family, tx)
		size += virtualSize(tx)
	}
	for _, c := range []struct {
		name   string
		limits mempool.Limits
		inPool int // how many of the family are in the pool before
		want   string
	}{
		{"none", mempool.Limits{AncestorCount: 4, AncestorSize: size, DescendantCount: 4, DescendantSize: size}, 0, ""},
		{"none, with parents", mempool.Limits{AncestorCount: 4, AncestorSize: size, DescendantCount: 4, DescendantSize: size}, 2, ""},
		{"ancestors", mempool.Limits{AncestorCount: 3, AncestorSize: size, DescendantCount: 4, DescendantSize: size}, 0,
			"package count 4 exceeds ancestor count limit [limit: 3]"},
		{"descendants", mempool.Limits{AncestorCount: 4, AncestorSize: size, DescendantCount: 3, DescendantSize: size}, 0,
			"package count 4 exceeds descendant count limit [limit: 3]"},
		{"size of ancestors", mempool.Limits{AncestorCount: 4, AncestorSize: size - 1, DescendantCount: 4, DescendantSize: size}, 0,
			fmt.Sprintf("package size %d exceeds ancestor size limit [limit: %d]", size, size-1)},
		{"size of descendants", mempool.Limits{AncestorCount: 4, AncestorSize: size, DescendantCount: 4, DescendantSize: size - 1}, 0,
			fmt.Sprintf("package size %d exceeds descendant size limit [limit: %d]", size, size-1)},
		{"parents", mempool.Limits{AncestorCount: 3, AncestorSize: size, DescendantCount: 4, DescendantSize: size}, 1,
			"too many unconfirmed parents [limit: 3]"},
		{"ancestors of parents", mempool.Limits{AncestorCount: 3, AncestorSize: size, DescendantCount: 4, DescendantSize: size}, 2,
			"possibly too many unconfirmed ancestors [limit: 3]"},
		{"descendants of parents", mempool.Limits{AncestorCount: 4, AncestorSize: size, DescendantCount: 3, DescendantSize: size}, 2,
			fmt.Sprintf("possibly too many descendants for tx %v [limit: 3]", family[0].TxID())},
	} {
		p.servePool(func(cfg *mempool.Config) { cfg.Limits, cfg.File = c.limits, "" })
		p.send(family[:c.inPool]...)
		var rest []any
		for _, tx := range family[c.inPool:] {
			rest = append(rest, raw(tx))
		}
		v := p.call("testmempoolaccept", rest)
		for i := range v.Len() {
			want, allowed := "", "true"
			if c.want != "" {
				want, allowed = "package-mempool-limits, "+c.want, ""
			}
			if got := v.At(i); got.Get("package-error").Text != want || got.Get("allowed").Text != allowed {
				t.Errorf("%s: %s, want %q", c.name, encoded(got), want)
			}
		}
		p.checked(c.inPool)
	}
}

// startAgain has the node start with the pool that it saved, as far as Load, which is
// left to the caller.
func (p *pooled) startAgain() *mempool.Pool {
	p.t.Helper()
	p.text("savemempool")
	p.pool.Close()
	rules := policy.DefaultRules()
	pool, err := mempool.New(mempool.Config{Chain: p.ledger, Rules: rules, File: p.config.PoolFile, Now: p.clock.Now, Log: zerolog.Nop()})
	if err != nil {
		p.t.Fatal(err)
	}
	p.pool = pool
	p.server.Serve(Node{Ledger: p.ledger, Pool: pool, Miner: newTestMiner(p.testNode)})
	return pool
}

// TestPoolOfLastRun: a transaction is not judged while what it spends is being read.
func TestPoolOfLastRun(t *testing.T) {
	p := startPooled(t, 1, nil, nil)
	parent := p.pay(1_000, p.coins[0])
	child := p.pay(1_000, p.out(parent, 0))
	p.send(parent)
	pool := p.startAgain()
	answers := make(chan string)
	calls := []string{
		fmt.Sprintf(`{"method":"testmempoolaccept","params":[["%x"]]}`, raw(child)),
		fmt.Sprintf(`{"method":"sendrawtransaction","params":["%x"]}`, raw(child)),
	}
	for _, call := range calls {
		go func() {
			_, answer := p.post(call)
			answers <- answer
		}()
	}
	// It waits without keeping others from working.
	for range 50 {
		p.text("getblockcount")
		time.Sleep(2 * time.Millisecond)
	}
	if len(p.server.slots) != 0 || len(answers) != 0 {
		t.Errorf("%d slots taken, %d answers", len(p.server.slots), len(answers))
	}
	if err := pool.Load(t.Context()); err != nil {
		t.Fatal(err)
	}
	for range calls {
		if got := <-answers; !strings.Contains(got, child.TxID().String()) || strings.Contains(got, "missing") {
			t.Error(got)
		}
	}
	p.checked(2)
}

// TestPoolTakesLong: nobody waits for ever for a pool that is being read.
func TestPoolTakesLong(t *testing.T) {
	p := startPooled(t, 1, func(c *Config, _ *ledger.Config) { c.limits.judge = time.Nanosecond }, nil)
	parent := p.pay(1_000, p.coins[0])
	p.send(parent)
	p.startAgain()
	p.sendFails(-25, "bad-txns-inputs-missingorspent", p.pay(1_000, p.out(parent, 0)))
}

// TestStopWhileWaiting: what a server that stops has not begun is not answered, so
// that it looks to the client as if it had come too late. An answer, even "shutting
// down", would be the last word on the transaction for some.
func TestStopWhileWaiting(t *testing.T) {
	p := startPooled(t, 1, nil, nil)
	parent := p.pay(1_000, p.coins[0])
	p.send(parent)
	p.startAgain()
	body := fmt.Sprintf(`{"method":"sendrawtransaction","params":["%x"]}`, raw(p.pay(1_000, p.out(parent, 0))))
	ends := make(chan error)
	for _, version := range []string{"1.1", "1.0"} { // the short way, and net/http
		go func() {
			conn, err := net.Dial("tcp", p.address)
			if err != nil {
				ends <- err
				return
			}
			defer conn.Close()
			fmt.Fprintf(conn, "POST / HTTP/%s\r\nHost: x\r\nAuthorization: %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", version, p.authorization(), len(body), body)
			if answer, err := io.ReadAll(conn); len(answer) > 0 {
				err = errors.Join(err, fmt.Errorf("it is answered: %s", answer))
				ends <- err
				return
			}
			ends <- nil
		}()
	}
	for busy := 0; busy < 2; time.Sleep(time.Millisecond) {
		p.server.mu.Lock()
		busy = len(p.server.calls)
		p.server.mu.Unlock()
	}
	p.stop()
	for range 2 {
		if err := <-ends; err != nil {
			t.Error(err)
		}
	}
}
