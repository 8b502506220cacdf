package testnet

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keelson-chain/keelson/testnet/link"
)

// Partition cuts the network into parts: each group of nodes is connected among
// itself and with nobody else. Nodes that no group names are one more part. It
// returns when the nodes are connected so. A later Partition replaces it.
func (n *Network) Partition(ctx context.Context, groups ...[]int) error {
	parts, err := n.split(groups)
	if err != nil {
		return err
	}
	return n.inTurn(ctx, func(ctx context.Context) error { return n.regroup(ctx, parts) })
}

// Heal connects all parts of the network again. It returns when the nodes are
// connected; Sync waits until they agree.
func (n *Network) Heal(ctx context.Context) error {
	return n.inTurn(ctx, func(ctx context.Context) error { return n.regroup(ctx, [][]int{n.mesh.numbers()}) })
}

func (n *Network) regroup(ctx context.Context, parts [][]int) error {
	n.mesh.regroup(parts)
	return n.settle(ctx)
}

// split checks the groups of a partition and adds the one that is left over.
func (n *Network) split(groups [][]int) ([][]int, error) {
	var (
		parts [][]int
		seen  = map[int]bool{}
	)
	for _, group := range groups {
		if len(group) == 0 {
			return nil, bad("a part of the network without nodes")
		}
		for _, i := range group {
			if _, err := n.node(i); err != nil {
				return nil, err
			}
			if seen[i] {
				return nil, bad("node %d is named twice", i)
			}
			seen[i] = true
		}
		parts = append(parts, slices.Sorted(slices.Values(group)))
	}
	var rest []int
	for i := range n.Nodes {
		if !seen[i] {
			rest = append(rest, i)
		}
	}
	if len(rest) > 0 {
		parts = append(parts, rest)
	}
	if len(parts) < 2 {
		return nil, bad("a partition needs nodes on two sides")
	}
	return parts, nil
}

// SetLatency sets how long data is on its way between two nodes, in each direction,
// or between any two if one of a and b is AllLinks. It is at most MaxLatency.
func (n *Network) SetLatency(a, b int, latency time.Duration) error {
	if latency < 0 || latency > MaxLatency {
		return bad("a latency of %v: it must be from 0 to %v", latency, MaxLatency)
	}
	return n.reshape(a, b, func(s *link.Shape) { s.Latency = latency })
}

// SetJitter sets how much longer data may be on its way at most, at random.
func (n *Network) SetJitter(a, b int, jitter time.Duration) error {
	if jitter < 0 || jitter > MaxLatency {
		return bad("a jitter of %v: it must be from 0 to %v", jitter, MaxLatency)
	}
	return n.reshape(a, b, func(s *link.Shape) { s.Jitter = jitter })
}

// SetLoss sets the probability, from 0 to link.MaxLoss, with which data is taken for
// lost between two nodes, or any two. As TCP loses nothing, what follows waits until
// it would have been sent again: see package link.
func (n *Network) SetLoss(a, b int, loss float64) error {
	if !(loss >= 0 && loss <= link.MaxLoss) {
		return bad("a loss of %v: it must be from 0 to %v", loss, link.MaxLoss)
	}
	return n.reshape(a, b, func(s *link.Shape) { s.Loss = loss })
}

func (n *Network) reshape(a, b int, change func(*link.Shape)) error {
	if a != AllLinks && b != AllLinks {
		for _, i := range []int{a, b} {
			if _, err := n.node(i); err != nil {
				return err
			}
		}
		if a == b {
			return bad("node %d has no link to itself", a)
		}
	}
	return n.mesh.reshape(a, b, change)
}

// peer is what getpeerinfo tells that is of use here.
type peer struct {
	ID       int64
	Subver   string
	PingTime *float64
	PingWait *float64
}

// is reports whether the peer is a node of the network.
func (p *peer) is(nd *Node) bool {
	return strings.Contains(p.Subver, nd.name()+")") || strings.Contains(p.Subver, nd.name()+";")
}

// Ping has node a measure how long a message to node b and its answer take.
func (n *Network) Ping(ctx context.Context, a, b int) (time.Duration, error) {
	from, err := n.live(a)
	if err != nil {
		return 0, err
	}
	to, err := n.live(b)
	if err != nil {
		return 0, err
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var before *peer
	for {
		p, err := from.peer(ctx, to)
		if err != nil {
			return 0, err
		}
		switch {
		case p == nil:
			return 0, fmt.Errorf("%w: nodes %d and %d are not connected", ErrArgument, a, b)
		case p.PingWait != nil: // a measurement is under way: the next one is ours
		case before == nil || before.ID != p.ID:
			before = p
			if err := from.Call(ctx, nil, "ping"); err != nil {
				return 0, err
			}
			continue
		case p.PingTime != nil && (before.PingTime == nil || *p.PingTime != *before.PingTime):
			return time.Duration(*p.PingTime * float64(time.Second)), nil
		}
		if err := sleep(ctx, 2*time.Millisecond); err != nil {
			return 0, err
		}
	}
}

// peer returns what a node tells of another one, nil if it is no peer.
func (nd *Node) peer(ctx context.Context, other *Node) (*peer, error) {
	var peers []peer
	if err := nd.Call(ctx, &peers, "getpeerinfo"); err != nil {
		return nil, err
	}
	for _, p := range peers {
		if p.is(other) {
			return &p, nil
		}
	}
	return nil, nil
}
