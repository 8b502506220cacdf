package script

// The limits of consensus on scripts and their execution.
const (
	MaxScriptSize      = 10_000 // bytes of an executed legacy or witness v0 script
	MaxElementSize     = 520    // bytes of one stack element
	MaxOpsPerScript    = 201    // opcodes above OP_16, legacy and witness v0
	MaxStackSize       = 1_000  // elements on the stack and the alternative stack together
	MaxPubKeysMultisig = 20     // keys of one OP_CHECKMULTISIG
)

// The sizes of BIP 341's control block and BIP 342's signature budget.
const (
	controlBaseSize  = 33 // leaf version and parity, internal key
	controlNodeSize  = 32
	controlMaxNodes  = 128
	leafVersionMask  = 0xfe
	leafTapscript    = 0xc0
	annexTag         = 0x50
	sigOpBudgetStart = 50 // added to the serialized size of the witness
	sigOpBudgetCost  = 50 // per signature check with a non-empty signature
)

// lockTimeThreshold is the first lock time that is a time and not a height.
const lockTimeThreshold = 500_000_000

// The bits of a sequence number under BIP 68.
const (
	sequenceDisable = 1 << 31
	sequenceIsTime  = 1 << 22
	sequenceMask    = 0xffff
)
