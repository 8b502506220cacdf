package node

import (
	"context"
	"crypto/rand"
	"time"

	"github.com/rs/zerolog"

	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/mempool"
	"github.com/keelson-chain/keelson/script/sig"
)

// newSigCache returns the cache by which the ledger need not verify again what
// the pool has verified, nil for one of no size.
func newSigCache(bytes int) *sig.Cache {
	var salt [32]byte
	rand.Read(salt[:])
	return sig.NewCache(bytes, salt)
}

// saveLook is how often it is asked whether the pool's journal has grown so long
// that a save is due.
const saveLook = 10 * time.Second

// followPool reads what the last run left in the pool, and then brings the pool
// to every new tip at once, so that nobody who asks for it has to wait.
func followPool(ctx context.Context, pool *mempool.Pool, l *ledger.Ledger, log zerolog.Logger) error {
	if err := pool.Load(ctx); err != nil && ctx.Err() == nil {
		log.Warn().Err(err).Msg("the transactions of the last run are not all back")
	}
	look := time.NewTicker(saveLook)
	defer look.Stop()
	for {
		changed := l.Changed()
		if err := pool.Sync(); err != nil {
			return err
		}
		select {
		case <-changed:
		case <-look.C:
			if pool.SaveDue() {
				if err := pool.Save(); err != nil {
					log.Warn().Err(err).Msg("the pool is not saved")
				}
			}
		case <-ctx.Done():
			return nil
		}
	}
}

// closePool saves the pool for the next run. One that has not read all that
// the last run left leaves the file as it is.
func closePool(pool *mempool.Pool) error {
	defer pool.Close()
	if !pool.Stats().Loaded {
		return nil
	}
	return pool.Save()
}
