package p2p

import (
	"math/rand/v2"
	"slices"
)

// How many links compact blocks are pushed over.
const (
	// maxPushFrom is how many peers we ask to push to us, and so about how many
	// copies of a block come.
	maxPushFrom = 4
	// maxPushTo is how many peers may ask us.
	maxPushTo = 8
)

// standing is what a peer's compact blocks have been worth.
const (
	freshStanding = 1 // of those that we chose ourselves
	mostStanding  = 3
	leastStanding = -3
)

// links says which peers push compact blocks to us, and to whom we push, unasked
// for each block. It keeps peers by their numbers, sends nothing and has no lock.
type links struct {
	peers map[int64]*link
	from  []int64 // whom we asked to push; who was the first with a block lately is at the end
	to    int     // how many asked us
}

type link struct {
	outbound bool
	from, to bool // we asked it; it asked us
	standing int
}

// change is a Push to be sent.
type change struct {
	peer int64
	on   bool
}

// add takes in a peer that has connected.
func (l *links) add(peer int64, outbound bool) []change {
	if l.peers == nil {
		l.peers = map[int64]*link{}
	}
	l.peers[peer] = &link{outbound: outbound}
	return l.fill()
}

// remove drops a peer that is gone.
func (l *links) remove(peer int64) []change {
	p := l.peers[peer]
	if p == nil {
		return nil
	}
	delete(l.peers, peer)
	if p.to {
		l.to--
	}
	if p.from {
		l.from = without(l.from, peer)
	}
	return l.fill()
}

// fill asks more peers while there are fewer than maxPushFrom: those that we chose
// ourselves, the oldest first. Whoever calls us is never asked, since an attacker
// can call as often as he likes.
func (l *links) fill() (list []change) {
	for len(l.from) < maxPushFrom {
		next := int64(-1)
		for id, p := range l.peers {
			if p.outbound && !p.from && p.standing >= 0 && (next < 0 || id < next) {
				next = id
			}
		}
		if next < 0 {
			break
		}
		list = append(list, l.ask(next))
	}
	return list
}

func (l *links) ask(peer int64) change {
	p := l.peers[peer]
	p.from = true
	p.standing = max(p.standing, freshStanding)
	l.from = append(l.from, peer)
	return change{peer, true}
}

// asked notes that a peer has asked us to push, or to stop. What exceeds maxPushTo
// is not granted: such a peer hears of blocks and asks.
func (l *links) asked(peer int64, on bool) {
	p := l.peers[peer]
	if p == nil || p.to == on || on && l.to >= maxPushTo {
		return
	}
	p.to = on
	if on {
		l.to++
	} else {
		l.to--
	}
}

// brought notes that a peer's compact block was the first of a block that has
// proved valid. Of the peers that we chose it is asked to push from now on, in the
// place of the one that was first the longest time ago.
func (l *links) brought(peer int64) (list []change) {
	p := l.peers[peer]
	if p == nil {
		return nil
	}
	p.standing = min(max(p.standing, 0)+1, mostStanding)
	switch {
	case p.from:
		l.from = append(without(l.from, peer), peer)
	case p.outbound:
		if len(l.from) >= maxPushFrom {
			last := l.from[0]
			l.from = l.from[1:]
			l.peers[last].from = false
			list = append(list, change{last, false})
		}
		list = append(list, l.ask(peer))
	}
	return list
}

// failed notes that a peer's compact block led to no block. That may be somebody
// else's doing, so it costs the peer no more than its place.
func (l *links) failed(peer int64) (list []change) {
	p := l.peers[peer]
	if p == nil {
		return nil
	}
	p.standing = leastStanding
	if p.from {
		p.from = false
		l.from = without(l.from, peer)
		list = append(list, change{peer, false})
	}
	return append(list, l.fill()...)
}

// trusted reports whether a peer's compact blocks are passed on before they have
// been turned into blocks.
func (l *links) trusted(peer int64) bool {
	p := l.peers[peer]
	return p != nil && p.standing > 0
}

// asksUs reports whether a peer is one that we push to.
func (l *links) asksUs(peer int64) bool { return l.peers[peer] != nil && l.peers[peer].to }

// isFrom reports whether we asked a peer to push to us.
func (l *links) isFrom(peer int64) bool { return l.peers[peer] != nil && l.peers[peer].from }

// targets returns whom to push a block to, in random order: those who asked. Where
// nobody has, or the block comes from this node (own), those that we asked get it
// as well, so that what comes from here gets away.
func (l *links) targets(own bool) (list []int64) {
	both := own || l.to == 0
	for id, p := range l.peers {
		if p.to || both && p.from {
			list = append(list, id)
		}
	}
	slices.Sort(list)
	rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
	return list
}

func without(list []int64, peer int64) []int64 {
	return slices.DeleteFunc(list, func(id int64) bool { return id == peer })
}
