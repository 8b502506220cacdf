package addrbook

import (
	"net/netip"
	"slices"
	"sync"
	"time"
)

// Ban is one entry of the ban list. Its times are whole seconds.
type Ban struct {
	Target         Target
	Created, Until time.Time
	// Manual: an operator asked for it. Such bans never make room for others.
	Manual bool
}

// maxBans bounds the bans that nobody asked for. Whoever has so many addresses
// to spend has them banned for a shorter time.
const maxBans = 20_000

// Bans is the ban list. Its zero value is empty. Its methods are safe for
// concurrent use.
//
// A ban counts until the second in which it ends; those that have ended are
// dropped by Sweep, by List and by Save.
type Bans struct {
	mu sync.Mutex
	// All below is guarded by mu.
	entries map[Target]term
	// lengths counts the subnets of each length, for IPv4 and for IPv6, so that an
	// address is looked up once for each length in use.
	lengths   [2][129]int
	automatic int  // bans that nobody asked for
	changed   bool // since it was saved
}

// term is a Ban but for its target, as small as it can be: peers can have many made.
type term struct {
	created, until int64 // Unix time, in seconds
	manual         bool
}

// ban returns the entry of a target.
func (t term) ban(of Target) Ban {
	return Ban{Target: of, Created: time.Unix(t.created, 0), Until: time.Unix(t.until, 0), Manual: t.manual}
}

// lasts reports whether it has not ended.
func (t term) lasts(now time.Time) bool { return now.Unix() < t.until }

// Add bans a target, and reports false if a ban of the same target lasts as
// long. now is the present, by which bans that have ended make room first.
func (b *Bans) Add(ban Ban, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	old, found := b.entries[ban.Target]
	if found && old.until >= ban.Until.Unix() {
		return false
	}
	if !found && !ban.Manual {
		b.makeRoom(now)
	}
	b.put(ban)
	b.changed = true
	return true
}

// put enters a ban in place of another one of its target. b.mu is held.
func (b *Bans) put(ban Ban) {
	b.drop(ban.Target)
	if b.entries == nil {
		b.entries = map[Target]term{}
	}
	t := term{ban.Created.Unix(), ban.Until.Unix(), ban.Manual}
	b.entries[ban.Target] = t
	b.count(ban.Target, t, +1)
}

// drop takes the ban of a target off the list. b.mu is held.
func (b *Bans) drop(target Target) bool {
	t, found := b.entries[target]
	if !found {
		return false
	}
	delete(b.entries, target)
	b.count(target, t, -1)
	b.changed = true
	return true
}

// count counts a ban that came, or went: n is 1 or -1. b.mu is held.
func (b *Bans) count(target Target, t term, n int) {
	if !t.manual {
		b.automatic += n
	}
	if prefix := target.Prefix; prefix.IsValid() {
		b.lengths[family(prefix.Addr())][prefix.Bits()] += n
	}
}

// family returns 0 for IPv4 and 1 for IPv6.
func family(addr netip.Addr) int {
	if addr.Is4() {
		return 0
	}
	return 1
}

// makeRoom lets the bans go that nobody asked for and that end first, an eighth
// of the bound at once, when there are too many. b.mu is held.
func (b *Bans) makeRoom(now time.Time) {
	if b.automatic < maxBans {
		return
	}
	b.sweep(now)
	if b.automatic < maxBans {
		return
	}
	list := slices.DeleteFunc(b.sorted(), func(ban Ban) bool { return ban.Manual })
	slices.SortStableFunc(list, func(x, y Ban) int { return x.Until.Compare(y.Until) })
	for _, ban := range list[:maxBans/8] {
		b.drop(ban.Target)
	}
}

// Remove takes the ban of just this target off the list, and reports whether
// there was one.
func (b *Bans) Remove(t Target) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.drop(t)
}

// Clear takes all bans off the list.
func (b *Bans) Clear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if len(b.entries) > 0 {
		b.changed = true
	}
	b.entries, b.automatic, b.lengths = nil, 0, [2][129]int{}
}

// Has reports whether just this target is banned.
func (b *Bans) Has(t Target, now time.Time) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.has(t, now)
}

func (b *Bans) has(t Target, now time.Time) bool {
	of, found := b.entries[t]
	return found && of.lasts(now)
}

// BannedID reports whether a peer is banned by its id.
func (b *Bans) BannedID(id string, now time.Time) bool { return b.Has(IDTarget(id), now) }

// BannedAddr reports whether an address lies in a banned subnet.
func (b *Bans) BannedAddr(addr netip.Addr, now time.Time) bool {
	addr = plain(addr)
	if !addr.IsValid() {
		return false
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	lengths := &b.lengths[family(addr)]
	for bits := addr.BitLen(); bits >= 0; bits-- {
		if lengths[bits] == 0 {
			continue
		}
		prefix, _ := addr.Prefix(bits)
		if b.has(Target{Prefix: prefix}, now) {
			return true
		}
	}
	return false
}

// List returns the bans that have not ended, in the order of their targets:
// IPv4, IPv6, peers.
func (b *Bans) List(now time.Time) []Ban {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.sweep(now)
	return b.sorted()
}

func (b *Bans) sorted() []Ban {
	list := make([]Ban, 0, len(b.entries))
	for target, t := range b.entries {
		list = append(list, t.ban(target))
	}
	slices.SortFunc(list, func(x, y Ban) int { return x.Target.compare(y.Target) })
	return list
}

// Sweep drops the bans that have ended, and returns how many.
func (b *Bans) Sweep(now time.Time) int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.sweep(now)
}

func (b *Bans) sweep(now time.Time) (dropped int) {
	for target, t := range b.entries {
		if !t.lasts(now) {
			b.drop(target)
			dropped++
		}
	}
	return dropped
}
