package mempool

import (
	"context"
	"slices"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/mempool/policy"
	"github.com/keelson-chain/keelson/wire"
)

// Info is what there is to say about a transaction of the pool. A transaction
// counts among its own ancestors and descendants; sizes are virtual bytes.
type Info struct {
	TxID, WTxID      wire.Hash
	VSize, Weight    int
	Time             int64  // of its arrival, in seconds since 1970
	Height           uint32 // of the tip then
	Fee, ModifiedFee wire.Amount

	AncestorCount, AncestorSize     int
	AncestorFees                    wire.Amount // modified
	DescendantCount, DescendantSize int
	DescendantFees                  wire.Amount // modified

	// Depends are the transactions of the pool that it spends from, SpentBy
	// those that spend from it, ordered by id.
	Depends, SpentBy []wire.Hash
	// Replaceable says that it or an ancestor signals BIP 125.
	Replaceable bool
	Unbroadcast bool
}

func (p *Pool) info(e *entry) Info {
	up, down := e.ancestors(), e.descendants()
	return Info{
		TxID: e.txid, WTxID: e.wtxid,
		VSize: int(e.vsize), Weight: int(e.weight),
		Time: e.time, Height: e.height,
		Fee: e.fee, ModifiedFee: e.modified,
		AncestorCount: up.count, AncestorSize: up.size, AncestorFees: up.fees,
		DescendantCount: down.count, DescendantSize: down.size, DescendantFees: down.fees,
		Depends: ids(e.parents()), SpentBy: ids(e.children()),
		Replaceable: slices.ContainsFunc(p.ancestors(e), func(a *entry) bool { return a.has(flagSignals) }),
		Unbroadcast: e.has(flagUnbroadcast),
	}
}

// ids returns the ids of entries, in their order.
func ids(list []*entry) []wire.Hash {
	if len(list) == 0 {
		return nil
	}
	ids := make([]wire.Hash, len(list))
	for i, e := range list {
		ids[i] = e.txid
	}
	slices.SortFunc(ids, func(a, b wire.Hash) int { return slices.Compare(a[:], b[:]) })
	return ids
}

// Tx returns a transaction of the pool.
func (p *Pool) Tx(txid wire.Hash) (tx *wire.Tx, ok bool) {
	_ = p.read(func() {
		if e := p.lookup(&txid); e != nil {
			tx, ok = e.tx(), true
		}
	})
	return tx, ok
}

// Each calls f with the witness id and the encoding, with witnesses, of every
// transaction, in no order. Those that have just left the pool, and the last ones
// that were replaced, may be among them: others may have put them in a block.
// f must be quick, must not call the Pool, and may keep raw, which nobody changes,
// but not wtxid.
func (p *Pool) Each(f func(wtxid *wire.Hash, raw []byte)) error {
	return p.read(func() {
		for _, e := range p.arrivals.list {
			if e.raw != nil {
				f(&e.wtxid, e.raw)
			}
		}
		for i := range p.replaced.list {
			f(&p.replaced.list[i].wtxid, p.replaced.list[i].raw)
		}
	})
}

// Has reports whether a transaction is in the pool.
func (p *Pool) Has(txid wire.Hash) (ok bool) {
	_ = p.read(func() { ok = p.lookup(&txid) != nil })
	return ok
}

// Info describes a transaction of the pool.
func (p *Pool) Info(txid wire.Hash) (info Info, ok bool) {
	_ = p.read(func() {
		if e := p.lookup(&txid); e != nil {
			info, ok = p.info(e), true
		}
	})
	return info, ok
}

// Infos describes all transactions, in the order of TxIDs.
func (p *Pool) Infos() (list []Info) {
	_ = p.read(func() {
		all := p.byDepth()
		list = make([]Info, len(all))
		for i, e := range all {
			list[i] = p.info(e)
		}
	})
	return list
}

// TxIDs returns the ids of all transactions, each behind its ancestors: by
// the number of those, then by fee rate. Sequence is that of the pool then.
func (p *Pool) TxIDs() (ids []wire.Hash, sequence uint64) {
	_ = p.read(func() {
		all := p.byDepth()
		ids = make([]wire.Hash, len(all))
		for i, e := range all {
			ids[i] = e.txid
		}
		sequence = p.sequence
	})
	return ids, sequence
}

// byDepth returns all entries by the number of their ancestors, then by fee
// rate. The ranking itself is left as it is.
func (p *Pool) byDepth() []*entry {
	ranked := p.ranked()
	// There are few such numbers, and the pool is locked: the entries are counted out
	// instead of sorted.
	var next []int // by number of ancestors: where the next entry with so many goes
	for _, e := range ranked {
		count := e.ancestors().count
		if count >= len(next) {
			next = append(next, make([]int, count+1-len(next))...)
		}
		next[count]++
	}
	at := 0
	for i, n := range next {
		next[i] = at
		at += n
	}
	all := make([]*entry, len(ranked))
	for _, e := range ranked {
		count := e.ancestors().count
		all[next[count]] = e
		next[count]++
	}
	return all
}

