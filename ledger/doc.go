// Package ledger keeps the chain: the tree of headers, the set of coins at the
// tip of the best chain, and the bodies and undo records of blocks.
//
// There is one door for blocks, AddBlock, which AddBlocks makes wide for many
// of them. The rules themselves are consensus; the ledger gathers the coins
// that a block spends, asks, and keeps the answer. It chooses the chain of most work, the first seen among equals, and
// moves to it by disconnecting and connecting blocks.
//
// # On disk
//
//	db/                  one database: see schema.go for the keys
//	blocks/blkNNNNN.dat  bodies, append-only
//	blocks/revNNNNN.dat  undo records, append-only
//
// Coins, block records, the transaction index, the address index and the state,
// which names the tip that all of them belong to, change in one atomic batch. The flat files
// are synced before the batch that names places in them; when the ledger is
// opened, whatever lies past the last named place is cut off. So a crash
// at any moment leaves a consistent state: that of the last batch.
//
// Changed coins wait in a write-back cache. It is written out when it is
// full, after some minutes, on Flush and Close, and outside of the initial
// download after every change of the tip. Every tip on the way of a
// reorganisation is a valid state too, so that one which outgrows the
// cache is committed in stages, each naming the tip that its coins belong to;
// one that fits is committed once.
//
// A ledger that Assume has made begins not at the genesis block but at a later one,
// with coins that the network vouches for.
//
// # Who waits for whom
//
// No goroutine of the ledger outlives a call. A writer (AddBlock, Invalidate,
// Reconsider, Precious, Restore, PruneTo, and AddBlocks and Import for a batch) takes its
// turn on one mutex for as long as it works, and holds a second one, which guards the coins, from one
// publishable tip to the next. Where many blocks are connected in a row, their
// scripts run beside the writer (see flight.go); that is over when the mutex is
// let go. Readers of the tree wait for neither: they hold a
// read lock that writers take for moments. Coin, Snapshot and what builds on
// them read the committed state from the database; where the tip has changed
// since, which is common only during the initial download, they wait for the
// second mutex, hence for one block, one batch of seconds or one reorganisation
// at most.
//
// The package is not for the rules (see consensus), for unconfirmed
// transactions (see mempool) or for where blocks come from.
package ledger
