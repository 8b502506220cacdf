package mempool

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/wire"
)

// offers makes transactions that depend on each other, conflict, and are
// wrong, in a random order.
func (w *world) offers(n int) []*wire.Tx {
	var txs []*wire.Tx
	for i := range n {
		switch w.rand.IntN(8) {
		case 0:
			txs = append(txs, w.spend(wire.Amount(w.rand.IntN(3000)), 2, w.coin(w.rand.IntN(40))))
		case 1:
			if i > 0 {
				txs = append(txs, txs[w.rand.IntN(len(txs))])
				continue
			}
			fallthrough
		case 2:
			tx := w.spend(10_000, 2, w.coin(w.rand.IntN(40))).Clone()
			tx.Inputs[0].SigScript = []byte{0x6a} // fails
			txs = append(txs, tx)
		default:
			coin := w.coin(w.rand.IntN(40))
			if len(txs) > 0 && w.rand.IntN(2) == 0 {
				coin = w.OutputsOf(txs[w.rand.IntN(len(txs))])[w.rand.IntN(2)]
			}
			txs = append(txs, w.spend(wire.Amount(5000+w.rand.IntN(30_000)), 2, coin))
		}
	}
	w.rand.Shuffle(n/2, func(i, j int) { txs[i], txs[j] = txs[j], txs[i] })
	return txs
}

// Together or one by one, the pool is the same and so are the answers.
func TestAddAll(t *testing.T) {
	w := newWorld(t, nil)
	for seed := range 20 {
		w.rand = rand.New(rand.NewPCG(uint64(seed), 3))
		txs := w.offers(120)
		w.open(nil)
		var single []string
		for _, tx := range txs {
			single = append(single, RejectText(w.pool.Add(t.Context(), tx, AddOptions{})))
		}
		want, _ := w.pool.TxIDs()

		w.open(nil)
		errs, err := w.pool.AddAll(t.Context(), txs, AddOptions{})
		if err != nil {
			t.Fatal(err)
		}
		w.check()
		for i := range errs {
			if got := RejectText(errs[i]); got != single[i] {
				t.Errorf("seed %d, transaction %d: %q together, %q alone", seed, i, got, single[i])
			}
		}
		if got, _ := w.pool.TxIDs(); !slices.Equal(got, want) {
			t.Errorf("seed %d: %d transactions together, %d one by one", seed, len(got), len(want))
		}
	}
}

// Many callers at once, while blocks come. It is worth most under -race.
func TestConcurrentCallers(t *testing.T) {
	w := newWorld(t, nil)
	var parents, children []*wire.Tx
	for i := range 40 {
		parents = append(parents, w.spend(10_000, 3, w.coin(i)))
		children = append(children, w.child(parents[i], 0, 10_000, 2), w.child(parents[i], 1, 10_000, 2), w.child(parents[i], 0, 60_000, 2))
	}
	blocks := []*wire.Block{w.Mine(parents[:10]...), w.Mine(parents[10:20]...), w.Mine(children[0], children[1])}
	var group sync.WaitGroup
	for i := range 4 {
		group.Go(func() {
			for j := i; j < len(parents); j += 2 {
				_ = w.pool.Add(t.Context(), parents[j], AddOptions{})
				if _, err := w.pool.AddAll(t.Context(), children[3*j:3*j+3], AddOptions{}); err != nil {
					t.Error(err)
				}
				w.pool.Stats()
			}
		})
	}
	group.Go(func() {
		for range 50 {
			s, err := w.pool.Select(SelectOptions{MaxWeight: 100_000, MaxSigOps: 80_000})
			if err != nil {
				t.Error(err)
			}
			w.pool.Infos()
			if len(s.Txs) > 0 {
				w.pool.Ancestors(s.Txs[len(s.Txs)-1].TxID)
			}
		}
	})
	group.Go(func() { w.submit(blocks...) })
	group.Wait()
	w.check()
	for i, tx := range parents {
		if mined := i < 20; w.pool.Has(tx.TxID()) == mined {
			t.Errorf("transaction %d is in the pool: %v", i, !mined)
		}
	}
}

