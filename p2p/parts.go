package p2p

import (
	"math/rand/v2"
	"time"

	"github.com/keelson-chain/keelson/p2p/host"
	"github.com/keelson-chain/keelson/p2p/message"
)

// wholePush is up to what size a compact block is pushed in one message. A larger
// one goes in parts: a connection that has been idle takes several round trips to
// get up to speed, and in parts that time passes once, not once for each node on
// the way.
const wholePush = 2 * message.PartSize

// assembly is a compact block that comes in parts, from any of the peers that have
// sent its Head. It is guarded by relay.mu.
type assembly struct {
	head    *message.Head
	set     message.SetID
	from    *host.Peer // who sent the Head first
	senders map[int64]bool
	parts   []*message.Part // nil: missing
	left    int
	order   []int        // of arrival
	targets []*host.Peer // to whom each part goes on as it comes
}

// head is called when a peer begins to push a compact block in parts.
func (r *relay) head(p *host.Peer, m *message.Head) {
	r.stats.compact.Add(1)
	in, _ := r.meet(p, &m.Header, func(in *incoming) {
		r.announced(in, p, true)
		r.begins(in, p, m)
	})
	if in == nil {
		r.stats.duplicate.Add(1)
	}
}

// begins notes that a peer has sent the Head of a block that is being chased. The
// lock is held.
func (r *relay) begins(in *incoming, p *host.Peer, m *message.Head) {
	a := in.assembly
	switch {
	case in.chase == nil || in.body != nil || len(in.compacts) > 0:
		r.stats.duplicate.Add(1)
		return
	case a == nil:
		a = &assembly{
			head: m, set: m.ID(), from: p, senders: map[int64]bool{},
			parts: make([]*message.Part, len(m.Sums)), left: len(m.Sums),
		}
		in.assembly = a
		r.sets[a.set] = in
	default:
		r.stats.duplicate.Add(1)
		if a.set != m.ID() {
			return // one at a time; if that fails there are other ways
		}
	}
	a.senders[p.Num()] = true
	if r.links.trusted(p.Num()) {
		r.passParts(in, a)
	}
}

// passParts passes on the Head of an assembly, what has come of it, and from now on
// each part as it comes. The caller holds the lock: nothing that is sent later may
// overtake what is sent here.
func (r *relay) passParts(in *incoming, a *assembly) {
	if in.passing || !in.onTip {
		return
	}
	in.passing = true
	push := map[int64]bool{}
	for _, num := range r.links.targets(false) {
		if !in.has[num] {
			push[num] = true
			a.targets = append(a.targets, r.peers[num])
		}
	}
	for _, p := range a.targets {
		p.Send(a.head)
		for _, i := range a.order {
			p.Send(a.parts[i])
		}
	}
	r.passedOn(in, push)
}

// passedOn announces a block to those who do not have it and are not pushed it.
// The caller holds the lock.
func (r *relay) passedOn(in *incoming, push map[int64]bool) {
	have := &message.Have{Header: in.header}
	for num, p := range r.peers {
		if !in.has[num] && !push[num] {
			p.Send(have)
		}
	}
	r.stats.relay.Observe(time.Since(in.first))
}

// part is called when a peer sends a part of a compact block.
func (r *relay) part(p *host.Peer, m *message.Part) {
	if !r.takePart(p, m) {
		p.Penalise(host.BanScore, "sent a part of a compact block other than it had announced")
	}
}

// takePart puts a part in its place, and reports whether it is as announced.
func (r *relay) takePart(p *host.Peer, m *message.Part) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	in := r.sets[m.Set]
	if in == nil || !in.assembly.senders[p.Num()] {
		return true // too late, in most cases
	}
	a := in.assembly
	if !a.head.Fits(m) {
		return false
	}
	if a.parts[m.Index] == nil {
		r.putPart(in, a, m)
	}
	return true
}

// putPart passes on a part, and has the chase try the compact block once it is all
// there. The caller holds the lock.
func (r *relay) putPart(in *incoming, a *assembly, m *message.Part) {
	a.parts[m.Index] = m
	a.order = append(a.order, int(m.Index))
	a.left--
	for _, to := range a.targets {
		to.Send(m)
	}
	if a.left > 0 {
		return
	}
	payload := make([]byte, 0, a.head.Size)
	for _, part := range a.parts {
		payload = append(payload, part.Data...)
	}
	r.drop(in)
	c, err := message.DecodeCompact(payload)
	if err != nil || c.Header != in.header || r.tooMany(c) {
		// Who made it up is not known. Those who pass on what they cannot know to be
		// good are not to blame; the first of them is no longer asked to.
		list := r.links.failed(a.from.Num())
		in.passing = false
		r.sendLocked(list)
		return
	}
	if in.passing {
		in.passed = c
	}
	in.keep(arrival{c, a.from})
}

// drop ends an assembly. The caller holds the lock.
func (r *relay) drop(in *incoming) {
	if in.assembly != nil {
		delete(r.sets, in.assembly.set)
		in.assembly = nil
	}
}

// pushWhole sends a peer a compact block, in parts if it is large. Each peer gets
// them from another place on, so that those who hear from several get different
// ones first.
func pushWhole(p *host.Peer, c *message.Compact, head *message.Head, parts []*message.Part, stale func() bool) {
	if c.Size() <= wholePush {
		p.SendUnless(c, stale)
		return
	}
	p.Send(head)
	from := rand.IntN(len(parts))
	for i := range parts {
		p.Send(parts[(from+i)%len(parts)])
	}
}
