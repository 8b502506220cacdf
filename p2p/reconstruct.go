package p2p

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/p2p/compact"
	"github.com/keelson-chain/keelson/p2p/host"
	"github.com/keelson-chain/keelson/p2p/message"
	"github.com/keelson-chain/keelson/wire"
)

// result is how a question about a block ended.
type result struct {
	from    *host.Peer
	want    want
	verdict verdict

	compact *message.Compact // for wantCompact
	served  served           // for wantTxn
	stream  *stream          // the same: what it was to complete
	block   *wire.Block      // for wantWhole
}

// effort is one chase at work: what its goroutine alone knows.
type effort struct {
	r  *relay
	in *incoming

	partial *compact.Partial // being filled; nil: none
	from    arrival          // what it was made from
	stream  *stream          // what is found of it; nil: nothing had to be asked for

	served []served // by peers, towards a block that then did not fit
}

// obtain gets hold of a block: from a compact form and what is known here, with
// transactions that are asked for, or as a whole.
func (r *relay) obtain(in *incoming) {
	e := &effort{r: r, in: in}
	defer e.suspect()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for r.ctx.Err() == nil {
		a, res, s, do := e.next()
		switch do {
		case doStop:
			return
		case doTry:
			e.try(a)
		case doResult:
			e.take(res)
		case doStep:
			if s.giveUp {
				r.log.Debug().Stringer("block", in.hash).Msg("block not found where it was announced")
				e.end(nil)
				if r.gaveUp != nil {
					r.gaveUp(in.hash)
				}
				return
			}
			if s.ask {
				e.ask(s)
				continue
			}
			timer.Reset(time.Until(s.until))
			select {
			case <-in.wake:
			case <-timer.C:
			case <-r.ctx.Done():
			}
		}
	}
}

// do is what an effort does next.
type do uint8

const (
	doStop do = iota
	doTry
	doResult
	doStep
)

// next looks for something to do: first what has come, then what the chase says.
func (e *effort) next() (a arrival, res result, s step, what do) {
	r, in := e.r, e.in
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case in.done:
		for _, res := range in.results {
			e.served = append(e.served, res.served)
		}
		in.results = nil
		return a, res, s, doStop
	case len(in.results) > 0:
		res, in.results = in.results[0], in.results[1:]
		in.chase.ended(time.Now(), res.from.Num(), res.want, res.verdict)
		return a, res, s, doResult
	case e.partial == nil && len(in.compacts) > 0 && in.chase.want != wantWhole:
		a, in.compacts = in.compacts[0], in.compacts[1:]
		return a, res, s, doTry
	}
	s = in.chase.next(time.Now())
	if in.chase.want == wantWhole {
		e.partial, e.stream = nil, nil // nobody is left who could complete it
	}
	return a, res, s, doStep
}

// need changes what the chase is after.
func (e *effort) need(w want, sender int64) {
	e.r.mu.Lock()
	defer e.r.mu.Unlock()
	if e.in.chase != nil {
		e.in.chase.need(time.Now(), w, sender)
	}
}

// try makes what it can out of a compact block.
func (e *effort) try(a arrival) {
	r := e.r
	p, err := compact.NewPartial(a.compact)
	if err != nil {
		r.stats.collisions.Add(1)
		e.failed(a, err)
		return
	}
	if err := r.pool.Each(p.Offer); err != nil {
		r.log.Debug().Err(err).Msg("the pool gives nothing for a compact block")
	}
	r.extra.each(p.Offer)
	if p.Open() > 0 {
		e.offerRivals(p)
	}
	open := p.Open()
	r.stats.known.Add(uint64(len(a.compact.ShortIDs) - open))
	r.stats.asked.Add(uint64(open))
	e.partial, e.from, e.stream = p, a, nil
	if open == 0 {
		e.complete()
		return
	}
	e.stream = e.newStream(p)
	e.need(wantTxn, a.from.Num())
}

