package script

// IsSuccess reports whether op is one of BIP 342's OP_SUCCESSx, which make a
// tapscript valid by standing in it.
func IsSuccess(op Opcode) bool { return isSuccess(op, 0) }
