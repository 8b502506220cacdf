package testnet

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/keelson-chain/keelson/wire"
)

// MaxBlocks is how many blocks Mine and Reorg make at most.
const MaxBlocks = 10_000

// maxTries bounds how many hashes a node tries for one call.
const maxTries = 200_000_000

// Mine has a node mine blocks on its tip, of what its pool has; the coinbases pay
// the faucet. It returns when the node has them, with their hashes; Sync waits for
// the other nodes.
func (n *Network) Mine(ctx context.Context, node, blocks int) ([]wire.Hash, error) {
	if blocks < 0 || blocks > MaxBlocks {
		return nil, bad("%d blocks: they must be from 0 to %d", blocks, MaxBlocks)
	}
	nd, err := n.live(node)
	if err != nil {
		return nil, err
	}
	var hashes []wire.Hash
	err = n.inTurn(ctx, func(ctx context.Context) error {
		err := nd.Call(ctx, &hashes, "generatetoaddress", blocks, n.purse.faucets[node].Address, maxTries)
		if err == nil && len(hashes) < blocks {
			err = fmt.Errorf("node %d: %d of %d blocks were found: the difficulty is too high for mining on demand", node, len(hashes), blocks)
		}
		return err
	})
	return hashes, err
}

// Reorg is what a reorganisation has replaced.
type Reorg struct {
	Fork wire.BlockRef // the last block that both branches have
	// Old are the blocks that are no longer in the active chain, New those that are
	// instead, in the order of the chain.
	Old, New []wire.Hash
}

// Reorg makes a reorganisation: a node mines length blocks on the block that lies
// depth blocks below its tip, and since that is the longer chain, which it must be,
// all nodes that it is connected with change to it. The transactions of the old
// blocks return to the pools. Nothing is marked invalid: it happens as it does on a
// real network. It returns when the nodes have one tip. The node is the first that
// runs.
func (n *Network) Reorg(ctx context.Context, depth, length int) (Reorg, error) {
	if depth < 1 || depth >= length || length > MaxBlocks {
		return Reorg{}, bad("a reorganisation of %d blocks by %d: at least 1 must be replaced, by more, and by at most %d", depth, length, MaxBlocks)
	}
	var r Reorg
	err := n.inTurn(ctx, func(ctx context.Context) error {
		nd, err := n.first()
		if err != nil {
			return err
		}
		tip, err := nd.tip(ctx)
		if err != nil {
			return err
		}
		if int64(depth) >= int64(tip.Height) {
			return bad("a reorganisation of %d blocks: the chain has %d", depth, tip.Height)
		}
		r.Fork.Height = tip.Height - uint32(depth)
		for h := r.Fork.Height; h <= tip.Height; h++ {
			var hash wire.Hash
			if err := nd.Call(ctx, &hash, "getblockhash", h); err != nil {
				return err
			}
			if h == r.Fork.Height {
				r.Fork.Hash = hash
			} else {
				r.Old = append(r.Old, hash)
			}
		}
		if err := nd.Call(ctx, &r.New, "generateat", r.Fork.Hash, length, n.purse.faucets[nd.ID].Address, maxTries); err != nil {
			return err
		}
		if len(r.New) < length {
			return fmt.Errorf("node %d: %d of %d blocks were found: the difficulty is too high for mining on demand", nd.ID, len(r.New), length)
		}
		return n.sync(ctx, n.mesh.part(nd.ID))
	})
	return r, err
}

// Sync waits until all nodes that run and are connected have the same tip: all
// nodes, or those of each part by themselves. Without a deadline of ctx it waits for
// a minute. The error is ErrNoSync; two chains of the same work may stay until one
// becomes longer.
func (n *Network) Sync(ctx context.Context) error {
	for _, part := range n.mesh.parts() {
		if err := n.sync(ctx, part); err != nil {
			return err
		}
	}
	return nil
}

// sync waits until those of the nodes that run have one tip.
func (n *Network) sync(ctx context.Context, nodes []int) error {
	return n.agree(ctx, nodes, ErrNoSync, func(nd *Node) (string, error) {
		tip, err := nd.tip(ctx)
		return fmt.Sprintf("%d %v", tip.Height, tip.Hash), err
	})
}

// SyncPools waits until all nodes that run and are connected have the same tip and
// the same transactions in their pools. For the rest it is like Sync.
func (n *Network) SyncPools(ctx context.Context) error {
	for _, part := range n.mesh.parts() {
		err := n.agree(ctx, part, ErrNoSync, func(nd *Node) (string, error) {
			tip, err := nd.tip(ctx)
			if err != nil {
				return "", err
			}
			pool, err := nd.pool(ctx)
			return fmt.Sprintf("%d %v %d %v", tip.Height, tip.Hash, len(pool), wire.DoubleSHA256(flat(pool))), err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// agree waits until what is asked of those of the nodes that run is the same.
func (n *Network) agree(ctx context.Context, nodes []int, kind error, ask func(*Node) (string, error)) error {
	if _, limited := ctx.Deadline(); !limited {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, patience)
		defer cancel()
	}
	for {
		var said []string
		same := true
		for _, i := range nodes {
			nd := n.Nodes[i]
			if !nd.Alive() {
				continue
			}
			answer, err := ask(nd)
			if err != nil {
				return err
			}
			said = append(said, answer)
			same = same && answer == said[0]
		}
		if same {
			return nil
		}
		if err := sleep(ctx, 2*time.Millisecond); err != nil {
			return fmt.Errorf("%w: %s", kind, strings.Join(said, ", "))
		}
	}
}

// tip returns the end of a node's active chain.
func (nd *Node) tip(ctx context.Context) (wire.BlockRef, error) {
	var chain struct {
		Blocks        uint32
		BestBlockHash wire.Hash
	}
	err := nd.Call(ctx, &chain, "getblockchaininfo")
	return wire.BlockRef{Height: chain.Blocks, Hash: chain.BestBlockHash}, err
}
