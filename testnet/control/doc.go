// Package control is the one port of a test network: JSON-RPC with the methods
// testnet_* that do things to the network, and all others of its first node; a
// faucet; the state of the network as JSON; and, below every other path, the
// explorer of a node that runs, with its Esplora REST.
//
// It also has the other end: Dial finds a network that runs on this machine by its
// folder, for the sub-commands of keelson testnet.
//
// The port is on loopback. The faucet and what can be read need no password, for
// who opens the page in a browser; a page of somebody else's that a browser shows
// can use neither, since requests name the host and the page that they come from.
//
// The package is not for what happens in the network, which is package testnet.
package control
