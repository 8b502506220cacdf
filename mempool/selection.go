package mempool

import (
	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/mempool/policy"

	"github.com/keelson-chain/keelson/wire"
)

// SelectOptions bound a Selection.
type SelectOptions struct {
	// MaxWeight is the weight that the selected transactions may have together,
	// in weight units: the block's limit less what header and coinbase take.
	MaxWeight int
	// MaxSigOps is what their signature operations may cost together.
	MaxSigOps int
	// MinFeeRate is the least fee rate of a transaction with its ancestors
	// (blockmintxfee).
	MinFeeRate policy.FeeRate
}

// Selection is a set of transactions of the pool that go into the next block
// together, best fee rate with ancestors first, each behind its parents.
type Selection struct {
	// State is the tip on which they are valid.
	State consensus.State
	// Sequence is the pool's when they were selected: see Pool.Sequence.
	Sequence uint64
	Txs      []Selected
	Fees     wire.Amount // of all
	Weight   int         // of all, in weight units
	SigOps   int         // cost of all
}

// Selected is a transaction of a Selection.
type Selected struct {
	// Raw is the encoding with witnesses, which nobody may change.
	Raw         []byte
	TxID, WTxID wire.Hash
	Fee         wire.Amount // what it pays, without prioritisation
	Weight      int32       // in weight units
	SigOps      int32       // cost
	// Depends are the places in Selection.Txs, counted from 0, of the
	// transactions whose outputs it spends; nil for most.
	Depends []int32
}
