package chainsync

import (
	"container/heap"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/keelson-chain/keelson/pow"
	"github.com/keelson-chain/keelson/wire"
)

// A kind is how a peer of the model behaves.
type kind int

const (
	honest      kind = iota
	slow             // honest, but a second for a block
	stalling         // stops answering at some moment
	mute             // never answers
	boasting         // claims far more than it has
	forking          // has another valid chain of less work
	rotten           // has a chain of more work with an invalid block
	withholding      // has headers of more work, and no bodies
	switching        // shows other headers the second time
	vanishing        // goes away, and comes back as another peer
	garbled          // sends headers that are none
	nagging          // announces blocks that it does not have
	pruned           // has only the last bodies
	mutating         // sends bodies that are not those of their headers
	kinds
)

func (k kind) String() string {
	return [...]string{"honest", "slow", "stalling", "mute", "boasting", "forking", "rotten", "withholding", "switching",
		"vanishing", "garbled", "nagging", "pruned", "mutating"}[k]
}

// simPeer is one peer of the model.
type simPeer struct {
	num     int64
	kind    kind
	tip     *block
	latency time.Duration
	until   time.Time // when it stops
	asked   int
	fresh   bool // follows the honest chain as it grows
	gone    bool
	open    map[uint64]bool            // requests for bodies that are not over
	holds   map[wire.Hash]bool         // bodies asked of it
	reqs    map[uint64][]wire.BlockRef // what is asked by a request
}

// later is something that happens at a time.
type later struct {
	at  time.Time
	seq int
	do  func()
}

type agenda []later

func (a agenda) Len() int { return len(a) }
func (a agenda) Less(i, j int) bool {
	return a[i].at.Before(a[j].at) || a[i].at.Equal(a[j].at) && a[i].seq < a[j].seq
}
func (a agenda) Swap(i, j int) { a[i], a[j] = a[j], a[i] }
func (a *agenda) Push(x any)   { *a = append(*a, x.(later)) }
func (a *agenda) Pop() any {
	x := (*a)[len(*a)-1]
	*a = (*a)[:len(*a)-1]
	return x
}

// model is a node with a Machine among simulated peers, in virtual time.
type model struct {
	t       *testing.T
	r       *rand.Rand
	w       *world
	tree    *tree
	m       *Machine
	now     time.Time
	agenda  agenda
	seq     int
	peers   map[int64]*simPeer
	nextNum int64
	best    *block // of the honest
	log     []string
	ended   map[int64]string
	size    int
}

const modelBatch = 20

func newModel(t *testing.T, seed uint64, minWork int) *model {
	w := newWorld()
	mo := &model{t: t, r: rand.New(rand.NewPCG(seed, 7)), w: w, tree: newTree(w), peers: make(map[int64]*simPeer), ended: make(map[int64]string)}
	mo.size = 1000
	cfg := Config{Params: regtest, maxHeaders: modelBatch, MaxBytes: 100 * mo.size}
	per := workOf(&w.genesis.header)
	for range minWork {
		cfg.MinimumWork = cfg.MinimumWork.Add(per)
	}
	mo.m = New(cfg, mo.tree)
	return mo
}

func (mo *model) after(d time.Duration, do func()) {
	mo.seq++
	heap.Push(&mo.agenda, later{mo.now.Add(d), mo.seq, do})
}

func (mo *model) fail(format string, args ...any) {
	mo.t.Helper()
	for _, l := range mo.log[max(0, len(mo.log)-60):] {
		mo.t.Log(l)
	}
	mo.t.Fatalf(format, args...)
}

// step hands an event to the Machine and carries out what it says.
func (mo *model) step(e Event) {
	mo.log = append(mo.log, fmt.Sprintf("%v > %s", mo.now.Sub(epoch), mo.w.describe(e)))
	for _, a := range mo.m.Step(mo.now, e) {
		mo.log = append(mo.log, fmt.Sprintf("%v < %s", mo.now.Sub(epoch), mo.w.describe(a)))
		mo.carryOut(a)
	}
	mo.bounds()
}

