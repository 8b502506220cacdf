package p2p

import (
	"context"
	"crypto/sha256"
	"math/rand/v2"
	"strconv"

	"github.com/keelson-chain/keelson/mempool"
	"github.com/keelson-chain/keelson/wire"
)

// A transaction that pays too little by itself may come in with a child that pays for
// both. Nodes have no word for that, as in Bitcoin Core 28: the child is announced,
// comes as an orphan, and its sender is asked for the parent, whatever our fee filter
// says. The parent is refused for its fee alone, and nobody is blamed for that; if a
// child of it waits, the pool is offered the two. Each pair is tried once at a tip, and
// one pair for each time that a parent comes, so that fake children cost little.

// tooCheap notes that a transaction is not judged by itself again at this tip.
func (r *txRelay) tooCheap(wtxid *wire.Hash) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.cheap.add(wtxid)
}

// isCheap reports whether a transaction, or a pair by its pairID, was found to pay too
// little at this tip.
func (r *txRelay) isCheap(id *wire.Hash) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.cheap.has(id)
}

// pairID names a parent with a child among what was found too cheap.
func pairID(parent, child *wire.Tx) wire.Hash {
	a, b := parent.WTxID(), child.WTxID()
	return sha256.Sum256(append(a[:], b[:]...))
}

// findChild returns an orphan that spends from a parent and has not been tried with it:
// the newest that the parent's sender has sent, so that nobody else's fakes come
// before it, or else any, since both may have announced both.
func (r *txRelay) findChild(parent received) (child received, ok bool) {
	var own, others []mempool.Orphan
	for _, o := range r.orphans.Children(parent.tx) {
		if parent.from != nil && o.From == name(parent.from.Num()) {
			own = append(own, o)
		} else {
			others = append(others, o)
		}
	}
	rand.Shuffle(len(others), func(i, j int) { others[i], others[j] = others[j], others[i] })
	for _, o := range append(own, others...) {
		if id := pairID(parent.tx, o.Tx); !r.isCheap(&id) {
			num, _ := strconv.ParseInt(o.From, 10, 64)
			return received{o.Tx, r.peer(num), false}, true
		}
	}
	return received{}, false
}

// tryPair offers the pool a parent that was refused for its fee with an orphan that
// spends from it, if there is one, and returns the orphans that have waited for
// either. The error is a fault or ctx's.
func (r *txRelay) tryPair(ctx context.Context, parent received) (children []received, err error) {
	child, ok := r.findChild(parent)
	if !ok {
		return nil, nil
	}
	pair := []received{parent, child}
	result, err := r.pool.AddPackage(ctx, []*wire.Tx{parent.tx, child.tx}, mempool.PackageOptions{})
	if err != nil {
		return nil, err
	}
	if result.Err != nil {
		id := pairID(parent.tx, child.tx)
		r.tooCheap(&id)
	}
	// The child first, lest it be found among what has waited for the parent.
	for _, i := range []int{1, 0} {
		x, v := pair[i], &result.Txs[i]
		if !v.Judged || mempool.IsMissingInputs(v.Err) {
			continue // it waits on, for another parent
		}
		wtxid := x.tx.WTxID()
		r.orphans.Remove(wtxid)
		if i == 0 && mempool.IsTooCheap(v.Err) {
			continue // as was found before
		}
		children = append(children, r.settle(x, v.Err)...)
		r.unwant(x.tx)
	}
	return children, nil
}
