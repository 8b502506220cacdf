package mempool

import (
	"context"
	"errors"
	"slices"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/mempool/policy"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/script/sig"
	"github.com/keelson-chain/keelson/wire"
)

// AddOptions say how a transaction is added.
type AddOptions struct {
	// MaxFee refuses with ErrMaxFee what pays more; 0 is no bound.
	MaxFee wire.Amount
	// Local marks a transaction of this node's own user, which counts as
	// unbroadcast until a peer has it.
	Local bool
}

// Add accepts tx into the pool or says why not: see IsRejected. The order in
// which faults are found is Bitcoin Core's. The pool keeps nothing of tx.
func (p *Pool) Add(ctx context.Context, tx *wire.Tx, o AddOptions) error {
	_, err := p.add(ctx, tx, o, admission{}, p.enter)
	p.countRejected(err)
	return err
}

// add is Add with an admission and with what is done in the end. c is what was
// found out, nil if that was not enough.
func (p *Pool) add(ctx context.Context, tx *wire.Tx, o AddOptions, a admission, enter func(*candidate, AddOptions) error) (c *candidate, err error) {
	if c, err = p.prepare(ctx, tx, a); err != nil {
		return nil, err
	}
	if err := p.verify(c); err != nil {
		return c, err
	}
	if o.MaxFee > 0 && c.fee > o.MaxFee {
		return c, ErrMaxFee
	}
	return c, p.withCoins(ctx, func() error {
		if c.version != p.version {
			// Scripts stay valid, as an outpoint stands for its coin; all
			// else may have changed meanwhile.
			if c, err = p.judge(tx, a); err != nil {
				return err
			}
		}
		return enter(c, o)
	})
}

// prepare judges tx by everything but its scripts.
func (p *Pool) prepare(ctx context.Context, tx *wire.Tx, a admission) (c *candidate, err error) {
	if err := p.checkAlone(tx); err != nil {
		return nil, err
	}
	err = p.withCoins(ctx, func() (err error) {
		c, err = p.judge(tx, a)
		return err
	})
	return c, err
}

// candidate is a transaction on its way into the pool, and what is known of it.
type candidate struct {
	tx            *wire.Tx
	txid, wtxid   wire.Hash
	spent         []consensus.Coin // of its inputs, in order
	fee, modified wire.Amount
	weight, vsize int
	sigOps        int
	flags         entryFlags
	inBlock       script.Flags    // of its scripts, in the next block
	dust          []wire.OutPoint // outputs of unconfirmed parents
	parents       []*entry        // direct ones in the pool, each once
	ancestors     []*entry        // those, and what they descend from
	conflicts     []*entry        // what spends the same outputs, and what else has to go
	replaced      []*entry        // those and their descendants
	sibling       bool            // one of them is the other child of a TRUC parent
	time          int64           // of its arrival; 0: now
	version       uint64          // of the pool when it was judged
}

// admission says what is passed over when a transaction is judged.
type admission struct {
	// returning: it was in a block that was disconnected, and is let in whatever
	// it pays.
	returning bool
	// pkg are the transactions of a package before this one, by id; it is
	// judged as if they were in the pool, and replaces nothing by itself.
	pkg map[wire.Hash]*candidate
	// together: what the package pays and replaces is judged as a whole by the
	// caller.
	together bool
	// maxRate refuses what pays a higher fee rate; 0 is no bound.
	maxRate policy.FeeRate
}

// checkAlone judges tx without looking at anything else.
func (p *Pool) checkAlone(tx *wire.Tx) error {
	if err := consensus.CheckTx(p.params, tx); err != nil {
		return err
	}
	if tx.IsCoinbase() {
		return &invalid{reason: "coinbase", err: &consensus.RuleError{Kind: consensus.ErrCoinbaseMultiple}}
	}
	if !p.cfg.Rules.AcceptNonStandard {
		if err := p.cfg.Rules.CheckTx(tx); err != nil {
			return err
		}
	}
	return policy.CheckSize(tx)
}

