package p2p

import (
	"slices"
	"sync"

	"github.com/keelson-chain/keelson/wire"
)

const (
	// extraTxs is how many transactions outside the pool are kept for compact
	// blocks, as in Bitcoin Core (-blockreconstructionextratxn).
	extraTxs = 100
	// maxExtraTx is how large one of them may be, and maxExtra all of them, in bytes:
	// peers can fill this with what costs them nothing.
	maxExtraTx, maxExtra = 100_000, 1 << 20
)

// extraPool keeps the last transactions that the pool did not take or let go of:
// replaced, refused by policy, waiting for their parents. Others may have put them
// in a block all the same. The zero value is empty; its methods may be called from
// any goroutine.
type extraPool struct {
	mu    sync.Mutex
	txs   []extraTx // oldest first
	bytes int
}

type extraTx struct {
	wtxid wire.Hash
	raw   []byte
}

// add keeps a transaction, and the oldest no longer for which there is no room.
func (e *extraPool) add(tx *wire.Tx) {
	if tx.Size() > maxExtraTx {
		return
	}
	x := extraTx{tx.WTxID(), tx.Append(make([]byte, 0, tx.Size()))}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.txs = append(e.txs, x)
	e.bytes += len(x.raw)
	surplus := 0
	for len(e.txs)-surplus > extraTxs || e.bytes > maxExtra {
		e.bytes -= len(e.txs[surplus].raw)
		surplus++
	}
	e.txs = slices.Delete(e.txs, 0, surplus)
}

// each calls f with all of them.
func (e *extraPool) each(f func(wtxid *wire.Hash, raw []byte)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	for i := range e.txs {
		f(&e.txs[i].wtxid, e.txs[i].raw)
	}
}
