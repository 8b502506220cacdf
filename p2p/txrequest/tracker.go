package txrequest

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/keelson-chain/keelson/wire"
)

// ID names a transaction as it is asked for: by its witness id, or by its
// transaction id, since that is what the inputs of an orphan name.
type ID struct {
	Hash   wire.Hash
	ByTxID bool
}

// Limits bound what a Tracker remembers and does.
type Limits struct {
	PerPeer int           // announcements of one peer
	All     int           // of all of them; once there are so many, each may have its share; 0: any number
	Batch   int           // transactions that a peer is asked for at once
	Expiry  time.Duration // of a question
	Delay   time.Duration // of an announcement by a peer that is not preferred, if another one is
}

// DefaultLimits returns the usual limits. PerPeer is Bitcoin Core's, which waits
// longer, as its peers answer one question after another.
func DefaultLimits() Limits {
	return Limits{PerPeer: 5000, All: 12_000, Batch: 256, Expiry: 5 * time.Second, Delay: 500 * time.Millisecond}
}

// maxWork is how many waiting transactions Next looks at, about, and turnWork how many
// of one peer's in a row.
const maxWork, turnWork = 4096, 32

// leastRoom is the least that a peer may announce, however many peers there are.
const leastRoom = 100

// Batch is what to ask one peer for in one question: ids of one kind, in the order
// in which they were announced.
type Batch struct {
	Peer   int64
	ByTxID bool
	IDs    []wire.Hash
}

// Tracker keeps book. Its zero value is of no use; see New.
type Tracker struct {
	limits    Limits
	seed      uint64
	peers     map[int64]*peer
	preferred int // of them
	txs       map[ID]*tracked
	turns     []*peer // those with something in waiting; the first has its turn next
	delayed   []timer // in the order of their times
	asked     []timer // the same
	seq       uint64
	announced int // by peers that are here
	widest    int // how many txs there have been in its table
	inFlight  int
}

// peer is one that announces.
type peer struct {
	num       int64
	preferred bool
	txs       map[*tracked]struct{}
	waiting   []*tracked // want a peer to be asked, oldest first; may be outdated
	expired   int        // questions since it last answered
}

// tracked is a transaction that somebody has announced and nobody has delivered.
type tracked struct {
	id      ID
	seq     uint64 // counts the transactions
	from    []announcement
	asked   *peer // of from
	queued  bool  // in waiting of a peer that has announced it
	dropped bool
}

// announcement is by one peer. It stays after the peer has failed to deliver, so
// that it is not asked again.
type announcement struct {
	peer *peer
	from time.Time // when it may be asked; zero: at once
	used bool      // it was asked
}

type timer struct {
	at   time.Time
	tx   *tracked
	peer *peer
}

// New returns an empty Tracker. Which of equal peers is asked depends on the seed,
// which nobody else should know.
func New(limits Limits, seed uint64) *Tracker {
	return &Tracker{limits: limits, seed: seed, peers: map[int64]*peer{}, txs: map[ID]*tracked{}}
}

// Connected takes in a peer. A preferred one is asked before others.
func (t *Tracker) Connected(num int64, preferred bool) {
	if t.peers[num] != nil {
		return
	}
	t.peers[num] = &peer{num: num, preferred: preferred, txs: map[*tracked]struct{}{}}
	if preferred {
		t.preferred++
	}
}

// Gone forgets a peer and what it announced.
func (t *Tracker) Gone(num int64) {
	p := t.peers[num]
	if p == nil {
		return
	}
	delete(t.peers, num)
	if p.preferred {
		t.preferred--
	}
	t.announced -= len(p.txs)
	t.turns = slices.DeleteFunc(t.turns, func(other *peer) bool { return other == p })
	for _, x := range p.waiting {
		x.queued = false // until it waits for another one
	}
	list := make([]*tracked, 0, len(p.txs))
	for x := range p.txs {
		list = append(list, x)
	}
	p.txs, p.waiting = nil, nil // timers may still name the peer
	slices.SortFunc(list, func(a, b *tracked) int { return int(a.seq) - int(b.seq) })
	for _, x := range list {
		if x.asked == p {
			x.asked = nil
			t.inFlight--
		}
		x.from = slices.DeleteFunc(x.from, func(a announcement) bool { return a.peer == p })
		t.settle(x)
	}
}

