package esplora

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/script/address"
	"github.com/keelson-chain/keelson/wire"
)

// addressOf returns the address of an output.
func (n *testNode) addressOf(pkScript []byte) string {
	n.t.Helper()
	text, ok := address.Encode(&n.cfg.Params.Address, pkScript)
	if !ok {
		n.t.Fatalf("no address for %x", pkScript)
	}
	return text
}

// totalsJSON is what is wanted of a script's totals.
func totalsJSON(funded int, fundedSum wire.Amount, spent int, spentSum wire.Amount, txs int) string {
	return fmt.Sprintf(`{"funded_txo_count":%d,"funded_txo_sum":%d,"spent_txo_count":%d,"spent_txo_sum":%d,"tx_count":%d}`, funded, int64(fundedSum), spent, int64(spentSum), txs)
}

// ids returns the transactions of an answer.
func (n *testNode) ids(path string) (list []string) {
	n.t.Helper()
	var txs []struct{ TxID string }
	if err := json.Unmarshal([]byte(n.get(path)), &txs); err != nil {
		n.t.Fatalf("%s: %v", path, err)
	}
	for _, tx := range txs {
		list = append(list, tx.TxID)
	}
	return list
}

func (n *testNode) wantIDs(path string, txs ...*wire.Tx) {
	n.t.Helper()
	var want []string
	for _, tx := range txs {
		want = append(want, tx.TxID().String())
	}
	if got := n.ids(path); fmt.Sprint(got) != fmt.Sprint(want) {
		n.t.Errorf("%s\n got %v\nwant %v", path, got, want)
	}
}

