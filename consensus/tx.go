package consensus

import (
	"bytes"
	"slices"

	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/wire"
)

const (
	// lockTimeThreshold divides lock times: heights below, times from it on.
	lockTimeThreshold = 500_000_000

	// The bits of a sequence number (BIP 68, "Specification").
	sequenceDisabled    = 1 << 31
	sequenceIsTime      = 1 << 22
	sequenceMask        = 0xffff
	sequenceGranularity = 9 // a unit of time is 512 seconds

	// The bounds of a coinbase's script in bytes.
	minCoinbaseScript = 2
	maxCoinbaseScript = 100

	// bip54TxSize is the size without witness, in bytes, that BIP 54 forbids:
	// that of an inner node of the merkle tree.
	bip54TxSize = 64
	// bip54SigOps is how many signature operations the legacy scripts of a
	// transaction's inputs may have under BIP 54.
	bip54SigOps = 2500
)

// CheckTx checks what can be said of a transaction without any context: its
// shape, its size and its amounts. Every error is a *RuleError.
func CheckTx(p *Params, tx *wire.Tx) error {
	if err := checkTx(p, tx); err != nil {
		return err
	}
	return nil
}

func checkTx(p *Params, tx *wire.Tx) *RuleError {
	if len(tx.Inputs) == 0 {
		return &RuleError{Kind: ErrNoInputs}
	}
	if len(tx.Outputs) == 0 {
		return &RuleError{Kind: ErrNoOutputs}
	}
	// The witness is left out of the size: it has not been checked for
	// malleation yet.
	if size := tx.StrippedSize(); size*wire.WitnessScaleFactor > p.MaxBlockWeight {
		return ruleError(ErrTxOversize, "%d bytes without witness", size)
	}
	var total wire.Amount
	for i := range tx.Outputs {
		value := tx.Outputs[i].Value
		if value < 0 {
			return ruleError(ErrOutputNegative, "output %d: %v", i, value)
		}
		if value > wire.MaxMoney {
			return ruleError(ErrOutputTooLarge, "output %d: %v", i, value)
		}
		if total += value; !total.Valid() {
			return ruleError(ErrOutputTotalTooLarge, "outputs up to %d: %v", i, total)
		}
	}
	if op, ok := duplicateInput(tx.Inputs); ok {
		return ruleError(ErrDuplicateInput, "%v", op)
	}
	if tx.IsCoinbase() {
		if n := len(tx.Inputs[0].SigScript); n < minCoinbaseScript || n > maxCoinbaseScript {
			return ruleError(ErrCoinbaseLength, "%d bytes", n)
		}
		return nil
	}
	for i := range tx.Inputs {
		if tx.Inputs[i].PrevOut.IsNull() {
			return ruleError(ErrNullPrevOut, "input %d", i)
		}
	}
	return nil
}

// duplicateInput finds an outpoint that is spent twice (CVE-2018-17144).
func duplicateInput(ins []wire.TxIn) (wire.OutPoint, bool) {
	// Comparing all pairs needs no memory, and almost every transaction has
	// a few inputs only.
	if len(ins) <= 8 {
		for i := 1; i < len(ins); i++ {
			for j := range i {
				if ins[i].PrevOut == ins[j].PrevOut {
					return ins[i].PrevOut, true
				}
			}
		}
		return wire.OutPoint{}, false
	}
	sorted := make([]*wire.OutPoint, len(ins))
	for i := range ins {
		sorted[i] = &ins[i].PrevOut
	}
	slices.SortFunc(sorted, func(a, b *wire.OutPoint) int {
		if a.Index != b.Index {
			if a.Index < b.Index {
				return -1
			}
			return 1
		}
		return bytes.Compare(a.TxID[:], b.TxID[:])
	})
	for i := 1; i < len(sorted); i++ {
		if *sorted[i] == *sorted[i-1] {
			return *sorted[i], true
		}
	}
	return wire.OutPoint{}, false
}

// IsFinal reports whether tx may be in a block at height whose lock time
// cutoff, in seconds since 1970, is time: its lock time has passed or every
// input switches it off.
func IsFinal(tx *wire.Tx, height uint32, time int64) bool {
	if tx.LockTime == 0 {
		return true
	}
	cutoff := int64(height)
	if tx.LockTime >= lockTimeThreshold {
		cutoff = time
	}
	if int64(tx.LockTime) < cutoff {
		return true
	}
	for i := range tx.Inputs {
		if tx.Inputs[i].Sequence != wire.SequenceFinal {
			return false
		}
	}
	return true
}

// inputs judges what a transaction spends: maturity, amounts, relative lock
// times. One serves all transactions of a block.
type inputs struct {
	params *Params
	height uint32 // of the block that tx is for
	mtp    int64  // of its parent
	csv    bool
	bip54  bool
	flags  script.Flags
}

