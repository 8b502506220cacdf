package mempool

import (
	"cmp"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/keelson-chain/keelson/wire"
)

// The bounds on orphans, which are Bitcoin Core's.
const (
	DefaultMaxOrphans = 100
	maxOrphanWeight   = 400_000          // weight units of one
	orphanExpiry      = 20 * time.Minute // after which a parent is not likely to come
)

// Orphans are transactions that spend what nobody has seen yet. They wait for
// their parents, bounded in number, size and time. Nothing is known of them
// but that they decode, so whoever sends them gets no credit for it: a full
// set drops one at random for each that comes.
type Orphans struct {
	most int
	now  func() time.Time

	mu      sync.Mutex // guards what follows
	seq     uint64
	byWTxID map[wire.Hash]*orphan
	list    []*orphan                          // in no order
	spend   map[wire.OutPoint]map[*orphan]bool // by each outpoint that they spend
	sweep   time.Time                          // when to look for old ones next
}

type orphan struct {
	tx    *wire.Tx
	from  string    // who sent it
	seq   uint64    // counts those that came
	until time.Time // it is dropped
	place int       // in list
}

// NewOrphans returns an empty set of at most most transactions; 0 keeps none.
func NewOrphans(most int, now func() time.Time) *Orphans {
	return &Orphans{
		most: most, now: now,
		byWTxID: map[wire.Hash]*orphan{}, spend: map[wire.OutPoint]map[*orphan]bool{},
	}
}

// Add keeps a transaction that somebody sent, and reports whether it is new. One
// that is too large is not kept.
func (o *Orphans) Add(tx *wire.Tx, from string) bool {
	if tx.Weight() > maxOrphanWeight || o.most <= 0 {
		return false
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	o.expire()
	wtxid := tx.WTxID()
	if o.byWTxID[wtxid] != nil {
		return false
	}
	for len(o.list) >= o.most {
		o.drop(o.list[rand.IntN(len(o.list))])
	}
	o.seq++
	e := &orphan{tx: tx, from: from, seq: o.seq, until: o.now().Add(orphanExpiry), place: len(o.list)}
	o.byWTxID[wtxid] = e
	o.list = append(o.list, e)
	for i := range tx.Inputs {
		op := tx.Inputs[i].PrevOut
		if o.spend[op] == nil {
			o.spend[op] = map[*orphan]bool{}
		}
		o.spend[op][e] = true
	}
	return true
}

// Has reports whether a transaction waits, by its witness id.
func (o *Orphans) Has(wtxid wire.Hash) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.byWTxID[wtxid] != nil
}

// Len is how many wait.
func (o *Orphans) Len() int {
	o.mu.Lock()
	defer o.mu.Unlock()
	return len(o.list)
}

// Tx returns a transaction that waits, by its witness id, nil if it does not.
func (o *Orphans) Tx(wtxid wire.Hash) *wire.Tx {
	o.mu.Lock()
	defer o.mu.Unlock()
	if e := o.byWTxID[wtxid]; e != nil {
		return e.tx
	}
	return nil
}

// Orphan is a transaction that has waited, and who sent it.
type Orphan struct {
	Tx   *wire.Tx
	From string
}

// TakeChildren returns the transactions that spend from parent, which has
// arrived, and keeps them no longer. Those that still miss something come back
// by Add.
func (o *Orphans) TakeChildren(parent *wire.Tx) (list []Orphan) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.list) == 0 {
		return nil
	}
	txid := parent.TxID()
	for i := range parent.Outputs {
		for _, e := range o.spenders(wire.OutPoint{TxID: txid, Index: uint32(i)}) {
			list = append(list, Orphan{e.tx, e.from})
			o.drop(e)
		}
	}
	return list
}

// Children returns the transactions that spend from parent, the newest first, and
// keeps them.
func (o *Orphans) Children(parent *wire.Tx) (list []Orphan) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.list) == 0 {
		return nil
	}
	txid := parent.TxID()
	var found []*orphan
	for i := range parent.Outputs {
		for e := range o.spend[wire.OutPoint{TxID: txid, Index: uint32(i)}] {
			if !slices.Contains(found, e) {
				found = append(found, e)
			}
		}
	}
	slices.SortFunc(found, func(a, b *orphan) int { return cmp.Compare(b.seq, a.seq) })
	for _, e := range found {
		list = append(list, Orphan{e.tx, e.from})
	}
	return list
}

// Remove drops a transaction, by its witness id, if it waits.
func (o *Orphans) Remove(wtxid wire.Hash) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if e := o.byWTxID[wtxid]; e != nil {
		o.drop(e)
	}
}

// RemoveFor drops what a block has or makes impossible.
func (o *Orphans) RemoveFor(b *wire.Block) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if len(o.list) == 0 {
		return
	}
	for _, tx := range b.Txs {
		for i := range tx.Inputs {
			for _, e := range o.spenders(tx.Inputs[i].PrevOut) {
				o.drop(e)
			}
		}
	}
}

// RemoveFrom drops what somebody sent who is gone.
func (o *Orphans) RemoveFrom(from string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	for _, e := range slices.Clone(o.list) {
		if e.from == from {
			o.drop(e)
		}
	}
}

// spenders returns what spends an outpoint.
func (o *Orphans) spenders(op wire.OutPoint) (list []*orphan) {
	for e := range o.spend[op] {
		list = append(list, e)
	}
	// One order, whatever that of the map.
	slices.SortFunc(list, func(a, b *orphan) int { return a.place - b.place })
	return list
}

// expire drops what has waited too long, looking now and then.
func (o *Orphans) expire() {
	now := o.now()
	if now.Before(o.sweep) && o.sweep.Sub(now) <= orphanExpiry {
		return
	}
	o.sweep = now.Add(orphanExpiry / 4)
	for _, e := range slices.Clone(o.list) {
		if !e.until.After(now) {
			o.drop(e)
		}
	}
}

func (o *Orphans) drop(e *orphan) {
	last := len(o.list) - 1
	o.list[e.place] = o.list[last]
	o.list[e.place].place = e.place
	o.list[last] = nil
	o.list = o.list[:last]
	delete(o.byWTxID, e.tx.WTxID())
	for i := range e.tx.Inputs {
		op := e.tx.Inputs[i].PrevOut
		delete(o.spend[op], e)
		if len(o.spend[op]) == 0 {
			delete(o.spend, op)
		}
	}
}
