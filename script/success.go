package script

// IsSuccess reports whether op is one of BIP 342's OP_SUCCESSx, which make a
// tapscript valid by standing in it.
func IsSuccess(op Opcode) bool { return isSuccess(op, 0) }

// isSuccess reports whether op makes a tapscript valid by being there: the
// OP_SUCCESSx of BIP 342. An opcode that a flag gives a meaning to is left out
// here for that flag, and executed by exec.
func isSuccess(op Opcode, _ Flags) bool {
	switch {
	case op < 0x50:
		return false
	case op >= 0xbb:
		return op <= 0xfe
	}
	switch {
	case op == 0x50, op == 0x62,
		op >= 0x7e && op <= 0x81,
		op >= 0x83 && op <= 0x86,
		op >= 0x89 && op <= 0x8a,
		op >= 0x8d && op <= 0x8e,
		op >= 0x95 && op <= 0x99:
		return true
	}
	return false
}
