package host

import "errors"

// What a question to a peer can fail with; errors.Is tells them apart.
var (
	// ErrTimeout: the peer did not answer in time, or too slowly.
	ErrTimeout = errors.New("the peer did not answer in time")
	// ErrGone: the connection to the peer is over.
	ErrGone = errors.New("the peer is gone")
	// ErrRefused: the peer cut the stream off, or does not know the protocol.
	ErrRefused = errors.New("the peer refused to answer")
	// ErrTooLarge: a frame is larger than agreed.
	ErrTooLarge = errors.New("frame too large")
	// ErrSelf: the address is our own.
	ErrSelf = errors.New("that is this node itself")
	// ErrConnected: the peer is connected, or being called, already.
	ErrConnected = errors.New("already connected")
)
