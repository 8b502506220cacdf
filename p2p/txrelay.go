package p2p

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/mempool"
	"github.com/keelson-chain/keelson/mempool/policy"
	"github.com/keelson-chain/keelson/p2p/host"
	"github.com/keelson-chain/keelson/p2p/message"
	"github.com/keelson-chain/keelson/p2p/peerinfo"
	"github.com/keelson-chain/keelson/p2p/txrequest"
	"github.com/keelson-chain/keelson/wire"
)

// DefaultTxDelay is how long an announcement of transactions waits on the average,
// so that there are several in it, and that nobody can tell from the time where they
// come from.
const DefaultTxDelay = 100 * time.Millisecond

const (
	// maxKnown is how many of the last ids are remembered that a peer has, and
	// maxRejects the same of those that were refused, or were in a block, lately.
	maxKnown   = 4096
	maxRejects = 50_000
	// invPart is how many announcements are looked at together.
	invPart = 256
	// maxTxAsks is how many questions for transactions one peer is asked at a time.
	maxTxAsks = 2
	// maxRepeats is how many transactions a peer is asked for once more that does not
	// answer in time.
	maxRepeats = 256
	// maxInbox is how many transactions wait to be judged, maxJudged how many are
	// judged together, and maxLarge how many of more than largeTx bytes there are: peers
	// can fill the inbox with what costs them nothing.
	maxInbox  = 256
	maxJudged = 128
	maxLarge  = 16
	largeTx   = 20_000
	// rebroadcastTime is how often transactions are announced again that nobody has
	// fetched, at least; half of it may come on top (Bitcoin Core's).
	rebroadcastTime = 10 * time.Minute
	// filterTime is how often the fee filter is looked at.
	filterTime = 30 * time.Second
	// lateScore is what it costs to announce transactions and not to answer for them.
	lateScore = 1
)

// txRelay passes transactions on, and fetches those that peers announce.
//
//	Inv       what the pool lacks goes to the tracker, which says whom to ask
//	fetch     asks, and puts what comes into the inbox
//	judge     gives the inbox to the pool, in small batches; orphans.go, pairs.go
//	announce  tells each peer, now and then, what has come into the pool
//
// A peer's goroutine never waits for the pool's judgement.
type txRelay struct {
	chain   Chain
	pool    Pool
	on      bool // or nobody is told of transactions, and nobody may tell us
	delay   time.Duration
	extra   *extraPool
	orphans *mempool.Orphans
	log     zerolog.Logger
	most    int // bytes of a transaction

	stats *txStats
	inbox chan received
	large chan struct{} // a place for each large transaction of the inbox

	*tasks               // end with the relay
	wake   chan struct{} // has an element when the tracker is to be asked
	// places are for fetching the pools of peers that called, and of those that we called.
	places [2]chan struct{}

	mu        sync.Mutex // guards what follows, and every txPeer
	waits     bool       // with fetching the pools of peers, until it is ready
	syncing   int        // pools that are being fetched
	peers     map[int64]*txPeer
	tracker   *txrequest.Tracker
	judging   map[wire.Hash]bool // witness ids of what is in the inbox
	rejects   recentSet          // witness ids that the pool has refused at this tip
	cheap     recentSet          // those refused for their fee alone, and pairs; see pairs.go
	confirmed recentSet          // witness ids of the last blocks
}

// txPeer is a peer that transactions are exchanged with.
type txPeer struct {
	*host.Peer
	outbound bool

	// Guarded by txRelay.mu.
	known  recentSet      // witness ids that it has, or has been told of
	fee    policy.FeeRate // below which it wants nothing
	at     mempool.Moment // up to which it has been told
	served mempool.Moment // what was in the pool then it may ask for
	due    time.Time      // when it is told next; zero: nothing to tell
	asks   int            // questions that are open
	inbox  int            // what it has sent and nobody has judged yet
	synced bool           // its pool was asked for
	// repeats is how many transactions it was asked for once more since it last answered.
	repeats int

	moved chan struct{} // has an element when one of those numbers has changed
}

// received is a transaction that a peer has sent; from is nil if that peer is gone.
type received struct {
	tx   *wire.Tx
	from *txPeer
	sent bool // by from just now; else it has waited as an orphan
}

// txStats are the counters behind peerinfo.Txs.
type txStats struct {
	announced, asked, got, unanswered    atomic.Uint64
	accepted, refused, invalid, repeated atomic.Uint64
	sent, told                           atomic.Uint64
}

