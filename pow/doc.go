// Package pow is the arithmetic of proof of work: compact bits, targets,
// accumulated work, the rules by which difficulty follows time (ASERT and
// Bitcoin's window of 2016 blocks), and the search for a nonce.
//
// All of it is integer arithmetic on 256 bits, exact to the last bit and the
// same on every machine: nodes that disagree here split the chain. The two
// floating-point numbers, Bits.Difficulty and Work.Float64, are for people.
//
// The package is not for rules about whole headers (see consensus) nor for
// building the blocks that are mined (see miner). It reads no clock: times are
// seconds that the caller passes.
package pow
