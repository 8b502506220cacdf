package ledger

import (
	"encoding/binary"
	"fmt"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/wire"
)

// An undo record holds the coins that a block spent, in the order of its
// inputs, those that it made itself included: their number as a uvarint and
// the coins as in the database. It depends on the block alone, so it
// is written once, however often the block is connected.

func appendUndo(dst []byte, spent []consensus.Coin) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(spent)))
	for i := range spent {
		dst = appendCoin(dst, &spent[i])
	}
	return dst
}

func readUndo(b []byte) ([]consensus.Coin, error) {
	n, k := binary.Uvarint(b)
	// No coin takes fewer than seven bytes.
	if k <= 0 || n > uint64(len(b))/7 {
		return nil, fmt.Errorf("%w: an undo record has a wrong count", ErrCorrupt)
	}
	b = b[k:]
	spent := make([]consensus.Coin, n)
	scripts := make([]byte, 0, 2*len(b))
	var err error
	for i := range spent {
		if b, scripts, err = readCoin(b, &spent[i], scripts); err != nil {
			return nil, err
		}
	}
	if len(b) > 0 {
		return nil, fmt.Errorf("%w: an undo record is too long", ErrCorrupt)
	}
	return spent, nil
}

// inputsOf returns how many inputs b has besides the coinbase's.
func inputsOf(b *wire.Block) int {
	n := 0
	for _, tx := range b.Txs[1:] {
		n += len(tx.Inputs)
	}
	return n
}
