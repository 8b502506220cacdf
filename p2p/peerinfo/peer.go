package peerinfo

import (
	"time"

	"github.com/keelson-chain/keelson/wire"
)

// Kind is what a connection is for, in Bitcoin Core's words (connection_type).
type Kind string

// The kinds of connections.
const (
	Inbound      Kind = "inbound"             // the peer called
	FullRelay    Kind = "outbound-full-relay" // ours, for blocks, transactions and addresses
	BlockOnly    Kind = "block-relay-only"    // ours, for blocks alone
	Manual       Kind = "manual"              // ours, because the operator asked for it
	Feeler       Kind = "feeler"              // ours, to see whether an address works
	AddressFetch Kind = "addr-fetch"          // ours, to ask for addresses
)

// Kinds returns all kinds, inbound first.
func Kinds() []Kind {
	return []Kind{Inbound, FullRelay, BlockOnly, Manual, Feeler, AddressFetch}
}

// Peer is one connected peer. A time that is zero has not come yet; a duration
// of 0 was not measured.
type Peer struct {
	Num     int64  // counts the connections since the node started, from 0
	ID      string // the libp2p peer id
	Addr    string // the peer's multi-address, with /p2p/ID
	Bind    string // our end of the connection, a multi-address
	Local   string // our address as the peer sees it, a multi-address; empty: it does not say
	Network Network
	Kind    Kind
	// Transport names what carries the connection, such as "quic-v1" or
	// "tcp/noise"; Session is the identity of the connection in logs.
	Transport, Session string
	// Permissions are those of the whitelist entries that the peer matches.
	Permissions []string

	// What the peer said of itself.
	Services   uint64
	Version    uint32
	Subver     string
	RelayTxs   bool          // it wants transactions
	TimeOffset time.Duration // of its clock against ours when it connected
	// StartingHeight is the height of its chain when it connected.
	StartingHeight int64

	Connected                           time.Time
	LastSend, LastRecv, LastTx, LastBlk time.Time
	Sent, Received                      Traffic

	Ping, MinPing time.Duration
	PingWait      time.Duration // how long a ping has been without its answer

	// PushTo: we asked the peer to push compact blocks; PushFrom: it asked us.
	PushTo, PushFrom bool
	// Heights up to which its chain is known to be ours, -1 for unknown; and of
	// the headers of a first pass that are not kept, -1 for no such pass.
	PresyncedHeaders, SyncedHeaders, SyncedBlocks int64
	InFlight                                      []uint32 // heights of blocks asked of it
	MinFeeRate                                    wire.Amount

	AddrRelay                      bool // addresses are exchanged with it
	AddrProcessed, AddrRateLimited uint64
}

// Traffic counts bytes, on the whole and by kind of message or request: "ping",
// "compact", "headers" and so on.
type Traffic struct {
	Total     uint64
	ByMessage map[string]uint64
}

// AddedNode is a node of the list of the addnode setting and call.
type AddedNode struct {
	Addr  string // as it was given
	Peers []AddedPeer
}

// AddedPeer is a connection to an AddedNode.
type AddedPeer struct {
	Addr    string // a multi-address
	Inbound bool
}
