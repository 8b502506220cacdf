package peerinfo

import (
	"time"

	"github.com/keelson-chain/keelson/internal/latency"
)

// Stats is what the peer-to-peer layer has counted since the node started.
type Stats struct {
	Blocks Blocks
	Txs    Txs
	Sync   Sync
	Peers  Counts
}

// Blocks counts new blocks at the tip, as they come from peers; those of the
// first download are in Sync.
type Blocks struct {
	// Relay is the time from the first word of a block that a peer sent, its header
	// or the compact block, until it was passed on; Ready until the block was valid
	// and connected.
	Relay, Ready latency.Snapshot

	// How blocks became whole: from what the node had, with transactions that it
	// asked for, or because the whole block was asked for.
	FromPool, WithAsked, Whole uint64
	// Collisions are compact blocks whose short ids meant two transactions.
	Collisions uint64
	// TxsKnown and TxsAsked count the transactions of compact blocks that were
	// there, and that were asked for.
	TxsKnown, TxsAsked uint64
	// Compact counts the compact blocks that came, Duplicate those of them that
	// were known already.
	Compact, Duplicate uint64
	// Gossiped are headers that came by gossip before any peer announced them.
	Gossiped uint64
}

// Txs counts the transactions that peers relay.
type Txs struct {
	Announced  uint64 // ids that came
	Asked      uint64 // transactions asked for
	Received   uint64 // transactions that came
	Accepted   uint64 // of them, let into the pool
	Refused    uint64 // by the pool's policy
	Invalid    uint64 // they break a rule
	Repeated   uint64 // the pool or the chain had them
	Unanswered uint64 // questions that were not answered in time
	Sent       uint64 // transactions served to peers
	Told       uint64 // ids announced to peers
	Orphans    int    // that wait for their parents now
}

// Sync is how far the chain is behind its headers.
type Sync struct {
	Headers  int64         // height of the best header
	Blocks   int64         // height of the tip
	Progress float64       // share of the chain that is there, 0 to 1
	Rate     float64       // blocks a second lately
	Left     time.Duration // about what the rest will take; 0: nothing to do, or not known
	InFlight int           // blocks that were asked for
	Stalls   uint64        // blocks asked of another peer because the first one was too slow
}

// Counts are events in the life of connections.
type Counts struct {
	Connected    uint64 // connections that became peers
	Failed       uint64 // calls that did not
	Refused      uint64 // callers turned away: no room, banned, another network
	Evicted      uint64 // peers that gave way to others
	Penalties    uint64 // times that a peer was blamed
	Banned       uint64 // peers banned for what they did
	Disconnected uint64 // peers that are gone, for whatever reason
}
