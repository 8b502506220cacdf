package chainsync

import "github.com/keelson-chain/keelson/wire"

// Action is something that the caller is to do. None of them is waited for;
// what comes of it is told by an Event.
type Action interface{ action() }

// AskHeaders asks a peer for the headers that follow the first hash of the
// locator which lies on its active chain. Headers or HeadersFailed answers it.
type AskHeaders struct {
	Peer    int64
	Req     uint64
	Locator []wire.Hash
}

// AddHeaders hands headers to the ledger, each the parent of the next one.
// HeadersAdded answers it. Headers of one peer are handed on in order.
type AddHeaders struct {
	Peer    int64
	Headers []wire.Header
}

// AskBlocks asks a peer for bodies. A Block or NotHere for each, and BlocksDone
// in any case, answer it.
type AskBlocks struct {
	Peer   int64
	Req    uint64
	Blocks []wire.BlockRef
}

// Cancel ends a request whose answer is not wanted any more. Events of it are
// still taken.
type Cancel struct {
	Peer int64
	Req  uint64
}

// Penalise notes a peer's misbehaviour; 100 points are enough to ban it.
type Penalise struct {
	Peer   int64
	Points int
	Reason string
}

// Disconnect ends a peer that is of no use. It may come back.
type Disconnect struct {
	Peer   int64
	Reason string
}

// Report tells of the progress, for people.
type Report struct{ Progress Progress }

func (AskHeaders) action() {}
func (AddHeaders) action() {}
func (AskBlocks) action()  {}
func (Cancel) action()     {}
func (Penalise) action()   {}
func (Disconnect) action() {}
func (Report) action()     {}
