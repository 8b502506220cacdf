package esplora

import (
	"errors"
	"sync"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/wire"
)

// body is a block with the coins that it spent.
type body struct {
	block *wire.Block
	// spent are the coins in the order of the inputs, the coinbase's excluded; nil
	// if the block has never been connected.
	spent []consensus.Coin
	// first[i] is the place in spent of the first coin that transaction i+1 spent.
	first []int
}

// spentBy returns the coins that a transaction of the block spent, nil if they
// are not known or it is the coinbase.
func (b *body) spentBy(index int) []consensus.Coin {
	if index == 0 || b.spent == nil {
		return nil
	}
	from := b.first[index-1]
	return b.spent[from : from+len(b.block.Txs[index].Inputs)]
}

// maxBodies bounds the bodies that are kept, in bytes of their encoding; what they
// take in memory is a small multiple. One that is larger than all is kept alone.
const maxBodies = 16 << 20

// bodies are the bodies that were asked for last. One block answers for many
// questions: who looks at a transaction looks at its neighbours, and a page of a
// block is made of all of it.
type bodies struct {
	mu   sync.Mutex
	list []kept // the last one asked for first
	size int
}

type kept struct {
	hash wire.Hash
	body *body
	size int
}

func (c *bodies) get(hash wire.Hash) *body {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.list {
		if c.list[i].hash == hash {
			found := c.list[i]
			copy(c.list[1:], c.list[:i])
			c.list[0] = found
			return found.body
		}
	}
	return nil
}

func (c *bodies) put(hash wire.Hash, b *body) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for i := range c.list {
		if c.list[i].hash == hash {
			return // somebody else was first
		}
	}
	size := b.block.Size()
	c.list = append([]kept{{hash, b, size}}, c.list...)
	c.size += size
	for len(c.list) > 1 && c.size > maxBodies {
		last := len(c.list) - 1
		c.size -= c.list[last].size
		c.list[last] = kept{}
		c.list = c.list[:last]
	}
}

// body returns a stored block. Without the coins it spent, because it was never
// connected, it is not kept: they may come.
func (v *View) body(hash wire.Hash) (*body, error) {
	if b := v.bodies.get(hash); b != nil {
		return b, nil
	}
	block, err := v.cfg.Chain.Block(hash)
	if errors.Is(err, ledger.ErrUnknownBlock) || errors.Is(err, ledger.ErrNoBody) {
		return nil, errNoBlock
	}
	if err != nil {
		return nil, err
	}
	b := &body{block: block, first: make([]int, len(block.Txs)-1)}
	inputs := 0
	for i, tx := range block.Txs[1:] {
		b.first[i] = inputs
		inputs += len(tx.Inputs)
	}
	spent, err := v.cfg.Chain.Spent(hash)
	switch {
	case hash == v.cfg.Params.GenesisHash:
		b.spent = []consensus.Coin{}
	case errors.Is(err, ledger.ErrNoBody):
		return b, nil
	case err != nil:
		return nil, err
	case len(spent) != inputs:
		return nil, ledger.ErrCorrupt
	default:
		b.spent = spent
		if spent == nil {
			b.spent = []consensus.Coin{}
		}
	}
	v.bodies.put(hash, b)
	return b, nil
}
