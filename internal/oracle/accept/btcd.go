package accept

import (
	"path/filepath"
	"time"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/database"
	_ "github.com/btcsuite/btcd/database/ffldb" // registers the database
	"github.com/btcsuite/btcd/mempool"
	"github.com/btcsuite/btcd/txscript/v2"

	"github.com/keelson-chain/keelson/internal/oracle/replay"
)

// The defaults of btcd's command.
const (
	btcdCoinCache = 250 << 20
	btcdSigCache  = 100_000 // entries
)

// BTCD adds everything to btcd's pool, on a chain that it imports into dir.
func BTCD(in Input, dir string) (r Result, err error) {
	r.Name = "btcd"
	params := chaincfg.RegressionNetParams
	db, err := database.Create("ffldb", filepath.Join(dir, "btcd"), params.Net)
	if err != nil {
		return r, err
	}
	defer func() {
		if cerr := db.Close(); err == nil {
			err = cerr
		}
	}()
	chain, err := blockchain.New(&blockchain.Config{
		DB: db, UtxoCacheMaxSize: btcdCoinCache, ChainParams: &params, TimeSource: blockchain.NewMedianTime(),
	})
	if err != nil {
		return r, err
	}
	err = replay.Frames(in.Chain, func(raw []byte) error {
		b, err := btcutil.NewBlockFromBytes(raw)
		if err == nil {
			_, _, err = chain.ProcessBlock(b, blockchain.BFNone)
		}
		return err
	})
	if err != nil {
		return r, err
	}
	pool := btcdPool(chain, &params)
	txs := make([]*btcutil.Tx, len(in.Valid))
	for i, raw := range in.Valid {
		if txs[i], err = btcutil.NewTxFromBytes(raw); err != nil {
			return r, err
		}
	}
	r.Refused = make([]string, len(txs))
	r.CPU, err = measure(func() error {
		for i, tx := range txs {
			r.Refused[i] = btcdAdd(pool, tx)
		}
		return nil
	})
	r.RefusedEmpty = btcdAddBroken(btcdPool(chain, &params), in.Broken)
	r.RefusedFull = btcdAddBroken(pool, in.Broken)
	return r, err
}

// btcdAdd says why a pool refuses tx, which it offers as btcd's
// sendrawtransaction does.
func btcdAdd(pool *mempool.TxPool, tx *btcutil.Tx) string {
	if _, err := pool.ProcessTransaction(tx, false, false, 0); err != nil {
		return err.Error()
	}
	return ""
}

func btcdAddBroken(pool *mempool.TxPool, list []Broken) (refused []string) {
	for _, b := range list {
		tx, err := btcutil.NewTxFromBytes(b.Raw)
		if err != nil {
			refused = append(refused, "decode: "+err.Error())
			continue
		}
		refused = append(refused, btcdAdd(pool, tx))
	}
	return refused
}

// btcdPool returns an empty pool with the settings of btcd's command.
func btcdPool(chain *blockchain.BlockChain, params *chaincfg.Params) *mempool.TxPool {
	return mempool.New(&mempool.Config{
		Policy: mempool.Policy{
			FreeTxRelayLimit: 15, MaxOrphanTxs: 100, MaxOrphanTxSize: 100_000,
			MaxSigOpCostPerTx: blockchain.MaxBlockSigOpsCost / 4,
			MinRelayTxFee:     mempool.DefaultMinRelayTxFee,
			MaxTxVersion:      2,
		},
		ChainParams:    params,
		FetchUtxoView:  chain.FetchUtxoView,
		BestHeight:     func() int32 { return chain.BestSnapshot().Height },
		MedianTimePast: func() time.Time { return chain.BestSnapshot().MedianTime },
		CalcSequenceLock: func(tx *btcutil.Tx, view *blockchain.UtxoViewpoint) (*blockchain.SequenceLock, error) {
			return chain.CalcSequenceLock(tx, view, true)
		},
		IsDeploymentActive: chain.IsDeploymentActive,
		SigCache:           txscript.NewSigCache(btcdSigCache),
		HashCache:          txscript.NewHashCache(btcdSigCache),
	})
}
