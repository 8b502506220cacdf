// Package link is a connection between two places on this machine that behaves
// like one over a long way: a TCP port on loopback that passes what it gets on to
// another one, later, with pauses, or not at all.
//
// TCP loses nothing and changes no order, so neither does a link: where a packet
// would be lost on a real way, and be sent again after a time-out, a link lets what
// follows wait for as long.
//
// The package knows nothing of what it carries. It is not for other machines'
// addresses, nor for anything but tests.
package link
