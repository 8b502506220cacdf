package mempool

import (
	"math/rand/v2"
	"testing"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/wire"
)

// goTo makes the generator's tip the ledger's, by blocks that it has not.
func (w *world) goTo(blocks ...*wire.Block) {
	w.t.Helper()
	w.submit(blocks...)
	if got, want := w.ledger.Tip().Tip, w.State().Tip; got != want {
		w.t.Fatalf("the ledger is at %v, want %v", got, want)
	}
}

// What a block has leaves the pool, what it makes impossible as well, with all
// that descends from it.
func TestBlock(t *testing.T) {
	w := newWorld(t, nil)
	mined := w.spend(1000, 2, w.coin(0))
	child := w.child(mined, 0, 1000, 2)
	grandchild := w.child(child, 0, 1000, 2)
	double := w.spend(1000, 2, w.coin(1))
	ofDouble := w.child(double, 0, 1000, 2)
	other := w.spend(2000, 1, w.coin(1))
	stays := w.spend(1000, 2, w.coin(2))
	w.add(mined, child, grandchild, double, ofDouble, stays)
	for _, tx := range []*wire.Tx{mined, double, stays} {
		if err := w.pool.Prioritise(tx.TxID(), 5000); err != nil {
			t.Fatal(err)
		}
	}
	w.mine(mined, other)
	w.holds(child, grandchild, stays)
	if info, _ := w.pool.Info(child.TxID()); info.AncestorCount != 1 || info.DescendantCount != 2 || len(info.Depends) != 0 {
		t.Errorf("%+v", info)
	}
	if d := w.pool.Deltas(); len(d) != 1 || d[0].TxID != stays.TxID() {
		t.Errorf("deltas %v, want the one of what stays", d)
	}
	c := w.pool.Stats().Counts
	if c.Mined != 1 || c.Conflicted != 2 {
		t.Errorf("counts %+v", c)
	}
}

// start - a1 (x, y spends x) - a2 (z)
//
//	\ b1 (x2 conflicts with x) - b2 - b3
func TestReorganisation(t *testing.T) {
	w := newWorld(t, nil)
	x := w.spend(10_000, 2, w.coin(0))
	y := w.child(x, 0, 10_000, 2)
	z := w.spend(10_000, 3, w.coin(1))
	above := w.spend(10_000, 1, w.OutputsOf(z)[0], w.OutputsOf(z)[1])
	ofY := w.child(y, 0, 10_000, 1)
	x2 := w.spend(20_000, 2, w.coin(0))
	w.add(x, y, z)
	w.mine(x, y)
	w.mine(z)
	w.add(above, ofY)
	w.holds(above, ofY)

	// Without a conflict everything comes back under what spends it.
	w.Goto("start")
	w.goTo(w.MineN(3)...)
	w.holds(x, y, z, above, ofY)
	if info, _ := w.pool.Info(x.TxID()); info.DescendantCount != 3 {
		t.Errorf("%+v", info)
	}
	if info, _ := w.pool.Info(above.TxID()); info.AncestorCount != 2 {
		t.Errorf("%+v", info)
	}

	// With one, what descends from it goes.
	w.Mark("b")
	w.mine(x, y)
	w.Goto("b")
	b1 := w.Mine(x2)
	b2 := w.Mine()
	w.goTo(b1, b2)
	w.holds(z, above)

	// What comes back stands above what is mined in the new chain.
	w.Goto("b")
	c1 := w.Mine(z)
	c2, c3 := w.Mine(), w.Mine()
	w.goTo(c1, c2, c3)
	w.holds(x2, above)
}

