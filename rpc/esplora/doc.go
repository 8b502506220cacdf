// Package esplora is the chain and the pool as explorers and light wallets ask
// for them: View answers in Go values (blocks, transactions with what they
// spend, the history of an output script, the pool), and its Handler serves the
// same as the REST interface of Blockstream's Esplora, to the names, paging,
// status codes and texts of electrs's new-index branch, so that what was
// written for an Esplora server runs against a node.
//
// Blocks need nothing but the ledger, single transactions of the chain its
// transaction index, and everything about a script its address index; without
// those the answer says which setting is missing.
//
// An answer belongs to one tip: it is made on a snapshot of the ledger and made
// again if the tip has moved meanwhile. What the pool holds for a script is kept
// in an index of its own, which is brought up to date when somebody asks.
//
// The package is not for pages (see rpc/explorer) nor for ports, connections and
// Host headers, which belong to whoever mounts the Handler.
package esplora
