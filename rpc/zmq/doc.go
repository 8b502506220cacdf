// Package zmq tells ZeroMQ subscribers of blocks and transactions, as Bitcoin
// Core 28 does (its doc/zmq.md): what they are told, in which order, and to the
// byte how.
//
// It is not for the protocol in which that is sent, which is rpc/zmq/zmtp, nor for
// asking a node anything. Subscribers may miss messages: who must not, asks by
// JSON-RPC for what is between two of them.
package zmq
