package chainsync

import (
	"time"

	"github.com/keelson-chain/keelson/pow"
	"github.com/keelson-chain/keelson/wire"
)

// peer is what is known of one peer.
type peer struct {
	num              int64
	outbound, manual bool
	ended            bool // it was penalised or disconnected: nothing more is expected

	// Its chain. claim and height are what it said when it connected; claim is
	// zero once it has been shown, or has not.
	claim   pow.Work
	height  uint32
	best    Entry     // the best block of the tree that it has; no hash: none is known
	shared  uint32    // up to where best and the tree's best header have one chain
	against wire.Hash // that best header
	unknown wire.Hash // a block that it told of and that is not in the tree

	lag lag

	// Headers.
	asked   uint64 // the open request, 0 for none
	askedAt time.Time
	full    bool      // its last answer was, so that more will follow
	adding  bool      // headers of it are with the ledger
	told    bool      // they came unasked
	more    bool      // it has more headers
	from    wire.Hash // the last header that it has sent, while there are more
	retryAt time.Time // not asked before
	fails   int       // answers in a row that did not come or were of no use
	pass    *pass     // of a chain whose work is not known yet

	// Bodies.
	inflight  []*body
	limit     int           // how many it may have in flight
	pace      time.Duration // what a body takes, on the average
	moved     time.Time     // when the last body came
	askedLast time.Time     // when it was asked last while it had none in flight
	stalls    int           // since it last delivered
	restUntil time.Time     // not asked before, unless there is nobody else
	breaks    int           // answers that lacked bodies, since it last delivered
	bodiesAt  time.Time     // not asked before, whoever else there is
	above     uint32        // bodies below are not there (it has pruned them)
}

// known reports whether some block of the tree is known to be p's.
func (p *peer) known() bool { return !p.best.Ref.Hash.IsZero() }

// wants reports whether p may have headers that we do not have; best is the work
// of our best header.
func (p *peer) wants(best pow.Work) bool {
	return p.more || p.pass != nil || !p.unknown.IsZero() || p.claim.Cmp(best) > 0
}

// lastMove returns since when p owes something, if anything is in flight.
func (p *peer) lastMove() time.Time {
	if p.moved.After(p.askedLast) {
		return p.moved
	}
	return p.askedLast
}

// openRequests counts the requests that p's bodies in flight belong to.
func (p *peer) openRequests() int {
	n := 0
	for i, b := range p.inflight { // those of a request stand together
		if i == 0 || b.req != p.inflight[i-1].req {
			n++
		}
	}
	return n
}

// learn notes that p has the block named hash.
func (m *Machine) learn(p *peer, hash wire.Hash) {
	e, ok := m.view.Entry(hash)
	switch {
	case !ok:
		p.unknown = hash
	case e.Invalid:
		m.onInvalid(p)
	case !p.known() || e.Work.Cmp(p.best.Work) > 0:
		p.best, p.against = e, wire.Hash{}
		if p.claim.Cmp(e.Work) <= 0 {
			p.claim = pow.Work{} // shown
		}
	}
}

// review looks again at what is known of p's chain.
func (m *Machine) review(p *peer) {
	if !p.unknown.IsZero() {
		if _, ok := m.view.Entry(p.unknown); ok {
			hash := p.unknown
			p.unknown = wire.Hash{}
			m.learn(p, hash)
		}
	}
	if p.ended || !p.known() {
		return
	}
	if e, ok := m.view.Entry(p.best.Ref.Hash); !ok || e.Invalid {
		p.best = Entry{}
		m.onInvalid(p)
	}
}

// onInvalid deals with a peer whose chain is known to be invalid. It may know
// less than we do, or have been told otherwise by its operator, so it is not
// blamed; but a place that we chose for it goes to another one.
func (m *Machine) onInvalid(p *peer) {
	p.more, p.pass, p.claim, p.unknown = false, nil, pow.Work{}, wire.Hash{}
	if p.outbound && !p.manual {
		m.drop(p, "it follows an invalid chain")
	}
}

// sharedWith returns up to where p's chain is that of the tree's best header.
func (m *Machine) sharedWith(p *peer) uint32 {
	if p.against != m.best.Ref.Hash {
		p.against = m.best.Ref.Hash
		p.shared = m.fork(p.best.Ref, m.best.Ref)
	}
	return p.shared
}

// fork returns the height of the last block that the chains up to a and b have
// in common. Genesis is.
func (m *Machine) fork(a, b wire.BlockRef) uint32 {
	same := func(h uint32) bool {
		x, ok := m.view.Ancestor(a.Hash, h)
		y, ok2 := m.view.Ancestor(b.Hash, h)
		return ok && ok2 && x == y
	}
	low, high := uint32(0), min(a.Height, b.Height)
	if same(high) {
		return high
	}
	for low+1 < high { // same(low), not same(high)
		if mid := low + (high-low)/2; same(mid) {
			low = mid
		} else {
			high = mid
		}
	}
	return low
}

// Status is what is known of the synchronisation with one peer, for people. A
// height of -1 is not known.
type Status struct {
	Presynced int64    // of the headers of a first pass
	Headers   int64    // of the last header in common
	Blocks    int64    // of the last block of the active chain in common
	InFlight  []uint32 // heights of the bodies asked of it
}

// Status returns the zero Status with heights of -1 for a peer that is not known.
func (m *Machine) Status(num int64) Status {
	s := Status{Presynced: -1, Headers: -1, Blocks: -1}
	p := m.peers[num]
	if p == nil {
		return s
	}
	if p.pass != nil {
		s.Presynced = int64(p.pass.state.Tip.Height)
	}
	if p.known() {
		s.Headers = int64(p.best.Ref.Height)
		s.Blocks = int64(m.fork(p.best.Ref, m.view.Tip().Tip))
	}
	for _, b := range p.inflight {
		s.InFlight = append(s.InFlight, b.ref.Height)
	}
	return s
}
