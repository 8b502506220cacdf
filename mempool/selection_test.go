package mempool

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/wire"
)

// graph fills the pool with transactions that hang together at random.
func (w *world) graph(n int) []*wire.Tx {
	w.t.Helper()
	var txs []*wire.Tx
	free := w.Mature()[:20]
	for len(txs) < n {
		var coins []consensus.OutCoin
		for range 1 + w.rand.IntN(2) {
			i := w.rand.IntN(len(free))
			coins = append(coins, free[i])
			free = slices.Delete(free, i, i+1)
		}
		tx := w.spend(wire.Amount(300+w.rand.IntN(20_000)), 1+w.rand.IntN(3), coins...)
		if err := w.pool.Add(w.t.Context(), tx, AddOptions{}); err != nil {
			if !IsRejected(err) {
				w.t.Fatal(err)
			}
			free = append(free, coins...)
			continue
		}
		outs := w.OutputsOf(tx)
		free = append(free, outs[:len(outs)-1]...)
		txs = append(txs, tx)
	}
	w.check()
	return txs
}

// valid checks that a block of the selection is valid, and its sums.
func (w *world) valid(s *Selection) {
	w.t.Helper()
	txs := w.decode(s)
	if err := w.ValidateAt(w.Next(txs...), w.now.Load()+7200); err != nil {
		w.t.Errorf("a block of the selection is not valid: %v", err)
	}
	var fees wire.Amount
	weight, ops := 0, 0
	at := map[wire.Hash]int32{}
	for i, tx := range s.Txs {
		fees += tx.Fee
		weight += int(tx.Weight)
		ops += int(tx.SigOps)
		var depends []int32
		for _, in := range txs[i].Inputs {
			if place, ok := at[in.PrevOut.TxID]; ok && !slices.Contains(depends, place) {
				depends = append(depends, place)
			}
		}
		slices.Sort(depends)
		if !slices.Equal(depends, tx.Depends) {
			w.t.Errorf("transaction %d depends on %v, want %v", i, tx.Depends, depends)
		}
		if txs[i].TxID() != tx.TxID || txs[i].WTxID() != tx.WTxID || txs[i].Weight() != int(tx.Weight) {
			w.t.Errorf("transaction %d is described wrongly", i)
		}
		at[tx.TxID] = int32(i)
	}
	if fees != s.Fees || weight != s.Weight || ops != s.SigOps {
		w.t.Errorf("sums %v, %d, %d, want %v, %d, %d", s.Fees, s.Weight, s.SigOps, fees, weight, ops)
	}
}

// On small pools the best set can be found by trying all. Choosing by the fee
// rate of a transaction with its ancestors is a heuristic, so it is held to
// what it promises: with room for all it takes all, and never is there a group
// left out that would fit and pays a better rate than the worst it took.
func TestSelectAgainstBruteForce(t *testing.T) {
	w := newWorld(t, nil)
	best, chosen := wire.Amount(0), wire.Amount(0)
	for seed := range 60 {
		w.open(nil)
		w.rand = rand.New(rand.NewPCG(uint64(seed), 5))
		txs := w.graph(11)
		for _, tx := range txs {
			if w.rand.IntN(4) == 0 {
				if err := w.pool.Prioritise(tx.TxID(), wire.Amount(w.rand.IntN(4000)-2000)); err != nil {
					t.Fatal(err)
				}
			}
		}
		limit := 1500 + w.rand.IntN(5000)
		s, err := w.pool.Select(SelectOptions{MaxWeight: limit, MaxSigOps: 80_000})
		if err != nil {
			t.Fatal(err)
		}
		w.valid(s)
		if s.Weight >= limit {
			t.Errorf("weight %d of %d", s.Weight, limit)
		}
		d := newDumb(w, txs)
		most := d.best(limit)
		got := d.fees(d.set(s))
		if got > most {
			t.Fatalf("seed %d: %v is more than the best there is, %v", seed, got, most)
		}
		best, chosen = best+most, chosen+got
		d.nothingBetter(s, limit)

		all, err := w.pool.Select(SelectOptions{MaxWeight: 4_000_000, MaxSigOps: 80_000, MinFeeRate: -1_000_000})
		if err != nil {
			t.Fatal(err)
		}
		w.valid(all)
		if len(all.Txs) != len(txs) {
			t.Errorf("seed %d: %d of %d with room for all", seed, len(all.Txs), len(txs))
		}
	}
	if share := float64(chosen) / float64(best); share < 0.9 {
		t.Errorf("%.3f of the best fees over all", share)
	} else {
		t.Logf("%.3f of the best fees over all", share)
	}
}

// dumb tries all sets.
type dumb struct {
	w         *world
	txs       []*wire.Tx
	modified  []wire.Amount
	size      []int
	ancestors []uint // with itself, as bits
}

