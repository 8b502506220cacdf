package p2p

import (
	"testing"
)

// TestRelay: a block that one node has mined goes along a chain of nodes, whatever
// they know of its transactions.
func TestRelay(t *testing.T) {
	w := newWorld(t)
	txs := w.txs(40)
	nodes := w.start(5, nil)
	for i := 1; i < len(nodes); i++ {
		nodes[i].call(nodes[i-1])
	}
	// The third node knows nothing, and the others all or half of it.
	for i, n := range nodes {
		switch i {
		case 2:
		case 3:
			n.give(txs[:20]...)
		default:
			n.give(txs...)
		}
	}
	b := w.Mine(txs...)
	nodes[0].submit(b)
	for _, n := range nodes {
		n.reaches(b)
	}
	for i, n := range nodes[1:] {
		stats := n.relay.info()
		fromPool, withAsked := uint64(1), uint64(0)
		if i == 1 || i == 2 {
			fromPool, withAsked = 0, 1
		}
		eventually(t, "the block is counted", func() bool { stats = n.relay.info(); return stats.Ready.Count == 1 })
		if stats.FromPool != fromPool || stats.WithAsked != withAsked || stats.Whole != 0 || stats.Compact != 1 {
			t.Errorf("node %d: %+v", i+1, stats)
		}
	}
	// And back.
	b = w.Mine()
	nodes[4].submit(b)
	for _, n := range nodes {
		n.reaches(b)
	}
}
