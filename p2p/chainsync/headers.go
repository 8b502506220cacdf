package chainsync

import (
	"cmp"
	"time"

	"github.com/keelson-chain/keelson/pow"
	"github.com/keelson-chain/keelson/wire"
)

const (
	// slowHeaders is how long a peer has the question for headers to itself.
	// Another one is asked besides then.
	slowHeaders = 3 * time.Second
	// headersTimeout is how long a peer may take for headers.
	headersTimeout = 20 * time.Second
	// maxAsked is how many peers are asked for headers at once, where the end of
	// the chain is near.
	maxAsked = 4
	// maxFails is how often in a row a peer may be of no use.
	maxFails = 10
	// unknownFails is how often in a row a peer may be asked in vain for a block that it
	// has told of.
	unknownFails = 3
	// longPass is how long a first pass, which may lead to nothing, keeps others
	// from being asked.
	longPass = 15 * time.Second
	// farBehind is how old our best header is while the chain is taken to be long:
	// one peer at a time is enough then, since all would send the same.
	farBehind = 24 * time.Hour
)

// driveHeaders asks for headers where there may be any.
func (m *Machine) driveHeaders() {
	m.best = m.view.Best()
	live, bulk := 0, m.behind()
	for _, p := range m.order {
		if p.ended {
			continue
		}
		if p.asked != 0 && m.now.Sub(p.askedAt) >= headersTimeout {
			m.drop(p, "it did not answer for headers")
			continue
		}
		if p.pass != nil && m.now.Sub(p.pass.began) >= longPass {
			continue // others are tried besides
		}
		if p.adding || p.asked != 0 && m.now.Sub(p.askedAt) < slowHeaders {
			live++
		}
		bulk = bulk || p.more || p.pass != nil
	}
	most := maxAsked
	if bulk {
		most = 1
	}
	for live < most {
		p := m.nextForHeaders()
		if p == nil {
			return
		}
		m.askHeaders(p)
		if p.pass == nil || m.now.Sub(p.pass.began) < longPass {
			live++
		}
	}
}

// behind reports whether much of the chain of headers is missing, by the clock.
func (m *Machine) behind() bool {
	return m.clock().Sub(time.Unix(int64(m.best.Time), 0)) > farBehind
}

// nextForHeaders returns the peer to ask for headers next, or nil.
func (m *Machine) nextForHeaders() *peer {
	var best *peer
	for _, p := range m.order {
		if !p.ended && p.asked == 0 && !p.adding && !m.now.Before(p.retryAt) && p.wants(m.best.Work) &&
			(best == nil || m.preferred(p, best) < 0) {
			best = p
		}
	}
	return best
}

// preferred orders peers by whom to ask for headers: who goes on with what it has
// begun, who has not failed, whom we called, who claims the most.
func (m *Machine) preferred(p, o *peer) int {
	yes := func(b, c bool) int {
		switch {
		case b == c:
			return 0
		case b:
			return -1
		}
		return 1
	}
	return cmp.Or(
		cmp.Compare(p.fails, o.fails),
		yes(p.more, o.more),
		yes(p.pass != nil, o.pass != nil),
		yes(p.outbound, o.outbound),
		-p.claim.Cmp(o.claim),
	)
}

func (m *Machine) askHeaders(p *peer) {
	p.asked, p.askedAt = m.nextReq(), m.now
	var locator []wire.Hash
	switch {
	case p.pass != nil:
		if last := p.pass.last(); last != p.pass.start.Tip.Hash {
			locator = append(locator, last)
		}
		locator = m.appendLocator(locator, p.pass.start.Tip)
	default:
		if p.more && p.from != m.best.Ref.Hash {
			locator = append(locator, p.from)
		}
		locator = m.appendLocator(locator, m.best.Ref)
	}
	m.do(AskHeaders{Peer: p.num, Req: p.asked, Locator: locator})
}

