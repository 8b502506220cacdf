package p2p

import (
	"bytes"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/consensus/chaingen"
	"github.com/keelson-chain/keelson/mempool"
	"github.com/keelson-chain/keelson/p2p/host"
	"github.com/keelson-chain/keelson/p2p/message"
	"github.com/keelson-chain/keelson/wire"
)

// quick has announcements go out soon, and keeps orphans.
func quick(_ int, cfg *Config) {
	cfg.TxDelay, cfg.MaxOrphans = 5*time.Millisecond, 20
}

// has waits until all transactions are in the node's pool.
func (n *testNode) has(txs ...*wire.Tx) {
	n.t.Helper()
	for i, tx := range txs {
		deadline := time.After(time.Minute)
		for !n.pool.Has(tx.TxID()) {
			changed := n.pool.Changed()
			if n.pool.Has(tx.TxID()) {
				break
			}
			select {
			case <-changed:
			case <-deadline:
				n.t.Fatalf("transaction %d of %d does not come: %+v", i, len(txs), n.Stats().Txs)
			}
		}
	}
}

// chainOf returns n transactions, each spending from the one before.
func (w *world) chainOf(n int, from consensus.OutCoin) (txs []*wire.Tx) {
	for range n {
		value := from.Coin.Out.Value - 10_000
		tx := w.Spend([]consensus.OutCoin{from}, w.Out(chaingen.P2WPKH, 0, value))
		txs = append(txs, tx)
		from = w.OutputsOf(tx)[0]
	}
	return txs
}

func wtxidsOf(txs ...*wire.Tx) (ids []wire.Hash) {
	for _, tx := range txs {
		ids = append(ids, tx.WTxID())
	}
	return ids
}

// A line of six nodes, and a transaction at one end of it.
func TestTxReachesAll(t *testing.T) {
	w := newWorld(t)
	txs := w.txs(40)
	nodes := w.start(6, quick)
	for i := range nodes[1:] {
		nodes[i].call(nodes[i+1])
	}
	nodes[0].give(txs[0])
	for _, n := range nodes {
		n.has(txs[0])
	}
	chain := w.chainOf(20, w.Mature()[0])
	nodes[5].give(txs[1:]...)
	nodes[3].give(chain...)
	for _, n := range nodes {
		n.has(txs...)
		n.has(chain...)
	}
	for i, n := range nodes {
		own := map[int]uint64{0: 1, 3: 20, 5: 39}[i]
		eventually(t, "all are counted", func() bool { return n.Stats().Txs.Accepted == 60-own })
		if s := n.Stats().Txs; s.Invalid+s.Refused != 0 {
			t.Errorf("node %d: %+v", i, s)
		}
	}
}

// Nodes that meet have the same pool soon, parents and children.
func TestPoolSync(t *testing.T) {
	w := newWorld(t)
	txs := w.txs(700)
	nodes := w.start(2, quick)
	one := w.chainOf(25, w.Mature()[0])
	two := w.chainOf(25, w.Mature()[1])
	nodes[0].give(txs[:600]...)
	nodes[0].give(one...)
	nodes[1].give(txs[500:]...)
	nodes[1].give(two...)
	nodes[0].call(nodes[1])
	for _, n := range nodes {
		n.has(txs...)
		n.has(one...)
		n.has(two...)
	}
	// After they were apart, once more.
	for _, p := range nodes[0].Host().Peers() {
		p.Disconnect("the test")
	}
	eventually(t, "the connection ends", func() bool { return len(nodes[0].Host().Peers())+len(nodes[1].Host().Peers()) == 0 })
	left, right := w.chainOf(3, w.Mature()[2]), w.chainOf(3, w.Mature()[3])
	nodes[0].give(left...)
	nodes[1].give(right...)
	nodes[1].call(nodes[0])
	for _, n := range nodes {
		n.has(left...)
		n.has(right...)
	}
}

