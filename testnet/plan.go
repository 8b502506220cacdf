package testnet

import (
	"context"

	"github.com/keelson-chain/keelson/rpc/jsonrpc"
)

// SetMining changes how blocks come, until it is called again.
func (n *Network) SetMining(ctx context.Context, m Mining) error {
	if err := m.check(len(n.Nodes)); err != nil {
		return err
	}
	return n.inTurn(ctx, func(ctx context.Context) error {
		rate, err := n.rate(ctx, &m)
		if err != nil {
			return err
		}
		n.mu.Lock()
		n.mining, n.hashRate = m, rate
		n.mu.Unlock()
		if err := n.work(ctx); err != nil {
			return err
		}
		return n.save()
	})
}

// Mining is how blocks come.
func (n *Network) Mining() Mining {
	n.mu.Lock()
	defer n.mu.Unlock()
	m := n.mining
	if m.Mode == "" {
		m.Mode = Manual
	}
	return m
}

// rate is the hash rate of all nodes together that m asks for.
func (n *Network) rate(ctx context.Context, m *Mining) (float64, error) {
	switch m.Mode {
	case HashRate:
		return m.HashRate, nil
	case Poisson:
		nd, err := n.first()
		if err != nil {
			return 0, err
		}
		// Where every block has the same work, that is what one takes on the average.
		bits, err := nd.nextBits(ctx)
		if err != nil {
			return 0, err
		}
		target, err := bits.Target()
		if err != nil {
			return 0, err
		}
		return target.Work().Float64() / m.Interval.Seconds(), nil
	}
	return 0, nil
}

// work tells the nodes that run what to mine.
func (n *Network) work(ctx context.Context) error {
	m := n.Mining()
	n.mu.Lock()
	rate := n.hashRate
	n.mu.Unlock()
	chosen := map[int]bool{} // the first of each part
	for _, part := range n.mesh.parts() {
		for _, i := range part {
			if n.Nodes[i].Alive() {
				chosen[i] = true
				break
			}
		}
	}
	return n.eachLive(func(nd *Node) error {
		return nd.Call(ctx, nil, "setmining", n.plan(nd.ID, &m, rate, chosen[nd.ID]))
	})
}

// rest has all nodes that run mine nothing, until work.
func (n *Network) rest(ctx context.Context) error {
	return n.eachLive(func(nd *Node) error {
		return nd.Call(ctx, nil, "setmining", n.plan(nd.ID, &Mining{}, 0, false))
	})
}

// plan is what a node is told to mine: see the help of setmining.
func (n *Network) plan(node int, m *Mining, rate float64, chosen bool) jsonrpc.Object {
	off := jsonrpc.Object{{Key: "plan", Value: "off"}}
	to := jsonrpc.Member{Key: "address", Value: n.purse.faucets[node].Address}
	switch m.Mode {
	case Instant:
		if chosen {
			return jsonrpc.Object{{Key: "plan", Value: "instant"}, to}
		}
	case Every:
		if chosen {
			return jsonrpc.Object{{Key: "plan", Value: "interval"}, to, {Key: "interval", Value: m.Interval.Seconds()}}
		}
	case Poisson, HashRate:
		if share := m.share(node, len(n.Nodes)); share > 0 {
			return jsonrpc.Object{{Key: "plan", Value: "hashrate"}, to, {Key: "hashrate", Value: rate * share}}
		}
	}
	return off
}

// share is the part of the hash rate that a node has, from 0 to 1.
func (m *Mining) share(node, nodes int) float64 {
	if len(m.Shares) == 0 {
		return 1 / float64(nodes)
	}
	if node >= len(m.Shares) {
		return 0
	}
	sum := 0.0
	for _, share := range m.Shares {
		sum += share
	}
	return m.Shares[node] / sum
}