// Ancestors describes what a transaction of the pool descends from, without
// itself, ordered by id.
func (p *Pool) Ancestors(txid wire.Hash) (list []Info, ok bool) {
	return p.relatives(txid, (*entry).parents)
}

// Descendants describes what descends from a transaction of the pool, without
// itself, ordered by id.
func (p *Pool) Descendants(txid wire.Hash) (list []Info, ok bool) {
	return p.relatives(txid, (*entry).children)
}

func (p *Pool) relatives(txid wire.Hash, next func(*entry) []*entry) (list []Info, ok bool) {
	_ = p.read(func() {
		e := p.lookup(&txid)
		if e == nil {
			return
		}
		ok = true
		for _, r := range p.walk([]*entry{e}, next)[1:] {
			list = append(list, p.info(r))
		}
	})
	slices.SortFunc(list, func(a, b Info) int { return slices.Compare(a.TxID[:], b.TxID[:]) })
	return list, ok
}

// Sequence is a number that grows with every transaction that comes or goes.
func (p *Pool) Sequence() (sequence uint64) {
	_ = p.read(func() { sequence = p.sequence })
	return sequence
}

// At returns the block on which the pool's transactions are valid, and Sequence
// then. The block is the chain's tip, but for moments in which that moves on
// faster than the pool can follow.
func (p *Pool) At() (tip wire.BlockRef, sequence uint64) {
	_ = p.read(func() { tip, sequence = p.state.Tip, p.sequence })
	return tip, sequence
}

// Spender returns the transaction of the pool that spends an output.
func (p *Pool) Spender(op wire.OutPoint) (txid wire.Hash, ok bool) {
	_ = p.read(func() {
		if e := p.spender(&op); e != nil {
			txid, ok = e.txid, true
		}
	})
	return txid, ok
}

// Spenders returns for each of some outputs the transaction of the pool that
// spends it, at one moment; the zero hash where none does.
func (p *Pool) Spenders(ops []wire.OutPoint) []wire.Hash {
	txids := make([]wire.Hash, len(ops))
	_ = p.read(func() {
		for i := range ops {
			if e := p.spender(&ops[i]); e != nil {
				txids[i] = e.txid
			}
		}
	})
	return txids
}

// Coin is an output as the pool sees it.
type Coin struct {
	consensus.Coin
	// Tip is the block after which this holds.
	Tip wire.BlockRef
	// InPool: a transaction of the pool makes the output. Its Height is then
	// that of the next block.
	InPool bool
	// Spent: a transaction of the pool spends it.
	Spent bool
}

// Coin looks up an output that is unspent at the tip, or that a transaction of
// the pool makes.
func (p *Pool) Coin(ctx context.Context, op wire.OutPoint) (c Coin, found bool, err error) {
	err = p.withCoins(ctx, func() (err error) {
		c = Coin{Tip: p.state.Tip, Spent: p.spender(&op) != nil}
		if e := p.lookup(&op.TxID); e != nil {
			if outs := e.tx().Outputs; int64(op.Index) < int64(len(outs)) {
				c.Coin, c.InPool, found = p.unconfirmed(outs[op.Index]), true, true
			}
			return nil
		}
		found, err = p.coins.FetchCoin(op, &c.Coin)
		return err
	})
	return c, found, err
}

// Stats sums the pool up.
type Stats struct {
	Count           int
	Bytes           int64 // virtual sizes
	Usage, MaxUsage int64 // bytes of memory
	Fees            wire.Amount
	// MinFee is the fee rate below which nothing is let in.
	MinFee      policy.FeeRate
	Unbroadcast int
	Loaded      bool // Load is through
	Sequence    uint64
	Counts      Counts
}

// Stats sums the pool up.
func (p *Pool) Stats() (s Stats) {
	_ = p.read(func() {
		s = Stats{
			Count: p.count(), Bytes: p.bytes, Usage: p.usage, MaxUsage: p.cfg.MaxBytes, Fees: p.fees,
			MinFee:      max(p.minFee(), p.cfg.Rules.MinRelay),
			Unbroadcast: p.unbroadcast, Loaded: p.loaded, Sequence: p.sequence, Counts: p.counts,
		}
	})
	return s
}

// Rules returns the policy that the pool was made with.
func (p *Pool) Rules() policy.Rules { return p.cfg.Rules }

// FullRBF reports whether any transaction may be replaced.
func (p *Pool) FullRBF() bool { return !p.cfg.NoFullRBF }

// File returns where Save writes to by default, "" for nowhere.
func (p *Pool) File() string { return p.cfg.File }
