package testnet

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/keelson-chain/keelson/wire"
)

// Status is what a network is like.
type Status struct {
	Nodes     []NodeStatus // by their numbers
	Groups    [][]int      // the parts of the network
	Links     []LinkStatus // in the order of the nodes
	Now       time.Time    // by the nodes' clocks
	Mining    Mining
	Stages    []Stage // of the difficulty
	Snapshots []ID
}

// NodeStatus is what one node is like. A node that does not run has its number alone.
type NodeStatus struct {
	ID    int
	Alive bool
	Tip   wire.BlockRef
	Pool  int   // transactions
	Peers []int // nodes of the network
}

// LinkStatus is what the link between two nodes is like.
type LinkStatus struct {
	A, B            int
	Cut             bool // no connection is wanted: a partition, or a node that does not run
	Connected       bool
	Latency, Jitter time.Duration
	Loss            float64
	Passed          int64 // bytes, in both directions
}

// Status asks all nodes what they are like.
func (n *Network) Status(ctx context.Context) (Status, error) {
	s := Status{
		Nodes: make([]NodeStatus, len(n.Nodes)), Groups: n.mesh.parts(), Links: n.mesh.status(),
		Now: n.Now(), Mining: n.Mining(),
	}
	n.mu.Lock()
	s.Stages = slices.Clone(n.stages)
	for _, snap := range n.snapshots {
		s.Snapshots = append(s.Snapshots, snap.id)
	}
	n.mu.Unlock()
	err := n.all(func(nd *Node) error {
		status, err := n.statusOf(ctx, nd)
		if err != nil && !nd.Alive() { // it has ended meanwhile
			status, err = NodeStatus{ID: nd.ID}, nil
		}
		s.Nodes[nd.ID] = status
		return err
	})
	return s, err
}

func (n *Network) statusOf(ctx context.Context, nd *Node) (NodeStatus, error) {
	s := NodeStatus{ID: nd.ID, Alive: nd.Alive()}
	if !s.Alive {
		return s, nil
	}
	var (
		pool  struct{ Size int }
		peers []peer
	)
	tip, err := nd.tip(ctx)
	err = errors.Join(err, nd.Call(ctx, &pool, "getmempoolinfo"), nd.Call(ctx, &peers, "getpeerinfo"))
	if err != nil {
		return s, err
	}
	s.Tip, s.Pool = tip, pool.Size
	for _, p := range peers {
		for _, other := range n.Nodes {
			if p.is(other) {
				s.Peers = append(s.Peers, other.ID)
			}
		}
	}
	slices.Sort(s.Peers)
	s.Peers = slices.Compact(s.Peers)
	return s, nil
}

// status tells of all links that there have been.
func (m *mesh) status() (list []LinkStatus) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for p, c := range m.links {
		s := c.Shape()
		list = append(list, LinkStatus{
			A: p.a, B: p.b, Cut: !c.wanted, Connected: c.wanted && c.connected && c.Conns() > 0,
			Latency: s.Latency, Jitter: s.Jitter, Loss: s.Loss, Passed: c.Passed(),
		})
	}
	slices.SortFunc(list, func(x, y LinkStatus) int { return (x.A-y.A)*MaxNodes*2 + x.B - y.B })
	return list
}
