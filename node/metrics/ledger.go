package metrics

import (
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/pow"
)

// Ledger is the Source of the chain and of what keeps it.
func Ledger(l *ledger.Ledger) Source {
	return func(r *Report) {
		tip := l.Tip().Tip
		r.Gauge("keelson_chain_height", "Height of the tip of the active chain.", float64(tip.Height))
		r.Gauge("keelson_chain_headers", "Height of the best header known.", float64(l.BestHeader().Ref.Height))
		if e, ok := l.Entry(tip.Hash); ok {
			r.Gauge("keelson_chain_tip_time_seconds", "Time in the header of the tip, in seconds since 1970.", float64(e.Header.Time))
			r.Gauge("keelson_chain_difficulty", "Difficulty of the tip.", pow.Bits(e.Header.Bits).Difficulty())
			r.Gauge("keelson_chain_transactions", "Transactions in the active chain.", float64(e.ChainTxCount))
		}
		r.Bool("keelson_chain_initial_download", "1 while the chain counts as still being fetched.", l.InitialDownload())

		c := l.Counters()
		r.Counter("keelson_blocks_connected_total", "Blocks added to the active chain.", c.Connected)
		r.Counter("keelson_blocks_disconnected_total", "Blocks taken from the active chain.", c.Disconnected)
		r.Counter("keelson_blocks_invalid_total", "Blocks found to break a rule.", c.Invalid)
		r.Counter("keelson_reorganisations_total", "Changes to another branch that left blocks behind.", c.Reorganisations)
		r.Durations("keelson_block_validation_seconds", "Time to validate a block, scripts included, without fetching its coins.", c.Validation)

		r.Counter("keelson_coin_lookups_total", "Coins asked of the coin cache; a miss asks the database.", c.CoinHits, "result", "hit")
		r.Counter("keelson_coin_lookups_total", "Coins asked of the coin cache; a miss asks the database.", c.CoinMisses, "result", "miss")
		r.Gauge("keelson_coin_cache_coins", "Coins in the coin cache.", float64(c.CacheCoins))
		r.Gauge("keelson_coin_cache_bytes", "Memory that the coin cache takes.", float64(c.CacheBytes))
		r.Durations("keelson_database_commit_seconds", "Time to write to the database, files synced.", c.Commits)
		if size, err := l.DatabaseSize(); err == nil {
			r.Gauge("keelson_database_bytes", "About what the database takes on disk.", float64(size))
		}
		r.Gauge("keelson_block_files_bytes", "What block and undo files take on disk.", float64(l.DiskSize()))
	}
}
