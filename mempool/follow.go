package mempool

import (
	"cmp"
	"fmt"
	"slices"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/wire"
)

// maxReturning bounds the transactions of disconnected blocks that wait to come
// back, in bytes as they are sent; the oldest are dropped beyond it (Bitcoin
// Core's MAX_DISCONNECTED_TX_POOL_BYTES).
const maxReturning = 20_000_000

// Sync brings the pool to the chain's tip. Every other method does it first,
// too; who calls Sync at every tick makes the others quick.
func (p *Pool) Sync() error { return p.read(func() {}) }

// advance follows the chain to its tip: what was mined leaves, with what
// conflicts with it, and what is mined no more comes back. An error leaves the
// pool at the tip where it was, to be tried again. The pool is locked.
func (p *Pool) advance() error {
	if p.chain.Tip().Tip == p.state.Tip && p.chain.Departures() == p.left {
		return nil
	}
	p.sweep()
	updates, passed, left, err := p.chain.MovesSince(p.state.Tip, p.left)
	if err != nil {
		return err
	}
	if len(updates) == 0 && len(passed) == 0 {
		p.left = left
		return nil
	}
	disconnected := 0
	for disconnected < len(updates) && !updates[disconnected].Connected {
		disconnected++
	}
	// What was mined while the pool did not look comes back as well.
	gone := slices.Clone(passed)
	for _, u := range updates[:disconnected] {
		gone = append(gone, u.Ref)
	}
	slices.SortStableFunc(gone, func(a, b wire.BlockRef) int { return cmp.Compare(b.Height, a.Height) })
	var back returning
	for _, ref := range gone {
		b, err := p.chain.Block(ref.Hash)
		if err != nil {
			return fmt.Errorf("mempool: disconnected block %v: %w", ref.Hash, err)
		}
		back.add(b)
	}
	end := p.state.Tip
	if len(updates) > 0 {
		end = updates[len(updates)-1].Tip
	}
	state, err := p.chain.State(end.Hash)
	if err != nil {
		return fmt.Errorf("mempool: state at %v: %w", end, err)
	}
	var coins consensus.CoinSnapshot
	if len(gone) > 0 {
		// What comes back is judged by the coins at the new tip. If the chain
		// is moving on at this moment, the pool follows when it is asked next.
		if coins, err = p.chain.CoinSnapshot(); err != nil {
			return fmt.Errorf("mempool: coins at the tip: %w", err)
		}
		if coins.Tip() != end {
			coins.Close()
			return nil
		}
	}
	var steps []Move // not noted yet
	if p.moves != nil {
		steps = stepMoves(p.state.Tip, updates)
		p.moves.steps(steps[:disconnected])
		steps = steps[disconnected:]
	}
	for _, u := range updates[disconnected:] {
		p.estimator.Block(u.Ref.Height)
		if p.count() == 0 && len(p.deltas) == 0 && len(back.txs) == 0 {
			continue
		}
		b, err := p.chain.Block(u.Ref.Hash)
		if err != nil {
			if coins != nil {
				coins.Close()
			}
			return fmt.Errorf("mempool: block %v: %w", u.Ref.Hash, err)
		}
		p.removeMined(b)
		back.drop(b)
		if len(gone) == 0 && p.moves != nil {
			p.moves.add(steps[0])
			steps = steps[1:]
		}
	}
	p.dropCoins()
	p.state, p.coins, p.left = state, coins, left
	if len(updates) > disconnected {
		p.floor.sinking, p.floor.updated = true, p.cfg.Now()
	}
	p.touched()
	p.evictions = nil // built anew when it is needed
	if len(gone) > 0 {
		if err := p.bringBack(&back); err != nil {
			return err
		}
	}
	p.expire()
	p.trim()
	p.moves.steps(steps)
	return nil
}

// removeMined takes out the transactions of a block, and what spends the same
// as they do.
func (p *Pool) removeMined(b *wire.Block) {
	for _, tx := range b.Txs[1:] {
		txid := tx.TxID()
		if e := p.lookup(&txid); e != nil {
			p.retire(e, tx, goneMined)
		} else {
			for i := range tx.Inputs {
				if e := p.spender(&tx.Inputs[i].PrevOut); e != nil {
					p.forget(&e.txid)
					p.removeWithDescendants(e, goneConflicted)
				}
			}
		}
		p.forget(&txid)
	}
}

// forget ends the prioritisation of a transaction that needs none any more.
func (p *Pool) forget(txid *wire.Hash) {
	if p.deltas[*txid] != 0 {
		delete(p.deltas, *txid)
		p.journal.delta(txid, 0)
	}
}

// returning is the transactions of disconnected blocks.
type returning struct {
	txs     []*wire.Tx // the last of the highest block first
	dropped []*wire.Tx // those that there was no room for
	bytes   int
}

// add takes the transactions of a block that is no higher than the last one.
func (r *returning) add(b *wire.Block) {
	for i := len(b.Txs) - 1; i > 0; i-- {
		r.txs = append(r.txs, b.Txs[i])
		r.bytes += b.Txs[i].Size()
	}
	for r.bytes > maxReturning {
		r.bytes -= r.txs[0].Size()
		r.dropped = append(r.dropped, r.txs[0])
		r.txs = r.txs[1:]
	}
}

