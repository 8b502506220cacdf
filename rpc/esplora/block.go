package esplora

import (
	"context"
	"fmt"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/pow"
	"github.com/keelson-chain/keelson/wire"
)

// The sizes of pages, which are electrs's.
const (
	MaxBlocks   = 10 // blocks of a list
	MaxChainTxs = 25 // transactions of a block, and confirmed ones of a script
	MaxPoolTxs  = 50 // transactions of the pool for a script
	MaxRecent   = 10 // of the transactions that came last
)

// describeBlock says what the tree knows of a block whose body is there or was
// pruned.
func describeBlock(e *ledger.Entry) Block {
	b := Block{
		ID: e.Ref.Hash, Height: e.Ref.Height, Version: uint32(e.Header.Version), Time: e.Header.Time,
		TxCount: e.TxCount, Size: e.Size, Weight: e.Weight, StrippedSize: e.StrippedSize,
		MerkleRoot: e.Header.MerkleRoot, MedianTime: e.MTP,
		Nonce: e.Header.Nonce, Bits: e.Header.Bits, Difficulty: Float(pow.Bits(e.Header.Bits).Difficulty()),
		Active: e.Active, Next: e.Next,
	}
	if !e.Header.PrevBlock.IsZero() {
		b.Previous = &e.Header.PrevBlock
	}
	return b
}

// entry returns what the tree knows of a block. One whose body never came is
// treated as unknown: nothing but its header could be shown.
func (v *View) entry(hash wire.Hash) (ledger.Entry, error) {
	e, ok := v.cfg.Chain.Entry(hash)
	if !ok || !e.Status.Has(ledger.HaveBody) && !e.Status.Has(ledger.Pruned) {
		return e, errNoBlock
	}
	return e, nil
}

// Tip names the tip of the active chain.
func (v *View) Tip() wire.BlockRef { return v.cfg.Chain.Tip().Tip }

// Block describes a block of any branch.
func (v *View) Block(hash wire.Hash) (Block, error) {
	e, err := v.entry(hash)
	if err != nil {
		return Block{}, err
	}
	return describeBlock(&e), nil
}

// BlockHash returns the hash of the block of the active chain at a height.
func (v *View) BlockHash(height uint32) (wire.Hash, error) {
	e, ok := v.cfg.Chain.EntryAt(height)
	if !ok {
		return wire.Hash{}, errNoBlock
	}
	return e.Ref.Hash, nil
}

// Blocks describes at most max blocks of the active chain, the highest first: the
// one at height from and those below, or those from the tip on if from is nil.
func (v *View) Blocks(from *uint32, max int) ([]Block, error) {
	at := v.Tip().Hash
	if from != nil {
		hash, err := v.BlockHash(*from)
		if err != nil {
			return nil, err
		}
		at = hash
	}
	// Blocks are followed by their parents' hashes, so that a tip that moves
	// meanwhile does not mix two branches.
	blocks := make([]Block, 0, min(max, 100))
	for len(blocks) < max {
		b, err := v.Block(at)
		if err != nil {
			return nil, err
		}
		blocks = append(blocks, b)
		if b.Previous == nil {
			break
		}
		at = *b.Previous
	}
	return blocks, nil
}

// BlockStatus says whether a block is on the active chain. One that nobody knows
// is not.
func (v *View) BlockStatus(hash wire.Hash) BlockStatus {
	e, ok := v.cfg.Chain.Entry(hash)
	if !ok || !e.Active {
		return BlockStatus{}
	}
	return BlockStatus{InBestChain: true, Height: &e.Ref.Height, NextBest: e.Next}
}

// Header returns the header of a block.
func (v *View) Header(hash wire.Hash) (wire.Header, error) {
	e, err := v.entry(hash)
	return e.Header, err
}

// RawBlock returns the encoding of a block, which nobody may change.
func (v *View) RawBlock(hash wire.Hash) ([]byte, error) {
	if _, err := v.entry(hash); err != nil {
		return nil, err
	}
	return v.cfg.Chain.BlockBytes(hash)
}

// BlockTxIDs returns the ids of a block's transactions.
func (v *View) BlockTxIDs(hash wire.Hash) ([]wire.Hash, error) {
	b, err := v.body(hash)
	if err != nil {
		return nil, err
	}
	ids := make([]wire.Hash, len(b.block.Txs))
	for i, tx := range b.block.Txs {
		ids[i] = tx.TxID()
	}
	return ids, nil
}

// BlockTxs describes at most max transactions of a block, from the one at place
// start on. Those of a block off the active chain have no Status: it has not
// confirmed them. max is a multiple by which start must be divisible.
func (v *View) BlockTxs(ctx context.Context, hash wire.Hash, start uint32, max int) ([]Tx, error) {
	e, err := v.entry(hash)
	if err != nil {
		return nil, err
	}
	b, err := v.body(hash)
	if err != nil {
		return nil, err
	}
	if uint64(start) >= uint64(len(b.block.Txs)) {
		return nil, notFound("start index out of range")
	}
	if start%uint32(max) != 0 {
		return nil, badRequest(fmt.Sprintf("start index must be a multipication of %d", max)) // electrs's spelling
	}
	end := min(int(start)+max, len(b.block.Txs))
	txs := make([]Tx, 0, end-int(start))
	for i := int(start); i < end; i++ {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		txs = append(txs, v.describeMined(&e, b, i))
	}
	return txs, nil
}

// statusIn is the status of the transactions of a block.
func statusIn(e *ledger.Entry) Status {
	if !e.Active {
		return Status{}
	}
	return Status{Confirmed: true, Block: e.Ref, Time: e.Header.Time}
}

// describeMined describes the transaction at a place of a block.
func (v *View) describeMined(e *ledger.Entry, b *body, index int) Tx {
	prevouts := outputsOf(b.spentBy(index))
	if b.spent == nil && index > 0 {
		prevouts = b.guess(index)
	}
	tx := v.describe(b.block.Txs[index], prevouts)
	tx.Status, tx.Index = statusIn(e), uint32(index)
	return tx
}

// guess returns what a transaction of a block that was never connected spends,
// as far as the block itself made it.
func (b *body) guess(index int) []*wire.TxOut {
	inputs := b.block.Txs[index].Inputs
	prevouts := make([]*wire.TxOut, len(inputs))
	made := make(map[wire.Hash]*wire.Tx, index)
	for _, tx := range b.block.Txs[:index] {
		made[tx.TxID()] = tx
	}
	for i := range inputs {
		op := inputs[i].PrevOut
		if tx := made[op.TxID]; tx != nil && uint64(op.Index) < uint64(len(tx.Outputs)) {
			prevouts[i] = &tx.Outputs[op.Index]
		}
	}
	return prevouts
}

// outputsOf returns the outputs of coins.
func outputsOf(coins []consensus.Coin) []*wire.TxOut {
	outs := make([]*wire.TxOut, len(coins))
	for i := range coins {
		outs[i] = &coins[i].Out
	}
	return outs
}
