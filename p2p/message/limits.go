package message

import "github.com/keelson-chain/keelson/wire"

// The most elements that messages may have.
const (
	MaxLocator   = 101 // hashes in a HeadersRequest, as in Bitcoin Core
	MaxHeaders   = 2000
	MaxBlocks    = 16 // hashes in a BlocksRequest
	MaxTxs       = 256
	MaxInv       = 5000
	MaxPool      = 50_000
	MaxAddresses = 1000
	MaxListen    = 8
	MaxSubver    = 256 // bytes, as in Bitcoin Core
	MaxAddr      = 256 // bytes of a multi-address as text

	// MaxUnknown bounds a message of a kind that this version does not know.
	MaxUnknown = 64 << 10
)

// minTxWeight is the weight of the smallest transaction that decodes, Bitcoin
// Core's MIN_SERIALIZABLE_TRANSACTION_WEIGHT. It bounds how many a block has.
const minTxWeight = wire.WitnessScaleFactor * minTxSize

// minTxSize is version, lock time and the counts of no inputs and no outputs.
const minTxSize = 10

// MaxBlockTxs is the most transactions that a block of a network can have.
func MaxBlockTxs(maxBlockWeight int) int { return maxBlockWeight / minTxWeight }

// MaxPayload is how long the payload of a relay message may be, in bytes, on a
// network with that largest block weight. The kind of a frame is known before its
// payload is read.
func MaxPayload(k Kind, maxBlockWeight int) int {
	switch k {
	case KindHello:
		return 4 + 8 + 8 + 8 + 3 + MaxSubver + 4 + wire.HashSize + workSize + 1 + 1 + (MaxListen+1)*(3+MaxAddr)
	case KindPing, KindPong, KindFeeFilter:
		return 8
	case KindHave:
		return wire.HeaderSize
	case KindCompact:
		return maxCompact(maxBlockWeight)
	case KindPush:
		return 1
	case KindInv:
		return 5 + MaxInv*wire.HashSize
	case KindHead:
		return wire.HeaderSize + 4 + sumSize*partCount(maxCompact(maxBlockWeight))
	case KindPart:
		return len(SetID{}) + 2 + PartSize
	}
	return MaxUnknown
}

// maxCompact is how long a compact block can get. Only the coinbase must be whole,
// at four units of weight for a byte outside its witness, of which there are but
// a few; the short id of the smallest transaction takes less than that.
func maxCompact(maxBlockWeight int) int { return maxBlockWeight/wire.WitnessScaleFactor + 1024 }

// MaxRequest is how long the request with a name may be, in bytes.
func MaxRequest(name string, maxBlockWeight int) int {
	switch name {
	case NameHeaders:
		return 1 + MaxLocator*wire.HashSize + wire.HashSize
	case NameBlocks:
		return 1 + MaxBlocks*wire.HashSize
	case NameCompact:
		return wire.HashSize
	case NameBlockTxn:
		// An index that takes three bytes passes over 253 that take none.
		return 2*wire.HashSize + 5 + 5 + MaxBlockTxs(maxBlockWeight) + 3
	case NameTxs:
		return 1 + 3 + MaxTxs*wire.HashSize
	case NamePool:
		return 8
	}
	return 0
}

// MaxAnswer is how long each frame of the answer to the request with a name may
// be, in bytes.
func MaxAnswer(name string, maxBlockWeight int) int {
	switch name {
	case NameHeaders:
		return 3 + MaxHeaders*wire.HeaderSize
	case NameBlocks, NameTxs:
		return maxBlockWeight // no byte weighs less than a unit
	case NameCompact:
		return maxCompact(maxBlockWeight)
	case NameBlockTxn:
		return 5 + 5 + maxBlockWeight
	case NamePool:
		return 5 + MaxPool*wire.HashSize
	case NameAddrs:
		return 3 + MaxAddresses*(3+MaxAddr+8+8)
	}
	return 0
}

// MaxFrames is how many frames the answer to the request with a name may have.
func MaxFrames(name string, maxBlockWeight int) int {
	switch name {
	case NameBlockTxn:
		return MaxBlockTxs(maxBlockWeight) + 1 // the empty one
	case NameBlocks:
		return MaxBlocks
	case NameTxs:
		return MaxTxs
	}
	return 1
}
