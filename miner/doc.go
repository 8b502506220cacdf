// Package miner builds blocks on top of a chain state and searches for their
// proof of work.
//
// Template is pure: a state, transactions and a time go in, an unsolved block
// comes out. Solve searches on all cores. Run keeps mining on whatever tip a
// chain has, and starts over when the tip changes.
//
// It is not for choosing transactions, which is the pool's, nor for judging
// blocks, which is consensus's: a mined block enters the ledger by the same
// door as any other.
package miner
