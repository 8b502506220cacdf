package txrequest

import (
	"cmp"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"
	"time"
	"weak"

	"github.com/keelson-chain/keelson/wire"
)

var start = time.Unix(1_700_000_000, 0)

func at(seconds float64) time.Time { return start.Add(time.Duration(seconds * float64(time.Second))) }

func all(int64) bool { return true }

func tx(n byte) ID { return ID{Hash: wire.Hash{n}} }

// asks is what Next says, as text.
func asks(t *Tracker, now time.Time, free func(int64) bool) string {
	batches, late := t.Next(now, free)
	slices.SortFunc(batches, func(a, b Batch) int { return cmp.Compare(a.Peer, b.Peer) })
	s := ""
	for _, b := range batches {
		s += fmt.Sprintf("%d:", b.Peer)
		for _, id := range b.IDs {
			s += fmt.Sprintf(" %d", id[0])
		}
		if b.ByTxID {
			s += " by txid"
		}
		s += "; "
	}
	if len(late) > 0 {
		s += fmt.Sprint("late ", late)
	}
	return s
}

func want(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestOneAtATime(t *testing.T) {
	r := New(DefaultLimits(), 1)
	r.Connected(1, true)
	r.Connected(2, false)
	r.Announced(at(0), 2, tx(7))
	want(t, asks(r, at(0), all), "") // peer 1 may announce it, too
	r.Announced(at(0.1), 1, tx(7))
	if r.Announced(at(0.1), 1, tx(7)) {
		t.Error("the same twice is no news")
	}
	want(t, asks(r, at(0.1), all), "1: 7; ")
	want(t, asks(r, at(1), all), "")
	want(t, asks(r, at(5.1), all), "2: 7; late [1]")
	r.Answered(2, tx(7)) // it has not got it
	if r.Has(tx(7)) || r.Len() != 0 || r.InFlight() != 0 {
		t.Error("nobody is left to be asked")
	}
	// It may be announced anew.
	r.Announced(at(6), 2, tx(7))
	r.Announced(at(6), 1, tx(7))
	want(t, asks(r, at(6.5), all), "2: 7; ") // peer 1 has let a question expire
	r.Delivered(2, tx(7))
	want(t, asks(r, at(20), all), "")
}

func TestNotDelayedAmongEquals(t *testing.T) {
	r := New(DefaultLimits(), 1)
	r.Connected(2, false)
	r.Announced(at(0), 2, tx(7))
	want(t, asks(r, at(0), all), "2: 7; ")
}

// Whoever calls Next may have looked at the clock before somebody announced.
func TestAnnouncedMeanwhile(t *testing.T) {
	r := New(DefaultLimits(), 1)
	r.Connected(1, false)
	r.Announced(at(2), 1, tx(1))
	batches, _ := r.Next(at(1), all)
	if len(batches) != 1 || r.InFlight() != 1 {
		t.Errorf("%v, what is announced is not asked for", batches)
	}
}

func TestBusyPeers(t *testing.T) {
	r := New(Limits{PerPeer: 4, Batch: 2, Expiry: time.Second}, 1)
	r.Connected(1, true)
	r.Connected(2, true)
	for i := range byte(5) {
		if got := r.Announced(at(0), 1, tx(i)); got != (i < 4) {
			t.Errorf("announcement %d: %v", i, got)
		}
	}
	r.Announced(at(0), 2, tx(3))
	if r.Room(1) != 0 || r.Room(2) != 3 || r.Room(3) != 0 {
		t.Error(r.Room(1), r.Room(2), r.Room(3))
	}
	only2 := func(n int64) bool { return n == 2 }
	want(t, asks(r, at(0), only2), "2: 3; ")
	want(t, asks(r, at(0), all), "1: 0 1; ")
	want(t, asks(r, at(0), all), "1: 2; ")
	r.Gone(1)
	if r.Len() != 1 || r.InFlight() != 1 {
		t.Error(r.Len(), r.InFlight())
	}
	r.Gone(2)
	if r.Len() != 0 || r.InFlight() != 0 {
		t.Error(r.Len(), r.InFlight())
	}
}

func TestKindsApart(t *testing.T) {
	r := New(DefaultLimits(), 1)
	r.Connected(1, true)
	r.Announced(at(0), 1, tx(1))
	r.Announced(at(0), 1, ID{wire.Hash{1}, true})
	r.Announced(at(0), 1, tx(2))
	want(t, asks(r, at(0), all), "1: 1 2; ")
	want(t, asks(r, at(0), all), "1: 1 by txid; ")
	r.Failed(1, tx(1))
	r.Failed(1, tx(1))
	if r.Len() != 2 || r.InFlight() != 2 {
		t.Error(r.Len(), r.InFlight())
	}
}

func TestWake(t *testing.T) {
	r := New(DefaultLimits(), 1)
	if !r.Wake().IsZero() {
		t.Error("nothing to wake for")
	}
	r.Connected(1, true)
	r.Connected(2, false)
	r.Announced(at(0), 2, tx(1))
	if got := r.Wake(); got != at(0.5) {
		t.Error(got)
	}
	want(t, asks(r, at(0.5), all), "2: 1; ")
	if got := r.Wake(); got != at(5.5) {
		t.Error(got)
	}
}

// model is the same without any index: a list of what was announced.
type model struct {
	limits  Limits
	tracker *Tracker // for priority alone
	peers   map[int64]*modelPeer
	list    []*modelAnnouncement
	asked   map[ID]question
}

type modelPeer struct {
	preferred bool
	expired   int
}

type modelAnnouncement struct {
	id   ID
	peer int64
	from time.Time
	used bool
}

type question struct {
	peer int64
	at   time.Time
}

func (m *model) announced(now time.Time, num int64, id ID) bool {
	n, preferred := 0, false
	for _, a := range m.list {
		if a.peer == num {
			n++
			if a.id == id {
				return false
			}
		}
	}
	if m.peers[num] == nil || n >= m.limits.PerPeer {
		return false
	}
	for _, p := range m.peers {
		preferred = preferred || p.preferred
	}
	a := &modelAnnouncement{id: id, peer: num, from: now}
	if !m.peers[num].preferred && preferred {
		a.from = now.Add(m.limits.Delay)
	}
	m.list = append(m.list, a)
	return true
}

func (m *model) remove(which func(*modelAnnouncement) bool) {
	m.list = slices.DeleteFunc(m.list, which)
}

// settle drops what nobody is left to be asked for.
func (m *model) settle() {
	left := map[ID]bool{}
	for _, a := range m.list {
		if _, asked := m.asked[a.id]; asked || !a.used {
			left[a.id] = true
		}
	}
	m.remove(func(a *modelAnnouncement) bool { return !left[a.id] })
}

func (m *model) gone(num int64) {
	delete(m.peers, num)
	m.remove(func(a *modelAnnouncement) bool { return a.peer == num })
	for id, q := range m.asked {
		if q.peer == num {
			delete(m.asked, id)
		}
	}
	m.settle()
}

func (m *model) fail(num int64, id ID) bool {
	if m.asked[id].peer != num {
		return false
	}
	delete(m.asked, id)
	m.settle()
	return true
}

func (m *model) next(now time.Time) (map[ID]int64, []int64) {
	var late []int64
	for id, q := range m.asked {
		if !q.at.Add(m.limits.Expiry).After(now) {
			m.peers[q.peer].expired++
			late = append(late, q.peer)
			delete(m.asked, id)
		}
	}
	m.settle()
	slices.Sort(late)
	next := map[ID]int64{}
	best := map[ID]*modelAnnouncement{}
	for _, a := range m.list {
		if _, asked := m.asked[a.id]; asked || a.used || a.from.After(now) {
			continue
		}
		if b := best[a.id]; b == nil || m.better(a, b) {
			best[a.id] = a
		}
	}
	for id, a := range best {
		a.used = true
		m.asked[id] = question{a.peer, now}
		next[id] = a.peer
	}
	return next, late
}

func (m *model) better(a, b *modelAnnouncement) bool {
	rank := func(a *modelAnnouncement) (r int) {
		p := m.peers[a.peer]
		if p.expired > 0 {
			r += 2
		}
		if !p.preferred {
			r++
		}
		return r
	}
	if c := cmp.Compare(rank(a), rank(b)); c != 0 {
		return c < 0
	}
	x := &tracked{id: a.id}
	return m.tracker.priority(x, &peer{num: a.peer}) < m.tracker.priority(x, &peer{num: b.peer})
}

func TestAgainstModel(t *testing.T) {
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 83))
		limits := Limits{PerPeer: 12, Batch: 1000, Expiry: 5 * time.Second, Delay: time.Second}
		tracker := New(limits, seed)
		twin := New(limits, seed)
		m := &model{limits: limits, tracker: tracker, peers: map[int64]*modelPeer{}, asked: map[ID]question{}}
		now := start
		asked := 0
		for step := range 2000 {
			num := int64(r.IntN(6))
			id := ID{wire.Hash{byte(r.IntN(30))}, r.IntN(4) == 0}
			switch n := r.IntN(20); {
			case n < 2:
				preferred := r.IntN(2) == 0
				tracker.Connected(num, preferred)
				twin.Connected(num, preferred)
				if m.peers[num] == nil {
					m.peers[num] = &modelPeer{preferred: preferred}
				}
			case n < 3:
				tracker.Gone(num)
				twin.Gone(num)
				m.gone(num)
			case n < 12:
				got, again := tracker.Announced(now, num, id), twin.Announced(now, num, id)
				if w := m.announced(now, num, id); got != w || again != w {
					t.Fatalf("seed %d, step %d: announced %v, want %v", seed, step, got, w)
				}
			case n < 14:
				tracker.Delivered(num, id)
				twin.Delivered(num, id)
				if p := m.peers[num]; p != nil {
					p.expired = 0
				}
				m.remove(func(a *modelAnnouncement) bool { return a.id == id })
				delete(m.asked, id)
			case n < 15:
				known := slices.ContainsFunc(m.list, func(a *modelAnnouncement) bool { return a.id == id })
				tracker.Answered(num, id)
				twin.Answered(num, id)
				if p := m.peers[num]; p != nil && known {
					p.expired = 0
				}
				m.fail(num, id)
			case n < 16:
				tracker.Failed(num, id)
				twin.Failed(num, id)
				if q, ok := m.asked[id]; ok && q.peer == num {
					m.peers[num].expired++
					m.fail(num, id)
				}
			default:
				now = now.Add(time.Duration(r.IntN(3000)) * time.Millisecond)
				batches, late := tracker.Next(now, all)
				again, _ := twin.Next(now, all)
				if !slices.EqualFunc(batches, again, func(a, b Batch) bool {
					return a.Peer == b.Peer && a.ByTxID == b.ByTxID && slices.Equal(a.IDs, b.IDs)
				}) {
					t.Fatalf("seed %d, step %d: %v, and then %v", seed, step, batches, again)
				}
				got := map[ID]int64{}
				for range 2 { // the second time for the other kind
					for _, b := range batches {
						for _, h := range b.IDs {
							got[ID{h, b.ByTxID}] = b.Peer
							asked++
						}
					}
					batches, _ = tracker.Next(now, all)
					_, _ = twin.Next(now, all)
				}
				next, wantLate := m.next(now)
				slices.Sort(late)
				if !slices.Equal(late, wantLate) {
					t.Fatalf("seed %d, step %d: late are %v, want %v", seed, step, late, wantLate)
				}
				for id, p := range next {
					if _, asked := got[id]; !asked {
						t.Fatalf("seed %d, step %d: %v is asked of nobody, want %d", seed, step, id, p)
					}
				}
				for id, p := range got {
					w, asked := next[id]
					if !asked {
						t.Fatalf("seed %d, step %d: %v is asked of %d", seed, step, id, p)
					}
					// Where a peer is busy with the other kind, another is asked.
					if p != w && oneKind(got) {
						t.Fatalf("seed %d, step %d: %v is asked of %d, want %d", seed, step, id, p, w)
					}
					if p != w {
						m.move(id, w, p)
					}
				}
			}
			ids := map[ID]bool{}
			for _, a := range m.list {
				ids[a.id] = true
			}
			if tracker.Len() != len(ids) || tracker.InFlight() != len(m.asked) {
				t.Fatalf("seed %d, step %d: %d tracked, %d asked; want %d, %d", seed, step, tracker.Len(), tracker.InFlight(), len(ids), len(m.asked))
			}
		}
		if asked < 100 {
			t.Errorf("seed %d: only %d questions", seed, asked)
		}
	}
}

