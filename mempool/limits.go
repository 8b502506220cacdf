package mempool

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/keelson-chain/keelson/mempool/policy"
)

// A transaction that bumps the fee of one with as many descendants as allowed
// may be one more, if it is small and has no other unconfirmed ancestors, so
// that the owner of one output cannot keep the owner of another from bumping
// (Bitcoin Core's CPFP carve-out).
const carveOutSize = 10_000 // virtual bytes

// checkAncestors refuses c if it would make a group of transactions larger than
// the limits, and returns what of the pool it descends from.
func (p *Pool) checkAncestors(c *candidate, a admission) (ancestors []*entry, err error) {
	limits := p.cfg.Limits
	alone := a.pkg == nil // a package gets no room beyond the limits
	if alone && len(c.conflicts) == 1 {
		// What it replaces makes room for it.
		t := c.conflicts[0].descendants()
		limits.DescendantCount++
		limits.DescendantSize += t.size
	}
	ancestors, exceeded := p.withinLimits(c.vsize, 1, c.parents, limits)
	if exceeded != "" && alone && c.vsize <= carveOutSize && c.tx.Version != policy.TRUCVersion {
		limits.AncestorCount = 2
		limits.DescendantCount++
		limits.DescendantSize += carveOutSize
		if more, still := p.withinLimits(c.vsize, 1, c.parents, limits); still == "" {
			ancestors, exceeded = more, ""
		}
	}
	if exceeded != "" {
		return nil, refuse("too-long-mempool-chain", "%s", exceeded)
	}
	return ancestors, nil
}

// checkApart refuses c if it descends from what it replaces. Of several such
// ancestors the first by id is named.
func (c *candidate) checkApart(ancestors []*entry) error {
	var first *entry
	for _, a := range ancestors {
		if slices.Contains(c.conflicts, a) && (first == nil || byID(a, first) < 0) {
			first = a
		}
	}
	if first == nil {
		return nil
	}
	err := refuse("bad-txns-spends-conflicting-tx", "%v spends conflicting transaction %v", c.txid, first.txid)
	return &invalid{reason: err.Reason, debug: err.Debug, err: err}
}

// byID orders entries as Bitcoin Core does where it has a set of them.
func byID(a, b *entry) int { return bytes.Compare(a.txid[:], b.txid[:]) }

// withinLimits collects the ancestors of count new transactions of size virtual
// bytes together, which spend from parents. exceeded says, in Bitcoin Core's
// words, which limit they would break.
func (p *Pool) withinLimits(size, count int, parents []*entry, l Limits) (ancestors []*entry, exceeded string) {
	if len(parents)+count > l.AncestorCount {
		return nil, fmt.Sprintf("too many unconfirmed parents [limit: %d]", l.AncestorCount)
	}
	p.walks++
	staged := slices.Clone(parents)
	for _, e := range parents {
		p.meet(e)
	}
	total := size
	for len(staged) > 0 {
		// In the order of ids, as in Bitcoin Core, so that of several limits
		// the same one is named.
		at := 0
		for i := range staged {
			if byID(staged[i], staged[at]) < 0 {
				at = i
			}
		}
		e := staged[at]
		staged = slices.Delete(staged, at, at+1)
		ancestors = append(ancestors, e)
		total += int(e.vsize)
		switch below := e.descendants(); {
		case below.size+size > l.DescendantSize:
			return nil, fmt.Sprintf("exceeds descendant size limit for tx %v [limit: %d]", e.txid, l.DescendantSize)
		case below.count+count > l.DescendantCount:
			return nil, fmt.Sprintf("too many descendants for tx %v [limit: %d]", e.txid, l.DescendantCount)
		case total > l.AncestorSize:
			return nil, fmt.Sprintf("exceeds ancestor size limit [limit: %d]", l.AncestorSize)
		}
		for _, parent := range e.parents() {
			if p.meet(parent) {
				staged = append(staged, parent)
			}
			if len(staged)+len(ancestors)+count > l.AncestorCount {
				return nil, fmt.Sprintf("too many unconfirmed ancestors [limit: %d]", l.AncestorCount)
			}
		}
	}
	return ancestors, ""
}

// meet reports whether the present walk meets e for the first time. Entries
// without a family can be met only as what the walk starts from.
func (p *Pool) meet(e *entry) bool {
	if e.family == nil {
		return true
	}
	if e.family.walked == p.walks {
		return false
	}
	e.family.walked = p.walks
	return true
}
