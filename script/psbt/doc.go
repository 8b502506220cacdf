// Package psbt holds partially signed transactions (BIP 174, version 0, with
// the fields of BIP 371): it reads and writes them, merges what several people
// know, signs and finalizes their inputs by package sign, and says what is
// missing.
//
// What Bitcoin Core 28 reads is read here, in its words where it is not, and
// what is written is what it writes, to the byte: fields in its order, known
// ones of finalized inputs left out, unknown ones kept. MuSig2 fields (BIP 373)
// are unknown to it; they are kept as such, but have to be well formed.
//
// It is not for version 2 (BIP 370), which is refused as by Bitcoin Core 28, nor
// for finding the coins that are spent or for keeping keys: both are arguments.
package psbt
