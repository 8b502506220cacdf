package policy

import (
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/wire"
)

// The sizes in virtual bytes of an input as it is at least needed to spend an
// output: outpoint, sequence, script length, and 107 bytes of signature and
// key, of which a witness counts a quarter.
const (
	spendSize        = 36 + 4 + 1 + 107
	spendSizeWitness = 36 + 4 + 1 + 107/wire.WitnessScaleFactor
)

// DustThreshold returns what out must hold at least to be worth its space and
// that of the input which spends it one day, at the rate DustRelay. It is zero
// for an output that nobody can spend.
func (r *Rules) DustThreshold(out *wire.TxOut) wire.Amount {
	if script.IsUnspendable(out.PkScript) {
		return 0
	}
	n := len(out.PkScript)
	size := 8 + wire.CompactSizeLen(uint64(n)) + n
	if _, _, ok := script.WitnessProgram(out.PkScript); ok {
		return r.DustRelay.Fee(size + spendSizeWitness)
	}
	return r.DustRelay.Fee(size + spendSize)
}

// IsDust reports whether out holds less than its DustThreshold.
func (r *Rules) IsDust(out *wire.TxOut) bool { return out.Value < r.DustThreshold(out) }

// CheckDust refuses as "dust" a transaction with an output of dust that pays a
// fee, also one that somebody has only said it pays: nobody mines it then but for
// a child that spends the dust at once, so that it burdens nobody (ephemeral dust,
// as Bitcoin Core has it from 29 on). fee and modified are what it pays without
// and with prioritisation.
func (r *Rules) CheckDust(tx *wire.Tx, fee, modified wire.Amount) error {
	if fee == 0 && modified == 0 {
		return nil
	}
	for i := range tx.Outputs {
		if r.IsDust(&tx.Outputs[i]) {
			return &Error{Reason: "dust", Debug: "tx with dust output must be 0-fee"}
		}
	}
	return nil
}
