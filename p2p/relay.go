package p2p

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/internal/latency"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/p2p/compact"
	"github.com/keelson-chain/keelson/p2p/host"
	"github.com/keelson-chain/keelson/p2p/message"
	"github.com/keelson-chain/keelson/p2p/peerinfo"
	"github.com/keelson-chain/keelson/pow"
	"github.com/keelson-chain/keelson/wire"
)

const (
	// maxTracked is how many blocks near the tip the relay remembers, maxChases how
	// many of them it may be after at one time, besides those of peers that we have
	// asked to push, and maxChasesOf how many one peer may have begun.
	maxTracked  = 32
	maxChases   = 8
	maxChasesOf = 4
	// maxBodies is how many of the last blocks are kept as a whole.
	maxBodies = 4
	// maxCompacts is how many compact forms of one block wait to be tried.
	maxCompacts = 2
	// maxAhead is how far above the tip a block may be that the relay looks after.
	// What lies farther ahead is for the sync.
	maxAhead = 8
	// minTxWeight is the least weight of a transaction that a valid block can have: one
	// input and one output (Bitcoin Core's MIN_TRANSACTION_WEIGHT). Compact blocks with
	// more transactions than fit are not worth the memory.
	minTxWeight = 60 * wire.WitnessScaleFactor
	// serveDepth is how deep below the tip a block may lie that is served in
	// compact form or in parts, as in Bitcoin Core.
	serveDepth = 10
	// unaskedPoints is what a compact block costs that is of no use and that we do not
	// have, from a peer which neither was asked to push nor is one that we push to.
	// Honest ones push to those that they asked themselves, who may not have granted
	// it: every tip on their way while they catch up, so that blocks of ours are free.
	unaskedPoints = 2
	// holdTime is how long a question about a block waits for the block to be there.
	holdTime = 4 * time.Second
)

// relay passes on new blocks, and gets hold of them. What it knows of one block
// is an incoming; who pushes to whom is links'.
//
//	Have, Compact    meet: is the header one to look after? AddHeaders
//	                 then passed on: Have to all who lack it, Compact over the links
//	meanwhile        obtain, a goroutine for each block: reconstruct.go
//	a new tip        of our own, or by the sync: passed on the same way
type relay struct {
	chain     Chain
	pool      Pool
	maxWeight int
	// accept gives a block to the ledger; a peer that sent the whole of it answers
	// for what is wrong with it.
	accept func(ctx context.Context, b *wire.Block, whole *host.Peer) error
	// heard tells the sync that a peer has a block with that header.
	heard func(p *host.Peer, h *wire.Header)
	// gaveUp tells the sync that a block was not to be had here.
	gaveUp func(hash wire.Hash)
	// publish gossips a header; it may be nil.
	publish func(h *wire.Header)
	log     zerolog.Logger

	extra extraPool
	stats *relayStats

	*tasks // end with the relay

	mu     sync.Mutex // guards what follows, and every incoming
	links  links
	peers  map[int64]*host.Peer
	blocks map[wire.Hash]*incoming
	sets   map[message.SetID]*incoming // those with an assembly
	order  []*incoming                 // oldest first
	// suspects are peers that served transactions of blocks that then did not fit,
	// and were not to be had elsewhere, by the block's hash.
	suspects map[wire.Hash][]served
}

// incoming is a block near the tip.
type incoming struct {
	hash   wire.Hash
	header wire.Header
	height uint32
	first  time.Time // when it was first heard of
	by     int64     // the peer that it was first heard of from; -1: from none
	// onTip: it follows the block that was the tip then. Only such a block is passed on
	// before it is connected: of any other, who hears of it would ask for the headers
	// before it, and this node could not give them yet.
	onTip bool

	// Guarded by relay.mu.
	has      map[int64]bool   // peers that have announced it
	chase    *chase           // nil: nothing to fetch
	compacts []arrival        // not tried yet
	results  []result         // of questions, not looked at yet
	stream   *stream          // what is found of a compact form that is being filled in
	news     chan struct{}    // closed when stream has more; nil: nobody waits
	assembly *assembly        // a compact form that comes in parts
	passing  bool             // it has been passed on, or is being as it comes
	passed   *message.Compact // what has been passed on
	good     *message.Compact // led to body
	body     *wire.Block      // its transactions fit the header
	done     bool             // the ledger has it, or has refused it, or it is given up

	ctx    context.Context // of the questions; ends when done
	cancel context.CancelFunc
	ready  chan struct{} // closed when body is there or done
	wake   chan struct{} // has an element when there is something for the chase
}

// arrival is a compact block and its sender.
type arrival struct {
	compact *message.Compact
	from    *host.Peer
}