// What a block had that came and went while the pool did not look comes back, too.
func TestReorganisationUnseen(t *testing.T) {
	// start - a (x, y spends x, z) and start - b1 - b2.
	t.Run("left behind", func(t *testing.T) {
		w := newWorld(t, nil)
		x := w.spend(10_000, 2, w.coin(0))
		y := w.child(x, 0, 10_000, 2)
		z := w.spend(10_000, 2, w.coin(1))
		ofZ := w.child(z, 0, 10_000, 1)
		other := w.spend(10_000, 2, w.coin(2))
		w.add(z, ofZ, other)
		w.mine(x, y, z)
		w.Goto("start")
		w.goTo(w.MineN(2)...)
		w.holds(x, y, z, ofZ, other)
	})
	t.Run("in conflict", func(t *testing.T) {
		w := newWorld(t, nil)
		x := w.spend(10_000, 2, w.coin(0))
		z := w.spend(10_000, 2, w.coin(1))
		x2 := w.spend(20_000, 2, w.coin(0))
		w.mine(x, z)
		w.Goto("start")
		b1, b2 := w.Mine(x2), w.Mine()
		w.goTo(b1, b2)
		w.holds(z)
	})
	t.Run("taken back", func(t *testing.T) {
		w := newWorld(t, nil)
		x := w.spend(10_000, 2, w.coin(0))
		y := w.spend(10_000, 2, w.coin(1))
		w.add(y)
		w.mine(x, y)
		if err := w.ledger.Invalidate(t.Context(), blockAt(w, 1)); err != nil {
			t.Fatal(err)
		}
		w.holds(x, y)
		if err := w.ledger.Reconsider(t.Context(), blockAt(w, 1)); err != nil {
			t.Fatal(err)
		}
		w.holds()
	})
	// The pool is at a1, has a child of what a1 has, and sees a1 again.
	t.Run("there and back", func(t *testing.T) {
		w := newWorld(t, nil)
		x := w.spend(10_000, 2, w.coin(0))
		y := w.spend(10_000, 2, w.coin(1))
		a := w.mine(x)
		ofX := w.child(x, 0, 10_000, 1)
		w.add(ofX)
		w.Goto("start")
		b := w.Mine(y, x)
		w.submit(b)
		for _, hash := range []wire.Hash{b.Hash(), a.Hash()} {
			if err := w.ledger.Precious(hash); err != nil {
				t.Fatal(err)
			}
		}
		if got := w.ledger.Tip().Tip.Hash; got != a.Hash() {
			t.Fatalf("the tip is %v", got)
		}
		w.holds(ofX, y)
	})
	t.Run("stored and back", func(t *testing.T) {
		w := newWorld(t, nil)
		w.holds()
		var all []*wire.Tx
		// Branches of growing length, each with another transaction.
		for i := range 4 {
			w.Goto("start")
			x := w.spend(10_000, 2, w.coin(i))
			all = append(all, x)
			blocks := append([]*wire.Block{w.Mine(x)}, w.MineN(i)...)
			w.goTo(blocks...)
		}
		w.holds(all[:3]...)
	})
}

// Coinbases and lock times that a reorganisation takes back.
func TestReorganisationMakesInvalid(t *testing.T) {
	w := newWorld(t, nil)
	w.MineN(1)
	young := w.Mature()[len(w.Mature())-1] // spendable since this block
	w.Goto("start")
	w.mine()
	w.mine()
	w.mine()
	ripe := w.spend(10_000, 2, young)
	ofRipe := w.child(ripe, 0, 10_000, 1)
	timed := w.spend(10_000, 2, w.coin(1)).Clone()
	timed.LockTime = w.State().Tip.Height
	timed.Inputs[0].Sequence--
	relative := w.spend(10_000, 2, w.coin(2)).Clone()
	relative.Inputs[0].Sequence = w.State().Tip.Height + 1 - w.coin(2).Coin.Height
	plain := w.spend(10_000, 2, w.coin(3))
	w.add(ripe, ofRipe, timed, relative, plain)
	if err := w.ledger.Invalidate(t.Context(), blockAt(w, 1)); err != nil {
		t.Fatal(err)
	}
	w.holds(plain)
	if n := w.pool.Stats().Counts.Disconnected; n != 4 {
		t.Errorf("%d counted, want 4", n)
	}
}

// blockAt returns the n-th block above the start.
func blockAt(w *world, n int) wire.Hash {
	blocks := w.Blocks()
	return blocks[149+n].Hash()
}

// A chain longer than the limits that comes back is cut, not kept.
func TestReorganisationKeepsLimits(t *testing.T) {
	w := newWorld(t, nil)
	txs := w.chain(20, w.coin(0))
	w.mine(txs...)
	more := w.chain(20, w.OutputsOf(txs[19])[0])
	w.holds(more...)
	if err := w.ledger.Invalidate(t.Context(), blockAt(w, 1)); err != nil {
		t.Fatal(err)
	}
	w.check()
	if n := w.pool.Stats().Count; n != 25 {
		t.Errorf("%d transactions, want 25", n)
	}
}

// More than what may come back is dropped, and what spends it as well.
func TestReturningIsBounded(t *testing.T) {
	var r returning
	w := newWorld(t, nil)
	next := 0
	big := func() *wire.Tx {
		next++
		tx := w.spend(1000, 2, w.coin(next)).Clone()
		tx.Outputs[1].PkScript = make([]byte, 7_000_000)
		return tx
	}
	b := &wire.Block{Txs: []*wire.Tx{{}, big(), big()}}
	r.add(b)
	if len(r.txs) != 2 || len(r.dropped) != 0 || r.txs[0] != b.Txs[2] {
		t.Errorf("%d wait, %d dropped", len(r.txs), len(r.dropped))
	}
	r.add(&wire.Block{Txs: []*wire.Tx{{}, big()}})
	if len(r.txs) != 2 || len(r.dropped) != 1 || r.dropped[0] != b.Txs[2] {
		t.Errorf("%d wait, %d dropped", len(r.txs), len(r.dropped))
	}
	r.drop(b)
	if len(r.txs) != 1 || len(r.dropped) != 0 {
		t.Errorf("%d wait, %d dropped", len(r.txs), len(r.dropped))
	}
}

