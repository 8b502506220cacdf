package chainsync

import (
	"time"

	"github.com/keelson-chain/keelson/pow"
	"github.com/keelson-chain/keelson/wire"
)

// Event is something that has happened. The Machine ignores what concerns a
// peer or a request that it no longer knows.
type Event interface{ event() }

// Connected says that a peer is there, and what it says of its chain, none of
// which is proved. Peer numbers are not used again.
type Connected struct {
	Peer   int64
	Tip    wire.Hash
	Height uint32
	Work   pow.Work
	// Outbound: we called the peer, which makes it harder for an attacker to be
	// it. Manual: the operator wants it, so it is not exchanged for a better one.
	Outbound, Manual bool
}

// Gone says that a peer is not there any more.
type Gone struct{ Peer int64 }

// Headers is the answer to an AskHeaders.
type Headers struct {
	Peer    int64
	Req     uint64
	Headers []wire.Header
}

// HeadersFailed says that there will be no answer to an AskHeaders.
type HeadersFailed struct {
	Peer int64
	Req  uint64
	Why  Failure
}

// HeadersAdded says what became of the headers of an AddHeaders.
type HeadersAdded struct {
	Peer    int64
	Last    wire.Hash // the last of them
	Verdict Verdict   // Good, TooNew, Invalid, InvalidChain or Unconnected
	Detail  string    // what is wrong with them, for people
}

// Announced says that a peer has told of a block by its header, unasked.
type Announced struct {
	Peer   int64
	Header wire.Header
}

// Block says that a block has come in full from a peer, asked for or not, and
// is on its way to the ledger. A Judged follows.
type Block struct {
	Peer int64
	Hash wire.Hash
	Size int // in bytes
}

// NotHere says that a peer does not have a block that it was asked for.
type NotHere struct {
	Peer int64
	Req  uint64
	Hash wire.Hash
}

// BlocksDone says that an AskBlocks is over: nothing more comes of it. Why is
// Answered if the peer has said something to every block.
type BlocksDone struct {
	Peer int64
	Req  uint64
	Why  Failure
}

// Judged says what the ledger thinks of a block: Good if it was taken, be it for
// later, or was known, and Invalid, InvalidChain, Mutated, TooNew or
// Unconnected. It may follow a Good for the same block, as Invalid, when the
// block is stored first and connected later. Peer is who sent the block, in full.
type Judged struct {
	Peer    int64
	Hash    wire.Hash
	Verdict Verdict
	Detail  string // what is wrong with it, for people
}

// Expected says that the body of a block is being fetched by other means. It is
// not asked for before Until; the zero time says that the other means have
// failed.
type Expected struct {
	Hash  wire.Hash
	Until time.Time
}

// ChainChanged says that the active chain or the tree of headers has changed.
type ChainChanged struct{}

// Tick says that time has passed. See Machine.Wake for when it is due.
type Tick struct{}

func (Connected) event()     {}
func (Gone) event()          {}
func (Headers) event()       {}
func (HeadersFailed) event() {}
func (HeadersAdded) event()  {}
func (Announced) event()     {}
func (Block) event()         {}
func (NotHere) event()       {}
func (BlocksDone) event()    {}
func (Judged) event()        {}
func (Expected) event()      {}
func (ChainChanged) event()  {}
func (Tick) event()          {}

// Failure says why a request has ended.
type Failure uint8

// The ways in which a request ends.
const (
	Answered  Failure = iota // in full
	TimedOut                 // the peer was too slow
	Lost                     // the stream or the connection broke, or the request was cancelled
	Malformed                // what came is no answer to it, or too large to be one
)

func (f Failure) String() string {
	return [...]string{"answered", "timed out", "lost", "malformed"}[f]
}

// Verdict is what the ledger thinks of headers or of a block.
type Verdict uint8

// The verdicts.
const (
	Good         Verdict = iota
	TooNew               // its time is too far ahead of our clock: nobody's fault, so far
	Mutated              // the body is not the one that the header names
	Invalid              // it breaks a rule
	InvalidChain         // it, or what it builds on, was known to be invalid
	Unconnected          // its parent is not known
)

func (v Verdict) String() string {
	return [...]string{"good", "too new", "mutated", "invalid", "on an invalid chain", "unconnected"}[v]
}
