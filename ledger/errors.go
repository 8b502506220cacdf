package ledger

import (
	"errors"

	"github.com/keelson-chain/keelson/consensus"
)

// What the ledger's calls report besides a consensus.RuleError. All are matched
// with errors.Is.
var (
	// ErrUnknownParent: the header's parent is not in the tree. Nothing was
	// kept; the caller should fetch the parent first. It matches
	// consensus.ErrPrevBlock too, whose reject string it has.
	ErrUnknownParent error = unknownParent{}
	// ErrInvalidParent: the header builds on a block that is known to be
	// invalid, so that it is invalid too.
	ErrInvalidParent = errors.New("previous block is invalid")
	// ErrInvalidBranch: the block was kept, but a block between the active chain
	// and it proved invalid when the branch was connected.
	ErrInvalidBranch = errors.New("a block further down the branch is invalid")
	// ErrDuplicate: the block's body is known already and was not found invalid.
	ErrDuplicate = errors.New("block is known already")
	// ErrDuplicateInvalid: the block is known already and is invalid.
	ErrDuplicateInvalid = errors.New("block is known to be invalid")

	// ErrUnknownBlock: no header with that hash is in the tree.
	ErrUnknownBlock = errors.New("block not found")
	// ErrNoBody: the header is known, but its body never arrived, or the undo
	// record is asked for of a block that was never connected.
	ErrNoBody = errors.New("block data not available")
	// ErrPruned: the body was there and has been deleted by pruning.
	ErrPruned = errors.New("block data pruned")
	// ErrUnknownTx: the transaction index has no such transaction.
	ErrUnknownTx = errors.New("transaction not found in the active chain")
	// ErrNoTxIndex: the ledger runs without a transaction index.
	ErrNoTxIndex = errors.New("transaction index is off")
	// ErrNoAddressIndex: the ledger runs without an address index.
	ErrNoAddressIndex = errors.New("address index is off")
	// ErrNoFilterIndex: the ledger runs without a block filter index.
	ErrNoFilterIndex = errors.New("block filter index is off")
	// ErrNoStatsIndex: the ledger runs without a coin statistics index.
	ErrNoStatsIndex = errors.New("coin statistics index is off")
	// ErrNotIndexed: the block has not been connected since an index of blocks is
	// kept, nor does it lie on the active chain.
	ErrNotIndexed = errors.New("block is not in the index")
	// ErrTooMany: a list has more entries than the caller wants.
	ErrTooMany = errors.New("too many entries")
	// ErrNotPruning: PruneTo was called on a ledger that keeps every block.
	ErrNotPruning = errors.New("pruning is off")
	// ErrCheckpoint: a checkpoint does not describe a tree of blocks that can have
	// been this one.
	ErrCheckpoint = errors.New("the checkpoint does not fit")
	// ErrGenesis: the genesis block cannot be invalidated.
	ErrGenesis = errors.New("the genesis block cannot be invalidated")

	// ErrFault: an input or output error has hit a commit. What is on disk is a
	// consistent older state; the ledger takes no further writes, and the process
	// should stop and start again.
	ErrFault = errors.New("ledger stopped after a fault")
	// ErrClosed: the ledger has been closed.
	ErrClosed = errors.New("ledger is closed")
	// ErrCorrupt: data on disk is not what was written there.
	ErrCorrupt = errors.New("ledger data is corrupt")
	// ErrNewerSchema: the folder was written by a newer version of the program.
	ErrNewerSchema = errors.New("data was written by a newer version")
	// ErrOtherNetwork: the folder belongs to another network or chain-spec.
	ErrOtherNetwork = errors.New("data belongs to another network")
	// ErrAssumed: a ledger that began with assumed coins cannot do that.
	ErrAssumed = errors.New("the chain begins with assumed coins")
	// ErrPrunedData: the setting needs blocks that have been pruned.
	ErrPrunedData = errors.New("blocks have been pruned")
)

type unknownParent struct{}

func (unknownParent) Error() string { return "previous block not found" }
func (unknownParent) Unwrap() error { return consensus.ErrPrevBlock }
