package sim

import (
	"context"
	"sync"
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
	c.validate(ctx, b)
	err := c.Ledger.AddBlock(ctx, b)
	c.judged(b, err)
	return err
}

// AddBlocks hands blocks on to the ledger after the time that validating them
// costs, one after the other.
func (c chain) AddBlocks(ctx context.Context, deliveries <-chan ledger.Delivery) error {
	late, over := make(chan ledger.Delivery), make(chan struct{})
	var between sync.WaitGroup
	between.Go(func() {
		defer close(late)
		for {
			var d ledger.Delivery
			var ok bool
			select {
			case d, ok = <-deliveries:
			case <-over:
			}
			if !ok {
				return
			}
			c.validate(ctx, d.Block)
			judged := d.Judged
			d.Judged = func(err error) {
				c.judged(d.Block, err)
				judged(err)
			}
			select {
			case late <- d:
			case <-over:
				d.Judged(context.Canceled)
				return
			}
		}
	})
	err := c.Ledger.AddBlocks(ctx, late)
	close(over)
	between.Wait()
	return err
}

// validate takes the time that validating b costs, and that putting it together
// may have cost.
func (c chain) validate(ctx context.Context, b *wire.Block) {
	n := c.node
	n.note(b.Hash(), func(t *trace) { t.whole = n.since() })
	costs := n.world.cfg.Costs
	cost := costs.Block + costs.Slot*time.Duration(len(b.Txs)) + costs.Offer*time.Duration(n.Pool.Stats().Count)
	for _, tx := range b.Txs[min(1, len(b.Txs)):] {
		cost += costs.Input * time.Duration(len(tx.Inputs))
		if costs.Sig > 0 && !n.Pool.Has(tx.TxID()) && !n.isPreverified(tx.WTxID()) {
			cost += costs.Sig * time.Duration(len(tx.Inputs))
		}
	}
	n.compute(ctx, cost)
	n.forgetPreverified(b)
}

func (c chain) judged(b *wire.Block, err error) {
	if err == nil {
		c.node.note(b.Hash(), func(t *trace) { t.done = c.node.since() })
	}
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

// AddPackage takes the time that judging txs costs before it adds them.
func (p pool) AddPackage(ctx context.Context, txs []*wire.Tx, o mempool.PackageOptions) (mempool.PackageResult, error) {
	p.node.compute(ctx, time.Duration(len(txs))*p.node.world.cfg.Costs.Tx)
	return p.Pool.AddPackage(ctx, txs, o)
}

// Preverify takes the time that verifying the scripts of txs costs, after which a
// block need not.
func (p pool) Preverify(ctx context.Context, txs []*wire.Tx) error {
	p.node.compute(ctx, time.Duration(len(txs))*p.node.world.cfg.Costs.Preverify)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	p.node.notePreverified(txs)
	return p.Pool.Preverify(ctx, txs)
}