func oneKind(got map[ID]int64) bool {
	kinds := map[bool]bool{}
	for id := range got {
		kinds[id.ByTxID] = true
	}
	return len(kinds) == 1
}

// move has the question for id go to another peer.
func (m *model) move(id ID, from, to int64) {
	for _, a := range m.list {
		if a.id == id && (a.peer == from || a.peer == to) {
			a.used = a.peer == to
		}
	}
	m.asked[id] = question{to, m.asked[id].at}
}

// Nothing grows without bounds when peers announce as fast as they can and answer
// nothing, and an honest one among them is asked at once.
func TestFlood(t *testing.T) {
	limits := DefaultLimits()
	r := New(limits, 1)
	const flooders = 120
	honest := int64(1000)
	rng := rand.New(rand.NewPCG(1, 84))
	for i := range int64(flooders) {
		r.Connected(i, false)
	}
	r.Connected(honest, false)
	now := start
	busy := map[int64]time.Time{}
	for round := range 40 {
		for i := range int64(flooders) {
			for range 1000 {
				r.Announced(now, i, ID{Hash: wire.Hash{byte(i), byte(rng.Uint32()), byte(rng.Uint32()), byte(rng.Uint32())}})
			}
		}
		id := ID{Hash: wire.Hash{0xff, byte(round)}}
		r.Announced(now, honest, id)
		batches, _ := r.Next(now, func(n int64) bool { return !busy[n].After(now) })
		heard := false
		for _, b := range batches {
			if b.Peer == honest {
				heard = slices.Contains(b.IDs, id.Hash)
				r.Delivered(honest, id)
				continue
			}
			busy[b.Peer] = now.Add(limits.Expiry)
		}
		if !heard {
			t.Fatalf("round %d: the honest peer is not asked", round)
		}
		waiting := 0
		for _, p := range r.peers {
			waiting += len(p.waiting)
		}
		if most := 2*limits.All + 1; r.Len() > most || r.announced != r.Len() || waiting > most || r.InFlight() > flooders*limits.Batch {
			t.Fatalf("%d tracked, %d announced, %d waiting, %d in flight", r.Len(), r.announced, waiting, r.InFlight())
		}
		now = now.Add(200 * time.Millisecond)
	}
	for i := range int64(flooders) {
		r.Gone(i)
	}
	if r.Len() != 0 || r.announced != 0 || r.InFlight() != 0 {
		t.Errorf("%d tracked, %d announced, %d in flight", r.Len(), r.announced, r.InFlight())
	}
}

