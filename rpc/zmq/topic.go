package zmq

import (
	"encoding/binary"

	"github.com/keelson-chain/keelson/rpc/zmq/zmtp"
	"github.com/keelson-chain/keelson/wire"
)

// Topic is what subscribers are told of. Messages have three frames: the name of
// the topic, a body, and how many messages of the topic there were at this
// address before (4 bytes, little-endian). Hashes stand in bodies in the order in
// which they are shown.
type Topic uint8

// The topics, in the order in which Bitcoin Core lists them.
const (
	HashBlock Topic = iota // the hash of a new tip
	HashTx                 // the id of a transaction that came into the pool, or of a block that came or left
	RawBlock               // a new tip, serialized with witnesses
	RawTx                  // such a transaction, serialized with witnesses
	// Sequence is of blocks (hash, C for connected or D for disconnected), and of
	// the pool's transactions (id, A for added or R for removed but not mined, and the
	// pool's sequence number before that in 8 bytes, little-endian).
	Sequence

	TopicCount = iota
)

// DefaultHWM is how many messages may wait for a subscriber.
const DefaultHWM = 1000

func (t Topic) String() string {
	return [...]string{"hashblock", "hashtx", "rawblock", "rawtx", "sequence"}[t]
}

// Endpoint is an address at which a topic is published. Those of one address share
// a socket, with the HWM of the first.
type Endpoint struct {
	Topic   Topic
	Address zmtp.Address
	HWM     int // messages; 0: as many as there is room for
}

// notifier publishes one topic at one address.
type notifier struct {
	Endpoint
	socket *zmtp.Socket
	count  uint32 // messages, whether anybody was there to hear them or not
}

func (n *notifier) publish(body []byte) {
	n.socket.Publish(n.Topic.String(), body, binary.LittleEndian.AppendUint32(nil, n.count))
	n.count++
}

// reversed is a hash as it is shown.
func reversed(h *wire.Hash) []byte {
	b := make([]byte, wire.HashSize, wire.HashSize+9)
	for i := range h {
		b[wire.HashSize-1-i] = h[i]
	}
	return b
}

// The labels of Sequence.
const (
	labelConnected    = 'C'
	labelDisconnected = 'D'
	labelAdded        = 'A'
	labelRemoved      = 'R'
)
