// Package consensus holds the rules: what a header, a transaction and a block
// must be, and what a block does to the set of coins.
//
// Values go in and values come out. A State is everything that a child block
// is judged by except the coins that it spends; those are gathered by the
// caller (see Gather) and handed in, so that no rule ever meets an I/O error
// and a test of a rule needs no database. The package knows no files, sockets,
// clock, log or random numbers, and no goroutine of it outlives a call.
//
// A verb says how much a function needs. Check is context-free, Validate
// judges against a State, Apply and Revert describe an effect. A block that
// arrives is taken through them in this order, which is also the order in
// which Bitcoin Core finds faults, so that a block with two of them is
// rejected for the same reason:
//
//	CheckBlock            proof of work, merkle root, size, transactions
//	ValidateHeader        difficulty, time, version
//	ValidateBlockContext  finality, coinbase height, witness commitment, weight
//	Gather                the coins that are spent; BIP 30
//	ValidateBlock         maturity, amounts, relative lock times, sigops, scripts
//	ApplyBlock            the new State and the Diff of the coin set
//
// Every fault is a *RuleError whose Kind works with errors.Is and whose
// RejectReason is Bitcoin Core's reject string.
//
// The package is not for policy (what a node relays or mines by choice), for
// storage (see ledger) or for choosing between chains beyond adding up work.
package consensus
