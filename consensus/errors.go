package consensus

import (
	"errors"
	"fmt"
)

// ErrorKind is a rule that can be broken. Kinds are errors themselves, so that
// errors.Is(err, consensus.ErrHighHash) tells what a RuleError is about.
type ErrorKind uint8

// The rules, in the order in which a block meets them.
const (
	// Block, context-free.
	ErrHighHash ErrorKind = iota
	ErrMerkleRoot
	ErrDuplicateTx
	ErrBlockLength
	ErrCoinbaseMissing
	ErrCoinbaseMultiple
	ErrBlockSigOps

	// Transaction, context-free.
	ErrNoInputs
	ErrNoOutputs
	ErrTxOversize
	ErrOutputNegative
	ErrOutputTooLarge
	ErrOutputTotalTooLarge
	ErrDuplicateInput
	ErrCoinbaseLength
	ErrNullPrevOut

	// Header.
	ErrPrevBlock
	ErrDifficultyBits
	ErrTimeTooOld
	ErrTimeWarp
	ErrNegativePeriod
	ErrTimeTooNew
	ErrBlockVersion

	// Block, against the chain of headers.
	ErrNonFinal
	ErrCoinbaseHeight
	ErrCoinbaseLockTime
	ErrCoinbaseSequence
	ErrTxSize64
	ErrWitnessNonceSize
	ErrWitnessCommitment
	ErrUnexpectedWitness
	ErrBlockWeight

	// Block and transaction, against the coins.
	ErrOverwrite
	ErrMissingInput
	ErrImmatureSpend
	ErrInputValueRange
	ErrOutputsExceedInputs
	ErrFeeRange
	ErrFeeTotalRange
	ErrTxLegacySigOps
	ErrSequenceLock
	ErrScript
	ErrCoinbaseAmount

	numErrorKinds
)

// kindInfo is what there is to say about a kind.
type kindInfo struct {
	reason  string
	meaning string
	mutated bool
}

// kinds gives each kind Bitcoin Core's reject string (those of BIP 54 are the
// ones of Bitcoin Inquisition) and whether the fault can be put on a block
// by someone who changes the body but not the header.
var kinds = [numErrorKinds]kindInfo{
	ErrHighHash:         {"high-hash", "hash is above the target", false},
	ErrMerkleRoot:       {"bad-txnmrklroot", "merkle root does not match the transactions", true},
	ErrDuplicateTx:      {"bad-txns-duplicate", "merkle tree has duplicated leaves", true},
	ErrBlockLength:      {"bad-blk-length", "block is empty or too long", false},
	ErrCoinbaseMissing:  {"bad-cb-missing", "first transaction is not a coinbase", false},
	ErrCoinbaseMultiple: {"bad-cb-multiple", "more than one coinbase", false},
	ErrBlockSigOps:      {"bad-blk-sigops", "too many signature operations in block", false},

	ErrNoInputs:            {"bad-txns-vin-empty", "transaction has no inputs", false},
	ErrNoOutputs:           {"bad-txns-vout-empty", "transaction has no outputs", false},
	ErrTxOversize:          {"bad-txns-oversize", "transaction is larger than a block may be", false},
	ErrOutputNegative:      {"bad-txns-vout-negative", "output value is negative", false},
	ErrOutputTooLarge:      {"bad-txns-vout-toolarge", "output value is above the money limit", false},
	ErrOutputTotalTooLarge: {"bad-txns-txouttotal-toolarge", "sum of outputs is above the money limit", false},
	ErrDuplicateInput:      {"bad-txns-inputs-duplicate", "transaction spends an output twice", false},
	ErrCoinbaseLength:      {"bad-cb-length", "coinbase script is not 2 to 100 bytes long", false},
	ErrNullPrevOut:         {"bad-txns-prevout-null", "input has a null outpoint", false},

	ErrPrevBlock:      {"prev-blk-not-found", "header does not build on this block", false},
	ErrDifficultyBits: {"bad-diffbits", "wrong difficulty bits", false},
	ErrTimeTooOld:     {"time-too-old", "time is not after the median of the last eleven blocks", false},
	ErrTimeWarp:       {"time-timewarp-attack", "time of a period's first block is too far before its parent's", false},
	ErrNegativePeriod: {"time-negative-interval", "time of a period's last block is before its first block's", false},
	ErrTimeTooNew:     {"time-too-new", "time is too far in the future", false},
	ErrBlockVersion:   {"bad-version", "block version is outdated", false},

	ErrNonFinal:          {"bad-txns-nonfinal", "transaction is not final", false},
	ErrCoinbaseHeight:    {"bad-cb-height", "coinbase does not begin with the block height", false},
	ErrCoinbaseLockTime:  {"bad-cb-locktime", "coinbase lock time is not the height minus one", false},
	ErrCoinbaseSequence:  {"bad-cb-sequence", "coinbase sequence is final", false},
	ErrTxSize64:          {"bad-txns-size", "transaction is 64 bytes long without witness", false},
	ErrWitnessNonceSize:  {"bad-witness-nonce-size", "coinbase witness is not one item of 32 bytes", true},
	ErrWitnessCommitment: {"bad-witness-merkle-match", "witness commitment does not match", true},
	ErrUnexpectedWitness: {"unexpected-witness", "block has witnesses but no commitment to them", true},
	ErrBlockWeight:       {"bad-blk-weight", "block is too heavy", false},

	ErrOverwrite:           {"bad-txns-BIP30", "transaction would overwrite unspent outputs of an equal one", false},
	ErrMissingInput:        {"bad-txns-inputs-missingorspent", "input does not exist or is spent", false},
	ErrImmatureSpend:       {"bad-txns-premature-spend-of-coinbase", "coinbase is spent too early", false},
	ErrInputValueRange:     {"bad-txns-inputvalues-outofrange", "sum of inputs is out of range", false},
	ErrOutputsExceedInputs: {"bad-txns-in-belowout", "outputs exceed inputs", false},
	ErrFeeRange:            {"bad-txns-fee-outofrange", "fee is out of range", false},
	ErrFeeTotalRange:       {"bad-txns-accumulated-fee-outofrange", "sum of fees is out of range", false},
	ErrTxLegacySigOps:      {"bad-txns-legacy-sigops", "too many signature operations in transaction", false},
	ErrSequenceLock:        {"bad-txns-nonfinal", "relative lock time has not passed", false},
	ErrScript:              {"mandatory-script-verify-flag-failed", "script failed", false},
	ErrCoinbaseAmount:      {"bad-cb-amount", "coinbase pays more than subsidy and fees", false},
}

