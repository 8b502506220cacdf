// Package template puts blocks together that nobody has solved yet: a state of
// the chain, transactions that a pool selected for it, a script to pay and a
// time go in, and a header whose nonce can be searched comes out.
//
// It is not for choosing transactions, which is the pool's, nor for searching
// or judging: what it makes is valid if the transactions are.
package template
