package script

import "bytes"

// The caller of top, pop, drop, copyDown and roll has seen to it that the
// stack is deep enough.

// top returns the element at depth n; the uppermost has depth 0.
func (e *engine) top(n int) []byte { return e.stack[len(e.stack)-1-n] }

func (e *engine) push(b []byte) { e.stack = append(e.stack, b) }

func (e *engine) pop() []byte {
	b := e.top(0)
	e.drop(1)
	return b
}

func (e *engine) drop(n int) { e.stack = e.stack[:len(e.stack)-n] }

// copyDown pushes copies of the n elements of which the lowest is number from,
// counted from 1 at the top.
func (e *engine) copyDown(from, n int) {
	i := len(e.stack) - from
	e.stack = append(e.stack, e.stack[i:i+n]...)
}

// roll moves the element at depth n to the top.
func (e *engine) roll(n int) {
	i := len(e.stack) - 1 - n
	b := e.stack[i]
	copy(e.stack[i:], e.stack[i+1:])
	e.stack[len(e.stack)-1] = b
}

// alloc returns an empty slice with room for n bytes, for a new element.
func (e *engine) alloc(n int) []byte {
	if n > len(e.free) {
		e.free = make([]byte, 256)
	}
	b := e.free[:0:n]
	e.free = e.free[n:]
	return b
}

// smallNums holds the elements of the numbers -1 to 16.
var smallNums = func() (nums [18][]byte) {
	for i := range nums {
		nums[i] = appendNum(nil, int64(i)-1)
	}
	return nums
}()

func (e *engine) pushNum(n int64) {
	if n >= -1 && n <= 16 {
		e.push(smallNums[n+1])
		return
	}
	e.push(appendNum(e.alloc(8), n))
}

func (e *engine) pushBool(v bool) {
	if v {
		e.pushNum(1)
	} else {
		e.pushNum(0)
	}
}

// num reads the element at depth n as an operand.
func (e *engine) num(n int) (int64, ErrorCode) {
	return decodeNum(e.top(n), maxNumLen, e.flags&VerifyMinimalData != 0)
}

// verify takes the top element, and fails with code if it is false.
func (e *engine) verify(code ErrorCode) ErrorCode {
	if !truth(e.top(0)) {
		return code
	}
	e.drop(1)
	return errOK
}

func (e *engine) opIf(op Opcode) ErrorCode {
	if e.cond.anyFalse {
		e.cond.push(false)
		return errOK
	}
	if len(e.stack) == 0 {
		return ErrUnbalancedConditional
	}
	b := e.pop()
	if len(b) > 1 || len(b) == 1 && b[0] != 1 {
		switch {
		case e.version == tapscript:
			return ErrTapscriptMinimalIf
		case e.version == witnessV0 && e.flags&VerifyMinimalIf != 0:
			return ErrMinimalIf
		}
	}
	e.cond.push(truth(b) == (op == OpIf))
	return errOK
}

func (e *engine) opFromAltStack() ErrorCode {
	if len(e.alt) == 0 {
		return ErrInvalidAltStackOperation
	}
	e.push(e.alt[len(e.alt)-1])
	e.alt = e.alt[:len(e.alt)-1]
	return errOK
}

func (e *engine) opPick(op Opcode) ErrorCode {
	n, code := e.num(0)
	if code != errOK {
		return code
	}
	e.drop(1)
	if n < 0 || n >= int64(len(e.stack)) {
		return ErrInvalidStackOperation
	}
	if op == OpRoll {
		e.roll(int(n))
	} else {
		e.push(e.top(int(n)))
	}
	return errOK
}

func (e *engine) opEqual() {
	equal := bytes.Equal(e.top(0), e.top(1))
	e.drop(2)
	e.pushBool(equal)
}