// BenchmarkTracker has three peers announce a transaction, which the first delivers.
// Of a peer that is gone, and of what it announced, nothing is kept.
func TestNothingIsKept(t *testing.T) {
	r := New(DefaultLimits(), 1)
	r.Connected(9, true) // stays, so that what others announce is delayed
	var gone []weak.Pointer[peer]
	var told []weak.Pointer[tracked]
	for num := range int64(3) {
		r.Connected(num, num == 0)
		gone = append(gone, weak.Make(r.peers[num]))
		for n := range byte(50) {
			r.Announced(at(0), num, tx(100*byte(num)+n))
			told = append(told, weak.Make(r.txs[tx(100*byte(num)+n)]))
		}
	}
	if asks(r, at(0), all) == "" {
		t.Fatal("nobody is asked")
	}
	for num := range int64(3) {
		r.Gone(num)
	}
	asks(r, at(0.6), all)
	asks(r, at(10), all)
	r.Announced(at(10), 9, tx(1)) // it goes on
	asks(r, at(10), all)
	runtime.GC()
	for i, p := range gone {
		if p.Value() != nil {
			t.Errorf("peer %d is kept", i)
		}
	}
	kept := 0
	for _, x := range told {
		if x.Value() != nil {
			kept++
		}
	}
	if kept > 0 {
		t.Errorf("%d of what it announced are kept", kept)
	}
	runtime.KeepAlive(r)
}

