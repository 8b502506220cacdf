package consensus

import (
	"errors"

	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/wire"
)

// scriptRun is the running of the scripts of consecutive transactions.
// Until the engine is in it lets none pass.
type scriptRun struct {
	txs     []*wire.Tx
	spent   []Coin
	flags   script.Flags
	options Options
}

func (r *scriptRun) verify() error {
	if len(r.txs) == 0 {
		return nil
	}
	return scriptError(errors.New("no script engine yet"), "%v", r.txs[0].TxID())
}
