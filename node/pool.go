package node

import (
	"context"
	"crypto/rand"
	"errors"
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

// saveFees is how often what was learnt of fees is saved.
const saveFees = time.Hour

// followPool reads what the last run left in the pool, and then brings the pool
// to every new tip at once, so that nobody who asks for it has to wait.
func followPool(ctx context.Context, pool *mempool.Pool, l *ledger.Ledger, log zerolog.Logger) error {
	if err := pool.LoadFees(); err != nil {
		log.Warn().Err(err).Msg("fee estimates begin anew")
	}
	if err := pool.Load(ctx); err != nil && ctx.Err() == nil {
		log.Warn().Err(err).Msg("the transactions of the last run are not all back")
	}
	look := time.NewTicker(saveLook)
	defer look.Stop()
	fees := time.NewTicker(saveFees)
	defer fees.Stop()
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
		case <-fees.C:
			if err := pool.SaveFees(); err != nil {
				log.Warn().Err(err).Msg("the fee estimates are not saved")
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
	err := pool.EndFees()
	if !pool.Stats().Loaded {
		return err
	}
	return errors.Join(err, pool.Save())
}