func newTxRelay(cfg *Config, extra *extraPool) *txRelay {
	r := &txRelay{
		chain: cfg.Chain, pool: cfg.Pool, on: !cfg.BlocksOnly, delay: cfg.TxDelay, extra: extra, log: cfg.Log,
		orphans: mempool.NewOrphans(cfg.MaxOrphans, cfg.Now),
		stats:   new(txStats),
		most:    message.MaxAnswer(message.NameTxs, cfg.Params.MaxBlockWeight),
		inbox:   make(chan received, maxInbox),
		large:   make(chan struct{}, maxLarge),
		wake:    make(chan struct{}, 1),
		waits:   true,
		peers:   map[int64]*txPeer{},
		tracker: txrequest.New(txrequest.DefaultLimits(), rand.Uint64()),
		judging: map[wire.Hash]bool{},
		rejects: newRecentSet(maxRejects), cheap: newRecentSet(maxRejects), confirmed: newRecentSet(maxRejects),
	}
	if r.delay == 0 {
		r.delay = DefaultTxDelay
	}
	r.places = [2]chan struct{}{make(chan struct{}, maxSyncsIn), make(chan struct{}, maxSyncsOut)}
	r.tasks = newTasks()
	return r
}

// info returns what has been counted.
func (r *txRelay) info() peerinfo.Txs {
	s := r.stats
	return peerinfo.Txs{
		Announced: s.announced.Load(), Asked: s.asked.Load(), Received: s.got.Load(), Unanswered: s.unanswered.Load(),
		Accepted: s.accepted.Load(), Refused: s.refused.Load(), Invalid: s.invalid.Load(), Repeated: s.repeated.Load(),
		Sent: s.sent.Load(), Told: s.told.Load(), Orphans: r.orphans.Len(),
	}
}

// run relays until ctx ends or the pool is broken. Nothing of the relay runs any
// more when it returns.
func (r *txRelay) run(ctx context.Context) error {
	var err error
	if r.on {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		var parts sync.WaitGroup
		for _, part := range []func(context.Context) error{r.announce, r.fetch, r.judge, r.follow} {
			parts.Go(func() { cancel(part(ctx)) })
		}
		parts.Wait()
		if err = context.Cause(ctx); errors.Is(err, context.Canceled) {
			err = nil
		}
	} else {
		<-ctx.Done()
	}
	r.end()
	return err
}

func (r *txRelay) signal() { poke(r.wake) }

// poke puts an element into a channel that has room for one.
func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// relays reports whether transactions are exchanged with a peer.
func (r *txRelay) relays(p *host.Peer) bool {
	switch p.Kind() {
	case peerinfo.BlockOnly, peerinfo.Feeler, peerinfo.AddressFetch:
		return false
	}
	return r.on && p.Hello().Relay
}

// connected takes in a new peer.
func (r *txRelay) connected(p *host.Peer) {
	if !r.relays(p) {
		return
	}
	now := r.pool.Moment()
	tp := &txPeer{Peer: p, outbound: !p.Inbound(), known: newRecentSet(maxKnown), at: now, moved: make(chan struct{}, 1)}
	filter := r.filter()
	r.mu.Lock()
	r.peers[p.Num()] = tp
	r.tracker.Connected(p.Num(), tp.outbound)
	r.mu.Unlock()
	p.Send(&message.FeeFilter{Rate: filter})
	r.syncPool(tp)
}

// disconnected drops a peer that is gone.
func (r *txRelay) disconnected(p *host.Peer) {
	r.mu.Lock()
	delete(r.peers, p.Num())
	r.tracker.Gone(p.Num())
	r.mu.Unlock()
	r.orphans.RemoveFrom(name(p.Num()))
	r.signal()
}

// name is what the orphans know a peer by.
func name(num int64) string { return strconv.FormatInt(num, 10) }

func (r *txRelay) peer(num int64) *txPeer {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.peers[num]
}

// list returns the peers in the order in which they came.
func (r *txRelay) list() []*txPeer {
	r.mu.Lock()
	defer r.mu.Unlock()
	list := make([]*txPeer, 0, len(r.peers))
	for _, p := range r.peers {
		list = append(list, p)
	}
	slices.SortFunc(list, func(a, b *txPeer) int { return int(a.Num() - b.Num()) })
	return list
}

// feeFilter is called when a peer says what it wants.
func (r *txRelay) feeFilter(p *host.Peer, m *message.FeeFilter) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if tp := r.peers[p.Num()]; tp != nil {
		tp.fee = policy.FeeRate(m.Rate)
	}
}

// feeOf returns what a peer wants at least.
func (r *txRelay) feeOf(p *host.Peer) wire.Amount {
	r.mu.Lock()
	defer r.mu.Unlock()
	if tp := r.peers[p.Num()]; tp != nil {
		return wire.Amount(tp.fee)
	}
	return 0
}

