package script

import (
	"github.com/keelson-chain/keelson/script/sig"
	"github.com/keelson-chain/keelson/wire"
)

// verifyTaproot checks a witness against an output key (BIP 341, "Script
// validation rules"): one element, besides an annex, is a signature of the
// key; more are a script, its control block and what the script runs on.
func (e *engine) verifyTaproot(outputKey []byte, witness [][]byte) ErrorCode {
	if e.flags&VerifyTaproot == 0 {
		return errOK
	}
	elements := witness
	if n := len(elements); n >= 2 && len(elements[n-1]) > 0 && elements[n-1][0] == annexTag {
		e.tap.hasAnnex, e.tap.annexHash = true, annexHash(elements[n-1])
		elements = elements[:n-1]
	}
	switch n := len(elements); n {
	case 0:
		return ErrWitnessProgramWitnessEmpty
	case 1:
		return e.checkSchnorr(elements[0], outputKey)
	default:
		e.budget = witnessSize(witness) + sigOpBudgetStart
		return e.verifyTapLeaf(outputKey, elements[n-1], elements[n-2], elements[:n-2])
	}
}

// verifyTapLeaf checks that control proves script to be a leaf of the tree
// that outputKey commits to, and runs it. A control block is
//
//	offset  size  field
//	     0     1  leaf version; the lowest bit is the parity of the output key
//	     1    32  internal key
//	    33  32 n  the siblings on the way to the root, n at most 128
func (e *engine) verifyTapLeaf(outputKey, control, script []byte, elements [][]byte) ErrorCode {
	if n := len(control) - controlBaseSize; n < 0 || n%controlNodeSize != 0 || n/controlNodeSize > controlMaxNodes {
		return ErrTaprootWrongControlSize
	}
	leafVersion := control[0] & leafVersionMask
	e.leaf.Hash = TapLeafHash(leafVersion, script)
	e.tap.leaf = &e.leaf
	root := e.leaf.Hash
	for path := control[controlBaseSize:]; len(path) > 0; path = path[controlNodeSize:] {
		root = TapBranchHash(root, [32]byte(path))
	}
	internal := control[1:controlBaseSize]
	e.check = sig.Check{
		Kind:   sig.Tweak,
		PubKey: internal,
		Sig:    outputKey,
		Hash:   TapTweakHash(internal, root[:]),
		Odd:    control[0]&1 != 0,
	}
	if !e.sigs.Defer(&e.check) {
		return ErrWitnessProgramMismatch
	}
	if leafVersion == leafTapscript {
		return e.runTapscript(script, elements)
	}
	if e.flags&VerifyDiscourageUpgradableTaprootVersion != 0 {
		return ErrDiscourageUpgradableTaprootVersion
	}
	return errOK
}

// runTapscript runs a script of BIP 342. An OP_SUCCESSx anywhere makes it
// valid, before any limit is looked at; only what stands before it must parse.
func (e *engine) runTapscript(script []byte, elements [][]byte) ErrorCode {
	t := Tokenize(script)
	for t.Next() {
		if isSuccess(t.Op, e.flags) {
			if e.flags&VerifyDiscourageOpSuccess != 0 {
				return ErrDiscourageOpSuccess
			}
			return errOK
		}
	}
	if t.Malformed() {
		return ErrBadOpcode
	}
	if len(elements) > MaxStackSize {
		return ErrStackSize
	}
	return e.runWitness(script, elements, tapscript)
}

// witnessSize returns the length of a witness's encoding, in bytes.
func witnessSize(witness [][]byte) int {
	size := wire.CompactSizeLen(uint64(len(witness)))
	for _, b := range witness {
		size += wire.CompactSizeLen(uint64(len(b))) + len(b)
	}
	return size
}
