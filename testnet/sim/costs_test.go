package sim

import (
	"runtime"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/ledger/fsys"
	"github.com/keelson-chain/keelson/mempool"
	"github.com/keelson-chain/keelson/mempool/policy"
	"github.com/keelson-chain/keelson/p2p/compact"
	"github.com/keelson-chain/keelson/p2p/message"
	"github.com/keelson-chain/keelson/script/sig"
	"github.com/keelson-chain/keelson/wire"
)

// BenchmarkBlock is what Costs.Input and Costs.Sig come from: a block of 9,000
// transactions whose scripts the cache knows, or knows nothing of, goes into a ledger
// with its default settings.
func BenchmarkBlock(b *testing.B) {
	for _, c := range []struct {
		name  string
		known bool
	}{{"known", true}, {"unknown", false}} {
		b.Run(c.name, func(b *testing.B) {
			const txs = 9000
			f := newFactory(txs)
			now := func() time.Time { return time.Unix(int64(f.chain.Tip().Header.Time)+60, 0) }
			block := f.block(f.chain.State().Tip.Hash, 0, f.txs(txs)...)
			cfg := ledger.Config{Files: fsys.Mem(), Params: f.chain.State().Params, Now: now}
			if c.known {
				cfg.SigCache = sig.NewCache(32<<20, [32]byte{1})
			}
			l, err := ledger.Open(b.Context(), cfg)
			if err != nil {
				b.Fatal(err)
			}
			defer l.Close()
			add := func(block *wire.Block) {
				if err := l.AddBlock(b.Context(), block); err != nil {
					b.Fatal(err)
				}
			}
			for _, block := range f.base {
				add(block)
			}
			if c.known {
				p, err := mempool.New(mempool.Config{Chain: l, Rules: policy.DefaultRules(), SigCache: cfg.SigCache, Now: now})
				if err != nil {
					b.Fatal(err)
				}
				defer p.Close()
				if err := p.Preverify(b.Context(), block.Txs[1:]); err != nil {
					b.Fatal(err)
				}
			}
			add(block)
			least := time.Hour
			for b.Loop() {
				b.StopTimer()
				if err := l.Invalidate(b.Context(), block.Hash()); err != nil {
					b.Fatal(err)
				}
				parent := f.base[len(f.base)-1].Hash()
				next := f.block(parent, int64(block.Header.Time)+1, block.Txs[1:]...)
				b.StartTimer()
				started := time.Now()
				add(next)
				least = min(least, time.Since(started))
				block = next
			}
			b.ReportMetric(float64(least.Microseconds()), "least-us")
		})
	}
}

// BenchmarkReconstruct is what Costs.Slot and Costs.Offer come from: a compact
// block of 9,000 transactions is decoded and becomes a block from pools of 9,000
// and of 50,000 transactions, which have all of them.
func BenchmarkReconstruct(b *testing.B) {
	const txs = 9000
	for _, offers := range []int{txs, 50_000} {
		b.Run(strconv.Itoa(offers), func(b *testing.B) {
			f := newFactory(txs)
			block := f.block(f.chain.State().Tip.Hash, 0, f.txs(txs)...)
			payload := compact.New(block, 1, nil).Append(nil)
			type waiting struct {
				wtxid wire.Hash
				raw   []byte
			}
			var pool []waiting
			for _, tx := range block.Txs[1:] {
				pool = append(pool, waiting{tx.WTxID(), tx.Append(nil)})
			}
			for i := len(pool); i < offers; i++ {
				pool = append(pool, waiting{wire.DoubleSHA256(strconv.AppendInt(nil, int64(i), 10)), nil})
			}
			b.ReportAllocs()
			least := time.Hour
			for b.Loop() {
				started := time.Now()
				m, err := message.DecodeCompact(payload)
				if err != nil {
					b.Fatal(err)
				}
				p, err := compact.NewPartial(m)
				if err != nil {
					b.Fatal(err)
				}
				for i := range pool {
					p.Offer(&pool[i].wtxid, pool[i].raw)
				}
				if _, err := p.Block(); err != nil {
					b.Fatal(err)
				}
				least = min(least, time.Since(started))
			}
			b.ReportMetric(float64(least.Microseconds()), "least-us")
		})
	}
}

// BenchmarkPreverify is what Costs.Preverify comes from: transactions that a block has
// and the pool has not, as many as come in one frame, on all cores.
func BenchmarkPreverify(b *testing.B) {
	const group, groups = 72, 40
	f := newFactory(group * groups)
	now := func() time.Time { return time.Unix(int64(f.chain.Tip().Header.Time)+60, 0) }
	l, err := ledger.Open(b.Context(), ledger.Config{Files: fsys.Mem(), Params: f.chain.State().Params, Now: now})
	if err != nil {
		b.Fatal(err)
	}
	defer l.Close()
	for _, block := range f.base {
		if err := l.AddBlock(b.Context(), block); err != nil {
			b.Fatal(err)
		}
	}
	txs := f.txs(group * groups)
	least := time.Hour
	for b.Loop() {
		b.StopTimer()
		p, err := mempool.New(mempool.Config{
			Chain: l, Rules: policy.DefaultRules(), Workers: runtime.GOMAXPROCS(0), SigCache: sig.NewCache(32<<20, [32]byte{1}), Now: now,
		})
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		for some := range slices.Chunk(txs, group) {
			started := time.Now()
			if err := p.Preverify(b.Context(), some); err != nil {
				b.Fatal(err)
			}
			least = min(least, time.Since(started))
		}
		b.StopTimer()
		p.Close()
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/group/groups, "ns/tx")
	b.ReportMetric(float64(least.Nanoseconds())/group, "least-ns/tx")
}
