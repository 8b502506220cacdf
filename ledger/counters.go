package ledger

import (
	"sync/atomic"
	"time"

	"github.com/keelson-chain/keelson/internal/latency"
	"github.com/keelson-chain/keelson/ledger/kv"
)

// Counters is what a ledger has done since it was opened, opening included,
// and what it takes at the moment.
type Counters struct {
	Connected, Disconnected uint64 // blocks of the active chain
	Reorganisations         uint64 // changes to a branch that left blocks behind
	Invalid                 uint64 // blocks found to break a rule

	// Validation is how long the rules took for each block, scripts above all,
	// without the fetching of coins. Blocks in flight are validated side by side.
	Validation latency.Snapshot

	CoinHits, CoinMisses uint64 // coins asked of the cache; a miss asks the database
	CacheCoins           int    // in the cache
	CacheBytes           int64

	Commits latency.Snapshot // to the database, with the syncing of files
}

// counts is where a ledger counts. The atomic fields are read by anybody, the
// others guarded by the ledger's mutex.
type counts struct {
	connected, disconnected  atomic.Uint64
	reorganisations, invalid atomic.Uint64
	validation, commits      latency.Histogram
	hits, misses             atomic.Uint64
	cacheCoins, cacheBytes   atomic.Int64

	lookups struct{ hits, misses uint64 } // since the last note
}

// Counters returns the ledger's counters. It never waits; the numbers of the
// cache are those of the last block.
func (l *Ledger) Counters() Counters {
	c := &l.counts
	return Counters{
		Connected:       c.connected.Load(),
		Disconnected:    c.disconnected.Load(),
		Reorganisations: c.reorganisations.Load(),
		Invalid:         c.invalid.Load(),
		Validation:      c.validation.Snapshot(),
		CoinHits:        c.hits.Load(),
		CoinMisses:      c.misses.Load(),
		CacheCoins:      int(c.cacheCoins.Load()),
		CacheBytes:      c.cacheBytes.Load(),
		Commits:         c.commits.Snapshot(),
	}
}

// DatabaseSize returns about how many bytes the database takes, without what
// was written last.
func (l *Ledger) DatabaseSize() (int64, error) { return l.db.DiskSize(kv.Range{}) }

// noteCache makes the numbers of the cache visible. The mutex is held.
func (l *Ledger) noteCache() {
	c := &l.counts
	c.hits.Add(c.lookups.hits)
	c.misses.Add(c.lookups.misses)
	c.lookups.hits, c.lookups.misses = 0, 0
	coins, _ := l.cache.Len()
	c.cacheCoins.Store(int64(coins))
	c.cacheBytes.Store(l.cache.Bytes())
}

// since counts the time from start.
func since(h *latency.Histogram, start time.Time) { h.Observe(time.Since(start)) }
