package testnet

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/keelson-chain/keelson/rpc/jsonrpc"
)

// ID names a snapshot, from 1.
type ID int

// ErrNoSnapshot means that there is no snapshot of that name, or that one before it was reverted to.
var ErrNoSnapshot = errors.New("there is no such snapshot")

// MaxSnapshots is how many snapshots there are at most; they are in memory.
const MaxSnapshots = 100

// snapshot is what a network was like.
type snapshot struct {
	id     ID
	nodes  []jsonrpc.Value // what getnodestate has told
	offset time.Duration
	stages []Stage
}

// Snapshot remembers what all nodes have: the chain, the pool and the clock. All nodes
// must run. Snapshots last as long as the network does.
func (n *Network) Snapshot(ctx context.Context) (ID, error) {
	var id ID
	err := n.inTurn(ctx, func(ctx context.Context) error {
		if err := n.allLive(); err != nil {
			return err
		}
		if len(n.snapshots) >= MaxSnapshots {
			return bad("there are %d snapshots already; revert to an earlier one, which forgets those after it", MaxSnapshots)
		}
		if err := n.rest(ctx); err != nil {
			return err
		}
		s := snapshot{id: n.lastID + 1, nodes: make([]jsonrpc.Value, len(n.Nodes)), stages: slices.Clone(n.stages)}
		n.mu.Lock()
		s.offset = n.offset
		n.mu.Unlock()
		err := n.all(func(nd *Node) (err error) {
			s.nodes[nd.ID], err = nd.value(ctx, "getnodestate")
			return err
		})
		if err := errors.Join(err, n.work(ctx)); err != nil {
			return err
		}
		n.mu.Lock()
		defer n.mu.Unlock()
		n.lastID++
		n.snapshots = append(n.snapshots, s)
		id = s.id
		return nil
	})
	return id, err
}

// Revert takes all nodes back to what a snapshot remembers: blocks and transactions
// that have come since are forgotten, as if nobody had ever seen them. How blocks come,
// the parts and the links of the network stay as they are. All nodes must run. The
// snapshot stays, later ones are forgotten.
func (n *Network) Revert(ctx context.Context, id ID) error {
	return n.inTurn(ctx, func(ctx context.Context) error {
		at := slices.IndexFunc(n.snapshots, func(s snapshot) bool { return s.id == id })
		if at < 0 {
			return fmt.Errorf("snapshot %d: %w", id, ErrNoSnapshot)
		}
		if err := n.allLive(); err != nil {
			return err
		}
		s := n.snapshots[at]
		n.mu.Lock()
		n.snapshots = n.snapshots[:at+1]
		n.mu.Unlock()
		if err := n.rest(ctx); err != nil {
			return err
		}
		// Nobody may hand a node that is back what it has just forgotten.
		n.mesh.cut()
		if err := n.mesh.await(ctx); err != nil {
			return err
		}
		err := n.all(func(nd *Node) error { return nd.Call(ctx, nil, "setnodestate", s.nodes[nd.ID]) })
		if err != nil {
			return errors.Join(err, n.settle(ctx))
		}
		n.mu.Lock()
		n.offset = s.offset
		n.mu.Unlock()
		if !slices.Equal(n.stages, s.stages) {
			n.setStages(slices.Clone(s.stages))
			if err := n.restartAll(ctx); err != nil {
				return err
			}
		}
		return errors.Join(n.settle(ctx), n.save())
	})
}

// allLive reports a node that does not run.
func (n *Network) allLive() error {
	for _, nd := range n.Nodes {
		if !nd.Alive() {
			return fmt.Errorf("%w, and must be restarted first", nd.down())
		}
	}
	return nil
}
