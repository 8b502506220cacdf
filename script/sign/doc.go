// Package sign makes what spends coins: the input scripts and witnesses of a
// transaction, from private keys and scripts, and the signatures of messages.
//
// A [Tx] is a transaction with the coins it spends. Its Sign method signs every
// input as far as the [Keys] go; Existing, Produce and [Data.Merge] are the steps
// in between, for signatures that several people make one after the other. The
// results are those of Bitcoin Core, to the bit.
//
// It knows keys, key hashes and multisig, bare, behind a script hash, behind a
// witness script hash or both, key hashes in witnesses, and taproot by its key
// or by a leaf of one key or of multi_a(). It is not for scripts of any other
// form, nor for keeping keys.
package sign
