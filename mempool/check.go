package mempool

import (
	"fmt"
	"slices"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/mempool/policy"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/wire"
)

// Check walks the whole pool and says what is wrong in it, nil if nothing is:
// every sum, link and index is made anew from the transactions and compared,
// and every transaction is valid on the tip with those before it. It is for
// tests and for a node that is under suspicion.
func (p *Pool) Check() (wrong error) {
	if err := p.read(func() { wrong = p.check() }); err != nil {
		return err
	}
	return wrong
}

func (p *Pool) check() error {
	p.sweep()
	if p.coins == nil || p.coins.Tip() != p.state.Tip {
		p.dropCoins()
		coins, err := p.chain.CoinSnapshot()
		if err != nil {
			return err
		}
		if coins.Tip() != p.state.Tip {
			coins.Close()
			return nil // the chain is moving on at this moment
		}
		p.coins = coins
	}
	var bytes, usage int64
	var fees wire.Amount
	inputs, unbroadcast := 0, 0
	var loose []*entry
	for seq := p.rankedSeq(); seq.head() != nil; seq.drop(seq.head()) {
		loose = append(loose, seq.head())
	}
	all := p.ranked()
	if !slices.Equal(loose, all) {
		return fmt.Errorf("mempool: the ranking is another one while it is not mended")
	}
	if len(all) != p.count() {
		return fmt.Errorf("mempool: %d entries are ranked, %d are there", len(all), p.count())
	}
	for i, e := range all {
		if i > 0 && byMiningRate(all[i-1], e) >= 0 {
			return fmt.Errorf("mempool: %v is ranked above %v", all[i-1].txid, e.txid)
		}
		tx := e.tx()
		if err := p.checkEntry(e, tx); err != nil {
			return fmt.Errorf("mempool: %v: %w", e.txid, err)
		}
		bytes += int64(e.vsize)
		fees += e.fee
		usage += memory(e.raw, len(tx.Inputs)) + e.familyMemory()
		inputs += len(tx.Inputs)
		if e.has(flagUnbroadcast) {
			unbroadcast++
		}
	}
	arrived := 0
	for _, e := range p.arrivals.list {
		if !e.has(flagGone) {
			arrived++
		}
	}
	switch {
	case bytes != p.bytes:
		return fmt.Errorf("mempool: %d virtual bytes in all, counted %d", bytes, p.bytes)
	case fees != p.fees:
		return fmt.Errorf("mempool: fees of %v in all, counted %v", fees, p.fees)
	case usage != p.usage:
		return fmt.Errorf("mempool: memory of %d in all, counted %d", usage, p.usage)
	case p.byWitness.used != p.byID.used:
		return fmt.Errorf("mempool: %d witness ids are indexed, and %d ids", p.byWitness.used, p.byID.used)
	case inputs != p.spends.used:
		return fmt.Errorf("mempool: %d inputs in all, %d are indexed", inputs, p.spends.used)
	case unbroadcast != p.unbroadcast:
		return fmt.Errorf("mempool: %d not broadcast, counted %d", unbroadcast, p.unbroadcast)
	case arrived != p.count():
		return fmt.Errorf("mempool: %d arrivals, %d are there", arrived, p.count())
	case p.usage > p.cfg.MaxBytes:
		return fmt.Errorf("mempool: memory of %d is over the bound of %d", p.usage, p.cfg.MaxBytes)
	}
	return nil
}

// checkEntry compares what is kept of e with its transaction and its relatives.
func (p *Pool) checkEntry(e *entry, tx *wire.Tx) error {
	switch {
	case e.has(flagGone):
		return fmt.Errorf("has left and is ranked")
	case tx.TxID() != e.txid || tx.WTxID() != e.wtxid:
		return fmt.Errorf("its ids are not those of its bytes")
	case p.lookup(&e.txid) != e:
		return fmt.Errorf("is not found by its id")
	case p.lookupWitness(&e.wtxid) != e:
		return fmt.Errorf("is not found by its witness id")
	case e.modified != saturating(e.fee, p.deltas[e.txid]):
		return fmt.Errorf("modified fee %v", e.modified)
	}
	// Its parents and children are those that the inputs say.
	c := &candidate{tx: tx, txid: e.txid}
	if err := p.gather(c, admission{}); err != nil {
		return err
	}
	if !sameEntries(c.parents, e.parents()) {
		return fmt.Errorf("its parents are not those that it spends from")
	}
	for i := range tx.Inputs {
		if p.spender(&tx.Inputs[i].PrevOut) != e {
			return fmt.Errorf("input %d is not found by its outpoint", i)
		}
	}
	var children []*entry
	for i := range tx.Outputs {
		child := p.spender(&wire.OutPoint{TxID: e.txid, Index: uint32(i)})
		if child != nil && !slices.Contains(children, child) {
			children = append(children, child)
		}
	}
	if !sameEntries(children, e.children()) {
		return fmt.Errorf("its children are not those that spend from it")
	}
	// It is valid on the tip.
	if err := consensus.ValidateTxContext(p.state, tx); err != nil {
		return err
	}
	if err := consensus.ValidateSequenceLocks(p.state, tx, c.spent); err != nil {
		return err
	}
	fee, err := consensus.ValidateTxInputs(p.state, tx, c.spent)
	if err != nil {
		return err
	}
	sigOps := consensus.SigOpsCost(tx, c.spent, script.StandardFlags)
	vsize := policy.VSize(tx.Weight(), sigOps, p.cfg.Rules.BytesPerSigOp)
	if fee != e.fee || int(e.sigOps) != sigOps || int(e.weight) != tx.Weight() || int(e.vsize) != vsize {
		return fmt.Errorf("fee, signature operations, weight or size are not its own")
	}
	return p.checkTotals(e)
}

// checkTotals sums up e's relatives anew.
func (p *Pool) checkTotals(e *entry) error {
	if e.family == nil {
		return nil
	}
	var up, down totals
	ops := 0
	for _, a := range p.ancestors(e) {
		up.add(a)
		ops += int(a.sigOps)
	}
	for _, d := range p.descendants(e) {
		down.add(d)
	}
	if up != e.family.ancestors || ops != e.family.ancestorOps {
		return fmt.Errorf("ancestors %+v, counted %+v", up, e.family.ancestors)
	}
	if down != e.family.descendants {
		return fmt.Errorf("descendants %+v, counted %+v", down, e.family.descendants)
	}
	return nil
}

func sameEntries(a, b []*entry) bool {
	if len(a) != len(b) {
		return false
	}
	for _, e := range a {
		if !slices.Contains(b, e) {
			return false
		}
	}
	return true
}