// appendLocator appends the hashes of ref, its last ancestors, others at distances
// that double, and genesis.
func (m *Machine) appendLocator(dst []wire.Hash, ref wire.BlockRef) []wire.Hash {
	height, step := int64(ref.Height), int64(1)
	for {
		hash, ok := m.view.Ancestor(ref.Hash, uint32(height))
		if !ok {
			return dst
		}
		dst = append(dst, hash)
		if height == 0 {
			return dst
		}
		if len(dst) > 10 {
			step *= 2
		}
		height = max(0, height-step)
	}
}

// headers takes in an answer.
func (m *Machine) headers(e Headers) {
	p := m.alive(e.Peer)
	if p == nil || p.asked != e.Req {
		return
	}
	p.asked = 0
	if len(e.Headers) > m.cfg.maxHeaders {
		m.penalise(p, 100, "more headers than an answer may have")
		return
	}
	hashes, ok := m.linked(p, e.Headers)
	if !ok {
		return
	}
	p.full = len(e.Headers) == m.cfg.maxHeaders
	if p.pass != nil {
		m.inPass(p, e.Headers, hashes)
		return
	}
	if len(e.Headers) == 0 {
		m.exhausted(p)
		return
	}
	parent, ok := m.view.Entry(e.Headers[0].PrevBlock)
	switch {
	case !ok:
		m.penalise(p, 100, "headers that follow nothing it was asked about")
		return
	case parent.Invalid:
		m.onInvalid(p)
		return
	}
	if last, ok := m.view.Entry(hashes[len(hashes)-1]); ok {
		if from, ok := m.view.Entry(p.from); ok && p.full && p.more && last.Work.Cmp(from.Work) <= 0 {
			m.retry(p) // it goes round in circles
			return
		}
		m.advance(p, last.Ref.Hash, false)
		return
	}
	work := parent.Work
	for i := range e.Headers {
		work = work.Add(workOf(&e.Headers[i]))
	}
	switch {
	case work.Cmp(m.enough()) >= 0:
		m.addHeaders(p, e.Headers, false)
	case p.full:
		m.beginPass(p, e.Headers, hashes)
	default:
		m.exhausted(p) // too little work to be looked at
	}
}

// linked checks what headers show by themselves: that each is the parent of the
// next one, and that each has done the work that it says.
func (m *Machine) linked(p *peer, hs []wire.Header) (hashes []wire.Hash, ok bool) {
	hashes = make([]wire.Hash, len(hs))
	for i := range hs {
		hashes[i] = hs[i].Hash()
		if i > 0 && hs[i].PrevBlock != hashes[i-1] {
			m.penalise(p, 100, "headers that do not follow each other")
			return nil, false
		}
		target, err := pow.Bits(hs[i].Bits).Target()
		if err != nil || target.Cmp(m.cfg.Params.PowLimit) > 0 || !target.Met(hashes[i]) {
			m.penalise(p, 100, "a header without its proof of work")
			return nil, false
		}
	}
	return hashes, true
}

func workOf(h *wire.Header) pow.Work {
	target, err := pow.Bits(h.Bits).Target()
	if err != nil {
		return pow.Work{}
	}
	return target.Work()
}

// enough is the work that a chain must have to be taken up: the minimum, and that
// of the active chain but for a day's worth of Bitcoin's blocks.
func (m *Machine) enough() pow.Work {
	tip := m.view.Tip()
	if target, err := tip.TipBits.Target(); err == nil {
		block := target.Work()
		for range 4 {
			block = block.Add(block)
		}
		day := block // 16 blocks' worth
		for range 3 {
			block = block.Add(block)
		}
		day = day.Add(block) // 144 blocks' worth
		if w := tip.Work.Sub(day); w.Cmp(m.cfg.MinimumWork) > 0 {
			return w
		}
	}
	return m.cfg.MinimumWork
}

// addHeaders hands headers on; told says that they came unasked.
func (m *Machine) addHeaders(p *peer, hs []wire.Header, told bool) {
	p.adding, p.told = true, told
	m.do(AddHeaders{Peer: p.num, Headers: hs})
}

