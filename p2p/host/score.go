package host

import (
	"fmt"
	"time"

	"github.com/keelson-chain/keelson/p2p/addrbook"
)

const (
	// BanScore is at how many points a peer is banned, and so what anything costs that no
	// honest peer does.
	BanScore = 100
	// scoreDecay is in what time a point is forgotten.
	scoreDecay = time.Minute
	// maxScores bounds how many culprits are remembered.
	maxScores = 4096
)

// score is what somebody has on the account.
type score struct {
	points float64
	at     time.Time // when points was right
}

func (s *score) decay(now time.Time) {
	s.points = max(0, s.points-now.Sub(s.at).Seconds()/scoreDecay.Seconds())
	s.at = now
}

// Penalise counts bad behaviour of the peer: with 100 points it is disconnected
// and banned, the latter also when it has left already. A point is forgotten every
// minute; leaving and coming back does not help. Peers that the whitelist protects
// (NoBan) are only disconnected.
func (p *Peer) Penalise(points int, reason string) {
	p.host.counts.penalties.Add(1)
	total := p.host.penalise(p, points)
	p.log().Debug().Int("points", points).Int("score", total).Str("reason", reason).Msg("peer misbehaves")
	if total < BanScore {
		return
	}
	gone := p.ctx.Err() != nil
	protected := p.Whitelisted(NoBan)
	p.outcast.Store(!protected) // for logEnd to say
	p.cancel(fmt.Errorf("misbehaves: %s", reason))
	if !protected && p.host.banPeer(p) && gone {
		p.log().Warn().Str("reason", reason).Stringer("for", p.host.cfg.BanTime).Msg("peer banned after it had left")
	}
}

// Score returns the points that the peer has at the moment.
func (p *Peer) Score() int {
	h := p.host
	h.mu.Lock()
	defer h.mu.Unlock()
	s, ok := h.scores[p.culprit()]
	if !ok {
		return 0
	}
	s.decay(time.Now())
	return int(s.points)
}

// culprit is whom points are given to: the address where it costs something to
// have another one, and the peer id elsewhere.
func (p *Peer) culprit() string {
	if p.addr.IsValid() && !local(p.addr) {
		return addrbook.HostTarget(p.addr).String()
	}
	return p.ID()
}

func (h *Host) penalise(p *Peer, points int) int {
	now := time.Now()
	h.mu.Lock()
	defer h.mu.Unlock()
	who := p.culprit()
	s, ok := h.scores[who]
	if !ok {
		if len(h.scores) >= maxScores {
			h.forgetScores(now)
		}
		s = &score{at: now}
		h.scores[who] = s
	}
	s.decay(now)
	s.points += float64(points)
	total := int(s.points)
	if total >= BanScore {
		delete(h.scores, who) // the ban stands for it
	}
	return total
}

// ClearScores forgets how everybody has behaved. Bans stay.
func (h *Host) ClearScores() {
	h.mu.Lock()
	defer h.mu.Unlock()
	clear(h.scores)
}

// forgetScores drops those that have decayed, and the others if that is not
// enough: they are worth less than memory.
func (h *Host) forgetScores(now time.Time) {
	for who, s := range h.scores {
		if s.decay(now); s.points == 0 {
			delete(h.scores, who)
		}
	}
	if len(h.scores) >= maxScores {
		clear(h.scores)
	}
}