var epoch = time.Unix(1_800_000_000, 0)

func (mo *model) bounds() {
	mo.t.Helper()
	flying := make(map[wire.Hash]int64)
	for _, p := range mo.peers {
		if p.gone {
			continue
		}
		if len(p.holds) > MaxBlocks {
			mo.fail("peer %d holds %d bodies", p.num, len(p.holds))
		}
		for h := range p.holds {
			if o, ok := flying[h]; ok {
				mo.fail("%v is asked of peers %d and %d", h, o, p.num)
			}
			flying[h] = p.num
		}
	}
	if n := len(mo.m.known); n > 3*Window {
		mo.fail("%d bodies are known", n)
	}
	if mo.m.waiting > mo.m.cfg.MaxBytes+MaxBlocks*mo.size {
		mo.fail("%d bytes wait", mo.m.waiting)
	}
	if mo.m.flying != len(flying) || mo.m.waiting < 0 {
		mo.fail("%d in flight, the Machine says %d; %d bytes wait", len(flying), mo.m.flying, mo.m.waiting)
	}
	for _, p := range mo.m.peers {
		if p.pass != nil && (len(p.pass.held) > 2*modelBatch || len(p.pass.marks) > 2+p.pass.seen/modelBatch+p.pass.total/modelBatch) {
			mo.fail("a first pass holds %d headers and %d marks", len(p.pass.held), len(p.pass.marks))
		}
	}
}

func (mo *model) connect(k kind, tip *block) *simPeer {
	mo.nextNum++
	p := &simPeer{num: mo.nextNum, kind: k, tip: tip, open: map[uint64]bool{}, holds: map[wire.Hash]bool{}, reqs: map[uint64][]wire.BlockRef{}}
	p.latency = time.Duration(5+mo.r.IntN(200)) * time.Millisecond
	mo.peers[p.num] = p
	e := Connected{Peer: p.num, Tip: tip.Hash, Height: tip.Height, Work: tip.state.Work, Outbound: mo.r.IntN(2) == 0}
	switch k {
	case boasting:
		e.Height *= 100
		for range 7 {
			e.Work = e.Work.Add(e.Work)
		}
		e.Tip[3]++
	case stalling, vanishing:
		p.until = mo.now.Add(time.Duration(mo.r.IntN(5000)) * time.Millisecond)
	case mute:
		p.until = mo.now
	case nagging:
		mo.nag(p)
	}
	if k == vanishing {
		mo.after(p.until.Sub(mo.now), func() {
			if !p.gone {
				mo.leave(p)
				mo.connect(vanishing, mo.best)
			}
		})
	}
	mo.step(e)
	return p
}

func (mo *model) nag(p *simPeer) {
	mo.after(time.Second, func() {
		if p.gone {
			return
		}
		h := mo.w.grow(mo.w.grow(p.tip, 1), 1).header // the parent is not known, either
		mo.step(Announced{Peer: p.num, Header: h})
		mo.nag(p)
	})
}

func (mo *model) leave(p *simPeer) {
	p.gone = true
	clear(p.holds)
	mo.step(Gone{p.num})
}

func (mo *model) silent(p *simPeer) bool {
	return (p.kind == stalling || p.kind == mute) && !mo.now.Before(p.until)
}