// judge judges tx, which has passed checkAlone, by everything but its scripts.
// The pool is locked and p.coins are there.
func (p *Pool) judge(tx *wire.Tx, a admission) (*candidate, error) {
	c := &candidate{tx: tx, txid: tx.TxID(), wtxid: tx.WTxID(), version: p.version, inBlock: p.state.ScriptFlags()}
	if err := consensus.ValidateTxContext(p.state, tx); err != nil {
		if errors.Is(err, consensus.ErrNonFinal) {
			return nil, refuse("non-final", "")
		}
		return nil, err
	}
	if e := p.lookup(&c.txid); e != nil {
		if e.wtxid == c.wtxid {
			return nil, refuse(reasonInPool, "")
		}
		return nil, refuse(reasonOtherWitness, "")
	}
	if err := p.findConflicts(c, a); err != nil {
		return nil, err
	}
	if err := p.gather(c, a); err != nil {
		return nil, err
	}
	if err := consensus.ValidateSequenceLocks(p.state, tx, c.spent); err != nil {
		return nil, refuse("non-BIP68-final", "")
	}
	var err error
	if c.fee, err = consensus.ValidateTxInputs(p.state, tx, c.spent); err != nil {
		return nil, err
	}
	if !p.cfg.Rules.AcceptNonStandard {
		if err := p.cfg.Rules.CheckInputs(tx, c.spent); err != nil {
			return nil, err
		}
		if tx.HasWitness() {
			if err := p.cfg.Rules.CheckWitness(tx, c.spent); err != nil {
				return nil, err
			}
		}
	}
	c.modified = saturating(c.fee, p.deltas[c.txid])
	if !p.cfg.Rules.AcceptNonStandard {
		if err := p.cfg.Rules.CheckDust(tx, c.fee, c.modified); err != nil {
			return nil, err
		}
	}
	c.sigOps = consensus.SigOpsCost(tx, c.spent, script.StandardFlags)
	if err := policy.CheckSigOps(c.sigOps); err != nil {
		return nil, err
	}
	c.weight = tx.Weight()
	c.vsize = policy.VSize(c.weight, c.sigOps, p.cfg.Rules.BytesPerSigOp)
	c.describe()
	if a.returning {
		if len(c.conflicts) > 0 {
			return nil, refuse("txn-mempool-conflict", "")
		}
		_, err := p.checkAncestors(c, a)
		return c, err
	}
	if err := p.checkOwnFee(c); err != nil {
		return nil, err
	}
	if !a.together {
		if err := p.checkFee(c.modified, c.vsize); err != nil {
			return nil, err
		}
	}
	if c.ancestors, err = p.checkAncestors(c, a); err != nil {
		return nil, err
	}
	if err := p.checkTRUC(c, a); err != nil {
		return nil, err
	}
	if err := c.checkApart(c.ancestors); err != nil {
		return nil, err
	}
	if a.maxRate > 0 && policy.RateOf(c.modified, c.vsize) > a.maxRate {
		return nil, refuse("max feerate exceeded", "")
	}
	if a.pkg == nil {
		if err := c.checkDustSpent(); err != nil {
			return nil, err
		}
	}
	if len(c.conflicts) > 0 && a.pkg == nil {
		if err := p.checkReplacement(c); err != nil {
			return nil, err
		}
	}
	return c, nil
}

// findConflicts looks for what spends the same outputs as c.
func (p *Pool) findConflicts(c *candidate, a admission) error {
	for i := range c.tx.Inputs {
		e := p.spender(&c.tx.Inputs[i].PrevOut)
		if e == nil {
			continue
		}
		if a.pkg != nil && !a.together {
			return refuse("bip125-replacement-disallowed", "")
		}
		if p.cfg.NoFullRBF && !e.has(flagSignals) && e.version() != policy.TRUCVersion {
			return refuse("txn-mempool-conflict", "")
		}
		if !slices.Contains(c.conflicts, e) {
			c.conflicts = append(c.conflicts, e)
		}
	}
	slices.SortFunc(c.conflicts, byID)
	return nil
}

// gather fetches the coins that c spends, from the pool or the chain.
func (p *Pool) gather(c *candidate, a admission) error {
	c.spent = make([]consensus.Coin, len(c.tx.Inputs))
	var parent *entry
	var parentTx *wire.Tx
	for i := range c.tx.Inputs {
		op, coin := &c.tx.Inputs[i].PrevOut, &c.spent[i]
		var outs []wire.TxOut
		if e := p.lookup(&op.TxID); e != nil {
			if e != parent {
				parent, parentTx = e, e.tx()
			}
			outs = parentTx.Outputs
			if !slices.Contains(c.parents, e) {
				c.parents = append(c.parents, e)
				p.noteDust(c, op.TxID, outs)
			}
		} else if before := a.pkg[op.TxID]; before != nil {
			outs = before.tx.Outputs
			p.noteDust(c, op.TxID, outs)
		} else {
			found, err := p.coins.FetchCoin(*op, coin)
			if err != nil {
				return err
			}
			if !found {
				return p.missing(c, op)
			}
			if coin.Coinbase {
				c.flags |= flagSpendsCoinbase
			}
			continue
		}
		if int64(op.Index) >= int64(len(outs)) {
			return p.missing(c, op)
		}
		*coin = p.unconfirmed(outs[op.Index])
	}
	return nil
}

