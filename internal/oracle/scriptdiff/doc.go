// Package scriptdiff runs transaction inputs through Keelson's script engine
// and through btcd's, and holds the verdicts against each other.
//
// The inputs come from a generator that is a function of a seed and a number,
// so that any of them can be made again alone. It changes the public vectors,
// writes valid spends with real signatures and breaks some of them, and strings
// opcodes together at random; each as a bare script, in P2SH, in a segwit
// script or in a tapscript.
//
// A signature is made for whatever hash Keelson's engine asks about. If that
// hash is wrong, the signature is wrong for btcd, and the verdicts differ.
package scriptdiff