// TestAddress follows an address: paid in the pool, paid in a block, spent in the
// pool, spent in a block, and all of it taken back.
func TestAddress(t *testing.T) {
	n := startTestNode(t, 4, nil)
	const value = 7 * wire.Coin
	out := n.chain.Out(chaingen.P2TR, 9, value)
	text := n.addressOf(out.PkScript)
	h := HashScript(out.PkScript)
	byHash := "/scripthash/" + hex.EncodeToString(h[:])
	nothing := totalsJSON(0, 0, 0, 0, 0)
	wants := func(when, chain, pool, coins string, poolTxs, chainTxs []*wire.Tx) {
		t.Helper()
		t.Log(when)
		n.wants("/address/"+text, fmt.Sprintf(`{"address":"%s","chain_stats":%s,"mempool_stats":%s}`, text, chain, pool))
		n.wants(byHash, fmt.Sprintf(`{"chain_stats":%s,"mempool_stats":%s,"scripthash":"%x"}`, chain, pool, h[:]))
		for _, base := range []string{"/address/" + text, byHash} {
			n.wants(base+"/utxo", coins)
			n.wantIDs(base+"/txs", append(append([]*wire.Tx{}, poolTxs...), chainTxs...)...)
			n.wantIDs(base+"/txs/chain", chainTxs...)
			n.wantIDs(base+"/txs/chain/", chainTxs...)
			n.wantIDs(base+"/txs/mempool", poolTxs...)
		}
	}
	coin := func(tx *wire.Tx, vout int, status string) string {
		return fmt.Sprintf(`{"txid":"%v","vout":%d,"status":%s,"value":%d}`, tx.TxID(), vout, status, int64(tx.Outputs[vout].Value))
	}
	wants("never used", nothing, nothing, "[]", nil, nil)

	// Two outputs of one transaction: it counts once.
	paid := n.pay(0, out, n.chain.Out(chaingen.P2TR, 9, value+1))
	n.send(paid)
	two := totalsJSON(2, 2*value+1, 0, 0, 1)
	wants("paid in the pool", nothing, two, "["+coin(paid, 0, waitingStatus)+","+coin(paid, 1, waitingStatus)+"]", []*wire.Tx{paid}, nil)

	n.chain.Mark("before")
	before := n.Tip()
	b1 := n.mine(paid)
	status1 := statusJSON(b1, before.Height+1)
	wants("paid in a block", two, nothing, "["+coin(paid, 0, status1)+","+coin(paid, 1, status1)+"]", nil, []*wire.Tx{paid})

	spend := n.chain.Spend(n.coinsOf(paid, 0), n.chain.Out(chaingen.P2TR, 9, 3*wire.Coin), n.chain.Out(chaingen.P2WPKH, 1, 3*wire.Coin))
	n.send(spend)
	inPool := totalsJSON(1, 3*wire.Coin, 1, value, 1)
	wants("spent in the pool", two, inPool, "["+coin(paid, 1, status1)+","+coin(spend, 0, waitingStatus)+"]", []*wire.Tx{spend}, []*wire.Tx{paid})
	child := n.chain.Spend(n.chain.OutputsOf(spend)[:1])
	n.send(child)
	wants("and that too", two, totalsJSON(1, 3*wire.Coin, 2, value+3*wire.Coin, 2), "["+coin(paid, 1, status1)+"]", []*wire.Tx{child, spend}, []*wire.Tx{paid})

	b2 := n.mine(spend)
	status2 := statusJSON(b2, before.Height+2)
	all := totalsJSON(3, 2*value+1+3*wire.Coin, 1, value, 2)
	wants("one mined", all, totalsJSON(0, 0, 1, 3*wire.Coin, 1), "["+coin(paid, 1, status1)+"]", []*wire.Tx{child}, []*wire.Tx{spend, paid})
	n.wants("/tx/"+paid.TxID().String()+"/outspend/0", fmt.Sprintf(`{"spent":true,"txid":"%v","vin":0,"status":%s}`, spend.TxID(), status2))

	// A longer branch without any of it: all three wait again.
	n.chain.Goto("before")
	n.add(n.chain.MineN(3)...)
	if n.Tip().Hash != n.chain.Tip().Hash() {
		t.Fatal("no reorganisation")
	}
	wants("taken back", nothing, totalsJSON(3, 2*value+1+3*wire.Coin, 2, value+3*wire.Coin, 3), "["+coin(paid, 1, waitingStatus)+"]", []*wire.Tx{spend, paid, child}, nil) // child never left
	n.wants("/block/"+b1.Hash().String()+"/status", `{"in_best_chain":false}`)
	n.wants("/tx/"+paid.TxID().String()+"/status", waitingStatus)
	if got := n.get("/block/" + b1.Hash().String() + "/txs"); strings.Contains(got, `"confirmed":true`) || !strings.Contains(got, `"fee":`) {
		t.Errorf("a block that was left says it confirms: %s", got)
	}
	// The branch that was left can be asked for by its blocks, but its
	// transactions are no history to go on from.
	n.wantIDs(byHash+"/txs/chain/"+paid.TxID().String(), []*wire.Tx(nil)...)

	b3 := n.mine(paid, spend, child)
	status3 := statusJSON(b3, n.Tip().Height)
	wants("mined again", totalsJSON(3, 2*value+1+3*wire.Coin, 2, value+3*wire.Coin, 3), nothing, "["+coin(paid, 1, status3)+"]", nil, []*wire.Tx{child, spend, paid})
}

// coinsOf returns an output of a mined transaction as a coin of the chain.
func (n *testNode) coinsOf(tx *wire.Tx, index uint32) []consensus.OutCoin {
	op := wire.OutPoint{TxID: tx.TxID(), Index: index}
	for _, c := range n.chain.Mature() {
		if c.OutPoint == op {
			return []consensus.OutCoin{c}
		}
	}
	n.t.Fatalf("no coin %v", op)
	return nil
}

