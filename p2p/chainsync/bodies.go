package chainsync

import (
	"maps"
	"slices"
	"time"

	"github.com/keelson-chain/keelson/wire"
)

const (
	// firstLimit is how many bodies a peer has in flight before its pace is known.
	firstLimit = 4
	// holds is how long the bodies that a peer has in flight may take it.
	holds = 2 * time.Second
	// minStall and maxStall are the bounds of how long a peer may hold up the rest
	// without delivering.
	minStall, maxStall = 2 * time.Second, 64 * time.Second
	// rest is how long a peer that has stalled is left alone.
	rest = 30 * time.Second
	// maxStalls is the stall without a delivery in between that ends a peer.
	maxStalls = 2
	// again is when a peer is asked again for a body that it did not have.
	again = 5 * time.Second
	// maxOpen is how many requests for bodies a peer has open.
	maxOpen = 3
)

// body is a missing body that something is known of.
type body struct {
	ref     wire.BlockRef
	peer    *peer // who was asked for it, nil: nobody
	req     uint64
	askedAt time.Time
	got     bool // it has come, and is with the ledger
	size    int
	notFor  time.Time // it is not asked for before
	lackers []lack    // peers that do not have it
}

// lack is a peer that does not have a body, which may change.
type lack struct {
	peer  int64
	until time.Time // not asked before
}

// lacks returns until when p is not to be asked for b; the past if it is.
func (b *body) lacks(p *peer) (until time.Time) {
	for _, l := range b.lackers {
		if l.peer == p.num {
			until = l.until
		}
	}
	return until
}

// path is the missing bodies of one chain.
type path struct {
	end     wire.Hash
	refs    []wire.BlockRef
	cursor  int // no body below is to be asked for
	through uint32
}

// bodies is the part of a Machine that has bodies fetched.
type bodies struct {
	best  Entry // of the tree, as of the last look
	main  path  // to best
	other map[wire.Hash]*path
	known map[wire.Hash]*body
	most  int // how large known may become before forget looks through it

	waiting int // bytes that have come and are not judged
	flying  int // bodies that were asked for
	size    int // of a body, on the average
	tip     uint32
	stall   time.Duration
	// open: something is to be asked for that cannot be asked for now.
	open         bool
	patientUntil time.Time // the earliest moment at which that changes
}

func (b *bodies) init() {
	b.known, b.most = make(map[wire.Hash]*body), 2*Window
	b.other = make(map[wire.Hash]*path)
	b.stall = minStall
}

// driveBodies re-assigns what is stalled and asks for what is missing.
func (m *Machine) driveBodies() {
	m.best = m.view.Best()
	m.open, m.patientUntil = false, time.Time{}
	tip := m.view.Tip()
	m.tip = tip.Tip.Height
	if m.main.end != m.best.Ref.Hash {
		m.main = path{end: m.best.Ref.Hash}
	}
	m.extend(&m.main, m.best.Ref.Height)
	m.checkStalls()
	m.forget()

	for _, p := range m.byPace() {
		if !m.hasRoom(p) {
			continue
		}
		m.ask(p, m.pick(p, &m.main, m.sharedWith(p)))
		if !p.ended && p.best.Work.Cmp(tip.Work) > 0 && m.sharedWith(p) < p.best.Ref.Height && m.hasRoom(p) {
			// It has a chain of its own that is better than the active one. The
			// best header's may be one that nobody has the bodies of.
			own := m.other[p.best.Ref.Hash]
			if own == nil {
				own = &path{end: p.best.Ref.Hash}
				m.other[own.end] = own
			}
			m.extend(own, p.best.Ref.Height)
			m.ask(p, m.pick(p, own, p.best.Ref.Height))
		}
	}
}

// extend looks for missing bodies anew if fewer than half a window of them are
// known and more may be.
func (m *Machine) extend(t *path, height uint32) {
	for t.cursor < len(t.refs) && m.settled(t.refs[t.cursor].Hash) {
		t.cursor++
	}
	end := min(height, m.tip+Window)
	if end <= t.through && len(t.refs) > 0 || len(t.refs)-t.cursor > Window/2 && end-t.through < Window/4 {
		return
	}
	refs := m.view.Missing(t.end, Window)
	if i := slices.IndexFunc(refs, func(r wire.BlockRef) bool { return r.Height > end }); i >= 0 {
		refs = refs[:i]
	}
	t.refs, t.cursor, t.through = refs, 0, end
}