func (mo *model) carryOut(a Action) {
	mo.t.Helper()
	switch a := a.(type) {
	case AskHeaders:
		p := mo.peers[a.Peer]
		mo.after(p.latency, func() {
			if p.gone || mo.silent(p) {
				return
			}
			p.asked++
			tip := p.tip
			if p.kind == switching && p.asked > 5 {
				tip = mo.w.grow(tip.at(3), 90)
			}
			hs := tip.follow(a.Locator, modelBatch)
			if p.kind == garbled && len(hs) > 2 {
				switch mo.r.IntN(3) {
				case 0:
					hs[1].Nonce++
				case 1:
					hs = append(hs[:1], hs[2:]...)
				default:
					hs = hs[2:]
				}
			}
			mo.step(Headers{Peer: p.num, Req: a.Req, Headers: hs})
		})
	case AddHeaders:
		mo.after(time.Millisecond, func() {
			v := Good
			for i := range a.Headers {
				if v = mo.tree.add(&a.Headers[i]); v != Good {
					break
				}
			}
			mo.step(HeadersAdded{Peer: a.Peer, Last: a.Headers[len(a.Headers)-1].Hash(), Verdict: v})
		})
	case AskBlocks:
		p := mo.peers[a.Peer]
		if len(a.Blocks) > MaxBlocks {
			mo.fail("%d bodies in one request", len(a.Blocks))
		}
		p.open[a.Req] = true
		p.reqs[a.Req] = a.Blocks
		for _, ref := range a.Blocks {
			if ref.Height > mo.tree.tip.Height+Window {
				mo.fail("body at %d, tip at %d", ref.Height, mo.tree.tip.Height)
			}
			p.holds[ref.Hash] = true
		}
		mo.after(p.latency, func() { mo.deliver(p, a.Req, a.Blocks) })
	case Cancel:
		p := mo.peers[a.Peer]
		for _, ref := range p.reqs[a.Req] {
			delete(p.holds, ref.Hash)
		}
		delete(p.open, a.Req)
	case Penalise:
		mo.blame(a.Peer, a.Reason)
		if a.Points >= 100 {
			mo.ended[a.Peer] = a.Reason
			mo.after(time.Millisecond, func() { mo.end(a.Peer) })
		}
	case Disconnect:
		mo.blame(a.Peer, a.Reason)
		mo.ended[a.Peer] = a.Reason
		mo.after(time.Millisecond, func() { mo.end(a.Peer) })
	}
}

func (mo *model) blame(num int64, why string) {
	mo.t.Helper()
	if k := mo.peers[num].kind; k == honest || k == vanishing || k == pruned {
		mo.fail("peer %d, which is %v, is blamed: %s", num, k, why)
	}
}

func (mo *model) end(num int64) {
	if p := mo.peers[num]; !p.gone {
		mo.leave(p)
	}
}

// deliver sends the bodies of a request one after the other.
func (mo *model) deliver(p *simPeer, req uint64, refs []wire.BlockRef) {
	if p.gone || mo.silent(p) {
		return
	}
	if !p.open[req] {
		return // cancelled
	}
	if len(refs) == 0 {
		delete(p.open, req)
		mo.step(BlocksDone{Peer: p.num, Req: req})
		return
	}
	ref, b := refs[0], mo.w.blocks[refs[0].Hash]
	next := 10 * time.Millisecond
	if p.kind == slow {
		next = time.Second
	}
	mo.after(next, func() { mo.deliver(p, req, refs[1:]) })
	delete(p.holds, ref.Hash)
	if p.kind == withholding || p.kind == pruned && ref.Height+keeps < p.tip.Height || b.Height > p.tip.Height || p.tip.at(b.Height) != b {
		mo.step(NotHere{Peer: p.num, Req: req, Hash: ref.Hash})
		return
	}
	mo.step(Block{Peer: p.num, Hash: ref.Hash, Size: mo.size})
	mo.after(time.Millisecond, func() {
		if e := mo.tree.headers[b.Hash]; p.kind == mutating && !e.body {
			mo.step(Judged{Peer: p.num, Hash: b.Hash, Verdict: Mutated})
			return
		}
		verdict := Good
		for _, bad := range mo.tree.store(b) {
			if bad == b {
				verdict = Invalid
			}
		}
		mo.step(Judged{Peer: p.num, Hash: b.Hash, Verdict: verdict})
		mo.step(ChainChanged{})
	})
}