// TestPaging: 61 payments to one address in 3 blocks, and as many in one block.
func TestPaging(t *testing.T) {
	n := startTestNode(t, 1, nil)
	out := n.chain.Out(chaingen.P2TR, 11, wire.Coin/2) // coinbases pay by P2WPKH
	base := "/address/" + n.addressOf(out.PkScript)
	const count = 61
	outs := make([]wire.TxOut, count)
	for i := range outs {
		outs[i] = n.chain.Out(chaingen.Anyone, 0, wire.Coin/2+1000)
	}
	split := n.pay(0, outs...)
	n.mine(split)
	txs := make([]*wire.Tx, count)
	for i := range txs {
		txs[i] = n.chain.Spend(n.coinsOf(split, uint32(i)), out)
	}
	n.send(txs...)
	if got := len(n.ids(base + "/txs/mempool")); got != MaxPoolTxs {
		t.Errorf("%d transactions of the pool, want %d", got, MaxPoolTxs)
	}
	if got := len(n.ids(base + "/txs")); got != MaxPoolTxs {
		t.Errorf("%d transactions, want %d", got, MaxPoolTxs)
	}
	n.wantIDs(base+"/txs/mempool", newestFirst(txs)[:MaxPoolTxs]...)
	from := func(tx *wire.Tx) string { return base + "/txs?after_txid=" + tx.TxID().String() }
	n.wantIDs(from(txs[60]), newestFirst(txs[10:60])...)
	n.wantIDs(from(txs[11]), newestFirst(txs[:11])...)
	n.wantIDs(from(txs[0]))
	n.mine(txs[:20]...)
	n.wantIDs(from(txs[60]), append(newestFirst(txs[20:60]), newestFirst(txs[:20])...)...)
	n.wantIDs(from(txs[20]), newestFirst(txs[:20])...)
	n.wantIDs(from(txs[19]), newestFirst(txs[:19])...)
	n.mine(txs[20:40]...)
	n.mine(txs[40:]...)
	history := newestFirst(txs)
	n.wantIDs(base+"/txs", history[:25]...)
	n.wantIDs(base+"/txs/chain", history[:25]...)
	after := func(i int) string { return base + "/txs/chain/" + history[i].TxID().String() }
	n.wantIDs(after(24), history[25:50]...)
	n.wantIDs(after(0), history[1:26]...)
	n.wantIDs(after(49), history[50:]...)
	n.wantIDs(after(60))
	for i, want := range map[int][]*wire.Tx{0: history[1:26], 24: history[25:50], 49: history[50:], 60: nil} {
		n.wantIDs(from(history[i]), want...)
	}
	n.wantIDs(from(split)) // none of its transactions
	n.fails(base+"/txs?after_txid="+strings.Repeat("ab", 32), 422, "after_txid not found")
	n.wantIDs(base + "/txs/chain/" + split.TxID().String()) // none of its transactions
	n.wantIDs(base + "/txs/chain/" + strings.Repeat("ab", 32))
	if got := len(n.ids(base + "/txs/chain")); got != 25 {
		t.Errorf("a page has %d", got)
	}
	var coins []Coin
	coins, err := n.Coins(t.Context(), HashScript(out.PkScript))
	if err != nil || len(coins) != count {
		t.Fatalf("%d coins, %v", len(coins), err)
	}
	for i := 1; i < count; i++ {
		if coins[i].Status.Block.Height > coins[i-1].Status.Block.Height {
			t.Errorf("coin %d is higher than the one before", i)
		}
	}

	// As many in one block.
	again := make([]*wire.Tx, count)
	for i := range again {
		again[i] = n.chain.Spend(n.coinsOf(txs[i], 0))
	}
	b := n.mine(again...)
	page := "/block/" + b.Hash().String() + "/txs"
	n.wantIDs(page, b.Txs[:25]...)
	n.wantIDs(page+"/25", b.Txs[25:50]...)
	n.wantIDs(page+"/50", b.Txs[50:]...)
	n.fails(page+"/60", 400, "start index must be a multipication of 25")
	n.fails(page+"/75", 404, "start index out of range")
	n.fails(page+"/76", 404, "start index out of range")
	n.wantIDs(base+"/txs/chain", newestFirst(again)[:25]...)
	n.wantIDs(base+"/txs/chain/"+again[0].TxID().String(), history[:25]...)
}

func newestFirst(txs []*wire.Tx) []*wire.Tx {
	list := make([]*wire.Tx, len(txs))
	for i, tx := range txs {
		list[len(txs)-1-i] = tx
	}
	return list
}