// headersAdded goes on after the ledger has taken headers, or has not.
func (m *Machine) headersAdded(e HeadersAdded) {
	m.best = m.view.Best()
	for _, o := range m.order {
		if !o.ended {
			m.review(o) // what others have told of may be known now
		}
	}
	p := m.alive(e.Peer)
	if p == nil {
		return
	}
	told := p.told
	p.adding, p.told = false, false
	switch e.Verdict {
	case Good:
		p.fails = 0
		m.advance(p, e.Last, told)
	case TooNew:
		// Its clock or ours is wrong. The same headers may be good later.
		p.more, p.pass = false, nil
		p.retryAt = m.now.Add(time.Minute)
	case Invalid:
		m.penalise(p, 100, "an invalid header", e.Detail)
	case InvalidChain:
		m.onInvalid(p)
	default:
		m.retry(p)
	}
}

// advance notes that the tree has all that p has sent, up to last, or all that it
// has told of unasked.
func (m *Machine) advance(p *peer, last wire.Hash, told bool) {
	m.learn(p, last)
	if p.ended {
		return
	}
	if p.unknown == last {
		m.retry(p) // the ledger has not taken it after all
		return
	}
	if told {
		return
	}
	p.from = last
	if p.pass != nil {
		return
	}
	if p.more = p.full; !p.more {
		m.exhausted(p)
	}
}

// exhausted notes that p has no more headers than it has shown.
func (m *Machine) exhausted(p *peer) {
	p.more, p.pass = false, nil
	useless := false
	if !p.unknown.IsZero() {
		// It may have told of a block before its own chain ends there. If it does not
		// have it a few seconds later it never had it, or not any more.
		_, ok := m.view.Entry(p.unknown)
		if useless = !ok; ok || p.fails >= unknownFails {
			p.unknown = wire.Hash{}
		}
	}
	claim := p.claim
	p.claim = pow.Work{}
	if !claim.IsZero() && claim.Cmp(m.view.Best().Work) > 0 && (!p.known() || claim.Cmp(p.best.Work) > 0) {
		useless = true
		if p.outbound && !p.manual {
			m.drop(p, "its chain has less work than it says")
			return
		}
	}
	if useless {
		m.retry(p)
	} else {
		p.fails = 0
	}
}

// retry leaves p alone for a while that doubles each time, and gives it up after
// too many times.
func (m *Machine) retry(p *peer) {
	p.more, p.pass = false, nil
	p.fails++
	if p.fails >= maxFails {
		m.drop(p, "its headers are of no use")
		return
	}
	p.retryAt = m.now.Add(time.Second << min(p.fails-1, 6))
}

func (m *Machine) headersFailed(e HeadersFailed) {
	p := m.alive(e.Peer)
	if p == nil || p.asked != e.Req {
		return
	}
	p.asked = 0
	switch {
	case e.Why == Malformed:
		m.penalise(p, 100, "a malformed answer for headers")
	case e.Why == TimedOut && p.fails > 0:
		m.drop(p, "it did not answer for headers")
	default:
		keep, again := p.pass, p.more
		m.retry(p)
		if !p.ended {
			p.pass, p.more = keep, again // it goes on where it was
		}
	}
}

// announced deals with a header that came unasked.
func (m *Machine) announced(e Announced) {
	p := m.alive(e.Peer)
	if p == nil {
		return
	}
	hash := e.Header.Hash()
	if _, ok := m.view.Entry(hash); ok {
		m.learn(p, hash)
		return
	}
	if _, ok := m.linked(p, []wire.Header{e.Header}); !ok {
		return
	}
	if parent, ok := m.view.Entry(e.Header.PrevBlock); ok && p.asked == 0 && !p.adding && p.pass == nil {
		switch {
		case parent.Invalid:
			m.onInvalid(p)
			return
		case parent.Work.Add(workOf(&e.Header)).Cmp(m.enough()) >= 0:
			m.addHeaders(p, []wire.Header{e.Header}, true)
			return
		}
	}
	p.unknown = hash
}
