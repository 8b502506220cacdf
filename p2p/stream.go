package p2p

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/keelson-chain/keelson/p2p/compact"
	"github.com/keelson-chain/keelson/p2p/host"
	"github.com/keelson-chain/keelson/p2p/message"
	"github.com/keelson-chain/keelson/wire"
)

// groupSize is about how many bytes of a block's transactions go into one frame.
const groupSize = 16 << 10

// frameExtra is how much a frame may take besides its transactions.
const frameExtra = 8

// maxPreverify is how many groups of transactions may wait for being verified ahead
// of their block.
const maxPreverify = 64

// stream is what has been found of a block whose compact form is being filled in. It
// is served to those who fill in the same form before anybody here knows whether it
// leads to the block. So transactions that only the miner had flow through the
// network, instead of being stored and forwarded by each node on the way. It is
// guarded by relay.mu.
//
// What is missing is asked of two peers at once, each of which begins elsewhere, and
// everybody at random: so neighbours soon have what the other lacks, a connection that
// has to get up to speed carries half of it, and what one peer serves late comes from the
// other.
//
// A transaction that does not have the short id of its place is passed on by nobody
// honest. One that has it may have been made up far away.
type stream struct {
	form    wire.Hash // Compact.Sum
	partial *compact.Partial
	raws    [][]byte   // by place; nil: missing
	missing []uint32   // places that were, when this began
	txs     []*wire.Tx // what was served for them
	left    int        // how many of them there are not yet
	first   uint32     // the place that was asked for first

	ctx    context.Context // of the questions; ends when nothing is left to ask for
	cancel context.CancelFunc
}

// newStream begins to serve what there is of the compact form in hand.
func (e *effort) newStream(p *compact.Partial) *stream {
	s := &stream{form: e.from.compact.Sum(), partial: p, raws: make([][]byte, p.Len()), missing: p.Missing()}
	s.txs, s.left = make([]*wire.Tx, len(s.missing)), len(s.missing)
	s.first = s.missing[rand.IntN(len(s.missing))]
	s.ctx, s.cancel = context.WithCancel(e.in.ctx)
	for i := range s.raws {
		s.raws[i] = p.Raw(uint32(i))
	}
	e.r.mu.Lock()
	defer e.r.mu.Unlock()
	if !e.in.done {
		e.in.setStream(s)
	}
	return s
}

// setStream begins a stream, or ends the one that there is.
func (in *incoming) setStream(s *stream) {
	if in.stream != nil {
		in.stream.cancel()
	}
	if in.stream = s; s != nil {
		in.hasNews()
	}
}

// request asks for what is left of a stream. again says that somebody is being asked
// already, who comes to the other half last.
func (s *stream) request(block wire.Hash, again bool) *message.TxnRequest {
	m := &message.TxnRequest{Block: block, Form: s.form}
	for i, at := range s.missing {
		if s.txs[i] == nil {
			m.Indexes = append(m.Indexes, at)
		}
	}
	n := len(m.Indexes)
	if n == 0 {
		return m
	}
	first, _ := slices.BinarySearch(m.Indexes, s.first)
	if again {
		first += n / 2
	}
	m.First = uint32(first % n)
	return m
}

// put adds transactions that a peer has served, to the places at. It returns those that
// had not come yet, and whether nothing more is wanted.
func (r *relay) put(in *incoming, s *stream, at []uint32, txs []*wire.Tx, raws [][]byte) (fresh []*wire.Tx, over bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if in.stream != s {
		return nil, true
	}
	for i, at := range at {
		if s.raws[at] != nil {
			continue
		}
		s.raws[at] = raws[i]
		k, _ := slices.BinarySearch(s.missing, at)
		s.txs[k] = txs[i]
		s.left--
		fresh = append(fresh, txs[i])
	}
	if len(fresh) > 0 {
		in.hasNews()
	}
	if s.left == 0 {
		s.cancel()
	}
	return fresh, s.left == 0
}

// hasNews wakes those who wait for more of the stream.
func (in *incoming) hasNews() {
	if in.news != nil {
		close(in.news)
		in.news = nil
	}
}

