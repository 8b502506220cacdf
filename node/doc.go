// Package node puts a node together and runs it: ledger, miner and JSON-RPC,
// wired in New's order and joined before Run returns.
//
// It is the composition root and nothing else: what a part does stands in the
// part's own package, and what a setting means in config.
package node
