// Package message holds what nodes say to each other: every message with its one
// canonical encoding, the frames that messages travel in, the names of the
// protocols and how large anything may be.
//
// Integers are little-endian and counts CompactSize, as in package wire. Trailing
// bytes are an error, and so is every second way to write the same thing. A
// decoder is given a whole payload, which the limits here have bounded already
// (see MaxPayload, MaxRequest and MaxAnswer), checks each count against the bytes
// that are left before it allocates for it, and so never allocates more than a
// small multiple of its input.
//
// # Frames
//
//	relay stream      length u32 | kind u8 | payload     length counts kind and payload
//	request, answer   length u32 | payload
//
// The first frame on a relay stream is a Hello, and there is no second one.
//
// # Requests
//
// A request has a stream of its own: one frame with the request, then the frames
// of the answer.
//
//	name      request           answer
//	headers   HeadersRequest    Headers
//	blocks    BlocksRequest     a block for each hash, in that order; an empty frame: not here
//	compact   CompactRequest    a Compact; an empty frame: not here
//	blocktxn  TxnRequest        Txs, until all are there, each once; an empty frame: no more here
//	txs       TxsRequest        a transaction for each id, in that order; an empty frame: not here
//	pool      PoolRequest       Pool
//	addrs     nothing           Addresses
//
// The package knows no streams and no peers: see p2p/host for those, and p2p for
// who says what when.
package message
