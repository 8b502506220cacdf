package mempool

import (
	"context"
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

// Verdict is what Test finds out about a transaction.
type Verdict struct {
	// Judged is unset for one of a package that was not looked at, because the
	// package or another one failed.
	Judged bool
	// Err says why it would be refused; nil: it would be let in.
	Err   error
	VSize int // in virtual bytes
	Fee   wire.Amount
	// FeeRate is the one by which it was judged, that of all of Includes
	// (witness ids) together, prioritisation considered.
	FeeRate  policy.FeeRate
	Includes []wire.Hash
}

func (c *candidate) verdict() Verdict {
	return Verdict{
		Judged: true, VSize: c.vsize, Fee: c.fee,
		FeeRate: policy.RateOf(c.modified, c.vsize), Includes: []wire.Hash{c.wtxid},
	}
}

// Test judges transactions without adding them: one alone, or several as a
// package, in which later ones may spend from earlier ones but nothing is
// replaced. pkg says what is wrong with the package itself, with Bitcoin Core's debug
// message, "" if nothing is.
// err is a fault or ctx's.
func (p *Pool) Test(ctx context.Context, txs []*wire.Tx) (verdicts []Verdict, pkg string, err error) {
	verdicts = make([]Verdict, len(txs))
	if len(txs) == 1 {
		verdicts[0], err = p.testOne(ctx, txs[0])
		return verdicts, "", err
	}
	if pkg := wellFormed(txs); pkg != "" {
		return verdicts, pkg, nil
	}
	var all []*candidate
	err = p.withCoins(ctx, func() error {
		all, pkg, err = p.judgePackage(txs, verdicts)
		return err
	})
	if err != nil || len(all) < len(txs) || pkg != "" {
		return verdicts, pkg, err
	}
	for i, c := range all {
		if err := p.verify(c); err != nil {
			verdicts[i] = Verdict{Judged: true, Err: err}
			break
		}
		verdicts[i] = c.verdict()
	}
	return verdicts, "", nil
}

func (p *Pool) testOne(ctx context.Context, tx *wire.Tx) (Verdict, error) {
	c, err := p.prepare(ctx, tx)
	if err == nil {
		err = p.verify(c)
	}
	switch {
	case err == nil:
		return c.verdict(), nil
	case IsRejected(err):
		return Verdict{Judged: true, Err: err}, nil
	}
	return Verdict{}, err
}

// judgePackage judges the transactions of a package but for their scripts. A
// refusal goes to its place in verdicts and ends it; the error is a fault.
func (p *Pool) judgePackage(txs []*wire.Tx, verdicts []Verdict) (all []*candidate, pkg string, err error) {
	a := admission{pkg: make(map[wire.Hash]*candidate, len(txs))}
	size := 0
	var parents []*entry
	for i, tx := range txs {
		err := p.checkAlone(tx)
		var c *candidate
		if err == nil {
			c, err = p.judge(tx, a)
		}
		if err != nil {
			if !IsRejected(err) {
				return nil, "", err
			}
			verdicts[i] = Verdict{Judged: true, Err: err}
			return nil, "", nil
		}
		a.pkg[c.txid] = c
		all = append(all, c)
		size += c.vsize
		for _, e := range c.parents {
			if !slices.Contains(parents, e) {
				parents = append(parents, e)
			}
		}
	}
	if exceeded := p.packageExceeds(size, len(all), parents); exceeded != "" {
		return nil, "package-mempool-limits, " + exceeded, nil
	}
	return all, "", nil
}

// packageExceeds says, in Bitcoin Core's words, which limit count transactions
// of size virtual bytes together would break that spend from parents: as if
// each descended from all others, which is on the safe side.
func (p *Pool) packageExceeds(size, count int, parents []*entry) string {
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
