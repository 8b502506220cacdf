// Package p2p lets nodes find each other, sync, and relay blocks and
// transactions.
//
// A Node stands between the ledger and the pool on one side and package host,
// the connections to other nodes, on the other. It has three parts, each with
// its own files:
//
//   - sync.go, serve.go: headers first, then bodies from several peers at once.
//     What to ask whom is p2p/chainsync's to decide; this part does it.
//   - relay.go, reconstruct.go, stream.go, gossip.go: new blocks. A header that
//     is valid is passed on before the block behind it is looked at; bodies
//     travel as compact blocks, and what the pool lacks is fetched.
//   - txrelay.go, orphans.go, poolsync.go: transactions, announced by their
//     witness ids and fetched from one peer at a time (p2p/txrequest).
//
// All blocks that peers send enter by acceptBlock, which also says who is to
// blame for a bad one. Nothing here judges a block or a transaction itself:
// the ledger and the pool do.
//
// The package is not for talking libp2p (see host), for what messages look like
// (see message and compact), or for remembering addresses (see addrbook).
package p2p
