package mempool

import (
	"errors"
	"fmt"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/mempool/policy"
)

// ErrMaxFee refuses a transaction that pays more than AddOptions.MaxFee.
var ErrMaxFee = errors.New("fee exceeds the maximum that the caller set")

// ErrLeftOut reports that a transaction that was in the pool once cannot come back.
var ErrLeftOut = errors.New("a transaction cannot come back into the pool")

// refuse is a refusal by policy, in Bitcoin Core's words: reason is the reject
// string, the rest its debug message.
func refuse(reason, format string, args ...any) *policy.Error {
	return &policy.Error{Reason: reason, Debug: fmt.Sprintf(format, args...)}
}

// invalid is a transaction that breaks a rule, under a reject string that it
// has in the pool alone.
type invalid struct {
	reason, debug string
	err           error // the consensus.RuleError
}

func (e *invalid) Error() string { return e.err.Error() }
func (e *invalid) Unwrap() error { return e.err }

// beyondHelp is a refusal of what pays too little, whatever a child of it pays.
type beyondHelp struct{ err *policy.Error }

func (e *beyondHelp) Error() string { return e.err.Error() }
func (e *beyondHelp) Unwrap() error { return e.err }

// RejectReason returns the string by which Bitcoin Core's RPC names why a
// transaction was refused, "" if err is not a refusal but a fault.
func RejectReason(err error) string {
	reason, _ := reject(err)
	return reason
}

// RejectText returns the reject reason with Bitcoin Core's debug message after
// it, as in "min relay fee not met, 0 < 104".
func RejectText(err error) string {
	reason, debug := reject(err)
	if debug != "" {
		reason += ", " + debug
	}
	return reason
}

func reject(err error) (reason, debug string) {
	if e := (*policy.Error)(nil); errors.As(err, &e) {
		return e.Reason, e.Debug
	}
	if e := (*invalid)(nil); errors.As(err, &e) {
		return e.reason, e.debug
	}
	if e := (*consensus.RuleError)(nil); errors.As(err, &e) {
		return consensus.RejectReason(err), e.Debug
	}
	return "", ""
}

// IsRejected reports whether err is a refusal of the transaction: by policy,
// by a rule, or by the caller's own bound. Any other error is a fault.
func IsRejected(err error) bool {
	return RejectReason(err) != "" || errors.Is(err, ErrMaxFee)
}

// IsMissingInputs reports whether err says that a transaction spends what does
// not exist or is spent. Whoever has the missing transaction may offer both
// again.
func IsMissingInputs(err error) bool { return errors.Is(err, consensus.ErrMissingInput) }

// IsTooCheap reports whether err says that a transaction pays too little by itself:
// for the pool, or for what it would take the place of. A child that pays for both
// may let it in; see AddPackage.
func IsTooCheap(err error) bool {
	if e := (*beyondHelp)(nil); errors.As(err, &e) {
		return false
	}
	switch RejectReason(err) {
	case reasonMinFee, reasonMinRelay, reasonFee, reasonFee + siblingNote:
		return true
	}
	return false
}

// The reject strings that code asks about.
const (
	reasonInPool       = "txn-already-in-mempool"
	reasonOtherWitness = "txn-same-nonwitness-data-in-mempool"
	reasonFull         = "mempool full"
	reasonMinFee       = "mempool min fee not met"
	reasonMinRelay     = "min relay fee not met"
	reasonFee          = "insufficient fee"
	siblingNote        = " (including sibling eviction)"
)
