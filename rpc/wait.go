package rpc

import (
	"context"
	"time"

	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/wire"
)

// waitMethods wait for blocks. Whoever waits takes no slot from others.
func waitMethods() []method {
	timeout := may("timeout", tNumber, "0", "How long to wait at most, in milliseconds; 0: as long as it takes")
	tip := one(rObject("", "",
		rHex("hash", "the tip"),
		rNumber("height", "its height")))
	return []method{
		{
			name: "waitfornewblock", category: "hidden", run: waitfornewblock,
			help: "Wait for the next change of the tip, and return the tip.", params: []param{timeout}, results: tip,
			examples: []string{"1000"},
		},
		{
			name: "waitforblock", category: "hidden", run: waitforblock,
			help:   "Wait until a block is the tip, and return the tip.",
			params: []param{need("blockhash", tHex, "The block"), timeout}, results: tip,
			examples: []string{exampleHash + " 1000"},
		},
		{
			name: "waitforblockheight", category: "hidden", run: waitforblockheight,
			help:   "Wait until the chain has a height, and return the tip.",
			params: []param{need("height", tNumber, "The height"), timeout}, results: tip,
			examples: []string{"100 1000"},
		},
	}
}

func waitfornewblock(c *call) (any, error) {
	was := c.Ledger.Tip().Tip
	return c.waitFor(0, func(tip wire.BlockRef) bool { return tip != was })
}

func waitforblock(c *call) (any, error) {
	hash := c.hash(0, "blockhash")
	return c.waitFor(1, func(tip wire.BlockRef) bool { return tip.Hash == hash })
}

func waitforblockheight(c *call) (any, error) {
	height := c.int(0, 32)
	return c.waitFor(1, func(tip wire.BlockRef) bool { return int64(tip.Height) >= height })
}

// waitFor waits until the tip is one that is wanted, for as long as argument i
// says, and returns the tip. The end of the server ends it, too.
func (c *call) waitFor(i int, wanted func(wire.BlockRef) bool) (any, error) {
	timeout := c.intOr(i, 32, 0)
	if c.err != nil {
		return nil, c.err
	}
	var tip wire.BlockRef
	c.aside(func() {
		ctx := c.ctx
		if timeout != 0 {
			var cancel context.CancelFunc
			ctx, cancel = context.WithTimeout(ctx, time.Duration(timeout)*time.Millisecond)
			defer cancel()
		}
		for {
			changed := c.Ledger.Changed()
			if tip = c.Ledger.Tip().Tip; wanted(tip) {
				return
			}
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
		}
	})
	var o jsonrpc.Object
	o.Add("hash", tip.Hash)
	o.Add("height", tip.Height)
	return o, nil
}