// noteDust notes the outputs of a parent of c that are dust.
func (p *Pool) noteDust(c *candidate, txid wire.Hash, outs []wire.TxOut) {
	if p.cfg.Rules.AcceptNonStandard {
		return
	}
	for i := range outs {
		if op := (wire.OutPoint{TxID: txid, Index: uint32(i)}); p.cfg.Rules.IsDust(&outs[i]) && !slices.Contains(c.dust, op) {
			c.dust = append(c.dust, op)
		}
	}
}

// checkDustSpent refuses c if it leaves dust of an unconfirmed parent unspent.
func (c *candidate) checkDustSpent() error {
	for _, op := range c.dust {
		if !slices.ContainsFunc(c.tx.Inputs, func(in wire.TxIn) bool { return in.PrevOut == op }) {
			return refuse("missing-ephemeral-spends", "tx %v (wtxid=%v) did not spend parent's ephemeral dust", c.txid, c.wtxid)
		}
	}
	return nil
}

// unconfirmed is the coin that an output of the pool is: as if it came with the
// next block.
func (p *Pool) unconfirmed(out wire.TxOut) consensus.Coin {
	return consensus.Coin{Out: out, Height: p.state.Tip.Height + 1, MTP: p.state.MedianTimePast()}
}

// missing says why c cannot have the coin op.
func (p *Pool) missing(c *candidate, op *wire.OutPoint) error {
	var coin consensus.Coin
	for i := range c.tx.Outputs {
		found, err := p.coins.FetchCoin(wire.OutPoint{TxID: c.txid, Index: uint32(i)}, &coin)
		if err != nil {
			return err
		}
		if found {
			return refuse("txn-already-known", "")
		}
	}
	return &consensus.RuleError{Kind: consensus.ErrMissingInput, Desc: op.String()}
}

// describe notes what will be asked about c once it is in the pool.
func (c *candidate) describe() {
	if policy.SignalsRBF(c.tx) {
		c.flags |= flagSignals
	}
	timed := c.tx.LockTime != 0
	for i := range c.tx.Inputs {
		const disabled = 1 << 31 // BIP 68
		timed = timed || c.tx.Version >= 2 && c.tx.Inputs[i].Sequence&disabled == 0
	}
	if timed {
		c.flags |= flagTimed
	}
}

// checkOwnFee refuses what pays less than whatever is relayed must pay. A child that
// pays for it does not help, since it may be replaced and leave its parent behind;
// TRUC transactions, of which at most two hang together, are exempt (Bitcoin Core's
// PreChecks).
func (p *Pool) checkOwnFee(c *candidate) error {
	if c.tx.Version == policy.TRUCVersion {
		return nil
	}
	if least := p.cfg.Rules.MinRelay.Fee(c.vsize); c.modified < least {
		return &beyondHelp{refuse(reasonMinRelay, "%d < %d", c.modified, least)}
	}
	return nil
}

// checkFee refuses what pays too little, for a pool that is full or for any.
func (p *Pool) checkFee(fee wire.Amount, vsize int) error {
	if least := p.minFee().Fee(vsize); least > 0 && fee < least {
		return refuse(reasonMinFee, "%d < %d", fee, least)
	}
	if least := p.cfg.Rules.MinRelay.Fee(vsize); fee < least {
		return refuse(reasonMinRelay, "%d < %d", fee, least)
	}
	return nil
}

// checkTRUC applies BIP 431 among c and what is in the pool. Where evicting the
// other child of a parent would let c in, it becomes one of the conflicts, but not
// for a package.
func (p *Pool) checkTRUC(c *candidate, a admission) error {
	if c.tx.Version != policy.TRUCVersion && !slices.ContainsFunc(c.parents, func(e *entry) bool { return e.version() == policy.TRUCVersion }) {
		return nil
	}
	sibling, err := policy.CheckTRUC(c.tx, c.vsize, c.trucParents(c.parents))
	if sibling == nil || a.pkg != nil {
		return err
	}
	c.conflicts = append(c.conflicts, p.lookup(&sibling.TxID))
	slices.SortFunc(c.conflicts, byID)
	c.sibling = true
	return nil
}

// trucParents describes entries that c descends from.
func (c *candidate) trucParents(list []*entry) []policy.TRUCParent {
	parents := make([]policy.TRUCParent, len(list))
	for i, e := range list {
		parents[i] = policy.TRUCParent{
			TxID: e.txid, WTxID: e.wtxid, Version: e.version(),
			Ancestors: e.ancestors().count, Descendants: e.descendants().count,
		}
		for _, child := range e.children() {
			parents[i].Children = append(parents[i].Children, policy.TRUCChild{
				TxID: child.txid, Ancestors: child.ancestors().count, Conflicts: slices.Contains(c.conflicts, child),
			})
		}
	}
	return parents
}

