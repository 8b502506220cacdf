package testnet

import (
	"context"
	"time"
)

// Times that SetTime takes: what fits into a block, and leaves room.
var (
	firstTime = time.Unix(int64(regtest.Genesis.Header.Time), 0)
	lastTime  = time.Unix(1<<32-1, 0).Add(-24 * time.Hour)
)

// Now is the time that all nodes live by.
func (n *Network) Now() time.Time {
	n.mu.Lock()
	defer n.mu.Unlock()
	return time.Now().Add(n.offset)
}

// SetTime sets the clocks of all nodes, to the second; they run on from there. Times
// from the first block of the network to the year 2106 fit into blocks.
func (n *Network) SetTime(ctx context.Context, t time.Time) error {
	if t.Before(firstTime) || t.After(lastTime) {
		return bad("%v: the time must be from %v to %v", t.UTC().Format(time.RFC3339), firstTime.UTC().Format(time.RFC3339), lastTime.UTC().Format(time.RFC3339))
	}
	return n.inTurn(ctx, func(ctx context.Context) error { return n.setOffset(ctx, time.Until(t).Round(time.Second)) })
}

// Advance sets the clocks of all nodes forward, by whole seconds.
func (n *Network) Advance(ctx context.Context, d time.Duration) error {
	if d < 0 || d%time.Second != 0 {
		return bad("an advance of %v: it must be whole seconds, forward", d)
	}
	return n.inTurn(ctx, func(ctx context.Context) error {
		if n.Now().Add(d).After(lastTime) {
			return bad("an advance of %v: the time can be at most %v", d, lastTime.UTC().Format(time.RFC3339))
		}
		n.mu.Lock()
		offset := n.offset + d
		n.mu.Unlock()
		return n.setOffset(ctx, offset)
	})
}

// setOffset sets how far the clocks are ahead of the machine's.
func (n *Network) setOffset(ctx context.Context, offset time.Duration) error {
	n.mu.Lock()
	n.offset = offset
	n.mu.Unlock()
	if err := n.eachLive(func(nd *Node) error { return n.clock(ctx, nd) }); err != nil {
		return err
	}
	return n.save()
}

// clock gives a node the network's time.
func (n *Network) clock(ctx context.Context, nd *Node) error {
	n.mu.Lock()
	offset := n.offset
	n.mu.Unlock()
	return nd.Call(ctx, nil, "settimeoffset", int64(offset/time.Second))
}
