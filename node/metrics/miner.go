package metrics

import "github.com/keelson-chain/keelson/miner"

// Miner is the Source of the miner.
func Miner(m *miner.Miner) Source {
	return func(r *Report) {
		s := m.Stats()
		r.Gauge("keelson_miner_hash_rate", "Hashes a second over the last minute; 0 where mine is off.", s.HashRate)
		r.Counter("keelson_miner_hashes_total", "Hashes made.", s.Hashes)
		r.Counter("keelson_miner_blocks_total", "Blocks mined that the chain took.", s.Found)
		r.Counter("keelson_miner_stale_total", "Blocks mined that came too late.", s.Stale)
		r.Gauge("keelson_miner_template_seconds", "Time that the last template took.", s.TemplateTime.Seconds())
	}
}
