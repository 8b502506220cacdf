package peerinfo

import "errors"

// What an operator's wish about peers can fail with; errors.Is tells them apart.
var (
	ErrAddress      = errors.New("not an address")                   // neither a multi-address nor HOST:PORT, or one that cannot be called
	ErrAdded        = errors.New("the node is on the list already")  // addnode add
	ErrNotAdded     = errors.New("the node is not on the list")      // addnode remove, getaddednodeinfo
	ErrNotConnected = errors.New("no such peer is connected")        // disconnectnode
	ErrAsked        = errors.New("too much is asked of peers")       // getblockfrompeer
	ErrBanned       = errors.New("banned already")                   // setban add
	ErrNotBanned    = errors.New("not banned, not by this very ban") // setban remove
	ErrInactive     = errors.New("the network is switched off")      // whatever would call a peer
)
