package rpc

import "github.com/keelson-chain/keelson/wire"

// unspent looks an output up that is of the pool, or unspent at the tip. What
// the pool spends counts as unspent, since whoever asks may want to replace it.
func (c *call) unspent(op wire.OutPoint) (*wire.TxOut, error) {
	coin, found, err := c.Pool.Coin(c.ctx, op)
	if err != nil || !found {
		return nil, err
	}
	return &coin.Out, nil
}

// unspentBy returns the outputs that a transaction's inputs spend, by
// outpoint, without those that are not there.
func (c *call) unspentBy(tx *wire.Tx) (map[wire.OutPoint]*wire.TxOut, error) {
	coins := make(map[wire.OutPoint]*wire.TxOut, len(tx.Inputs))
	for i := range tx.Inputs {
		op := tx.Inputs[i].PrevOut
		out, err := c.unspent(op)
		if err != nil {
			return nil, err
		}
		if out != nil {
			coins[op] = out
		}
	}
	return coins, nil
}
