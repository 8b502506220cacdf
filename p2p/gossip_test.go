package p2p

import (
	"testing"

	pubsub "github.com/libp2p/go-libp2p-pubsub"
	pb "github.com/libp2p/go-libp2p-pubsub/pb"

	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/p2p/compact"
	"github.com/keelson-chain/keelson/wire"
)

// unheard gives the node a block that its relay takes for passed on.
func (n *testNode) unheard(b *wire.Block) {
	n.t.Helper()
	in := &incoming{
		hash: b.Hash(), header: b.Header, by: -1, has: map[int64]bool{}, passing: true, body: b, done: true,
		ready: make(chan struct{}), wake: make(chan struct{}, 1),
	}
	in.isReady()
	n.talk().relay.mu.Lock()
	n.talk().relay.track(in)
	n.talk().relay.mu.Unlock()
	n.submit(b)
}

// TestGossip: a block that nobody announces spreads by gossip of its header.
func TestGossip(t *testing.T) {
	w := newWorld(t)
	txs := w.txs(3)
	nodes := w.start(3, nil)
	for i, n := range nodes {
		n.give(txs...)
		if i > 0 {
			n.call(nodes[i-1])
		}
	}
	b := w.Mine(txs...)
	nodes[0].unheard(b)
	nodes[0].talk().gossip.publish(&b.Header)
	for _, n := range nodes[1:] {
		n.reaches(b)
	}
	if stats := nodes[1].talk().relay.info(); stats.Gossiped != 1 {
		t.Errorf("%+v", stats)
	}
}

// TestGossipJudged: what is passed on, what is not, and who pays.
func TestGossipJudged(t *testing.T) {
	w := newWorld(t)
	nodes := w.start(2, nil)
	n := nodes[0]
	judged := func(s *stranger, data []byte) pubsub.ValidationResult {
		m := &pubsub.Message{Message: &pb.Message{Data: data}}
		return n.talk().gossip.judge(t.Context(), s.LibP2P().ID(), m)
	}
	s := w.stranger()
	if got := judged(s, w.Next().Header.Append(nil)); got != pubsub.ValidationIgnore {
		t.Errorf("gossip of who has not greeted: %v", got)
	}
	s.call(n)
	eventually(t, "the stranger is a peer", func() bool { return n.Host().Peer(s.ID()) != nil })

	orphan := w.Next()
	orphan.Header.PrevBlock = wire.Hash{1}
	chaingen.Solve(orphan)
	if got := judged(s, orphan.Header.Append(nil)); got != pubsub.ValidationIgnore {
		t.Errorf("a header without a parent: %v", got)
	}
	if got := judged(s, w.base[5].Header.Append(nil)); got != pubsub.ValidationIgnore {
		t.Errorf("an old header: %v", got)
	}
	next := w.Next()
	chaingen.Solve(next)
	if got := judged(s, next.Header.Append(nil)); got != pubsub.ValidationAccept {
		t.Errorf("a new header: %v", got)
	}
	if got := judged(s, next.Header.Append(nil)); got != pubsub.ValidationAccept {
		t.Errorf("the same again: %v", got)
	}
	welcome(t, n, s)

	bad := w.Next()
	bad.Header.Bits--
	chaingen.Solve(bad)
	if got := judged(s, bad.Header.Append(nil)); got != pubsub.ValidationReject {
		t.Errorf("an invalid header: %v", got)
	}
	banned(t, n, s)
	n = nodes[1]
	other := w.stranger()
	other.call(n)
	eventually(t, "the stranger is a peer", func() bool { return n.Host().Peer(other.ID()) != nil })
	if got := judged(other, compact.New(next, 1, nil).Append(nil)); got != pubsub.ValidationReject {
		t.Errorf("no header: %v", got)
	}
	banned(t, n, other)
}
