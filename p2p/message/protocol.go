package message

import (
	"encoding/hex"

	"github.com/keelson-chain/keelson/wire"
)

// Version is the version of the messages that Hello carries. It is the one of
// Bitcoin's protocol whose features are here, since that is what people and RPC
// clients compare. MinVersion is the oldest that a peer may have.
const (
	Version    uint32 = 70016
	MinVersion uint32 = 70016
)

// The bits of Hello.Services, as Bitcoin numbers them.
const (
	ServiceNetwork        uint64 = 1 << 0  // has every block
	ServiceBloom          uint64 = 1 << 2  // BIP 37, which we never offer
	ServiceWitness        uint64 = 1 << 3  // has witnesses; every node here does
	ServiceCompactFilters uint64 = 1 << 6  // BIP 157
	ServiceNetworkLimited uint64 = 1 << 10 // has at least the last 288 blocks
	ServiceV2             uint64 = 1 << 11 // BIP 324, which libp2p\'s own encryption stands for
)

// The names of the protocols: the long-lived stream of relay messages, and one
// for each request.
const (
	NameRelay    = "relay"
	NameHeaders  = "headers"
	NameBlocks   = "blocks"
	NameCompact  = "compact"
	NameBlockTxn = "blocktxn"
	NameTxs      = "txs"
	NamePool     = "pool"
	NameAddrs    = "addrs"
)

// Requests are the names of all requests.
func Requests() []string {
	return []string{NameHeaders, NameBlocks, NameCompact, NameBlockTxn, NameTxs, NamePool, NameAddrs}
}

// ProtocolPrefix is what the identifiers of all our protocols begin with.
const ProtocolPrefix = "/keelson/"

// Protocol returns the identifier of the protocol with a name on the network that
// begins with genesis, as in "/keelson/000000000019d668/relay/1", so that nodes of
// different networks have nothing to say to each other. The number changes with the
// messages: who does not know it refuses the stream, and misreads nothing.
func Protocol(genesis wire.Hash, name string) string {
	version := "/1"
	if name == NameBlockTxn {
		version = "/2" // answers go round since
	}
	var first [8]byte
	for i := range first {
		first[i] = genesis[wire.HashSize-1-i]
	}
	return ProtocolPrefix + hex.EncodeToString(first[:]) + "/" + name + version
}
