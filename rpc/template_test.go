package rpc

import (
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/mempool"
	"github.com/keelson-chain/keelson/miner"
	"github.com/keelson-chain/keelson/pow"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/wire"
)

// mine returns the block that a client makes which knows nothing but the
// answer of getblocktemplate.
func mine(t *testing.T, v *jsonrpc.Value) *wire.Block {
	t.Helper()
	number := func(name string) (n int64) {
		if _, err := fmt.Sscan(v.Get(name).Text, &n); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		return n
	}
	unhex := func(text string) []byte {
		raw, err := hex.DecodeString(text)
		if err != nil {
			t.Fatal(err)
		}
		return raw
	}
	var bits uint32
	if _, err := fmt.Sscanf(v.Get("bits").Text, "%08x", &bits); err != nil {
		t.Fatal(err)
	}
	target, err := pow.Bits(bits).Target()
	if err != nil || target.String() != v.Get("target").Text {
		t.Fatalf("bits %08x, target %s: %v", bits, v.Get("target").Text, err)
	}
	coinbase := &wire.Tx{
		Version: 1,
		Inputs: []wire.TxIn{{
			PrevOut:   wire.OutPoint{Index: 0xffffffff},
			SigScript: new(script.Builder).Int(number("height")).Data([]byte("GBT miner")).Script(),
			Witness:   [][]byte{make([]byte, 32)},
		}},
		Outputs: []wire.TxOut{
			{Value: wire.Amount(number("coinbasevalue")), PkScript: []byte{0x51}},
			{PkScript: unhex(v.Get("default_witness_commitment").Text)},
		},
	}
	b := &wire.Block{Txs: []*wire.Tx{coinbase}}
	for i := range v.Get("transactions").Len() {
		tx, err := wire.DecodeTx(unhex(v.Get("transactions").At(i).Get("data").Text))
		if err != nil {
			t.Fatal(err)
		}
		b.Txs = append(b.Txs, tx)
	}
	b.Header = wire.Header{
		Version:   int32(number("version")),
		PrevBlock: wire.MustHash(v.Get("previousblockhash").Text),
		Time:      uint32(number("curtime")),
		Bits:      bits,
	}
	b.Header.MerkleRoot, _ = b.TxMerkleRoot()
	nonce, ok := pow.NewSearcher(b.Header, target).Try(0, 1<<20)
	if !ok {
		t.Fatal("no nonce")
	}
	b.Header.Nonce = nonce
	return b
}

// poolNode is a node with a chain whose coins can be spent.
type poolNode struct {
	*testNode
	chain *chaingen.Chain
}

func startPoolNode(t *testing.T, change func(*miner.Config)) *poolNode {
	t.Helper()
	n := &poolNode{testNode: startTestNode(t, nil)}
	n.chain = chaingen.New(n.params)
	if change != nil {
		cfg := miner.Config{Chain: n.ledger, Source: n.pool, Workers: 1, Now: n.clock.Now, MinFeeRate: miner.DefaultMinFeeRate}
		change(&cfg)
		n.server.Serve(Node{Ledger: n.ledger, Pool: n.pool, Miner: miner.New(cfg)})
	}
	n.submit(n.chain.MineN(130)...)
	n.clock.SetMock(int64(n.chain.Tip().Header.Time) + 600)
	return n
}

// fill puts random transactions into the pool, of which some spend others.
func (n *poolNode) fill(rng *rand.Rand, count int) {
	n.t.Helper()
	var coins []consensus.OutCoin
	for _, coin := range n.chain.Mature() {
		if _, spent := n.pool.Spender(coin.OutPoint); !spent {
			coins = append(coins, coin)
		}
	}
	for range count {
		i := rng.IntN(len(coins))
		value := coins[i].Coin.Out.Value - wire.Amount(300+rng.IntN(20_000))
		tx := n.chain.Spend(coins[i:i+1], n.chain.Out(chaingen.P2WPKH, rng.IntN(16), value/2), n.chain.Out(chaingen.P2TR, rng.IntN(16), value/2))
		if err := n.pool.Add(n.t.Context(), tx, mempool.AddOptions{}); err != nil {
			n.t.Fatal(err)
		}
		coins = append(append(coins[:i], coins[i+1:]...), n.chain.OutputsOf(tx)...)
	}
}