// What those leave behind that announce, are asked and go is bounded.
func TestComingAndGoing(t *testing.T) {
	r := New(DefaultLimits(), 1)
	r.Connected(0, true) // so that what others announce is delayed
	n := 0
	for num := int64(1); num <= 300; num++ {
		now := at(float64(num) / 1000) // nothing expires, and no delay is over
		r.Connected(num, num%2 == 0)
		for range 200 {
			n++
			id := ID{}
			binary.LittleEndian.PutUint32(id.Hash[:], uint32(n))
			r.Announced(now, num, id)
		}
		r.Next(now, all)
		r.Gone(num)
	}
	r.Next(at(0.4), all)
	if len(r.asked) > maxWork || len(r.delayed) > maxWork || len(r.txs) > 0 {
		t.Errorf("%d questions, %d delays and %d transactions are kept of those that are gone", len(r.asked), len(r.delayed), len(r.txs))
	}
	if cap(r.asked) > 2*maxWork || cap(r.delayed) > 2*maxWork {
		t.Errorf("room for %d questions and %d delays", cap(r.asked), cap(r.delayed))
	}
	// It goes on.
	r.Announced(at(1), 0, tx(7))
	want(t, asks(r, at(1), all), "0: 7; ")
	want(t, asks(r, at(7), all), "late [0]")
}

func BenchmarkTracker(b *testing.B) {
	r := New(DefaultLimits(), 1)
	for i := range int64(8) {
		r.Connected(i, i < 4)
	}
	now := start
	n := uint64(0)
	b.ReportAllocs()
	for b.Loop() {
		n++
		id := ID{Hash: wire.Hash{byte(n), byte(n >> 8), byte(n >> 16), byte(n >> 24)}}
		for i := range int64(3) {
			r.Announced(now, i, id)
		}
		if n%64 > 0 {
			continue
		}
		now = now.Add(time.Millisecond)
		batches, _ := r.Next(now, all)
		for _, q := range batches {
			for _, h := range q.IDs {
				r.Delivered(q.Peer, ID{Hash: h})
			}
		}
	}
}
