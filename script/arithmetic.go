package script

func (e *engine) opUnary(op Opcode) ErrorCode {
	n, code := e.num(0)
	if code != errOK {
		return code
	}
	e.drop(1)
	switch op {
	case Op1Add:
		n++
	case Op1Sub:
		n--
	case OpNegate:
		n = -n
	case OpAbs:
		n = max(n, -n)
	case OpNot:
		n = number(n == 0)
	case Op0NotEqual:
		n = number(n != 0)
	}
	e.pushNum(n)
	return errOK
}

func (e *engine) opBinary(op Opcode) ErrorCode {
	a, code := e.num(1)
	if code != errOK {
		return code
	}
	b, code := e.num(0)
	if code != errOK {
		return code
	}
	e.drop(2)
	e.pushNum(combine(op, a, b))
	return errOK
}

func combine(op Opcode, a, b int64) int64 {
	switch op {
	case OpAdd:
		return a + b
	case OpSub:
		return a - b
	case OpBoolAnd:
		return number(a != 0 && b != 0)
	case OpBoolOr:
		return number(a != 0 || b != 0)
	case OpNumEqual:
		return number(a == b)
	case OpNumNotEqual:
		return number(a != b)
	case OpLessThan:
		return number(a < b)
	case OpGreaterThan:
		return number(a > b)
	case OpLessThanOrEqual:
		return number(a <= b)
	case OpGreaterThanOrEqual:
		return number(a >= b)
	case OpMin:
		return min(a, b)
	}
	return max(a, b) // OpMax
}

func number(v bool) int64 {
	if v {
		return 1
	}
	return 0
}

func (e *engine) opWithin() ErrorCode {
	var n [3]int64 // the number, the least, and the first that is too large
	for i := range n {
		var code ErrorCode
		if n[i], code = e.num(2 - i); code != errOK {
			return code
		}
	}
	e.drop(3)
	e.pushBool(n[1] <= n[0] && n[0] < n[2])
	return errOK
}