// Announced notes that a peer has a transaction that is wanted. It returns false if
// that is not news, or if the peer has announced too many that it has not been
// asked for yet.
func (t *Tracker) Announced(now time.Time, num int64, id ID) bool {
	p := t.peers[num]
	if p == nil || t.Room(num) == 0 {
		return false
	}
	x := t.txs[id]
	if x == nil {
		t.seq++
		x = &tracked{id: id, seq: t.seq}
		t.txs[id] = x
	} else if _, known := p.txs[x]; known {
		return false
	}
	p.txs[x] = struct{}{}
	t.announced++
	a := announcement{peer: p}
	late := !p.preferred && t.preferred > 0
	if late {
		a.from = now.Add(t.limits.Delay)
		t.delayed = append(t.delayed, timer{a.from, x, p})
	}
	x.from = append(x.from, a)
	if !late {
		t.wait(x)
	}
	return true
}

// Answered notes that a peer has answered for a transaction without delivering it.
func (t *Tracker) Answered(num int64, id ID) {
	p, x := t.peers[num], t.txs[id]
	if p == nil || x == nil {
		return
	}
	p.expired = 0
	t.fail(x, p)
}

// Failed notes that a question to a peer came to nothing. It is as if the answer
// had not come in time.
func (t *Tracker) Failed(num int64, id ID) {
	p, x := t.peers[num], t.txs[id]
	if p == nil || x == nil || x.asked != p {
		return
	}
	p.expired++
	t.fail(x, p)
}

// Delivered forgets a transaction: a peer has delivered it, -1 if it came from
// elsewhere or is not wanted any more.
func (t *Tracker) Delivered(num int64, id ID) {
	if p := t.peers[num]; p != nil {
		p.expired = 0
	}
	if x := t.txs[id]; x != nil {
		if x.asked != nil {
			t.inFlight--
		}
		x.asked, x.queued = nil, false
		t.drop(x)
	}
}

// fail notes that a peer, if it was asked, has not delivered, and will not be
// asked again.
func (t *Tracker) fail(x *tracked, p *peer) {
	if x.asked != p {
		return
	}
	x.asked = nil
	t.inFlight--
	t.settle(x)
}

// settle looks for what is to become of a transaction that has lost an announcement.
func (t *Tracker) settle(x *tracked) {
	if x.asked == nil && !slices.ContainsFunc(x.from, func(a announcement) bool { return !a.used }) {
		t.drop(x)
		return
	}
	t.wait(x)
}

func (t *Tracker) drop(x *tracked) {
	x.dropped = true
	delete(t.txs, x.id)
	for _, a := range x.from {
		delete(a.peer.txs, x)
	}
	t.announced -= len(x.from)
	x.from = nil
}

// wait has Next look at a transaction, when it is the turn of a peer that might be
// asked.
func (t *Tracker) wait(x *tracked) {
	if x.queued || x.asked != nil || x.dropped {
		return
	}
	i := slices.IndexFunc(x.from, func(a announcement) bool { return !a.used })
	if i < 0 {
		return
	}
	p := x.from[i].peer
	if len(p.waiting) == 0 {
		t.turns = append(t.turns, p)
	}
	p.waiting = append(p.waiting, x)
	x.queued = true
}

// work takes out what Next is to look at: of each peer that has something waiting a
// little, again and again, so that nobody waits for what another one has announced.
func (t *Tracker) work() (list []*tracked) {
	for len(t.turns) > 0 && len(list) < maxWork {
		p := t.turns[0]
		for range min(len(p.waiting), turnWork) {
			list = append(list, shift(&p.waiting))
		}
		shift(&t.turns)
		if len(p.waiting) > 0 {
			t.turns = append(t.turns, p)
		}
	}
	return list
}

// tidy throws timers away that nothing waits for any more, once they are the most, and
// the room of a table that was large and is empty. Those who announce, are asked and
// leave, one after the other, would fill both.
func (t *Tracker) tidy() {
	if len(t.asked) > 2*t.inFlight+maxWork {
		t.asked = trimmed(t.asked, func(d timer) bool { return d.tx.asked == d.peer })
	}
	if len(t.delayed) > 2*t.announced+maxWork {
		t.delayed = trimmed(t.delayed, func(d timer) bool { return !d.tx.dropped && t.peers[d.peer.num] == d.peer })
	}
	t.widest = max(t.widest, len(t.txs))
	if len(t.txs) == 0 && t.widest > maxWork {
		t.txs, t.widest = map[ID]*tracked{}, 0
	}
}

// trimmed returns the timers to keep, in a list of their size.
func trimmed(list []timer, keep func(timer) bool) []timer {
	return slices.Clone(slices.DeleteFunc(list, func(d timer) bool { return !keep(d) }))
}

// shift takes out the first of a list. Nothing of what was taken out is kept, nor the
// room of a list that has been long once it is empty.
func shift[T any](list *[]T) T {
	var none T
	first := (*list)[0]
	(*list)[0] = none
	if *list = (*list)[1:]; len(*list) == 0 {
		*list = nil
	}
	return first
}

