package mempool

import (
	"context"

	"github.com/keelson-chain/keelson/mempool/policy"
	"github.com/keelson-chain/keelson/wire"
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
	var g group
	err = p.withCoins(ctx, func() error {
		g, err = p.judgePackage(txs, admission{})
		return err
	})
	if err != nil {
		return verdicts, "", err
	}
	if g.refused != nil {
		verdicts[g.at] = Verdict{Judged: true, Err: g.refused}
	}
	if g.refused != nil || g.whole != nil {
		return verdicts, RejectText(g.whole), nil
	}
	for i, c := range g.all {
		if err := p.verify(c); err != nil {
			if !IsRejected(err) {
				return verdicts, "", err
			}
			verdicts[i] = Verdict{Judged: true, Err: err}
			break
		}
		verdicts[i] = c.verdict()
	}
	return verdicts, "", nil
}

func (p *Pool) testOne(ctx context.Context, tx *wire.Tx) (Verdict, error) {
	c, err := p.prepare(ctx, tx, admission{})
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