// relayStats are the counters behind peerinfo.Blocks.
type relayStats struct {
	relay, ready                 latency.Histogram
	fromPool, withAsked, whole   atomic.Uint64
	collisions, known, asked     atomic.Uint64
	compact, duplicate, gossiped atomic.Uint64
}

func newRelay(chain Chain, pool Pool, maxWeight int, log zerolog.Logger) *relay {
	r := &relay{
		chain: chain, pool: pool, maxWeight: maxWeight, log: log, stats: new(relayStats),
		peers:  map[int64]*host.Peer{},
		blocks: map[wire.Hash]*incoming{}, suspects: map[wire.Hash][]served{},
		sets: map[message.SetID]*incoming{},
	}
	r.tasks = newTasks()
	return r
}

// info returns what has been counted.
func (r *relay) info() peerinfo.Blocks {
	s := r.stats
	return peerinfo.Blocks{
		Relay: s.relay.Snapshot(), Ready: s.ready.Snapshot(),
		FromPool: s.fromPool.Load(), WithAsked: s.withAsked.Load(), Whole: s.whole.Load(),
		Collisions: s.collisions.Load(), TxsKnown: s.known.Load(), TxsAsked: s.asked.Load(),
		Compact: s.compact.Load(), Duplicate: s.duplicate.Load(), Gossiped: s.gossiped.Load(),
	}
}

// run passes on blocks that become the tip, until ctx ends, and returns when
// nothing of the relay runs any more.
func (r *relay) run(ctx context.Context) error {
	at := r.chain.Tip().Tip
	for {
		changed := r.chain.Changed()
		if tip := r.chain.Tip().Tip; tip != at {
			at = tip
			r.newTip(tip)
		}
		select {
		case <-changed:
			continue
		case <-ctx.Done():
		}
		break
	}
	r.end()
	return nil
}

// connected takes in a new peer.
func (r *relay) connected(p *host.Peer) {
	r.mu.Lock()
	r.peers[p.Num()] = p
	list := r.links.add(p.Num(), !p.Inbound())
	r.mu.Unlock()
	r.send(list)
}

// disconnected drops a peer that is gone.
func (r *relay) disconnected(p *host.Peer) {
	r.mu.Lock()
	delete(r.peers, p.Num())
	list := r.links.remove(p.Num())
	for _, in := range r.blocks {
		if in.chase != nil {
			in.chase.gone(p.Num())
			in.signal()
		}
	}
	r.mu.Unlock()
	r.send(list)
}

// send tells peers whether to push.
func (r *relay) send(list []change) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.sendLocked(list)
}

func (r *relay) sendLocked(list []change) {
	for _, c := range list {
		if p := r.peers[c.peer]; p != nil {
			p.Send(&message.Push{On: c.on})
		}
	}
}

// pushing reports over which way compact blocks are pushed: to the peer, and from
// it to us.
func (r *relay) pushing(p *host.Peer) (to, from bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.links.asksUs(p.Num()), r.links.isFrom(p.Num())
}

// chasing reports whether the relay is after a block, so that nobody else needs to
// ask for it.
func (r *relay) chasing(hash wire.Hash) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	in := r.blocks[hash]
	return in != nil && !in.done
}

// asked is called when a peer asks for compact blocks, or no more of them.
func (r *relay) asked(p *host.Peer, m *message.Push) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.links.asked(p.Num(), m.On)
}

// have is called when a peer announces a block.
func (r *relay) have(p *host.Peer, m *message.Have) {
	_, _ = r.meet(p, &m.Header, func(in *incoming) { r.announced(in, p, r.links.isFrom(p.Num())) })
}

// gossiped is called when a peer passes on gossip of a block. It reports whether
// others should hear of it; an error means that no honest peer passes that on.
// Whoever passes on gossip need not have the block, so it is given time to come by
// the links.
func (r *relay) gossiped(p *host.Peer, h *wire.Header) (ok bool, err error) {
	hash := h.Hash()
	_, known := r.chain.Entry(hash)
	_, err = r.meet(p, h, func(in *incoming) {
		if known {
			return
		}
		r.stats.gossiped.Add(1)
		if in.chase != nil {
			in.chase.announced(time.Now(), p.Num(), true, r.links.isFrom(p.Num()))
			in.signal()
		}
	})
	if err != nil {
		return false, err
	}
	e, known := r.chain.Entry(hash)
	return known && !e.Status.Invalid() && e.Work.Cmp(r.chain.Tip().Work) >= 0, nil
}

