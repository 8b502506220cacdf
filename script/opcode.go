package script

// Opcode is one instruction. Values up to 75 push that many of the bytes that
// follow; what the others mean can depend on where the script stands.
type Opcode byte

// The opcodes. Those without a comment beside them here do what their name in
// Bitcoin says in every kind of script.
const (
	Op0         Opcode = 0x00
	OpData1     Opcode = 0x01 // pushes the next byte; OpData1+n-1 pushes n bytes
	OpData75    Opcode = 0x4b
	OpPushData1 Opcode = 0x4c
	OpPushData2 Opcode = 0x4d
	OpPushData4 Opcode = 0x4e
	Op1Negate   Opcode = 0x4f
	OpReserved  Opcode = 0x50
	Op1         Opcode = 0x51 // Op1+n-1 pushes the number n
	Op16        Opcode = 0x60

	OpNop      Opcode = 0x61
	OpVer      Opcode = 0x62
	OpIf       Opcode = 0x63
	OpNotIf    Opcode = 0x64
	OpVerIf    Opcode = 0x65 // invalid even where it is not executed
	OpVerNotIf Opcode = 0x66 // invalid even where it is not executed
	OpElse     Opcode = 0x67
	OpEndIf    Opcode = 0x68
	OpVerify   Opcode = 0x69
	OpReturn   Opcode = 0x6a

	OpToAltStack   Opcode = 0x6b
	OpFromAltStack Opcode = 0x6c
	Op2Drop        Opcode = 0x6d
	Op2Dup         Opcode = 0x6e
	Op3Dup         Opcode = 0x6f
	Op2Over        Opcode = 0x70
	Op2Rot         Opcode = 0x71
	Op2Swap        Opcode = 0x72
	OpIfDup        Opcode = 0x73
	OpDepth        Opcode = 0x74
	OpDrop         Opcode = 0x75
	OpDup          Opcode = 0x76
	OpNip          Opcode = 0x77
	OpOver         Opcode = 0x78
	OpPick         Opcode = 0x79
	OpRoll         Opcode = 0x7a
	OpRot          Opcode = 0x7b
	OpSwap         Opcode = 0x7c
	OpTuck         Opcode = 0x7d

	OpCat    Opcode = 0x7e // disabled
	OpSubstr Opcode = 0x7f // disabled
	OpLeft   Opcode = 0x80 // disabled
	OpRight  Opcode = 0x81 // disabled
	OpSize   Opcode = 0x82

	OpInvert      Opcode = 0x83 // disabled
	OpAnd         Opcode = 0x84 // disabled
	OpOr          Opcode = 0x85 // disabled
	OpXor         Opcode = 0x86 // disabled
	OpEqual       Opcode = 0x87
	OpEqualVerify Opcode = 0x88
	OpReserved1   Opcode = 0x89
	OpReserved2   Opcode = 0x8a

	Op1Add               Opcode = 0x8b
	Op1Sub               Opcode = 0x8c
	Op2Mul               Opcode = 0x8d // disabled
	Op2Div               Opcode = 0x8e // disabled
	OpNegate             Opcode = 0x8f
	OpAbs                Opcode = 0x90
	OpNot                Opcode = 0x91
	Op0NotEqual          Opcode = 0x92
	OpAdd                Opcode = 0x93
	OpSub                Opcode = 0x94
	OpMul                Opcode = 0x95 // disabled
	OpDiv                Opcode = 0x96 // disabled
	OpMod                Opcode = 0x97 // disabled
	OpLShift             Opcode = 0x98 // disabled
	OpRShift             Opcode = 0x99 // disabled
	OpBoolAnd            Opcode = 0x9a
	OpBoolOr             Opcode = 0x9b
	OpNumEqual           Opcode = 0x9c
	OpNumEqualVerify     Opcode = 0x9d
	OpNumNotEqual        Opcode = 0x9e
	OpLessThan           Opcode = 0x9f
	OpGreaterThan        Opcode = 0xa0
	OpLessThanOrEqual    Opcode = 0xa1
	OpGreaterThanOrEqual Opcode = 0xa2
	OpMin                Opcode = 0xa3
	OpMax                Opcode = 0xa4
	OpWithin             Opcode = 0xa5

	OpRIPEMD160           Opcode = 0xa6
	OpSHA1                Opcode = 0xa7
	OpSHA256              Opcode = 0xa8
	OpHash160             Opcode = 0xa9
	OpHash256             Opcode = 0xaa
	OpCodeSeparator       Opcode = 0xab
	OpCheckSig            Opcode = 0xac
	OpCheckSigVerify      Opcode = 0xad
	OpCheckMultisig       Opcode = 0xae // fails in tapscript
	OpCheckMultisigVerify Opcode = 0xaf // fails in tapscript

	OpNop1                Opcode = 0xb0
	OpCheckLockTimeVerify Opcode = 0xb1
	OpCheckSequenceVerify Opcode = 0xb2
	OpNop4                Opcode = 0xb3
	OpNop10               Opcode = 0xb9
	OpCheckSigAdd         Opcode = 0xba // tapscript only

	OpInvalid Opcode = 0xff
)

