// Package compact says a block in a few bytes for each transaction, to a node that
// has most of them already: short ids, building a message.Compact, and turning one
// back into a block (BIP 152, version 2: ids over wtxids).
//
// Only the header of a compact block is held by proof of work. Its short ids are
// whatever the sender, or somebody before it, has written there: that they lead to
// no block, or to another one, is an error here and nobody's proven fault.
//
// The package takes transactions as they are offered and knows neither the pool nor
// peers; see p2p for who asks whom for what is missing.
package compact