// Testing adds nothing, and says of a package what is to be said.
func TestTest(t *testing.T) {
	w := newWorld(t, nil)
	a := w.spend(1000, 2, w.coin(0))
	b := w.child(a, 0, 2000, 2)
	double := w.spend(1000, 1, w.coin(0))
	bad := w.child(b, 0, 1000, 2).Clone()
	bad.Inputs[0].SigScript = []byte{0x6a}
	judged := func(txs ...*wire.Tx) ([]Verdict, string) {
		t.Helper()
		verdicts, pkg, err := w.pool.Test(t.Context(), txs)
		if err != nil {
			t.Fatal(err)
		}
		w.holds()
		return verdicts, pkg
	}
	v, pkg := judged(a, b)
	if pkg != "" || !v[0].Judged || !v[1].Judged || v[0].Err != nil || v[1].Err != nil || v[1].Fee != 2000 || v[1].Includes[0] != b.WTxID() {
		t.Errorf("%q %+v", pkg, v)
	}
	v, pkg = judged(a, b, bad)
	if pkg != "" || v[2].Err == nil || !v[2].Judged || v[0].Err != nil {
		t.Errorf("%q %+v", pkg, v)
	}
	if v, _ = judged(b); !IsMissingInputs(v[0].Err) || RejectReason(v[0].Err) != "bad-txns-inputs-missingorspent" {
		t.Errorf("%+v", v)
	}
	poor := w.spend(1, 2, w.coin(1))
	if v, pkg = judged(poor, a); pkg != "" || RejectReason(v[0].Err) != "min relay fee not met" || v[1].Judged {
		t.Errorf("%q %+v", pkg, v)
	}
	var chain []*wire.Tx
	for tx := a; len(chain) < 26; tx = w.child(tx, 0, 10_000, 2) {
		chain = append(chain, tx)
	}
	big := a.Clone()
	big.Outputs = append(big.Outputs, wire.TxOut{PkScript: make([]byte, 102_000)})
	for want, txs := range map[string][]*wire.Tx{
		"package-too-many-transactions": chain,
		"package-too-large":             {a, big},
		"package-contains-duplicates":   {a, b, a},
		"package-not-sorted":            {b, a},
		"conflict-in-package":           {a, double},
	} {
		if v, pkg = judged(txs...); pkg != want || v[0].Judged {
			t.Errorf("%q, want %q: %+v", pkg, want, v)
		}
	}
	w.add(chain[:2]...)
	v, pkg, err := w.pool.Test(t.Context(), chain[2:26])
	if err != nil || pkg != "package-mempool-limits, possibly too many unconfirmed ancestors [limit: 25]" || v[0].Judged {
		t.Errorf("%q %v %+v", pkg, err, v[0])
	}
	v, _, err = w.pool.Test(t.Context(), []*wire.Tx{poor, double})
	if err != nil || RejectReason(v[0].Err) != "min relay fee not met" {
		t.Errorf("%v %+v", err, v)
	}
	v, _, err = w.pool.Test(t.Context(), []*wire.Tx{w.spend(1000, 2, w.coin(1)), w.spend(90_000, 1, w.coin(0))})
	if err != nil || RejectReason(v[1].Err) != "bip125-replacement-disallowed" {
		t.Errorf("%v %+v", err, v)
	}
}

// Batches of signatures of every kind, with a bad one among them.
func TestAddAllFindsTheBadOne(t *testing.T) {
	w := newWorld(t, nil)
	var outs []wire.TxOut
	for i := range 60 {
		outs = append(outs, w.Out(chaingen.Kind(i%3), i, 1_000_000))
	}
	fan := w.Spend([]consensus.OutCoin{w.coin(0)}, outs...)
	w.mine(fan)
	var txs []*wire.Tx
	for i, coin := range w.OutputsOf(fan) {
		tx := w.Spend([]consensus.OutCoin{coin}, w.Out(chaingen.P2WPKH, i, 990_000))
		if i%20 == 7 {
			tx = tx.Clone()
			if len(tx.Inputs[0].Witness) > 0 {
				tx.Inputs[0].Witness[0][10] ^= 1
			} else {
				tx.Inputs[0].SigScript[12] ^= 1
			}
		}
		txs = append(txs, tx)
	}
	errs, err := w.pool.AddAll(t.Context(), txs, AddOptions{})
	if err != nil {
		t.Fatal(err)
	}
	for i, err := range errs {
		if bad := i%20 == 7; bad != (err != nil) {
			t.Errorf("transaction %d: %v", i, err)
		}
	}
	w.check()
}
