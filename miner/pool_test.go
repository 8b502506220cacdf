package miner_test

import (
	"context"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/mempool"
	"github.com/keelson-chain/keelson/mempool/policy"
	"github.com/keelson-chain/keelson/miner"
	"github.com/keelson-chain/keelson/pow"
	"github.com/keelson-chain/keelson/wire"
)

// world is a real pool on a real ledger, and a chain that can spend its coins.
type world struct {
	*chaingen.Chain
	t      *testing.T
	ledger *ledger.Ledger
	pool   *mempool.Pool
	rng    *rand.Rand
}

func newWorld(t *testing.T) *world {
	t.Helper()
	p := consensus.Regtest(consensus.RegtestOptions{})
	w := &world{Chain: chaingen.New(p), t: t, ledger: newChain(t, p), rng: rand.New(rand.NewPCG(1, 2))}
	for _, b := range w.MineN(130) {
		if err := w.ledger.AddBlock(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	rules := policy.DefaultRules()
	rules.AcceptNonStandard = true
	pool, err := mempool.New(mempool.Config{Chain: w.ledger, Rules: rules, Now: w.now, Log: zerolog.Nop()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pool.Close() })
	w.pool = pool
	return w
}

// now is ten minutes after the tip.
func (w *world) now() time.Time { return time.Unix(int64(w.Tip().Header.Time)+600, 0) }

// fill puts random transactions into the pool, of which some spend others.
func (w *world) fill(count int) {
	w.t.Helper()
	var coins []consensus.OutCoin
	for _, coin := range w.Mature() {
		if _, spent := w.pool.Spender(coin.OutPoint); !spent {
			coins = append(coins, coin)
		}
	}
	kinds := []chaingen.Kind{chaingen.P2PKH, chaingen.P2WPKH, chaingen.P2TR}
	for range count {
		i := w.rng.IntN(len(coins))
		value := coins[i].Coin.Out.Value - wire.Amount(300+w.rng.IntN(20_000))
		tx := w.Spend(coins[i:i+1], w.Out(kinds[w.rng.IntN(3)], w.rng.IntN(16), value/2), w.Out(kinds[w.rng.IntN(3)], w.rng.IntN(16), value/2))
		if err := w.pool.Add(w.t.Context(), tx, mempool.AddOptions{}); err != nil {
			w.t.Fatal(err)
		}
		coins = append(append(coins[:i], coins[i+1:]...), w.OutputsOf(tx)...)
	}
}

// TestTemplatesOfPools solves templates over random pools, with tight and wide
// settings, and has every rule judge them.
func TestTemplatesOfPools(t *testing.T) {
	w := newWorld(t)
	full, partial := 0, 0
	for i := range 25 {
		w.fill(w.rng.IntN(25))
		cfg := miner.Config{Chain: w.ledger, Source: w.pool, Workers: 1, Now: w.now}
		if w.rng.IntN(2) == 0 {
			cfg.MinFeeRate = policy.FeeRate(w.rng.IntN(20_000))
			cfg.MaxWeight = 4000 + w.rng.IntN(10_000)
		}
		m := miner.New(cfg)
		tmpl, err := m.Template()
		if err != nil {
			t.Fatal(err)
		}
		weight, txs, ok := m.LastTemplate()
		if sel := tmpl.Selection; !ok || txs != len(sel.Txs) || weight != sel.Weight+4000 || cfg.MaxWeight > 4000 && weight >= cfg.MaxWeight {
			t.Errorf("template %d: %d transactions of weight %d, at most %d", i, txs, weight, cfg.MaxWeight)
		}
		target, err := pow.Bits(tmpl.Header.Bits).Target()
		if err != nil {
			t.Fatal(err)
		}
		nonce, ok := pow.NewSearcher(tmpl.Header, target).Try(0, 1<<20)
		if !ok {
			t.Fatal("no nonce")
		}
		b, err := tmpl.Block(nonce)
		if err != nil {
			t.Fatal(err)
		}
		if err := w.ValidateAt(b, w.now().Unix()); err != nil {
			t.Fatalf("template %d with %d transactions: %v", i, txs, err)
		}
		switch pooled := w.pool.Stats().Count; {
		case txs == pooled:
			full++
		case txs > 0:
			partial++
		}
		// The block is mined for real, and the next one builds on it.
		hashes, err := m.Generate(t.Context(), 1, payTo, 1<<20)
		if err != nil {
			t.Fatal(err)
		}
		mined, err := w.ledger.Block(hashes[0])
		if err != nil {
			t.Fatal(err)
		}
		if len(mined.Txs) != len(b.Txs) || mined.Txs[0].Outputs[0].Value != tmpl.Coinbase.Outputs[0].Value {
			t.Errorf("block %d has %d transactions, its template %d", i, len(mined.Txs), len(b.Txs))
		}
		w.Add(mined)
	}
	if full < 3 || partial < 3 {
		t.Errorf("%d templates with the whole pool, %d with a part: the test does not vary enough", full, partial)
	}
}

// TestRunRace: while others add blocks too, nothing is handed in that its miner
// must know to be stale, and the pool ends up in the chain.
func TestRunRace(t *testing.T) {
	w := newWorld(t)
	w.fill(20)
	m := miner.New(miner.Config{Chain: miner.WatchTips(t, w.ledger), Source: w.pool, Workers: 2, Now: w.now, MinFeeRate: miner.DefaultMinFeeRate,
		Plan: miner.Plan{Kind: miner.Search, PkScript: payTo}})
	other := miner.New(miner.Config{Chain: w.ledger, Workers: 1, Now: w.now})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- m.Run(ctx) }()
	for m.Stats().Found < 20 || w.ledger.Tip().Tip.Height < 200 {
		if _, err := other.Generate(t.Context(), 1, payTo, 1<<20); err != nil {
			t.Fatal(err)
		}
	}
	cancel()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if err := w.pool.Sync(); err != nil || w.pool.Stats().Count != 0 {
		t.Errorf("%d transactions are left, %v", w.pool.Stats().Count, err)
	}
	s := m.Stats()
	t.Logf("%d blocks, and %d that came too late", s.Found, s.Stale)
}
