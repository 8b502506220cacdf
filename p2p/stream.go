package p2p

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/keelson-chain/keelson/p2p/compact"
	"github.com/keelson-chain/keelson/p2p/host"
	"github.com/keelson-chain/keelson/p2p/message"
	"github.com/keelson-chain/keelson/wire"
)

// groupSize is about how many bytes of a block's transactions go into one frame.
const groupSize = 16 << 10

// maxPreverify is how many groups of transactions may wait for being verified ahead
// of their block.
const maxPreverify = 64

// stream is what has been found of a block whose compact form is being filled in. It
// is served to those who fill in the same form before anybody here knows whether it
// leads to the block. So transactions that only the miner had flow through the
// network, instead of being stored and forwarded by each node on the way. It is
// guarded by relay.mu.
//
// A transaction that does not have the short id of its place is passed on by nobody
// honest. One that has it may have been made up far away.
type stream struct {
	form    wire.Hash // Compact.Sum
	partial *compact.Partial
	txs     [][]byte // by place; nil: missing
}

// stream begins to serve what there is of the compact form in hand.
func (e *effort) stream() {
	e.form = e.from.compact.Sum()
	s := &stream{form: e.form, partial: e.partial, txs: make([][]byte, e.partial.Len())}
	for i := range s.txs {
		s.txs[i] = e.partial.Raw(uint32(i))
	}
	e.r.mu.Lock()
	defer e.r.mu.Unlock()
	if !e.in.done {
		e.in.stream = s
		e.in.hasNews()
	}
}

// put adds transactions that a peer has served to the stream of a partial.
func (r *relay) put(in *incoming, partial *compact.Partial, at []uint32, txs [][]byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := in.stream
	if s == nil || s.partial != partial {
		return
	}
	for i, at := range at {
		if s.txs[at] == nil {
			s.txs[at] = txs[i]
		}
	}
	in.hasNews()
}

// hasNews wakes those who wait for more of the stream.
func (in *incoming) hasNews() {
	if in.news != nil {
		close(in.news)
		in.news = nil
	}
}

// group returns the first of some raw transactions, about groupSize bytes of them,
// up to one that is missing.
func group(n int, raw func(i int) []byte) (txs [][]byte) {
	for i, size := 0, 0; i < n && size < groupSize; i++ {
		tx := raw(i)
		if tx == nil {
			break
		}
		txs = append(txs, tx)
		size += len(tx)
	}
	return txs
}

// streamed returns the next transactions that are there of those that a peer has
// asked for. If there are none, news is closed when there may be, and ready when
// the block is there; without news there is nothing to wait for but the block.
func (r *relay) streamed(m *message.TxnRequest, rest []uint32) (txs [][]byte, news, ready <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	in := r.blocks[m.Block]
	if in == nil || in.body != nil || in.done {
		return nil, nil, nil
	}
	if s := in.stream; s != nil && s.form == m.Form {
		txs = group(len(rest), func(i int) []byte {
			if int64(rest[i]) >= int64(len(s.txs)) {
				return nil
			}
			return s.txs[rest[i]]
		})
	}
	if in.news == nil {
		in.news = make(chan struct{})
	}
	return txs, in.news, in.ready
}

// serveTxs answers a request for transactions of a block, with those that come in
// meanwhile as they come.
func (r *relay) serveTxs(ctx context.Context, request []byte, answer func([]byte) error) error {
	m, err := message.DecodeTxnRequest(request)
	if err != nil {
		return err
	}
	rest := m.Indexes
	send := func(txs [][]byte) error {
		rest = rest[len(txs):]
		return answer(message.AppendTxs(nil, txs))
	}
	timer := time.NewTimer(holdTime)
	defer timer.Stop()
	for len(rest) > 0 {
		txs, news, ready := r.streamed(m, rest)
		if news == nil {
			break
		}
		if len(txs) > 0 {
			if err := send(txs); err != nil {
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
	if len(rest) == 0 {
		return nil
	}
	b, _ := r.lookUp(ctx, m.Block)
	// An index that the block does not have comes from a compact form that was made
	// up, and not necessarily by who asks.
	if b == nil || int64(slices.Max(m.Indexes)) >= int64(len(b.Txs)) {
		return answer(nil)
	}
	for len(rest) > 0 {
		txs := group(len(rest), func(i int) []byte {
			tx := b.Txs[rest[i]]
			return tx.Append(make([]byte, 0, tx.Size()))
		})
		if err := send(txs); err != nil {
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

// askTxs asks for the transactions of a block that are missing in a partial, and
// streams them as they come. One without the short id of its place goes nowhere,
// and is the last that is read.
func (r *relay) askTxs(p *host.Peer, in *incoming, partial *compact.Partial, form wire.Hash, missing []uint32) ([]*wire.Tx, served, verdict) {
	request := message.TxnRequest{Block: in.hash, Form: form, Indexes: missing}
	room := message.MaxAnswer(message.NameBlockTxn, r.maxWeight) // for the whole of it
	txs, s := make([]*wire.Tx, 0, len(missing)), served{from: p}
	ctx, cancel := context.WithCancel(in.ctx)
	defer cancel()
	come := make(chan []*wire.Tx, maxPreverify)
	defer close(come)
	r.start(func() { r.preverify(ctx, come) })
	err := p.AskMany(in.ctx, message.NameBlockTxn, request.Append(nil), room, func(frame []byte) error {
		if len(frame) == 0 {
			return errNoMore
		}
		m, err := message.DecodeTxs(frame)
		room -= len(frame)
		rest := missing[len(txs):]
		switch {
		case err != nil:
			return wrongError{err}
		case len(m.Txs) == 0 || len(m.Txs) > len(rest) || room < 0:
			return wrongError{fmt.Errorf("sent %d transactions of block %v when %d were missing", len(m.Txs), in.hash, len(rest))}
		}
		raws := make([][]byte, len(m.Txs))
		for i, tx := range m.Txs {
			raws[i] = tx.Append(make([]byte, 0, tx.Size()))
			if !s.add(partial, rest[i], tx.WTxID()) {
				return errMisfit
			}
		}
		txs = append(txs, m.Txs...)
		r.put(in, partial, rest[:len(raws)], raws)
		select {
		case come <- m.Txs:
		default: // they are verified with the block
		}
		if len(txs) == len(missing) {
			return errEnough
		}
		return nil
	})
	var wrong wrongError
	switch {
	case errors.Is(err, errEnough), errors.Is(err, errMisfit):
		return txs, s, answered
	case errors.Is(err, errNoMore):
		return nil, s, notYet
	case errors.As(err, &wrong):
		return nil, s, r.wrong(p, wrong.Error())
	case err == nil:
		return nil, s, r.wrong(p, fmt.Sprintf("sent %d transactions of block %v instead of %d", len(txs), in.hash, len(missing)))
	}
	return nil, s, r.unanswered(p, message.NameBlockTxn, err)
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