// run lets time pass until done, at most for long.
func (mo *model) run(long time.Duration, done func() bool) {
	mo.t.Helper()
	end := mo.now.Add(long)
	for !done() {
		wake := mo.m.Wake()
		switch {
		case len(mo.agenda) > 0 && (wake.IsZero() || !mo.agenda[0].at.After(wake)):
			l := heap.Pop(&mo.agenda).(later)
			mo.now = l.at
			l.do()
		case !wake.IsZero():
			mo.now = wake
			mo.step(Tick{})
		default:
			mo.fail("nothing more happens; the tip is %v, the best chain %v", mo.tree.tip, mo.best)
		}
		if mo.now.After(end) {
			mo.fail("not done after %v: the tip is %v, the best chain %v", long, mo.tree.tip, mo.best)
		}
	}
}

// mineOn has the honest find a block now and then, which they announce.
func (mo *model) mineOn(times int) {
	if times == 0 {
		return
	}
	mo.after(time.Duration(mo.r.IntN(8000))*time.Millisecond, func() {
		mo.best = mo.w.grow(mo.best, 1)
		nums := make([]int64, 0, len(mo.peers))
		for n, p := range mo.peers {
			if p.fresh && !p.gone {
				nums = append(nums, n)
			}
		}
		slices.Sort(nums)
		for _, n := range nums {
			p := mo.peers[n]
			p.tip = mo.best
			h := mo.best.header
			mo.after(p.latency, func() {
				if !p.gone && !mo.silent(p) {
					mo.step(Announced{Peer: n, Header: h})
				}
			})
		}
		mo.mineOn(times - 1)
	})
}

// Whatever the peers do, as long as one honest one stays, the node ends at the
// best valid chain, blames no honest peer and keeps its bounds.
func TestModel(t *testing.T) {
	rounds := 300
	if testing.Short() {
		rounds = 60
	}
	if n, err := strconv.Atoi(os.Getenv("KEELSON_ROUNDS")); err == nil {
		rounds = n
	}
	for seed := range uint64(rounds) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			r := rand.New(rand.NewPCG(seed, 1))
			length := 30 + r.IntN(400)
			mo := newModel(t, seed, []int{0, 0, length / 2, length}[r.IntN(4)])
			mo.now = epoch
			if r.IntN(2) == 0 { // the chain's end is of today
				mo.w.start = uint32(epoch.Unix()) - 60*uint32(length)
			}
			mo.best = mo.w.grow(mo.w.genesis, length)
			n := 1 + r.IntN(7)
			mo.connectSome(honest)
			for range n {
				k := kind(r.IntN(int(kinds)))
				mo.after(time.Duration(r.IntN(3000))*time.Millisecond, func() { mo.connectSome(k) })
			}
			mined := r.IntN(6)
			mo.mineOn(mined)
			mo.run(5*time.Minute, func() bool {
				// What the others have may be as good, and come first.
				return mo.tree.tip.state.Work.Cmp(mo.best.state.Work) >= 0 && mo.best.Height == uint32(length+mined)
			})
		})
	}
}

// connectSome connects a peer of a kind, with a chain that fits it.
func (mo *model) connectSome(k kind) *simPeer {
	fork := func(back, n int) *block {
		at := mo.best.Height - min(mo.best.Height, uint32(mo.r.IntN(back)+1))
		return mo.w.grow(mo.best.at(at), n)
	}
	switch k {
	case boasting:
		return mo.connect(k, fork(int(mo.best.Height), 1+mo.r.IntN(5)))
	case forking:
		back := 2 + mo.r.IntN(20)
		return mo.connect(k, mo.w.grow(mo.best.at(mo.best.Height-uint32(back)), mo.r.IntN(back)))
	case rotten:
		bad := fork(30, 1)
		bad.rotten = true
		return mo.connect(k, mo.w.grow(bad, 50))
	case withholding:
		return mo.connect(k, fork(30, 50))
	case switching:
		return mo.connect(k, fork(200, 260))
	case mutating, garbled, stalling, mute:
		return mo.connect(k, mo.best)
	}
	p := mo.connect(k, mo.best)
	p.fresh = true
	return p
}

