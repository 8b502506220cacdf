package p2p

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/mempool"
	"github.com/keelson-chain/keelson/p2p/compact"
	"github.com/keelson-chain/keelson/p2p/host"
	"github.com/keelson-chain/keelson/p2p/message"
	"github.com/keelson-chain/keelson/wire"
)

// places are those of all transactions of a block but the coinbase.
func places(b *wire.Block) (at []uint32) {
	for i := 1; i < len(b.Txs); i++ {
		at = append(at, uint32(i))
	}
	return at
}

// frameOf returns the frame with some transactions, the first of them at a position of
// what was asked for.
func frameOf(at int, txs ...*wire.Tx) []byte {
	return (&message.Txs{At: uint32(at), Txs: txs}).Append(nil)
}

// asking asks for all transactions of b but the coinbase that are missing in a
// compact form, and sends each frame that comes, then closes.
func asking(t *testing.T, p *host.Peer, b *wire.Block, form wire.Hash) <-chan []byte {
	frames := make(chan []byte, 100)
	go func() {
		defer close(frames)
		request := message.TxnRequest{Block: b.Hash(), Form: form, Indexes: places(b)}
		err := p.AskMany(t.Context(), message.NameBlockTxn, request.Append(nil), 1<<20, func(frame []byte) error {
			frames <- frame
			return nil
		})
		if err != nil {
			t.Errorf("no answer: %v", err)
		}
	}()
	return frames
}

// ends waits for the end of an answer.
func ends(t *testing.T, frames <-chan []byte) {
	t.Helper()
	for frame := range frames {
		t.Errorf("then %x comes", frame)
	}
}

// TestStream: a node serves transactions while it receives them, to those who have
// the same compact form; others get them when the block is there.
func TestStream(t *testing.T) {
	w := newWorld(t)
	txs := w.txs(6)
	n := w.start(1, nil)[0]
	source, asker, other := w.stranger(), w.stranger(), w.stranger()
	fromSource, toAsker, toOther := source.call(n), asker.call(n), other.call(n)
	b := w.Mine(txs...)
	asked, goOn := make(chan bool, 1), make(chan bool)
	defer close(goOn) // so that a failure does not leave the source waiting
	source.on(message.NameBlockTxn, func(_ []byte, answer func([]byte) error) error {
		asked <- true
		for i := 0; i < len(txs); i += 2 {
			<-goOn
			if err := answer(frameOf(i, txs[i:i+2]...)); err != nil {
				return err
			}
		}
		return nil
	})
	c := compact.New(b, 7, nil)
	fromSource.Send(c)
	<-asked
	frames, others := asking(t, toAsker, b, c.Sum()), asking(t, toOther, b, compact.New(b, 8, nil).Sum())
	for i := 0; i < len(txs); i += 2 {
		goOn <- true
		if frame := <-frames; !bytes.Equal(frame, frameOf(i, txs[i:i+2]...)) {
			t.Fatalf("after %d transactions %x comes", i, frame)
		}
		if i+2 < len(txs) && len(others) > 0 {
			t.Fatal("something is served to who has another compact form")
		}
	}
	if frame := <-others; !bytes.Equal(frame, frameOf(0, txs...)) {
		t.Errorf("who has another compact form gets %x", frame)
	}
	ends(t, frames)
	ends(t, others)
	n.reaches(b)
	welcome(t, n, source, asker, other)
}

// TestTwoServe: what is missing is asked of the sender of the compact form and of a peer
// that was chosen to push, and neither has to serve all of it.
func TestTwoServe(t *testing.T) {
	w := newWorld(t)
	txs := w.txs(8)
	n := w.start(1, nil)[0]
	sender, chosen := w.stranger(), w.stranger()
	fromSender, fromChosen := sender.call(n), chosen.isCalledBy(n)
	next[*message.Push](t, chosen)
	b := w.Mine(txs...)
	firsts, both, over := make(chan uint32, 10), make(chan bool), make(chan bool)
	defer close(over)
	half := func(request []byte, answer func([]byte) error) error {
		m, err := message.DecodeTxnRequest(request)
		if err != nil {
			return err
		}
		firsts <- m.First
		<-both
		for i := range len(txs) / 2 {
			at := (int(m.First) + i) % len(txs)
			if err := answer(frameOf(at, b.Txs[m.Indexes[at]])); err != nil {
				return err
			}
		}
		<-over // and then nothing, slowly
		return nil
	}
	sender.on(message.NameBlockTxn, half)
	chosen.on(message.NameBlockTxn, half)
	fromSender.Send(compact.New(b, 7, nil))
	first := <-firsts
	fromChosen.Send(&message.Have{Header: b.Header})
	if second := <-firsts; int(second) != (int(first)+len(txs)/2)%len(txs) {
		t.Errorf("one is asked from %d on and the other from %d of %d", first, second, len(txs))
	}
	close(both)
	n.reaches(b)
	eventually(t, "the block is counted", func() bool { return n.talk().relay.info().WithAsked == 1 })
	welcome(t, n, sender, chosen)
}

