package policy

import (
	"strconv"

	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/wire"
)

// CheckTx checks what can be said of tx alone: that its version is known, that
// it is not too heavy, that its signature scripts are short and only push, and
// that its outputs are of the standard classes and worth spending. The reasons,
// in the order in which they are found:
//
//	version                 is not 1 to MaxTxVersion
//	tx-size                 weighs more than MaxTxWeight
//	scriptsig-size          a signature script is longer than MaxSigScriptSize
//	scriptsig-not-pushonly  a signature script does more than push
//	scriptpubkey            an output of no standard class, a multisig of more than MaxMultisigKeys, or too much data
//	bare-multisig           a multisig output, where they are not permitted
//	dust                    more than MaxDustOutputs of less than their DustThreshold
//	multi-op-return         more than one OP_RETURN output
//
// Inputs come before outputs, and each is checked in full before the next. What has
// dust must pass CheckDust, too.
func (r *Rules) CheckTx(tx *wire.Tx) error {
	if tx.Version < 1 || tx.Version > MaxTxVersion {
		return refuse("version")
	}
	if tx.Weight() > MaxTxWeight {
		return refuse("tx-size")
	}
	for i := range tx.Inputs {
		sigScript := tx.Inputs[i].SigScript
		if len(sigScript) > MaxSigScriptSize {
			return refuse("scriptsig-size")
		}
		if !script.IsPushOnly(sigScript) {
			return refuse("scriptsig-not-pushonly")
		}
	}
	data, dust := 0, 0
	for i := range tx.Outputs {
		class, err := r.checkOutput(&tx.Outputs[i])
		if err != nil {
			return err
		}
		if class == script.NullData {
			data++
		}
		if r.IsDust(&tx.Outputs[i]) {
			dust++
		}
	}
	if dust > MaxDustOutputs {
		return refuse("dust")
	}
	if data > 1 {
		return refuse("multi-op-return")
	}
	return nil
}

func (r *Rules) checkOutput(out *wire.TxOut) (script.Class, error) {
	class, parts := script.Classify(out.PkScript)
	switch class {
	case script.NonStandard:
		return class, refuse("scriptpubkey")
	case script.Multisig:
		// The first of the parts is the number of signatures, which is at most
		// that of the keys, and the last is the number of keys.
		if keys := parts[len(parts)-1][0]; keys > MaxMultisigKeys {
			return class, refuse("scriptpubkey")
		}
		if !r.PermitBareMultisig {
			return class, refuse("bare-multisig")
		}
	case script.NullData:
		if len(out.PkScript) > r.MaxDataCarrier {
			return class, refuse("scriptpubkey")
		}
	}
	return class, nil
}

// CheckSize refuses as "tx-size-small" what has fewer than MinTxSize bytes
// without its witnesses: a transaction of 64 can pass for an inner node of a
// merkle tree. It holds for what is not standard, too.
func CheckSize(tx *wire.Tx) error {
	if tx.StrippedSize() < MinTxSize {
		return refuse("tx-size-small")
	}
	return nil
}

// CheckSigOps refuses as "bad-txns-too-many-sigops" a transaction whose
// signature checks, weighted as in the limit of a block, are more than
// MaxSigOpsCost. It holds for what is not standard, too.
func CheckSigOps(cost int) error {
	if cost > MaxSigOpsCost {
		return &Error{Reason: "bad-txns-too-many-sigops", Debug: strconv.Itoa(cost)}
	}
	return nil
}

// SignalsRBF reports whether tx says of itself that it may be replaced: the
// sequence of some input is below 0xfffffffe (BIP 125).
func SignalsRBF(tx *wire.Tx) bool {
	for i := range tx.Inputs {
		if tx.Inputs[i].Sequence < wire.SequenceFinal-1 {
			return true
		}
	}
	return false
}

// VSize returns the virtual size in which fee rates are reckoned: a quarter of
// the weight, rounded up. A transaction with many signature checks for its size
// counts as if it weighed bytesPerSigOp for each unit of their cost.
func VSize(weight, sigOpsCost, bytesPerSigOp int) int {
	return (max(weight, sigOpsCost*bytesPerSigOp) + wire.WitnessScaleFactor - 1) / wire.WitnessScaleFactor
}
