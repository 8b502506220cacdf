package jsonrpc

import "fmt"

// Code is a JSON-RPC error code; the values are Bitcoin Core's.
type Code int

// The codes.
const (
	// Of JSON-RPC itself.
	CodeInvalidRequest Code = -32600
	CodeMethodNotFound Code = -32601
	CodeInvalidParams  Code = -32602
	CodeInternal       Code = -32603
	CodeParse          Code = -32700

	CodeMisc             Code = -1  // anything without a code of its own; also the help text
	CodeType             Code = -3  // a parameter of the wrong type
	CodeInvalidAddress   Code = -5  // an address, key, hash or id that names nothing
	CodeInvalidParameter Code = -8  // a parameter out of range, missing or twice
	CodeDatabase         Code = -20 // the ledger could not do it
	CodeDeserialization  Code = -22 // bytes that are no transaction, block or header
	CodeVerify           Code = -25 // a transaction or block that is not valid
	CodeRejected         Code = -26 // a transaction that the pool does not take
	CodeAlreadyInChain   Code = -27 // a transaction that is confirmed already
	CodeInWarmup         Code = -28 // the node is still starting
	CodeNotConnected     Code = -9  // the node is stopping

	CodeInInitialDownload Code = -10 // the chain is still being fetched

	// Of methods about peers.
	CodeNodeAlreadyAdded Code = -23 // a node or ban that is on the list
	CodeNodeNotAdded     Code = -24 // a node that is not on the list
	CodeNodeNotConnected Code = -29 // a node that is no peer
	CodeInvalidSubnet    Code = -30 // no address, network or peer id, or one that is not banned
	CodeP2PDisabled      Code = -31 // there is no peer-to-peer layer
)

// Error is what a failed call answers.
type Error struct {
	Code    Code
	Message string
}

// Errorf makes an Error.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{code, fmt.Sprintf(format, args...)}
}

// Error gives the code and the message.
func (e *Error) Error() string { return fmt.Sprintf("%d: %s", e.Code, e.Message) }

func (e *Error) object() Object {
	return Object{{"code", int(e.Code)}, {"message", e.Message}}
}