// filter is what we want: nothing in the initial download.
func (r *txRelay) filter() wire.Amount {
	if r.chain.InitialDownload() {
		return wire.MaxMoney
	}
	return wire.Amount(r.pool.MinFee())
}

// inv is called when a peer announces transactions.
func (r *txRelay) inv(p *host.Peer, m *message.Inv) {
	tp := r.peer(p.Num())
	if tp == nil {
		if !r.on || p.Kind() == peerinfo.BlockOnly {
			p.Disconnect("announced transactions, which it was told not to")
		}
		return
	}
	r.stats.announced.Add(uint64(len(m.WTxIDs)))
	if r.chain.InitialDownload() {
		return
	}
	// A part at a time, which bounds what is held for all peers together; what a peer
	// has no room for is not looked at, since it announces faster than it answers.
	for ids := range slices.Chunk(m.WTxIDs, invPart) {
		r.mu.Lock()
		full := r.tracker.Room(p.Num()) == 0
		for i := 0; i < len(ids) && !full; i++ {
			tp.known.add(&ids[i])
		}
		r.mu.Unlock()
		if full {
			break
		}
		r.want(tp, r.lacking(ids))
	}
}

// lacking returns those of the ids that are worth asking for.
func (r *txRelay) lacking(wtxids []wire.Hash) []wire.Hash {
	list := r.pool.LackingWTxIDs(wtxids, nil)
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.DeleteFunc(list, func(id wire.Hash) bool {
		return r.judging[id] || r.rejects.has(&id) || r.cheap.has(&id) || r.confirmed.has(&id)
	})
}

// want has the tracker ask for transactions that a peer has announced; of an orphan,
// for its parents. It returns those that the peer has no room for yet.
func (r *txRelay) want(tp *txPeer, wtxids []wire.Hash) (rest []wire.Hash) {
	ids := make([]txrequest.ID, 0, len(wtxids))
	for _, id := range wtxids {
		if tx := r.orphans.Tx(id); tx != nil {
			ids = append(ids, r.lackingParents(tx)...)
		} else {
			ids = append(ids, txrequest.ID{Hash: id})
		}
	}
	now := time.Now()
	r.mu.Lock()
	defer r.signal()
	defer r.mu.Unlock()
	for i, id := range ids {
		if r.tracker.Room(tp.Num()) == 0 {
			for _, id := range ids[i:] {
				if !id.ByTxID {
					rest = append(rest, id.Hash)
				}
			}
			break
		}
		r.tracker.Announced(now, tp.Num(), id)
	}
	return rest
}

// fetch asks whom the tracker says for what it says.
func (r *txRelay) fetch(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for {
		select {
		case <-r.wake:
		case <-timer.C:
		case <-ctx.Done():
			return nil
		}
		now := time.Now()
		r.mu.Lock()
		batches, late := r.tracker.Next(now, func(num int64) bool {
			p := r.peers[num]
			return p != nil && p.asks < maxTxAsks && len(r.judging) < maxInbox
		})
		for _, b := range batches {
			r.peers[b.Peer].asks++
		}
		next := r.tracker.Wake()
		asked := make([]*txPeer, len(batches))
		for i, b := range batches {
			asked[i] = r.peers[b.Peer]
		}
		r.mu.Unlock()
		r.stats.unanswered.Add(uint64(len(late)))
		for i, b := range batches {
			r.stats.asked.Add(uint64(len(b.IDs)))
			r.start(func() { r.ask(asked[i], b) })
		}
		if !next.IsZero() {
			timer.Reset(max(0, next.Sub(now)))
		}
	}
}

// errStop ends an answer that is of no use.
var errStop = errors.New("the answer is not read on")

