package metrics

import "github.com/keelson-chain/keelson/mempool"

// Pool is the Source of the pool of transactions.
func Pool(p *mempool.Pool) Source {
	return func(r *Report) {
		s := p.Stats()
		r.Gauge("keelson_mempool_transactions", "Transactions in the pool.", float64(s.Count))
		r.Gauge("keelson_mempool_virtual_bytes", "Sum of their virtual sizes.", float64(s.Bytes))
		r.Gauge("keelson_mempool_fees_satoshi", "Sum of their fees.", float64(s.Fees))
		r.Gauge("keelson_mempool_memory_bytes", "Memory that the pool takes.", float64(s.Usage))
		r.Gauge("keelson_mempool_memory_limit_bytes", "Memory that the pool takes at most (maxmempool).", float64(s.MaxUsage))
		r.Gauge("keelson_mempool_min_fee_satoshi_per_kvb", "Fee rate below which nothing is let in.", float64(s.MinFee))
		r.Gauge("keelson_mempool_unbroadcast", "Transactions of this node that no peer has taken yet.", float64(s.Unbroadcast))
		c := s.Counts
		r.Counter("keelson_mempool_accepted_total", "Transactions let in.", c.Accepted)
		r.Counter("keelson_mempool_rejected_total", "Transactions refused.", c.Rejected)
		for _, left := range []struct {
			why string
			n   uint64
		}{
			{"mined", c.Mined}, {"replaced", c.Replaced}, {"evicted", c.Evicted},
			{"expired", c.Expired}, {"conflicted", c.Conflicted}, {"disconnected", c.Disconnected},
		} {
			r.Counter("keelson_mempool_left_total", "Transactions that left the pool, by the reason.", left.n, "reason", left.why)
		}
	}
}
