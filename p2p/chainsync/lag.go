package chainsync

import (
	"time"

	"github.com/keelson-chain/keelson/pow"
)

// A peer that we chose and whose chain stays behind ours has a place that another
// one could use, and a node all of whose peers are like that sees nothing of the
// network. As in Bitcoin Core, such a peer has 20 minutes to show a chain as good as
// ours was, is then asked, and has two more minutes.
const (
	lagTime  = 20 * time.Minute
	lagGrace = 2 * time.Minute
	// maxKept is how many peers that have once been as far as we are stay in any
	// case, so that a chain of ours that nobody follows does not cost us all.
	maxKept = 4
)

// lag is what a peer has to catch up with.
type lag struct {
	until time.Time // zero: it is as far as we are
	work  pow.Work  // what it has to show until then
	asked bool
	kept  bool // it was as far as we are, and stays
}

// driveLags looks for peers that stay behind.
func (m *Machine) driveLags() {
	tip := m.view.Tip()
	kept := 0
	for _, p := range m.order {
		if p.lag.kept && !p.ended {
			kept++
		}
	}
	for _, p := range m.order {
		l := &p.lag
		switch {
		case p.ended, !p.outbound, p.manual, l.kept:
		case p.known() && p.best.Work.Cmp(tip.Work) >= 0:
			*l = lag{}
			if kept < maxKept {
				l.kept = true
				kept++
			}
		case l.until.IsZero(), p.known() && p.best.Work.Cmp(l.work) >= 0:
			// It has until then for what we have now, even if we go on meanwhile.
			*l = lag{until: m.now.Add(lagTime), work: tip.Work}
		case m.now.Before(l.until):
		case l.asked:
			m.drop(p, "its chain stays behind ours")
		case p.asked == 0 && !p.adding:
			l.asked, l.until = true, m.now.Add(lagGrace)
			m.probe(p)
		}
	}
}

// probe asks p for the headers from the one below our tip on, so that a peer that
// is as far as we are has one to answer with.
func (m *Machine) probe(p *peer) {
	ref := m.view.Tip().Tip
	if ref.Height > 0 {
		ref.Height--
		ref.Hash, _ = m.view.Ancestor(ref.Hash, ref.Height)
	}
	p.asked, p.askedAt = m.nextReq(), m.now
	m.do(AskHeaders{Peer: p.num, Req: p.asked, Locator: m.appendLocator(nil, ref)})
}
