package addrbook

import (
	"time"

	"github.com/keelson-chain/keelson/p2p/peerinfo"
)

// A chance is out of certain.
const certain = 1 << 30

// chances are those of an address that has failed so many times: each failure
// takes a third off.
var chances = func() (list [9]uint64) {
	list[0] = certain
	for i := 1; i < len(list); i++ {
		list[i] = list[i-1] * 66 / 100
	}
	return list
}()

// chance returns how likely an entry that was drawn is taken.
func (e *entry) chance(now int64) uint64 {
	c := chances[min(e.failures, len(chances)-1)]
	if now-e.attempt < seconds(recently) {
		c /= 100
	}
	return c
}

// Select draws an address to connect to, and returns when it was last tried,
// the zero time for never. New and tried addresses are as likely, however many
// there are of either, unless newOnly. It reports false if there is none.
func (b *Book) Select(newOnly bool, now time.Time) (k Known, lastTry time.Time, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	newCount := len(b.order) - b.triedCount
	if newCount == 0 && (newOnly || b.triedCount == 0) {
		return Known{}, time.Time{}, false
	}
	var e *entry
	if !newOnly && b.triedCount > 0 && (newCount == 0 || b.rng.Uint64()&1 == 0) {
		e = b.draw(b.tried[:], now.Unix())
	} else {
		e = b.draw(b.fresh[:], now.Unix())
	}
	return e.known(), since(e.attempt), true
}

// draw picks an entry of a table, which has one. All buckets are as likely: who
// fills many places of few buckets gains nothing by it.
func (b *Book) draw(table []bucket, now int64) *entry {
	// Impatience grows by a fifth with every one that is not taken, from 1, here 1 << 10.
	impatience := uint64(1 << 10)
	for {
		at := &table[b.rng.IntN(len(table))]
		e := at.from(b.rng.IntN(bucketSize))
		if e == nil {
			continue
		}
		if b.rng.Uint64N(certain) < e.chance(now)*impatience>>10 {
			return e
		}
		impatience = min(impatience*6/5, 1<<33)
	}
}

// since returns a time of an entry.
func since(t int64) time.Time {
	if t == 0 {
		return time.Time{}
	}
	return time.Unix(t, 0)
}

// Addresses returns a random choice of the addresses that are worth keeping: at
// most limit, and at most percent of all, where 0 means no such bound. An empty
// network means all.
func (b *Book) Addresses(limit, percent int, network peerinfo.Network, now time.Time) []Known {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := len(b.order)
	if percent > 0 {
		n = n * percent / 100
	}
	if limit > 0 {
		n = min(n, limit)
	}
	list := make([]Known, 0, n)
	for i := 0; i < len(b.order) && len(list) < n; i++ {
		b.swap(i, i+b.rng.IntN(len(b.order)-i))
		e := b.order[i]
		if e.terrible(now.Unix()) || network != "" && NetworkOf(e.addr.AddrPort.Addr()) != network {
			continue
		}
		list = append(list, e.known())
	}
	return list
}
