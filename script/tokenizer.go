package script

import "encoding/binary"

// Tokenizer walks the instructions of a script. It allocates nothing, and the
// data it hands out are slices of the script.
//
//	for t := script.Tokenize(pkScript); t.Next(); {
//		... t.Op, t.Data
//	}
//
// A push that the script is too short for ends the walk; see Malformed.
type Tokenizer struct {
	Op   Opcode
	Data []byte // what Op pushes from the script; nil for opcodes above OpPushData4

	script []byte
	off    int
	bad    bool
}

// Tokenize returns a Tokenizer that stands before the first instruction.
func Tokenize(script []byte) Tokenizer { return Tokenizer{script: script} }

// Next moves to the next instruction and reports whether there is one.
func (t *Tokenizer) Next() bool {
	if t.off >= len(t.script) || t.bad {
		return false
	}
	op := Opcode(t.script[t.off])
	if op > OpPushData4 {
		t.Op, t.Data = op, nil
		t.off++
		return true
	}
	return t.push(op)
}

func (t *Tokenizer) push(op Opcode) bool {
	t.off++
	rest := t.script[t.off:]
	n := uint64(op)
	switch op {
	case OpPushData1:
		if len(rest) < 1 {
			return t.fail()
		}
		n = uint64(rest[0])
		t.off++
	case OpPushData2:
		if len(rest) < 2 {
			return t.fail()
		}
		n = uint64(binary.LittleEndian.Uint16(rest))
		t.off += 2
	case OpPushData4:
		if len(rest) < 4 {
			return t.fail()
		}
		n = uint64(binary.LittleEndian.Uint32(rest))
		t.off += 4
	}
	rest = t.script[t.off:]
	if n > uint64(len(rest)) {
		return t.fail()
	}
	t.Op = op
	t.Data = rest[:n:n]
	t.off += int(n)
	return true
}

func (t *Tokenizer) fail() bool {
	t.Op, t.Data, t.bad = OpInvalid, nil, true
	return false
}

// Offset returns where the instruction after the current one begins, in bytes.
// After a malformed push it is where the bytes that are not there were to be.
func (t *Tokenizer) Offset() int { return t.off }

// Malformed reports, once Next has returned false, whether the walk ended at a
// push that the script is too short for.
func (t *Tokenizer) Malformed() bool { return t.bad }

// IsPushOnly reports whether script is well formed and has no opcode above
// Op16. OpReserved counts as a push here, as it does in Bitcoin Core.
func IsPushOnly(script []byte) bool {
	t := Tokenize(script)
	for t.Next() {
		if t.Op > Op16 {
			return false
		}
	}
	return !t.Malformed()
}