// TestAnswering: an answer begins where it is asked to, goes round, passes over what is
// not there, and comes back to it.
func TestAnswering(t *testing.T) {
	a := newAnswering(&message.TxnRequest{Indexes: []uint32{1, 2, 5, 7, 8, 9}, First: 3})
	have := map[uint32]bool{}
	raw := func(place uint32) []byte {
		if !have[place] {
			return nil
		}
		return []byte{byte(place)}
	}
	for _, step := range []struct {
		come []uint32
		at   int
		txs  string // places
	}{
		{nil, 0, ""},
		{[]uint32{5, 8, 9}, 4, "\x08\x09"}, // not 7
		{nil, 2, "\x05"},
		{nil, 0, ""},
		{[]uint32{7, 1}, 3, "\x07"}, // 8 is sent
		{nil, 0, "\x01"},
		{nil, 0, ""},
		{[]uint32{2}, 1, "\x02"},
		{nil, 0, ""},
	} {
		for _, place := range step.come {
			have[place] = true
		}
		at, txs := a.take(raw)
		if got := string(bytes.Join(txs, nil)); got != step.txs || got != "" && at != step.at {
			t.Errorf("after %v come: %x from position %d, want %x from %d", step.come, got, at, step.txs, step.at)
		}
	}
	if a.left != 0 {
		t.Errorf("%d are left", a.left)
	}
	if _, txs := newAnswering(&message.TxnRequest{}).take(raw); txs != nil {
		t.Errorf("nothing is asked for, and %x answered", txs)
	}
}

// aheadPool says what a node has its pool verify ahead of a block.
type aheadPool struct {
	*mempool.Pool
	verified chan ahead
}

type ahead struct {
	first wire.Hash // of the transactions
	err   error
}

func (p aheadPool) Preverify(ctx context.Context, txs []*wire.Tx) error {
	err := p.Pool.Preverify(ctx, txs)
	p.verified <- ahead{txs[0].WTxID(), err}
	return err
}

// TestStreamIsVerified: the scripts of transactions that are served are verified before
// the block is whole, up to one that fails.
func TestStreamIsVerified(t *testing.T) {
	w := newWorld(t)
	txs := w.txs(6)
	verified := make(chan ahead, 10)
	n := w.start(1, func(_ int, cfg *Config) { cfg.Pool = aheadPool{cfg.Pool.(*mempool.Pool), verified} })[0]
	source := w.stranger()
	fromSource := source.call(n)
	goOn := make(chan bool)
	defer close(goOn)
	serve := func(frames ...[]byte) {
		source.on(message.NameBlockTxn, func(_ []byte, answer func([]byte) error) error {
			for i, frame := range frames {
				if i > 0 {
					<-goOn
				}
				if err := answer(frame); err != nil {
					return err
				}
			}
			return nil
		})
	}

	serve(frameOf(0, txs[:2]...), frameOf(2, txs[2]))
	b := w.Mine(txs[:3]...)
	fromSource.Send(compact.New(b, 7, nil))
	if a := <-verified; a.first != txs[0].WTxID() || a.err != nil {
		t.Fatal(a)
	}
	if tip := n.ledger.Tip().Tip; tip.Hash == b.Hash() {
		t.Fatal("the block is there already")
	}
	goOn <- true
	n.reaches(b)

	wrong := txs[3].Clone()
	wrong.Inputs[0].Witness[0][10] ^= 1
	serve(frameOf(0, wrong), frameOf(1, txs[4]), frameOf(2, txs[5]))
	invalid := w.Next(wrong, txs[4], txs[5])
	fromSource.Send(compact.New(invalid, 7, nil))
	var rule *consensus.RuleError
	a := <-verified
	if a.first == txs[2].WTxID() { // as late as that block itself
		a = <-verified
	}
	if a.first != wrong.WTxID() || !errors.As(a.err, &rule) {
		t.Fatalf("a wrong signature: %v", a)
	}
	goOn <- true
	goOn <- true
	eventually(t, "the block is refused", func() bool {
		e, known := n.ledger.Entry(invalid.Hash())
		return known && e.Status.Invalid()
	})
	if len(verified) > 0 {
		t.Error("what comes after a wrong signature is verified ahead, too")
	}
}

// TestStreamEnds: a peer whose own source fails says so half-way, and the block
// comes from somebody else.
func TestStreamEnds(t *testing.T) {
	w := newWorld(t)
	txs := w.txs(4)
	n := w.start(1, nil)[0]
	source, honest := w.stranger(), w.stranger()
	fromSource, fromHonest := source.call(n), honest.call(n)
	b := w.Mine(txs...)
	honest.serving(b)
	asked := make(chan bool, 10)
	source.on(message.NameBlockTxn, func(_ []byte, answer func([]byte) error) error {
		asked <- true
		if err := answer(frameOf(0, txs[:2]...)); err != nil {
			return err
		}
		return answer(nil)
	})
	fromSource.Send(compact.New(b, 7, nil))
	<-asked
	fromHonest.Send(&message.Have{Header: b.Header})
	n.reaches(b)
	eventually(t, "the block is counted", func() bool { return n.talk().relay.info().WithAsked == 1 })
	welcome(t, n, source, honest)
}