var segwitRules = jsonrpc.Object{{Key: "rules", Value: []string{"segwit"}}}

// request is a template request that knows segwit.
func request(key string, value any) jsonrpc.Object {
	return append(segwitRules[:1:1], jsonrpc.Member{Key: key, Value: value})
}

// TestTemplateMiner mines blocks from getblocktemplate's answers alone.
func TestTemplateMiner(t *testing.T) {
	n := startPoolNode(t, nil)
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 12 {
		n.fill(rng, rng.IntN(15))
		pooled := n.pool.Stats().Count
		n.clock.SetMock(int64(n.chain.Tip().Header.Time) + 600)
		v := n.call("getblocktemplate", segwitRules)
		if v.Get("transactions").Len() != pooled {
			t.Fatalf("%d transactions of %d", v.Get("transactions").Len(), pooled)
		}
		n.checkTemplate(&v)
		b := mine(t, &v)
		if got := n.text("getblocktemplate", jsonrpc.Object{{Key: "mode", Value: "proposal"}, {Key: "data", Value: jsonrpc.Hex(b.Bytes())}}); got != "null" {
			t.Fatalf("block %d is refused as a proposal: %s", i, got)
		}
		n.submit(b)
		n.chain.Add(b)
		if left := n.pool.Stats().Count; n.pool.Sync() != nil || n.pool.Stats().Count != 0 {
			t.Errorf("%d transactions are left", left)
		}
	}
}

// checkTemplate holds what is said of each transaction against the
// transactions, and of the block against its rules.
func (n *poolNode) checkTemplate(v *jsonrpc.Value) {
	t := n.t
	t.Helper()
	places := map[wire.Hash]int{}
	fees := wire.Amount(0)
	for i := range v.Get("transactions").Len() {
		entry := v.Get("transactions").At(i)
		tx, err := decodeTx(entry.Get("data").Text)
		if err != nil {
			t.Fatal(err)
		}
		info, ok := n.pool.Info(tx.TxID())
		if !ok || entry.Get("txid").Text != tx.TxID().String() || entry.Get("hash").Text != tx.WTxID().String() ||
			entry.Get("weight").Text != fmt.Sprint(tx.Weight()) || entry.Get("fee").Text != fmt.Sprint(int64(info.Fee)) {
			t.Errorf("transaction %d: %s", i, jsonrpc.Append(nil, *entry))
		}
		fees += info.Fee
		depends := map[string]bool{}
		for j := range tx.Inputs {
			if at, ok := places[tx.Inputs[j].PrevOut.TxID]; ok {
				depends[fmt.Sprint(at)] = true
			}
		}
		if entry.Get("depends").Len() != len(depends) {
			t.Errorf("transaction %d depends on %v: %s", i, depends, jsonrpc.Append(nil, *entry.Get("depends")))
		}
		for j := range entry.Get("depends").Len() {
			if at := entry.Get("depends").At(j).Text; !depends[at] {
				t.Errorf("transaction %d does not depend on %s", i, at)
			}
		}
		places[tx.TxID()] = i + 1
	}
	s := n.chain.State()
	if got, want := v.Get("coinbasevalue").Text, fmt.Sprint(int64(consensus.Subsidy(n.params, s.Tip.Height+1)+fees)); got != want {
		t.Errorf("coinbasevalue %s, want %s", got, want)
	}
}

