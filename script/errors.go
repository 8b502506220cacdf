package script

// ErrorCode says why a script fails. It is an error, is matched with errors.Is
// or ==, and stands for one of Bitcoin Core's ScriptError. The codes are those
// of its release 28 and the two that later releases split off from them.
type ErrorCode uint8

// The error codes, in the order of Bitcoin Core's enumeration. The zero value
// is success, which Verify reports as a nil error.
const (
	errOK ErrorCode = iota

	ErrEvalFalse
	ErrOpReturn

	ErrScriptSize
	ErrPushSize
	ErrOpCount
	ErrStackSize
	ErrSigCount
	ErrPubKeyCount

	ErrVerify
	ErrEqualVerify
	ErrCheckMultisigVerify
	ErrCheckSigVerify
	ErrNumEqualVerify

	ErrBadOpcode
	ErrDisabledOpcode
	ErrInvalidStackOperation
	ErrInvalidAltStackOperation
	ErrUnbalancedConditional

	ErrNegativeLockTime
	ErrUnsatisfiedLockTime

	ErrSigHashType
	ErrSigDER
	ErrMinimalData
	ErrSigPushOnly
	ErrSigHighS
	ErrSigNullDummy
	ErrPubKeyType
	ErrCleanStack
	ErrMinimalIf
	ErrNullFail

	ErrDiscourageUpgradableNops
	ErrDiscourageUpgradableWitnessProgram
	ErrDiscourageUpgradableTaprootVersion
	ErrDiscourageOpSuccess
	ErrDiscourageUpgradablePubKeyType

	ErrWitnessProgramWrongLength
	ErrWitnessProgramWitnessEmpty
	ErrWitnessProgramMismatch
	ErrWitnessMalleated
	ErrWitnessMalleatedP2SH
	ErrWitnessUnexpected
	ErrWitnessPubKeyType

	ErrSchnorrSigSize
	ErrSchnorrSigHashType
	ErrSchnorrSig
	ErrTaprootWrongControlSize
	ErrTapscriptValidationWeight
	ErrTapscriptCheckMultisig
	ErrTapscriptMinimalIf
	ErrTapscriptEmptyPubKey // Bitcoin Core 28 reports it as PUBKEYTYPE, whose text it has

	ErrOpCodeSeparator
	ErrSigFindAndDelete

	ErrScriptNum // Bitcoin Core 28 reports it as UNKNOWN_ERROR, whose text it has

	errorCount
)