// offerRivals offers the transactions of the active chain's blocks that the new
// block competes with, which are not in the pool any more.
func (e *effort) offerRivals(p *compact.Partial) {
	tip := e.r.chain.Tip().Tip
	for height := e.in.height; height <= tip.Height && height < e.in.height+maxAhead; height++ {
		entry, ok := e.r.chain.EntryAt(height)
		if !ok {
			return
		}
		b, err := e.r.chain.Block(entry.Ref.Hash)
		if err != nil {
			return
		}
		for _, tx := range b.Txs[1:] {
			wtxid := tx.WTxID()
			p.Offer(&wtxid, tx.Append(make([]byte, 0, tx.Size())))
		}
	}
}

// complete makes the block once nothing is missing.
func (e *effort) complete() {
	r, in, a := e.r, e.in, e.from
	b, err := e.partial.Block()
	if err != nil {
		r.stats.collisions.Add(1)
		e.failed(a, err)
		return
	}
	r.mu.Lock()
	if in.done {
		r.mu.Unlock()
		return
	}
	in.body, in.good = b, a.compact
	in.setStream(nil)
	in.isReady()
	r.mu.Unlock()
	r.pass(in, a.compact, false) // if that has not been done before

	err = r.accept(r.ctx, b, nil)
	switch {
	case consensus.Mutated(err):
		// Something that Block does not look at, such as the coinbase's witness.
		r.mu.Lock()
		in.body, in.good = nil, nil
		r.mu.Unlock()
		e.failed(a, err)
		return
	case err == nil:
		if e.stream != nil {
			r.stats.withAsked.Add(1)
		} else {
			r.stats.fromPool.Add(1)
		}
		e.brought(a.from)
	}
	e.judged(b, err)
}

// failed: a compact block leads nowhere. Its sender may have passed on what somebody
// else had made, so it only loses its place among those that push. The next one is
// tried, or the whole block asked for.
func (e *effort) failed(a arrival, err error) {
	r := e.r
	r.log.Debug().Stringer("block", e.in.hash).Int64("peer", a.from.Num()).Err(err).Msg("compact block leads to no block")
	e.partial, e.stream = nil, nil
	r.mu.Lock()
	list := r.links.failed(a.from.Num())
	if e.in.passed == a.compact {
		e.in.passing, e.in.passed = false, nil // so that a better form is passed on when there is one
	}
	e.in.setStream(nil)
	more := len(e.in.compacts) > 0
	r.mu.Unlock()
	r.send(list)
	if !more {
		e.need(wantWhole, 0)
	}
}

// brought gives a peer credit for a block that is valid.
func (e *effort) brought(p *host.Peer) {
	p.NoteBlock()
	e.r.mu.Lock()
	list := e.r.links.brought(p.Num())
	e.r.mu.Unlock()
	e.r.send(list)
}

// judged notes what the ledger said of a block.
func (e *effort) judged(b *wire.Block, err error) {
	r, in := e.r, e.in
	switch {
	case err == nil:
		if entry, ok := r.chain.Entry(in.hash); ok && entry.Status.Has(ledger.ValidScripts) {
			r.stats.ready.Observe(time.Since(in.first))
		}
	case errors.Is(err, ledger.ErrDuplicate), r.ctx.Err() != nil:
	default:
		r.log.Info().Stringer("block", in.hash).Err(err).Msg("block refused")
	}
	e.blame(b)
	if _, held := r.chain.Entry(in.hash); !held {
		b = nil // too early, perhaps: its time may come
	}
	e.end(b)
}

// suspect keeps what has been served towards a block that is not there yet, until
// it is known who has lied.
func (e *effort) suspect() {
	r, in := e.r, e.in
	if len(e.served) == 0 {
		return
	}
	r.mu.Lock()
	body := in.body
	if body == nil {
		for hash := range r.suspects { // any: this is not worth an order
			if len(r.suspects) < maxTracked {
				break
			}
			delete(r.suspects, hash)
		}
		r.suspects[in.hash] = append(r.suspects[in.hash], e.served...)
	}
	r.mu.Unlock()
	if body != nil {
		e.blame(body)
	}
}

