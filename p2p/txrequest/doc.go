// Package txrequest keeps book of who has announced which transaction, and says
// whom to ask for it: one peer at a time, one that we chose ourselves if there is
// one, and the next one when it does not answer in time.
//
// A Tracker is told what happens and when, and asked what to do next. It reads no
// clock, sends nothing and has no lock; its answers depend on nothing but what it
// was told and on its seed. What one peer can make it remember is bounded, and a
// peer that announces and does not deliver delays a transaction by one expiry and
// is not preferred any more.
//
// The package is not for fetching (see p2p), nor for what is known already: the
// caller announces only what it wants.
package txrequest
