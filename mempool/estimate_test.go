package mempool

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/mempool/fees"
	"github.com/keelson-chain/keelson/mempool/policy"
	"github.com/keelson-chain/keelson/wire"
)

// A busy chain: eight transactions come for each block, at eight fees, and a block has
// room for four. The estimate is what the four best pay.
func TestEstimateOnABusyChain(t *testing.T) {
	file := filepath.Join(t.TempDir(), "fee_estimates.dat")
	w := newWorld(t, func(c *Config) { c.FeeFile = file })
	least := policy.DefaultRules().MinRelay
	if got := w.pool.EstimateFee(6, true); got != (Estimate{Rate: quietMargin * least, Within: 6}) {
		t.Errorf("before anything came: %+v", got)
	}
	fan := w.spend(100_000, 40, w.coin(0))
	w.mine(fan)
	var outs [8]*wire.Tx // each spends what the one before it made
	for i := range outs {
		outs[i] = w.spend(10_000, 1, w.OutputsOf(fan)[i])
	}
	// A transaction with a parent in the pool does not count, whatever it pays.
	var rate [8]policy.FeeRate
	for range 60 {
		for i := range outs {
			fee := wire.Amount(1_000 * (i + 1))
			tx := w.spend(fee, 1, w.Mature()[i])
			rate[i] = policy.RateOf(fee, tx.VSize())
			w.add(tx)
			outs[i] = tx
		}
		w.mine(outs[4:]...)
		for _, tx := range outs[:4] {
			w.pool.mu.Lock()
			txid := tx.TxID()
			w.pool.removeWithDescendants(w.pool.lookup(&txid), goneExpired)
			w.pool.unlock()
		}
	}
	got := w.pool.EstimateFee(2, false)
	if !got.Learnt || got.Rate < rate[4]*95/100 || got.Rate > rate[7] {
		t.Errorf("two blocks cost %+v, want %d to %d", got, rate[4], rate[7])
	}
	r, d := w.pool.RawFee(2, .95, fees.Medium)
	if r == 0 || d.Pass.Confirmed == 0 {
		t.Errorf("raw: %d, %+v", r, d)
	}
	// A new pool on the file knows the same.
	if err := w.pool.EndFees(); err != nil {
		t.Fatal(err)
	}
	want := w.pool.EstimateFee(2, false)
	w.open(func(c *Config) { c.FeeFile = file })
	if got := w.pool.EstimateFee(2, false); got.Learnt {
		t.Errorf("before it reads the file: %+v", got)
	}
	if err := w.pool.LoadFees(); err != nil {
		t.Fatal(err)
	}
	if got := w.pool.EstimateFee(2, false); got != want {
		t.Errorf("from the file: %+v, want %+v", got, want)
	}
	// It never says less than what gets in.
	w.open(func(c *Config) { c.FeeFile, c.Rules.MinRelay = file, rate[7]*2 })
	if err := w.pool.LoadFees(); err != nil {
		t.Fatal(err)
	}
	if got := w.pool.EstimateFee(2, false); !got.Learnt || got.Rate != rate[7]*2 {
		t.Errorf("below what gets in: %+v", got)
	}
	// A damaged file is as good as none.
	if err := os.WriteFile(file, []byte("KFEES001 and nothing more"), 0o600); err != nil {
		t.Fatal(err)
	}
	w.open(func(c *Config) { c.FeeFile = file })
	if err := w.pool.LoadFees(); !errors.Is(err, fees.ErrEncoding) {
		t.Errorf("a damaged file: %v", err)
	}
	if got := w.pool.EstimateFee(6, true); got != (Estimate{Rate: quietMargin * least, Within: 6}) {
		t.Errorf("after a damaged file: %+v", got)
	}
	if err := w.pool.EndFees(); err != nil {
		t.Fatal(err)
	}
	if err := w.pool.LoadFees(); err != nil {
		t.Errorf("the file was not replaced: %v", err)
	}
}

// What does not say what a wait costs does not count.
func TestWhatIsTracked(t *testing.T) {
	w := newWorld(t, nil)
	tracked := func(tx *wire.Tx) bool {
		w.pool.mu.Lock()
		defer w.pool.unlock()
		txid := tx.TxID()
		return w.pool.lookup(&txid).has(flagTracked)
	}
	early := w.spend(1_000, 1, w.coin(0))
	w.add(early)
	w.mine()
	plain := w.spend(1_000, 2, w.coin(1))
	child := w.child(plain, 0, 1_000, 1)
	w.add(plain, child)
	parent := w.spend(0, 1, w.coin(2))
	parent.Version = policy.TRUCVersion
	payer := w.child(parent, 0, 5_000, 1)
	payer.Version = policy.TRUCVersion
	if r, err := w.pool.AddPackage(t.Context(), []*wire.Tx{parent, payer}, PackageOptions{}); err != nil || r.Err != nil {
		t.Fatal(err, r.Err)
	}
	for i, c := range []struct {
		tx   *wire.Tx
		want bool
	}{{early, false}, {plain, true}, {child, false}, {parent, false}, {payer, false}} {
		if got := tracked(c.tx); got != c.want {
			t.Errorf("transaction %d counts: %v", i, got)
		}
	}
	w.now.Add(int64(feeTipAge/time.Second) + 1)
	late := w.spend(1_000, 1, w.coin(3))
	w.add(late)
	if tracked(late) {
		t.Error("one that came behind an old tip counts")
	}
	// A reorganisation brings a transaction back, and it does not count again.
	b := w.mine(plain)
	if w.pool.Has(plain.TxID()) {
		t.Fatal("a mined transaction is in the pool")
	}
	if err := w.ledger.Invalidate(t.Context(), b.Hash()); err != nil {
		t.Fatal(err)
	}
	if !w.pool.Has(plain.TxID()) || tracked(plain) {
		t.Error("what came back should be there, and not count")
	}
}

// A pool that nothing was learnt of asks for what is needed in it.
func TestOutbid(t *testing.T) {
	w := newWorld(t, nil)
	block := w.pool.params.MaxBlockWeight / wire.WitnessScaleFactor
	// Fifteen, of which nine fit into a block.
	var rates []policy.FeeRate
	for i := range 15 {
		fee := wire.Amount(1_000_000 * (15 - i))
		coin := w.coin(i)
		tx := w.Spend([]consensus.OutCoin{coin}, w.anyone(coin.Coin.Out.Value-fee), wire.TxOut{PkScript: append([]byte{0x6a}, make([]byte, block/10)...)})
		rates = append(rates, policy.RateOf(fee, tx.VSize()))
		w.add(tx)
	}
	if got, want := w.pool.EstimateFee(1, false), (Estimate{Rate: rates[9] + 1, Within: 1}); got != want {
		t.Errorf("one block: %+v, want %+v", got, want)
	}
	if got, want := w.pool.EstimateFee(2, false), (Estimate{Rate: quietMargin * policy.DefaultRules().MinRelay, Within: 2}); got != want {
		t.Errorf("two blocks: %+v, want %+v", got, want)
	}
}