// TestTemplateShape has the whole answer of an empty pool.
func TestTemplateShape(t *testing.T) {
	n := startTestNode(t, nil)
	n.clock.SetMock(1296688602) // the genesis block's
	v := n.call("getblocktemplate", segwitRules)
	id := v.Get("longpollid").Text
	const want = `{"capabilities":["proposal"],"version":536870912,"rules":["csv","!segwit","taproot"],"vbavailable":{},"vbrequired":0,` +
		`"previousblockhash":"0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206","transactions":[],"coinbaseaux":{},"coinbasevalue":5000000000,` +
		`"longpollid":"0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e22061",` +
		`"target":"7fffff0000000000000000000000000000000000000000000000000000000000","mintime":1296688603,"mutable":["time","transactions","prevblock"],` +
		`"noncerange":"00000000ffffffff","sigoplimit":80000,"sizelimit":4000000,"weightlimit":4000000,"curtime":1296688603,"bits":"207fffff","height":1,` +
		`"default_witness_commitment":"6a24aa21a9ede2f61c3f71d1defd3fa999dfa36953755c690689799962b48bebd836974e8cf9"}`
	if got := string(jsonrpc.Append(nil, v)); got != want {
		t.Errorf("got\n%s, want\n%s", got, want)
	}
	n.clock.SetMock(1296689000)
	if v = n.call("getblocktemplate", segwitRules); v.Get("curtime").Text != "1296689000" || v.Get("longpollid").Text != id {
		t.Errorf("%s", jsonrpc.Append(nil, v))
	}
	// Before segwit, what limits a block is a quarter.
	p := consensus.Regtest(consensus.RegtestOptions{ActivationHeights: map[consensus.Deployment]uint32{consensus.Segwit: 2}})
	n = startTestNode(t, func(c *Config, l *ledger.Config) { c.Params, l.Params = p, p })
	v = n.call("getblocktemplate", segwitRules)
	if v.Get("sigoplimit").Text != "20000" || v.Get("sizelimit").Text != "1000000" || !v.Get("weightlimit").IsNull() ||
		!v.Get("default_witness_commitment").IsNull() || v.Get("rules").Len() != 2 {
		t.Errorf("%s", jsonrpc.Append(nil, v))
	}
}

func TestTemplateErrors(t *testing.T) {
	n := startTestNode(t, nil)
	const segwit = `getblocktemplate must be called with the segwit rule set (call with {"rules": ["segwit"]})`
	n.fails(-1, "getblocktemplate {", "getblocktemplate")
	n.fails(-3, "JSON value of type null is not of expected type object", "getblocktemplate", nil)
	n.fails(-8, segwit, "getblocktemplate", jsonrpc.Object{})
	n.fails(-8, segwit, "getblocktemplate", jsonrpc.Object{{Key: "rules", Value: []string{"csv"}}})
	n.fails(-8, segwit, "getblocktemplate", jsonrpc.Object{{Key: "rules", Value: "segwit"}})
	n.fails(-3, "JSON value of type number is not of expected type string", "getblocktemplate", jsonrpc.Object{{Key: "rules", Value: []any{1}}})
	n.fails(-8, "Invalid mode", "getblocktemplate", request("mode", 1))
	n.fails(-8, "Invalid mode", "getblocktemplate", request("mode", "x"))
	n.fails(-3, "Missing data String key for proposal", "getblocktemplate", request("mode", "proposal"))
	n.fails(-22, "Block decode failed", "getblocktemplate", append(request("mode", "proposal"), jsonrpc.Member{Key: "data", Value: "xx"}))
	n.fails(-22, "Block decode failed", "getblocktemplate", append(request("mode", "proposal"), jsonrpc.Member{Key: "data", Value: "00"}))
	n.fails(-8, "longpollid must be of length 64 (not 2, for 'ab')", "getblocktemplate", request("longpollid", "ab"))
	n.fails(-8, "longpollid must be hexadecimal string (not 'x", "getblocktemplate", request("longpollid", strings.Repeat("x", 70)))
	n.call("getblocktemplate", append(request("mode", nil), jsonrpc.Member{Key: "capabilities", Value: []string{"coinbasetxn", "workid"}}))

	// Our own networks have a rule that a miner must know. The chain of main
	// counts as being fetched for as long as it has no recent block.
	main := startTestNode(t, func(c *Config, l *ledger.Config) { c.Params, l.Params = consensus.Main(), consensus.Main() })
	main.fails(-10, "Keelson is in initial sync and waiting for blocks...", "getblocktemplate", segwitRules)
	test := startTestNode(t, func(c *Config, l *ledger.Config) { c.Params, l.Params = consensus.Test(), consensus.Test() })
	test.fails(-8, "Support for 'bip54' rule requires explicit client support", "getblocktemplate", segwitRules)
	v := test.call("getblocktemplate", jsonrpc.Object{{Key: "rules", Value: []string{"segwit", "bip54"}}})
	if !strings.Contains(string(jsonrpc.Append(nil, v)), `"!bip54"`) {
		t.Errorf("%s", jsonrpc.Append(nil, v))
	}
}

