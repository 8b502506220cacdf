package chainsync

import (
	"slices"
	"time"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/pow"
	"github.com/keelson-chain/keelson/wire"
)

const (
	// MaxHeaders is how many headers an answer has at most; one that has fewer is
	// the end of the peer's chain.
	MaxHeaders = 2000
	// MaxBlocks is how many bodies are asked of one peer at a time at most.
	MaxBlocks = 16
	// Window is how far above the tip bodies are asked for.
	Window = 1024

	// DefaultMaxBytes bounds the bodies that have come and are not judged yet.
	DefaultMaxBytes = 64 << 20
	// DefaultReport is how often progress is told.
	DefaultReport = 10 * time.Second
)

// Config is what a Machine is told once. Zero means the default.
type Config struct {
	Params *consensus.Params
	// MinimumWork is the work that a chain must have to be taken up, if it is
	// more than the network's own.
	MinimumWork pow.Work
	// MaxBytes: see DefaultMaxBytes. The lowest missing body is always asked for.
	MaxBytes int
	// Clock is what headers are judged by; nil: the time of the Step.
	Clock func() time.Time
	// Report: see DefaultReport.
	Report time.Duration

	maxHeaders int // tests have shorter answers
}

// Machine is the state of the synchronisation with all peers.
type Machine struct {
	cfg  Config
	view View
	now  time.Time
	out  []Action
	req  uint64 // the last that was given out

	peers map[int64]*peer
	order []*peer // by number, so that the same events give the same actions

	bodies
	progress
}

// New returns a Machine without peers. It reads the chain through v.
func New(cfg Config, v View) *Machine {
	if cfg.MinimumWork.Cmp(cfg.Params.MinimumChainWork) < 0 {
		cfg.MinimumWork = cfg.Params.MinimumChainWork
	}
	if cfg.MaxBytes == 0 {
		cfg.MaxBytes = DefaultMaxBytes
	}
	if cfg.Report == 0 {
		cfg.Report = DefaultReport
	}
	if cfg.maxHeaders == 0 {
		cfg.maxHeaders = MaxHeaders
	}
	m := &Machine{cfg: cfg, view: v, peers: make(map[int64]*peer)}
	m.bodies.init()
	return m
}

// Step takes in what has happened and returns what is to be done, in order.
// now must not go back. The actions are the caller's to keep.
func (m *Machine) Step(now time.Time, e Event) []Action {
	m.now, m.out = now, nil
	switch e := e.(type) {
	case Connected:
		m.connected(e)
	case Gone:
		m.gone(e.Peer)
	case Headers:
		m.headers(e)
	case HeadersFailed:
		m.headersFailed(e)
	case HeadersAdded:
		m.headersAdded(e)
	case Announced:
		m.announced(e)
	case Block:
		m.block(e)
	case NotHere:
		m.notHere(e)
	case BlocksDone:
		m.blocksDone(e)
	case Judged:
		m.judged(e)
	case Expected:
		m.expected(e)
	case ChainChanged:
		m.chainChanged()
	case Tick:
	}
	m.driveHeaders()
	m.driveLags()
	m.driveBodies()
	m.report()
	return m.out
}

func (m *Machine) do(a Action) { m.out = append(m.out, a) }

func (m *Machine) nextReq() uint64 {
	m.req++
	return m.req
}

// clock returns the time that headers are judged by.
func (m *Machine) clock() time.Time {
	if m.cfg.Clock != nil {
		return m.cfg.Clock()
	}
	return m.now
}

// alive returns a peer that is known and not being got rid of, or nil.
func (m *Machine) alive(num int64) *peer {
	if p := m.peers[num]; p != nil && !p.ended {
		return p
	}
	return nil
}

func (m *Machine) connected(e Connected) {
	if m.peers[e.Peer] != nil {
		return
	}
	p := &peer{
		num: e.Peer, outbound: e.Outbound, manual: e.Manual,
		height: e.Height, claim: e.Work, limit: firstLimit,
	}
	m.peers[p.num] = p
	at, _ := slices.BinarySearchFunc(m.order, p.num, func(o *peer, n int64) int { return int(o.num - n) })
	m.order = slices.Insert(m.order, at, p)
	m.learn(p, e.Tip)
}

func (m *Machine) gone(num int64) {
	p := m.peers[num]
	if p == nil {
		return
	}
	m.release(p, false)
	delete(m.peers, num)
	m.order = slices.DeleteFunc(m.order, func(o *peer) bool { return o == p })
}

// penalise blames p; at 100 points nothing more is expected of it.
func (m *Machine) penalise(p *peer, points int, reason string, detail ...string) {
	for _, d := range detail {
		if d != "" {
			reason += ": " + d
		}
	}
	m.do(Penalise{Peer: p.num, Points: points, Reason: reason})
	if points >= 100 {
		m.end(p)
	}
}

// drop gets rid of p.
func (m *Machine) drop(p *peer, reason string) {
	m.do(Disconnect{Peer: p.num, Reason: reason})
	m.end(p)
}

// end expects nothing more of p, which will be gone soon.
func (m *Machine) end(p *peer) {
	p.ended = true
	if p.asked != 0 {
		m.do(Cancel{Peer: p.num, Req: p.asked})
		p.asked = 0
	}
	p.pass, p.unknown, p.more, p.claim = nil, wire.Hash{}, false, pow.Work{}
	m.release(p, true)
}

// chainChanged looks again at what the peers have: blocks that they told of may
// be known by now, or known to be invalid.
func (m *Machine) chainChanged() {
	for _, p := range m.order {
		if !p.ended {
			m.review(p)
		}
	}
	m.tipMoved()
}

// Wake returns when the next Tick is due at the latest; the zero time if there
// is nothing that time alone would change.
func (m *Machine) Wake() time.Time {
	var at time.Time
	sooner := func(t time.Time) {
		if t.After(m.now) && (at.IsZero() || t.Before(at)) {
			at = t
		}
	}
	for _, p := range m.order {
		switch {
		case p.ended:
			continue
		case p.asked != 0:
			sooner(p.askedAt.Add(slowHeaders))
			sooner(p.askedAt.Add(headersTimeout))
		case p.wants(m.best.Work):
			sooner(p.retryAt)
		}
		sooner(p.lag.until)
		if p.pass != nil {
			sooner(p.pass.began.Add(longPass))
		}
		if len(p.inflight) > 0 {
			sooner(p.lastMove().Add(m.stall))
			sooner(p.lastMove().Add(maxStall))
		}
		if m.open || m.flying > 0 {
			sooner(p.restUntil)
			sooner(p.bodiesAt)
		}
	}
	if m.open {
		sooner(m.patientUntil)
	}
	if m.syncing {
		sooner(m.reported.Add(m.cfg.Report))
	}
	return at
}
