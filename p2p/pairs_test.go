package p2p

import (
	"context"
	"slices"
	"sync/atomic"
	"testing"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/mempool"
	"github.com/keelson-chain/keelson/p2p/message"
	"github.com/keelson-chain/keelson/wire"
)

// pair returns a TRUC transaction that pays nothing, and a child that pays a fee.
func (w *world) pair(coin consensus.OutCoin, fee wire.Amount) (parent, child *wire.Tx) {
	parent = w.version3([]consensus.OutCoin{coin}, w.Out(chaingen.P2WPKH, 0, coin.Coin.Out.Value))
	return parent, w.childOf(parent, fee)
}

func (w *world) childOf(parent *wire.Tx, fee wire.Amount) *wire.Tx {
	out := w.OutputsOf(parent)[:1]
	return w.version3(out, w.Out(chaingen.P2WPKH, 1, out[0].Coin.Out.Value-fee))
}

func (w *world) version3(coins []consensus.OutCoin, outs ...wire.TxOut) *wire.Tx {
	tx := w.Spend(coins, outs...)
	tx.Version = 3
	w.Sign(tx, coins)
	return tx
}

// givePackage puts a package into the node's pool, as its user does.
func (n *testNode) givePackage(txs ...*wire.Tx) {
	n.t.Helper()
	r, err := n.pool.AddPackage(n.t.Context(), txs, mempool.PackageOptions{Local: true})
	if err != nil || r.Err != nil {
		n.t.Fatal(err, r.Err)
	}
}

// packagePool counts the packages that are offered to a pool.
type packagePool struct {
	*mempool.Pool
	offered *atomic.Int64
}

func (p packagePool) AddPackage(ctx context.Context, txs []*wire.Tx, o mempool.PackageOptions) (mempool.PackageResult, error) {
	r, err := p.Pool.AddPackage(ctx, txs, o)
	p.offered.Add(1)
	return r, err
}

// counted is quick with the packages counted that a node offers to its pool.
func counted(offered *atomic.Int64) func(i int, cfg *Config) {
	return func(i int, cfg *Config) {
		quick(i, cfg)
		cfg.Pool = packagePool{cfg.Pool.(*mempool.Pool), offered}
	}
}

// unharmed checks that nobody is thought ill of.
func (n *testNode) unharmed() {
	n.t.Helper()
	if bans := n.Bans(); len(bans) != 0 {
		n.t.Errorf("banned: %+v", bans)
	}
	for _, p := range n.Host().Peers() {
		if p.Score() != 0 {
			n.t.Errorf("a peer has the score %d", p.Score())
		}
	}
}

// A parent that pays nothing crosses the net with its child, which alone is announced.
func TestPairReachesAll(t *testing.T) {
	w := newWorld(t)
	nodes := w.start(4, quick)
	nodes[0].call(nodes[1])
	nodes[1].call(nodes[2])
	parent, child := w.pair(w.Mature()[0], 2000)
	nodes[0].givePackage(parent, child)
	for _, n := range nodes[:3] {
		n.has(parent, child)
		n.unharmed()
	}
	// The last one meets them later, and asks for their pools.
	nodes[2].call(nodes[3])
	nodes[3].has(parent, child)
	nodes[3].unharmed()
	eventually(t, "the user's node knows that both are out", func() bool { return len(nodes[0].pool.Unbroadcast()) == 0 })
	for i, want := range []uint64{1, 1, 0} { // node 2 has nobody to tell
		if s := nodes[i].Stats().Txs; s.Told != want {
			t.Errorf("node %d announces %d transactions: %+v", i, s.Told, s)
		}
	}
}

// Both in one announcement, in either order, or the parent long before the child.
func TestPairOrder(t *testing.T) {
	for name, order := range map[string][][]int{
		"child alone":        {{1}},
		"parent and child":   {{0, 1}},
		"child and parent":   {{1, 0}},
		"parent, then child": {{0}, {1}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			coin := w.split(1)[0]
			n := w.start(1, quick)[0]
			parent, child := w.pair(coin, 2000)
			txs := []*wire.Tx{parent, child}
			s := w.stranger()
			asked := s.serves(txs...)
			p := s.call(n)
			for _, part := range order {
				var ids []wire.Hash
				for _, i := range part {
					ids = append(ids, txs[i].WTxID())
				}
				p.Send(&message.Inv{WTxIDs: ids})
				if slices.Equal(part, []int{0}) {
					eventually(t, "the parent is refused", func() bool { return n.Stats().Txs.Refused == 1 })
				}
			}
			n.has(txs...)
			eventually(t, "nothing waits", func() bool { return n.Stats().Txs.Orphans == 0 })
			n.unharmed()
			if asked(child) != 1 || asked(parent) > 2 {
				t.Errorf("asked for the parent %d times, for the child %d times", asked(parent), asked(child))
			}
		})
	}
}

