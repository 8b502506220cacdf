package chainsync

import (
	"errors"
	"time"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/wire"
)

// maxMarks bounds a first pass: at one hash in 2,000 headers it is a chain of
// 32,000,000 blocks in half a megabyte.
const maxMarks = 1 << 14

// pass is the state of a chain of headers whose work is not known to be enough.
// The first time they come, they are judged by consensus States alone and
// forgotten but for marks; the second time they must meet the marks and are kept.
type pass struct {
	began time.Time
	start consensus.State // at a header of the tree
	state consensus.State // at the last header of the first pass
	seen  int             // headers since start, in the pass under way
	marks []wire.Hash     // the header after every stride, and the last one
	total int             // headers up to the last mark, once the first pass is over

	second bool
	at     wire.Hash     // the last header of the second pass
	next   int           // the mark that it meets next
	held   []wire.Header // since the last mark
}

// last is the header that the pass goes on from.
func (s *pass) last() wire.Hash {
	if s.second {
		return s.at
	}
	return s.state.Tip.Hash
}

// beginPass starts the first pass with a full answer.
func (m *Machine) beginPass(p *peer, hs []wire.Header, hashes []wire.Hash) {
	start, ok := m.view.State(hs[0].PrevBlock)
	if !ok {
		m.retry(p)
		return
	}
	p.more = false
	p.pass = &pass{began: m.now, start: start, state: start}
	m.inPass(p, hs, hashes)
}

// inPass takes headers in that have been found to be linked.
func (m *Machine) inPass(p *peer, hs []wire.Header, hashes []wire.Hash) {
	s := p.pass
	if len(hs) > 0 && hs[0].PrevBlock != s.last() {
		m.retry(p) // its chain has changed under the pass
		return
	}
	if s.second {
		m.secondPass(p, hs, hashes)
	} else {
		m.firstPass(p, hs)
	}
}

func (m *Machine) firstPass(p *peer, hs []wire.Header) {
	s, enough := p.pass, m.enough()
	for i := range hs {
		if err := consensus.ValidateHeader(s.state, &hs[i], m.clock().Unix()); err != nil {
			if errors.Is(err, consensus.ErrTimeTooNew) {
				p.pass = nil
				p.retryAt = m.now.Add(time.Minute)
				return
			}
			m.penalise(p, 100, "an invalid header", err.Error())
			return
		}
		s.state = consensus.ApplyHeader(s.state, &hs[i])
		s.seen++
		done := s.state.Work.Cmp(enough) >= 0
		if done || s.seen%m.cfg.maxHeaders == 0 {
			s.marks = append(s.marks, s.state.Tip.Hash)
		}
		if done {
			s.total, s.seen = s.seen, 0
			s.second, s.at = true, s.start.Tip.Hash
			return
		}
	}
	switch {
	case len(s.marks) >= maxMarks:
		m.drop(p, "its chain is long and has hardly any work")
	case !p.full:
		m.exhausted(p)
	}
}

func (m *Machine) secondPass(p *peer, hs []wire.Header, hashes []wire.Hash) {
	s := p.pass
	until := min((s.next+1)*m.cfg.maxHeaders, s.total) // headers up to the next mark
	n := min(len(hs), until-s.seen)
	if n == 0 {
		m.drop(p, "it does not have headers that it has shown before")
		return
	}
	s.held = append(s.held, hs[:n]...)
	s.seen += n
	s.at = hashes[n-1]
	if s.seen < until {
		return // a short answer: it is asked for the rest
	}
	if s.at != s.marks[s.next] {
		m.drop(p, "other headers than it has shown before")
		return
	}
	held := s.held
	s.held = nil
	if s.next++; s.next == len(s.marks) {
		p.pass, p.full = nil, true // the rest of its chain is asked for as usual
	}
	m.addHeaders(p, held, false)
}
