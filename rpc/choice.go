package rpc

import (
	"context"
	"errors"

	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/rpc/jsonrpc"
	"github.com/keelson-chain/keelson/wire"
)

// choiceMethods let the operator choose between chains, verify what is stored
// and delete it.
func choiceMethods() []method {
	hash := func(help string) []param { return []param{need("blockhash", tHex, help)} }
	return []method{
		{
			name: "invalidateblock", category: "hidden", run: invalidateblock,
			help:     "Treat a block as invalid from now on, whatever the rules say, and move to the best chain without it.",
			params:   hash("the block to mark as invalid"),
			results:  one(rNull()),
			examples: []string{`"blockhash"`},
		},
		{
			name: "reconsiderblock", category: "hidden", run: reconsiderblock,
			help:     "Forget that a block, its ancestors and its descendants were found or said to be invalid, and move to the best chain.",
			params:   hash("the block to judge again"),
			results:  one(rNull()),
			examples: []string{`"blockhash"`},
		},
		{
			name: "preciousblock", category: "blockchain", run: preciousblock,
			help:     "Prefer a block to others of the same work, as if it had been seen first. A later call overrides an earlier one; a restart forgets it.",
			params:   hash("the block to prefer"),
			results:  one(rNull()),
			examples: []string{`"blockhash"`},
		},
		{
			name: "verifychain", category: "blockchain", run: verifychain,
			help: "Verify the stored chain.",
			params: []param{
				{names: "checklevel", typ: tNumber, def: "3, range=0-4", hint: true, help: "How thoroughly, each level with those below it:\n" +
					"- 0: the blocks can be read\n- 1: they are valid by themselves\n- 2: the undo records can be read\n" +
					"- 3: disconnecting them gives what was there before\n- 4: they can be connected again"},
				{names: "nblocks", typ: tNumber, def: "6, 0=all", hint: true, help: "How many of the last blocks"},
			},
			results:  one(rBool("", "whether all is well; if not, the log says what is wrong")),
			examples: []string{""},
		},
		{
			name: "pruneblockchain", category: "blockchain", run: pruneblockchain,
			help:     "Delete the bodies of old blocks, up to a height. The node must have been started with prune.",
			params:   []param{need("height", tNumber, "The height; or a time in seconds since 1970, for blocks at least two hours older")},
			results:  one(rNumber("", "The height of the last block deleted, -1 if there is none")),
			examples: []string{"1000"},
		},
	}
}

// chosen carries out a choice about the block in argument 0.
func (c *call) chosen(act func(context.Context, wire.Hash) error) (any, error) {
	e, err := c.entry(0, "blockhash")
	if err != nil {
		return nil, err
	}
	if err := c.poolSeesTip(); err != nil {
		return nil, err
	}
	err = act(c.ctx, e.Ref.Hash)
	switch {
	case err == nil:
		return nil, nil
	case errors.Is(err, ledger.ErrUnknownBlock):
		return nil, errBlockNotFound
	case c.ctx.Err() != nil:
		return nil, c.ctx.Err()
	}
	return nil, jsonrpc.Errorf(jsonrpc.CodeDatabase, "%v", err)
}

// poolSeesTip brings the pool to the tip before a call that may replace that:
// of a block that it never saw it would get nothing back.
func (c *call) poolSeesTip() error { return c.Pool.Sync() }

func invalidateblock(c *call) (any, error) { return c.chosen(c.Ledger.Invalidate) }

func reconsiderblock(c *call) (any, error) { return c.chosen(c.Ledger.Reconsider) }

func preciousblock(c *call) (any, error) {
	return c.chosen(func(_ context.Context, hash wire.Hash) error { return c.Ledger.Precious(hash) })
}

func verifychain(c *call) (any, error) {
	level, depth := c.intOr(0, 32, 3), c.intOr(1, 32, 6)
	if c.err != nil {
		return nil, c.err
	}
	level = max(0, min(level, 4))
	depth = max(depth, 0)
	err := c.Ledger.VerifyChain(c.ctx, int(level), int(depth), nil)
	switch {
	case err == nil:
		return true, nil
	case errors.Is(err, ledger.ErrCorrupt):
		c.s.log.Error().Err(err).Msg("verifychain has found damage")
		return false, nil
	}
	return nil, err
}

// pruneAfterHeight is how long a chain must be before pruneblockchain works.
func (s *Server) pruneAfterHeight() uint32 {
	switch name := s.cfg.Params.Name; {
	case s.cfg.FastPrune:
		return 100
	case name == "regtest", name == "test":
		return 1000
	}
	return 100_000
}

func pruneblockchain(c *call) (any, error) {
	// A height above a billion is too high for a height and must be a time.
	const timesBegin = 1_000_000_000
	if pruning, _ := c.Ledger.Pruning(); !pruning {
		return nil, errors.New("Cannot prune blocks because node is not in prune mode.")
	}
	height := c.int(0, 32)
	if c.err != nil {
		return nil, c.err
	}
	if height < 0 {
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Negative block height.")
	}
	tip := int64(c.Ledger.Tip().Tip.Height)
	if height > timesBegin {
		const twoHours = 2 * 60 * 60 // how far times of neighbours may be out of order
		first, ok := c.firstNotBefore(height - twoHours)
		if !ok {
			return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Could not find block with at least the specified timestamp.")
		}
		height = int64(first)
	}
	switch {
	case tip < int64(c.s.pruneAfterHeight()):
		return nil, errors.New("Blockchain is too short for pruning.")
	case height > tip:
		return nil, jsonrpc.Errorf(jsonrpc.CodeInvalidParameter, "Blockchain is shorter than the attempted prune height.")
	}
	height = min(height, tip-ledger.KeepBlocks)
	if _, err := c.Ledger.PruneTo(uint32(max(height, 0))); err != nil {
		return nil, err
	}
	_, lowest := c.Ledger.Pruning()
	return int64(lowest) - 1, nil
}

// firstNotBefore finds the lowest block of the active chain whose time is at
// least seconds.
func (c *call) firstNotBefore(seconds int64) (height uint32, ok bool) {
	for {
		e, ok := c.Ledger.EntryAt(height)
		if !ok || int64(e.Header.Time) >= seconds {
			return height, ok
		}
		height++
	}
}