// ask asks a peer for transactions, and hands them to the judge.
func (r *txRelay) ask(tp *txPeer, b txrequest.Batch) {
	ctx, cancel := context.WithTimeout(r.ctx, txrequest.DefaultLimits().Expiry)
	defer cancel()
	request := message.TxsRequest{ByTxID: b.ByTxID, IDs: b.IDs}
	n := 0
	err := tp.AskMany(ctx, message.NameTxs, request.Append(nil), r.most, func(frame []byte) error {
		if n >= len(b.IDs) {
			tp.Penalise(host.BanScore, "sent more transactions than it was asked for")
			return errStop
		}
		id := txrequest.ID{Hash: b.IDs[n], ByTxID: b.ByTxID}
		n++
		if len(frame) == 0 {
			r.mu.Lock()
			r.tracker.Answered(tp.Num(), id)
			r.mu.Unlock()
			return nil
		}
		tx, err := wire.DecodeTx(frame)
		if err != nil {
			tp.Penalise(host.BanScore, fmt.Sprintf("sent a malformed transaction: %v", err))
			return errStop
		}
		if id.ByTxID && tx.TxID() != id.Hash || !id.ByTxID && tx.WTxID() != id.Hash {
			tp.Penalise(host.BanScore, fmt.Sprintf("sent %v instead of the transaction that it was asked for", tx.TxID()))
			return errStop
		}
		return r.receive(ctx, tp, id, tx)
	})
	r.mu.Lock()
	for _, hash := range b.IDs[n:] {
		r.tracker.Failed(tp.Num(), txrequest.ID{Hash: hash, ByTxID: b.ByTxID})
	}
	tp.asks--
	r.moved()
	r.mu.Unlock()
	if r.ctx.Err() == nil && (errors.Is(err, host.ErrTimeout) || errors.Is(err, context.DeadlineExceeded)) {
		r.stats.unanswered.Add(uint64(len(b.IDs) - n))
		if n == 0 { // else it may be we who are slow
			tp.Penalise(lateScore, "does not answer for the transactions that it has announced")
		}
		r.again(tp, b.ByTxID, b.IDs[n:])
	} else if err == nil {
		r.mu.Lock()
		tp.repeats = 0
		r.mu.Unlock()
	}
	r.signal()
}

// again notes that a peer has what it has not delivered in time: either side may just
// be busy, it will not say so again, and it may be the only one. What another has
// announced, too, is asked of that one.
func (r *txRelay) again(tp *txPeer, byTxID bool, ids []wire.Hash) {
	now := time.Now()
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, hash := range ids {
		if tp.repeats >= maxRepeats {
			return
		}
		tp.repeats++
		r.tracker.Announced(now, tp.Num(), txrequest.ID{Hash: hash, ByTxID: byTxID})
	}
}

// moved tells those who fetch pools that something has changed. The lock is held.
func (r *txRelay) moved() {
	if r.syncing > 0 {
		for _, tp := range r.peers {
			poke(tp.moved)
		}
	}
}

// receive puts a transaction that a peer has sent into the inbox, and waits for
// room there.
func (r *txRelay) receive(ctx context.Context, tp *txPeer, id txrequest.ID, tx *wire.Tx) error {
	r.stats.got.Add(1)
	wtxid := tx.WTxID()
	r.mu.Lock()
	tp.known.add(&wtxid)
	r.tracker.Delivered(tp.Num(), id)
	repeated := r.judging[wtxid] || r.rejects.has(&wtxid)
	if !repeated {
		r.judging[wtxid] = true
		tp.inbox++
	}
	r.mu.Unlock()
	if repeated {
		return nil
	}
	x := received{tx, tp, true}
	if tx.Size() > largeTx {
		select {
		case r.large <- struct{}{}:
		case <-ctx.Done():
			r.forget(x)
			return ctx.Err()
		}
	}
	select {
	case r.inbox <- x:
		return nil
	case <-ctx.Done():
		r.forget(x)
		r.leave(x)
		return ctx.Err()
	}
}

// forget takes what is not in the inbox any more off the books.
func (r *txRelay) forget(x received) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.judging, x.tx.WTxID())
	if x.sent {
		x.from.inbox--
		r.moved()
	}
}

// leave gives back the place of a large transaction.
func (r *txRelay) leave(x received) {
	if x.sent && x.tx.Size() > largeTx {
		<-r.large
	}
}

