// Package coinfile writes and reads sets of coins as Bitcoin Core does for dumptxoutset and
// loadtxoutset: to the byte, so that either program reads what the other wrote.
//
// A file is a header (see Header) and, for each transaction with coins, in the
// order of their ids:
//
//	32          the transaction's id
//	CompactSize how many of its coins follow
//	each        CompactSize of its index; height*2, plus 1 if a coinbase made it;
//	            its amount and its script, shortened: see appendAmount, appendScript
//
// Numbers that are not CompactSizes are in Core's own variable form: see
// appendVarInt.
//
// The package is not for the database's own form of coins (see ledger), and
// opens no files.
package coinfile