// Two pairs of nodes that grow apart and meet again: what only the losing side had
// mined waits in every pool, or is mined.
func TestPartitionHeals(t *testing.T) {
	w := newWorld(t)
	txs := w.txs(30)
	nodes := w.start(4, quick)
	nodes[0].call(nodes[1])
	nodes[2].call(nodes[3])
	w.Mark("fork")
	lost, both, won := txs[:10], txs[10:12], txs[12:22]
	nodes[0].give(lost[:5]...) // the rest is seen in a block first
	nodes[0].give(txs[22:26]...)
	nodes[3].give(txs[26:]...)
	side := func(n, other *testNode, blocks ...*wire.Block) {
		for _, b := range blocks {
			n.submit(b)
		}
		other.reaches(blocks[len(blocks)-1])
	}
	side(nodes[0], nodes[1], w.Mine(lost[:7]...), w.Mine(both...), w.Mine(lost[7:]...))
	w.Goto("fork")
	side(nodes[3], nodes[2], w.Mine(won[:5]...), w.Mine(both[0]), w.Mine(), w.Mine(won[5:]...))
	nodes[1].call(nodes[2])
	tip := w.Tip()
	waiting := slices.Concat(lost, both[1:], txs[22:])
	for _, n := range nodes {
		n.reaches(tip)
		n.has(waiting...)
		if err := n.pool.Check(); err != nil {
			t.Error(err)
		}
		if got := n.pool.Stats().Count; got != len(waiting) {
			t.Errorf("%d transactions wait, want %d", got, len(waiting))
		}
	}
}

// serves answers requests for transactions from a list, and counts how often each
// was asked for.
func (s *stranger) serves(txs ...*wire.Tx) (asked func(tx *wire.Tx) int64) {
	counts := map[wire.Hash]*atomic.Int64{}
	for _, tx := range txs {
		counts[tx.TxID()] = new(atomic.Int64)
	}
	s.on(message.NameTxs, func(request []byte, answer func([]byte) error) error {
		m, err := message.DecodeTxsRequest(request)
		if err != nil {
			return err
		}
		for _, id := range m.IDs {
			var raw []byte
			for _, tx := range txs {
				if m.ByTxID && tx.TxID() == id || !m.ByTxID && tx.WTxID() == id {
					raw = tx.Append(nil)
					counts[tx.TxID()].Add(1)
				}
			}
			if err := answer(raw); err != nil {
				return err
			}
		}
		return nil
	})
	return func(tx *wire.Tx) int64 { return counts[tx.TxID()].Load() }
}

// gets waits for a message of a kind.
func gets[M message.Message](s *stranger) M {
	s.t.Helper()
	deadline := time.After(time.Minute)
	for {
		select {
		case m := <-s.received:
			if got, ok := m.(M); ok {
				return got
			}
		case <-deadline:
			s.t.Fatal("no such message comes")
		}
	}
}

func TestOrphan(t *testing.T) {
	w := newWorld(t)
	nodes := w.start(1, quick)
	chain := w.chainOf(4, w.Mature()[0])
	s := w.stranger()
	s.serves(chain...)
	p := s.call(nodes[0])
	p.Send(&message.Inv{WTxIDs: wtxidsOf(chain[3])})
	nodes[0].has(chain...)
	eventually(t, "all are counted", func() bool {
		stats := nodes[0].Stats().Txs
		return stats.Orphans == 0 && stats.Accepted == 4
	})
}

// An orphan whose parent comes with a block is let in then.
func TestOrphanOfBlock(t *testing.T) {
	w := newWorld(t)
	nodes := w.start(1, quick)
	chain := w.chainOf(2, w.Mature()[0])
	s := w.stranger()
	s.serves(chain[1])
	p := s.call(nodes[0])
	p.Send(&message.Inv{WTxIDs: wtxidsOf(chain[1])})
	eventually(t, "it waits", func() bool { return nodes[0].Stats().Txs.Orphans == 1 })
	nodes[0].submit(w.Mine(chain[0]))
	nodes[0].has(chain[1])
}

// gone waits until the node has ended the connection.
func gone(t testing.TB, p *host.Peer) {
	t.Helper()
	select {
	case <-p.Done():
	case <-time.After(time.Minute):
		t.Fatal("the node goes on talking")
	}
}

// bans waits until the node has ended the connection and banned the peer, and ends
// the ban.
func (n *testNode) bans(p *host.Peer) {
	n.t.Helper()
	gone(n.t, p)
	eventually(n.t, "the ban is there", func() bool { return len(n.Bans()) == 1 })
	if err := n.ClearBans(); err != nil {
		n.t.Fatal(err)
	}
}

func TestInvalidTx(t *testing.T) {
	w := newWorld(t)
	good := w.txs(3)
	twice := good[1].Clone()
	twice.Inputs = append(twice.Inputs, twice.Inputs[0])
	signature := good[0].Clone()
	signature.Inputs[0].Witness[0] = slices.Clone(signature.Inputs[0].Witness[0])
	signature.Inputs[0].Witness[0][10] ^= 1
	n := w.start(1, quick)[0]
	for _, bad := range []*wire.Tx{twice, signature} {
		s := w.stranger()
		s.serves(bad, good[2])
		p := s.call(n)
		p.Send(&message.Inv{WTxIDs: wtxidsOf(good[2], bad)})
		n.bans(p)
		n.has(good[2])
	}
	if s := n.Stats().Txs; s.Invalid != 2 {
		t.Errorf("%+v", s)
	}
	// The good ones are not thought ill of.
	s := w.stranger()
	s.serves(good...)
	s.call(n).Send(&message.Inv{WTxIDs: wtxidsOf(good...)})
	n.has(good...)
}