// A pair that pays too little together is not tried twice, whoever offers it, until
// there is a new tip. Another child may pay.
func TestPairTooCheap(t *testing.T) {
	w := newWorld(t)
	var offered atomic.Int64
	coins := w.split(2)
	n := w.start(1, counted(&offered))[0]
	parent, child := w.pair(coins[0], 50)
	rich := w.childOf(parent, 5000)
	signal := w.Spend(coins[1:], w.Out(chaingen.P2WPKH, 0, coins[1].Coin.Out.Value-1000))
	s := w.stranger()
	s.serves(parent, child)
	s.call(n).Send(&message.Inv{WTxIDs: wtxidsOf(child, parent)})
	eventually(t, "the pair is tried", func() bool {
		stats := n.Stats().Txs
		return offered.Load() == 1 && stats.Refused == 2 && stats.Orphans == 0
	})
	if n.pool.Has(parent.TxID()) || n.pool.Has(child.TxID()) {
		t.Error("they are in the pool")
	}
	other := w.stranger()
	asked := other.serves(parent, child, rich, signal)
	p := other.call(n)
	p.Send(&message.Inv{WTxIDs: wtxidsOf(child, parent, signal)})
	n.has(signal)
	if asked(parent)+asked(child) != 0 || offered.Load() != 1 {
		t.Errorf("asked for them %d and %d times, tried %d times", asked(parent), asked(child), offered.Load())
	}
	n.submit(w.Mine())
	eventually(t, "it is forgotten", func() bool { id := pairID(parent, child); return !n.talk().txs.isCheap(&id) })
	p.Send(&message.Inv{WTxIDs: wtxidsOf(child)})
	eventually(t, "it is tried again", func() bool { return offered.Load() == 2 && n.Stats().Txs.Orphans == 0 })
	p.Send(&message.Inv{WTxIDs: wtxidsOf(rich)})
	n.has(parent, rich)
	n.unharmed()
}

// Children with bad signatures do not come before that of the parent's sender, who is
// not blamed for them.
func TestPairFakes(t *testing.T) {
	w := newWorld(t)
	var offered atomic.Int64
	coin := w.split(1)[0]
	n := w.start(1, counted(&offered))[0]
	parent, child := w.pair(coin, 2000)
	var fakes []*wire.Tx
	for i := range 8 {
		fakes = append(fakes, w.fake(parent, byte(i)))
	}
	bad, honest := w.stranger(), w.stranger()
	bad.serves(fakes...)
	bad.call(n).Send(&message.Inv{WTxIDs: wtxidsOf(fakes...)})
	eventually(t, "the fakes wait", func() bool { return n.Stats().Txs.Orphans == len(fakes) })
	honest.serves(parent, child)
	p := honest.call(n)
	p.Send(&message.Inv{WTxIDs: wtxidsOf(child)})
	n.has(parent, child)
	eventually(t, "no fake waits", func() bool { return n.Stats().Txs.Orphans == 0 })
	if offered.Load() != 1 {
		t.Errorf("%d packages are tried", offered.Load())
	}
	select {
	case <-p.Done():
		t.Error("the honest one is blamed")
	default:
	}
}

// The child of another peer is tried where the parent's sender has none; whoever sent
// it is to blame for its signature.
func TestPairBlame(t *testing.T) {
	w := newWorld(t)
	coin := w.split(1)[0]
	n := w.start(1, quick)[0]
	parent, child := w.pair(coin, 2000)
	fake := w.fake(parent, 1)
	bad, honest := w.stranger(), w.stranger()
	bad.serves(fake)
	q := bad.call(n)
	q.Send(&message.Inv{WTxIDs: wtxidsOf(fake)})
	eventually(t, "the fake waits", func() bool { return n.Stats().Txs.Orphans == 1 })
	honest.serves(parent, child)
	p := honest.call(n)
	p.Send(&message.Inv{WTxIDs: wtxidsOf(parent)})
	n.bans(q)
	p.Send(&message.Inv{WTxIDs: wtxidsOf(child)})
	n.has(parent, child)
}

// fake is a child of parent that is not signed.
func (w *world) fake(parent *wire.Tx, salt byte) *wire.Tx {
	tx := w.childOf(parent, 3000+wire.Amount(salt)).Clone()
	signature := slices.Clone(tx.Inputs[0].Witness[0])
	signature[10] ^= 1
	tx.Inputs[0].Witness[0] = signature
	return tx
}

// With two parents that pay too little there is no pair to be tried, and nobody is
// asked for them again.
func TestTwoCheapParents(t *testing.T) {
	w := newWorld(t)
	var offered atomic.Int64
	n := w.start(1, counted(&offered))[0]
	a, _ := w.pair(w.Mature()[0], 0)
	b, _ := w.pair(w.Mature()[1], 0)
	coins := append(w.OutputsOf(a)[:1], w.OutputsOf(b)[:1]...)
	both := w.version3(coins, w.Out(chaingen.P2WPKH, 1, coins[0].Coin.Out.Value))
	s := w.stranger()
	asked := s.serves(a, b, both)
	p := s.call(n)
	p.Send(&message.Inv{WTxIDs: wtxidsOf(a, b)})
	eventually(t, "the parents are refused", func() bool { return n.Stats().Txs.Refused == 2 })
	p.Send(&message.Inv{WTxIDs: wtxidsOf(both)})
	eventually(t, "the child is refused", func() bool { return n.talk().txs.rejected(both.WTxID()) })
	if asked(a)+asked(b) != 2 || offered.Load() != 0 || n.Stats().Txs.Orphans != 0 {
		t.Errorf("asked for the parents %d times, tried %d packages: %+v", asked(a)+asked(b), offered.Load(), n.Stats().Txs)
	}
	n.unharmed()
}

func (r *txRelay) rejected(wtxid wire.Hash) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rejects.has(&wtxid)
}
