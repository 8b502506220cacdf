package scriptdiff

import (
	"errors"

	"github.com/btcsuite/btcd/txscript/v2"

	"github.com/keelson-chain/keelson/internal/oracle/corpus"
	"github.com/keelson-chain/keelson/script"
)

// known are the cases in which btcd is known to differ from Bitcoin Core, each
// with Bitcoin Core's rule, which Keelson follows. None of them can happen
// under the flags that consensus has in force at any height: they need a flag
// of policy.
var known = []struct {
	why  string
	when func(s *corpus.Spend, v Verdict) bool
}{
	{
		// VerifyWitnessProgram returns success for a version 1 program while
		// taproot is off, and VerifyScript then shrinks the stack to one
		// element, so that CLEANSTACK holds. btcd leaves the stack as it is.
		"CLEANSTACK with WITNESS but without TAPROOT: btcd counts the pushes of a taproot output",
		func(s *corpus.Spend, v Verdict) bool {
			version, program, ok := script.WitnessProgram(s.Spent[s.Input].PkScript)
			return v.Ours == nil && txscript.IsErrorCode(v.Theirs, txscript.ErrCleanStack) &&
				s.Flags&script.VerifyCleanStack != 0 && s.Flags&script.VerifyTaproot == 0 &&
				ok && version == 1 && len(program) == 32
		},
	},
	{
		// EvalScript: with the flag of OP_CHECKLOCKTIMEVERIFY or
		// OP_CHECKSEQUENCEVERIFY off, the opcode is "not enabled; treat as a
		// NOP2", and NOP3, without a look at DISCOURAGE_UPGRADABLE_NOPS.
		"DISCOURAGE_UPGRADABLE_NOPS with a lock time opcode switched off: btcd discourages it",
		func(s *corpus.Spend, v Verdict) bool {
			const locks = script.VerifyCheckLockTimeVerify | script.VerifyCheckSequenceVerify
			return v.Ours == nil && txscript.IsErrorCode(v.Theirs, txscript.ErrDiscourageUpgradableNOPs) &&
				s.Flags&script.VerifyDiscourageUpgradableNops != 0 && s.Flags&locks != locks
		},
	},
	{
		// EvalChecksigPreTapscript removes the push of the signature from the
		// script code whatever it is; of an empty one that is OP_0, and
		// CONST_SCRIPTCODE makes a removal an error. btcd removes nothing then.
		"CONST_SCRIPTCODE and an empty signature where the script has OP_0: btcd does not look for it",
		func(s *corpus.Spend, v Verdict) bool {
			return errors.Is(v.Ours, script.ErrSigFindAndDelete) && v.Theirs == nil
		},
	},
	{
		// VerifyWitnessProgram looks for OP_SUCCESSx in scripts of leaf
		// version 0xc0 alone. btcd looks before it knows the version, so that
		// another flag is responsible for the script.
		"OP_SUCCESSx under an unknown leaf version: btcd calls it OP_SUCCESSx",
		func(s *corpus.Spend, v Verdict) bool {
			const discouraged = script.VerifyDiscourageOpSuccess | script.VerifyDiscourageUpgradableTaprootVersion
			return s.Flags&discouraged != 0 && s.Flags&discouraged != discouraged &&
				(v.Ours == nil && txscript.IsErrorCode(v.Theirs, txscript.ErrDiscourageOpSuccess) ||
					errors.Is(v.Ours, script.ErrDiscourageUpgradableTaprootVersion) && v.Theirs == nil) &&
				leafVersion(s) != txscript.BaseLeafVersion
		},
	},
}

// explain returns why btcd differs from Bitcoin Core in a case, "" if it is
// not known to.
func explain(s *corpus.Spend, v Verdict) string {
	if v.Batch != nil || s.Flags&^script.MandatoryFlags == 0 {
		return ""
	}
	for _, k := range known {
		if k.when(s, v) {
			return k.why
		}
	}
	return ""
}

// leafVersion returns the version of the leaf that a script path spend names.
func leafVersion(s *corpus.Spend) txscript.TapscriptLeafVersion {
	w := s.Tx.Inputs[s.Input].Witness
	n := len(w)
	if n > 1 && len(w[n-1]) > 0 && w[n-1][0] == txscript.TaprootAnnexTag {
		n--
	}
	if n < 2 || len(w[n-1]) == 0 {
		return txscript.BaseLeafVersion
	}
	return txscript.TapscriptLeafVersion(w[n-1][0] & txscript.TaprootLeafMask)
}
