package mempool

import (
	"context"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/wire"
)

// Preverify verifies the scripts of transactions that a block seems to have, while
// the rest of the block is on its way, so that SigCache knows them when the block is
// validated. It keeps nothing else of them, and says nothing of whether
// they are valid: what spends from others than those before it, the pool and the
// chain, or is not standard, is passed over. The error is a fault, ctx's, or that of
// a script that fails (a *consensus.RuleError), after which nothing of the kind is
// worth more work.
func (p *Pool) Preverify(ctx context.Context, txs []*wire.Tx) error {
	var some []*wire.Tx
	var spent []consensus.Coin
	var flags script.Flags
	if err := ctx.Err(); err != nil {
		return err
	}
	err := p.withCoins(ctx, func() error {
		flags = p.state.ScriptFlags()
		before := make(map[wire.Hash]*candidate, len(txs))
		for _, tx := range txs {
			if p.checkAlone(tx) != nil {
				continue
			}
			c := &candidate{tx: tx, txid: tx.TxID()}
			switch err := p.gather(c, admission{pkg: before}); {
			case err != nil && !IsRejected(err):
				return err
			case err != nil:
				continue
			case !p.cfg.Rules.AcceptNonStandard && p.cfg.Rules.CheckInputs(tx, c.spent) != nil:
				continue
			}
			before[c.txid] = c
			some, spent = append(some, tx), append(spent, c.spent...)
		}
		return nil
	})
	if err != nil {
		return err
	}
	o := p.scriptOptions()
	o.Remember = true
	return consensus.VerifyScripts(some, spent, flags, o)
}
