package template

import (
	"encoding/binary"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/wire"
)

// What a template keeps free for the header, the number of transactions and
// the coinbase, whatever they take in the end (Bitcoin Core's numbers).
const (
	ReservedWeight = 4000 // in weight units
	ReservedSigOps = 400  // cost
)

// newCoinbase returns the coinbase of the child of s.Tip but for its witness
// and commitment.
func newCoinbase(s consensus.State, fees wire.Amount, pkScript []byte) *wire.Tx {
	height := s.Tip.Height + 1
	tx := &wire.Tx{
		Version: 2,
		Inputs: []wire.TxIn{{
			PrevOut:   wire.OutPoint{Index: 0xffffffff},
			SigScript: coinbaseScript(height, 0),
			Sequence:  wire.SequenceFinal,
		}},
		Outputs: []wire.TxOut{{
			Value:    consensus.Subsidy(s.Params, height) + fees,
			PkScript: pkScript,
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