// TestStreamStopsLies: what does not have the short id of its place is not passed
// on, and whoever serves it is banned once the block is there.
func TestStreamStopsLies(t *testing.T) {
	w := newWorld(t)
	txs := w.txs(4)
	n := w.start(1, nil)[0]
	liar, honest, asker := w.stranger(), w.stranger(), w.stranger()
	fromLiar, fromHonest, toAsker := liar.call(n), honest.call(n), asker.call(n)
	b := w.Mine(txs[:3]...)
	honest.serving(b)
	honest.on(message.NameBlockTxn, nil)
	asked, goOn := make(chan bool, 10), make(chan bool)
	defer close(goOn)
	liar.on(message.NameBlockTxn, func(_ []byte, answer func([]byte) error) error {
		asked <- true
		<-goOn
		if err := answer(frameOf(0, txs[0])); err != nil {
			return err
		}
		<-goOn
		return answer(frameOf(1, txs[1], txs[3]))
	})
	c := compact.New(b, 7, nil)
	fromLiar.Send(c)
	<-asked
	frames := asking(t, toAsker, b, c.Sum())
	goOn <- true
	if frame := <-frames; !bytes.Equal(frame, frameOf(0, txs[0])) {
		t.Fatalf("%x comes", frame)
	}
	fromHonest.Send(&message.Have{Header: b.Header})
	eventually(t, "the honest peer is known to have the block", func() bool {
		n.talk().relay.mu.Lock()
		defer n.talk().relay.mu.Unlock()
		return len(n.talk().relay.blocks[b.Hash()].has) == 2
	})
	goOn <- true
	if frame := <-frames; !bytes.Equal(frame, frameOf(1, txs[1:3]...)) {
		t.Errorf("%x comes", frame)
	}
	ends(t, frames)
	n.reaches(b)
	banned(t, n, liar)
	if p := n.Host().Peer(honest.ID()); p == nil || p.Score() != 0 {
		t.Error("the honest peer is blamed")
	}
}

// TestMadeUpForm: the short ids of a compact form are made up, so that the block's
// transactions do not have them. Who serves those is not to blame.
func TestMadeUpForm(t *testing.T) {
	w := newWorld(t)
	txs := w.txs(3)
	n := w.start(1, nil)[0]
	maker, honest := w.stranger(), w.stranger()
	fromMaker, fromHonest := maker.call(n), honest.call(n)
	b := w.Mine(txs...)
	honest.serving(b)
	c := compact.New(b, 7, nil)
	c.ShortIDs[1]++
	asked := make(chan bool, 10)
	maker.on(message.NameBlockTxn, func(_ []byte, answer func([]byte) error) error {
		asked <- true
		return answer(nil)
	})
	fromMaker.Send(c)
	<-asked
	fromHonest.Send(&message.Have{Header: b.Header})
	n.reaches(b)
	eventually(t, "the block is counted", func() bool { i := n.talk().relay.info(); return i.Whole == 1 })
	welcome(t, n, maker, honest)
}

// TestJudge: who is to blame for what of served transactions.
func TestJudge(t *testing.T) {
	w := newWorld(t)
	txs := w.txs(4)
	b := w.Mine(txs[:3]...)
	// The short ids are those of txs[0], txs[3], txs[2].
	lie := *b
	lie.Txs = []*wire.Tx{b.Txs[0], txs[0], txs[3], txs[2]}
	for name, c := range map[string]struct {
		form *wire.Block // whose short ids the compact form has
		txs  []*wire.Tx
		want guilt
	}{
		"the block's":                         {b, txs[:3], innocent},
		"the block's, against a made-up form": {&lie, txs[:2], innocent},
		"another, with the form's short id":   {&lie, []*wire.Tx{txs[0], txs[3], txs[2]}, misled},
		"another, without":                    {b, []*wire.Tx{txs[0], txs[3]}, lied},
		"first passed on, then made up":       {&lie, []*wire.Tx{txs[0], txs[3], txs[1]}, lied},
	} {
		p, err := compact.NewPartial(compact.New(c.form, 7, nil))
		if err != nil {
			t.Fatal(err)
		}
		var s served
		for i, tx := range c.txs {
			if fits := s.add(p, uint32(i+1), tx.WTxID()); fits != (c.form.Txs[i+1].WTxID() == tx.WTxID()) {
				t.Errorf("%s: transaction %d fits: %v", name, i, fits)
			}
		}
		if got := s.judge(b); got != c.want {
			t.Errorf("%s: %d, want %d", name, got, c.want)
		}
	}
	// A place that the block does not have is the doing of who made the form.
	s := served{at: []uint32{4}, wtxids: []wire.Hash{{1}}, misfit: true}
	if got := s.judge(b); got != innocent {
		t.Errorf("beyond the block: %d", got)
	}
}