// Error says in a few words what the rule is about.
func (k ErrorKind) Error() string {
	if k >= numErrorKinds {
		return fmt.Sprintf("unknown rule %d", uint8(k))
	}
	return kinds[k].meaning
}

// Reason returns the reject string of the rule. That of a script or a version
// has details after it: see RejectReason.
func (k ErrorKind) Reason() string {
	if k >= numErrorKinds {
		return "unknown"
	}
	return kinds[k].reason
}

// RuleError says that a header, transaction or block is invalid and why.
type RuleError struct {
	Kind ErrorKind
	// Desc carries the numbers.
	Desc string
	// Debug is the message that Bitcoin Core attaches to the reject string, to
	// the letter; empty where it has none. See RejectText.
	Debug string
	// Err is the cause where there is one: the script.ErrorCode of a script.
	Err error

	detail  string // in parentheses after the reject string
	mutated bool   // in addition to what the kind says
}

// Error gives the rule's meaning, the numbers and the cause.
func (e *RuleError) Error() string {
	text := e.Kind.Error()
	if e.Desc != "" {
		text += ": " + e.Desc
	}
	if e.Err != nil {
		text += ": " + e.Err.Error()
	}
	return text
}

// Unwrap lets errors.Is find the kind and the cause.
func (e *RuleError) Unwrap() []error {
	if e.Err != nil {
		return []error{e.Kind, e.Err}
	}
	return []error{e.Kind}
}

// RejectReason returns the string by which Bitcoin Core's RPC names the fault,
// such as "bad-txnmrklroot", "bad-version(0x00000001)" or
// "mandatory-script-verify-flag-failed (Script evaluated without error but
// finished with a false/empty top stack element)". It is empty if err is not
// about a rule.
func RejectReason(err error) string {
	var e *RuleError
	if errors.As(err, &e) {
		return e.Kind.Reason() + e.detail
	}
	var k ErrorKind
	if errors.As(err, &k) {
		return k.Reason()
	}
	return ""
}

// RejectText returns the reject reason with Bitcoin Core's debug message after
// it, as in "bad-txns-inputs-missingorspent, CheckTxInputs: inputs
// missing/spent". It is empty if err is not about a rule.
func RejectText(err error) string {
	text := RejectReason(err)
	var e *RuleError
	if errors.As(err, &e) && e.Debug != "" {
		text += ", " + e.Debug
	}
	return text
}

// Mutated reports whether err blames the body that was handed in rather than
// the block that its header names: someone may have changed the body, and
// another body with the same header may be valid. The header must then not be
// remembered as invalid.
func Mutated(err error) bool {
	var e *RuleError
	return errors.As(err, &e) && (e.mutated || kinds[e.Kind].mutated)
}

func ruleError(kind ErrorKind, format string, args ...any) *RuleError {
	return &RuleError{Kind: kind, Desc: fmt.Sprintf(format, args...)}
}

// debug sets Bitcoin Core's debug message.
func (e *RuleError) debug(format string, args ...any) *RuleError {
	e.Debug = fmt.Sprintf(format, args...)
	return e
}

func scriptError(code error, format string, args ...any) *RuleError {
	e := ruleError(ErrScript, format, args...)
	e.Err = code
	e.detail = fmt.Sprintf(" (%v)", code)
	return e
}
