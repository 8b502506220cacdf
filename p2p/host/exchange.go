package host

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/keelson-chain/keelson/p2p/addrbook"
	"github.com/keelson-chain/keelson/p2p/message"
	"github.com/keelson-chain/keelson/p2p/peerinfo"
)

// Nodes tell each other of addresses when they are asked. Whoever has called us
// gets a choice of all that we know once, as Bitcoin Core answers getaddr, and
// news from then on. News are addresses that were just heard of; asked for every
// few minutes, they go through the whole network.

const (
	// answerPercent is how much of what we know one answer tells at most.
	answerPercent = 23
	// answerTime and answerSpread say how long an answer stays the same for all of
	// one network, so that nobody collects all that we know by asking again.
	answerTime   = 21 * time.Hour
	answerSpread = 6 * time.Hour
	maxAnswers   = 16 // that are remembered

	// newsTime is how long an address is news; newsInAnswer how much of it an
	// answer has at most; maxNews how much is kept.
	newsTime     = time.Hour
	newsInAnswer = 20
	maxNews      = 200
	// newsTaken is how many of one answer become news here, and newsFromHello how
	// many of the addresses that a peer says it listens on.
	newsTaken     = 10
	newsFromHello = 2

	// A peer may tell of so many addresses a second, besides answerGrant for the
	// answer to our first question.
	tellRate    = 0.1
	answerGrant = message.MaxAddresses

	// A time that is this far in the future, or none, is taken for one of some days
	// ago.
	maxAhead  = 10 * time.Minute
	unknowing = 5 * 24 * time.Hour
)

// news is what was heard of lately.
type news struct {
	mu   sync.Mutex
	list []addrbook.Known // the oldest first
}

func (n *news) add(k addrbook.Known) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.list = slices.DeleteFunc(n.list, func(o addrbook.Known) bool { return o.Addr == k.Addr })
	if len(n.list) >= maxNews {
		n.list = slices.Delete(n.list, 0, 1)
	}
	n.list = append(n.list, k)
}

// some returns a random choice of what is still news.
func (n *news) some(limit int, now time.Time) []addrbook.Known {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.list = slices.DeleteFunc(n.list, func(k addrbook.Known) bool { return now.Sub(k.Seen) > newsTime })
	list := slices.Clone(n.list)
	shuffle(list)
	return list[:min(len(list), limit)]
}

func shuffle[T any](list []T) {
	rand.Shuffle(len(list), func(i, j int) { list[i], list[j] = list[j], list[i] })
}

// answers are those that stay the same for a while.
type answers struct {
	mu    sync.Mutex
	byWho map[asker]answer
}

// asker is who gets the same answer: all of one kind of network that reach us
// at one address.
type asker struct {
	network peerinfo.Network
	at      netip.Addr
}

type answer struct {
	list  []addrbook.Known
	until time.Time
}

// serveAddresses answers a request for addresses.
func (h *Host) serveAddresses(p *Peer, send func(frame []byte) error) error {
	now := h.cfg.Now()
	trusted := p.Whitelisted(Addr)
	again := p.toldAll.Swap(true)
	p.addrRelay.Store(true)
	var list []addrbook.Known
	switch {
	case !p.inbound && !trusted: // who we call must not learn by it who we are
	case h.cfg.Dev || trusted:
		list = h.book.Addresses(message.MaxAddresses, 0, "", now)
	case again:
		list = h.news.some(newsInAnswer, now)
	default:
		list = append(h.news.some(newsInAnswer, now), h.standing(p, now)...)
	}
	m := message.Addresses{List: make([]message.Address, 0, len(list))}
	for _, k := range list[:min(len(list), message.MaxAddresses)] {
		if k.ID == p.ID() || h.bans.BannedID(k.ID, now) || h.bans.BannedAddr(k.AddrPort.Addr(), now) {
			continue
		}
		m.List = append(m.List, message.Address{Addr: k.String(), Services: k.Services, Time: k.Seen.Unix()})
	}
	return send(m.Append(nil))
}

// standing returns the answer that all get who are like the peer.
func (h *Host) standing(p *Peer, now time.Time) []addrbook.Known {
	who := asker{networkOf(p.addr), ipOf(p.conn.LocalMultiaddr())}
	h.answers.mu.Lock()
	defer h.answers.mu.Unlock()
	if a, ok := h.answers.byWho[who]; ok && now.Before(a.until) {
		return a.list
	}
	if len(h.answers.byWho) >= maxAnswers || h.answers.byWho == nil {
		h.answers.byWho = map[asker]answer{}
	}
	a := answer{h.book.Addresses(message.MaxAddresses, answerPercent, "", now), now.Add(answerTime + rand.N(answerSpread))}
	h.answers.byWho[who] = a
	return a.list
}

// askAddresses asks a peer for addresses and takes in what it tells. first: it
// was not asked before.
func (h *Host) askAddresses(ctx context.Context, p *Peer, first bool) {
	if first || h.cfg.Dev {
		p.tells.grant(answerGrant)
	}
	p.addrRelay.Store(true)
	raw, err := p.Ask(ctx, message.NameAddrs, nil, message.MaxAnswer(message.NameAddrs, h.cfg.MaxBlockWeight))
	if err != nil {
		p.log().Debug().Err(err).Msg("no addresses from it")
		return
	}
	m, err := message.DecodeAddresses(raw)
	if err != nil {
		p.Penalise(BanScore, err.Error())
		return
	}
	h.hear(p, m.List)
}

// hear takes in what a peer tells of others, as much as it may.
func (h *Host) hear(p *Peer, told []message.Address) {
	now := h.cfg.Now()
	shuffle(told)
	var list []addrbook.Known
	recent := 0
	for _, m := range told {
		if !p.Whitelisted(Addr) && !p.tells.take(1) {
			p.addrLimited.Add(1)
			continue
		}
		p.addrTaken.Add(1)
		a, err := addrbook.ParseAddr(m.Addr) // one that we cannot use is no offence
		if err != nil || !useful(m.Services) || a.ID == h.ID() || h.bans.BannedID(a.ID, now) || h.bans.BannedAddr(a.AddrPort.Addr(), now) {
			continue
		}
		k := addrbook.Known{Addr: a, Services: m.Services, Seen: time.Unix(m.Time, 0)}
		if m.Time <= 100_000_000 || k.Seen.After(now.Add(maxAhead)) {
			k.Seen = now.Add(-unknowing)
		}
		if now.Sub(k.Seen) <= newsTime && recent < newsTaken && (h.cfg.Dev || addrbook.Routable(a.AddrPort.Addr())) {
			recent++
			h.news.add(k)
		}
		list = append(list, k)
	}
	if h.book.Add(list, p.source(), hearsay, now) > 0 {
		h.stir()
	}
}
