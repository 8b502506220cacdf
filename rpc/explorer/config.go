package explorer

import (
	"net/http"
	"net/netip"
	"time"

	"github.com/rs/zerolog"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/mempool"
	"github.com/keelson-chain/keelson/p2p/peerinfo"
	"github.com/keelson-chain/keelson/rpc/esplora"
)

// What bounds a Server.
const (
	maxConns   = 256 // connections at a time; more wait to be accepted
	maxRenders = 16  // pages that are made at the same time; more wait
	maxHead    = 16 << 10
	maxQuery   = 256 // bytes of what is searched for

	headTimeout   = 10 * time.Second
	answerTimeout = time.Minute // for a page to be made and taken
	idleTimeout   = time.Minute
	stopTimeout   = 2 * time.Second

	maxStreams    = 64 // clients that follow /events
	streamBacklog = 64 // events that may wait for one of them
	streamBeat    = 15 * time.Second
	poolPause     = 250 * time.Millisecond // between two events about the pool

	maxReorgs      = 50  // that are remembered
	maxBranch      = 100 // blocks of a branch that are remembered, the lowest ones
	maxArrivals    = 20  // transactions that are remembered as the last to come
	maxBlockEvents = 50  // of one change of the tip
)

// Config is what a Server is made of. Params are needed.
type Config struct {
	// Listen is the address to listen on; the zero value: there is no explorer.
	// Port 0 is any that is free.
	Listen netip.AddrPort
	// Faucet is the path of this very origin to which a form on the first page
	// posts the fields address and amount (in coins); empty: there is no form. The
	// explorer does not answer there itself.
	Faucet string
	Params *consensus.Params
	// Subversion is what the node calls itself.
	Subversion string
	// Now is the node's clock; nil: time.Now.
	Now func() time.Time
	Log zerolog.Logger
}

// Network is the node among others.
type Network interface {
	Local() peerinfo.Local
	Peers() []peerinfo.Peer // in the order in which they connected
}

// Node is what the pages show. It is given to Server.Serve once it is there; until
// then every page says that the node is starting.
type Node struct {
	Ledger *ledger.Ledger
	Pool   *mempool.Pool
	View   *esplora.View
	// API answers below /api, which it does not see; nil: there is nothing.
	API http.Handler
	// Network is nil for a node without peers.
	Network Network
}