// blame has those answer for it who served transactions as the block's that are
// not, now that it is known which are.
func (e *effort) blame(b *wire.Block) {
	e.r.blame(b, e.served)
	e.served = nil
}

func (r *relay) blame(b *wire.Block, list []served) {
	hash := b.Hash()
	r.mu.Lock()
	list = append(list, r.suspects[hash]...)
	delete(r.suspects, hash)
	r.mu.Unlock()
	for _, s := range list {
		switch s.judge(b) {
		case lied:
			s.from.Penalise(host.BanScore, fmt.Sprintf("served transactions that are not of block %v", hash))
		case misled:
			r.mu.Lock()
			changes := r.links.failed(s.from.Num())
			r.mu.Unlock()
			r.send(changes)
		}
	}
}

// end ends the chase. Without a block it is forgotten, so that the next word of it
// begins another one.
func (e *effort) end(b *wire.Block) {
	r, in := e.r, e.in
	r.mu.Lock()
	defer r.mu.Unlock()
	r.settle(in, b)
	if b == nil && r.blocks[in.hash] == in {
		delete(r.blocks, in.hash)
		r.order = slices.DeleteFunc(r.order, func(other *incoming) bool { return other == in })
	}
}

// take makes use of an answer.
func (e *effort) take(res result) {
	if len(res.served.at) > 0 {
		e.served = append(e.served, res.served)
	}
	if res.verdict != answered {
		return
	}
	switch res.want {
	case wantCompact:
		e.r.mu.Lock()
		e.in.keep(arrival{res.compact, res.from})
		e.r.mu.Unlock()
	case wantTxn:
		e.fill(res)
	case wantWhole:
		e.whole(res.block, res.from)
	}
}

// fill completes the block if all is there that was missing in the compact form in hand.
func (e *effort) fill(res result) {
	if e.stream == nil || res.stream != e.stream {
		return // too late
	}
	e.r.mu.Lock()
	left := e.stream.left
	e.r.mu.Unlock()
	switch {
	case left == 0:
		if err := e.partial.Fill(e.stream.txs); err != nil {
			e.failed(e.from, err)
			return
		}
		e.complete()
	case res.served.misfit && res.from == e.from.from:
		e.failed(e.from, errMisfit)
	}
}

// whole gives a whole block to the ledger.
func (e *effort) whole(b *wire.Block, from *host.Peer) {
	r := e.r
	err := r.accept(r.ctx, b, from)
	if consensus.Mutated(err) {
		return // from has answered for it; others are asked
	}
	if err == nil {
		r.stats.whole.Add(1)
		e.brought(from)
	}
	e.judged(b, err)
}

// ask puts a question to a peer, whose result comes back by results.
func (e *effort) ask(s step) {
	r, in := e.r, e.in
	r.mu.Lock()
	p := r.peers[s.peer]
	r.mu.Unlock()
	if p == nil {
		r.mu.Lock()
		if in.chase != nil {
			in.chase.ended(time.Now(), s.peer, s.want, useless)
		}
		r.mu.Unlock()
		return
	}
	stream := e.stream
	r.start(func() {
		res := result{from: p, want: s.want}
		switch s.want {
		case wantCompact:
			res.compact, res.verdict = r.askCompact(p, in)
		case wantTxn:
			res.stream = stream
			res.served, res.verdict = r.askTxs(p, in, stream, s.again)
		case wantWhole:
			res.block, res.verdict = r.askWhole(p, in)
		}
		r.mu.Lock()
		done, body := in.done, in.body
		if !done {
			in.results = append(in.results, res)
		}
		in.signal()
		r.mu.Unlock()
		if done && body != nil {
			r.blame(body, []served{res.served})
		}
	})
}