func newDumb(w *world, txs []*wire.Tx) *dumb {
	d := &dumb{w: w, txs: txs}
	at := map[wire.Hash]int{}
	for i, tx := range txs {
		info, _ := w.pool.Info(tx.TxID())
		d.modified, d.size = append(d.modified, info.ModifiedFee), append(d.size, info.VSize)
		up := uint(1) << i
		for _, in := range tx.Inputs {
			if j, ok := at[in.PrevOut.TxID]; ok {
				up |= d.ancestors[j]
			}
		}
		d.ancestors = append(d.ancestors, up)
		at[tx.TxID()] = i
	}
	return d
}

// sums adds up a set; ok: it has all ancestors of its own.
func (d *dumb) sums(set uint) (fee wire.Amount, size int, ok bool) {
	for i := range d.txs {
		if set&(1<<i) == 0 {
			continue
		}
		if d.ancestors[i]&^set != 0 {
			return 0, 0, false
		}
		fee += d.modified[i]
		size += d.size[i]
	}
	return fee, size, true
}

func (d *dumb) fees(set uint) wire.Amount {
	fee, _, ok := d.sums(set)
	if !ok {
		d.w.t.Error("a transaction without its ancestors")
	}
	return fee
}

func (d *dumb) best(limit int) (most wire.Amount) {
	for set := range uint(1) << len(d.txs) {
		if fee, size, ok := d.sums(set); ok && 4*size < limit {
			most = max(most, fee)
		}
	}
	return most
}

func (d *dumb) set(s *Selection) (set uint) {
	for i, tx := range d.txs {
		if slices.ContainsFunc(s.Txs, func(c Selected) bool { return c.TxID == tx.TxID() }) {
			set |= 1 << i
		}
	}
	return set
}

// nothingBetter checks that no transaction that is left out, with the ancestors
// that it still needs, would have fitted.
func (d *dumb) nothingBetter(s *Selection, limit int) {
	chosen := d.set(s)
	_, used, _ := d.sums(chosen)
	for i := range d.txs {
		if chosen&(1<<i) != 0 {
			continue
		}
		fee, size := wire.Amount(0), 0
		for j := range d.txs {
			if d.ancestors[i]&^chosen&(1<<j) != 0 {
				fee += d.modified[j]
				size += d.size[j]
			}
		}
		if fee >= 0 && 4*(used+size) < limit {
			d.w.t.Errorf("transaction %d would have fitted", i)
		}
	}
}

func TestSelectLimits(t *testing.T) {
	w := newWorld(t, nil)
	poor := w.spend(200, 2, w.coin(0))
	rich := w.spend(20_000, 2, w.coin(1))
	ops := w.spend(10_000, 2, w.coin(2)).Clone()
	ops.Outputs[1].PkScript = []byte{0xac, 0xac} // two checks, of cost four each
	w.add(poor, rich, ops)
	for name, c := range map[string]struct {
		o    SelectOptions
		want []*wire.Tx
	}{
		"room for all":  {SelectOptions{MaxWeight: 100_000, MaxSigOps: 100}, []*wire.Tx{rich, ops, poor}},
		"a fee rate":    {SelectOptions{MaxWeight: 100_000, MaxSigOps: 100, MinFeeRate: 10_000}, []*wire.Tx{rich, ops}},
		"no checks":     {SelectOptions{MaxWeight: 100_000, MaxSigOps: 8}, []*wire.Tx{rich, poor}},
		"room for one":  {SelectOptions{MaxWeight: 4*rich.VSize() + 1, MaxSigOps: 100}, []*wire.Tx{rich}},
		"room for none": {SelectOptions{MaxWeight: 100, MaxSigOps: 100}, nil},
	} {
		s, err := w.pool.Select(c.o)
		if err != nil {
			t.Fatal(err)
		}
		var got, want []wire.Hash
		for _, tx := range s.Txs {
			got = append(got, tx.TxID)
		}
		for _, tx := range c.want {
			want = append(want, tx.TxID())
		}
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", name, got, want)
		}
		w.valid(s)
	}
}

// A child brings its parent with it, and a transaction between two chosen ones
// is taken once.
func TestSelectChildPaysForParent(t *testing.T) {
	w := newWorld(t, func(c *Config) { c.Rules.MinRelay = 0 })
	parent := w.spend(0, 2, w.coin(0))
	child := w.child(parent, 0, 50_000, 2)
	middling := w.spend(5_000, 2, w.coin(1))
	last := w.spend(3_000, 1, w.OutputsOf(parent)[1], w.OutputsOf(middling)[0])
	w.add(parent, child, middling, last)
	s, err := w.pool.Select(SelectOptions{MaxWeight: 100_000, MaxSigOps: 80_000})
	if err != nil {
		t.Fatal(err)
	}
	want := []*wire.Tx{parent, child, middling, last}
	for i := range want {
		if i >= len(s.Txs) || s.Txs[i].TxID != want[i].TxID() {
			t.Errorf("place %d is another", i)
		}
	}
	w.valid(s)
}