// announce tells peers what comes into the pool.
func (r *txRelay) announce(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	last, filter := r.pool.Moment(), r.filter()
	again := time.Now().Add(rebroadcastTime + rand.N(rebroadcastTime/2))
	look := time.Now()
	var buf []mempool.Arrival
	for {
		changed := r.pool.Changed()
		r.look()
		now := time.Now()
		switch at := r.pool.Moment(); {
		case r.chain.InitialDownload():
			last = at
			r.skip(at)
		case at != last:
			last = at
			r.schedule(now)
		}
		if !now.Before(look) {
			if f := r.filter(); f != filter {
				filter = f
				r.sendFilter(f)
			}
			look = now.Add(filterTime)
		}
		if !now.Before(again) {
			r.rebroadcast()
			again = now.Add(rebroadcastTime + rand.N(rebroadcastTime/2))
		}
		next := look
		if again.Before(next) {
			next = again
		}
		for _, tp := range r.list() {
			r.mu.Lock()
			due, at := tp.due, tp.at
			r.mu.Unlock()
			switch {
			case due.IsZero():
				continue
			case due.After(now):
				if due.Before(next) {
					next = due
				}
				continue
			}
			var missed bool
			buf, at, missed = r.pool.ArrivalsSince(at, buf[:0])
			if missed {
				r.log.Debug().Int64("peer", tp.Num()).Msg("more transactions came than are announced")
			}
			r.mu.Lock()
			tp.serve(at) // it may ask as soon as it is told
			r.mu.Unlock()
			told := r.tell(tp, buf, false)
			r.mu.Lock()
			if told {
				tp.at, tp.due = at, time.Time{}
			} else if tp.due = now.Add(r.delay); tp.due.Before(next) { // its queue is full
				next = tp.due
			}
			r.mu.Unlock()
		}
		timer.Reset(max(0, next.Sub(now)))
		select {
		case <-changed:
		case <-timer.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// sendFilter tells every peer what we want.
func (r *txRelay) sendFilter(rate wire.Amount) {
	for _, tp := range r.list() {
		tp.Send(&message.FeeFilter{Rate: rate})
	}
}

// rebroadcast tells every peer once more of those transactions of our user that
// nobody has fetched.
func (r *txRelay) rebroadcast() {
	list, now := r.pool.Unbroadcast(), r.pool.Moment()
	if len(list) == 0 {
		return
	}
	for _, tp := range r.list() {
		r.mu.Lock()
		tp.serve(now)
		r.mu.Unlock()
		r.tell(tp, list, true)
	}
}

// skip leaves out what has come up to a moment.
func (r *txRelay) skip(at mempool.Moment) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, tp := range r.peers {
		tp.at, tp.due = at, time.Time{}
	}
}

// schedule sets the times at which peers are told of what has come, unless they are
// set.
func (r *txRelay) schedule(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, tp := range r.peers {
		if tp.due.IsZero() {
			// Poisson, as in Bitcoin Core: the time says nothing of when it came.
			tp.due = now.Add(time.Duration(min(10, rand.ExpFloat64()) * float64(r.delay)))
		}
	}
}

// tell announces those of the transactions to a peer that it wants to hear of, and
// has not, unless again is set. It returns false if the peer's queue is full.
func (r *txRelay) tell(tp *txPeer, list []mempool.Arrival, again bool) bool {
	var ids []wire.Hash
	r.mu.Lock()
	for i := range list {
		a := &list[i]
		if a.Fee >= tp.fee.Fee(a.VSize) && (again || !tp.known.has(&a.WTxID)) {
			ids = append(ids, a.WTxID)
		}
	}
	r.mu.Unlock()
	for part := range slices.Chunk(ids, message.MaxInv) {
		if !tp.Send(&message.Inv{WTxIDs: part}) {
			return false
		}
		r.stats.told.Add(uint64(len(part)))
		r.mu.Lock()
		for i := range part {
			tp.known.add(&part[i])
		}
		r.mu.Unlock()
	}
	return true
}

// serve lets the peer ask for what was in the pool at a moment. The lock is held.
func (tp *txPeer) serve(at mempool.Moment) {
	tp.served = max(tp.served, at)
}

// serveTxs answers a request for transactions: those that were in the pool when the
// peer was last told of any, so that nobody finds out by asking when one came.
func (r *txRelay) serveTxs(p *host.Peer, request []byte, answer func(frame []byte) error) error {
	m, err := message.DecodeTxsRequest(request)
	if err != nil {
		p.Penalise(host.BanScore, fmt.Sprintf("a txs request: %v", err))
		return err
	}
	get := r.pool.RawByWTxID
	if m.ByTxID {
		get = r.pool.RawByTxID
	}
	var served mempool.Moment
	tp := r.peer(p.Num())
	if tp != nil {
		r.mu.Lock()
		served = tp.served
		r.mu.Unlock()
	}
	for _, id := range m.IDs {
		var raw []byte
		if tp != nil {
			raw, _ = get(id, served)
		}
		if err := answer(raw); err != nil {
			return err
		}
		if raw != nil {
			r.stats.sent.Add(1)
			if m.ByTxID {
				// A parent below the peers' fee filters is fetched in no other way.
				r.pool.MarkBroadcastTxID(id)
			} else {
				r.pool.MarkBroadcast(id)
			}
		}
	}
	return nil
}

// blamesTx reports whether the error with which the pool met a transaction is the
// fault of whoever sent it: it breaks a rule on any tip.
func blamesTx(err error) bool {
	var rule *consensus.RuleError
	return errors.As(err, &rule) && rule.Kind != consensus.ErrMissingInput && rule.Kind != consensus.ErrImmatureSpend
}
