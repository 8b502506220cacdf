package p2p

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/p2p/compact"
	"github.com/keelson-chain/keelson/p2p/host"
	"github.com/keelson-chain/keelson/p2p/message"
	"github.com/keelson-chain/keelson/pow"
	"github.com/keelson-chain/keelson/wire"
)

// TestRelay: a block that one node has mined goes along a chain of nodes, whatever
// they know of its transactions.
func TestRelay(t *testing.T) {
	w := newWorld(t)
	txs := w.txs(40)
	nodes := w.start(5, func(_ int, cfg *Config) { cfg.BlocksOnly = true })
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
		stats := n.talk().relay.info()
		fromPool, withAsked := uint64(1), uint64(0)
		if i == 1 || i == 2 {
			fromPool, withAsked = 0, 1
		}
		eventually(t, "the block is counted", func() bool { stats = n.talk().relay.info(); return stats.Ready.Count == 1 })
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

// from waits for the next message of a kind that the stranger receives.
func next[M message.Message](t *testing.T, s *stranger) M {
	t.Helper()
	deadline := time.After(20 * time.Second)
	for {
		select {
		case m := <-s.received:
			if m, ok := m.(M); ok {
				return m
			}
		case <-deadline:
			var m M
			t.Fatalf("no %T comes", m)
		}
	}
}

// serving has the stranger serve a block in every form, as honest nodes do.
func (s *stranger) serving(b *wire.Block) {
	s.on(message.NameCompact, func(_ []byte, answer func([]byte) error) error {
		return answer(compact.New(b, 1, nil).Append(nil))
	})
	s.on(message.NameBlockTxn, func(request []byte, answer func([]byte) error) error {
		m, err := message.DecodeTxnRequest(request)
		if err != nil {
			return err
		}
		var txs message.Txs
		for _, at := range m.Indexes {
			txs.Txs = append(txs.Txs, b.Txs[at])
		}
		return answer(txs.Append(nil))
	})
	s.on(message.NameBlocks, func(_ []byte, answer func([]byte) error) error { return answer(b.Bytes()) })
}

// welcome checks that nobody has been blamed.
func welcome(t *testing.T, n *testNode, strangers ...*stranger) {
	t.Helper()
	for _, s := range strangers {
		p := n.Host().Peer(s.ID())
		if p == nil {
			t.Error("an honest peer has been disconnected")
		} else if p.Score() != 0 {
			t.Errorf("an honest peer has %d points", p.Score())
		}
	}
	if bans := n.Host().Bans(); len(bans) != 0 {
		t.Errorf("bans: %+v", bans)
	}
}

// banned waits until a peer is banned.
func banned(t *testing.T, n *testNode, s *stranger) {
	t.Helper()
	eventually(t, "the peer is banned", func() bool { return n.Host().Peer(s.ID()) == nil && len(n.Host().Bans()) == 1 })
}

// TestPull: of a block that is announced but not pushed the compact form is asked
// for.
func TestPull(t *testing.T) {
	w := newWorld(t)
	txs := w.txs(3)
	n := w.start(1, nil)[0]
	n.give(txs...)
	s := w.stranger()
	p := s.call(n)
	b := w.Mine(txs...)
	s.serving(b)
	p.Send(&message.Have{Header: b.Header})
	n.reaches(b)
	eventually(t, "the block is counted", func() bool { return n.talk().relay.info().FromPool == 1 })
	welcome(t, n, s)
}

// TestCollision: a transaction of the pool has the short id of another one of the
// block. The whole block is asked for, and nobody is to blame.
func TestCollision(t *testing.T) {
	w := newWorld(t)
	txs := w.txs(4)
	n := w.start(1, nil)[0]
	n.give(txs...)
	s := w.stranger()
	p := s.call(n)
	b := w.Mine(txs[:3]...)
	s.serving(b)
	c := compact.New(b, 7, nil)
	wtxid := txs[3].WTxID()
	c.ShortIDs[1] = compact.NewKey(&c.Header, c.Nonce).ShortID(&wtxid)
	p.Send(c)
	n.reaches(b)
	eventually(t, "the block is counted", func() bool { i := n.talk().relay.info(); return i.Whole == 1 && i.Collisions == 1 })
	welcome(t, n, s)
}

// TestSameIDs: a compact block with one short id twice.
func TestSameIDs(t *testing.T) {
	w := newWorld(t)
	txs := w.txs(3)
	n := w.start(1, nil)[0]
	s := w.stranger()
	p := s.call(n)
	b := w.Mine(txs...)
	s.serving(b)
	c := compact.New(b, 7, nil)
	c.ShortIDs[1] = c.ShortIDs[0]
	p.Send(c)
	n.reaches(b)
	eventually(t, "the block is counted", func() bool { i := n.talk().relay.info(); return i.Whole == 1 && i.Collisions == 1 })
	welcome(t, n, s)
}

// TestLyingTransactions: a peer answers with transactions of another block. The
// whole block comes from somebody else, and then it is clear who has lied.
func TestLyingTransactions(t *testing.T) {
	w := newWorld(t)
	txs := w.txs(4)
	n := w.start(1, nil)[0]
	liar, honest := w.stranger(), w.stranger()
	fromLiar, fromHonest := liar.call(n), honest.call(n)
	b := w.Mine(txs[:3]...)
	honest.serving(b)
	honest.on(message.NameBlockTxn, nil)
	asked := make(chan bool, 10)
	liar.on(message.NameBlockTxn, func(_ []byte, answer func([]byte) error) error {
		asked <- true
		return answer((&message.Txs{Txs: txs[1:4]}).Append(nil))
	})
	fromLiar.Send(compact.New(b, 7, nil))
	<-asked
	fromHonest.Send(&message.Have{Header: b.Header})
	n.reaches(b)
	banned(t, n, liar)
	if p := n.Host().Peer(honest.ID()); p == nil || p.Score() != 0 {
		t.Error("the honest peer is blamed")
	}
}

// TestMalformedAnswers: an answer that no honest peer gives ends the friendship, and
// the block comes from somebody else.
func TestMalformedAnswers(t *testing.T) {
	for name, bad := range map[string]struct {
		what   string
		frames func(b *wire.Block, txs []*wire.Tx) [][]byte
	}{
		"no transactions":      {message.NameBlockTxn, func(*wire.Block, []*wire.Tx) [][]byte { return [][]byte{{0xff}} }},
		"too few transactions": {message.NameBlockTxn, func(_ *wire.Block, txs []*wire.Tx) [][]byte { return [][]byte{frameOf(0, txs[0])} }},
		"a transaction twice": {message.NameBlockTxn, func(_ *wire.Block, txs []*wire.Tx) [][]byte {
			return [][]byte{frameOf(1, txs[1]), frameOf(0, txs[:2]...), frameOf(2, txs[2])}
		}},
		"a transaction too many": {message.NameBlockTxn, func(_ *wire.Block, txs []*wire.Tx) [][]byte {
			return [][]byte{frameOf(0, txs[0]), frameOf(1, txs...)}
		}},
		"a transaction far away": {message.NameBlockTxn, func(_ *wire.Block, txs []*wire.Tx) [][]byte {
			return [][]byte{frameOf(math.MaxUint32, txs[0])}
		}},
		"no compact block": {message.NameCompact, func(*wire.Block, []*wire.Tx) [][]byte { return [][]byte{{1}} }},
		"another compact block": {message.NameCompact, func(b *wire.Block, txs []*wire.Tx) [][]byte {
			c := compact.New(b, 1, nil)
			c.Header.Nonce++
			return [][]byte{c.Append(nil)}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			txs := w.txs(3)
			n := w.start(1, nil)[0]
			liar, honest := w.stranger(), w.stranger()
			fromLiar, fromHonest := liar.call(n), honest.call(n)
			b := w.Mine(txs...)
			honest.serving(b)
			liar.on(bad.what, func(_ []byte, answer func([]byte) error) error {
				for _, frame := range bad.frames(b, txs) {
					if err := answer(frame); err != nil {
						return err
					}
				}
				return nil
			})
			if bad.what == message.NameCompact {
				fromLiar.Send(&message.Have{Header: b.Header})
			} else {
				fromLiar.Send(compact.New(b, 1, nil))
			}
			banned(t, n, liar)
			fromHonest.Send(&message.Have{Header: b.Header})
			n.reaches(b)
		})
	}
}

// TestSilence: the sender of a compact block does not answer, and somebody else has
// the transactions.
func TestSilence(t *testing.T) {
	w := newWorld(t)
	txs := w.txs(3)
	n := w.start(1, nil)[0]
	silent, honest := w.stranger(), w.stranger()
	fromSilent, fromHonest := silent.call(n), honest.call(n)
	asked, quit := make(chan bool, 10), make(chan bool)
	defer close(quit)
	silent.on(message.NameBlockTxn, func([]byte, func([]byte) error) error {
		asked <- true
		<-quit
		return errors.New("too late")
	})
	b := w.Mine(txs...)
	honest.serving(b)
	fromSilent.Send(compact.New(b, 7, nil))
	<-asked
	fromHonest.Send(&message.Have{Header: b.Header})
	n.reaches(b)
	if stats := n.talk().relay.info(); stats.Whole != 0 {
		t.Errorf("%+v", stats)
	}
}

// TestWithheld: somebody tells of better blocks, and keeps them to himself. Those
// that are there are passed on all the same.
func TestWithheld(t *testing.T) {
	w := newWorld(t)
	nodes := w.start(2, nil)
	nodes[0].call(nodes[1])
	withheld := w.MineN(3)
	w.Goto("base")
	b := w.Mine()
	from := w.stranger().call(nodes[0])
	for _, h := range withheld {
		from.Send(&message.Have{Header: h.Header})
	}
	eventually(t, "the headers are known", func() bool {
		return nodes[0].ledger.BestHeader().Ref.Hash == withheld[len(withheld)-1].Hash()
	})
	nodes[0].submit(b)
	for _, n := range nodes {
		n.reaches(b)
	}
}

// TestBadBody: a block with a valid header breaks a rule. It goes from node to node
// in compact form, everybody refuses it, and nobody is blamed.
func TestBadBody(t *testing.T) {
	w := newWorld(t)
	txs := w.txs(3)
	nodes := w.start(3, nil)
	for i, n := range nodes {
		n.give(txs...)
		if i > 0 {
			n.call(nodes[i-1])
		}
	}
	s := w.stranger()
	p := s.call(nodes[0])
	var munge chaingen.Munge
	for _, m := range chaingen.Munges() {
		if m.Kind == consensus.ErrCoinbaseAmount {
			munge = m
		}
	}
	b := w.Munged(munge)
	s.serving(b)
	p.Send(compact.New(b, 7, nil))
	refused := func(n *testNode) func() bool {
		return func() bool {
			e, ok := n.ledger.Entry(b.Hash())
			return ok && e.Status.Invalid()
		}
	}
	for i, n := range nodes {
		eventually(t, fmt.Sprintf("node %d refuses the block", i), refused(n))
	}
	welcome(t, nodes[0], s)
	for i, n := range nodes {
		if bans := n.Host().Bans(); len(bans) != 0 || len(n.Host().Peers()) != 2-i/2 {
			t.Errorf("node %d: bans %v, %d peers", i, bans, len(n.Host().Peers()))
		}
	}
	// What builds on it is not taken, and still nobody is blamed.
	child := &wire.Block{Header: wire.Header{Version: b.Header.Version, PrevBlock: b.Hash(), Time: b.Header.Time + 1, Bits: b.Header.Bits}}
	chaingen.Solve(child)
	p.Send(&message.Have{Header: child.Header})
	// The next valid one is, from everybody.
	good := w.Mine(txs...)
	nodes[2].submit(good)
	for _, n := range nodes {
		n.reaches(good)
	}
	welcome(t, nodes[0], s)
}

// TestWholeBadBody: who sends the whole of a block that breaks a rule pays for it.
func TestWholeBadBody(t *testing.T) {
	w := newWorld(t)
	txs := w.txs(3)
	n := w.start(1, nil)[0]
	s := w.stranger()
	p := s.call(n)
	var munge chaingen.Munge
	for _, m := range chaingen.Munges() {
		if m.Kind == consensus.ErrCoinbaseAmount {
			munge = m
		}
	}
	_ = txs
	b := w.Munged(munge)
	s.on(message.NameBlocks, func(_ []byte, answer func([]byte) error) error { return answer(b.Bytes()) })
	p.Send(&message.Have{Header: b.Header})
	banned(t, n, s)
}

// TestMutatedWhole: a whole block whose body has been changed by whoever sent it.
// The block itself stays welcome.
func TestMutatedWhole(t *testing.T) {
	w := newWorld(t)
	txs := w.txs(3)
	n := w.start(1, nil)[0]
	liar, honest := w.stranger(), w.stranger()
	fromLiar, fromHonest := liar.call(n), honest.call(n)
	b := w.Mine(txs...)
	honest.serving(b)
	mutated := b.Clone()
	mutated.Txs[1], mutated.Txs[2] = mutated.Txs[2], mutated.Txs[1]
	liar.on(message.NameBlocks, func(_ []byte, answer func([]byte) error) error { return answer(mutated.Append(nil)) })
	fromLiar.Send(&message.Have{Header: b.Header})
	banned(t, n, liar)
	fromHonest.Send(&message.Have{Header: b.Header})
	n.reaches(b)
}

// TestBadHeader: no honest node passes on a header that is invalid in itself.
func TestBadHeader(t *testing.T) {
	w := newWorld(t)
	n := w.start(1, nil)[0]
	for name, munge := range map[string]func(h *wire.Header){
		"difficulty": func(h *wire.Header) { h.Bits-- },
		"time":       func(h *wire.Header) { h.Time = w.base[0].Header.Time },
		"work": func(h *wire.Header) {
			target, _ := pow.Bits(h.Bits).Target()
			for h.Nonce = 0; target.Met(h.Hash()); h.Nonce++ {
			}
		},
	} {
		s := w.stranger()
		p := s.call(n)
		b := w.Next()
		munge(&b.Header)
		if name != "work" {
			chaingen.Solve(b)
		}
		p.Send(&message.Have{Header: b.Header})
		banned(t, n, s)
		if err := n.Host().ClearBans(); err != nil {
			t.Error(err)
		}
		if _, known := n.ledger.Entry(b.Hash()); known {
			t.Errorf("%s: the header is in the tree", name)
		}
	}
}

// TestPushLinks: who calls asks the called to push, whoever brings a block first is
// asked to, and who sent nonsense is told to stop.
func TestPushLinks(t *testing.T) {
	w := newWorld(t)
	txs := w.txs(2)
	n := w.start(1, nil)[0]
	s := w.stranger()
	p := s.isCalledBy(n)
	if m := next[*message.Push](t, s); !m.On {
		t.Error("told not to push")
	}
	// It is trusted, as n has chosen it: what it pushes goes on before it is whole.
	other := w.stranger()
	fromOther := other.call(n)
	fromOther.Send(&message.Push{On: true})
	b := w.Mine(txs...)
	eventually(t, "the other one is among those to push to", func() bool {
		p := n.Host().Peer(other.ID())
		if p == nil {
			return false
		}
		to, _ := n.talk().relay.pushing(p)
		return to
	})
	c := compact.New(b, 7, nil)
	p.Send(c)
	if m := next[*message.Compact](t, other); !bytes.Equal(m.Append(nil), c.Append(nil)) {
		t.Error("another compact block is passed on")
	}
	if e, _ := n.ledger.Entry(b.Hash()); e.Status.Has(ledger.HaveBody) {
		t.Error("the block is there already")
	}
	// Now it turns out that nobody has the transactions, then that they are others.
	other.serving(b)
	s.on(message.NameBlockTxn, func(_ []byte, answer func([]byte) error) error {
		return answer((&message.Txs{Txs: []*wire.Tx{txs[1], txs[0]}}).Append(nil))
	})
	fromOther.Send(&message.Have{Header: b.Header})
	n.reaches(b)
}

// TestUnaskedCompact: who pushes compact blocks that are of no use pays for it,
// unless it was asked to push.
func TestUnaskedCompact(t *testing.T) {
	w := newWorld(t)
	n := w.start(1, nil)[0]
	asked, stranger := w.stranger(), w.stranger()
	toAsked, toStranger := asked.isCalledBy(n), stranger.call(n)
	b := again(w.base[0]) // a rival of the first block is of no use to anybody
	b.Header.Time++
	chaingen.Solve(b)
	c := compact.New(b, 7, nil)
	for range 2 * host.BanScore / unaskedPoints {
		toAsked.Send(c)
		toStranger.Send(c)
	}
	banned(t, n, stranger)
	eventually(t, "all are counted", func() bool { return n.talk().relay.info().Compact >= 2*host.BanScore/unaskedPoints })
	if n.Host().Peer(asked.ID()) == nil {
		t.Error("the peer that was asked to push is gone")
	}
}

// TestCatchUpCostsNothing: a node that has been away for a day fetches 120 blocks
// from one whose places for those to push to are taken. It tells it of each new tip,
// as any node does, and is no worse for it.
func TestCatchUpCostsNothing(t *testing.T) {
	w := newWorld(t)
	w.now = w.now.Add(20 * time.Hour)
	n := w.start(2, nil)
	away, hub := n[0], n[1]
	for _, b := range w.MineN(120) {
		hub.submit(b)
	}
	for range maxPushTo {
		w.stranger().call(hub).Send(&message.Push{On: true})
	}
	eventually(t, "all places are taken", func() bool {
		r := hub.talk().relay
		r.mu.Lock()
		defer r.mu.Unlock()
		return r.links.to == maxPushTo
	})
	away.call(hub)
	score := 0
	watch := func() {
		if p := hub.Host().Peer(away.Host().ID()); p != nil {
			score = max(score, p.Score())
		} else {
			t.Fatalf("the node is gone: its score was %d", score)
		}
	}
	eventually(t, "it has caught up", func() bool {
		watch()
		return away.ledger.Tip().Tip.Hash == w.Tip().Hash()
	})
	// What it said before has come once a later block of it has.
	b := w.Mine()
	away.submit(b)
	hub.reaches(b)
	watch()
	if info := hub.talk().relay.info(); info.Duplicate == 0 {
		t.Error("it has pushed nothing that the other one had")
	}
	if score > 0 {
		t.Errorf("an honest node has %d points against it", score)
	}
}
