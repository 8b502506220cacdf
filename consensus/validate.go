package consensus

import (
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/script/sig"
	"github.com/keelson-chain/keelson/wire"
)

// Options say how scripts are run; the answer does not depend on them, but for
// SkipScripts.
type Options struct {
	// Workers is how many goroutines run scripts; below 2 it is the caller's.
	Workers int
	// Sigs verifies signatures; nil is sig.DCRD.
	Sigs sig.Verifier
	// Cache remembers valid signatures, and which transactions' scripts need not be run
	// again under the same flags; nil remembers nothing.
	Cache *sig.Cache
	// Remember has Cache remember transactions whose scripts are valid, for who will meet
	// them again, as a block's validation does those of the pool. Signatures are
	// remembered in any case.
	Remember bool
	// SkipScripts leaves scripts unrun, for blocks that are assumed valid.
	SkipScripts bool
}

// ValidateBlock judges b as a child of s.Tip in all that depends on the coins
// it spends, which are in spent as Gather returned them. Its header must have
// passed ValidateHeader, and b CheckBlock and ValidateBlockContext. Every
// error is a *RuleError.
//
// Of several faults the one reported is that which Bitcoin Core finds when it
// runs scripts on one thread: transactions are judged in their order, the
// scripts of one before anything of the next.
func ValidateBlock(s State, b *wire.Block, spent []Coin, o Options) error {
	flags := s.scriptFlagsFor(b)
	v := newInputs(s, flags)
	// First all that is cheap, up to the first fault; its transaction is the
	// first whose scripts do not matter.
	fees, valid, fault := v.validateTxs(b, spent)
	if !o.SkipScripts {
		run := scriptRun{txs: b.Txs[1:max(valid, 1)], spent: spent, flags: flags, options: o}
		if err := run.verify(); err != nil {
			return err
		}
	}
	if fault != nil {
		return fault
	}
	var claimed wire.Amount
	for i := range b.Txs[0].Outputs {
		claimed += b.Txs[0].Outputs[i].Value
	}
	if allowed := Subsidy(s.Params, v.height) + fees; claimed > allowed {
		return ruleError(ErrCoinbaseAmount, "%v, at most %v is allowed", claimed, allowed)
	}
	return nil
}

// validateTxs judges the transactions of b but for their scripts, and returns
// the sum of their fees. With an error goes the number of transactions before
// the one that it is about.
func (v *inputs) validateTxs(b *wire.Block, spent []Coin) (fees wire.Amount, valid int, err error) {
	cost := 0
	for i, tx := range b.Txs {
		var coins []Coin
		if i > 0 {
			coins = spent[:min(len(tx.Inputs), len(spent))]
			spent = spent[len(coins):]
			fee, err := v.validate(tx, coins)
			if err != nil {
				return 0, i, inTx(err, tx)
			}
			if fees += fee; !fees.Valid() {
				return 0, i, inTx(ruleError(ErrFeeTotalRange, "%v", fees), tx)
			}
			if err := v.sequenceLocks(tx, coins); err != nil {
				return 0, i, inTx(err, tx)
			}
		}
		if cost += v.sigOpsCost(tx, coins); cost > v.params.MaxBlockSigOpsCost {
			return 0, i, inTx(ruleError(ErrBlockSigOps, "cost %d", cost), tx)
		}
	}
	return fees, len(b.Txs), nil
}

// ValidateTx judges tx, which is not a coinbase and has passed CheckTx, as if
// it stood in a child of s.Tip, and returns its fee. spent has the coins of
// its inputs in order, or ends where one does not exist; coins of transactions
// that are in no block yet have the child's height and s.MedianTimePast() as
// their MTP. Every error is a *RuleError.
func ValidateTx(s State, tx *wire.Tx, spent []Coin, o Options) (fee wire.Amount, err error) {
	if err := ValidateTxContext(s, tx); err != nil {
		return 0, err
	}
	flags := s.ScriptFlags()
	fee, err = ValidateTxInputs(s, tx, spent)
	if err != nil {
		return 0, err
	}
	if err := ValidateSequenceLocks(s, tx, spent); err != nil {
		return 0, err
	}
	if cost := SigOpsCost(tx, spent, flags); cost > s.Params.MaxBlockSigOpsCost {
		return 0, inTx(ruleError(ErrBlockSigOps, "cost %d", cost), tx)
	}
	return fee, VerifyScripts([]*wire.Tx{tx}, spent, flags, o)
}

// The parts of ValidateTx, for who asks something else in between, as the pool
// does. Each takes and returns what ValidateTx does.

// ValidateTxContext judges tx by all that does not depend on the coins that it
// spends: it is no coinbase, its lock time has passed, its size is allowed.
func ValidateTxContext(s State, tx *wire.Tx) error {
	if tx.IsCoinbase() {
		return inTx(&RuleError{Kind: ErrCoinbaseMultiple}, tx)
	}
	// The header of the child is not known: from BIP 113 on it does not
	// matter, and before, the median is the safe side of what it can be.
	if !IsFinal(tx, s.Tip.Height+1, int64(s.MedianTimePast())) {
		return nonFinal(tx)
	}
	if s.Active(BIP54) && tx.StrippedSize() == bip54TxSize {
		return inTx(&RuleError{Kind: ErrTxSize64}, tx)
	}
	return nil
}

// ValidateTxInputs judges what tx spends: that the coins exist and are mature,
// and the amounts. It returns the fee.
func ValidateTxInputs(s State, tx *wire.Tx, spent []Coin) (fee wire.Amount, err error) {
	v := newInputs(s, 0)
	fee, failure := v.validate(tx, spent)
	if failure != nil {
		return 0, inTx(failure, tx)
	}
	return fee, nil
}

// ValidateSequenceLocks judges the relative lock times of tx (BIP 68).
func ValidateSequenceLocks(s State, tx *wire.Tx, spent []Coin) error {
	v := newInputs(s, 0)
	if err := v.sequenceLocks(tx, spent); err != nil {
		return inTx(err, tx)
	}
	return nil
}

// SigOpsCost returns what the signature operations of tx cost, given the coins
// it spends (BIP 141, "Sigops").
func SigOpsCost(tx *wire.Tx, spent []Coin, flags script.Flags) int {
	v := inputs{flags: flags}
	return v.sigOpsCost(tx, spent)
}

// VerifyScripts runs the scripts of transactions under any flags. spent has the
// coins of all their inputs, in order. The error is that of the lowest input
// whose script fails, as a *RuleError.
func VerifyScripts(txs []*wire.Tx, spent []Coin, flags script.Flags, o Options) error {
	if o.SkipScripts {
		return nil
	}
	run := scriptRun{txs: txs, spent: spent, flags: flags, options: o}
	return run.verify()
}
