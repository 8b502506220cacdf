// Package host is the door to libp2p: the only package, besides the simulation,
// that knows it.
//
// A Host has an identity, listens and calls. Two hosts that have a connection
// open one stream to each other, the relay stream, and greet each other on it;
// when both greetings are there and fit, each has the other as a Peer. Messages
// that nobody asked for go over the relay streams in their order; whatever was
// asked for goes over a stream of its own.
//
// # What is bounded
//
//   - Peers, and connections that are not yet peers: see slots.go. Where all
//     places are taken, the caller that is worth least gives way (evict.go).
//   - Every frame, before it is read; every queue, in messages and bytes.
//   - Streams that a peer opens, requests that it makes, bytes that it is sent
//     in answer: see serve.go.
//   - Large frames of all peers together, which the slowest of them lose: see
//     hoard.go.
//   - Time: a greeting, a request, a frame that has begun and an answer that is
//     awaited have deadlines, and a minimum speed once bytes flow.
//   - Patience: Penalise adds up, and 100 points are a ban.
//
// # Who waits for whom
//
// Each connection has one goroutine, which greets, tells the Handler that the
// peer is Connected, hands it what was Received, and finally that it is
// Disconnected, so that these calls never overlap for one peer. A second one
// writes what was queued. Requests are served on goroutines of their own, all of
// which have returned when Disconnected is called. Run joins everything before
// it returns. No lock is held while anything is waited for.
//
// The package is not for what messages mean (see p2p), nor for their bytes (see
// p2p/message).
package host