func TestWrongAnswers(t *testing.T) {
	w := newWorld(t)
	txs := w.txs(2)
	n := w.start(1, quick)[0]
	for _, answer := range [][]byte{txs[1].Append(nil), {1, 2, 3}} {
		s := w.stranger()
		s.on(message.NameTxs, func(_ []byte, send func([]byte) error) error { return send(answer) })
		p := s.call(n)
		p.Send(&message.Inv{WTxIDs: wtxidsOf(txs[0])})
		n.bans(p)
	}
	// More than one answer: the connection may end before all of them are read.
	s := w.stranger()
	s.on(message.NameTxs, func(_ []byte, send func([]byte) error) error {
		return errors.Join(send(txs[0].Append(nil)), send(txs[1].Append(nil)))
	})
	s.call(n).Send(&message.Inv{WTxIDs: wtxidsOf(txs[0])})
	n.has(txs[0])
	if n.pool.Has(txs[1].TxID()) {
		t.Error("what was not asked for is let in")
	}
}

// What the pool's policy refuses costs nothing, is kept for compact blocks, and is
// not asked for again until there is a new tip.
func TestRefusedTx(t *testing.T) {
	w := newWorld(t)
	n := w.start(1, quick)[0]
	coin := w.Mature()[0]
	free := w.Spend([]consensus.OutCoin{coin}, w.Out(chaingen.P2WPKH, 0, coin.Coin.Out.Value))
	s := w.stranger()
	asked := s.serves(free)
	p := s.call(n)
	p.Send(&message.Inv{WTxIDs: wtxidsOf(free)})
	eventually(t, "it is refused", func() bool { return n.Stats().Txs.Refused == 1 })
	found := false
	n.talk().relay.extra.each(func(wtxid *wire.Hash, raw []byte) {
		found = found || *wtxid == free.WTxID() && bytes.Equal(raw, free.Append(nil))
	})
	if !found {
		t.Error("it is not kept for compact blocks")
	}
	p.Send(&message.Inv{WTxIDs: wtxidsOf(free)})
	eventually(t, "the second word of it is heard", func() bool { return n.Stats().Txs.Announced == 2 })
	n.submit(w.Mine())
	eventually(t, "the refusal is forgotten", func() bool {
		n.talk().txs.mu.Lock()
		defer n.talk().txs.mu.Unlock()
		id := free.WTxID()
		return !n.talk().txs.rejects.has(&id) && !n.talk().txs.cheap.has(&id)
	})
	if asked(free) != 1 {
		t.Errorf("asked for %d times", asked(free))
	}
	p.Send(&message.Inv{WTxIDs: wtxidsOf(free)})
	eventually(t, "it is refused again", func() bool { return n.Stats().Txs.Refused == 2 })
}

// A peer that announces and does not answer delays a transaction, no more.
func TestSilentAnnouncer(t *testing.T) {
	w := newWorld(t)
	txs := w.txs(2)
	n := w.start(1, quick)[0]
	silent, honest := w.stranger(), w.stranger()
	stop := make(chan struct{})
	t.Cleanup(func() { close(stop) })
	silent.on(message.NameTxs, func([]byte, func([]byte) error) error { <-stop; return errors.New("never") })
	honest.serves(txs...)
	q := silent.isCalledBy(n) // which the node prefers
	q.Send(&message.Inv{WTxIDs: wtxidsOf(txs[0])})
	eventually(t, "the silent one is asked", func() bool { return n.Stats().Txs.Asked == 1 })
	honest.call(n).Send(&message.Inv{WTxIDs: wtxidsOf(txs[0])})
	n.has(txs[0])
	eventually(t, "the silent one's time is up", func() bool { return n.Stats().Txs.Unanswered > 0 })
}

