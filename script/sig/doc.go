// Package sig is the one door between scripts and the curve secp256k1. It
// answers three questions: is this ECDSA signature valid, is this Schnorr
// signature (BIP 340) valid, does this output key commit to this internal key
// and tweak (BIP 341). The script engine asks a [Checker], which asks a
// [Verifier], one check at a time or a whole batch at once; replacing the
// arithmetic means writing another Verifier.
//
// Encodings that only some script flags demand (strict DER, low S, key types)
// are the engine's business: here an ECDSA signature and its key are read as
// laxly as the oldest blocks need.
//
// Beside the checks stands what deriving keys needs: [PubKeyOf], [AddToPubKey]
// and their like. A [PrivateKey] signs: ECDSA as Bitcoin Core does, to the bit,
// Schnorr (BIP 340), and compact ECDSA, from which [RecoverCompact] gets the
// public key back. Randomness is an argument.
//
// Nothing here runs in constant time, so it is not for a signer whose timing
// strangers can measure; see [PrivateKey].
package sig
