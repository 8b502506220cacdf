package main

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/testnet/procs"
	"github.com/keelson-chain/keelson/wire"
)

// defaultDay is how long TestDay takes without KEELSON_DAY: enough for every
// run of the tests; `make day` takes ten minutes.
const defaultDay = 20 * time.Second

const (
	dayLength  = 24 * time.Hour // of the node's clock
	dayPayout  = "raw(51)#8lvh9jxk"
	dayMaxPool = 5_000_000 // bytes, what maxmempool=5 allows
	dayBuried  = 12        // confirmations after which nothing can happen to a transaction
)

// TestDay is a day of a node in a short time: the clock is moved on, blocks are
// mined and taken back, transactions come, replace each other and flood the pool
// to its bound, the node is stopped and started, and killed with SIGKILL. All
// through it the pool's invariants hold (checkmempool), whatever was accepted is
// in the pool or in the chain unless it paid too little for a full pool, and
// memory stays flat.
func TestDay(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	length := defaultDay
	if s := os.Getenv("KEELSON_DAY"); s != "" {
		var err error
		if length, err = time.ParseDuration(s); err != nil {
			t.Fatalf("KEELSON_DAY: %v", err)
		}
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d, %v", seed, length)
	d := &day{
		t: t, bin: procs.Build(t), dir: t.TempDir(), rand: rand.New(rand.NewPCG(seed, 0)),
		now: 1_800_000_000, txs: map[wire.Hash]*dayTx{}, gone: map[wire.Hash]bool{}, lastFloor: 1000,
	}
	d.start()
	d.mine(200)
	// Past the times of all those blocks: else a block that is made in the place
	// of one that was invalidated could be the same again.
	d.now += 3600
	d.fanOut()

	began, first := time.Now(), d.now
	// On a slow machine that is few steps, and chance may leave something out.
	for number, passed := 0, time.Duration(0); passed < length || number < round || !d.complete() && number < 10*round; number, passed = number+1, time.Since(began) {
		d.now = max(d.now+1, first+int64(passed.Seconds()/length.Seconds()*dayLength.Seconds()))
		d.call("setmocktime", d.now)
		d.step(number)
		if got := d.call("checkmempool"); string(got) != "null" {
			t.Fatalf("after %v: %s", d.log[len(d.log)-1], got)
		}
		d.rss = append(d.rss, d.memory())
	}
	d.account(true)
	d.node.Stop(t)
	t.Logf("%v: %d transactions accepted, %d refused, %d replaced, %d evicted, %d blocks, %d taken back, %d restarts, %d kills",
		time.Since(began).Round(time.Second), d.accepted, d.refused, d.replaced, d.evicted, d.blocks, d.takenBack, d.restarts, d.kills)
	d.flat(length)
	if !d.complete() {
		t.Error("some of what was to happen did not")
	}
}

// day drives a node and knows what it must hold.
type day struct {
	t        *testing.T
	bin, dir string
	rand     *rand.Rand
	node     *procs.Node
	now      int64
	log      []string

	coins     []dayCoin // that can be spent
	coinbases []dayCoin // that cannot yet, lowest first
	txs       map[wire.Hash]*dayTx
	gone      map[wire.Hash]bool // transactions that were lost
	height    int
	lastFloor int64 // the highest that the pool asked for lately, in satoshi per kvB
	flooded   bool  // the pool was full since the last full account
	rss       []int // kilobytes after each step

	accepted, refused, replaced, evicted, blocks, takenBack, restarts, kills int
}

// dayCoin is an output that anyone can spend.
type dayCoin struct {
	op     wire.OutPoint
	value  wire.Amount
	height int // of a coinbase
	group  *dayGroup
}

// dayGroup is transactions of the last blocks or the pool that hang together,
// however. A reorganisation or a new start brings them all back, and groups stay
// so small that none of the pool's limits can be in the way.
type dayGroup struct {
	count, bulk int // transactions, virtual bytes
	into        *dayGroup
}

// root is the group that g has become part of.
func (g *dayGroup) root() *dayGroup {
	for g.into != nil {
		g = g.into
	}
	return g
}

// join makes g and o one group.
func (g *dayGroup) join(o *dayGroup) {
	if g, o = g.root(), o.root(); g != o {
		g.count += o.count
		g.bulk += o.bulk
		o.into = g
	}
}

// dayTx is a transaction that was accepted.
type dayTx struct {
	tx    *wire.Tx
	spent []dayCoin
	fee   wire.Amount
	group *dayGroup
}

func (x *dayTx) rate() int64 { return int64(x.fee) * 1000 / int64(x.tx.VSize()) }

func (d *day) start() {
	d.node = procs.Start(d.t, d.bin, d.dir, "--maxmempool=5", "--txindex", "--persistmempool",
		"--mocktime="+strconv.FormatInt(d.now, 10), "--checkblocks=2", "--dbcache=16", "--log-level=warn")
	for start := time.Now(); ; time.Sleep(5 * time.Millisecond) {
		var info struct{ Loaded bool }
		d.into(&info, "getmempoolinfo")
		if info.Loaded {
			return
		}
		if time.Since(start) > time.Minute {
			d.t.Fatal("the pool does not get loaded")
		}
	}
}

// batch makes calls in one request and returns their answers.
func (d *day) batch(calls [][]any) []dayAnswer {
	d.t.Helper()
	requests := make([]map[string]any, len(calls))
	for i, c := range calls {
		requests[i] = map[string]any{"id": i, "method": c[0], "params": c[1:]}
	}
	body, err := json.Marshal(requests)
	if err != nil {
		d.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(d.t.Context(), http.MethodPost, "http://127.0.0.1:"+d.node.Port, bytes.NewReader(body))
	if err != nil {
		d.t.Fatal(err)
	}
	cookie, err := os.ReadFile(filepath.Join(d.dir, "regtest", ".cookie"))
	if err != nil {
		d.t.Fatal(err)
	}
	user, password, _ := strings.Cut(string(cookie), ":")
	req.SetBasicAuth(user, password)
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		d.t.Fatalf("%v: %v\n%s", calls[0][0], err, d.node.Out)
	}
	defer res.Body.Close()
	raw, err := io.ReadAll(res.Body)
	if err != nil {
		d.t.Fatal(err)
	}
	var answers []dayAnswer
	if err := json.Unmarshal(raw, &answers); err != nil || len(answers) != len(calls) {
		d.t.Fatalf("%v: %v\n%.300s", calls[0][0], err, raw)
	}
	return answers
}

type dayAnswer struct {
	Result json.RawMessage
	Error  *struct {
		Code    int
		Message string
	}
}

// call makes a call that must succeed.
func (d *day) call(method string, args ...any) json.RawMessage {
	d.t.Helper()
	a := d.batch([][]any{append([]any{method}, args...)})[0]
	if a.Error != nil {
		d.t.Fatalf("%s %v: %s\nlast: %v", method, args, a.Error.Message, d.log[max(0, len(d.log)-5):])
	}
	return a.Result
}

func (d *day) into(v any, method string, args ...any) {
	d.t.Helper()
	if err := json.Unmarshal(d.call(method, args...), v); err != nil {
		d.t.Fatal(err)
	}
}

func (d *day) did(format string, args ...any) { d.log = append(d.log, fmt.Sprintf(format, args...)) }

// complete reports whether everything was done that makes a day.
func (d *day) complete() bool {
	return d.kills > 0 && d.takenBack > 0 && d.evicted > 0 && d.replaced > 0 && d.restarts > 0
}

// round is how many steps it takes until everything was done once.
const round = 14

// step does one thing: each kind once in a round, the rest at random.
func (d *day) step(number int) {
	switch number % round {
	case 2:
		d.replace()
	case 4:
		d.kill()
	case 7:
		d.flood()
	case 9:
		d.reorganise()
	case 12:
		d.restart()
	default:
		switch n := d.rand.IntN(20); {
		case n < 12:
			d.send(10+d.rand.IntN(30), 0)
		case n < 16:
			d.mine(1)
		case n < 17:
			d.replace()
		case n < 19:
			d.reorganise()
		default:
			d.account(true)
		}
	}
}

// mine adds blocks of what the pool has.
func (d *day) mine(n int) {
	var hashes []string
	d.into(&hashes, "generatetodescriptor", n, dayPayout)
	for _, hash := range hashes {
		d.height++
		var block struct{ Tx []struct{ Hex string } }
		d.into(&block, "getblock", hash, 2)
		raw, err := hex.DecodeString(block.Tx[0].Hex)
		if err != nil {
			d.t.Fatal(err)
		}
		coinbase, err := wire.DecodeTx(raw)
		if err != nil {
			d.t.Fatal(err)
		}
		d.coinbases = append(d.coinbases, dayCoin{op: wire.OutPoint{TxID: coinbase.TxID()}, value: coinbase.Outputs[0].Value, height: d.height, group: new(dayGroup)})
	}
	for len(d.coinbases) > 0 && d.height-d.coinbases[0].height > 100+dayBuried {
		d.coins = append(d.coins, d.coinbases[0])
		d.coinbases = d.coinbases[1:]
	}
	d.blocks += n
	d.did("mined %d to %d", n, d.height)
}

// fanOut makes many small coins of the first large ones.
func (d *day) fanOut() {
	for len(d.coins) > 0 && d.coins[0].height != 0 && len(d.coins) < 1500 {
		coin := d.coins[0]
		d.coins = d.coins[1:]
		tx := &wire.Tx{Version: 2, Inputs: []wire.TxIn{{PrevOut: coin.op, Sequence: wire.SequenceFinal}}}
		for range 30 {
			tx.Outputs = append(tx.Outputs, wire.TxOut{Value: (coin.value - 50_000) / 30, PkScript: []byte{0x51}})
		}
		d.offer([]*dayTx{{tx: tx, spent: []dayCoin{coin}, fee: 50_000, group: &dayGroup{count: 1, bulk: 1000}}})
	}
	d.mine(dayBuried)
	d.account(true)
}

// take removes a random coin whose group has room for some bytes more.
func (d *day) take(bytes int) (dayCoin, bool) {
	for range 20 {
		if len(d.coins) == 0 {
			break
		}
		i := d.rand.IntN(len(d.coins))
		c := d.coins[i]
		if g := c.group.root(); g.count < 11 && 2*g.bulk+bytes < 90_000 && c.value > 200_000 {
			d.coins[i] = d.coins[len(d.coins)-1]
			d.coins = d.coins[:len(d.coins)-1]
			return c, true
		}
	}
	return dayCoin{}, false
}

// make builds a transaction of random coins with some bytes of data.
func (d *day) make(data int, fee wire.Amount) *dayTx {
	x := &dayTx{tx: &wire.Tx{Version: 2}, fee: fee, group: &dayGroup{count: 1, bulk: data + 250}}
	var sum wire.Amount
	for range 1 + d.rand.IntN(2) {
		if c, ok := d.take(data + 250); ok {
			x.spent = append(x.spent, c)
			x.tx.Inputs = append(x.tx.Inputs, wire.TxIn{PrevOut: c.op, Sequence: wire.SequenceFinal - 2})
			sum += c.value
		}
	}
	if len(x.spent) == 0 || sum < 2*fee {
		d.coins = append(d.coins, x.spent...)
		return nil
	}
	for _, c := range x.spent {
		x.group.join(c.group)
	}
	outs := 1 + d.rand.IntN(3)
	for i := range outs {
		value := (sum - fee) / wire.Amount(outs)
		if i == 0 {
			value += (sum - fee) % wire.Amount(outs)
		}
		x.tx.Outputs = append(x.tx.Outputs, wire.TxOut{Value: value, PkScript: []byte{0x51}})
	}
	script := append([]byte{0x6a, 0x4d, byte(data), byte(data >> 8)}, make([]byte, data)...)
	x.tx.Outputs = append(x.tx.Outputs, wire.TxOut{PkScript: script})
	return x
}

// send offers n transactions that pay above the floor.
func (d *day) send(n, data int) {
	floor := d.floor()
	var list []*dayTx
	for range n {
		size := 20 + data + d.rand.IntN(100)
		rate := floor + floor/5 + int64(d.rand.IntN(20_000))
		if x := d.make(size, wire.Amount(rate*int64(size+250)/1000)); x != nil {
			list = append(list, x)
			d.makeCoins(x) // so that the next may spend from it
		}
	}
	d.offer(list)
}

func (d *day) floor() int64 {
	var info struct{ MempoolMinFee json.Number }
	d.into(&info, "getmempoolinfo")
	coins, err := info.MempoolMinFee.Float64()
	if err != nil {
		d.t.Fatal(err)
	}
	floor := int64(coins*1e8 + 0.5)
	d.lastFloor = max(d.lastFloor, floor)
	return floor
}

// makeCoins adds what x makes to what can be spent.
func (d *day) makeCoins(x *dayTx) {
	txid := x.tx.TxID()
	for i, out := range x.tx.Outputs[:len(x.tx.Outputs)-1] {
		d.coins = append(d.coins, dayCoin{op: wire.OutPoint{TxID: txid, Index: uint32(i)}, value: out.Value, group: x.group})
	}
	if len(x.tx.Outputs) == 30 { // of fanOut, without data
		d.coins = append(d.coins, dayCoin{op: wire.OutPoint{TxID: txid, Index: 29}, value: x.tx.Outputs[29].Value, group: x.group})
	}
}

// offer sends transactions, whose coins are made already but for those of
// fanOut, and notes what came of it.
func (d *day) offer(list []*dayTx) {
	if len(list) == 0 {
		return
	}
	var calls [][]any
	for _, x := range list {
		calls = append(calls, []any{"sendrawtransaction", hex.EncodeToString(x.tx.Append(nil)), 0})
	}
	for i, a := range d.batch(calls) {
		x := list[i]
		if a.Error == nil {
			d.accepted++
			d.txs[x.tx.TxID()] = x
			if len(x.tx.Outputs) == 30 {
				d.makeCoins(x)
			}
			continue
		}
		d.refused++
		switch m := a.Error.Message; {
		case strings.HasPrefix(m, "mempool min fee not met"), strings.HasPrefix(m, "mempool full"):
			d.flooded = true
			d.lose(x.tx.TxID(), x)
		case m == "bad-txns-inputs-missingorspent" && (d.flooded || d.orphaned(x)): // of one that was refused or evicted
			d.lose(x.tx.TxID(), x)
		default:
			d.t.Fatalf("refused with %q\nlast: %v", m, d.log[max(0, len(d.log)-5):])
		}
	}
	d.did("offered %d", len(list))
}

// lose forgets a transaction: what it made is gone, what it spent is there
// again if nothing else is wrong with that.
func (d *day) lose(txid wire.Hash, x *dayTx) {
	delete(d.txs, txid)
	d.gone[txid] = true
	d.coins = slices.DeleteFunc(d.coins, func(c dayCoin) bool { return c.op.TxID == txid })
	for _, c := range x.spent {
		if !d.gone[c.op.TxID] {
			d.coins = append(d.coins, c)
		}
	}
}

// account checks that everything accepted is there. If the pool was full, what
// is not must have paid less than it asked for; otherwise nothing may be missing.
func (d *day) account(strict bool) {
	d.floor()
	var ids []wire.Hash
	d.into(&ids, "getrawmempool")
	pooled := make(map[wire.Hash]bool, len(ids))
	for _, id := range ids {
		pooled[id] = true
	}
	var asked []wire.Hash
	for id := range d.txs {
		if !pooled[id] {
			asked = append(asked, id)
		}
	}
	missing := map[wire.Hash]bool{}
	for len(asked) > 0 {
		part := asked[:min(500, len(asked))]
		asked = asked[len(part):]
		var calls [][]any
		for _, id := range part {
			calls = append(calls, []any{"getrawtransaction", id, 1})
		}
		for i, a := range d.batch(calls) {
			var tx struct{ Confirmations int }
			switch {
			case a.Error != nil:
				missing[part[i]] = true
			case json.Unmarshal(a.Result, &tx) != nil:
				d.t.Fatalf("%s", a.Result)
			case tx.Confirmations >= dayBuried:
				d.bury(part[i])
			case tx.Confirmations == 0 && strict:
				d.t.Fatalf("%v is neither in the pool nor in the chain", part[i])
			}
		}
	}
	d.judge(missing)
	d.flooded = false
	d.lastFloor = 1000
	d.did("accounted for %d", len(d.txs))
}

// orphaned reports whether x spends from what was lost.
func (d *day) orphaned(x *dayTx) bool {
	return slices.ContainsFunc(x.spent, func(c dayCoin) bool { return d.gone[c.op.TxID] })
}

// bury forgets a transaction that is deep in the chain; its outputs count as
// new again.
func (d *day) bury(txid wire.Hash) {
	delete(d.txs, txid)
	for i := range d.coins {
		if d.coins[i].op.TxID == txid {
			d.coins[i].group = new(dayGroup)
		}
	}
}

// judge decides whether transactions may be missing, and forgets them.
func (d *day) judge(missing map[wire.Hash]bool) {
	for id := range missing {
		d.gone[id] = true
	}
	for id := range missing {
		x := d.txs[id]
		if !d.flooded {
			d.t.Fatalf("%v is lost, although the pool was never full\n%s\nlast: %v", id,
				d.call("testmempoolaccept", []string{hex.EncodeToString(x.tx.Append(nil))}), d.log[max(0, len(d.log)-8):])
		}
		if !d.orphaned(x) && x.rate() > d.lastFloor+1 {
			d.t.Fatalf("%v paid %d satoshi per kvB and was dropped; the floor was at most %d\n%s\nlast: %v", id, x.rate(), d.lastFloor,
				d.call("testmempoolaccept", []string{hex.EncodeToString(x.tx.Append(nil))}), d.log[max(0, len(d.log)-8):])
		}
	}
	for id := range missing {
		d.lose(id, d.txs[id])
		d.evicted++
	}
}

// replace bumps a transaction that nothing spends from.
func (d *day) replace() {
	d.account(true)
	used := map[wire.Hash]bool{}
	for _, x := range d.txs {
		for _, c := range x.spent {
			used[c.op.TxID] = true
		}
	}
	var ids []wire.Hash
	d.into(&ids, "getrawmempool")
	for _, id := range ids {
		old := d.txs[id]
		if old == nil || used[id] || old.tx.Outputs[0].Value < 4*old.fee+50_000 {
			continue
		}
		x := &dayTx{tx: old.tx.Clone(), spent: old.spent, fee: 2*old.fee + wire.Amount(d.floor()*int64(old.tx.VSize())/1000) + 5000, group: old.group}
		x.tx.Outputs[0].Value -= x.fee - old.fee
		a := d.batch([][]any{{"sendrawtransaction", hex.EncodeToString(x.tx.Append(nil)), 0}})[0]
		if a.Error != nil {
			d.t.Fatalf("replacement refused: %s", a.Error.Message)
		}
		delete(d.txs, id)
		d.gone[id] = true
		d.coins = slices.DeleteFunc(d.coins, func(c dayCoin) bool { return c.op.TxID == id })
		d.txs[x.tx.TxID()] = x
		d.makeCoins(x)
		d.accepted++
		d.replaced++
		d.did("replaced one")
		return
	}
}

// reorganise takes blocks back and makes others in their place.
func (d *day) reorganise() {
	d.account(true)
	depth := 1 + d.rand.IntN(5)
	var hash string
	d.into(&hash, "getblockhash", d.height-depth+1)
	d.call("invalidateblock", hash)
	d.height -= depth
	d.coinbases = slices.DeleteFunc(d.coinbases, func(c dayCoin) bool { return c.height > d.height })
	d.takenBack += depth
	d.did("took back %d", depth)
	if d.nearlyFull() {
		d.flooded = true // what comes back may be too much
	}
	dropped := d.evicted
	d.account(true)
	what := d.rand.IntN(3)
	if d.evicted > dropped {
		what = 1 // the same chain again would have what was dropped
	}
	switch what {
	case 0: // the same chain again
		d.call("reconsiderblock", hash)
		var info struct{ Blocks int }
		d.into(&info, "getblockchaininfo")
		for d.height < info.Blocks {
			d.height++
			d.coinbase()
		}
	case 1: // blocks without transactions first
		for range depth {
			d.call("generateblock", dayPayout, []string{})
			d.height++
			d.coinbase()
		}
	}
	d.mine(1)
	d.account(true)
}

// coinbase notes the coinbase of the block at the present height.
func (d *day) coinbase() {
	var hash string
	d.into(&hash, "getblockhash", d.height)
	var block struct {
		Tx []struct {
			TxID wire.Hash
			Vout []struct{ Value json.Number }
		}
	}
	d.into(&block, "getblock", hash, 2)
	value, err := block.Tx[0].Vout[0].Value.Float64()
	if err != nil {
		d.t.Fatal(err)
	}
	d.coinbases = append(d.coinbases, dayCoin{op: wire.OutPoint{TxID: block.Tx[0].TxID}, value: wire.Amount(value*1e8 + 0.5), height: d.height, group: new(dayGroup)})
	d.blocks++
}

func (d *day) nearlyFull() bool {
	var info struct{ Usage int }
	d.into(&info, "getmempoolinfo")
	return info.Usage > dayMaxPool*6/10
}

// flood fills the pool to its bound.
func (d *day) flood() {
	d.account(true)
	before := d.accepted
	d.flooded = true
	for range 30 {
		if d.send(40, 12_000); d.floor() > 1000 {
			break // something was driven out
		}
	}
	var info struct{ Usage, MaxMempool int }
	d.into(&info, "getmempoolinfo")
	if info.Usage > info.MaxMempool {
		d.t.Fatalf("the pool uses %d of %d bytes", info.Usage, info.MaxMempool)
	}
	d.did("flooded with %d", d.accepted-before)
	d.account(true)
	// Room again.
	d.mine(2)
}

func (d *day) restart() {
	d.account(true)
	full := d.nearlyFull()
	d.node.Stop(d.t)
	d.start()
	d.restarts++
	d.flooded = full
	d.did("restarted")
	d.account(true)
}

func (d *day) kill() {
	d.account(true)
	full := d.nearlyFull()
	if err := d.node.Cmd.Process.Kill(); err != nil {
		d.t.Fatal(err)
	}
	d.node.Cmd.Wait()
	d.start()
	d.kills++
	d.flooded = full
	d.did("killed")
	var info struct{ Blocks int }
	d.into(&info, "getblockchaininfo")
	if info.Blocks != d.height {
		d.t.Fatalf("height %d after a kill at %d", info.Blocks, d.height)
	}
	d.account(true)
}

// memory is what the node's process has in memory, in kilobytes.
func (d *day) memory() int {
	raw, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", d.node.Cmd.Process.Pid))
	if err != nil {
		return 0 // not a system that tells
	}
	for line := range strings.Lines(string(raw)) {
		if rest, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			n, _ := strconv.Atoi(strings.TrimSuffix(strings.TrimSpace(rest), " kB"))
			return n
		}
	}
	return 0
}

// flat checks that memory stays below a bound and, of a day long enough for the
// caches to fill early, that the second half needs no more of it than the first.
func (d *day) flat(length time.Duration) {
	const bound = 450 << 10 // kilobytes
	half := len(d.rss) / 2
	first, second := slices.Max(d.rss[:half]), slices.Max(d.rss[half:])
	d.t.Logf("memory at most %d MB in the first half, %d MB in the second", first>>10, second>>10)
	if max(first, second) > bound || length >= 2*time.Minute && second > first*5/4 {
		d.t.Errorf("memory grows: at most %d kB in the first half, %d kB in the second", first, second)
	}
}