// TestManyCoins: a script with too many unspent outputs has totals and a history, but
// no list.
func TestManyCoins(t *testing.T) {
	n := startTestNode(t, 2, nil)
	outs := make([]wire.TxOut, MaxCoins)
	for i := range outs {
		outs[i] = wire.TxOut{Value: 1000, PkScript: []byte{byte(script.Op1), byte(script.OpNop)}}
	}
	h := HashScript(outs[0].PkScript)
	path := "/scripthash/" + hex.EncodeToString(h[:])
	n.mine(n.pay(0, outs...))
	if coins, err := n.Coins(t.Context(), h); err != nil || len(coins) != MaxCoins {
		t.Fatalf("%d coins, %v", len(coins), err)
	}
	more := n.pay(0, outs[0], n.chain.Out(chaingen.P2WPKH, 1, wire.Coin))
	n.send(more)
	n.fails(path+"/utxo", 400, "Too many history entries")
	n.mine(more)
	n.fails(path+"/utxo", 400, "Too many history entries")
	if s, err := n.ScriptStats(t.Context(), h); err != nil || s.Chain.FundedCount != MaxCoins+1 || s.Chain.Balance() != 1000*(MaxCoins+1) {
		t.Errorf("%+v, %v", s, err)
	}
}

// TestUnspendable: an output that nobody can spend is history, but no coin.
func TestUnspendable(t *testing.T) {
	n := startTestNode(t, 1, nil)
	pkScript := []byte{byte(script.OpReturn), 1, 42}
	tx := n.pay(0, wire.TxOut{PkScript: pkScript}, n.chain.Out(chaingen.P2WPKH, 1, wire.Coin))
	h := HashScript(pkScript)
	path := "/scripthash/" + hex.EncodeToString(h[:])
	n.send(tx)
	n.wantIDs(path+"/txs", tx)
	n.wants(path+"/utxo", "[]")
	n.mine(tx)
	n.wantIDs(path+"/txs", tx)
	n.wants(path+"/utxo", "[]")
	n.wants("/tx/"+tx.TxID().String()+"/outspend/0", `{"spent":false}`)
}

// TestWhileTheChainMoves asks for an address while blocks and reorganisations come:
// its balance, which every branch leaves alone, is the same at every moment, whether
// the payment waits or is mined.
func TestWhileTheChainMoves(t *testing.T) {
	n := startTestNode(t, 3, nil)
	out := n.chain.Out(chaingen.P2TR, 5, wire.Coin)
	tx := n.pay(0, out)
	n.send(tx)
	h := HashScript(out.PkScript)
	ctx, stop := context.WithCancel(t.Context())
	var readers sync.WaitGroup
	var answered atomic.Int64
	for range 3 {
		readers.Go(func() {
			for ctx.Err() == nil {
				s, err := n.ScriptStats(ctx, h)
				if err == nil && (s.Chain.Balance()+s.Pool.Balance() != wire.Coin || s.Chain.TxCount+s.Pool.TxCount != 1) {
					t.Errorf("at some moment: %+v", s)
				}
				if err == nil {
					var coins []Coin
					if coins, err = n.Coins(ctx, h); err == nil && len(coins) != 1 {
						t.Errorf("at some moment: coins %+v", coins)
					}
				}
				if err == nil {
					var txs []Tx
					if txs, err = n.ScriptTxs(ctx, h, nil); err == nil && len(txs) != 1 {
						t.Errorf("at some moment: %d transactions", len(txs))
					}
				}
				switch {
				case err == nil:
					answered.Add(1)
				case !errors.Is(err, context.Canceled) && !errors.Is(err, errMoving):
					t.Errorf("at some moment: %v", err)
				}
			}
		})
	}
	for i := range 12 {
		mark := fmt.Sprint("fork ", i)
		n.chain.Mark(mark)
		n.mine(tx)
		n.chain.Goto(mark)
		n.add(n.chain.MineN(2)...)
	}
	stop()
	readers.Wait()
	if answered.Load() == 0 {
		t.Error("no answer while the chain moved")
	}
	n.wants("/address/"+n.addressOf(out.PkScript)+"/utxo", fmt.Sprintf(`[{"txid":"%v","vout":0,"status":%s,"value":%d}]`, tx.TxID(), waitingStatus, int64(wire.Coin)))
}
