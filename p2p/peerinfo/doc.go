// Package peerinfo is what the peer-to-peer layer tells about itself: plain
// structs that p2p and the packages below it fill and that rpc and the metrics
// show, so that neither side knows the other's inside.
//
// The fields carry what Bitcoin Core's network methods report, in Go's units:
// times instead of seconds, durations instead of fractions. What the JSON looks
// like is decided in rpc. The package is not for what peers say to each other
// (see p2p/message) and holds no state.
package peerinfo
