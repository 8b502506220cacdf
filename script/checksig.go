package script

import (
	"bytes"
	"crypto/sha1"
	"crypto/sha256"

	"github.com/keelson-chain/keelson/script/sig"
	"github.com/keelson-chain/keelson/wire"
)

func (e *engine) opHash(op Opcode) {
	b := e.pop()
	switch op {
	case OpRIPEMD160:
		h := ripemd160(b)
		e.push(append(e.alloc(len(h)), h[:]...))
	case OpSHA1:
		h := sha1.Sum(b)
		e.push(append(e.alloc(len(h)), h[:]...))
	case OpHash160:
		h := Hash160(b)
		e.push(append(e.alloc(len(h)), h[:]...))
	case OpSHA256:
		h := sha256.Sum256(b)
		e.push(append(e.alloc(len(h)), h[:]...))
	case OpHash256:
		h := wire.DoubleSHA256(b)
		e.push(append(e.alloc(len(h)), h[:]...))
	}
}

// opCheckSig replaces signature and key by whether they agree.
func (e *engine) opCheckSig() ErrorCode {
	valid, code := e.checkSig(e.top(1), e.top(0))
	if code != errOK {
		return code
	}
	e.drop(2)
	e.pushBool(valid)
	return errOK
}

// opCheckSigAdd replaces signature, number and key by the number, one larger
// if signature and key agree (BIP 342).
func (e *engine) opCheckSigAdd() ErrorCode {
	if e.version != tapscript {
		return ErrBadOpcode
	}
	if len(e.stack) < 3 {
		return ErrInvalidStackOperation
	}
	n, code := e.num(1)
	if code != errOK {
		return code
	}
	valid, code := e.checkSig(e.top(2), e.top(0))
	if code != errOK {
		return code
	}
	e.drop(3)
	e.pushNum(n + number(valid))
	return errOK
}

func (e *engine) checkSig(signature, key []byte) (valid bool, code ErrorCode) {
	if e.version == tapscript {
		return e.checkTapscriptSig(signature, key)
	}
	subscript := e.code
	if e.version == legacy {
		var found bool
		subscript, found = findAndDelete(subscript, signature)
		if found && e.flags&VerifyConstScriptCode != 0 {
			return false, ErrSigFindAndDelete
		}
	}
	if code = e.checkECDSAEncodings(signature, key); code != errOK {
		return false, code
	}
	valid = e.setECDSA(signature, key, subscript) && e.sigs.Defer(&e.check)
	if !valid && e.flags&VerifyNullFail != 0 && len(signature) > 0 {
		return false, ErrNullFail
	}
	return valid, errOK
}

// setECDSA prepares the question whether signature is key's. It is false if
// the answer is no without asking.
func (e *engine) setECDSA(signature, key, subscript []byte) bool {
	if len(signature) == 0 || !validKeySize(key) {
		return false
	}
	end := len(signature) - 1
	hashType := uint32(signature[end])
	if e.last.code == nil || e.last.hashType != hashType || !same(e.last.code, subscript) {
		e.last.code, e.last.hashType = subscript, hashType
		if e.version == legacy {
			e.last.hash = e.hashes.Legacy(subscript, e.input, hashType)
		} else {
			e.last.hash = e.hashes.WitnessV0(subscript, e.input, hashType)
		}
	}
	e.check = sig.Check{Kind: sig.ECDSA, PubKey: key, Sig: signature[:end], Hash: e.last.hash}
	return true
}

// same reports whether a and b are the same bytes in the same place.
func same(a, b []byte) bool {
	return len(a) == len(b) && (len(a) == 0 || &a[0] == &b[0])
}

// checkTapscriptSig follows BIP 342, "Rules for signature opcodes": a key of
// unknown kind passes before anything about the signature is looked at, an
// empty signature is false, and any other must be valid.
func (e *engine) checkTapscriptSig(signature, key []byte) (valid bool, code ErrorCode) {
	valid = len(signature) > 0
	if valid {
		if e.budget -= sigOpBudgetCost; e.budget < 0 {
			return false, ErrTapscriptValidationWeight
		}
	}
	switch len(key) {
	case 0:
		return false, ErrTapscriptEmptyPubKey
	case 32:
		if valid {
			code = e.checkSchnorr(signature, key)
		}
	default:
		if e.flags&VerifyDiscourageUpgradablePubKeyType != 0 {
			code = ErrDiscourageUpgradablePubKeyType
		}
	}
	return valid, code
}

