package esplora

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/mempool"
	"github.com/keelson-chain/keelson/wire"
)

// TestPoolIndexAgainstPool makes random payments, chains of them, replacements, blocks
// and reorganisations, and holds the index against one made anew from the pool.
func TestPoolIndexAgainstPool(t *testing.T) {
	seed := uint64(time.Now().UnixNano())
	t.Logf("seed %d", seed)
	random := rand.New(rand.NewPCG(seed, 0))
	n := startTestNode(t, 12, nil)
	out := func(value wire.Amount) wire.TxOut {
		return n.chain.Out(chaingen.P2TR, random.IntN(4), value)
	}
	var last []*wire.Tx
	for step := range 120 {
		switch action := random.IntN(10); {
		case action < 4: // pay from the chain, perhaps in the place of another
			coins := n.chain.Mature()
			coin := coins[random.IntN(min(8, len(coins)))]
			value := coin.Coin.Out.Value - wire.Amount(1000+random.IntN(100_000))
			tx := n.chain.Spend([]consensus.OutCoin{coin}, out(value/2), out(value-value/2))
			if n.pool.Add(t.Context(), tx, mempool.AddOptions{}) == nil {
				last = append(last, tx)
			}
		case action < 7 && len(last) > 0: // pay from the pool
			parent := n.chain.OutputsOf(last[random.IntN(len(last))])
			coin := parent[random.IntN(len(parent))]
			tx := n.chain.Spend([]consensus.OutCoin{coin}, out(coin.Coin.Out.Value-wire.Amount(1000+random.IntN(100_000))))
			if n.pool.Add(t.Context(), tx, mempool.AddOptions{}) == nil {
				last = append(last, tx)
			}
		case action < 9: // a block of what fits
			n.mine(n.fitting(random.IntN(6))...)
		default: // a branch that takes the last block back
			n.chain.Mark("tip")
			n.chain.GotoHash(n.chain.Tip().Header.PrevBlock)
			n.add(n.chain.MineN(2)...)
		}
		if step%3 == 0 {
			n.comparePool()
		}
	}
	n.comparePool()
}

// fitting returns at most max transactions of the pool that a block can have.
func (n *testNode) fitting(max int) (txs []*wire.Tx) {
	ids, _ := n.pool.TxIDs()
	for _, id := range ids[:min(max, len(ids))] {
		if tx, ok := n.pool.Tx(id); ok {
			txs = append(txs, tx)
		}
	}
	return txs
}

// comparePool holds the view's index of the pool against a new one.
func (n *testNode) comparePool() {
	n.t.Helper()
	tip, err := n.View.pool.catchUp(n.t.Context())
	if err != nil || tip != n.Tip() {
		n.t.Fatalf("caught up to %v, %v", tip, err)
	}
	var fresh poolIndex
	fresh.init(n.pool, n.ledger)
	if _, err := fresh.catchUp(n.t.Context()); err != nil {
		n.t.Fatal(err)
	}
	ids, _ := n.pool.TxIDs()
	if len(n.View.pool.txs) != len(ids) || len(fresh.txs) != len(ids) {
		n.t.Fatalf("%d transactions, %d in a new index, %d in the pool", len(n.View.pool.txs), len(fresh.txs), len(ids))
	}
	if got, want := n.View.pool.dump(), fresh.dump(); got != want {
		n.t.Fatalf("the index is\n%swant\n%s", got, want)
	}
	if got, want := fmt.Sprint(*n.View.pool.sum()), fmt.Sprint(*fresh.sum()); got != want {
		n.t.Fatalf("the pool is %s, want %s", got, want)
	}
}

// dump is all that an index holds of scripts, in the order of their names.
func (p *poolIndex) dump() (text string) {
	var scripts []ScriptHash
	for h := range p.scripts {
		scripts = append(scripts, h)
	}
	slices.SortFunc(scripts, func(a, b ScriptHash) int { return slices.Compare(a[:], b[:]) })
	for _, h := range scripts {
		made, spent := p.coins(h)
		slices.SortFunc(made, func(a, b Coin) int {
			return cmp.Or(slices.Compare(a.TxID[:], b.TxID[:]), cmp.Compare(a.Vout, b.Vout))
		})
		ids := p.history(h, nil, len(p.txs)+1)
		slices.SortFunc(ids, func(a, b wire.Hash) int { return slices.Compare(a[:], b[:]) })
		text += fmt.Sprintln(h, ids, made, len(spent), p.totals(h))
	}
	return text
}