// compact is called when a peer pushes a compact block.
func (r *relay) compact(p *host.Peer, c *message.Compact) {
	r.stats.compact.Add(1)
	var trusted bool
	in, _ := r.meet(p, &c.Header, func(in *incoming) {
		r.announced(in, p, false)
		if in.body != nil || in.done || in.passing || len(in.compacts) > 0 {
			r.stats.duplicate.Add(1)
		}
		if !r.tooMany(c) {
			trusted = r.links.trusted(p.Num())
			in.keep(arrival{c, p})
		}
	})
	if in == nil {
		r.stats.duplicate.Add(1)
		if to, from := r.pushing(p); !to && !from && !r.owned(c.Header.Hash()) {
			p.Penalise(unaskedPoints, "pushes compact blocks that nobody has asked for")
		}
		return
	}
	if trusted {
		r.pass(in, c, false)
	}
}

// owned reports whether the ledger has a block with its body, not known to be invalid.
func (r *relay) owned(hash wire.Hash) bool {
	e, known := r.chain.Entry(hash)
	return known && e.Status.Has(ledger.HaveBody) && !e.Status.Invalid()
}

// tooMany reports whether a block has more transactions than a valid one can have.
// Nobody is to blame for passing that on.
func (r *relay) tooMany(c *message.Compact) bool { return c.TxCount() > r.maxWeight/minTxWeight }

// announced notes that a peer has a block. The lock is held.
func (r *relay) announced(in *incoming, p *host.Peer, promised bool) {
	in.has[p.Num()] = true
	if in.chase != nil {
		in.chase.announced(time.Now(), p.Num(), promised, r.links.isFrom(p.Num()))
		in.signal()
	}
}

// keep has the chase try a compact block.
func (in *incoming) keep(a arrival) {
	if in.chase != nil && in.body == nil && len(in.compacts) < maxCompacts {
		in.compacts = append(in.compacts, a)
		in.signal()
	}
}

func (in *incoming) signal() { poke(in.wake) }

// meet returns what is known of the block with a header that a peer has sent, nil
// if the relay does not look after it. A header that is new and valid is put into
// the ledger's tree, and the chase begins. For one that is invalid in itself the
// peer has answered, and the error says what is wrong. note is told of what is
// known, with the lock held and before the chase begins: without knowing of anybody
// who has the block the chase would give it up.
func (r *relay) meet(p *host.Peer, h *wire.Header, note func(*incoming)) (*incoming, error) {
	hash := h.Hash()
	r.mu.Lock()
	in, free := r.blocks[hash], r.free(p.Num())
	if in != nil {
		note(in)
	}
	r.mu.Unlock()
	if in != nil {
		r.tell(p, h)
		return in, nil
	}
	height, onTip, ok := r.place(hash, h)
	if !ok || !free {
		r.tell(p, h)
		return nil, nil
	}
	if _, err := r.chain.AddHeaders([]wire.Header{*h}); err != nil {
		// What builds on an invalid body is not the sender's fault: it may not have
		// looked at that body yet. A header that is invalid in itself is.
		var rule *consensus.RuleError
		if errors.As(err, &rule) && rule.Kind != consensus.ErrTimeTooNew && !errors.Is(err, ledger.ErrInvalidParent) && !errors.Is(err, ledger.ErrUnknownParent) {
			p.Penalise(host.BanScore, fmt.Sprintf("announced a block with an invalid header: %v", err))
			return nil, err
		}
		return nil, nil
	}
	in = &incoming{
		hash: hash, header: *h, height: height, first: time.Now(), by: p.Num(), onTip: onTip,
		has:   map[int64]bool{},
		ready: make(chan struct{}), wake: make(chan struct{}, 1),
	}
	in.ctx, in.cancel = context.WithCancel(r.ctx)
	r.mu.Lock()
	in.chase = newChase(in.first, len(r.links.from) > 0)
	other := r.track(in)
	note(other)
	if other == in {
		r.start(func() { r.obtain(in) })
	} else {
		in.cancel()
		in = other // somebody else was faster
	}
	r.mu.Unlock()
	r.tell(p, h)
	return in, nil
}

// tell lets the sync know that a peer has a block.
func (r *relay) tell(p *host.Peer, h *wire.Header) {
	if r.heard != nil {
		r.heard(p, h)
	}
}

// place says where a new block would be in the chain, and whether it would follow
// the tip. It is not ok for the relay if the ledger has the block,
// is catching up, or does not know the parent, or if the block has less work than
// the tip or lies too far ahead.
func (r *relay) place(hash wire.Hash, h *wire.Header) (height uint32, onTip, ok bool) {
	if r.chain.InitialDownload() {
		return 0, false, false
	}
	if e, known := r.chain.Entry(hash); known && (e.Status.Has(ledger.HaveBody) || e.Status.Invalid()) {
		return 0, false, false
	}
	parent, known := r.chain.Entry(h.PrevBlock)
	if !known || parent.Status.Invalid() {
		return 0, false, false
	}
	tip := r.chain.Tip()
	work := parent.Work
	if target, err := pow.Bits(h.Bits).Target(); err == nil { // else AddHeaders says what is wrong
		work = work.Add(target.Work())
	}
	order := work.Cmp(tip.Work)
	height = parent.Ref.Height + 1
	return height, h.PrevBlock == tip.Tip.Hash, order >= 0 && height <= tip.Tip.Height+maxAhead
}

