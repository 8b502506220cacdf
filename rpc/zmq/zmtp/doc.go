// Package zmtp publishes messages to ZeroMQ subscribers: the PUB side of ZMTP
// 3.1 (https://rfc.zeromq.org/spec/37/), which those of 3.0 understand as well,
// with the mechanism NULL, over TCP and unix sockets.
//
// It is not for anything else that ZeroMQ can do: no other kinds of sockets, no
// encryption, no connecting. ADR 21 says why it is not a library.
package zmtp