// Next returns what to ask whom now. A peer is asked only if free says so, and by one
// batch; all of the batch counts as asked. late are the peers whose time was up,
// once for each transaction that they have not delivered.
func (t *Tracker) Next(now time.Time, free func(num int64) bool) (batches []Batch, late []int64) {
	t.tidy()
	for len(t.asked) > 0 && !t.asked[0].at.After(now) {
		d := shift(&t.asked)
		if d.tx.asked == d.peer && t.peers[d.peer.num] == d.peer {
			d.peer.expired++
			late = append(late, d.peer.num)
			t.fail(d.tx, d.peer)
		}
	}
	for len(t.delayed) > 0 && !t.delayed[0].at.After(now) {
		d := shift(&t.delayed)
		t.wait(d.tx)
	}
	open := map[*peer]int{} // the place of its batch in batches, -1 if it gets none
	var kept []*tracked
	for _, x := range t.work() {
		x.queued = false
		if x.dropped || x.asked != nil {
			continue
		}
		a, later := t.choose(now, x, func(p *peer) bool {
			at, known := open[p]
			if !known {
				at = len(batches)
				if !free(p.num) {
					at = -1
				}
				if open[p] = at; at >= 0 {
					batches = append(batches, Batch{Peer: p.num})
				}
			}
			if at < 0 {
				return false
			}
			n := len(batches[at].IDs)
			return n == 0 || n < t.limits.Batch && batches[at].ByTxID == x.id.ByTxID
		})
		switch {
		case a != nil:
			b := &batches[open[a.peer]]
			b.ByTxID, b.IDs = x.id.ByTxID, append(b.IDs, x.id.Hash)
			a.used, x.asked = true, a.peer
			t.inFlight++
			t.asked = append(t.asked, timer{now.Add(t.limits.Expiry), x, a.peer})
		case later:
			kept = append(kept, x)
		} // else it waits until a delayed announcement is due
	}
	// Those that were passed over come last, so that all have their turn.
	for _, x := range kept {
		t.wait(x)
	}
	batches = slices.DeleteFunc(batches, func(b Batch) bool { return len(b.IDs) == 0 })
	return batches, late
}

// choose returns the best announcement whose peer is to be had. later says that
// there is one whose peer is not.
func (t *Tracker) choose(now time.Time, x *tracked, room func(*peer) bool) (best *announcement, later bool) {
	for i := range x.from {
		a := &x.from[i]
		switch {
		case a.used || a.from.After(now):
		case !room(a.peer):
			later = true
		case best == nil || t.better(x, a.peer, best.peer):
			best = a
		}
	}
	return best, later
}

// better reports whether a is to be asked before b: whoever has let questions expire
// comes last, and a peer that we prefer before others. Among equals chance decides,
// so that nobody makes sure of being asked.
func (t *Tracker) better(x *tracked, a, b *peer) bool {
	if (a.expired > 0) != (b.expired > 0) {
		return b.expired > 0
	}
	if a.preferred != b.preferred {
		return a.preferred
	}
	return t.priority(x, a) < t.priority(x, b)
}

// priority mixes the seed, the peer and the transaction as splitmix64 does.
func (t *Tracker) priority(x *tracked, p *peer) uint64 {
	mix := func(z uint64) uint64 {
		z += 0x9e3779b97f4a7c15
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		return z ^ z>>31
	}
	z := mix(t.seed ^ uint64(p.num))
	for i := range 4 {
		z = mix(z ^ binary.LittleEndian.Uint64(x.id.Hash[8*i:]))
	}
	return z
}

// Wake returns when Next is to be called at the latest, zero if nothing waits for
// its time. What waits for a peer that is not free waits for the caller.
func (t *Tracker) Wake() (at time.Time) {
	for _, list := range [][]timer{t.delayed, t.asked} {
		if len(list) > 0 && (at.IsZero() || list[0].at.Before(at)) {
			at = list[0].at
		}
	}
	return at
}

// Has reports whether a transaction is tracked.
func (t *Tracker) Has(id ID) bool { return t.txs[id] != nil }

// Len is how many transactions are tracked, and InFlight how many of them were asked
// for.
func (t *Tracker) Len() int      { return len(t.txs) }
func (t *Tracker) InFlight() int { return t.inFlight }

// Pending is how many transactions a peer has announced that nobody has delivered.
func (t *Tracker) Pending(num int64) int {
	if p := t.peers[num]; p != nil {
		return len(p.txs)
	}
	return 0
}

// Room is how many more transactions a peer may announce.
func (t *Tracker) Room(num int64) int {
	p := t.peers[num]
	if p == nil {
		return 0
	}
	most := t.limits.PerPeer
	if t.limits.All > 0 && t.announced >= t.limits.All {
		most = min(most, max(t.limits.All/len(t.peers), leastRoom))
	}
	return max(0, most-len(p.txs))
}
