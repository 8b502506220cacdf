package testnet

import (
	"errors"
	"fmt"
)

// What calls report, besides faults. Each comes with a line that says more.
var (
	// ErrArgument: an argument, or a field of a Config, has no meaning.
	ErrArgument = errors.New("bad argument")
	// ErrDown: a node that is needed does not run.
	ErrDown = errors.New("the node does not run")
	// ErrInUse: another network has the folder, or another program a port.
	ErrInUse = errors.New("in use")
	// ErrClosed: the network has ended.
	ErrClosed = errors.New("the network has ended")
	// ErrNoSync: the nodes have not come to one tip in time.
	ErrNoSync = errors.New("the nodes have different tips (two of the same work stay until one more block is mined)")
)

// bad is an ErrArgument whose text is the line alone.
func bad(format string, args ...any) error { return &argumentError{fmt.Sprintf(format, args...)} }

type argumentError struct{ text string }

func (e *argumentError) Error() string { return e.text }
func (*argumentError) Unwrap() error   { return ErrArgument }
