package replay

import (
	"fmt"
	"path/filepath"
	"runtime"

	"github.com/btcsuite/btcd/blockchain"
	"github.com/btcsuite/btcd/btcutil/v2"
	"github.com/btcsuite/btcd/chaincfg/v2"
	"github.com/btcsuite/btcd/database"
	_ "github.com/btcsuite/btcd/database/ffldb" // registers the database
)

// btcdCoinCache is the default of btcd's utxocachemaxsize.
const btcdCoinCache = 250 << 20

// BTCD imports the chain file at path through btcd's blockchain package into
// an empty database in dir, and flushes it. There is no signature cache, so
// every signature is verified.
func BTCD(path, dir string) (r Result, err error) {
	r = Result{Name: "btcd", File: filepath.Base(path), Procs: runtime.GOMAXPROCS(0)}
	params := chaincfg.RegressionNetParams
	m, err := start()
	if err != nil {
		return r, err
	}
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
		DB:               db,
		UtxoCacheMaxSize: btcdCoinCache,
		ChainParams:      &params,
		TimeSource:       blockchain.NewMedianTime(),
	})
	if err != nil {
		return r, err
	}
	err = Frames(path, func(raw []byte) error {
		b, err := btcutil.NewBlockFromBytes(raw)
		if err != nil {
			return err
		}
		onMain, orphan, err := chain.ProcessBlock(b, blockchain.BFNone)
		if err != nil {
			return err
		}
		if !onMain || orphan {
			return fmt.Errorf("main chain %v, orphan %v", onMain, orphan)
		}
		r.Blocks++
		for _, tx := range b.MsgBlock().Transactions[1:] {
			r.Inputs += len(tx.TxIn)
		}
		return nil
	})
	if err != nil {
		return r, err
	}
	if err := chain.FlushUtxoCache(blockchain.FlushRequired); err != nil {
		return r, err
	}
	best := chain.BestSnapshot()
	r.Tip = best.Hash.String()
	return r, m.stop(&r)
}