// TestModel does everything at random, and compares with a pool that does
// nothing but remember: whatever happens, the invariants hold, what is mined or
// in conflict is gone, and nothing valid is lost.
func TestModel(t *testing.T) {
	rounds := 12
	if testing.Short() {
		rounds = 3
	}
	for seed := range rounds {
		w := newWorld(t, nil)
		t.Logf("seed %d", seed)
		w.rand = rand.New(rand.NewPCG(uint64(seed), 7))
		m := model{world: w}
		for range 300 {
			m.step()
			w.check()
		}
		if w.pool.Stats().Counts.Accepted < 50 {
			t.Errorf("only %d transactions came in", w.pool.Stats().Counts.Accepted)
		}
	}
}

type model struct {
	*world
	known []*wire.Tx
}

func (m *model) step() {
	switch n := m.rand.IntN(20); {
	case n < 12:
		m.someTx()
	case n < 14 && len(m.known) > 0:
		tx := m.known[m.rand.IntN(len(m.known))]
		if err := m.pool.Prioritise(tx.TxID(), wire.Amount(m.rand.IntN(100_000)-50_000)); err != nil {
			m.t.Fatal(err)
		}
	case n < 17:
		m.block()
	case n < 18:
		m.reorganise()
	case n < 19:
		m.unseen()
	default:
		m.now.Add(int64(m.rand.IntN(3600)))
	}
}

// someTx offers a transaction that spends from the chain, the pool, or both.
func (m *model) someTx() {
	var coins []consensus.OutCoin
	for range 1 + m.rand.IntN(3) {
		if len(m.known) > 0 && m.rand.IntN(3) > 0 {
			tx := m.known[m.rand.IntN(len(m.known))]
			outs := m.OutputsOf(tx)
			coins = append(coins, outs[m.rand.IntN(len(outs)-1)])
		} else {
			coins = append(coins, m.coin(m.rand.IntN(40)))
		}
	}
	var sum wire.Amount
	for _, c := range coins {
		sum += c.Coin.Out.Value
	}
	fee := wire.Amount(m.rand.IntN(50_000))
	if sum <= 2*fee {
		return
	}
	tx := m.spend(fee, 1+m.rand.IntN(3), coins...)
	err := m.pool.Add(m.t.Context(), tx, AddOptions{})
	if err != nil && !IsRejected(err) {
		m.t.Fatal(err)
	}
	if err == nil {
		m.known = append(m.known, tx)
	}
}

// block mines what the pool offers, or a part of it.
func (m *model) block() *wire.Block {
	s, err := m.pool.Select(SelectOptions{MaxWeight: m.rand.IntN(20_000), MaxSigOps: 80_000})
	if err != nil {
		m.t.Fatal(err)
	}
	if s.State.Tip != m.State().Tip {
		m.t.Fatalf("selected on %v, the tip is %v", s.State.Tip, m.State().Tip)
	}
	return m.mine(m.decode(s)...)
}

func (w *world) decode(s *Selection) []*wire.Tx {
	txs := make([]*wire.Tx, len(s.Txs))
	for i := range s.Txs {
		tx, err := wire.DecodeTx(s.Txs[i].Raw)
		if err != nil {
			w.t.Fatal(err)
		}
		txs[i] = tx
	}
	return txs
}

// reorganise leaves some blocks for others, which have some of the transactions.
func (m *model) reorganise() {
	blocks := m.Blocks()
	depth := 1 + m.rand.IntN(4)
	if len(blocks)-depth < 150 {
		return
	}
	var txs []*wire.Tx
	for _, b := range blocks[len(blocks)-depth:] {
		txs = append(txs, b.Txs[1:]...)
	}
	before, _ := m.pool.TxIDs()
	m.GotoHash(blocks[len(blocks)-depth-1].Hash())
	txs = txs[:m.rand.IntN(len(txs)+1)]
	next := []*wire.Block{m.Mine(txs...)}
	for range depth {
		next = append(next, m.Mine())
	}
	m.goTo(next...)
	m.check()
	// Nothing valid is lost: what is left out and was in the pool can only have
	// gone because of the limits on chains.
	mined := map[wire.Hash]bool{}
	for _, tx := range txs {
		mined[tx.TxID()] = true
	}
	lost := 0
	for _, txid := range before {
		if !mined[txid] && !m.pool.Has(txid) {
			lost++
		}
	}
	if gone := m.pool.Stats().Counts.Disconnected; lost > int(gone) {
		m.t.Fatalf("%d transactions are lost, %d accounted for", lost, gone)
	}
}