// TestProposal breaks each rule that a block on regtest can break, but proof of
// work, and hears the same as from submitblock.
func TestProposal(t *testing.T) {
	n := startTestNode(t, nil)
	c := chaingen.New(n.params)
	blocks := c.MineN(101)
	n.submit(blocks...)
	n.clock.SetMock(int64(c.Tip().Header.Time) + 600)
	propose := func(b *wire.Block) string {
		return n.undocumented("getblocktemplate", jsonrpc.Object{{Key: "mode", Value: "proposal"}, {Key: "data", Value: jsonrpc.Hex(b.Append(nil))}})
	}
	for _, m := range chaingen.Munges() {
		t.Run(m.Name, func(t *testing.T) {
			b := c.Munged(m)
			want := `"` + consensus.RejectReason(c.ValidateAt(b, n.clock.Now().Unix())) + `"`
			switch {
			case m.Kind == consensus.ErrNoInputs:
				want = "-22 Block decode failed" // it looks like a witness marker
			case m.Kind == consensus.ErrHighHash && b.Header.Bits == uint32(n.ledger.Tip().NextBits()):
				want = "null"
			case m.Kind == consensus.ErrHighHash:
				want = `"bad-diffbits"`
			case m.Kind == consensus.ErrPrevBlock:
				want = `"inconclusive-not-best-prevblk"`
			}
			if got := propose(b); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		})
	}
	good := c.Next()
	good.Header.Nonce++
	for range 2 { // it leaves no trace
		if got := propose(good); got != "null" {
			t.Errorf("good block: %s", got)
		}
	}
	if got := propose(blocks[50]); got != `"duplicate"` {
		t.Errorf("known block: %s", got)
	}
	c.GotoHash(blocks[99].Hash())
	c.Step++
	if got := propose(c.Next()); got != `"inconclusive-not-best-prevblk"` {
		t.Errorf("block beside the tip: %s", got)
	}
	ahead := c.Next()
	n.call("submitheader", jsonrpc.Hex(ahead.Header.Append(nil)))
	if got := propose(ahead); got != `"duplicate-inconclusive"` {
		t.Errorf("header: %s", got)
	}
	n.call("invalidateblock", blocks[100].Hash())
	if got := propose(blocks[100]); got != `"duplicate-invalid"` {
		t.Errorf("invalid block: %s", got)
	}
}

// TestTemplateReuse: on one tip the transactions stay for five seconds of the
// node's clock.
func TestTemplateReuse(t *testing.T) {
	n := startPoolNode(t, nil)
	rng := rand.New(rand.NewPCG(3, 4))
	start := n.clock.Now().Unix()
	count := func(at int64, want int) {
		t.Helper()
		n.clock.SetMock(start + at)
		v := n.call("getblocktemplate", segwitRules)
		if got := v.Get("transactions").Len(); got != want || v.Get("curtime").Text != fmt.Sprint(start+at) {
			t.Errorf("after %d s: %d transactions, want %d, time %s", at, got, want, v.Get("curtime").Text)
		}
	}
	count(0, 0)
	n.fill(rng, 3)
	count(1, 0)
	count(5, 0)
	count(6, 3)
	n.fill(rng, 2)
	count(11, 3)
	n.chain.Goto("genesis") // its coins are of no interest any more
	n.call("generateblock", "raw(51)", []string{})
	count(11, 5)
	count(100, 5)
}

