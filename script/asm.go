package script

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
)

// Disassemble returns script as text in the form that Bitcoin Core prints as
// "asm": the names of opcodes, pushes of up to four bytes as numbers, longer
// ones in hexadecimal, and "[error]" for a malformed push at the end.
func Disassemble(script []byte) string { return disassemble(script, false) }

// DisassembleSigScript is Disassemble for the script of an input: what has the
// form of a signature is printed without its last byte, whose meaning follows
// in brackets, as in "[ALL|ANYONECANPAY]".
func DisassembleSigScript(script []byte) string {
	return disassemble(script, !IsUnspendable(script))
}

func disassemble(script []byte, signatures bool) string {
	var text []byte
	t := Tokenize(script)
	for t.Next() {
		if len(text) > 0 {
			text = append(text, ' ')
		}
		switch {
		case t.Op > OpPushData4:
			text = append(text, t.Op.String()...)
		case len(t.Data) == 0:
			text = append(text, '0')
		case len(t.Data) <= maxNumLen:
			text = strconv.AppendInt(text, numValue(t.Data), 10)
		case signatures:
			text = appendSignature(text, t.Data)
		default:
			text = hex.AppendEncode(text, t.Data)
		}
	}
	if t.Malformed() {
		if len(text) > 0 {
			text = append(text, ' ')
		}
		text = append(text, "[error]"...)
	}
	return string(text)
}

// appendSignature appends data in hexadecimal, with its last byte in words if
// it is a signature in strict encoding.
func appendSignature(text, data []byte) []byte {
	if checkSigEncoding(data, VerifyStrictEnc) != errOK {
		return hex.AppendEncode(text, data)
	}
	last := len(data) - 1
	text = hex.AppendEncode(text, data[:last])
	return append(append(append(text, '['), hashTypeName(data[last])...), ']')
}

// hashTypeName returns the name of a hash type of legacy and witness v0
// signatures, such as "SINGLE|ANYONECANPAY", or "" if it is not defined.
func hashTypeName(hashType byte) string {
	if !isDefinedHashType(hashType) {
		return ""
	}
	name := [...]string{SigHashAll: "ALL", SigHashNone: "NONE", SigHashSingle: "SINGLE"}[hashType&^SigHashAnyOneCanPay]
	if hashType&SigHashAnyOneCanPay != 0 {
		name += "|ANYONECANPAY"
	}
	return name
}

// maxAsmNumber is the largest number that Assemble takes, of either sign.
const maxAsmNumber = 0xffffffff

// Assemble reads the text form of Bitcoin Core's test vectors. Words are
// separated by blanks, tabs and new lines:
//
//	DUP, OP_DUP    the opcode; names of pushes and numbers are not taken
//	-1, 0, 300     the shortest push of the number
//	0x4c01ff       these bytes, as they are
//	'abc'          a push of the characters; it cannot hold a blank
func Assemble(text string) ([]byte, error) {
	var b Builder
	for word := range strings.FieldsFuncSeq(text, isAsmSpace) {
		if err := b.word(word); err != nil {
			return nil, fmt.Errorf("assemble script: %w", err)
		}
	}
	return b.script, nil
}

func isAsmSpace(r rune) bool { return r == ' ' || r == '\t' || r == '\n' }

func (b *Builder) word(word string) error {
	switch {
	case isDecimal(word):
		n, err := strconv.ParseInt(word, 10, 64)
		if err != nil || n > maxAsmNumber || n < -maxAsmNumber {
			return fmt.Errorf("number %s is not in the range -0xffffffff to 0xffffffff", word)
		}
		b.Int(n)
	case strings.HasPrefix(word, "0x") && len(word) > 2:
		raw, err := hex.DecodeString(word[2:])
		if err != nil {
			return fmt.Errorf("%q is not hexadecimal", word)
		}
		b.script = append(b.script, raw...)
	case len(word) >= 2 && word[0] == '\'' && word[len(word)-1] == '\'':
		b.script = AppendPush(b.script, []byte(word[1:len(word)-1]))
	default:
		op, ok := parseOpcode(word)
		if !ok {
			return fmt.Errorf("%q is not an opcode, a number, hexadecimal with 0x or a text in single quotes", word)
		}
		b.Op(op)
	}
	return nil
}

func isDecimal(word string) bool {
	digits := strings.TrimPrefix(word, "-")
	for _, c := range []byte(digits) {
		if c < '0' || c > '9' {
			return false
		}
	}
	return digits != ""
}

// parseOpcode finds an opcode by its name, with or without the prefix "OP_".
func parseOpcode(word string) (Opcode, bool) {
	name := "OP_" + strings.TrimPrefix(word, "OP_")
	for op := OpReserved; op <= OpCheckSigAdd; op++ {
		if opcodeNames[op] == name {
			return op, true
		}
	}
	return 0, false
}