// checkSchnorr checks a taproot signature: 64 bytes, or 65 with a hash type
// that is not the default.
func (e *engine) checkSchnorr(signature, key []byte) ErrorCode {
	hashType := byte(SigHashDefault)
	switch len(signature) {
	case 64:
	case 65:
		if hashType = signature[64]; hashType == SigHashDefault {
			return ErrSchnorrSigHashType
		}
	default:
		return ErrSchnorrSigSize
	}
	hash, ok := e.hashes.taprootHash(e.input, hashType, &e.tap)
	if !ok {
		return ErrSchnorrSigHashType
	}
	e.check = sig.Check{Kind: sig.Schnorr, PubKey: key, Sig: signature[:64], Hash: hash}
	if !e.sigs.Defer(&e.check) {
		return ErrSchnorrSig
	}
	return errOK
}

// opCheckMultisig replaces, from the top, the number of keys, the keys, the
// number of signatures, the signatures and one element more by whether each
// signature agrees with a key, in the same order. That element more is a
// mistake of the first implementation.
func (e *engine) opCheckMultisig() ErrorCode {
	if e.version == tapscript {
		return ErrTapscriptCheckMultisig
	}
	keys, code := e.count(0, MaxPubKeysMultisig, ErrPubKeyCount)
	if code != errOK {
		return code
	}
	if e.ops += keys; e.ops > MaxOpsPerScript {
		return ErrOpCount
	}
	sigs, code := e.count(1+keys, keys, ErrSigCount)
	if code != errOK {
		return code
	}
	firstKey, firstSig := 1, 2+keys // depths of the uppermost
	extra := firstSig + sigs
	if len(e.stack) <= extra {
		return ErrInvalidStackOperation
	}

	subscript := e.code
	if e.version == legacy {
		for i := range sigs {
			var found bool
			subscript, found = findAndDelete(subscript, e.top(firstSig+i))
			if found && e.flags&VerifyConstScriptCode != 0 {
				return ErrSigFindAndDelete
			}
		}
	}
	valid, code := e.matchSigs(subscript, firstKey, keys, firstSig, sigs)
	if code != errOK {
		return code
	}
	if !valid && e.flags&VerifyNullFail != 0 {
		for i := range sigs {
			if len(e.top(firstSig+i)) > 0 {
				return ErrNullFail
			}
		}
	}
	e.drop(extra)
	if len(e.pop()) > 0 && e.flags&VerifyNullDummy != 0 {
		return ErrSigNullDummy
	}
	e.pushBool(valid)
	return errOK
}

// count reads a number from 0 to limit at depth n; any other is an error.
func (e *engine) count(n, limit int, outside ErrorCode) (int, ErrorCode) {
	if len(e.stack) <= n {
		return 0, ErrInvalidStackOperation
	}
	v, code := e.num(n)
	switch {
	case code != errOK:
		return 0, code
	case v < 0 || v > int64(limit):
		return 0, outside
	}
	return int(v), errOK
}

// matchSigs tries signatures against keys from the top down, and a key that
// did not match is not tried again. The encodings of a pair are checked before
// it is tried, so how far it goes can be seen from the error.
func (e *engine) matchSigs(subscript []byte, key, keys, signature, sigs int) (bool, ErrorCode) {
	for sigs > 0 {
		s, k := e.top(signature), e.top(key)
		if code := e.checkECDSAEncodings(s, k); code != errOK {
			return false, code
		}
		if e.setECDSA(s, k, subscript) && e.ask(sigs == keys) {
			signature++
			sigs--
		}
		key++
		if keys--; sigs > keys {
			return false, errOK
		}
	}
	return true, errOK
}

// ask puts the prepared question. Where no is a likely answer that changes
// what is asked next, it must be answered now.
func (e *engine) ask(mayDefer bool) bool {
	if mayDefer {
		return e.sigs.Defer(&e.check)
	}
	return e.sigs.Check(&e.check)
}

// findAndDelete returns script without the pushes of signature, and whether
// there were any; they are looked for where an instruction begins. The empty
// signature's push is OP_0. script is returned as it is if there are none.
func findAndDelete(script, signature []byte) ([]byte, bool) {
	var buf [3 + MaxElementSize]byte
	push := AppendPush(buf[:0], signature)
	if !bytes.Contains(script, push) {
		return script, false
	}
	var kept []byte
	found := false
	from := 0 // where what is not yet kept or deleted begins
	t := Tokenize(script)
	for more := true; more; more = t.Next() {
		at := t.Offset()
		end := at
		for bytes.HasPrefix(script[end:], push) {
			end += len(push)
		}
		if end > at {
			kept = append(kept, script[from:at]...)
			from, found = end, true
			t.off = end
		}
	}
	if !found {
		return script, false
	}
	return append(kept, script[from:]...), true
}