// answering is the answer to a request for transactions of a block.
type answering struct {
	*message.TxnRequest
	sent []bool // by position in Indexes
	left int    // how many are not sent
	next int    // position to begin with
}

func newAnswering(m *message.TxnRequest) *answering {
	return &answering{m, make([]bool, len(m.Indexes)), len(m.Indexes), int(m.First)}
}

// take returns the next transactions that are there, about groupSize bytes of them, and
// the position of the first. raw returns the one at a place, or nil.
func (a *answering) take(raw func(place uint32) []byte) (at int, txs [][]byte) {
	n := len(a.Indexes)
	for k := 0; k < n && txs == nil; k++ {
		at = (a.next + k) % n
		for i, size := at, 0; i < n && size < groupSize && !a.sent[i]; i++ {
			tx := raw(a.Indexes[i])
			if tx == nil {
				break
			}
			txs = append(txs, tx)
			size += len(tx)
		}
	}
	for i := range txs {
		a.sent[at+i] = true
	}
	if a.left -= len(txs); len(txs) > 0 {
		a.next = (at + len(txs)) % n
	}
	return at, txs
}

// streamed takes the next transactions that are there of those that a peer has asked
// for. If there are none, news is closed when there may be, and ready when the block is
// there; without news there is nothing to wait for but the block.
func (r *relay) streamed(a *answering) (at int, txs [][]byte, news, ready <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	in := r.blocks[a.Block]
	if in == nil || in.body != nil || in.done {
		return 0, nil, nil, nil
	}
	if s := in.stream; s != nil && s.form == a.Form {
		at, txs = a.take(func(place uint32) []byte {
			if int64(place) >= int64(len(s.raws)) {
				return nil
			}
			return s.raws[place]
		})
	}
	if in.news == nil {
		in.news = make(chan struct{})
	}
	return at, txs, in.news, in.ready
}

// serveTxs answers a request for transactions of a block, with those that come in
// meanwhile as they come.
func (r *relay) serveTxs(ctx context.Context, request []byte, answer func([]byte) error) error {
	m, err := message.DecodeTxnRequest(request)
	if err != nil {
		return err
	}
	a := newAnswering(m)
	timer := time.NewTimer(holdTime)
	defer timer.Stop()
	for a.left > 0 {
		at, txs, news, ready := r.streamed(a)
		if news == nil {
			break
		}
		if len(txs) > 0 {
			if err := answer(message.AppendTxs(nil, uint32(at), txs)); err != nil {
				return err
			}
			timer.Reset(holdTime)
			continue
		}
		select {
		case <-news:
			continue
		case <-ready:
		case <-timer.C:
			return answer(nil)
		case <-ctx.Done():
			return ctx.Err()
		case <-r.ctx.Done():
			return r.ctx.Err()
		}
		break
	}
	if a.left == 0 {
		return nil
	}
	b, _ := r.lookUp(ctx, m.Block)
	// An index that the block does not have comes from a compact form that was made
	// up, and not necessarily by who asks.
	if b == nil || int64(slices.Max(m.Indexes)) >= int64(len(b.Txs)) {
		return answer(nil)
	}
	for a.left > 0 {
		at, txs := a.take(func(place uint32) []byte {
			tx := b.Txs[place]
			return tx.Append(make([]byte, 0, tx.Size()))
		})
		if err := answer(message.AppendTxs(nil, uint32(at), txs)); err != nil {
			return err
		}
	}
	return nil
}

// Why an answer with transactions is not read to its end.
var (
	errNoMore = errors.New("no more transactions of the block here")
	errEnough = errors.New("nothing else is missing")
	errMisfit = errors.New("a transaction does not have the short id of its place")
)

// wrongError is what no honest peer answers.
type wrongError struct{ error }

