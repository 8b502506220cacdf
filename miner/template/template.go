package template

import (
	"fmt"
	"sync"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/mempool"
	"github.com/keelson-chain/keelson/wire"
)

// BlockVersion is the header version of the blocks that we make: the top bits
// of BIP 9 and no deployment signalled.
const BlockVersion int32 = 0x20000000

// Options are what a Template has besides transactions.
type Options struct {
	// PkScript is the output script that takes subsidy and fees.
	PkScript []byte
	// Now is the time for the header, in seconds since 1970: see WithTime.
	Now int64
	// Version is the header's; 0 is BlockVersion.
	Version int32
}

// Template is an unsolved child block of Selection.State. It and what it
// points to never change: the With methods return another one.
type Template struct {
	// Header commits to Coinbase and the transactions; its nonce is zero.
	Header wire.Header
	// Coinbase pays everything to its first output. Its last output is the
	// witness commitment, if segwit is active.
	Coinbase *wire.Tx
	// Selection are the transactions behind the coinbase.
	Selection *mempool.Selection

	branch []wire.Hash // of the coinbase's id in the merkle tree
}

// New builds the child block of sel.State with the transactions of sel, whose
// fees it claims. The coinbase is laid out as Bitcoin Core does it: the height
// and OP_0 in its script, then the outputs that Template names. Two goroutines
// hash the two merkle trees and have ended when New returns.
func New(sel *mempool.Selection, o Options) *Template {
	s := sel.State
	t := &Template{
		Header: wire.Header{
			Version:   o.Version,
			PrevBlock: s.Tip.Hash,
			Time:      headerTime(s, o.Now),
			Bits:      uint32(s.NextBits()),
		},
		Coinbase:  newCoinbase(s, sel.Fees, o.PkScript),
		Selection: sel,
	}
	if o.Version == 0 {
		t.Header.Version = BlockVersion
	}

	// A tree over thousands of transactions takes longer than starting a goroutine.
	var trees sync.WaitGroup
	trees.Go(func() {
		leaves := make([]wire.Hash, 1+len(sel.Txs))
		for i := range sel.Txs {
			leaves[1+i] = sel.Txs[i].TxID
		}
		t.branch = wire.MerkleBranch(leaves)
	})
	if s.Active(consensus.Segwit) {
		leaves := make([]wire.Hash, 1+len(sel.Txs)) // the coinbase counts as zero (BIP 141)
		for i := range sel.Txs {
			leaves[1+i] = sel.Txs[i].WTxID
		}
		root, _ := wire.MerkleRoot(leaves)
		var reserved [32]byte
		t.Coinbase.Inputs[0].Witness = [][]byte{reserved[:]}
		commitment := wire.WitnessCommitmentHash(root, reserved)
		t.Coinbase.Outputs = append(t.Coinbase.Outputs, wire.TxOut{PkScript: wire.WitnessCommitmentScript(commitment)})
	}
	trees.Wait()

	t.Header.MerkleRoot = wire.RootOfFirst(t.Coinbase.TxID(), t.branch)
	return t
}

// Of returns the selection of given transactions for a child of s.Tip, in
// their order, without fees for anybody.
func Of(s consensus.State, txs []*wire.Tx) *mempool.Selection {
	sel := &mempool.Selection{State: s}
	for _, tx := range txs {
		weight := tx.Weight()
		sel.Txs = append(sel.Txs, mempool.Selected{
			Raw:    tx.Append(nil),
			TxID:   tx.TxID(),
			WTxID:  tx.WTxID(),
			Weight: int32(weight),
		})
		sel.Weight += weight
	}
	return sel
}

// headerTime returns now, but not before the first valid second.
func headerTime(s consensus.State, now int64) uint32 { return uint32(max(now, s.MinTime())) }

// WithTime returns t with the time now, in seconds since 1970, in its header,
// or the first second that the chain's rules allow if that is later.
func (t *Template) WithTime(now int64) *Template {
	c := *t
	c.Header.Time = headerTime(t.Selection.State, now)
	return &c
}

// WithExtraNonce returns t with another coinbase, and so another merkle root,
// for when every nonce was tried. It costs one hash for each doubling of the
// number of transactions.
func (t *Template) WithExtraNonce(extraNonce uint64) *Template {
	c := *t
	c.Coinbase = t.Coinbase.Clone()
	c.Coinbase.Inputs[0].SigScript = coinbaseScript(t.Height(), extraNonce)
	c.Header.MerkleRoot = wire.RootOfFirst(c.Coinbase.TxID(), t.branch)
	return &c
}

// Height returns the height of the block.
func (t *Template) Height() uint32 { return t.Selection.State.Tip.Height + 1 }

// Commitment returns the script of the output that commits to the witnesses,
// nil if segwit is not active.
func (t *Template) Commitment() []byte {
	if outs := t.Coinbase.Outputs; len(outs) > 1 {
		return outs[len(outs)-1].PkScript
	}
	return nil
}

// Block returns the whole block with a nonce. The error is about a transaction
// of the selection that cannot be decoded.
func (t *Template) Block(nonce uint32) (*wire.Block, error) {
	h := t.Header
	h.Nonce = nonce
	size := wire.HeaderSize + wire.CompactSizeLen(uint64(1+len(t.Selection.Txs))) + t.Coinbase.Size()
	for i := range t.Selection.Txs {
		size += len(t.Selection.Txs[i].Raw)
	}
	raw := h.Append(make([]byte, 0, size))
	raw = wire.AppendCompactSize(raw, uint64(1+len(t.Selection.Txs)))
	raw = t.Coinbase.Append(raw)
	for i := range t.Selection.Txs {
		raw = append(raw, t.Selection.Txs[i].Raw...)
	}
	b, err := wire.DecodeBlock(raw)
	if err != nil {
		return nil, fmt.Errorf("template on %v: %w", t.Selection.State.Tip, err)
	}
	return b, nil
}