// drop forgets the transactions of a block that was connected, and what cannot
// come back because of it is found when it is judged.
func (r *returning) drop(b *wire.Block) {
	if len(r.txs) == 0 && len(r.dropped) == 0 {
		return
	}
	mined := make(map[wire.Hash]bool, len(b.Txs))
	for _, tx := range b.Txs {
		mined[tx.TxID()] = true
	}
	is := func(tx *wire.Tx) bool { return mined[tx.TxID()] }
	r.txs = slices.DeleteFunc(r.txs, is)
	r.dropped = slices.DeleteFunc(r.dropped, is)
}

// bringBack puts the transactions of disconnected blocks back into the pool,
// and takes out what is not valid any more at the new tip. The limits on
// ancestors and descendants hold among those that come back, as far as they get;
// what stands above them in the pool goes if it has too many ancestors now
// (Bitcoin Core's).
func (p *Pool) bringBack(back *returning) error {
	var restored []*entry
	for i := len(back.txs) - 1; i >= 0; i-- {
		e, err := p.restore(back.txs[i])
		if err != nil {
			return err
		}
		if e != nil {
			restored = append(restored, e)
		}
	}
	for _, tx := range back.dropped {
		if err := p.removeSpenders(tx); err != nil {
			return err
		}
	}
	p.reunite(restored)
	return p.removeInvalid()
}

// restore puts a transaction back, without a link to what stands above it. It
// returns nil if it cannot come back; an error is a fault.
func (p *Pool) restore(tx *wire.Tx) (*entry, error) {
	e, err := p.readmit(tx, p.cfg.Now().Unix())
	switch {
	case err == nil:
		return e, nil
	case !IsRejected(err):
		return nil, fmt.Errorf("mempool: bring back %v: %w", tx.TxID(), err)
	}
	return nil, p.removeSpenders(tx)
}

// readmit puts in a transaction that was in before, whatever it pays, as one that
// has come at a time. It is not linked to what stands above it.
func (p *Pool) readmit(tx *wire.Tx, at int64) (*entry, error) {
	c, err := p.judge(tx, admission{returning: true})
	if err == nil {
		err = p.checkAlone(tx)
	}
	if err == nil {
		err = p.verify(c)
	}
	if err != nil {
		return nil, err
	}
	c.time = at
	e := c.entry(p.state.Tip.Height)
	p.insert(e, c)
	p.came(e)
	return e, nil
}

// reunite links restored entries to what spends from them.
func (p *Pool) reunite(restored []*entry) {
	var above []*entry // restored ones that were linked
	for _, e := range restored {
		if e.has(flagGone) {
			continue
		}
		linked := false
		for i := range e.tx().Outputs {
			child := p.spender(&wire.OutPoint{TxID: e.txid, Index: uint32(i)})
			if child != nil && !slices.Contains(e.children(), child) {
				p.link(e, child)
				linked = true
			}
		}
		if linked {
			above = append(above, e)
		}
	}
	p.recount(above)
	for _, d := range p.descendants(above...) {
		if t := d.ancestors(); !d.has(flagGone) && (t.count > p.cfg.Limits.AncestorCount || t.size > p.cfg.Limits.AncestorSize) {
			p.removeWithDescendants(d, goneDisconnected)
		}
	}
}

// removeSpenders takes out what spends the outputs of a transaction that does
// not come back, unless it is in the pool or in a block all the same. An error is
// a fault.
func (p *Pool) removeSpenders(tx *wire.Tx) error {
	txid := tx.TxID()
	if p.lookup(&txid) != nil {
		return nil
	}
	for i := range tx.Outputs {
		op := wire.OutPoint{TxID: txid, Index: uint32(i)}
		e := p.spender(&op)
		if e == nil {
			continue
		}
		var coin consensus.Coin
		if found, err := p.coins.FetchCoin(op, &coin); err != nil {
			return err
		} else if !found {
			p.removeWithDescendants(e, goneDisconnected)
		}
	}
	return nil
}

// removeInvalid takes out what a reorganisation has made invalid: coinbases are
// less deep, lock times lie ahead again.
func (p *Pool) removeInvalid() error {
	for _, e := range slices.Clone(p.ranked()) {
		if e.flags&(flagSpendsCoinbase|flagTimed) == 0 || e.has(flagGone) {
			continue
		}
		err := p.stillValid(e)
		if err != nil && !IsRejected(err) {
			return err
		}
		if err != nil {
			p.removeWithDescendants(e, goneDisconnected)
		}
	}
	return nil
}

// stillValid judges e again by what the height and the time of the tip change.
func (p *Pool) stillValid(e *entry) error {
	c := &candidate{tx: e.tx(), txid: e.txid}
	if err := consensus.ValidateTxContext(p.state, c.tx); err != nil {
		return err
	}
	if err := p.gather(c, admission{}); err != nil {
		return err
	}
	if err := consensus.ValidateSequenceLocks(p.state, c.tx, c.spent); err != nil {
		return err
	}
	_, err := consensus.ValidateTxInputs(p.state, c.tx, c.spent)
	return err
}
