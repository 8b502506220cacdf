package mempool

import (
	"context"
	"slices"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/mempool/policy"
	"github.com/keelson-chain/keelson/wire"
)

// PackageOptions say how a package is added.
type PackageOptions struct {
	// MaxRate refuses each transaction that pays a higher fee rate by itself; 0
	// is no bound.
	MaxRate policy.FeeRate
	// Local marks transactions of this node's own user; see AddOptions.
	Local bool
}

// PackageResult is what came of a package.
type PackageResult struct {
	// Err is nil if all of the package is in the pool now. Its reject text is
	// Bitcoin Core's: "transaction failed" where one of Txs says more.
	Err error
	// Txs are in the order of the package.
	Txs []PackageTx
	// Replaced are the ids of what had to go for it, in order.
	Replaced []wire.Hash
}

// PackageTx is what came of one transaction of a package. FeeRate and Includes
// are unset for one that was in the pool before.
type PackageTx struct {
	Verdict
	// OtherWitness is the witness id of the transaction with this one's id that
	// is in the pool, and counts in its place; the zero Hash if there is none.
	OtherWitness wire.Hash
}

// AddPackage accepts a package: one transaction, or a child, the last one, with
// all of its parents that are not in a block. Each that pays for itself enters
// by itself; the rest is judged by what it pays together, so that a child may
// pay for its parents (Bitcoin Core's AcceptPackage). Where that fails, what has
// entered by itself stays. err is a fault or ctx's.
func (p *Pool) AddPackage(ctx context.Context, txs []*wire.Tx, o PackageOptions) (r PackageResult, err error) {
	s := submission{pool: p, ctx: ctx, txs: txs, options: o, alone: make([]error, len(txs))}
	s.Txs = make([]PackageTx, len(txs))
	if reason := wellFormed(txs); reason != "" {
		s.Err = refuse(reason, "")
		return s.PackageResult, nil
	}
	if err := s.checkFamily(); err != nil || s.Err != nil {
		return s.PackageResult, err
	}
	if err := s.each(); err != nil {
		return s.PackageResult, err
	}
	if s.Err == nil && len(s.rest) > 0 {
		if err := s.together(); err != nil {
			return s.PackageResult, err
		}
	}
	err = s.finish()
	return s.PackageResult, err
}

// IsChildWithParents reports whether all transactions but the last are parents
// of the last one.
func IsChildWithParents(txs []*wire.Tx) bool {
	if len(txs) < 2 {
		return false
	}
	made := spentIDs(txs[len(txs)-1])
	return !slices.ContainsFunc(txs[:len(txs)-1], func(tx *wire.Tx) bool { return !made[tx.TxID()] })
}

// IsChildWithParentsTree reports whether a package IsChildWithParents, and no
// parent is that of another one.
func IsChildWithParentsTree(txs []*wire.Tx) bool {
	if !IsChildWithParents(txs) {
		return false
	}
	parents := map[wire.Hash]bool{}
	for _, tx := range txs[:len(txs)-1] {
		parents[tx.TxID()] = true
	}
	for _, tx := range txs[:len(txs)-1] {
		for i := range tx.Inputs {
			if parents[tx.Inputs[i].PrevOut.TxID] {
				return false
			}
		}
	}
	return true
}

// spentIDs are the transactions that tx spends from.
func spentIDs(tx *wire.Tx) map[wire.Hash]bool {
	ids := map[wire.Hash]bool{}
	for i := range tx.Inputs {
		ids[tx.Inputs[i].PrevOut.TxID] = true
	}
	return ids
}

// submission is AddPackage at work.
type submission struct {
	PackageResult
	pool    *Pool
	ctx     context.Context
	txs     []*wire.Tx
	options PackageOptions

	rest  []int   // which of txs did not enter by themselves but may together
	alone []error // why
	times []int64 // of their arrival, if it was not now
}

var errTransactionFailed = refuse("transaction failed", "")

// checkFamily refuses what is no child with all of its unconfirmed parents.
func (s *submission) checkFamily() error {
	if len(s.txs) == 1 {
		return nil
	}
	if !IsChildWithParents(s.txs) {
		s.Err = refuse("package-not-child-with-parents", "")
		return nil
	}
	last := len(s.txs) - 1
	parents := map[wire.Hash]bool{}
	for _, tx := range s.txs[:last] {
		parents[tx.TxID()] = true
	}
	return s.pool.withCoins(s.ctx, func() error {
		var coin consensus.Coin
		for i := range s.txs[last].Inputs {
			op := s.txs[last].Inputs[i].PrevOut
			if parents[op.TxID] {
				continue
			}
			found, err := s.pool.coins.FetchCoin(op, &coin)
			if err != nil {
				return err
			}
			if !found {
				s.Err = refuse("package-not-child-with-unconfirmed-parents", "")
				return nil
			}
		}
		return nil
	})
}

