// Package policy is what a node asks of a single transaction before it takes
// it into its mempool and relays it: Bitcoin Core 28's standardness, dust, fee
// rates and the rules of TRUC transactions (BIP 431), as functions over values.
//
// None of it is a consensus rule: a block may hold whatever is refused here.
// The reject strings are Bitcoin Core's. A pool asks in this order, which is
// Bitcoin Core's, so that a transaction with two faults is refused for the same
// one:
//
//	Rules.CheckTx       version, weight, scripts, dust      only if not AcceptNonStandard
//	CheckSize           64 bytes and fewer
//	Rules.CheckInputs   the scripts that it spends          only if not AcceptNonStandard
//	Rules.CheckWitness  what it hands to them               only if not AcceptNonStandard
//	Rules.CheckDust     dust and a fee                      only if not AcceptNonStandard
//	CheckSigOps         signature checks
//	CheckTRUC           unconfirmed parents and their children
//
// In three places policy departs from Bitcoin Core: see MaxTapscriptStackItem,
// CheckTRUC and FeeRate.Fee.
//
// The package is not for what needs a pool (replacement, packages, limits of
// chains; see mempool), for running scripts (see script) or for the rules of
// the chain (see consensus). It knows no files, sockets, clock, log or random
// numbers, and keeps no state between calls.
package policy