// free reports whether one more block may be chased that a peer has announced.
// Peers that we have asked to push have places of their own, which strangers who
// announce what is not to be had cannot take.
func (r *relay) free(peer int64) bool {
	all, its := 0, 0
	for _, in := range r.blocks {
		if !in.done {
			all++
			if in.by == peer {
				its++
			}
		}
	}
	return (all < maxChases || r.links.isFrom(peer)) && its < maxChasesOf
}

// track remembers a block, or returns what is known of it already. The oldest that
// are done with are forgotten, and so are the bodies of all but the last ones.
func (r *relay) track(in *incoming) *incoming {
	if known := r.blocks[in.hash]; known != nil {
		return known
	}
	for i := 0; len(r.order) >= maxTracked && i < len(r.order); {
		if old := r.order[i]; old.done {
			delete(r.blocks, old.hash)
			r.order = append(r.order[:i], r.order[i+1:]...)
		} else {
			i++
		}
	}
	r.blocks[in.hash] = in
	r.order = append(r.order, in)
	for i, old := range r.order {
		if old.done && i < len(r.order)-maxBodies {
			old.body, old.passed, old.good = nil, nil, nil
		}
	}
	return in
}

// pass tells every peer of a block that it has not announced itself, and pushes the
// compact form over the links. own: the block comes from this node.
func (r *relay) pass(in *incoming, c *message.Compact, own bool) {
	var head *message.Head
	var parts []*message.Part
	if c.Size() > wholePush {
		head, parts = message.Split(c.Header, c.Append(nil))
	}
	if r.push(in, c, head, parts, own) && own && r.publish != nil {
		r.publish(&in.header)
	}
}

// push does what pass says, if it has not been done.
func (r *relay) push(in *incoming, c *message.Compact, head *message.Head, parts []*message.Part, own bool) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if in.passing || !in.onTip && !own {
		return false
	}
	in.passing, in.passed = true, c
	push := map[int64]bool{}
	for _, num := range r.links.targets(own) {
		if p := r.peers[num]; !in.has[num] {
			push[num] = true
			pushWhole(p, c, head, parts, func() bool {
				r.mu.Lock()
				defer r.mu.Unlock()
				return in.has[num]
			})
		}
	}
	r.passedOn(in, push)
	return true
}

// newTip passes on the block that has become the tip, unless that has been done: it
// was made here, or fetched by the sync, or brought by a reorganisation. It does so
// even where there are headers with more work: nobody may ever see their bodies.
func (r *relay) newTip(tip wire.BlockRef) {
	if r.chain.InitialDownload() {
		return
	}
	r.mu.Lock()
	in := r.blocks[tip.Hash]
	passed := in != nil && in.passing
	r.mu.Unlock()
	if passed {
		return
	}
	b, err := r.chain.Block(tip.Hash)
	if err != nil {
		r.log.Debug().Stringer("block", tip.Hash).Err(err).Msg("new tip is not passed on")
		return
	}
	fresh := &incoming{
		hash: tip.Hash, header: b.Header, height: tip.Height, first: time.Now(), by: -1, onTip: true,
		has: map[int64]bool{}, body: b, done: true,
		ready: make(chan struct{}), wake: make(chan struct{}, 1),
	}
	close(fresh.ready)
	r.mu.Lock()
	in = r.track(fresh)
	if in != fresh && !in.done {
		r.settle(in, b)
		in.signal()
	}
	r.mu.Unlock()
	r.pass(in, compact.Narrow(b, nonce, r.pool.Each), true)
	r.blame(b, nil)
}

// settle ends the chase. b is the body, nil if there is none to be had.
func (r *relay) settle(in *incoming, b *wire.Block) {
	r.drop(in)
	if in.body == nil {
		in.body = b
	}
	in.done, in.chase, in.compacts = true, nil, nil
	in.setStream(nil)
	if in.cancel != nil {
		in.cancel()
	}
	in.isReady()
}

// isReady lets those go on who wait for the body.
func (in *incoming) isReady() {
	select {
	case <-in.ready:
	default:
		close(in.ready)
	}
}

// nonce returns a nonce for the short ids of a compact block, which nobody can
// foresee who would like them to collide.
func nonce() uint64 {
	var b [8]byte
	_, _ = rand.Read(b[:]) // never fails
	return binary.LittleEndian.Uint64(b[:])
}
