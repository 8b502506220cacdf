// Package miner makes blocks: on request, for miners outside of the node, and
// on all cores for as long as the node runs.
//
// What goes into a block is selected by a Source, the pool; package template
// puts it together. Generate mines blocks at once. Template serves those who
// search elsewhere. Run follows a plan, which may change meanwhile: to search on whatever
// tip the chain has, to mine a block as soon as there is a transaction for it, or every so often.
//
// It is not for choosing transactions, nor for judging blocks, which is
// consensus's: a mined block enters the ledger by the same door as any other.
package miner
