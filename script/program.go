package script

// WitnessProgram returns the version and program of a pkScript that is one:
// a number from 0 to 16 and a single direct push of 2 to 40 bytes (BIP 141).
func WitnessProgram(pkScript []byte) (version int, program []byte, ok bool) {
	if len(pkScript) < 4 || len(pkScript) > 42 || int(pkScript[1])+2 != len(pkScript) {
		return 0, nil, false
	}
	op := Opcode(pkScript[0])
	switch {
	case op == Op0:
		return 0, pkScript[2:], true
	case op >= Op1 && op <= Op16:
		return int(op-Op1) + 1, pkScript[2:], true
	}
	return 0, nil, false
}

// isScriptHash reports whether pkScript pays to a script hash: the exact
// bytes of BIP 16, which leave no choice of push opcode.
func isScriptHash(pkScript []byte) bool {
	return len(pkScript) == 23 && Opcode(pkScript[0]) == OpHash160 && pkScript[1] == 20 &&
		Opcode(pkScript[22]) == OpEqual
}

// IsUnspendable reports whether no input can ever spend pkScript: it begins
// with OP_RETURN or is longer than MaxScriptSize. Such outputs are no coins.
func IsUnspendable(pkScript []byte) bool {
	return len(pkScript) > 0 && Opcode(pkScript[0]) == OpReturn || len(pkScript) > MaxScriptSize
}

// anchorProgram is the version 1 program of pay to anchor, "bc1pfeessrawgf".
var anchorProgram = []byte{0x4e, 0x73}
