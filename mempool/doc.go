// Package mempool keeps the transactions that are in no block yet: those that
// are valid on the tip, that policy lets in, and that pay the most for the
// memory they take.
//
// A Pool has no goroutine and subscribes to nothing. Every method first brings
// the pool to the ledger's tip, so whoever asks after a block was added sees
// the pool as it is after that block. What transactions may look like is
// mempool/policy's to say, and whether they are valid is consensus's; the pool
// decides about their neighbourhood: conflicts and replacements, ancestors and
// descendants, fees, and room. What it learns of fees is in mempool/fees.
//
// It is not for building blocks (miner takes a Selection for that), nor for
// talking about transactions to peers.
package mempool
