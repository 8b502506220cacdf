package miner

import (
	"encoding/binary"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/wire"
)

// BlockVersion is the header version of the blocks that we make: the top bits
// of BIP 9 and no deployment signalled.
const BlockVersion int32 = 0x20000000

// Payout is what a coinbase pays and to whom.
type Payout struct {
	PkScript []byte      // of the output that takes everything
	Fees     wire.Amount // of the transactions, added to the subsidy
}

// Template builds the unsolved child block of the state: a coinbase with the
// subsidy and fees, then txs, which must be valid in that order. The header's
// time is now, in seconds since 1970, or the first second that the median time
// past allows; its nonce is zero. The witness commitment of BIP 141 is there
// whenever segwit is active, as Bitcoin Core makes it.
func Template(s consensus.State, txs []*wire.Tx, pay Payout, now int64) *wire.Block {
	b := &wire.Block{
		Header: wire.Header{
			Version:   BlockVersion,
			PrevBlock: s.Tip.Hash,
			Time:      headerTime(s, now),
			Bits:      uint32(s.NextBits()),
		},
		Txs: append([]*wire.Tx{coinbase(s, pay)}, txs...),
	}
	Commit(s, b)
	return b
}

// headerTime returns now, but not before the first valid second.
func headerTime(s consensus.State, now int64) uint32 {
	return uint32(max(now, int64(s.MedianTimePast())+1))
}

func coinbase(s consensus.State, pay Payout) *wire.Tx {
	height := s.Tip.Height + 1
	tx := &wire.Tx{
		Version: 2,
		Inputs: []wire.TxIn{{
			PrevOut:   wire.OutPoint{Index: 0xffffffff},
			SigScript: coinbaseScript(height, 0),
			Sequence:  wire.SequenceFinal,
		}},
		Outputs: []wire.TxOut{{
			Value:    consensus.Subsidy(s.Params, height) + pay.Fees,
			PkScript: pay.PkScript,
		}},
	}
	if s.Active(consensus.BIP54) {
		// BIP 54: the lock time makes every coinbase's id unique, and the
		// sequence number makes the lock time count.
		tx.LockTime = height - 1
		tx.Inputs[0].Sequence = wire.SequenceFinal - 1
	}
	return tx
}

// coinbaseScript pushes the height (BIP 34) and, behind it, the extra nonce.
// An extra nonce of zero is OP_0, which also brings the script of the lowest
// heights to the least length of two bytes.
func coinbaseScript(height uint32, extraNonce uint64) []byte {
	var b script.Builder
	b.Int(int64(height))
	if extraNonce == 0 {
		b.Op(script.Op0)
	} else {
		b.Data(binary.LittleEndian.AppendUint64(nil, extraNonce))
	}
	return b.Script()
}

// Commit makes the block's coinbase commit to its witnesses, where segwit is
// active, and the header to its transactions. It replaces the coinbase, so
// call it again after any change of the block's transactions.
func Commit(s consensus.State, b *wire.Block) {
	cb := b.Txs[0].Clone()
	if _, ok := b.WitnessCommitment(); ok {
		cb.Outputs = cb.Outputs[:len(cb.Outputs)-1]
	}
	if s.Active(consensus.Segwit) {
		var reserved [32]byte
		cb.Inputs[0].Witness = [][]byte{reserved[:]}
		commitment := wire.WitnessCommitmentHash(b.WitnessMerkleRoot(), reserved)
		cb.Outputs = append(cb.Outputs, wire.TxOut{PkScript: wire.WitnessCommitmentScript(commitment)})
	}
	b.Txs[0] = cb
	b.Header.MerkleRoot, _ = b.TxMerkleRoot()
}

// rollExtraNonce gives a block that Template made another coinbase, and so
// another merkle root, for when every nonce was tried.
func rollExtraNonce(b *wire.Block, height uint32, extraNonce uint64) {
	cb := b.Txs[0].Clone()
	cb.Inputs[0].SigScript = coinbaseScript(height, extraNonce)
	b.Txs[0] = cb
	b.Header.MerkleRoot, _ = b.TxMerkleRoot()
}
