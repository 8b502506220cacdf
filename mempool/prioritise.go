package mempool

import (
	"slices"

	"github.com/keelson-chain/keelson/wire"
)

// Delta is what somebody adds to the fee of a transaction in the eyes of this
// node.
type Delta struct {
	TxID        wire.Hash
	Delta       wire.Amount
	InPool      bool
	ModifiedFee wire.Amount // with the delta, if it is in the pool
}

// Prioritise adds delta to what a transaction counts as paying, whether it is
// in the pool or comes later. Deltas of one transaction add up, and end when
// it is mined.
func (p *Pool) Prioritise(txid wire.Hash, delta wire.Amount) error {
	return p.read(func() { p.setSum(txid, saturating(p.deltas[txid], delta)) })
}

// setDelta is Prioritise that forgets what was said before.
func (p *Pool) setDelta(txid wire.Hash, sum wire.Amount) error {
	return p.read(func() { p.setSum(txid, saturating(0, sum)) })
}

func (p *Pool) setSum(txid wire.Hash, sum wire.Amount) {
	if sum == p.deltas[txid] {
		return
	}
	if sum == 0 {
		delete(p.deltas, txid)
	} else {
		p.deltas[txid] = sum
	}
	p.journal.delta(&txid, sum)
	if e := p.lookup(&txid); e != nil {
		p.reprice(e, saturating(e.fee, sum))
	}
}

// reprice sets what e counts as paying.
func (p *Pool) reprice(e *entry, fee wire.Amount) {
	change := fee - e.modified
	e.modified = fee
	for _, a := range p.ancestors(e) {
		if a.family != nil {
			a.family.descendants.fees += change
		}
		p.reranked(a)
	}
	for _, d := range p.descendants(e) {
		if d.family != nil {
			d.family.ancestors.fees += change
		}
		p.reranked(d)
	}
	p.touched()
}

// Deltas returns all prioritisations, ordered by id.
func (p *Pool) Deltas() (list []Delta) {
	_ = p.read(func() {
		for txid, delta := range p.deltas {
			d := Delta{TxID: txid, Delta: delta}
			if e := p.lookup(&txid); e != nil {
				d.InPool, d.ModifiedFee = true, e.modified
			}
			list = append(list, d)
		}
	})
	slices.SortFunc(list, func(a, b Delta) int { return slices.Compare(a.TxID[:], b.TxID[:]) })
	return list
}

// maxPriority bounds fees with deltas, so that sums over groups of transactions
// do not overflow.
const maxPriority = 1 << 52

// saturating adds within the bounds of what a priority may be.
func saturating(a, b wire.Amount) wire.Amount {
	b = min(max(b, -2*maxPriority), 2*maxPriority)
	return min(max(a+b, -maxPriority), maxPriority)
}
