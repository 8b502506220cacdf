package mempool

import (
	"math/rand/v2"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/mempool/policy"
	"github.com/keelson-chain/keelson/script/sig"
	"github.com/keelson-chain/keelson/wire"
)

// world is a pool on a real ledger, and a generator that knows every block and
// every coin.
type world struct {
	*chaingen.Chain
	t      testing.TB
	ledger *ledger.Ledger
	pool   *Pool
	now    atomic.Int64
	rand   *rand.Rand
}

// newWorld has a chain of 150 blocks whose coinbases anyone may spend: 50 of
// them are mature. change may change the pool's Config.
func newWorld(t testing.TB, change func(*Config)) *world {
	t.Helper()
	p := consensus.Regtest(consensus.RegtestOptions{})
	w := &world{Chain: chaingen.New(p), t: t, rand: rand.New(rand.NewPCG(1, 2))}
	w.Pay = chaingen.Anyone
	blocks := w.MineN(150)
	w.Mark("start")
	w.now.Store(int64(blocks[149].Header.Time) + 60)
	l, err := ledger.Open(t.Context(), ledger.Config{
		Dir: filepath.Join(t.TempDir(), "regtest"), Params: p, CacheBytes: 8 << 20, Workers: 1, Now: w.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	w.ledger = l
	w.submit(blocks...)
	w.open(change)
	t.Cleanup(func() {
		w.pool.Close()
		if err := l.Close(); err != nil {
			t.Error(err)
		}
	})
	return w
}

// open makes a new pool on the ledger.
func (w *world) open(change func(*Config)) {
	w.t.Helper()
	if w.pool != nil {
		w.pool.Close()
	}
	cfg := Config{
		Chain: w.ledger, Rules: policy.DefaultRules(), Limits: DefaultLimits(), Workers: 2, Now: w.Now, Log: zerolog.Nop(),
		SigCache: sig.NewCache(1<<20, [32]byte{1}),
	}
	cfg.Rules.AcceptNonStandard = true
	if change != nil {
		change(&cfg)
	}
	pool, err := New(cfg)
	if err != nil {
		w.t.Fatal(err)
	}
	w.pool = pool
}

// Now is the clock of ledger and pool.
func (w *world) Now() time.Time { return time.Unix(w.now.Load(), 0) }

// submit hands blocks to the ledger.
func (w *world) submit(blocks ...*wire.Block) {
	w.t.Helper()
	for _, b := range blocks {
		w.now.Store(max(w.now.Load(), int64(b.Header.Time)))
		if err := w.ledger.AddBlock(w.t.Context(), b); err != nil {
			w.t.Fatalf("block %v: %v", b.Hash(), err)
		}
	}
}

// mine makes a block with txs the tip of generator and ledger.
func (w *world) mine(txs ...*wire.Tx) *wire.Block {
	w.t.Helper()
	b := w.Mine(txs...)
	w.submit(b)
	return b
}

// coin is the i-th of the coins that can be spent.
func (w *world) coin(i int) consensus.OutCoin { return w.Mature()[i] }

// anyone is an output that anyone can spend.
func (w *world) anyone(value wire.Amount) wire.TxOut { return w.Out(chaingen.Anyone, 0, value) }

// spend spends coins into n outputs that anyone can spend, and pays a fee.
func (w *world) spend(fee wire.Amount, n int, coins ...consensus.OutCoin) *wire.Tx {
	var sum wire.Amount
	for _, c := range coins {
		sum += c.Coin.Out.Value
	}
	// Most goes to the first, so that long chains do not run dry.
	part := min((sum-fee)/wire.Amount(n), 500_000)
	outs := []wire.TxOut{w.anyone(sum - fee - part*wire.Amount(n-1))}
	for range n - 1 {
		outs = append(outs, w.anyone(part))
	}
	// So that it is not too small.
	outs = append(outs, wire.TxOut{PkScript: []byte{0x6a, 8, 1, 2, 3, 4, 5, 6, 7, 8}})
	return w.Spend(coins, outs...)
}

// child spends an output of tx.
func (w *world) child(tx *wire.Tx, out int, fee wire.Amount, n int) *wire.Tx {
	return w.spend(fee, n, w.OutputsOf(tx)[out])
}

// add adds transactions that must be accepted.
func (w *world) add(txs ...*wire.Tx) {
	w.t.Helper()
	for i, tx := range txs {
		if err := w.pool.Add(w.t.Context(), tx, AddOptions{}); err != nil {
			w.t.Fatalf("transaction %d: %v", i, err)
		}
	}
	w.check()
}

// refused adds a transaction that must be refused with a text, and leaves the
// pool as it was.
func (w *world) refused(tx *wire.Tx, want string) {
	w.t.Helper()
	before, _ := w.pool.TxIDs()
	err := w.pool.Add(w.t.Context(), tx, AddOptions{})
	if got := RejectText(err); got != want {
		w.t.Errorf("refused with %q (%v), want %q", got, err, want)
	}
	w.check()
	if after, _ := w.pool.TxIDs(); len(after) != len(before) {
		w.t.Errorf("%d transactions after a refusal, %d before", len(after), len(before))
	}
}

func (w *world) check() {
	w.t.Helper()
	if err := w.pool.Check(); err != nil {
		w.t.Fatal(err)
	}
}

// holds checks that the pool has these transactions and no others.
func (w *world) holds(txs ...*wire.Tx) {
	w.t.Helper()
	w.check()
	ids, _ := w.pool.TxIDs()
	if len(ids) != len(txs) {
		w.t.Errorf("the pool has %d transactions, want %d", len(ids), len(txs))
	}
	for i, tx := range txs {
		if !w.pool.Has(tx.TxID()) {
			w.t.Errorf("transaction %d is not in the pool", i)
		}
	}
}
