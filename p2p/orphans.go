package p2p

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/keelson-chain/keelson/mempool"
	"github.com/keelson-chain/keelson/p2p/host"
	"github.com/keelson-chain/keelson/p2p/txrequest"
	"github.com/keelson-chain/keelson/wire"
)

const (
	// maxParents is how many parents an orphan may lack to be kept.
	maxParents = 100
	// maxFollowed is how many new blocks are looked at for what concerns orphans.
	maxFollowed = 6
)

// judge gives what is in the inbox to the pool.
func (r *txRelay) judge(ctx context.Context) error {
	var list []received
	for {
		select {
		case x := <-r.inbox:
			list = append(list[:0], x)
		case <-ctx.Done():
			return nil
		}
	gather:
		for len(list) < maxJudged {
			select {
			case x := <-r.inbox:
				list = append(list, x)
			default:
				break gather
			}
		}
		// What has waited for these comes after them, and so on.
		for next := list; len(next) > 0; {
			children, err := r.add(ctx, next)
			if err != nil {
				if ctx.Err() != nil {
					return nil
				}
				return fmt.Errorf("p2p: add transactions to the pool: %w", err)
			}
			next = children
		}
		for i, x := range list {
			r.leave(x)
			list[i] = received{}
		}
		r.signal()
	}
}

// add gives transactions to the pool, and returns the orphans that have waited for
// them. The error is a fault or ctx's.
func (r *txRelay) add(ctx context.Context, list []received) (children []received, err error) {
	// What is known to pay too little comes as the parent of an orphan.
	fresh, cheap := make([]received, 0, len(list)), []received(nil)
	txs := make([]*wire.Tx, 0, len(list))
	for _, x := range list {
		if wtxid := x.tx.WTxID(); r.isCheap(&wtxid) {
			cheap = append(cheap, x)
			continue
		}
		fresh, txs = append(fresh, x), append(txs, x.tx)
	}
	errs, err := r.pool.AddAll(ctx, txs, mempool.AddOptions{})
	if err != nil {
		return nil, err
	}
	for i, x := range fresh {
		switch {
		case mempool.IsMissingInputs(errs[i]):
			r.adopt(x)
		case mempool.IsTooCheap(errs[i]):
			cheap = append(cheap, x)
			fallthrough
		default:
			children = append(children, r.settle(x, errs[i])...)
		}
	}
	// Their children may have come with them.
	for _, x := range cheap {
		more, err := r.tryPair(ctx, x)
		if err != nil {
			return nil, err
		}
		children = append(children, more...)
	}
	for _, x := range list {
		r.forget(x)
		r.unwant(x.tx)
	}
	return children, nil
}

// settle notes what the pool has said of a transaction, and returns the orphans that
// have waited for it. What is counted has been noted.
func (r *txRelay) settle(x received, err error) (children []received) {
	wtxid := x.tx.WTxID()
	switch {
	case err == nil:
		r.stats.accepted.Add(1)
		if x.from != nil {
			x.from.NoteTx()
		}
		return r.childrenOf(x.tx)
	case blamesTx(err):
		r.reject(&wtxid)
		r.stats.invalid.Add(1)
		if x.from != nil {
			x.from.Penalise(host.BanScore, fmt.Sprintf("sent the invalid transaction %v: %v", x.tx.TxID(), err))
		}
	case isKnown(err):
		r.stats.repeated.Add(1)
		return r.childrenOf(x.tx)
	case mempool.IsTooCheap(err):
		r.tooCheap(&wtxid)
		r.extra.add(x.tx)
		r.stats.refused.Add(1)
	default:
		r.reject(&wtxid)
		r.extra.add(x.tx)
		r.stats.refused.Add(1)
	}
	return nil
}

// unwant has nobody asked for a transaction any more who has announced it, in one way
// or the other.
func (r *txRelay) unwant(tx *wire.Tx) {
	wtxid, txid := tx.WTxID(), tx.TxID()
	r.mu.Lock()
	defer r.mu.Unlock()
	r.tracker.Delivered(-1, txrequest.ID{Hash: wtxid})
	r.tracker.Delivered(-1, txrequest.ID{Hash: txid, ByTxID: true})
}

// isKnown reports whether the pool has the transaction, or the chain.
func isKnown(err error) bool {
	switch mempool.RejectReason(err) {
	case "txn-already-in-mempool", "txn-same-nonwitness-data-in-mempool", "txn-already-known":
		return true
	}
	return false
}

func (r *txRelay) reject(wtxid *wire.Hash) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.rejects.add(wtxid)
}

