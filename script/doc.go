// Package script is Bitcoin's script language, complete: legacy scripts,
// pay-to-script-hash (BIP 16), segregated witness version 0 (BIPs 141, 143)
// and taproot with tapscript (BIPs 341, 342), with every quirk that consensus
// depends on and Bitcoin Core's policy flags.
//
// Verify decides whether one input of a transaction may spend its coin. The
// hashes that signatures commit to come from a SigHashes, made once per
// transaction and shared by its inputs, and every question to the curve goes
// through a sig.Checker, which may answer now or later.
//
// Around the engine lie what every user of scripts needs: a Tokenizer that
// allocates nothing, sigop counting, the standard templates (Classify), a
// Builder, and the two text forms (Assemble and Disassemble).
//
// The package is not for addresses (see script/address), curve arithmetic (see
// script/sig), signing, or the rules of transactions and blocks (see
// consensus). It knows no files, sockets, clock, log or random numbers, and
// keeps no state between calls.
package script