func newInputs(s State, flags script.Flags) inputs {
	return inputs{
		params: s.Params,
		height: s.Tip.Height + 1,
		mtp:    int64(s.MedianTimePast()),
		csv:    s.Active(CSV),
		bip54:  s.Active(BIP54),
		flags:  flags,
	}
}

// validate returns the fee of tx, which is not a coinbase and has passed
// CheckTx. spent has the coins of its inputs, or fewer if one is missing.
func (v *inputs) validate(tx *wire.Tx, spent []Coin) (fee wire.Amount, err *RuleError) {
	if len(spent) < len(tx.Inputs) {
		return 0, ruleError(ErrMissingInput, "%v", tx.Inputs[len(spent)].PrevOut).
			debug("CheckTxInputs: inputs missing/spent")
	}
	var in wire.Amount
	for i := range tx.Inputs {
		c := &spent[i]
		if c.Coinbase && v.height-c.Height < v.params.CoinbaseMaturity {
			depth := v.height - c.Height
			return 0, ruleError(ErrImmatureSpend, "%v is %d blocks deep", tx.Inputs[i].PrevOut, depth).
				debug("tried to spend coinbase at depth %d", depth)
		}
		if in += c.Out.Value; !c.Out.Value.Valid() || !in.Valid() {
			return 0, ruleError(ErrInputValueRange, "inputs up to %d: %v", i, in)
		}
	}
	var out wire.Amount
	for i := range tx.Outputs {
		out += tx.Outputs[i].Value
	}
	if in < out {
		return 0, ruleError(ErrOutputsExceedInputs, "outputs %v, inputs %v", out, in).
			debug("value in (%s) < value out (%s)", formatMoney(in), formatMoney(out))
	}
	if fee = in - out; !fee.Valid() {
		return 0, ruleError(ErrFeeRange, "%v", fee)
	}
	if v.bip54 {
		if n := legacySigOps54(tx, spent); n > bip54SigOps {
			return 0, ruleError(ErrTxLegacySigOps, "%d, at most %d are allowed", n, bip54SigOps)
		}
	}
	return fee, nil
}

// sequenceLocks checks the relative lock times of tx (BIP 68).
func (v *inputs) sequenceLocks(tx *wire.Tx, spent []Coin) *RuleError {
	if !v.csv || tx.Version < 2 {
		return nil
	}
	for i := range tx.Inputs {
		seq := tx.Inputs[i].Sequence
		if seq&sequenceDisabled != 0 {
			continue
		}
		units := int64(seq & sequenceMask)
		if seq&sequenceIsTime != 0 {
			if after := int64(spent[i].MTP) + units<<sequenceGranularity; v.mtp < after {
				return ruleError(ErrSequenceLock, "input %d is locked until time %d", i, after)
			}
		} else if after := int64(spent[i].Height) + units; int64(v.height) < after {
			return ruleError(ErrSequenceLock, "input %d is locked until height %d", i, after)
		}
	}
	return nil
}

// sigOpsCost returns what the signature operations of tx cost, given the
// coins it spends (BIP 141, "Sigops").
func (v *inputs) sigOpsCost(tx *wire.Tx, spent []Coin) int {
	cost := legacySigOps(tx) * wire.WitnessScaleFactor
	for i := range spent {
		in, pkScript := &tx.Inputs[i], spent[i].Out.PkScript
		if v.flags&script.VerifyP2SH != 0 {
			cost += script.P2SHSigOps(in.SigScript, pkScript) * wire.WitnessScaleFactor
		}
		cost += script.WitnessSigOps(in.SigScript, pkScript, in.Witness, v.flags)
	}
	return cost
}

// legacySigOps counts the signature operations in the scripts of tx itself,
// with twenty for every OP_CHECKMULTISIG.
func legacySigOps(tx *wire.Tx) (n int) {
	for i := range tx.Inputs {
		n += script.CountLegacySigOps(tx.Inputs[i].SigScript, false)
	}
	for i := range tx.Outputs {
		n += script.CountLegacySigOps(tx.Outputs[i].PkScript, false)
	}
	return n
}

// legacySigOps54 counts the signature operations that BIP 54 limits: those in
// the script of each input, in the output that it spends, and in the P2SH
// script behind that.
func legacySigOps54(tx *wire.Tx, spent []Coin) (n int) {
	for i := range tx.Inputs {
		sigScript, pkScript := tx.Inputs[i].SigScript, spent[i].Out.PkScript
		n += script.CountLegacySigOps(sigScript, true)
		n += script.CountLegacySigOps(pkScript, true)
		n += script.P2SHSigOps(sigScript, pkScript)
	}
	return n
}

// formatMoney writes an amount as Bitcoin Core's debug messages do: eight
// decimals of which zeros at the end are left out down to two.
func formatMoney(a wire.Amount) string {
	text := a.String()
	for range 6 {
		if text[len(text)-1] != '0' {
			break
		}
		text = text[:len(text)-1]
	}
	return text
}
