package chainsync

import (
	"fmt"
	"time"
)

// Stage is what a node that catches up is doing.
type Stage uint8

// The stages.
const (
	Idle      Stage = iota // nothing is missing
	Presync                // headers are counted that are not kept yet
	InHeaders              // headers come
	InBlocks               // bodies come
)

func (s Stage) String() string { return [...]string{"up to date", "presync", "headers", "blocks"}[s] }

// Progress says how far a node has caught up.
type Progress struct {
	Stage   Stage
	Height  uint32        // of the tip; of the headers in the stages of headers
	Of      uint32        // where that ends, as far as is known
	Percent float64       // Height of Of
	Rate    float64       // blocks, or headers, a second, lately
	ETA     time.Duration // at that rate; 0: not known
	Peers   int           // that bodies are being fetched from
	Elapsed time.Duration // since the node fell behind

	InFlight int    // bodies that were asked for
	Stalls   uint64 // times that a peer was too slow, and others were asked instead
}

// String says it in one line: "blocks: height 120 of 255 (47.1 %), 33.2 blocks/s, 4s left".
func (p Progress) String() string {
	if p.Stage == Idle {
		return fmt.Sprintf("up to date at height %d after %v", p.Height, p.Elapsed.Round(100*time.Millisecond))
	}
	what := "headers"
	if p.Stage == InBlocks {
		what = "blocks"
	}
	s := fmt.Sprintf("%v: height %d of %d (%.1f %%)", p.Stage, p.Height, p.Of, p.Percent)
	if p.Rate > 0 {
		s += fmt.Sprintf(", %.1f %s/s", p.Rate, what)
	}
	if p.ETA > 0 {
		s += fmt.Sprintf(", %v left", p.ETA.Round(time.Second))
	}
	return s
}

// behindBy is how many bodies must be missing for a node to count as catching up.
const behindBy = 8

// progress is the part of a Machine that tells how it goes.
type progress struct {
	syncing  bool
	since    time.Time // when it fell behind
	from     uint32    // its tip then
	reported time.Time
	stage    Stage
	height   uint32 // at the last report
	rate     float64
	stalls   uint64
}

// Progress says how it goes at the time of the last Step.
func (m *Machine) Progress() Progress {
	p := Progress{Stage: Idle, Height: m.tip, Of: m.best.Ref.Height, Rate: m.rate}
	if m.syncing {
		p.Stage = InBlocks
	}
	p.Stalls = m.progress.stalls
	for _, o := range m.order {
		p.InFlight += len(o.inflight)
	}
	for _, o := range m.order {
		if len(o.inflight) > 0 {
			p.Peers++
		}
		if !m.syncing || o.ended {
			continue
		}
		if o.more {
			p.Stage, p.Height, p.Of = InHeaders, m.best.Ref.Height, max(m.best.Ref.Height, o.height)
			break
		}
		if o.pass != nil {
			p.Stage, p.Height, p.Of = Presync, o.pass.state.Tip.Height, max(o.pass.state.Tip.Height, o.height)
			break
		}
	}
	p.Percent = 100
	if p.Of > p.Height {
		p.Percent = 100 * float64(p.Height) / float64(p.Of)
	}
	if p.Stage != m.stage {
		p.Rate = 0
	}
	if p.Rate > 0 && p.Of > p.Height {
		p.ETA = time.Duration(float64(p.Of-p.Height) / p.Rate * float64(time.Second))
	}
	if m.syncing {
		p.Elapsed = m.now.Sub(m.since)
	}
	return p
}

// report tells of the progress, now and then.
func (m *Machine) report() {
	far := m.best.Ref.Height > m.tip+behindBy
	for _, p := range m.order {
		far = far || p.more || p.pass != nil
	}
	switch {
	case far && !m.syncing:
		m.syncing, m.since, m.reported, m.from = true, m.now, m.now, m.tip
		p := m.Progress()
		m.stage, m.height, m.rate = p.Stage, p.Height, 0
		m.do(Report{p})
	case !m.syncing:
	case !far && m.best.Ref.Height <= m.tip:
		p := m.Progress()
		p.Stage, p.Elapsed = Idle, m.now.Sub(m.since)
		m.syncing, m.stage = false, Idle
		if m.tip > m.from { // not after headers that have led to nothing
			m.do(Report{p})
		}
	case m.now.Sub(m.reported) >= m.cfg.Report:
		p := m.Progress()
		if p.Stage == m.stage && p.Height >= m.height {
			m.rate = float64(p.Height-m.height) / m.now.Sub(m.reported).Seconds()
			p = m.Progress()
		}
		m.stage, m.height, m.reported = p.Stage, p.Height, m.now
		m.do(Report{p})
	}
}