// TestGeneratePooled: what is generated has the pool's transactions, and what is
// put together by hand only those that are named.
func TestGeneratePooled(t *testing.T) {
	n := startPoolNode(t, nil)
	rng := rand.New(rand.NewPCG(9, 10))
	txsOf := func(hash string) (ids []string) {
		v := n.call("getblock", hash)
		for i := 1; i < v.Get("tx").Len(); i++ {
			ids = append(ids, v.Get("tx").At(i).Text)
		}
		return ids
	}
	n.fill(rng, 10)
	hashes := n.call("generatetoaddress", 2, regtestAddress)
	if first, second := txsOf(hashes.At(0).Text), txsOf(hashes.At(1).Text); len(first) != 10 || len(second) != 0 {
		t.Errorf("%d and %d transactions, want 10 and 0", len(first), len(second))
	}
	if got := n.text("getrawmempool"); got != "[]" {
		t.Errorf("left in the pool: %s", got)
	}
	n = startPoolNode(t, nil)
	n.fill(rng, 10)
	list := n.call("getblocktemplate", segwitRules).Get("transactions")
	var roots []string // none of them spends another one
	for i := range list.Len() {
		if list.At(i).Get("depends").Len() == 0 {
			roots = append(roots, list.At(i).Get("txid").Text)
		}
	}
	raw := n.call("getrawtransaction", roots[1])
	hash := n.call("generateblock", "raw(51)", []string{roots[0], raw.Text}).Get("hash").Text
	if got := txsOf(hash); !slices.Equal(got, roots[:2]) {
		t.Errorf("transactions %v, want %v", got, roots[:2])
	}
	if v := n.call("getblock", hash, 2); v.Get("tx").At(0).Get("vout").At(0).Get("value").Text != "50.00000000" {
		t.Error("generateblock claims fees")
	}
	if left := n.call("getrawmempool").Len(); left != 8 {
		t.Errorf("%d transactions are left, want 8", left)
	}
	n.fails(-5, "Transaction "+roots[0]+" not in mempool.", "generateblock", "raw(51)", roots[:1])
}

// TestMiningInfo: the last template's size is known once there is one.
func TestMiningInfo(t *testing.T) {
	n := startPoolNode(t, nil)
	size := func() string {
		v := n.call("getmininginfo")
		return v.Get("currentblockweight").Text + " " + v.Get("currentblocktx").Text
	}
	if got := size(); got != " " {
		t.Errorf("before: %s", got)
	}
	n.call("generateblock", "raw(51)", []string{})
	if got := size(); got != "4000 0" {
		t.Errorf("empty block: %s", got)
	}
	n.fill(rand.New(rand.NewPCG(5, 6)), 3)
	if got := n.call("getmininginfo").Get("pooledtx").Text; got != "3" {
		t.Errorf("%s transactions in the pool", got)
	}
	v := n.call("getblocktemplate", segwitRules)
	weight := 4000
	for i := range 3 {
		var w int
		if _, err := fmt.Sscan(v.Get("transactions").At(i).Get("weight").Text, &w); err != nil {
			t.Fatal(err)
		}
		weight += w
	}
	if got, want := size(), fmt.Sprint(weight, " 3"); got != want {
		t.Errorf("template: %s, want %s", got, want)
	}
}

// TestBlockSettings: what the operator says of the blocks that are made.
func TestBlockSettings(t *testing.T) {
	n := startPoolNode(t, func(c *miner.Config) { c.Version, c.MinFeeRate, c.MaxWeight = 1337, 1_000_000_000, 8000 })
	n.fill(rand.New(rand.NewPCG(7, 8)), 3)
	v := n.call("getblocktemplate", segwitRules)
	if v.Get("version").Text != "1337" || v.Get("transactions").Len() != 0 {
		t.Errorf("%s", jsonrpc.Append(nil, v))
	}
	n = startPoolNode(t, func(c *miner.Config) { c.MaxWeight = 8000 })
	n.fill(rand.New(rand.NewPCG(7, 8)), 20)
	if v = n.call("getblocktemplate", segwitRules); v.Get("transactions").Len() == 0 || v.Get("transactions").Len() > 8 {
		t.Errorf("%d transactions in 4,000 weight units", v.Get("transactions").Len())
	}
	if hash := n.call("generatetodescriptor", 1, "raw(51)").At(0).Text; n.call("getblock", hash).Get("nTx").Text != fmt.Sprint(v.Get("transactions").Len()+1) {
		t.Error("the block is not what the template was")
	}
}

