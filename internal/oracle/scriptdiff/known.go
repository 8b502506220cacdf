package scriptdiff

import (
	"bytes"
	"errors"

	"github.com/btcsuite/btcd/txscript/v2"

	"github.com/keelson-chain/keelson/internal/oracle/corpus"
	"github.com/keelson-chain/keelson/script"
)

// A difference is a case in which btcd is known to differ from Bitcoin Core,
// whose rule Keelson follows.
//
// All of them lie in flags of policy: a divergence is explained only if both
// engines take the spend for valid once those flags are gone, so that what is
// explained cannot hide a divergence in consensus.
type difference struct {
	why   string
	flags script.Flags
	when  func(s *corpus.Spend, v Verdict) bool
}

var known = []difference{
	{
		// VerifyWitnessProgram returns success for a version 1 program while
		// taproot is off, and VerifyScript then shrinks the stack to one
		// element, so that CLEANSTACK holds. btcd leaves the stack as it is.
		"CLEANSTACK with WITNESS but without TAPROOT: btcd counts what a taproot output pushes",
		script.VerifyCleanStack,
		func(s *corpus.Spend, v Verdict) bool {
			version, program, ok := script.WitnessProgram(s.Spent[s.Input].PkScript)
			return v.Ours == nil && txscript.IsErrorCode(v.Theirs, txscript.ErrCleanStack) &&
				s.Flags&script.VerifyTaproot == 0 && ok && version == 1 && len(program) == 32
		},
	},
	{
		// EvalScript: with the flag of OP_CHECKLOCKTIMEVERIFY or
		// OP_CHECKSEQUENCEVERIFY off, the opcode is "not enabled; treat as a
		// NOP2", and NOP3, without a look at DISCOURAGE_UPGRADABLE_NOPS.
		"DISCOURAGE_UPGRADABLE_NOPS with a lock time opcode switched off: btcd discourages it",
		script.VerifyDiscourageUpgradableNops,
		func(s *corpus.Spend, v Verdict) bool {
			const locks = script.VerifyCheckLockTimeVerify | script.VerifyCheckSequenceVerify
			return v.Ours == nil && txscript.IsErrorCode(v.Theirs, txscript.ErrDiscourageUpgradableNOPs) && s.Flags&locks != locks
		},
	},
	{
		// EvalChecksigPreTapscript removes the push of the signature from the
		// script code whatever it is; of an empty one that is OP_0, and
		// CONST_SCRIPTCODE makes a removal an error. btcd removes nothing then.
		"CONST_SCRIPTCODE and an empty signature where the script has OP_0: btcd does not look for it",
		script.VerifyConstScriptCode,
		func(s *corpus.Spend, v Verdict) bool {
			return errors.Is(v.Ours, script.ErrSigFindAndDelete) && v.Theirs == nil && pushesEmpty(s)
		},
	},
	{
		// EvalScript checks the encoding of each key that OP_CHECKMULTISIG
		// holds against a signature, an empty one too. btcd goes on to the
		// next key without a look.
		"STRICTENC or WITNESS_PUBKEYTYPE and an empty signature in OP_CHECKMULTISIG: btcd does not look at the key",
		script.VerifyStrictEnc | script.VerifyWitnessPubKeyType,
		func(s *corpus.Spend, v Verdict) bool {
			return (errors.Is(v.Ours, script.ErrPubKeyType) || errors.Is(v.Ours, script.ErrWitnessPubKeyType)) &&
				v.Theirs == nil && pushesEmpty(s)
		},
	},
	{
		// EvalChecksigPreTapscript fails a check that is false and has a
		// signature, whatever made it false. btcd lets a key that is no point
		// of the curve pass before it comes to that.
		"NULLFAIL and a public key that is no point: btcd takes the check for merely false",
		script.VerifyNullFail,
		func(s *corpus.Spend, v Verdict) bool {
			return errors.Is(v.Ours, script.ErrNullFail) && v.Theirs == nil
		},
	},
	{
		// EvalChecksigTapscript looks at the type of the key whether there is
		// a signature or not. btcd is through with an empty one before.
		"DISCOURAGE_UPGRADABLE_PUBKEYTYPE and an empty signature: btcd does not look at the key",
		script.VerifyDiscourageUpgradablePubKeyType,
		func(s *corpus.Spend, v Verdict) bool {
			return errors.Is(v.Ours, script.ErrDiscourageUpgradablePubKeyType) && v.Theirs == nil && pushesEmpty(s)
		},
	},
	{
		// VerifyWitnessProgram looks for OP_SUCCESSx in scripts of leaf
		// version 0xc0 alone. btcd looks before it knows the version, so that
		// another flag is responsible for the script.
		"OP_SUCCESSx under an unknown leaf version: btcd calls it OP_SUCCESSx",
		script.VerifyDiscourageOpSuccess | script.VerifyDiscourageUpgradableTaprootVersion,
		func(s *corpus.Spend, v Verdict) bool {
			return (v.Ours == nil && txscript.IsErrorCode(v.Theirs, txscript.ErrDiscourageOpSuccess) ||
				errors.Is(v.Ours, script.ErrDiscourageUpgradableTaprootVersion) && v.Theirs == nil) &&
				leafVersion(s) != txscript.BaseLeafVersion
		},
	},
}

// explain returns why btcd differs from Bitcoin Core in a case, "" if it is
// not known to.
func explain(s *corpus.Spend, v Verdict) string {
	if v.Batch != nil {
		return ""
	}
	for _, k := range known {
		if s.Flags&k.flags == 0 || !k.when(s, v) {
			continue
		}
		without := *s
		without.Flags &^= k.flags
		if v := Compare(&without); v.Ours == nil && v.Theirs == nil {
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

// pushesEmpty reports whether the input hands an empty element to the script.
func pushesEmpty(s *corpus.Spend) bool {
	in := &s.Tx.Inputs[s.Input]
	for _, item := range in.Witness {
		if len(item) == 0 {
			return true
		}
	}
	return bytes.IndexByte(in.SigScript, byte(script.Op0)) >= 0
}
