package script

import "encoding/binary"

// Builder puts a script together. The zero Builder is empty and ready. Its
// methods change it and return it, to be chained:
//
//	new(script.Builder).Op(script.OpHash160).Data(hash[:]).Op(script.OpEqual).Script()
type Builder struct{ script []byte }

// Op appends an opcode.
func (b *Builder) Op(op Opcode) *Builder {
	b.script = append(b.script, byte(op))
	return b
}

// Data appends the shortest instruction that pushes data, which for the empty
// element and the numbers -1 and 1 to 16 is an opcode alone (BIP 62, rule 3).
func (b *Builder) Data(data []byte) *Builder {
	if len(data) == 1 {
		switch {
		case data[0] >= 1 && data[0] <= 16:
			return b.Op(Op1 + Opcode(data[0]) - 1)
		case data[0] == 0x81:
			return b.Op(Op1Negate)
		}
	}
	b.script = AppendPush(b.script, data)
	return b
}

// Int appends the shortest instruction that pushes n.
func (b *Builder) Int(n int64) *Builder {
	var buf [9]byte
	return b.Data(appendNum(buf[:0], n))
}

// Script returns the script. The Builder must not be used any further.
func (b *Builder) Script() []byte { return b.script }

// AppendPush appends a push of data with the shortest of the opcodes that are
// followed by data, or OP_0 for no data. Unlike Builder.Data it never uses the
// opcodes of numbers; this is the form in which signatures are deleted from
// scripts and redeem scripts must be pushed.
func AppendPush(dst, data []byte) []byte {
	switch n := len(data); {
	case n <= int(OpData75):
		dst = append(dst, byte(n))
	case n <= 0xff:
		dst = append(dst, byte(OpPushData1), byte(n))
	case n <= 0xffff:
		dst = append(dst, byte(OpPushData2), byte(n), byte(n>>8))
	default:
		dst = binary.LittleEndian.AppendUint32(append(dst, byte(OpPushData4)), uint32(n))
	}
	return append(dst, data...)
}