// String returns the name that Bitcoin Core prints: "OP_DUP", "0", "-1", "16",
// and "OP_UNKNOWN" for what has none.
func (op Opcode) String() string {
	if name := opcodeNames[op]; name != "" {
		return name
	}
	return "OP_UNKNOWN"
}

var opcodeNames = [256]string{
	Op0: "0", OpPushData1: "OP_PUSHDATA1", OpPushData2: "OP_PUSHDATA2", OpPushData4: "OP_PUSHDATA4",
	Op1Negate: "-1", OpReserved: "OP_RESERVED",
	Op1: "1", Op1 + 1: "2", Op1 + 2: "3", Op1 + 3: "4", Op1 + 4: "5", Op1 + 5: "6", Op1 + 6: "7", Op1 + 7: "8",
	Op1 + 8: "9", Op1 + 9: "10", Op1 + 10: "11", Op1 + 11: "12", Op1 + 12: "13", Op1 + 13: "14", Op1 + 14: "15", Op16: "16",

	OpNop: "OP_NOP", OpVer: "OP_VER", OpIf: "OP_IF", OpNotIf: "OP_NOTIF", OpVerIf: "OP_VERIF",
	OpVerNotIf: "OP_VERNOTIF", OpElse: "OP_ELSE", OpEndIf: "OP_ENDIF", OpVerify: "OP_VERIFY", OpReturn: "OP_RETURN",

	OpToAltStack: "OP_TOALTSTACK", OpFromAltStack: "OP_FROMALTSTACK", Op2Drop: "OP_2DROP", Op2Dup: "OP_2DUP",
	Op3Dup: "OP_3DUP", Op2Over: "OP_2OVER", Op2Rot: "OP_2ROT", Op2Swap: "OP_2SWAP", OpIfDup: "OP_IFDUP",
	OpDepth: "OP_DEPTH", OpDrop: "OP_DROP", OpDup: "OP_DUP", OpNip: "OP_NIP", OpOver: "OP_OVER", OpPick: "OP_PICK",
	OpRoll: "OP_ROLL", OpRot: "OP_ROT", OpSwap: "OP_SWAP", OpTuck: "OP_TUCK",

	OpCat: "OP_CAT", OpSubstr: "OP_SUBSTR", OpLeft: "OP_LEFT", OpRight: "OP_RIGHT", OpSize: "OP_SIZE",
	OpInvert: "OP_INVERT", OpAnd: "OP_AND", OpOr: "OP_OR", OpXor: "OP_XOR", OpEqual: "OP_EQUAL",
	OpEqualVerify: "OP_EQUALVERIFY", OpReserved1: "OP_RESERVED1", OpReserved2: "OP_RESERVED2",

	Op1Add: "OP_1ADD", Op1Sub: "OP_1SUB", Op2Mul: "OP_2MUL", Op2Div: "OP_2DIV", OpNegate: "OP_NEGATE", OpAbs: "OP_ABS",
	OpNot: "OP_NOT", Op0NotEqual: "OP_0NOTEQUAL", OpAdd: "OP_ADD", OpSub: "OP_SUB", OpMul: "OP_MUL", OpDiv: "OP_DIV",
	OpMod: "OP_MOD", OpLShift: "OP_LSHIFT", OpRShift: "OP_RSHIFT", OpBoolAnd: "OP_BOOLAND", OpBoolOr: "OP_BOOLOR",
	OpNumEqual: "OP_NUMEQUAL", OpNumEqualVerify: "OP_NUMEQUALVERIFY", OpNumNotEqual: "OP_NUMNOTEQUAL",
	OpLessThan: "OP_LESSTHAN", OpGreaterThan: "OP_GREATERTHAN", OpLessThanOrEqual: "OP_LESSTHANOREQUAL",
	OpGreaterThanOrEqual: "OP_GREATERTHANOREQUAL", OpMin: "OP_MIN", OpMax: "OP_MAX", OpWithin: "OP_WITHIN",

	OpRIPEMD160: "OP_RIPEMD160", OpSHA1: "OP_SHA1", OpSHA256: "OP_SHA256", OpHash160: "OP_HASH160",
	OpHash256: "OP_HASH256", OpCodeSeparator: "OP_CODESEPARATOR", OpCheckSig: "OP_CHECKSIG",
	OpCheckSigVerify: "OP_CHECKSIGVERIFY", OpCheckMultisig: "OP_CHECKMULTISIG",
	OpCheckMultisigVerify: "OP_CHECKMULTISIGVERIFY",

	OpNop1: "OP_NOP1", OpCheckLockTimeVerify: "OP_CHECKLOCKTIMEVERIFY", OpCheckSequenceVerify: "OP_CHECKSEQUENCEVERIFY",
	OpNop4: "OP_NOP4", OpNop4 + 1: "OP_NOP5", OpNop4 + 2: "OP_NOP6", OpNop4 + 3: "OP_NOP7", OpNop4 + 4: "OP_NOP8",
	OpNop4 + 5: "OP_NOP9", OpNop10: "OP_NOP10", OpCheckSigAdd: "OP_CHECKSIGADD", OpInvalid: "OP_INVALIDOPCODE",
}