// askCompact asks for the compact form of a block.
func (r *relay) askCompact(p *host.Peer, in *incoming) (*message.Compact, verdict) {
	request := message.CompactRequest{Block: in.hash}
	answer, err := p.Ask(in.ctx, message.NameCompact, request.Append(nil), message.MaxAnswer(message.NameCompact, r.maxWeight))
	if err != nil || len(answer) == 0 {
		return nil, r.unanswered(p, message.NameCompact, err)
	}
	r.stats.compact.Add(1)
	c, err := message.DecodeCompact(answer)
	switch {
	case err != nil:
		return nil, r.wrong(p, err.Error())
	case c.Header != in.header:
		return nil, r.wrong(p, fmt.Sprintf("sent a compact block other than %v", in.hash))
	case r.tooMany(c):
		return nil, useless
	}
	return c, answered
}

// askWhole asks for a whole block.
func (r *relay) askWhole(p *host.Peer, in *incoming) (*wire.Block, verdict) {
	request := message.BlocksRequest{Hashes: []wire.Hash{in.hash}}
	answer, err := p.Ask(in.ctx, message.NameBlocks, request.Append(nil), message.MaxAnswer(message.NameBlocks, r.maxWeight))
	if err != nil || len(answer) == 0 {
		return nil, r.unanswered(p, message.NameBlocks, err)
	}
	b, err := wire.DecodeBlock(answer)
	switch {
	case err != nil:
		return nil, r.wrong(p, fmt.Sprintf("sent a malformed block: %v", err))
	case b.Header != in.header:
		return nil, r.wrong(p, fmt.Sprintf("sent a block other than %v", in.hash))
	}
	return b, answered
}

// unanswered says what to make of an answer that did not come, or is empty: the
// peer does not have the block yet.
func (r *relay) unanswered(p *host.Peer, name string, err error) verdict {
	switch {
	case err == nil:
		return notYet
	case errors.Is(err, host.ErrTooLarge):
		return r.wrong(p, fmt.Sprintf("its answer is too large: %v", err))
	}
	r.log.Debug().Int64("peer", p.Num()).Str("request", name).Err(err).Msg("no answer about a block")
	return useless
}

// wrong has a peer answer for an answer that no honest one gives.
func (r *relay) wrong(p *host.Peer, why string) verdict {
	p.Penalise(host.BanScore, why)
	return useless
}

// serveCompact answers a request for a compact block.
func (r *relay) serveCompact(ctx context.Context, request []byte, answer func([]byte) error) error {
	m, err := message.DecodeCompactRequest(request)
	if err != nil {
		return err
	}
	b, c := r.lookUp(ctx, m.Block)
	switch {
	case b == nil:
		return answer(nil)
	case c == nil:
		c = compact.New(b, nonce(), nil)
	}
	return answer(c.Append(nil))
}

// lookUp returns a block near the tip, and its compact form if it came in one that
// led to it; or nil. A block that is being chased is waited for, a little: whoever
// got its compact form from here asks before we have it.
func (r *relay) lookUp(ctx context.Context, hash wire.Hash) (*wire.Block, *message.Compact) {
	r.mu.Lock()
	in := r.blocks[hash]
	r.mu.Unlock()
	if in != nil {
		timer := time.NewTimer(holdTime)
		defer timer.Stop()
		select {
		case <-in.ready:
		case <-timer.C:
			return nil, nil
		case <-ctx.Done():
			return nil, nil
		case <-r.ctx.Done():
			return nil, nil
		}
		r.mu.Lock()
		b, c := in.body, in.good
		r.mu.Unlock()
		if b != nil {
			return b, c
		}
	}
	entry, ok := r.chain.Entry(hash)
	if !ok || !entry.Status.Has(ledger.ValidScripts) || entry.Ref.Height+serveDepth < r.chain.Tip().Tip.Height {
		return nil, nil
	}
	b, err := r.chain.Block(hash)
	if err != nil {
		return nil, nil
	}
	return b, nil
}