// settled reports whether nothing need be asked for.
func (m *Machine) settled(hash wire.Hash) bool {
	e, ok := m.view.Entry(hash)
	return !ok || e.Body || e.Invalid
}

// tipMoved notes that the active chain has changed.
func (m *Machine) tipMoved() {
	tip := m.view.Tip().Tip
	if tip.Height > m.tip {
		m.stall = max(minStall, m.stall*85/100)
	}
	if tip.Height < m.tip {
		m.main, m.other = path{}, make(map[wire.Hash]*path)
	}
}

// usable reports whether p may be asked for bodies at all.
func (m *Machine) usable(p *peer) bool {
	return !p.ended && p.known() && !m.now.Before(p.bodiesAt)
}

// resting reports whether p has stalled lately, or owes headers for long.
func (m *Machine) resting(p *peer) bool {
	return m.now.Before(p.restUntil) || p.asked != 0 && m.now.Sub(p.askedAt) >= slowHeaders
}

// hasRoom reports whether p is to be asked for more. It is asked for several
// bodies at once, so it waits until half of what it may have is free.
func (m *Machine) hasRoom(p *peer) bool {
	return m.usable(p) && (len(p.inflight) == 0 || len(p.inflight) <= p.limit/2 && p.openRequests() < maxOpen)
}

// byPace returns the peers, the fastest first, those that rest last.
func (m *Machine) byPace() []*peer {
	list := make([]*peer, 0, len(m.order))
	for _, p := range m.order {
		if m.usable(p) {
			list = append(list, p)
		}
	}
	slices.SortStableFunc(list, func(a, b *peer) int {
		if x, y := m.resting(a), m.resting(b); x != y {
			if x {
				return 1
			}
			return -1
		}
		return b.limit - a.limit
	})
	return list
}

// pick returns what p is to be asked for of a path, all of whose blocks up to
// height p has.
func (m *Machine) pick(p *peer, t *path, height uint32) []*body {
	var picked []*body
	room := p.limit - len(p.inflight)
	head := true // nothing lower is missing
	for i := t.cursor; i < len(t.refs) && len(picked) < room; i++ {
		ref := t.refs[i]
		if ref.Height > height {
			break
		}
		b := m.known[ref.Hash]
		idle := b == nil || b.peer == nil && !b.got
		if !idle {
			if b.peer != nil {
				head = false
			}
			continue
		}
		if m.settled(ref.Hash) {
			continue
		}
		if b == nil {
			b = &body{ref: ref}
			m.known[ref.Hash] = b
		}
		m.open = true
		until := b.lacks(p)
		switch {
		case m.now.Before(b.notFor):
			m.waitFor(b.notFor)
		case ref.Height < p.above:
		case m.now.Before(until):
			m.waitFor(until)
		case m.resting(p) && m.othersHave(p, ref):
		case !head && m.waiting+(m.flying+len(picked)+1)*m.size > m.cfg.MaxBytes:
			return picked
		default:
			picked = append(picked, b)
		}
		head = false
	}
	return picked
}

// waitFor notes that something can be asked for at a time.
func (m *Machine) waitFor(at time.Time) {
	if m.patientUntil.IsZero() || at.Before(m.patientUntil) {
		m.patientUntil = at
	}
}

// othersHave reports whether a peer that does not rest has the block.
func (m *Machine) othersHave(p *peer, ref wire.BlockRef) bool {
	for _, o := range m.order {
		if o != p && m.usable(o) && !m.resting(o) && m.has(o, ref) {
			return true
		}
	}
	return false
}

// has reports whether o has the block, as far as is known.
func (m *Machine) has(o *peer, ref wire.BlockRef) bool {
	if ref.Height > o.best.Ref.Height || ref.Height < o.above {
		return false
	}
	if b := m.known[ref.Hash]; b != nil && m.now.Before(b.lacks(o)) {
		return false
	}
	hash, ok := m.view.Ancestor(o.best.Ref.Hash, ref.Height)
	return ok && hash == ref.Hash
}

