package policy

import (
	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/wire"
)

// The first byte of an annex, and of the control block over a tapscript
// without the bit for the parity of the key (BIP 341).
const (
	annexTag      = 0x50
	leafMask      = 0xfe
	leafTapscript = 0xc0
)

// CheckInputs refuses as "bad-txns-nonstandard-inputs" what spends an output of
// no standard class or of a witness version without rules, or hands a redeem
// script of more than MaxP2SHSigOps signature checks, or none, to a P2SH output.
// spent has the coins of the inputs in order; one that is missing is of no
// standard class. tx should have passed CheckTx; a signature script for a P2SH
// output that does more than push is refused.
func (r *Rules) CheckInputs(tx *wire.Tx, spent []consensus.Coin) error {
	if tx.IsCoinbase() {
		return nil
	}
	for i := range tx.Inputs {
		if !standardInput(tx.Inputs[i].SigScript, spentScript(spent, i)) {
			return refuse("bad-txns-nonstandard-inputs")
		}
	}
	return nil
}

func standardInput(sigScript, pkScript []byte) bool {
	class, _ := script.Classify(pkScript)
	switch class {
	case script.NonStandard, script.WitnessUnknown:
		return false
	case script.ScriptHash:
		redeem, ok := redeemScript(sigScript)
		return ok && script.CountLegacySigOps(redeem, true) <= MaxP2SHSigOps
	}
	return true
}

// CheckWitness refuses as "bad-witness-nonstandard" a witness that is larger
// than scripts need or that no script asked for, which anyone on the way could
// have put in:
//
//	pay-to-anchor   any witness
//	no program      any witness
//	P2WSH           a script over MaxWitnessScriptSize, more than
//	                MaxWitnessStackItems elements, one over MaxWitnessStackItem
//	taproot         an annex, an empty control block, an element over
//	                MaxTapscriptStackItem for a tapscript
//
// P2SH outputs are judged by the program that their redeem script is. spent has
// the coins of the inputs in order; one that is missing has no program. tx
// should have passed CheckTx.
func (r *Rules) CheckWitness(tx *wire.Tx, spent []consensus.Coin) error {
	if tx.IsCoinbase() {
		return nil
	}
	for i := range tx.Inputs {
		in := &tx.Inputs[i]
		if len(in.Witness) > 0 && !standardWitness(in, spentScript(spent, i)) {
			return refuse("bad-witness-nonstandard")
		}
	}
	return nil
}

func standardWitness(in *wire.TxIn, pkScript []byte) bool {
	class, _ := script.Classify(pkScript)
	nested := class == script.ScriptHash
	if nested {
		redeem, ok := redeemScript(in.SigScript)
		if !ok {
			return false
		}
		pkScript = redeem
	}
	version, program, ok := script.WitnessProgram(pkScript)
	switch {
	case !ok || class == script.Anchor:
		return false
	case version == 0 && len(program) == 32:
		return standardWitnessScript(in.Witness)
	case version == 1 && len(program) == 32 && !nested:
		return standardTaproot(in.Witness)
	}
	return true
}

// standardWitnessScript judges the witness of a P2WSH output: the elements
// that the script is given, and the script.
func standardWitnessScript(witness [][]byte) bool {
	items := len(witness) - 1
	return len(witness[items]) <= MaxWitnessScriptSize &&
		items <= MaxWitnessStackItems &&
		within(witness[:items], MaxWitnessStackItem)
}

// standardTaproot judges the witness of a taproot output: a signature, or the
// elements that a script is given, the script and the control block.
func standardTaproot(witness [][]byte) bool {
	n := len(witness)
	if n < 2 {
		return true
	}
	last := witness[n-1] // the annex or the control block
	if len(last) == 0 || last[0] == annexTag {
		return false
	}
	return last[0]&leafMask != leafTapscript || within(witness[:n-2], MaxTapscriptStackItem)
}

func within(items [][]byte, size int) bool {
	for _, item := range items {
		if len(item) > size {
			return false
		}
	}
	return true
}

// redeemScript returns what running sigScript leaves on top of the stack. It
// fails where sigScript does more than push, pushes nothing or breaks a limit
// on scripts. A number that an opcode pushes is returned as no script, which
// is all the same to the callers: it has no signature checks and is no program.
func redeemScript(sigScript []byte) (redeem []byte, ok bool) {
	if len(sigScript) > script.MaxScriptSize {
		return nil, false
	}
	t := script.Tokenize(sigScript)
	depth := 0
	for t.Next() {
		if t.Op > script.Op16 || t.Op == script.OpReserved || len(t.Data) > script.MaxElementSize {
			return nil, false
		}
		redeem = t.Data
		depth++
	}
	return redeem, !t.Malformed() && depth > 0 && depth <= script.MaxStackSize
}

// spentScript returns the script that input i spends, nil if its coin is
// missing.
func spentScript(spent []consensus.Coin, i int) []byte {
	if i >= len(spent) {
		return nil
	}
	return spent[i].Out.PkScript
}