// childrenOf takes the orphans that spend from a transaction.
func (r *txRelay) childrenOf(tx *wire.Tx) (list []received) {
	for _, o := range r.orphans.TakeChildren(tx) {
		num, _ := strconv.ParseInt(o.From, 10, 64)
		list = append(list, received{o.Tx, r.peer(num), false})
	}
	return list
}

// adopt keeps a transaction whose parents are missing, and asks its sender for them.
func (r *txRelay) adopt(x received) {
	r.extra.add(x.tx)
	wtxid := x.tx.WTxID()
	ids := r.lackingParents(x.tx)
	if x.from == nil || len(parentsOf(x.tx)) > maxParents || r.hopeless(ids) {
		r.reject(&wtxid)
		return
	}
	if !r.orphans.Add(x.tx, name(x.from.Num())) && !r.orphans.Has(wtxid) {
		r.reject(&wtxid)
		return
	}
	now := time.Now()
	r.mu.Lock()
	_, here := r.peers[x.from.Num()]
	if here {
		for _, id := range ids {
			r.tracker.Announced(now, x.from.Num(), id)
		}
	}
	r.mu.Unlock()
	if !here { // and what is its own has been removed before this was added
		r.orphans.RemoveFrom(name(x.from.Num()))
	}
}

// parentsOf returns the ids of the transactions that tx spends from, each once.
func parentsOf(tx *wire.Tx) (ids []wire.Hash) {
	for i := range tx.Inputs {
		if id := tx.Inputs[i].PrevOut.TxID; !slices.Contains(ids, id) {
			ids = append(ids, id)
		}
	}
	return ids
}

// lackingParents returns the parents of an orphan that are not in the pool.
func (r *txRelay) lackingParents(tx *wire.Tx) (ids []txrequest.ID) {
	for _, id := range parentsOf(tx) {
		if !r.pool.Has(id) {
			ids = append(ids, txrequest.ID{Hash: id, ByTxID: true})
		}
	}
	return ids
}

// hopeless reports whether one of the parents that an orphan lacks was refused, but for
// its fee, or two for their fees, since only pairs are tried. Most ids of transactions
// with witnesses tell nothing, as those with witnesses are remembered (Bitcoin Core's).
func (r *txRelay) hopeless(parents []txrequest.ID) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	cheap := 0
	for i := range parents {
		if r.rejects.has(&parents[i].Hash) {
			return true
		}
		if r.cheap.has(&parents[i].Hash) {
			cheap++
		}
	}
	return cheap > 1
}

// follow has the pool follow the chain, so that what comes back is announced. It
// drops orphans that new blocks have or make impossible, has those judged whose
// parents are in them, and forgets what was refused at another tip.
func (r *txRelay) follow(ctx context.Context) error {
	at := r.chain.Tip().Tip
	for {
		changed := r.chain.Changed()
		if !r.chain.InitialDownload() {
			if err := r.pool.Sync(); err != nil {
				r.log.Debug().Err(err).Msg("the pool does not follow the chain")
			}
			if err := r.newBlocks(ctx, at); err != nil {
				return nil
			}
		}
		at = r.chain.Tip().Tip
		select {
		case <-changed:
		case <-ctx.Done():
			return nil
		}
	}
}

// newBlocks looks at what has happened to the chain since the block at.
func (r *txRelay) newBlocks(ctx context.Context, at wire.BlockRef) error {
	updates, err := r.chain.UpdatesSince(at, 0)
	if err != nil || len(updates) == 0 {
		return nil //nolint:nilerr // a block that is not known is not followed
	}
	r.mu.Lock()
	r.rejects.reset()
	r.cheap.reset()
	r.mu.Unlock()
	for _, u := range updates[max(0, len(updates)-maxFollowed):] {
		if !u.Connected {
			continue
		}
		b, err := r.chain.Block(u.Ref.Hash)
		if err != nil {
			continue
		}
		r.mu.Lock()
		for _, tx := range b.Txs[1:] {
			wtxid := tx.WTxID()
			r.confirmed.add(&wtxid)
		}
		r.mu.Unlock()
		if err := r.mined(ctx, b); err != nil {
			return err
		}
	}
	return nil
}

// mined has the orphans judged whose parents are in a block.
func (r *txRelay) mined(ctx context.Context, b *wire.Block) error {
	if r.orphans.Len() == 0 {
		return nil
	}
	r.orphans.RemoveFor(b)
	for _, tx := range b.Txs {
		for _, child := range r.childrenOf(tx) {
			wtxid := child.tx.WTxID()
			r.mu.Lock()
			r.judging[wtxid] = true
			r.mu.Unlock()
			select {
			case r.inbox <- child:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	return nil
}