// ask asks p for bodies.
func (m *Machine) ask(p *peer, list []*body) {
	if len(list) == 0 {
		return
	}
	a := AskBlocks{Peer: p.num, Req: m.nextReq()}
	if len(p.inflight) == 0 {
		p.askedLast = m.now
	}
	for _, b := range list {
		b.peer, b.req, b.askedAt = p, a.Req, m.now
		p.inflight = append(p.inflight, b)
		a.Blocks = append(a.Blocks, b.ref)
	}
	m.flying += len(list)
	m.do(a)
}

// free takes b out of p's flight.
func (m *Machine) free(b *body) {
	p := b.peer
	if p == nil {
		return
	}
	p.inflight = slices.DeleteFunc(p.inflight, func(o *body) bool { return o == b })
	b.peer, b.req = nil, 0
	m.flying--
}

// release frees all that p has in flight; cancel ends its requests too.
func (m *Machine) release(p *peer, cancel bool) {
	var reqs []uint64
	for len(p.inflight) > 0 {
		b := p.inflight[0]
		if !slices.Contains(reqs, b.req) {
			reqs = append(reqs, b.req)
		}
		m.free(b)
	}
	if cancel {
		for _, r := range reqs {
			m.do(Cancel{Peer: p.num, Req: r})
		}
	}
}

// block notes that a body has come.
func (m *Machine) block(e Block) {
	b := m.known[e.Hash]
	if b == nil || b.got {
		return
	}
	p := m.peers[e.Peer]
	if p != nil && b.peer == p {
		m.measure(p, b)
	}
	m.free(b)
	b.got, b.size = true, e.Size
	m.waiting += e.Size
	if m.size == 0 {
		m.size = e.Size
	}
	m.size += (e.Size - m.size) / 8
}

// measure notes how fast p is.
func (m *Machine) measure(p *peer, b *body) {
	took := m.now.Sub(b.askedAt)
	if since := m.now.Sub(p.moved); since < took {
		took = since
	}
	if p.pace == 0 {
		p.pace = took
	}
	p.pace += (took - p.pace) / 4
	p.limit = MaxBlocks
	if p.pace > 0 {
		p.limit = int(min(MaxBlocks, max(1, holds/p.pace)))
	}
	p.moved, p.stalls, p.breaks = m.now, 0, 0
	p.restUntil = time.Time{}
}

func (m *Machine) notHere(e NotHere) {
	p := m.alive(e.Peer)
	b := m.known[e.Hash]
	if p == nil || b == nil || b.peer != p || b.req != e.Req {
		return
	}
	m.free(b)
	top := max(p.height, p.best.Ref.Height) // not all of its headers may be here yet
	if kept := top - min(top, keeps-1); b.ref.Height < kept {
		// Bodies are deleted from below: nothing lower is there, either. Where it
		// begins is found in a few steps.
		p.above = max(p.above, b.ref.Height+(kept-b.ref.Height+1)/2)
		return
	}
	b.lackers = slices.DeleteFunc(b.lackers, func(l lack) bool { return !m.now.Before(l.until) })
	b.lackers = append(b.lackers, lack{p.num, m.now.Add(again)})
	m.broke(p, "it does not have the blocks of its chain")
}

// broke notes that p did not deliver what it should have.
func (m *Machine) broke(p *peer, how string) {
	if p.breaks++; p.breaks >= maxFails {
		m.drop(p, how)
	}
}

// keeps is how many bodies at the end of its chain every node has.
const keeps = 288

// blocksDone notes that a request is over.
func (m *Machine) blocksDone(e BlocksDone) {
	p := m.alive(e.Peer)
	if p == nil {
		return
	}
	left := false
	for i := 0; i < len(p.inflight); {
		if b := p.inflight[i]; b.req == e.Req {
			m.free(b)
			left = true
			continue
		}
		i++
	}
	switch {
	case e.Why == Malformed:
		m.penalise(p, 100, "a malformed answer for blocks")
	case !left:
	case e.Why == TimedOut:
		m.stalled(p)
	default:
		p.bodiesAt = m.now.Add(time.Second << min(p.breaks, 6))
		m.broke(p, "its answers for blocks break off")
	}
}

