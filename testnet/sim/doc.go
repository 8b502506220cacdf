// Package sim runs many nodes in one process, on a simulated network and under
// virtual time.
//
// A World has hosts with links of a given speed and latency between them, whose
// packets it can lose and hold back. What runs on a host is real: the p2p.Node
// with libp2p's QUIC below it, a ledger with its files in memory, a mempool, and
// one cache of signatures that all hosts share, so that a signature is verified
// once for all of them. Time is that of testing/synctest: it stands still while
// anything computes, and leaps to the next timer when everything waits. So what
// computing costs is modelled where it counts: see Costs.
//
// # From a seed
//
// Addresses, keys, latencies, who knows whom, lost packets, blocks and
// transactions are drawn from Config.Seed, and every failure prints it. What is
// not drawn from it: the order in which goroutines that are ready at one virtual
// moment run, the random numbers of the handshakes, and those that nodes keep
// secret (the keys of short ids and of address tables). Two runs with one seed
// have the same hosts, links, blocks and faults; times of arrival may differ by
// some milliseconds, and who of several was first by chance.
//
// The package is for tests and not part of the node.
package sim