// Floods of ids, orphans and repetitions stay bounded, and honest relay goes on.
func TestTxFlood(t *testing.T) {
	w := newWorld(t)
	txs := w.txs(8)
	n := w.start(1, quick)[0]
	bad := w.stranger()
	orphans := map[wire.Hash]*wire.Tx{}
	var ids []wire.Hash
	for i := range 400 {
		tx := txs[0].Clone()
		tx.Inputs[0].PrevOut.TxID = wire.Hash{byte(i), byte(i >> 8), 1}
		orphans[tx.WTxID()] = tx
		ids = append(ids, tx.WTxID())
	}
	bad.on(message.NameTxs, func(request []byte, answer func([]byte) error) error {
		m, err := message.DecodeTxsRequest(request)
		if err != nil {
			return err
		}
		for _, id := range m.IDs {
			var raw []byte
			if tx := orphans[id]; tx != nil {
				raw = tx.Append(nil)
			}
			if err := answer(raw); err != nil {
				return err
			}
		}
		return nil
	})
	p := bad.call(n)
	made := make([]wire.Hash, message.MaxInv)
	for round := range 3 {
		p.Send(&message.Inv{WTxIDs: ids})
		for i := range made {
			made[i] = wire.Hash{byte(i), byte(i >> 8), byte(round), 2}
		}
		p.Send(&message.Inv{WTxIDs: slices.Clone(made)})
	}
	honest := w.stranger()
	asked := honest.serves(txs...)
	q := honest.call(n)
	for range 3 {
		q.Send(&message.Inv{WTxIDs: wtxidsOf(txs...)})
	}
	n.has(txs...)
	for i, tx := range txs {
		if asked(tx) != 1 {
			t.Errorf("transaction %d is asked for %d times", i, asked(tx))
		}
	}
	eventually(t, "all is answered", func() bool {
		n.talk().txs.mu.Lock()
		defer n.talk().txs.mu.Unlock()
		return n.talk().txs.tracker.Len() == 0 && len(n.talk().txs.judging) == 0
	})
	if s := n.Stats().Txs; s.Orphans > 20 || s.Accepted != 8 {
		t.Errorf("%+v", s)
	}
	p.Disconnect("the test")
	eventually(t, "its orphans are forgotten", func() bool { return n.Stats().Txs.Orphans == 0 })
}

func TestFeeFilter(t *testing.T) {
	w := newWorld(t)
	n := w.start(1, quick)[0]
	s := w.stranger()
	p := s.call(n)
	if f := gets[*message.FeeFilter](s); f.Rate != 1000 {
		t.Errorf("the node wants %d at least", f.Rate)
	}
	p.Send(&message.FeeFilter{Rate: 50_000})
	eventually(t, "the filter is there", func() bool {
		peers := n.Peers()
		return len(peers) == 1 && peers[0].MinFeeRate == 50_000
	})
	a, b := w.Mature()[0], w.Mature()[1]
	cheap := w.Spend([]consensus.OutCoin{a}, w.Out(chaingen.P2WPKH, 0, a.Coin.Out.Value-1000))
	dear := w.Spend([]consensus.OutCoin{b}, w.Out(chaingen.P2WPKH, 0, b.Coin.Out.Value-100_000))
	n.give(cheap, dear)
	if inv := gets[*message.Inv](s); !slices.Equal(inv.WTxIDs, wtxidsOf(dear)) {
		t.Errorf("%v are announced", inv.WTxIDs)
	}
}

