package host

import (
	"context"
	"crypto/rand"
	"net/netip"
	"path/filepath"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"
	"github.com/multiformats/go-multiaddr"

	"github.com/keelson-chain/keelson/p2p/addrbook"
	"github.com/keelson-chain/keelson/p2p/message"
	"github.com/keelson-chain/keelson/p2p/peerinfo"
)

const (
	// peersFile and anchorsFile have Bitcoin Core's names; what is in them is ours.
	peersFile   = "peers.dat"
	anchorsFile = "anchors.dat"
	// saveTime is how often the addresses are saved.
	saveTime = 15 * time.Minute
	// hearsay is how much older we take an address for than others say.
	hearsay = 2 * time.Hour
)

// loadBook reads the addresses of the last run. What is damaged was put aside,
// which is said and no reason to stop.
func loadBook(cfg *Config) *addrbook.Book {
	c := addrbook.Config{Genesis: cfg.Genesis, Dev: cfg.Dev}
	_, _ = rand.Read(c.Seed[:]) // never fails
	if cfg.Dir == "" {
		return addrbook.New(c)
	}
	book, err := addrbook.Load(filepath.Join(cfg.Dir, peersFile), c)
	if err != nil {
		cfg.Log.Warn().Err(err).Msg("starting without known addresses")
	}
	return book
}

// saveLoop saves the addresses now and then until ctx ends; stop does it once
// more.
func (h *Host) saveLoop(ctx context.Context) {
	t := time.NewTicker(saveTime)
	defer t.Stop()
	for {
		select {
		case <-t.C:
			h.saveBook()
		case <-ctx.Done():
			return
		}
	}
}

func (h *Host) saveBook() {
	if h.cfg.Dir == "" {
		return
	}
	if err := h.book.Save(filepath.Join(h.cfg.Dir, peersFile)); err != nil {
		h.cfg.Log.Error().Err(err).Msg("known addresses may not outlive this run")
	}
}

// takeAnchors returns the block-only peers that we were connected with when the
// last run ended.
func (h *Host) takeAnchors() []addrbook.Known {
	if h.cfg.Dir == "" || !h.automatic() {
		return nil
	}
	list, err := addrbook.TakeAnchors(filepath.Join(h.cfg.Dir, anchorsFile), h.cfg.Genesis)
	if err != nil {
		h.cfg.Log.Warn().Err(err).Msg("anchors")
	}
	return list
}

// saveAnchors keeps the block-only peers of this moment for the next run.
func (h *Host) saveAnchors() {
	if h.cfg.Dir == "" || !h.automatic() {
		return
	}
	var list []addrbook.Known
	for _, p := range h.alive() {
		if p.kind != peerinfo.BlockOnly {
			continue
		}
		if a, err := addrbook.ParseAddr(p.Addr()); err == nil {
			list = append(list, addrbook.Known{Addr: a, Services: p.hello.Services, Seen: h.cfg.Now()})
		}
	}
	if len(list) == 0 {
		return
	}
	if err := addrbook.SaveAnchors(filepath.Join(h.cfg.Dir, anchorsFile), h.cfg.Genesis, list); err != nil {
		h.cfg.Log.Error().Err(err).Msg("anchors")
	}
}

// remember notes what a new peer teaches about addresses: that the one that was
// called works, and at which ones it says that it listens.
func (h *Host) remember(p *Peer) {
	now := h.cfg.Now()
	if p.kind != peerinfo.BlockOnly && p.kind != peerinfo.Feeler {
		h.hearFrom(p, now)
	}
	if p.inbound {
		return
	}
	if a, err := addrbook.ParseAddr(p.Addr()); err == nil {
		h.book.SetServices(a, p.hello.Services)
		h.book.Good(a, now)
	}
}

// hearFrom takes in where a peer says that it listens. Some of it is news for
// others.
func (h *Host) hearFrom(p *Peer, now time.Time) {
	if !useful(p.hello.Services) {
		return
	}
	told := 0
	for _, s := range p.hello.Listen {
		a, err := addrbook.ParseAddr(s + "/p2p/" + p.ID())
		if err != nil || !h.cfg.Dev && !addrbook.Routable(a.AddrPort.Addr()) {
			continue
		}
		source := p.source()
		if source.Addr() == a.AddrPort.Addr() {
			source = a.AddrPort // it speaks of itself
		}
		k := addrbook.Known{Addr: a, Services: p.hello.Services, Seen: now}
		if h.book.Add([]addrbook.Known{k}, source, hearsay, now) > 0 {
			h.stir()
		}
		if told++; told <= newsFromHello {
			h.news.add(k)
		}
	}
}

// useful reports whether a node with these services has blocks for us.
func useful(services uint64) bool {
	return services&(message.ServiceNetwork|message.ServiceNetworkLimited) != 0
}

// source is who the peer is as far as the address tables are concerned.
func (p *Peer) source() netip.AddrPort {
	if !p.addr.IsValid() {
		return netip.AddrPort{}
	}
	return netip.AddrPortFrom(p.addr, portOf(p.conn.RemoteMultiaddr()))
}

// portOf returns the port of a multi-address, or 0.
func portOf(m multiaddr.Multiaddr) uint16 {
	for _, c := range m {
		if code := c.Protocol().Code; code == multiaddr.P_TCP || code == multiaddr.P_UDP {
			raw := c.RawValue()
			return uint16(raw[0])<<8 | uint16(raw[1])
		}
	}
	return 0
}

// part notes that the connection to a peer has ended. Only now is it said when
// the peer was seen, so that nobody can tell from it whom we are connected to.
func (h *Host) part(p *Peer) {
	if !p.inbound && p.told && p.kind != peerinfo.BlockOnly {
		if a, err := addrbook.ParseAddr(p.Addr()); err == nil {
			h.book.Connected(a, h.cfg.Now())
		}
	}
	h.stir()
}

// infoOf returns an address in libp2p's form.
func infoOf(a addrbook.Addr) (peer.AddrInfo, error) {
	id, err := peer.Decode(a.ID)
	if err != nil {
		return peer.AddrInfo{}, err
	}
	m, err := multiaddr.NewMultiaddr(a.Transported())
	return peer.AddrInfo{ID: id, Addrs: []multiaddr.Multiaddr{m}}, err
}

// Addresses returns at most limit of the known addresses, picked at random, of
// one network or, if it is empty, of all. A limit of 0 means all.
func (h *Host) Addresses(limit int, network peerinfo.Network) []peerinfo.Address {
	list := []peerinfo.Address{}
	for _, k := range h.book.Addresses(limit, 0, network, h.cfg.Now()) {
		list = append(list, k.Info())
	}
	return list
}

// Slots returns what is in the address tables.
func (h *Host) Slots() []peerinfo.Slot { return h.book.Slots() }

// TableSizes counts the addresses in the tables by network.
func (h *Host) TableSizes() []peerinfo.TableSize { return h.book.Sizes() }

// AddAddress puts an address into the tables as if its node had told of it, with
// tried among those that have worked. It reports whether there was room for it
// among the new, and then among the tried.
func (h *Host) AddAddress(addr string, tried bool) (added, moved bool) {
	a, err := addrbook.ParseAddr(addr)
	if err != nil {
		return false, false
	}
	now := h.cfg.Now()
	k := addrbook.Known{Addr: a, Services: message.ServiceNetwork | message.ServiceWitness, Seen: now}
	added = h.book.Add([]addrbook.Known{k}, a.AddrPort, 0, now) > 0
	if added && tried {
		moved = h.book.Good(a, now)
	}
	h.stir()
	return added, moved
}
