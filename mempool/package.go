package mempool

import (
	"fmt"
	"slices"

	"github.com/keelson-chain/keelson/mempool/policy"
	"github.com/keelson-chain/keelson/wire"
)

// The bounds on a package, which Bitcoin Core shares among all of them.
const (
	MaxPackageCount  = 25
	maxPackageWeight = 404_000 // weight units
)

// group is a package that is judged together.
type group struct {
	all      []*candidate
	vsize    int         // of all
	fees     wire.Amount // what all pay, prioritisation considered
	replaced []*entry    // what has to go for them

	// whole says what is wrong with the package itself, nil if nothing is.
	whole error
	// refused says why the transaction at a place is refused, and with it the
	// package; nil if none is.
	refused error
	at      int
}

// rate is the fee rate of all together.
func (g *group) rate() policy.FeeRate { return policy.RateOf(g.fees, g.vsize) }

// wtxids are the witness ids of all.
func (g *group) wtxids() (ids []wire.Hash) {
	for _, c := range g.all {
		ids = append(ids, c.wtxid)
	}
	return ids
}

// judgePackage judges the transactions of a package but for their scripts, in the
// order of Bitcoin Core's AcceptMultipleTransactions. The error is a fault. The
// pool is locked and p.coins are there.
func (p *Pool) judgePackage(txs []*wire.Tx, a admission) (g group, err error) {
	a.pkg = make(map[wire.Hash]*candidate, len(txs))
	for i, tx := range txs {
		err := p.checkAlone(tx)
		var c *candidate
		if err == nil {
			c, err = p.judge(tx, a)
		}
		if err != nil {
			if !IsRejected(err) {
				return g, err
			}
			g.refused, g.at = err, i
			return g, nil
		}
		a.pkg[c.txid] = c
		g.all = append(g.all, c)
		g.vsize += c.vsize
		g.fees += c.modified
	}
	for _, c := range g.all {
		if g.whole = policy.CheckPackageTRUC(c.tx, c.vsize, txs, c.trucParents(c.ancestors)); g.whole != nil {
			return g, nil
		}
	}
	if a.together {
		if g.refused = p.checkFee(g.fees, g.vsize); g.refused != nil {
			g.at = len(txs) - 1
			return g, nil
		}
	}
	if len(txs) > 1 {
		if exceeded := p.packageExceeds(&g); exceeded != "" {
			g.whole = refuse("package-mempool-limits", "%s", exceeded)
			return g, nil
		}
		if g.whole = p.checkPackageReplacement(&g); g.whole != nil {
			return g, nil
		}
	}
	for i, c := range g.all {
		if g.refused = c.checkDustSpent(); g.refused != nil {
			g.at = i
			return g, nil
		}
	}
	return g, nil
}

// packageExceeds says, in Bitcoin Core's words, which limit a package would break
// together with what it spends from, if each of it descended from all others,
// which is on the safe side.
func (p *Pool) packageExceeds(g *group) string {
	size, count := g.vsize, len(g.all)
	var parents []*entry
	for _, c := range g.all {
		for _, e := range c.parents {
			if !slices.Contains(parents, e) {
				parents = append(parents, e)
			}
		}
	}
	l := p.cfg.Limits
	switch {
	case count > l.AncestorCount:
		return fmt.Sprintf("package count %d exceeds ancestor count limit [limit: %d]", count, l.AncestorCount)
	case count > l.DescendantCount:
		return fmt.Sprintf("package count %d exceeds descendant count limit [limit: %d]", count, l.DescendantCount)
	case size > l.AncestorSize:
		return fmt.Sprintf("package size %d exceeds ancestor size limit [limit: %d]", size, l.AncestorSize)
	case size > l.DescendantSize:
		return fmt.Sprintf("package size %d exceeds descendant size limit [limit: %d]", size, l.DescendantSize)
	case len(parents)+count > l.AncestorCount:
		return fmt.Sprintf("too many unconfirmed parents [limit: %d]", l.AncestorCount)
	}
	if _, exceeded := p.withinLimits(size, count, parents, l); exceeded != "" {
		return "possibly " + exceeded
	}
	return ""
}

// wellFormed says what is wrong with a package as such, in Bitcoin Core's words.
func wellFormed(txs []*wire.Tx) string {
	if len(txs) > MaxPackageCount {
		return "package-too-many-transactions"
	}
	weight := 0
	later := make(map[wire.Hash]bool, len(txs)) // this transaction and those behind it
	for _, tx := range txs {
		weight += tx.Weight()
		later[tx.TxID()] = true
	}
	if weight > maxPackageWeight {
		return "package-too-large"
	}
	if len(later) < len(txs) {
		return "package-contains-duplicates"
	}
	for _, tx := range txs {
		for i := range tx.Inputs {
			if later[tx.Inputs[i].PrevOut.TxID] {
				return "package-not-sorted"
			}
		}
		delete(later, tx.TxID())
	}
	spent := map[wire.OutPoint]bool{}
	for _, tx := range txs {
		if len(tx.Inputs) == 0 {
			return "conflict-in-package"
		}
		for i := range tx.Inputs {
			if spent[tx.Inputs[i].PrevOut] {
				return "conflict-in-package"
			}
		}
		for i := range tx.Inputs {
			spent[tx.Inputs[i].PrevOut] = true
		}
	}
	return ""
}
