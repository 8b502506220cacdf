// Package attack is what hostile strangers do to a node: real connections over
// libp2p that say what no honest peer says, too much of it, or too slowly. Each
// Attack has a name, does one thing, and says what the victim is to do about it.
//
// It is for tests. It knows our messages and chain, but nothing of how the victim
// defends itself, and uses none of its code for connections.
package attack
