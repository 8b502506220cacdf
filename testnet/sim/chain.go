package sim

import (
	"context"
	"time"

	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/mempool"
	"github.com/keelson-chain/keelson/wire"
)

// chain is the node's ledger, whose work takes virtual time and is noted.
type chain struct {
	*ledger.Ledger
	node *Node
}

// AddBlock takes the time that validating b costs before it adds b.
func (c chain) AddBlock(ctx context.Context, b *wire.Block) error {
	hash := b.Hash()
	c.node.note(hash, func(t *trace) { t.whole = c.node.since() })
	costs := c.node.world.cfg.Costs
	cost := costs.Block + costs.Slot*time.Duration(len(b.Txs)) + costs.Offer*time.Duration(c.node.Pool.Stats().Count)
	for _, tx := range b.Txs[min(1, len(b.Txs)):] {
		cost += costs.Input * time.Duration(len(tx.Inputs))
		if costs.Sig > 0 && !c.node.Pool.Has(tx.TxID()) {
			cost += costs.Sig * time.Duration(len(tx.Inputs))
		}
	}
	c.node.compute(ctx, cost)
	err := c.Ledger.AddBlock(ctx, b)
	if err == nil {
		c.node.note(hash, func(t *trace) { t.done = c.node.since() })
	}
	return err
}

// AddHeaders notes when a new block was first heard of.
func (c chain) AddHeaders(hs []wire.Header) (wire.BlockRef, error) {
	for i := range hs {
		c.node.note(hs[i].Hash(), func(t *trace) { t.header = c.node.since() })
	}
	return c.Ledger.AddHeaders(hs)
}

// pool is the node's pool, whose work takes virtual time.
type pool struct {
	*mempool.Pool
	node *Node
}

// AddAll takes the time that judging txs costs before it adds them.
func (p pool) AddAll(ctx context.Context, txs []*wire.Tx, o mempool.AddOptions) ([]error, error) {
	p.node.compute(ctx, time.Duration(len(txs))*p.node.world.cfg.Costs.Tx)
	return p.Pool.AddAll(ctx, txs, o)
}