// scriptOptions say how scripts are run.
func (p *Pool) scriptOptions() consensus.Options {
	return consensus.Options{Workers: p.cfg.Workers, Sigs: p.cfg.Sigs, Cache: p.cfg.SigCache}
}

// verifyScripts runs the scripts of transactions under the flags of policy, and then
// under those of the next block, for which SigCache remembers that they are valid. The
// second time it knows the signatures. (Nothing should be valid by policy that a
// block may not have; but to presume it here would make it a rule.)
func (p *Pool) verifyScripts(txs []*wire.Tx, spent []consensus.Coin, inBlock script.Flags) error {
	o := p.scriptOptions()
	if err := consensus.VerifyScripts(txs, spent, script.StandardFlags, o); err != nil || o.Cache == nil {
		return err
	}
	o.Remember = true
	return consensus.VerifyScripts(txs, spent, inBlock, o)
}

// verify runs the scripts of c.
func (p *Pool) verify(c *candidate) error {
	err := p.verifyScripts([]*wire.Tx{c.tx}, c.spent, c.inBlock)
	if err == nil {
		return nil
	}
	// A script that fails by policy alone is no reason to think ill of whoever
	// sent it.
	var rule *consensus.RuleError
	if errors.As(err, &rule) && p.failsByPolicy(c) {
		return refuse("non-mandatory-script-verify-flag ("+rule.Err.Error()+")", "")
	}
	return err
}

// failsByPolicy reports whether the first input whose script fails would be
// valid in a block. As in Bitcoin Core, later inputs are not looked at.
func (p *Pool) failsByPolicy(c *candidate) bool {
	outs := make([]wire.TxOut, len(c.spent))
	for i := range outs {
		outs[i] = c.spent[i].Out
	}
	checker := sig.Exact{Verifier: p.cfg.Sigs, Cache: p.cfg.SigCache}
	if checker.Verifier == nil {
		checker.Verifier = sig.DCRD()
	}
	hashes := script.NewSigHashes(c.tx, outs)
	for i := range c.tx.Inputs {
		if script.Verify(hashes, i, script.StandardFlags, checker) != nil {
			return script.Verify(hashes, i, script.MandatoryFlags, checker) == nil
		}
	}
	return false
}

// enter puts c, which was judged at this version of the pool and whose scripts
// are valid, into the pool.
func (p *Pool) enter(c *candidate, o AddOptions) error {
	e := p.put(c, o)
	p.track(e)
	p.expire()
	p.trim()
	if e.has(flagGone) {
		return refuse(reasonFull, "")
	}
	p.came(e)
	return nil
}

// place is enter without a look at how full the pool is.
func (p *Pool) place(c *candidate, o AddOptions) *entry {
	e := p.put(c, o)
	p.came(e)
	return e
}

// came numbers the coming of e. What leaves because e comes has left before, as in
// Bitcoin Core; who does not stay has not come.
func (p *Pool) came(e *entry) {
	p.moves.txCame(e, p.sequence)
	p.sequence++
	p.touched()
}

// put puts c into the pool, without a number yet.
func (p *Pool) put(c *candidate, o AddOptions) *entry {
	p.removeAll(c.replaced, goneReplaced)
	if c.time == 0 {
		c.time = p.cfg.Now().Unix()
	}
	e := c.entry(p.state.Tip.Height)
	p.insert(e, c)
	if o.Local {
		p.unsent(e)
	}
	p.counts.Accepted++
	return e
}

// entry makes the entry that c becomes on a tip of some height.
func (c *candidate) entry(height uint32) *entry {
	return &entry{
		raw:      c.tx.Append(make([]byte, 0, c.tx.Size())),
		txid:     c.txid,
		wtxid:    c.wtxid,
		fee:      c.fee,
		modified: c.modified,
		time:     c.time,
		height:   height,
		weight:   int32(c.weight),
		vsize:    int32(c.vsize),
		sigOps:   int32(c.sigOps),
		flags:    c.flags,
	}
}

// insert adds e, which is c, and links it with its relatives.
func (p *Pool) insert(e *entry, c *candidate) {
	p.sweep()
	p.byID.put(e, 0)
	p.byWitness.put(e, 0)
	e.prevOuts(c.tx, func(_ *wire.OutPoint, at uint32) { p.spends.put(e, at) })
	p.bytes += int64(e.vsize)
	p.fees += e.fee
	p.usage += memory(e.raw, len(c.tx.Inputs))
	for _, parent := range c.parents {
		p.link(parent, e)
	}
	p.join(e)
	p.reranked(e)
	p.arrivals.add(e)
	p.latest.add(e)
	p.journal.tx(e)
	p.touched()
}

func (p *Pool) countRejected(err error) {
	if err == nil {
		return
	}
	p.mu.Lock()
	defer p.unlock()
	p.counts.Rejected++
}
