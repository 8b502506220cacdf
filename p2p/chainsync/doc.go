// Package chainsync decides how a node catches up with its peers: which headers
// and which bodies to ask of whom, what to do when an answer does not come, and
// who is to blame when it is wrong.
//
// A Machine is a pure state machine. Step takes an Event (a peer connected,
// headers came, a block was judged) and returns the Actions that follow from it
// (ask this peer for those blocks, disconnect that one). It reads the chain
// through a View, never waits and starts nothing; the time is an argument. What
// carries the actions out and turns what happens into events is the caller's,
// package p2p's. One goroutine owns a Machine.
//
// # Headers
//
// Headers come first, up to 2,000 in an answer. Far behind, one peer at a time is
// asked, another one as soon as it is slow. Headers are handed to the tree only if
// their chain is known to have enough work: the network's minimum, and no
// less than the active chain lacks a day of blocks. A longer chain that has not
// shown that yet goes through a first pass, which checks every header's proof of
// work and difficulty, but keeps nothing of it except each 2,000th hash. Once the
// work is there, the peer is asked for the same headers again, and those must meet
// the hashes. So a chain that is cheap to make costs its receiver a few hash
// values and no place in the tree.
//
// # Bodies
//
// Bodies are asked of all peers that have them, in a window of 1,024 blocks
// above the tip. A peer has as many requests open as it answers in two seconds, 1
// to 16. Where the lowest missing body is held up by a peer that has
// delivered nothing for two seconds, all that it holds is asked of others; it is
// left alone for half a minute, and the second time it is disconnected. The two
// seconds double with each such case, up to 64, and shrink as the chain grows, so
// that a slow line of our own does not cost us our peers.
//
// A block at the very end of the chain usually comes by other means, pushed by a
// peer in compact form. The caller says so with Expected, and the Machine leaves it
// alone for as long.
package chainsync
