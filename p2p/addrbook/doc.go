// Package addrbook is what a node remembers of other nodes between two runs:
// the addresses at which they may be found, the anchors that it was connected
// to last, and who is banned.
//
// The tables of addresses are those of Bitcoin Core's address manager. What
// keeps an attacker who floods a node with addresses from owning all its
// connections is where an address may stand: a secret key, the network that the
// address belongs to and the network of whoever told us choose a small part of
// the tables, and nothing that one of them says ever fills the rest.
//
// Nothing here calls anybody, and nothing reads a clock: time comes in as an
// argument, and random choices follow from a seed. Files are read and written
// when the caller says so. Whom to connect to is decided in p2p/host.
package addrbook
