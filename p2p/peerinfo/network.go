package peerinfo

import "time"

// Network is a kind of address, in Bitcoin Core's words.
type Network string

// The networks. Unroutable addresses are those of this machine and of private
// networks.
const (
	IPv4       Network = "ipv4"
	IPv6       Network = "ipv6"
	Onion      Network = "onion"
	I2P        Network = "i2p"
	CJDNS      Network = "cjdns"
	Unroutable Network = "not_publicly_routable"
)

// Networks returns those that addresses can be asked for by, in Bitcoin Core's
// order.
func Networks() []Network { return []Network{IPv4, IPv6, Onion, I2P, CJDNS} }

// Local is what the node is on the network.
type Local struct {
	ID       string // the libp2p peer id
	Active   bool   // not switched off by setnetworkactive
	Services uint64
	RelayTxs bool // transactions are relayed
	In, Out  int  // peers that called, and that were called
	// TimeOffset is the median of the clocks of peers that were called, against
	// ours. It has no effect.
	TimeOffset time.Duration
	// Reachable are the networks on which peers are called.
	Reachable []Network
	// Listen are the multi-addresses that are listened on.
	Listen []string
	// Addresses are those at which others reach the node, as far as it knows.
	Addresses []LocalAddress
}

// LocalAddress is one address of ours.
type LocalAddress struct {
	Host  string // an IP address or a name
	Port  uint16
	Score int // grows with the peers that confirm it
}

// Totals is the traffic with all peers since the node started.
type Totals struct {
	Sent, Received Traffic
	Upload         Upload
}

// Upload is what the limit of the maxuploadtarget setting has left. Target 0:
// there is no limit.
type Upload struct {
	Timeframe time.Duration
	Target    uint64 // bytes in a time frame
	Left      uint64 // of them in this one
	LeftTime  time.Duration
	Reached   bool // nothing more is served beyond what keeps the chain going
	// ServeHistorical: old blocks are still served.
	ServeHistorical bool
}

// Ban is one entry of the ban list.
type Ban struct {
	Target         string // a subnet ("192.0.2.0/24", always with its length) or a libp2p peer id
	Created, Until time.Time
}

// Address is an address that the node knows of another one.
type Address struct {
	Multiaddr string // with /p2p/ID
	Host      string // the IP address or name in it
	Port      uint16
	Network   Network
	Services  uint64
	Seen      time.Time
}

// Slot is an address in its place in the address tables.
type Slot struct {
	Address
	Source           string // who told: an IP address, or empty for ourselves
	SourceNetwork    Network
	Tried            bool // in the table of addresses that have worked, not of new ones
	Bucket, Position int
}

// TableSize counts the addresses of one network in the two tables.
type TableSize struct {
	Network    Network
	New, Tried int
}
