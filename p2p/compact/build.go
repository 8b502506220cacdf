package compact

import (
	"github.com/keelson-chain/keelson/p2p/message"
	"github.com/keelson-chain/keelson/wire"
)

// MaxPrefilled is how many bytes of transactions New puts into a compact block
// besides the coinbase.
const MaxPrefilled = 64 << 10

// New returns b in compact form. The nonce should be random. The coinbase is there
// as it is, and so are those for which prefill, which may be nil, returns true, as
// long as they have room in MaxPrefilled.
func New(b *wire.Block, nonce uint64, prefill func(i int, wtxid *wire.Hash) bool) *message.Compact {
	key := NewKey(&b.Header, nonce)
	c := &message.Compact{
		Header: b.Header, Nonce: nonce,
		ShortIDs: make([]uint64, 0, len(b.Txs)),
	}
	room, wtxid := MaxPrefilled, wire.Hash{}
	for i, tx := range b.Txs {
		if i == 0 {
			c.Prefilled = append(c.Prefilled, message.Prefilled{Index: 0, Tx: tx})
			continue
		}
		wtxid = tx.WTxID()
		if prefill != nil && prefill(i, &wtxid) && tx.Size() <= room {
			room -= tx.Size()
			c.Prefilled = append(c.Prefilled, message.Prefilled{Index: uint32(i), Tx: tx})
			continue
		}
		c.ShortIDs = append(c.ShortIDs, key.ShortID(&wtxid))
	}
	return c
}
