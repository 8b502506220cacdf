package script

import (
	"github.com/keelson-chain/keelson/script/sig"
)

// engine runs the scripts of one input. It lives for one call of Verify.
type engine struct {
	hashes *SigHashes
	input  int
	flags  Flags
	sigs   sig.Checker

	// stack is kept from script to script. Its elements are never written to,
	// since they are slices of scripts and witnesses, and of each other.
	stack [][]byte

	// Of the script that runs.
	version version
	code    []byte // script from behind the last executed OP_CODESEPARATOR on
	ops     int
	alt     [][]byte
	cond    conditions

	// Of the tapscript that runs, and of a taproot input as a whole.
	leaf   TapLeaf
	tap    tapContext
	budget int // signature checks that the witness's size pays for, times sigOpBudgetCost

	// The last signature hash, since several signatures often share one.
	last struct {
		code     []byte
		hashType uint32
		hash     [32]byte
	}

	check  sig.Check // the question that is asked; here to be allocated once
	free   []byte    // what new elements are cut from
	stack0 [8][]byte
	free0  [72]byte

	interpret bool // take no short cut (for tests)
}

// version is which rules a script runs under.
type version uint8

const (
	legacy version = iota
	witnessV0
	tapscript
)

// conditions is the nesting of OP_IF: how deep it is, and the lowest level
// that is not taken. What lies above such a level cannot be observed.
type conditions struct {
	depth    int
	falseAt  int
	anyFalse bool
}

func (c *conditions) push(taken bool) {
	if !taken && !c.anyFalse {
		c.anyFalse, c.falseAt = true, c.depth
	}
	c.depth++
}

func (c *conditions) pop() {
	c.depth--
	if c.anyFalse && c.falseAt == c.depth {
		c.anyFalse = false
	}
}

func (c *conditions) toggle() {
	switch top := c.depth - 1; {
	case !c.anyFalse:
		c.anyFalse, c.falseAt = true, top
	case c.falseAt == top:
		c.anyFalse = false
	}
}

// run executes script on the stack as it is. The order of the checks is the
// order in which Bitcoin Core makes them, which decides what error is reported.
func (e *engine) run(script []byte, v version) ErrorCode {
	if v != tapscript && len(script) > MaxScriptSize {
		return ErrScriptSize
	}
	e.version, e.code = v, script
	e.ops, e.alt, e.cond = 0, e.alt[:0], conditions{}
	e.leaf.CodeSeparator = 0xffffffff
	e.last.code = nil

	t := Tokenize(script)
	for index := uint32(0); t.Next(); index++ {
		if len(t.Data) > MaxElementSize {
			return ErrPushSize
		}
		if v != tapscript && t.Op > Op16 {
			if e.ops++; e.ops > MaxOpsPerScript {
				return ErrOpCount
			}
		}
		executed := !e.cond.anyFalse
		switch {
		case t.Op <= OpPushData4:
			if !executed {
				break
			}
			if e.flags&VerifyMinimalData != 0 && !minimalPush(t.Op, t.Data) {
				return ErrMinimalData
			}
			e.push(t.Data)
		case v != tapscript && disabled(t.Op):
			return ErrDisabledOpcode
		case t.Op == OpCodeSeparator:
			if v == legacy && e.flags&VerifyConstScriptCode != 0 {
				return ErrOpCodeSeparator
			}
			if executed {
				e.code = script[t.Offset():]
				e.leaf.CodeSeparator = index
			}
		case executed || t.Op >= OpIf && t.Op <= OpEndIf:
			if code := e.exec(t.Op); code != errOK {
				return code
			}
		}
		if len(e.stack)+len(e.alt) > MaxStackSize {
			return ErrStackSize
		}
	}
	switch {
	case t.Malformed():
		return ErrBadOpcode
	case e.cond.depth > 0:
		return ErrUnbalancedConditional
	}
	return errOK
}

// minimalPush reports whether data could not be pushed in fewer bytes than
// with op, one of the opcodes up to OpPushData4.
func minimalPush(op Opcode, data []byte) bool {
	switch n := len(data); {
	case n == 0:
		return op == Op0
	case n == 1 && (data[0] >= 1 && data[0] <= 16 || data[0] == 0x81):
		return false // Op1 to Op16 and Op1Negate are shorter
	case n <= int(OpData75):
		return int(op) == n
	case n <= 0xff:
		return op == OpPushData1
	case n <= 0xffff:
		return op == OpPushData2
	}
	return true
}

// disabled reports whether op fails a legacy or witness v0 script, in any branch
// (CVE-2010-5137). In tapscript the same values are OP_SUCCESSx.
func disabled(op Opcode) bool {
	switch op {
	case OpCat, OpSubstr, OpLeft, OpRight, OpInvert, OpAnd, OpOr, OpXor,
		Op2Mul, Op2Div, OpMul, OpDiv, OpMod, OpLShift, OpRShift:
		return true
	}
	return false
}