// judged notes what the ledger thinks of a body.
func (m *Machine) judged(e Judged) {
	if b := m.known[e.Hash]; b != nil && b.got {
		m.waiting -= b.size
		delete(m.known, e.Hash)
	}
	p := m.alive(e.Peer)
	switch e.Verdict {
	case Mutated:
		if p != nil {
			m.penalise(p, 100, "a block whose body is not the one that its header names", e.Detail)
		}
		m.rewind(e.Hash)
	case Invalid:
		if p != nil {
			m.penalise(p, 100, "an invalid block", e.Detail)
		}
		m.chainChanged()
		m.other = make(map[wire.Hash]*path)
		m.main = path{}
	case InvalidChain:
		m.chainChanged()
	case Unconnected, TooNew:
		m.rewind(e.Hash)
	}
}

// rewind has a body asked for again.
func (m *Machine) rewind(hash wire.Hash) {
	for _, t := range m.paths() {
		if i := slices.IndexFunc(t.refs, func(r wire.BlockRef) bool { return r.Hash == hash }); i >= 0 {
			t.cursor = min(t.cursor, i)
		}
	}
}

func (m *Machine) paths() []*path {
	all := []*path{&m.main}
	for _, t := range m.other {
		all = append(all, t)
	}
	return all
}

// expected puts a body off that comes by other means, or calls it in.
func (m *Machine) expected(e Expected) {
	b := m.known[e.Hash]
	if b == nil {
		entry, ok := m.view.Entry(e.Hash)
		if !ok || entry.Body || entry.Invalid {
			return
		}
		b = &body{ref: entry.Ref}
		m.known[e.Hash] = b
	}
	b.notFor = e.Until
}

// forget lets go of what has come by other means or is not wanted any more. It is
// called at every step: what it looks through must have grown since it did so last, or
// who tells of many branches would make each step as long as they are many.
func (m *Machine) forget() {
	if len(m.other) > 0 {
		wanted := make(map[wire.Hash]bool, len(m.order))
		for _, p := range m.order {
			wanted[p.best.Ref.Hash] = wanted[p.best.Ref.Hash] || !p.ended
		}
		maps.DeleteFunc(m.other, func(hash wire.Hash, _ *path) bool { return !wanted[hash] })
	}
	if len(m.known) > m.most {
		maps.DeleteFunc(m.known, func(hash wire.Hash, b *body) bool {
			return b.peer == nil && !b.got && (m.settled(hash) || b.ref.Height+Window < m.tip)
		})
		m.most = 2 * max(Window, len(m.known))
	}
}

// checkStalls looks for who holds up the rest.
func (m *Machine) checkStalls() {
	for _, p := range m.order {
		if !p.ended && len(p.inflight) > 0 && m.now.Sub(p.lastMove()) >= maxStall {
			m.drop(p, "no block came from it for a minute")
		}
	}
	for _, t := range m.paths() {
		b := m.head(t)
		if b != nil && b.peer != nil && m.now.Sub(b.peer.lastMove()) >= m.stall && m.othersHave(b.peer, b.ref) {
			m.stalled(b.peer)
		}
	}
}

// head returns the lowest missing body of a path, if anything is known of it.
func (m *Machine) head(t *path) *body {
	for _, ref := range t.refs[t.cursor:] {
		b := m.known[ref.Hash]
		if b != nil && b.got || m.settled(ref.Hash) {
			continue
		}
		return b
	}
	return nil
}

// stalled takes from p all that it has in flight, and leaves it alone.
func (m *Machine) stalled(p *peer) {
	m.progress.stalls++
	m.stall = min(2*m.stall, maxStall)
	m.release(p, true)
	p.stalls++
	p.limit = 1
	p.restUntil = m.now.Add(rest)
	if p.stalls >= maxStalls {
		m.drop(p, "it does not deliver the blocks that it has")
	}
}