// each offers the transactions one by one.
func (s *submission) each() error {
	p := s.pool
	for i, tx := range s.txs {
		known, err := s.known(i)
		if err != nil {
			return err
		}
		if known {
			continue
		}
		c, err := p.add(s.ctx, tx, s.addOptions(), admission{maxRate: s.options.MaxRate}, s.enter)
		switch {
		case err == nil:
			s.Txs[i].Verdict = c.verdict()
		case !IsRejected(err):
			return err
		default:
			s.alone[i] = err
			if len(s.txs) > 1 && dependsOnPackage(err) {
				s.rest = append(s.rest, i)
			} else {
				// Nothing would change for it in a package.
				s.Err = errTransactionFailed
			}
		}
	}
	return nil
}

func (s *submission) addOptions() AddOptions { return AddOptions{Local: s.options.Local} }

// enter puts one in by itself. Room is made when all are through.
func (s *submission) enter(c *candidate, o AddOptions) error {
	s.replace(c.replaced)
	s.pool.place(c, o)
	return nil
}

func (s *submission) replace(list []*entry) {
	for _, e := range list {
		s.Replaced = append(s.Replaced, e.txid)
	}
}

// known reports whether a transaction is in the pool, and what is said of it
// then.
func (s *submission) known(i int) (known bool, err error) {
	txid, wtxid := s.txs[i].TxID(), s.txs[i].WTxID()
	err = s.pool.read(func() {
		e := s.pool.lookup(&txid)
		if e == nil {
			return
		}
		known = true
		if e.wtxid != wtxid {
			s.Txs[i] = PackageTx{Verdict: Verdict{Judged: true}, OtherWitness: e.wtxid}
			return
		}
		s.Txs[i].Verdict = Verdict{Judged: true, VSize: int(e.vsize), Fee: e.fee}
	})
	return known, err
}

// dependsOnPackage reports whether a transaction that was refused may be let in
// with others: it pays too little, or spends what they make.
func dependsOnPackage(err error) bool { return IsMissingInputs(err) || IsTooCheap(err) }

// together offers what is left as a whole.
func (s *submission) together() error {
	p := s.pool
	txs := make([]*wire.Tx, len(s.rest))
	for i, at := range s.rest {
		txs[i] = s.txs[at]
	}
	a := admission{together: true, maxRate: s.options.MaxRate}
	g, err := s.judge(txs, a)
	if err != nil || s.Err != nil {
		return err
	}
	for i, c := range g.all {
		if err := p.verify(c); err != nil {
			if !IsRejected(err) {
				return err
			}
			s.fail(s.rest[i], err)
			return nil
		}
	}
	return p.withCoins(s.ctx, func() error {
		if g.all[0].version != p.version {
			if g, err = p.judgePackage(txs, a); err != nil || s.failed(&g) {
				return err
			}
		}
		s.replace(g.replaced)
		p.removeAll(g.replaced, goneReplaced)
		made := make(map[wire.Hash]*entry, len(g.all))
		for i, c := range g.all {
			for id := range spentIDs(c.tx) {
				if parent := made[id]; parent != nil {
					c.parents = append(c.parents, parent)
				}
			}
			if s.times != nil {
				c.time = s.times[s.rest[i]]
			}
			made[c.txid] = p.place(c, s.addOptions())
			v := c.verdict()
			v.FeeRate, v.Includes = g.rate(), g.wtxids()
			s.Txs[s.rest[i]].Verdict = v
		}
		return nil
	})
}

// judge judges what is left by everything but scripts.
func (s *submission) judge(txs []*wire.Tx, a admission) (g group, err error) {
	err = s.pool.withCoins(s.ctx, func() (err error) {
		g, err = s.pool.judgePackage(txs, a)
		return err
	})
	if err == nil {
		s.failed(&g)
	}
	return g, err
}

// failed notes what is wrong with g, and reports whether anything is.
func (s *submission) failed(g *group) bool {
	switch {
	case g.whole != nil:
		s.Err = g.whole
	case g.refused != nil:
		s.fail(s.rest[g.at], g.refused)
	}
	return s.Err != nil
}

// fail notes that one is refused.
func (s *submission) fail(i int, err error) {
	s.Txs[i].Verdict = Verdict{Judged: true, Err: err}
	s.Err = errTransactionFailed
}

// finish makes room, and says of those that are not in the pool why.
func (s *submission) finish() error {
	p := s.pool
	return p.read(func() {
		p.expire()
		p.trim()
		for i, tx := range s.txs {
			v, txid := &s.Txs[i], tx.TxID()
			switch {
			case v.Judged && v.Err == nil && p.lookup(&txid) == nil:
				s.Txs[i] = PackageTx{}
				s.fail(i, refuse(reasonFull, ""))
			case !v.Judged && s.alone[i] != nil:
				v.Verdict = Verdict{Judged: true, Err: s.alone[i]}
			}
			if v.Err != nil {
				p.counts.Rejected++
			} else if s.options.Local {
				p.markUnbroadcast(&txid)
			}
		}
		slices.SortFunc(s.Replaced, func(a, b wire.Hash) int { return slices.Compare(a[:], b[:]) })
	})
}
