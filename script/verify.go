package script

import (
	"bytes"
	"crypto/sha256"

	"github.com/keelson-chain/keelson/script/sig"
	"github.com/keelson-chain/keelson/wire"
)

// Verify decides whether the input at the given index may spend its coin under
// the rules that flags select. It returns nil or an ErrorCode. hashes must
// know the outputs that the transaction spends.
//
// Where sigs defers, the result, be it nil or an error, holds only if all the
// checks that were deferred hold. If they do not, ask again with a Checker
// that answers exactly.
func Verify(hashes *SigHashes, input int, flags Flags, sigs sig.Checker) error {
	return verify(hashes, input, flags, sigs, false).err()
}

func verify(hashes *SigHashes, input int, flags Flags, sigs sig.Checker, interpret bool) ErrorCode {
	e := &engine{hashes: hashes, input: input, flags: flags.filled(), sigs: sigs, interpret: interpret}
	e.stack, e.free = e.stack0[:0], e.free0[:]
	return e.verifyInput(&hashes.tx.Inputs[input], hashes.spent[input].PkScript)
}

// verifyInput runs the signature script and the output's script on one stack,
// and then what the output's script stands for: a redeem script (BIP 16), a
// witness program (BIP 141), or one in the other.
func (e *engine) verifyInput(in *wire.TxIn, pkScript []byte) ErrorCode {
	if e.flags&VerifySigPushOnly != 0 && !IsPushOnly(in.SigScript) {
		return ErrSigPushOnly
	}
	witnessVersion, program, isProgram := WitnessProgram(pkScript)
	if isProgram && e.flags&VerifyWitness != 0 && len(in.SigScript) == 0 && !e.interpret {
		// All that running the two scripts does is to push the program.
		if !truth(program) {
			return ErrEvalFalse
		}
		return e.verifyProgram(witnessVersion, program, in.Witness, false)
	}

	if code := e.run(in.SigScript, legacy); code != errOK {
		return code
	}
	toScriptHash := e.flags&VerifyP2SH != 0 && isScriptHash(pkScript)
	var redeem []byte
	if toScriptHash && len(e.stack) > 0 {
		redeem = e.top(0)
	}
	if code := e.runTrue(pkScript); code != errOK {
		return code
	}

	if isProgram && e.flags&VerifyWitness != 0 {
		if len(in.SigScript) > 0 {
			return ErrWitnessMalleated
		}
		return e.verifyProgram(witnessVersion, program, in.Witness, false)
	}

	if toScriptHash {
		if !IsPushOnly(in.SigScript) {
			return ErrSigPushOnly
		}
		e.drop(1) // that the hash is right; in its place was the redeem script
		if code := e.runTrue(redeem); code != errOK {
			return code
		}
		if witnessVersion, program, isProgram = WitnessProgram(redeem); isProgram && e.flags&VerifyWitness != 0 {
			var push [3 + 42]byte
			if !bytes.Equal(in.SigScript, AppendPush(push[:0], redeem)) {
				return ErrWitnessMalleatedP2SH
			}
			return e.verifyProgram(witnessVersion, program, in.Witness, true)
		}
	}

	if e.flags&VerifyCleanStack != 0 && len(e.stack) != 1 {
		return ErrCleanStack
	}
	if e.flags&VerifyWitness != 0 && len(in.Witness) > 0 {
		return ErrWitnessUnexpected
	}
	return errOK
}

// runTrue runs a legacy script, which must leave a true element on top.
func (e *engine) runTrue(script []byte) ErrorCode {
	if code := e.run(script, legacy); code != errOK {
		return code
	}
	if len(e.stack) == 0 || !truth(e.top(0)) {
		return ErrEvalFalse
	}
	return errOK
}

// verifyProgram checks a witness against a program. nested says that the
// program stands in a redeem script, where only version 0 has a meaning.
func (e *engine) verifyProgram(version int, program []byte, witness [][]byte, nested bool) ErrorCode {
	switch {
	case version == 0 && len(program) == 32:
		return e.verifyScriptHash(program, witness)
	case version == 0 && len(program) == 20:
		return e.verifyKeyHash(program, witness)
	case version == 0:
		return ErrWitnessProgramWrongLength
	case version == 1 && len(program) == 32 && !nested:
		return e.verifyTaproot(program, witness)
	case version == 1 && bytes.Equal(program, anchorProgram) && !nested:
		return errOK // pay to anchor: anyone may spend it, and it is standard
	case e.flags&VerifyDiscourageUpgradableWitnessProgram != 0:
		return ErrDiscourageUpgradableWitnessProgram
	}
	return errOK
}

// verifyScriptHash is P2WSH: the last element of the witness is a script with
// the program as its SHA-256, and runs on the other elements.
func (e *engine) verifyScriptHash(program []byte, witness [][]byte) ErrorCode {
	if len(witness) == 0 {
		return ErrWitnessProgramWitnessEmpty
	}
	last := len(witness) - 1
	if hash := sha256.Sum256(witness[last]); !bytes.Equal(hash[:], program) {
		return ErrWitnessProgramMismatch
	}
	return e.runWitness(witness[last], witness[:last], witnessV0)
}

// keyHashCode returns the script that P2WPKH stands for.
func keyHashCode(program []byte) []byte {
	code := append(make([]byte, 0, 25), byte(OpDup), byte(OpHash160), 20)
	code = append(code, program...)
	return append(code, byte(OpEqualVerify), byte(OpCheckSig))
}

// verifyKeyHash is P2WPKH: the witness is a signature and a key with the
// program as its Hash160. It does what running keyHashCode on them does.
func (e *engine) verifyKeyHash(program []byte, witness [][]byte) ErrorCode {
	if len(witness) != 2 {
		return ErrWitnessProgramMismatch
	}
	code := keyHashCode(program)
	if e.interpret {
		return e.runWitness(code, witness, witnessV0)
	}
	signature, key := witness[0], witness[1]
	if len(signature) > MaxElementSize || len(key) > MaxElementSize {
		return ErrPushSize
	}
	if hash := Hash160(key); !bytes.Equal(hash[:], program) {
		return ErrEqualVerify
	}
	e.version, e.code = witnessV0, code
	valid, failure := e.checkSig(signature, key)
	if failure == errOK && !valid {
		failure = ErrEvalFalse
	}
	return failure
}

// runWitness runs a script of a witness on a stack of its other elements. It
// must leave exactly one true element.
func (e *engine) runWitness(script []byte, elements [][]byte, v version) ErrorCode {
	for _, b := range elements {
		if len(b) > MaxElementSize {
			return ErrPushSize
		}
	}
	e.stack = append(e.stack[:0], elements...)
	if code := e.run(script, v); code != errOK {
		return code
	}
	switch {
	case len(e.stack) != 1:
		return ErrCleanStack
	case !truth(e.top(0)):
		return ErrEvalFalse
	}
	return errOK
}
