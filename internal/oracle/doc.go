// Package oracle compares Keelson with btcd, an independent implementation of
// Bitcoin's rules in the same language: the same blocks, transactions and
// scripts go through both, and the two must agree.
//
// It is a Go module of its own, so that btcd is no dependency of the node.
// Its tests also find a copy of the public script vectors in btcd's modules,
// which the Go module cache holds on any machine.
//
//	replay       chains imported by both, timed in one run
//	scriptdiff   random and mutated scripts and transactions
//	cmd/...      the two as commands
//
// The package is not for speed claims against anything but btcd, and nothing
// of the node imports it.
package oracle