// TestLongPoll waits on a server that can carry out one call at a time, which
// other calls are not kept from.
func TestLongPoll(t *testing.T) {
	n := startTestNode(t, func(c *Config, _ *ledger.Config) { c.Threads = 1 })
	id := n.call("getblocktemplate", segwitRules).Get("longpollid").Text
	type answer struct {
		v   jsonrpc.Value
		err error
	}
	poll := func(id any) chan answer {
		answers := make(chan answer, 1)
		go func() {
			v, err := n.Call(t.Context(), "getblocktemplate", request("longpollid", id))
			answers <- answer{v, err}
		}()
		return answers
	}
	waiting := func(count int) {
		for n.call("getrpcinfo").Get("active_commands").Len() != count+1 { // until all are there
		}
	}
	polls := []chan answer{poll(id), poll(id), poll(1)} // a number: whatever is current
	waiting(len(polls))
	for len(polls) < 40 { // one after the other, so that no queue is full
		polls = append(polls, poll(id))
		waiting(len(polls))
	}
	hash := n.call("generatetodescriptor", 1, "raw(51)").At(0).Text
	for i, p := range polls {
		if a := <-p; a.err != nil || a.v.Get("previousblockhash").Text != hash {
			t.Errorf("poll %d: %s, %v", i, jsonrpc.Append(nil, a.v), a.err)
		}
	}
	// An id of another tip is answered at once.
	if v := n.call("getblocktemplate", request("longpollid", id)); v.Get("previousblockhash").Text != hash {
		t.Errorf("%s", jsonrpc.Append(nil, v))
	}
	last := poll(hash + "0")
	waiting(1)
	n.stop()
	var e *jsonrpc.Error
	if a := <-last; !errors.As(a.err, &e) || e.Code != jsonrpc.CodeNotConnected {
		t.Errorf("when the server stops: %v", a.err)
	}
}

// TestLongPollPool: with the tip standing still, the pool is looked at after a
// minute and then every ten seconds.
func TestLongPollPool(t *testing.T) {
	for _, c := range []struct{ outdated, noticed time.Duration }{{0, time.Minute}, {61 * time.Second, 70 * time.Second}, {5 * time.Minute, 5 * time.Minute}} {
		synctest.Test(t, func(t *testing.T) {
			started := time.Now()
			outdated := func() bool { return time.Since(started) >= c.outdated }
			err := awaitOutdated(t.Context(), fixedChain{}, fixedChain{}.Tip().Tip.Hash, outdated)
			if took := time.Since(started); err != nil || took != c.noticed {
				t.Errorf("outdated after %v: noticed after %v, %v", c.outdated, took, err)
			}
		})
	}
}

// BenchmarkTemplateObject is the answer for a block of 7,000 transactions of
// 561 weight units.
func BenchmarkTemplateObject(b *testing.B) {
	m := miner.New(miner.Config{Now: time.Now, Source: fullSource{}, Chain: fixedChain{}})
	t, err := m.Template()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		o, err := templateObject(t)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(len(jsonrpc.Append(nil, o))))
	}
}

// fixedChain is one whose tip stands still.
type fixedChain struct{ miner.Chain }

func (fixedChain) Changed() <-chan struct{} { return nil }

func (fixedChain) Tip() consensus.State {
	return consensus.GenesisState(consensus.Regtest(consensus.RegtestOptions{}))
}

type fullSource struct{}

func (fullSource) Changed() <-chan struct{} { return nil }

func (fullSource) Select(mempool.SelectOptions) (*mempool.Selection, error) {
	sel := &mempool.Selection{State: fixedChain{}.Tip()}
	for range 7000 {
		sel.Txs = append(sel.Txs, mempool.Selected{Raw: make([]byte, 222), Weight: 561, Depends: []int32{1}})
	}
	return sel, nil
}