// unseen has a block come and go between two looks of the pool. It has one
// transaction that the pool has never seen, and some that wait in it.
func (m *model) unseen() {
	before, _ := m.pool.TxIDs()
	coin := m.coin(m.rand.IntN(40))
	if _, spent := m.pool.Spender(coin.OutPoint); spent || coin.Coin.Out.Value < 100_000 {
		return
	}
	s, err := m.pool.Select(SelectOptions{MaxWeight: m.rand.IntN(20_000), MaxSigOps: 80_000})
	if err != nil {
		m.t.Fatal(err)
	}
	fresh := m.spend(20_000, 2, coin)
	tip := m.State().Tip.Hash
	gone := m.pool.Stats().Counts
	m.mine(append(m.decode(s), fresh)...)
	m.GotoHash(tip)
	m.goTo(m.Mine(), m.Mine())
	m.check()
	lost := 0
	for _, txid := range append(before, fresh.TxID()) {
		if !m.pool.Has(txid) {
			lost++
		}
	}
	now := m.pool.Stats().Counts
	if left := now.Disconnected + now.Expired - gone.Disconnected - gone.Expired; lost > int(left) {
		m.t.Fatalf("%d transactions are lost, %d accounted for", lost, left)
	}
	m.known = append(m.known, fresh)
}

// A block may have longer chains than the pool. Of what comes back the limits
// hold, too.
func TestReturningKeepsLimits(t *testing.T) {
	t.Run("chain", func(t *testing.T) {
		w := newWorld(t, nil)
		txs := []*wire.Tx{w.spend(1000, 1, w.coin(0))}
		for len(txs) < 28 {
			txs = append(txs, w.child(txs[len(txs)-1], 0, 1000, 1))
		}
		w.mine(txs[:27]...)
		w.add(txs[27])
		if err := w.ledger.Invalidate(t.Context(), blockAt(w, 1)); err != nil {
			t.Fatal(err)
		}
		w.holds(txs[:25]...)
	})
	// One parent and many children: the last is let in by the carve-out.
	t.Run("fan", func(t *testing.T) {
		w := newWorld(t, nil)
		parent := w.spend(1000, 40, w.coin(0))
		txs := []*wire.Tx{parent}
		for i := range 30 {
			txs = append(txs, w.child(parent, i, 1000, 1))
		}
		w.mine(txs...)
		w.holds() // it has seen the block
		if err := w.ledger.Invalidate(t.Context(), blockAt(w, 1)); err != nil {
			t.Fatal(err)
		}
		w.holds(txs[:26]...)
	})
	// What stands above them in the pool does not count against them, even if
	// that makes more descendants than are allowed.
	t.Run("children in the pool", func(t *testing.T) {
		w := newWorld(t, nil)
		parent := w.spend(1000, 40, w.coin(0))
		txs := []*wire.Tx{parent}
		for i := range 10 {
			txs = append(txs, w.child(parent, i, 1000, 1))
		}
		w.mine(txs...)
		for i := range 20 {
			txs = append(txs, w.child(parent, 10+i, 1000, 1))
		}
		w.add(txs[11:]...)
		if err := w.ledger.Invalidate(t.Context(), blockAt(w, 1)); err != nil {
			t.Fatal(err)
		}
		w.holds(txs...)
	})
}

// TestMinedWithAnotherWitness mines a transaction of the pool that somebody has
// given a witness, which P2A allows: ids are the same, encodings are not.
func TestMinedWithAnotherWitness(t *testing.T) {
	w := newWorld(t, nil)
	anchor := wire.TxOut{Value: 50_000, PkScript: []byte{0x51, 2, 0x4e, 0x73}}
	coin := w.coin(0)
	funding := w.Spend([]consensus.OutCoin{coin}, anchor, w.anyone(coin.Coin.Out.Value-60_000))
	w.mine(funding)
	outs := w.OutputsOf(funding)
	tx := &wire.Tx{Version: 2, Outputs: []wire.TxOut{w.anyone(45_000), w.anyone(1_000)}}
	for i := range outs {
		tx.Inputs = append(tx.Inputs, wire.TxIn{PrevOut: outs[i].OutPoint, Sequence: wire.SequenceFinal})
	}
	w.add(tx)
	other := tx.Clone()
	other.Inputs[0].Witness = [][]byte{{1}}
	w.mine(other)
	w.holds()
	if _, ok := w.pool.Spender(outs[1].OutPoint); ok {
		t.Error("the second input is still indexed")
	}
}
