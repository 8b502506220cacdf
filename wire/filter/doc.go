// Package filter makes and searches the basic block filters of BIP 158: a
// Golomb-coded set of the scripts that a block creates and spends, in which a
// script that is there is always found and one that is not is found once in 784,931
// times. Whoever looks for scripts reads the filters of all blocks, which are
// small, and then the few blocks that match. The headers of BIP 157 chain the
// filters up.
//
// The package knows blocks and bytes alone: where filters are kept is package ledger's
// matter.
package filter