func TestEnough(t *testing.T) {
	w := newWorld()
	tr := newTree(w)
	m := New(Config{Params: regtest}, tr)
	tip := w.grow(w.genesis, 200)
	for h := uint32(1); h <= 200; h++ {
		b := tip.at(h)
		tr.add(&b.header)
		tr.store(b)
	}
	if got, want := m.enough(), tip.at(200-144).state.Work; got != want {
		t.Fatalf("%v, want %v", got, want)
	}
	var least pow.Work
	for range 100 {
		least = least.Add(tip.state.Work)
	}
	m = New(Config{Params: regtest, MinimumWork: least}, tr)
	if m.enough() != least {
		t.Fatalf("%v, want %v", m.enough(), least)
	}
}

// A peer that stops answering, for headers or bodies, at once or at any moment,
// costs less than ten seconds in all, beside another one that is good.
func TestStallCosts(t *testing.T) {
	seeds := 40
	if testing.Short() {
		seeds = 5
	}
	worst := time.Duration(0)
	for seed := range uint64(seeds) {
		took := func(k kind) time.Duration {
			mo := newModel(t, seed, 0)
			mo.now = epoch
			mo.best = mo.w.grow(mo.w.genesis, 400)
			mo.connectSome(k)
			mo.connectSome(honest)
			mo.run(time.Minute, func() bool { return mo.tree.tip == mo.best })
			return mo.now.Sub(epoch)
		}
		alone := took(forking) // which has next to nothing to give
		for _, k := range []kind{stalling, mute} {
			if cost := took(k) - alone; cost >= 10*time.Second {
				t.Fatalf("seed %d: a peer that is %v costs %v", seed, k, cost)
			} else if cost > worst {
				worst = cost
			}
		}
	}
	t.Logf("at worst %v", worst)
}

// A crowd of bad peers around one good one.
func TestModelCrowd(t *testing.T) {
	for seed := range uint64(10) {
		mo := newModel(t, seed, 300)
		mo.now = epoch
		mo.best = mo.w.grow(mo.w.genesis, 500)
		for i := range 60 {
			k := kind(i) % kinds
			if k == honest {
				k = mute
			}
			mo.connectSome(k)
		}
		mo.connectSome(honest)
		mo.run(10*time.Minute, func() bool { return mo.tree.tip.state.Work.Cmp(mo.best.state.Work) >= 0 })
		t.Logf("seed %d: %v", seed, mo.now.Sub(epoch))
	}
}

// asked counts how often a Machine asks for an entry.
type asked struct {
	*tree
	times int
}

func (a *asked) Entry(hash wire.Hash) (Entry, bool) {
	a.times++
	return a.tree.Entry(hash)
}

// TestManyBranches: what a step costs does not grow with the branches that somebody
// has told of.
func TestManyBranches(t *testing.T) {
	w := newWorld()
	view := &asked{tree: newTree(w)}
	tip := w.grow(w.genesis, 3)
	for h := uint32(1); h <= 3; h++ {
		b := tip.at(h)
		view.add(&b.header)
		view.store(b)
	}
	m := New(Config{Params: regtest}, view)
	const branches = 5_000
	m.Step(epoch, Connected{Peer: 1, Tip: tip.Hash, Height: tip.Height, Work: tip.state.Work})
	for range branches {
		b := w.grow(tip.parent, 1)
		view.add(&b.header)
		m.Step(epoch, Expected{Hash: b.Hash, Until: epoch.Add(time.Second)})
	}
	if view.times > 20*branches {
		t.Errorf("it looked up %d entries for %d branches", view.times, branches)
	}
	if len(m.known) < branches {
		t.Fatalf("it knows %d of %d bodies", len(m.known), branches)
	}
	// Once the bodies are not wanted any more, it does not keep them for ever.
	top := w.grow(tip, 2*Window)
	for h := tip.Height + 1; h <= top.Height; h++ {
		b := top.at(h)
		view.add(&b.header)
		view.store(b)
	}
	for range branches + 2*Window {
		b := w.grow(top.parent, 1)
		view.add(&b.header)
		m.Step(epoch, Expected{Hash: b.Hash, Until: epoch.Add(time.Second)})
	}
	if len(m.known) > branches+4*Window {
		t.Errorf("it knows %d bodies", len(m.known))
	}
}