// exec executes an opcode above OpPushData4.
func (e *engine) exec(op Opcode) ErrorCode {
	if len(e.stack) < int(operands[op]) {
		return ErrInvalidStackOperation
	}
	switch op {
	case Op1Negate:
		e.pushNum(-1)
	case Op1, Op1 + 1, Op1 + 2, Op1 + 3, Op1 + 4, Op1 + 5, Op1 + 6, Op1 + 7,
		Op1 + 8, Op1 + 9, Op1 + 10, Op1 + 11, Op1 + 12, Op1 + 13, Op1 + 14, Op16:
		e.pushNum(int64(op-Op1) + 1)

	case OpNop:
	case OpNop1, OpNop4, OpNop4 + 1, OpNop4 + 2, OpNop4 + 3, OpNop4 + 4, OpNop4 + 5, OpNop10:
		if e.flags&VerifyDiscourageUpgradableNops != 0 {
			return ErrDiscourageUpgradableNops
		}
	case OpIf, OpNotIf:
		return e.opIf(op)
	case OpElse:
		if e.cond.depth == 0 {
			return ErrUnbalancedConditional
		}
		e.cond.toggle()
	case OpEndIf:
		if e.cond.depth == 0 {
			return ErrUnbalancedConditional
		}
		e.cond.pop()
	case OpVerify:
		return e.verify(ErrVerify)
	case OpReturn:
		return ErrOpReturn
	case OpCheckLockTimeVerify:
		return e.opCheckLockTimeVerify()
	case OpCheckSequenceVerify:
		return e.opCheckSequenceVerify()

	case OpToAltStack:
		e.alt = append(e.alt, e.pop())
	case OpFromAltStack:
		return e.opFromAltStack()
	case Op2Drop:
		e.drop(2)
	case Op2Dup:
		e.copyDown(2, 2)
	case Op3Dup:
		e.copyDown(3, 3)
	case Op2Over:
		e.copyDown(4, 2)
	case Op2Rot:
		e.roll(5)
		e.roll(5)
	case Op2Swap:
		e.roll(3)
		e.roll(3)
	case OpIfDup:
		if truth(e.top(0)) {
			e.push(e.top(0))
		}
	case OpDepth:
		e.pushNum(int64(len(e.stack)))
	case OpDrop:
		e.drop(1)
	case OpDup:
		e.push(e.top(0))
	case OpNip:
		e.roll(1)
		e.drop(1)
	case OpOver:
		e.push(e.top(1))
	case OpPick, OpRoll:
		return e.opPick(op)
	case OpRot:
		e.roll(2)
	case OpSwap:
		e.roll(1)
	case OpTuck:
		e.roll(1)
		e.push(e.top(1))
	case OpSize:
		e.pushNum(int64(len(e.top(0))))

	case OpEqual:
		e.opEqual()
	case OpEqualVerify:
		e.opEqual()
		return e.verify(ErrEqualVerify)

	case Op1Add, Op1Sub, OpNegate, OpAbs, OpNot, Op0NotEqual:
		return e.opUnary(op)
	case OpAdd, OpSub, OpBoolAnd, OpBoolOr, OpNumEqual, OpNumNotEqual, OpLessThan, OpGreaterThan,
		OpLessThanOrEqual, OpGreaterThanOrEqual, OpMin, OpMax:
		return e.opBinary(op)
	case OpNumEqualVerify:
		if code := e.opBinary(OpNumEqual); code != errOK {
			return code
		}
		return e.verify(ErrNumEqualVerify)
	case OpWithin:
		return e.opWithin()

	case OpRIPEMD160, OpSHA1, OpSHA256, OpHash160, OpHash256:
		e.opHash(op)
	case OpCheckSig:
		return e.opCheckSig()
	case OpCheckSigVerify:
		if code := e.opCheckSig(); code != errOK {
			return code
		}
		return e.verify(ErrCheckSigVerify)
	case OpCheckSigAdd:
		return e.opCheckSigAdd()
	case OpCheckMultisig:
		return e.opCheckMultisig()
	case OpCheckMultisigVerify:
		if code := e.opCheckMultisig(); code != errOK {
			return code
		}
		return e.verify(ErrCheckMultisigVerify)

	default:
		return ErrBadOpcode
	}
	return errOK
}

// operands is how many elements must be on the stack, for the opcodes whose
// first check that is.
var operands = [256]uint8{
	OpVerify: 1, OpToAltStack: 1, Op2Drop: 2, Op2Dup: 2, Op3Dup: 3, Op2Over: 4, Op2Rot: 6, Op2Swap: 4,
	OpIfDup: 1, OpDrop: 1, OpDup: 1, OpNip: 2, OpOver: 2, OpPick: 2, OpRoll: 2, OpRot: 3, OpSwap: 2,
	OpTuck: 2, OpSize: 1, OpEqual: 2, OpEqualVerify: 2,
	Op1Add: 1, Op1Sub: 1, OpNegate: 1, OpAbs: 1, OpNot: 1, Op0NotEqual: 1,
	OpAdd: 2, OpSub: 2, OpBoolAnd: 2, OpBoolOr: 2, OpNumEqual: 2, OpNumEqualVerify: 2, OpNumNotEqual: 2,
	OpLessThan: 2, OpGreaterThan: 2, OpLessThanOrEqual: 2, OpGreaterThanOrEqual: 2, OpMin: 2, OpMax: 2,
	OpWithin: 3, OpRIPEMD160: 1, OpSHA1: 1, OpSHA256: 1, OpHash160: 1, OpHash256: 1,
	OpCheckSig: 2, OpCheckSigVerify: 2,
}
