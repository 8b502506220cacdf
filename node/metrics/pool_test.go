package metrics

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/mempool"
	"github.com/keelson-chain/keelson/mempool/policy"
	"github.com/keelson-chain/keelson/miner"
)

// world is a chain that nobody else knows, with its ledger and a pool.
type world struct {
	gen    *chaingen.Chain
	ledger *ledger.Ledger
	pool   *mempool.Pool
	now    func() time.Time // a minute after the tip
}

// newWorld makes one of that many blocks, until the test ends. Of cfg the tests set
// what is special.
func newWorld(t *testing.T, blocks int, cfg mempool.Config) *world {
	t.Helper()
	p := consensus.Regtest(consensus.RegtestOptions{})
	g := chaingen.New(p)
	g.Pay = chaingen.Anyone
	g.MineN(blocks)
	now := func() time.Time { return time.Unix(int64(g.Tip().Header.Time), 0).Add(time.Minute) }
	l, err := ledger.Open(t.Context(), ledger.Config{Dir: t.TempDir(), Params: p, CacheBytes: 8 << 20, Workers: 1, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	for _, b := range g.Blocks() {
		if err := l.AddBlock(t.Context(), b); err != nil {
			t.Fatal(err)
		}
	}
	cfg.Chain, cfg.Rules, cfg.Limits, cfg.Workers, cfg.Now = l, policy.DefaultRules(), mempool.DefaultLimits(), 1, now
	cfg.Rules.AcceptNonStandard = true
	pool, err := mempool.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(pool.Close)
	return &world{g, l, pool, now}
}

// TestPoolAndMiner fills a real pool and mines what is in it.
func TestPoolAndMiner(t *testing.T) {
	w := newWorld(t, 101, mempool.Config{})
	g, l, pool, now := w.gen, w.ledger, w.pool, w.now
	m := miner.New(miner.Config{Chain: l, Source: pool, Workers: 1, Now: now})
	s := start(t, false)
	s.Add(Pool(pool))
	s.Add(Miner(m))
	want := func(lines ...string) {
		t.Helper()
		_, body := get(t, s, "/metrics", "")
		for _, line := range lines {
			if !strings.Contains(body, "\n"+line+"\n") {
				t.Errorf("no %q in\n%s", line, body)
			}
		}
	}
	want("keelson_mempool_transactions 0", "keelson_mempool_memory_limit_bytes 3e+08", "keelson_miner_hash_rate 0")

	coin := g.Mature()[:1]
	tx := g.Spend(coin, g.Out(chaingen.P2WPKH, 1, coin[0].Coin.Out.Value-5000-1000), g.Out(chaingen.P2WPKH, 2, 1000))
	if err := pool.Add(context.Background(), tx, mempool.AddOptions{}); err != nil {
		t.Fatal(err)
	}
	if err := pool.Add(context.Background(), tx, mempool.AddOptions{}); err == nil {
		t.Fatal("taken twice")
	}
	want("keelson_mempool_transactions 1", "keelson_mempool_fees_satoshi 5000", "keelson_mempool_accepted_total 1",
		"keelson_mempool_min_fee_satoshi_per_kvb 1000")
	if _, err := m.Generate(t.Context(), 2, []byte{0x51}, 1<<20); err != nil {
		t.Fatal(err)
	}
	if err := pool.Sync(); err != nil {
		t.Fatal(err)
	}
	want("keelson_mempool_transactions 0", `keelson_mempool_left_total{reason="mined"} 1`, `keelson_mempool_left_total{reason="evicted"} 0`,
		"keelson_miner_blocks_total 2", "keelson_miner_stale_total 0")
}
