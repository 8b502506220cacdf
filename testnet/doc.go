// Package testnet is a local test network: some real nodes on regtest that talk
// to each other over loopback, with accounts that have coins, and controls for
// what a program should be tried against. Start makes one for a test and ends it
// with the test; Up is for everything else.
//
//	n := testnet.Start(t, testnet.Nodes(3))
//	hashes, err := n.Mine(ctx, 0, 1)
//
// Every node is a whole node with a data folder, JSON-RPC, peers and the
// explorer. It runs in the caller's process, or with Processes in one of its own;
// that is the only difference, since a Network talks to its nodes by JSON-RPC
// alone. Connections between nodes go through package testnet/link.
//
// A network begins with the same coins each time: a seed gives the accounts, and
// the coinbases of a short chain pay them. The ids of those transactions follow
// from the seed and the number of accounts; the times of the blocks, hence their
// hashes, from when the network was first started.
//
// The package is not for other networks than regtest, for other machines than
// this one, nor for anything of value: everybody knows the keys.
package testnet