// askTx asks the node for transactions.
func askTx(t *testing.T, p *host.Peer, byTxID bool, ids ...wire.Hash) (frames [][]byte) {
	t.Helper()
	request := message.TxsRequest{ByTxID: byTxID, IDs: ids}
	if err := p.AskMany(t.Context(), message.NameTxs, request.Append(nil), 4_000_000, func(f []byte) error {
		frames = append(frames, f)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return frames
}

// Who has not been told of a transaction does not find out by asking. Who fetches
// it has it.
func TestServedOnceAnnounced(t *testing.T) {
	w := newWorld(t)
	txs := w.txs(2)
	n := w.start(1, func(_ int, cfg *Config) { cfg.TxDelay = time.Hour })[0]
	s := w.stranger()
	p := s.call(n)
	eventually(t, "the peer is known", func() bool { return len(n.talk().txs.list()) == 1 })
	if err := n.pool.Add(t.Context(), txs[0], mempool.AddOptions{Local: true}); err != nil {
		t.Fatal(err)
	}
	if got := askTx(t, p, false, txs[0].WTxID()); len(got) != 1 || len(got[0]) != 0 {
		t.Errorf("got %x", got)
	}
	// The list of the pool tells of it.
	raw, err := p.Ask(t.Context(), message.NamePool, (&message.PoolRequest{}).Append(nil), 1000)
	if err != nil {
		t.Fatal(err)
	}
	if pool, err := message.DecodePool(raw); err != nil || !slices.Equal(pool.WTxIDs, wtxidsOf(txs[0])) {
		t.Fatalf("%v, %v", pool, err)
	}
	n.give(txs[1])
	if got := askTx(t, p, true, txs[0].TxID(), wire.Hash{1}); len(got) != 2 || !bytes.Equal(got[0], txs[0].Append(nil)) || len(got[1]) != 0 {
		t.Errorf("got %x", got)
	}
	if len(n.pool.Unbroadcast()) != 0 {
		t.Error("it has been fetched, as a parent")
	}
	if got := askTx(t, p, false, txs[1].WTxID(), txs[0].WTxID()); len(got[0]) != 0 || !bytes.Equal(got[1], txs[0].Append(nil)) {
		t.Errorf("got %x", got)
	}
}

// What nobody has fetched is announced again, until somebody has.
func TestRebroadcast(t *testing.T) {
	w := newWorld(t)
	txs := w.txs(2)
	n := w.start(1, quick)[0]
	s := w.stranger()
	p := s.call(n)
	eventually(t, "the peer is known", func() bool { return len(n.talk().txs.list()) == 1 })
	for _, tx := range txs {
		if err := n.pool.Add(t.Context(), tx, mempool.AddOptions{Local: true}); err != nil {
			t.Fatal(err)
		}
		if inv := gets[*message.Inv](s); !slices.Equal(inv.WTxIDs, wtxidsOf(tx)) {
			t.Fatalf("%v are announced", inv.WTxIDs)
		}
	}
	askTx(t, p, false, txs[1].WTxID())
	n.talk().txs.rebroadcast()
	if inv := gets[*message.Inv](s); !slices.Equal(inv.WTxIDs, wtxidsOf(txs[0])) {
		t.Fatalf("%v are announced", inv.WTxIDs)
	}
}

// A node that wants to hear of blocks alone tells so, and means it.
func TestBlocksOnly(t *testing.T) {
	w := newWorld(t)
	txs := w.txs(1)
	nodes := w.start(2, func(i int, cfg *Config) {
		quick(i, cfg)
		cfg.BlocksOnly = i == 0
	})
	nodes[1].give(txs...)
	nodes[0].call(nodes[1])
	s := w.stranger()
	p := s.call(nodes[0])
	if got := askTx(t, p, false, txs[0].WTxID()); len(got[0]) != 0 {
		t.Errorf("got %x", got)
	}
	p.Send(&message.Inv{WTxIDs: wtxidsOf(txs[0])})
	if gone(t, p); len(nodes[0].Bans()) != 0 {
		t.Error("banned for that")
	}
	if nodes[0].Stats().Txs.Asked != 0 || nodes[1].Stats().Txs.Told != 0 {
		t.Errorf("%+v, %+v", nodes[0].Stats().Txs, nodes[1].Stats().Txs)
	}
}

// In the initial download nothing is asked for; at its end all that was missed.
func TestTxsAfterInitialDownload(t *testing.T) {
	w := newWorld(t)
	txs := w.txs(3)
	w.now = w.now.Add(48 * time.Hour)
	n := w.start(1, quick)[0]
	if !n.ledger.InitialDownload() {
		t.Fatal("the tip is recent")
	}
	s := w.stranger()
	s.serves(txs...)
	s.on(message.NamePool, func(_ []byte, answer func([]byte) error) error {
		return answer((&message.Pool{WTxIDs: wtxidsOf(txs...)}).Append(nil))
	})
	p := s.call(n)
	if f := gets[*message.FeeFilter](s); f.Rate != wire.MaxMoney {
		t.Errorf("the node wants %d at least", f.Rate)
	}
	p.Send(&message.Inv{WTxIDs: wtxidsOf(txs...)})
	eventually(t, "the word of them is heard", func() bool { return n.Stats().Txs.Announced == 3 })
	if n.Stats().Txs.Asked != 0 {
		t.Error("asked for in the initial download")
	}
	w.Step = 47 * 60 * 60
	n.submit(w.Mine())
	if n.ledger.InitialDownload() {
		t.Fatal("still in the initial download")
	}
	n.has(txs...)
	if f := gets[*message.FeeFilter](s); f.Rate != 1000 {
		t.Errorf("the node wants %d at least", f.Rate)
	}
}

func TestRecentSet(t *testing.T) {
	r := newRecentSet(10)
	hash := func(i int) *wire.Hash { return &wire.Hash{byte(i)} }
	for i := range 100 {
		r.add(hash(i))
		r.add(hash(i))
		for j := range i + 1 {
			switch has := r.has(hash(j)); {
			case j > i-10 && !has:
				t.Fatalf("%d is forgotten after %d", j, i)
			case j <= i-20 && has:
				t.Fatalf("%d is remembered after %d", j, i)
			}
		}
	}
	if r.reset(); r.has(hash(99)) {
		t.Error("not reset")
	}
}
