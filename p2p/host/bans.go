package host

import (
	"context"
	"fmt"
	"net/netip"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/libp2p/go-libp2p/core/peer"

	"github.com/keelson-chain/keelson/p2p/addrbook"
	"github.com/keelson-chain/keelson/p2p/peerinfo"
)

// banFile is Bitcoin Core's name for it.
const banFile = "banlist.json"

// loadBans reads the ban list in dir. A damaged one was put aside, which is said
// and no reason to stop.
func loadBans(cfg *Config) *addrbook.Bans {
	if cfg.Dir == "" {
		return &addrbook.Bans{}
	}
	bans, err := addrbook.LoadBans(filepath.Join(cfg.Dir, banFile))
	if err != nil {
		cfg.Log.Warn().Err(err).Msg("ban list")
	}
	return bans
}

// banSaver lets one goroutine at a time write the ban list, and the others off
// whose changes it has written.
type banSaver struct {
	changes atomic.Uint64
	news    chan struct{} // has an element when keepBans is to write
	mu      sync.Mutex
	saved   uint64 // how many changes the file has; guarded by mu
}

// saveBans writes the ban list, if it has changes that the file has not.
func (h *Host) saveBans() error {
	s := &h.banSaver
	change := s.changes.Load()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.saved >= change {
		return nil
	}
	upTo := s.changes.Load()
	if h.cfg.Dir != "" {
		if err := h.bans.Save(filepath.Join(h.cfg.Dir, banFile), h.cfg.Now()); err != nil {
			return fmt.Errorf("save the ban list: %w", err)
		}
	}
	s.saved = upTo
	return nil
}

// saveChange writes the ban list, of which the operator has changed something.
func (h *Host) saveChange() error {
	h.banSaver.changes.Add(1)
	return h.saveBans()
}

const (
	// keepTime is the least time between two writings of the ban list, and keepShare
	// the share of the time that they may take: whoever has a thousand peers banned
	// must not keep the disk busy.
	keepTime  = time.Second
	keepShare = 20
)

// keepBans writes the ban list soon after a peer was banned, until ctx ends; stop
// does it once more. Whoever bans does not wait for the disk: with thousands of bans
// in the list each would take a tenth of a second, of everybody's time.
func (h *Host) keepBans(ctx context.Context) {
	for {
		select {
		case <-h.banSaver.news:
		case <-ctx.Done():
			return
		}
		began := time.Now()
		h.saveBansOrSay()
		_ = sleep(ctx, max(keepTime, keepShare*time.Since(began)))
	}
}

// saveBansOrSay writes the ban list; that it cannot is logged.
func (h *Host) saveBansOrSay() {
	if err := h.saveBans(); err != nil {
		h.cfg.Log.Error().Err(err).Msg("bans may not outlive this run")
	}
}

// Ban bans a subnet ("192.0.2.0/24", or an address) or a peer id until the given
// time, and ends the connections that it concerns, those that the operator asked
// for as well. The error is peerinfo.ErrBanned if a ban lasts as long already, or
// peerinfo.ErrAddress.
func (h *Host) Ban(target string, until time.Time) error {
	t, err := addrbook.ParseTarget(target)
	if err != nil {
		return fmt.Errorf("%w: %w", peerinfo.ErrAddress, err)
	}
	now := h.cfg.Now()
	if !h.bans.Add(addrbook.Ban{Target: t, Created: now, Until: until, Manual: true}, now) {
		return peerinfo.ErrBanned
	}
	h.cutBanned(true)
	return h.saveChange()
}

// Unban lifts the ban of exactly that subnet or peer id, or returns
// peerinfo.ErrNotBanned.
func (h *Host) Unban(target string) error {
	t, err := addrbook.ParseTarget(target)
	if err != nil {
		return fmt.Errorf("%w: %w", peerinfo.ErrAddress, err)
	}
	if !h.bans.Remove(t) {
		return peerinfo.ErrNotBanned
	}
	return h.saveChange()
}

// ClearBans lifts all bans.
func (h *Host) ClearBans() error {
	h.bans.Clear()
	return h.saveChange()
}

// Bans returns the ban list.
func (h *Host) Bans() []peerinfo.Ban {
	list := []peerinfo.Ban{}
	for _, b := range h.bans.List(h.cfg.Now()) {
		list = append(list, peerinfo.Ban{Target: b.Target.String(), Created: b.Created, Until: b.Until})
	}
	return list
}

// banned reports whether a peer is. Either may be unknown: an empty id, an
// invalid address. The whitelist protects from bans that hold for addresses as
// well as from others.
func (h *Host) banned(id peer.ID, addr netip.Addr) bool {
	now := h.cfg.Now()
	if (id == "" || !h.bans.BannedID(id.String(), now)) && (!addr.IsValid() || !h.bans.BannedAddr(addr, now)) {
		return false
	}
	return h.permissionsOf(id, addr, true)&NoBan == 0
}

// banPeer bans a peer that has misbehaved: by its id, and where addresses cost
// something by its address too. It returns false if that is so already.
func (h *Host) banPeer(p *Peer) bool {
	now := h.cfg.Now()
	h.counts.banned.Add(1)
	targets := []addrbook.Target{addrbook.IDTarget(p.ID())}
	if p.addr.IsValid() && !local(p.addr) {
		targets = append(targets, addrbook.HostTarget(p.addr))
	}
	news := false
	for _, t := range targets {
		if h.bans.Has(t, now) {
			continue
		}
		news = h.bans.Add(addrbook.Ban{Target: t, Created: now, Until: now.Add(h.cfg.BanTime)}, now) || news
	}
	if !news {
		return false
	}
	h.cutBanned(false)
	h.banSaver.changes.Add(1)
	select {
	case h.banSaver.news <- struct{}{}:
	default:
	}
	return true
}

// cutBanned ends connections to those that are banned; with manual also those
// that the operator asked for.
func (h *Host) cutBanned(manual bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, p := range h.conns {
		if (manual || p.kind != peerinfo.Manual) && h.banned(p.id, p.addr) {
			p.cancel(errBanned)
		}
	}
}
