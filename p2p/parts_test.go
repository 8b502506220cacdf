package p2p

import (
	"bytes"
	"slices"
	"testing"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/p2p/compact"
	"github.com/keelson-chain/keelson/p2p/host"
	"github.com/keelson-chain/keelson/p2p/message"
	"github.com/keelson-chain/keelson/wire"
)

// large returns the next block, and a compact form of it that is pushed in parts:
// nothing is left out.
func (w *world) large() (*wire.Block, *message.Compact) {
	b := w.Mine(w.txs(80)...)
	return b, compact.New(b, 7, func(int, *wire.Hash) bool { return true })
}

// sendParts sends those parts of c with an index that which wants.
func sendParts(p *host.Peer, c *message.Compact, which func(i int) bool) (n int) {
	head, parts := message.Split(c.Header, c.Append(nil))
	p.Send(head)
	for i, part := range parts {
		if which(i) {
			p.Send(part)
		}
	}
	return len(parts)
}

func every(int) bool { return true }

// TestParts: a compact block comes in parts from two peers, of whom neither sends
// all, and goes on to a third.
func TestParts(t *testing.T) {
	w := newWorld(t)
	b, c := w.large()
	n := w.start(1, nil)[0]
	one, two, three := w.stranger(), w.stranger(), w.stranger()
	fromOne, fromTwo := one.isCalledBy(n), two.isCalledBy(n)
	three.call(n).Send(&message.Push{On: true})
	eventually(t, "the third is pushed to", func() bool {
		p := n.Host().Peer(three.ID())
		if p == nil {
			return false
		}
		to, _ := n.talk().relay.pushing(p)
		return to
	})
	sendParts(fromOne, c, func(i int) bool { return i%2 == 0 })
	count := sendParts(fromTwo, c, func(i int) bool { return i%2 == 1 })
	n.reaches(b)
	if count < 3 {
		t.Fatalf("%d parts", count)
	}
	head := next[*message.Head](t, three)
	payload := make([][]byte, count)
	for range count {
		part := next[*message.Part](t, three)
		if !head.Fits(part) || part.Set != head.ID() || payload[part.Index] != nil {
			t.Fatalf("part %d does not fit, or comes twice", part.Index)
		}
		payload[part.Index] = part.Data
	}
	if !bytes.Equal(bytes.Join(payload, nil), c.Append(nil)) {
		t.Error("another compact block is passed on")
	}
	welcome(t, n, one, two, three)
	eventually(t, "it is counted", func() bool { s := n.talk().relay.info(); return s.FromPool == 1 && s.Compact == 2 && s.Duplicate == 1 })
}

// TestPartsFromNode: a node pushes its own large block in parts.
func TestPartsFromNode(t *testing.T) {
	w := newWorld(t)
	// Anybody may spend these, so that there are no signatures.
	coins := w.Mature()
	outs := slices.Repeat([]wire.TxOut{w.Out(chaingen.Anyone, 0, 10_000)}, 2100)
	split := w.Mine(w.Spend(coins[:1], outs...))
	w.base = append(w.base, split)
	var txs []*wire.Tx
	for _, c := range w.OutputsOf(split.Txs[1]) {
		txs = append(txs, w.Spend([]consensus.OutCoin{c}, w.Out(chaingen.Anyone, 0, 9_000)))
	}
	nodes := w.start(3, func(_ int, cfg *Config) { cfg.BlocksOnly = true })
	nodes[1].call(nodes[0])
	nodes[2].call(nodes[1])
	b := w.Mine(txs...)
	nodes[0].submit(b)
	for _, n := range nodes {
		n.reaches(b)
	}
	// Neither of them has the transactions.
	eventually(t, "it is counted", func() bool { s := nodes[2].talk().relay.info(); return s.WithAsked == 1 })
	if s := nodes[2].talk().relay.info(); s.TxsAsked != 2100 || s.Compact != 1 || s.Whole != 0 {
		t.Errorf("%+v", s)
	}
}

// TestChangedPart: a part that is not what was announced is its sender's own doing.
func TestChangedPart(t *testing.T) {
	w := newWorld(t)
	b, c := w.large()
	n := w.start(1, nil)[0]
	liar, honest := w.stranger(), w.stranger()
	fromLiar, fromHonest := liar.isCalledBy(n), honest.call(n)
	honest.serving(b)
	head, parts := message.Split(c.Header, c.Append(nil))
	fromLiar.Send(head)
	changed := *parts[1]
	changed.Data = bytes.Repeat([]byte{1}, len(changed.Data))
	fromLiar.Send(&changed)
	banned(t, n, liar)
	fromHonest.Send(&message.Have{Header: b.Header})
	n.reaches(b)
}

// TestPartsOfNothing: parts that fit their Head and make no compact block may have
// been made up by anybody before the sender. It is only asked no longer to push.
func TestPartsOfNothing(t *testing.T) {
	w := newWorld(t)
	b, c := w.large()
	n := w.start(1, nil)[0]
	sender, honest := w.stranger(), w.stranger()
	fromSender, fromHonest := sender.isCalledBy(n), honest.call(n)
	if m := next[*message.Push](t, sender); !m.On {
		t.Fatal("told not to push")
	}
	honest.serving(b)
	head, parts := message.Split(c.Header, append(make([]byte, 3*message.PartSize), 1))
	fromSender.Send(head)
	for _, part := range parts {
		fromSender.Send(part)
	}
	if m := next[*message.Push](t, sender); m.On {
		t.Error("still asked to push")
	}
	fromHonest.Send(&message.Have{Header: b.Header})
	n.reaches(b)
	welcome(t, n, sender, honest)
}

// TestPartsMissing: who has begun to push a block does not go on, so that it is
// asked for elsewhere.
func TestPartsMissing(t *testing.T) {
	w := newWorld(t)
	b, c := w.large()
	n := w.start(1, nil)[0]
	slow, honest := w.stranger(), w.stranger()
	fromSlow, fromHonest := slow.isCalledBy(n), honest.call(n)
	honest.serving(b)
	sendParts(fromSlow, c, func(i int) bool { return i > 0 })
	fromHonest.Send(&message.Have{Header: b.Header})
	n.reaches(b)
	welcome(t, n, slow, honest)
	// What comes now is too late, and what nobody has announced is nothing.
	sendParts(fromSlow, c, every)
	_, parts := message.Split(c.Header, make([]byte, 10))
	fromHonest.Send(parts[0])
	next := w.Mine()
	fromHonest.Send(compact.New(next, 1, nil))
	n.reaches(next)
	welcome(t, n, slow, honest)
	// A chase ends soon after its block is the tip, not with it.
	eventually(t, "no unfinished block is remembered", func() bool {
		r := n.talk().relay
		r.mu.Lock()
		defer r.mu.Unlock()
		return len(r.sets) == 0
	})
}
