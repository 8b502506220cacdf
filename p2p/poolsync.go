package p2p

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/keelson-chain/keelson/mempool/policy"
	"github.com/keelson-chain/keelson/p2p/host"
	"github.com/keelson-chain/keelson/p2p/message"
	"github.com/keelson-chain/keelson/wire"
)

// Nodes that meet tell each other only what comes from then on. So that they have
// the same transactions, each asks the other once for what is in its pool.

const (
	// maxSyncsIn and maxSyncsOut are how many pools are fetched at a time from peers
	// that have called us, and from those that we have called.
	maxSyncsIn  = 2
	maxSyncsOut = 8
	// syncPoolTime is how long that may take with one peer.
	syncPoolTime = 60 * time.Second
	// syncPasses is how often what is in the peer's pool is asked for: what has come
	// before its parents, and found no room among the orphans, comes the second time.
	syncPasses = 2
)

// ready reports whether the pools of the peers matter: the initial download is over,
// and the pool has read what the last run has left.
func (r *txRelay) ready() bool { return !r.chain.InitialDownload() && r.pool.Stats().Loaded }

// look begins to fetch the pools of the peers when that makes sense.
func (r *txRelay) look() {
	r.mu.Lock()
	waits := r.waits
	r.mu.Unlock()
	if waits && r.ready() {
		r.mu.Lock()
		r.waits = false
		r.mu.Unlock()
		r.sendFilter(r.filter())
		for _, tp := range r.list() {
			r.syncPool(tp)
		}
	}
}

// syncPool fetches what is in a peer's pool, once, beside everything else.
func (r *txRelay) syncPool(tp *txPeer) {
	if !r.ready() {
		r.mu.Lock()
		r.waits = true
		r.mu.Unlock()
		return
	}
	r.mu.Lock()
	done := tp.synced
	tp.synced = true
	r.mu.Unlock()
	if done {
		return
	}
	places := r.places[0]
	if tp.outbound {
		places = r.places[1]
	}
	r.start(func() {
		select {
		case places <- struct{}{}:
		case <-tp.Done():
			return
		case <-r.ctx.Done():
			return
		}
		defer func() { <-places }()
		ctx, cancel := context.WithTimeout(r.ctx, syncPoolTime)
		defer cancel()
		if err := r.fetchPool(ctx, tp); err != nil {
			r.log.Debug().Int64("peer", tp.Num()).Err(err).Msg("the peer's pool is not fetched")
		}
	})
}

// fetchPool asks a peer what is in its pool, and for what of that is lacking.
func (r *txRelay) fetchPool(ctx context.Context, tp *txPeer) error {
	request := message.PoolRequest{Rate: r.filter()}
	answer, err := tp.Ask(ctx, message.NamePool, request.Append(nil), message.MaxAnswer(message.NamePool, 0))
	if err != nil {
		return err
	}
	pool, err := message.DecodePool(answer)
	if err != nil {
		tp.Penalise(host.BanScore, fmt.Sprintf("a malformed list of its pool: %v", err))
		return err
	}
	r.stats.announced.Add(uint64(len(pool.WTxIDs)))
	for range syncPasses {
		ids := r.lacking(pool.WTxIDs)
		if len(ids) == 0 {
			return nil
		}
		if err := r.fetchAll(ctx, tp, ids); err != nil {
			return err
		}
	}
	return nil
}

// fetchAll has the tracker ask for transactions that a peer has, as it has room for
// them, and returns when nothing is left to be asked of the peer.
func (r *txRelay) fetchAll(ctx context.Context, tp *txPeer, ids []wire.Hash) error {
	r.mu.Lock()
	r.syncing++
	r.mu.Unlock()
	defer func() {
		r.mu.Lock()
		r.syncing--
		r.mu.Unlock()
	}()
	for {
		ids = r.want(tp, ids)
		r.mu.Lock()
		idle := len(ids) == 0 && tp.inbox == 0 && r.tracker.Pending(tp.Num()) == 0
		r.mu.Unlock()
		if idle {
			return nil
		}
		select {
		case <-tp.moved:
		case <-tp.Done():
			return errGone
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

var errGone = errors.New("the peer is gone")

// servePool answers a request for the list of the pool.
func (r *txRelay) servePool(p *host.Peer, request []byte, answer func(frame []byte) error) error {
	m, err := message.DecodePoolRequest(request)
	if err != nil {
		p.Penalise(host.BanScore, fmt.Sprintf("a pool request: %v", err))
		return err
	}
	tp := r.peer(p.Num())
	if tp == nil || r.chain.InitialDownload() {
		return answer((&message.Pool{}).Append(nil))
	}
	ids, now := r.pool.WTxIDs(policy.FeeRate(m.Rate), message.MaxPool)
	r.mu.Lock()
	tp.serve(now)
	r.mu.Unlock()
	return answer((&message.Pool{WTxIDs: ids}).Append(nil))
}
