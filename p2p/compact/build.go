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
		Header: b.Header, Nonce: nonce, IDSize: message.MaxIDSize,
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

// Narrow returns b in compact form with ids of message.MinIDSize bytes, under a
// nonce with which no transaction of b and none of those that each calls its
// function for have the same, if a few tries find one; else it is New's.
//
// each is the pool of the block's maker. Those of others are about the same, so that
// the ids say as much to them, and what they have besides is worth an id that says
// less once in a while. Nobody can make transactions that collide before the block
// is there.
func Narrow(b *wire.Block, nonce func() uint64, each func(f func(wtxid *wire.Hash, raw []byte)) error) *message.Compact {
	const tries = 4
	for range tries {
		c := New(b, nonce(), nil)
		c.IDSize = message.MinIDSize
		for i := range c.ShortIDs {
			c.ShortIDs[i] &= maskOf(c.IDSize)
		}
		p, err := NewPartial(c)
		if err != nil {
			continue
		}
		offered := 0
		if err := each(func(wtxid *wire.Hash, raw []byte) {
			offered++
			p.Offer(wtxid, raw)
		}); err != nil || offered*len(c.ShortIDs) > 1<<(8*message.MinIDSize) {
			break // too many for most nonces to do
		}
		there := []byte{0}
		for _, tx := range b.Txs[1:] {
			wtxid := tx.WTxID()
			p.Offer(&wtxid, there)
		}
		if p.Open() == 0 {
			return c
		}
	}
	return New(b, nonce(), nil)
}