// errorTexts holds each code's name in Bitcoin Core's script_tests.json and
// the text of its ScriptErrorString, which reject reasons carry.
var errorTexts = [errorCount]struct{ name, text string }{
	errOK:                                 {"OK", "No error"},
	ErrEvalFalse:                          {"EVAL_FALSE", "Script evaluated without error but finished with a false/empty top stack element"},
	ErrOpReturn:                           {"OP_RETURN", "OP_RETURN was encountered"},
	ErrScriptSize:                         {"SCRIPT_SIZE", "Script is too big"},
	ErrPushSize:                           {"PUSH_SIZE", "Push value size limit exceeded"},
	ErrOpCount:                            {"OP_COUNT", "Operation limit exceeded"},
	ErrStackSize:                          {"STACK_SIZE", "Stack size limit exceeded"},
	ErrSigCount:                           {"SIG_COUNT", "Signature count negative or greater than pubkey count"},
	ErrPubKeyCount:                        {"PUBKEY_COUNT", "Pubkey count negative or limit exceeded"},
	ErrVerify:                             {"VERIFY", "Script failed an OP_VERIFY operation"},
	ErrEqualVerify:                        {"EQUALVERIFY", "Script failed an OP_EQUALVERIFY operation"},
	ErrCheckMultisigVerify:                {"CHECKMULTISIGVERIFY", "Script failed an OP_CHECKMULTISIGVERIFY operation"},
	ErrCheckSigVerify:                     {"CHECKSIGVERIFY", "Script failed an OP_CHECKSIGVERIFY operation"},
	ErrNumEqualVerify:                     {"NUMEQUALVERIFY", "Script failed an OP_NUMEQUALVERIFY operation"},
	ErrBadOpcode:                          {"BAD_OPCODE", "Opcode missing or not understood"},
	ErrDisabledOpcode:                     {"DISABLED_OPCODE", "Attempted to use a disabled opcode"},
	ErrInvalidStackOperation:              {"INVALID_STACK_OPERATION", "Operation not valid with the current stack size"},
	ErrInvalidAltStackOperation:           {"INVALID_ALTSTACK_OPERATION", "Operation not valid with the current altstack size"},
	ErrUnbalancedConditional:              {"UNBALANCED_CONDITIONAL", "Invalid OP_IF construction"},
	ErrNegativeLockTime:                   {"NEGATIVE_LOCKTIME", "Negative locktime"},
	ErrUnsatisfiedLockTime:                {"UNSATISFIED_LOCKTIME", "Locktime requirement not satisfied"},
	ErrSigHashType:                        {"SIG_HASHTYPE", "Signature hash type missing or not understood"},
	ErrSigDER:                             {"SIG_DER", "Non-canonical DER signature"},
	ErrMinimalData:                        {"MINIMALDATA", "Data push larger than necessary"},
	ErrSigPushOnly:                        {"SIG_PUSHONLY", "Only push operators allowed in signatures"},
	ErrSigHighS:                           {"SIG_HIGH_S", "Non-canonical signature: S value is unnecessarily high"},
	ErrSigNullDummy:                       {"SIG_NULLDUMMY", "Dummy CHECKMULTISIG argument must be zero"},
	ErrPubKeyType:                         {"PUBKEYTYPE", "Public key is neither compressed or uncompressed"},
	ErrCleanStack:                         {"CLEANSTACK", "Stack size must be exactly one after execution"},
	ErrMinimalIf:                          {"MINIMALIF", "OP_IF/NOTIF argument must be minimal"},
	ErrNullFail:                           {"NULLFAIL", "Signature must be zero for failed CHECK(MULTI)SIG operation"},
	ErrDiscourageUpgradableNops:           {"DISCOURAGE_UPGRADABLE_NOPS", "NOPx reserved for soft-fork upgrades"},
	ErrDiscourageUpgradableWitnessProgram: {"DISCOURAGE_UPGRADABLE_WITNESS_PROGRAM", "Witness version reserved for soft-fork upgrades"},
	ErrDiscourageUpgradableTaprootVersion: {"DISCOURAGE_UPGRADABLE_TAPROOT_VERSION", "Taproot version reserved for soft-fork upgrades"},
	ErrDiscourageOpSuccess:                {"DISCOURAGE_OP_SUCCESS", "OP_SUCCESSx reserved for soft-fork upgrades"},
	ErrDiscourageUpgradablePubKeyType:     {"DISCOURAGE_UPGRADABLE_PUBKEYTYPE", "Public key version reserved for soft-fork upgrades"},
	ErrWitnessProgramWrongLength:          {"WITNESS_PROGRAM_WRONG_LENGTH", "Witness program has incorrect length"},
	ErrWitnessProgramWitnessEmpty:         {"WITNESS_PROGRAM_WITNESS_EMPTY", "Witness program was passed an empty witness"},
	ErrWitnessProgramMismatch:             {"WITNESS_PROGRAM_MISMATCH", "Witness program hash mismatch"},
	ErrWitnessMalleated:                   {"WITNESS_MALLEATED", "Witness requires empty scriptSig"},
	ErrWitnessMalleatedP2SH:               {"WITNESS_MALLEATED_P2SH", "Witness requires only-redeemscript scriptSig"},
	ErrWitnessUnexpected:                  {"WITNESS_UNEXPECTED", "Witness provided for non-witness script"},
	ErrWitnessPubKeyType:                  {"WITNESS_PUBKEYTYPE", "Using non-compressed keys in segwit"},
	ErrSchnorrSigSize:                     {"SCHNORR_SIG_SIZE", "Invalid Schnorr signature size"},
	ErrSchnorrSigHashType:                 {"SCHNORR_SIG_HASHTYPE", "Invalid Schnorr signature hash type"},
	ErrSchnorrSig:                         {"SCHNORR_SIG", "Invalid Schnorr signature"},
	ErrTaprootWrongControlSize:            {"TAPROOT_WRONG_CONTROL_SIZE", "Invalid Taproot control block size"},
	ErrTapscriptValidationWeight:          {"TAPSCRIPT_VALIDATION_WEIGHT", "Too much signature validation relative to witness weight"},
	ErrTapscriptCheckMultisig:             {"TAPSCRIPT_CHECKMULTISIG", "OP_CHECKMULTISIG(VERIFY) is not available in tapscript"},
	ErrTapscriptMinimalIf:                 {"TAPSCRIPT_MINIMALIF", "OP_IF/NOTIF argument must be minimal in tapscript"},
	ErrTapscriptEmptyPubKey:               {"TAPSCRIPT_EMPTY_PUBKEY", "Public key is neither compressed or uncompressed"},
	ErrOpCodeSeparator:                    {"OP_CODESEPARATOR", "Using OP_CODESEPARATOR in non-witness script"},
	ErrSigFindAndDelete:                   {"SIG_FINDANDDELETE", "Signature is found in scriptCode"},
	ErrScriptNum:                          {"SCRIPTNUM", "unknown error"},
}

// Error returns the text of Bitcoin Core's ScriptErrorString.
func (c ErrorCode) Error() string {
	if c >= errorCount {
		return "unknown error"
	}
	return errorTexts[c].text
}

// Name returns the name that Bitcoin Core's test vectors use: "EVAL_FALSE".
func (c ErrorCode) Name() string {
	if c >= errorCount {
		return "UNKNOWN_ERROR"
	}
	return errorTexts[c].name
}

// err returns c as an error, nil for success.
func (c ErrorCode) err() error {
	if c == errOK {
		return nil
	}
	return c
}