// askTxs asks for the transactions of a block that are missing, and streams them as they
// come. One without the short id of its place goes nowhere, and is the last that is
// read.
func (r *relay) askTxs(p *host.Peer, in *incoming, s *stream, again bool) (served, verdict) {
	r.mu.Lock()
	request := s.request(in.hash, again)
	r.mu.Unlock()
	list := request.Indexes
	given := served{from: p}
	if len(list) == 0 {
		return given, answered // it came meanwhile
	}
	most := message.MaxAnswer(message.NameBlockTxn, r.maxWeight)
	come := make(chan []*wire.Tx, maxPreverify)
	defer close(come)
	r.start(func() { r.preverify(s.ctx, come) })
	had, room := make([]bool, len(list)), most+frameExtra*len(list)
	err := p.AskMany(s.ctx, message.NameBlockTxn, request.Append(nil), most, func(frame []byte) error {
		if len(frame) == 0 {
			return errNoMore
		}
		m, err := message.DecodeTxs(frame)
		if err != nil {
			return wrongError{err}
		}
		room -= len(frame)
		n := len(m.Txs)
		if n == 0 || room < 0 || int64(m.At)+int64(n) > int64(len(list)) || slices.Contains(had[m.At:][:n], true) {
			return wrongError{fmt.Errorf("sent %d transactions of block %v from position %d, too much or again, when %d were missing", n, in.hash, m.At, len(list))}
		}
		places, raws := list[m.At:][:n], make([][]byte, n)
		for i, tx := range m.Txs {
			had[int(m.At)+i] = true
			raws[i] = tx.Append(make([]byte, 0, tx.Size()))
			if !given.add(s.partial, places[i], tx.WTxID()) {
				return errMisfit
			}
		}
		fresh, over := r.put(in, s, places, m.Txs, raws)
		if len(fresh) > 0 {
			select {
			case come <- fresh:
			default: // they are verified with the block
			}
		}
		if over {
			return errEnough
		}
		return nil
	})
	var wrong wrongError
	switch {
	case errors.As(err, &wrong):
		return given, r.wrong(p, wrong.Error())
	case errors.Is(err, errEnough), errors.Is(err, errMisfit), s.ctx.Err() != nil:
		return given, answered
	case errors.Is(err, errNoMore):
		return given, notYet
	case err == nil:
		return given, r.wrong(p, fmt.Sprintf("sent %d transactions of block %v instead of %d", len(given.at), in.hash, len(list)))
	}
	return given, r.unanswered(p, message.NameBlockTxn, err)
}

// preverify has the pool verify the scripts of transactions of a block as they come,
// until all have come: what has not had its turn by then is verified with the block,
// on all cores. If one fails, the peer that serves them lies, or the block is invalid.
func (r *relay) preverify(ctx context.Context, come <-chan []*wire.Tx) {
	for txs := range come {
		if err := r.pool.Preverify(ctx, txs); err != nil {
			if ctx.Err() == nil {
				r.log.Debug().Err(err).Msg("transactions of a block are not verified ahead of it")
			}
			return
		}
	}
}

// served is what a peer has answered with when it was asked for transactions.
type served struct {
	from   *host.Peer
	at     []uint32
	wtxids []wire.Hash
	misfit bool // the last one does not have the short id of its place
}

// add notes a transaction, and reports whether it has the short id of its place.
func (s *served) add(partial *compact.Partial, at uint32, wtxid wire.Hash) bool {
	s.at, s.wtxids = append(s.at, at), append(s.wtxids, wtxid)
	s.misfit = !partial.Fits(at, &wtxid)
	return !s.misfit
}

// guilt is what a peer has to do with transactions that are not the block's.
type guilt uint8

const (
	innocent guilt = iota
	misled         // it may have passed them on
	lied           // it made them up
)

// judge compares what was served with the block. What does not have the short id of
// its place does not make a liar before that is known: the compact form may be the
// lie, and the transactions those of the block.
func (s *served) judge(b *wire.Block) guilt {
	g := innocent
	for i, at := range s.at {
		if int64(at) >= int64(len(b.Txs)) {
			break // the compact form named more than there are, which is another's doing
		}
		if b.Txs[at].WTxID() == s.wtxids[i] {
			continue
		}
		if s.misfit && i == len(s.at)-1 {
			return lied
		}
		g = misled
	}
	return g
}
