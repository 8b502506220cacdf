package script

import "github.com/keelson-chain/keelson/wire"

// lockTime reads the operand of the two lock time opcodes, which they leave on
// the stack: a number of up to five bytes that is not negative.
func (e *engine) lockTime() (int64, ErrorCode) {
	if len(e.stack) == 0 {
		return 0, ErrInvalidStackOperation
	}
	n, code := decodeNum(e.top(0), maxLockTimeLen, e.flags&VerifyMinimalData != 0)
	if code == errOK && n < 0 {
		code = ErrNegativeLockTime
	}
	return n, code
}

// opCheckLockTimeVerify is BIP 65: the transaction's lock time is at least the
// operand, of the same kind, and in force.
func (e *engine) opCheckLockTimeVerify() ErrorCode {
	if e.flags&VerifyCheckLockTimeVerify == 0 {
		return errOK
	}
	want, code := e.lockTime()
	if code != errOK {
		return code
	}
	have := int64(e.hashes.tx.LockTime)
	if (have < lockTimeThreshold) != (want < lockTimeThreshold) || want > have ||
		e.hashes.tx.Inputs[e.input].Sequence == wire.SequenceFinal {
		return ErrUnsatisfiedLockTime
	}
	return errOK
}

// opCheckSequenceVerify is BIP 112: the input's relative lock time (BIP 68) is
// at least the operand, of the same kind, and in force.
func (e *engine) opCheckSequenceVerify() ErrorCode {
	if e.flags&VerifyCheckSequenceVerify == 0 {
		return errOK
	}
	want, code := e.lockTime()
	if code != errOK {
		return code
	}
	if want&sequenceDisable != 0 {
		return errOK
	}
	have := int64(e.hashes.tx.Inputs[e.input].Sequence)
	if e.hashes.tx.Version < 2 || have&sequenceDisable != 0 ||
		(have^want)&sequenceIsTime != 0 || want&sequenceMask > have&sequenceMask {
		return ErrUnsatisfiedLockTime
	}
	return errOK
}
