package mempool

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"github.com/keelson-chain/keelson/mempool/fees"
	"github.com/keelson-chain/keelson/wire"
)

// Dump returns all that Save would write, unmasked, and the tip that the pool
// stands on, for Restore.
func (p *Pool) Dump() (saved []byte, at wire.BlockRef, err error) {
	var c contents
	if err := p.read(func() { c, at = p.contents(), p.state.Tip }); err != nil {
		return nil, at, err
	}
	var buf bytes.Buffer
	w := &maskedWriter{w: &buf}
	w.file(true, c)
	return buf.Bytes(), at, w.err
}

// Restore has move take the chain elsewhere, and then the pool holds exactly what
// was dumped: transactions with their times, what was said of fees, and
// which are unbroadcast. Whatever else there was, also in blocks that move takes back,
// is forgotten, and the pool saved. It is for test networks: nobody sees the pool in
// between, since it is locked the while. The ledger, which move calls, waits for no
// pool. A process that is killed before all is saved may find more in its pool.
//
// The error is move's, with nothing changed; or wraps ErrFile, with move not
// called; or it is ErrLeftOut: those that can are in the pool then. Anything else is a
// fault.
func (p *Pool) Restore(saved []byte, move func() error) error {
	c, err := readContents(saved)
	if err != nil {
		return err
	}
	err = p.restoreAll(&c, move)
	if err != nil && !errors.Is(err, ErrLeftOut) {
		return err
	}
	// File and journal have transactions that were mined in blocks which are
	// forgotten: nothing in them says that those are gone.
	return errors.Join(err, p.Save())
}

// restoreAll is Restore in memory.
func (p *Pool) restoreAll(c *contents, move func() error) error {
	p.mu.Lock()
	defer p.unlock()
	if err := move(); err != nil {
		return err
	}
	p.clear()
	if err := p.stand(); err != nil {
		return err
	}
	for txid, sum := range c.deltas {
		p.setSum(txid, saturating(0, sum))
	}
	for i := range c.txs {
		if tx := &c.txs[i]; tx.delta != 0 {
			p.setSum(tx.tx.TxID(), saturating(0, tx.delta))
		}
	}
	var left error
	for i := range c.txs {
		tx := &c.txs[i]
		_, err := p.readmit(tx.tx, tx.time)
		switch {
		case err == nil:
		case !IsRejected(err):
			return fmt.Errorf("mempool: restore %v: %w", tx.tx.TxID(), err)
		case left == nil:
			left = fmt.Errorf("%w: %v: %s", ErrLeftOut, tx.tx.TxID(), RejectText(err))
		}
	}
	for i := range c.unbroadcast {
		p.markUnbroadcast(&c.unbroadcast[i])
	}
	return left
}

// clear takes everything out, and forgets what the pool has learnt.
func (p *Pool) clear() {
	p.removeAll(p.ranked(), goneForgotten)
	for txid := range p.deltas {
		p.setSum(txid, 0)
	}
	p.replaced, p.floor, p.evictions = replaced{}, feeFloor{}, nil
	p.estimator = fees.New()
	p.touched()
}

// stand puts an empty pool on the chain's tip, with the coins there.
func (p *Pool) stand() error {
	for range 8 { // a block may come in between; not forever
		p.dropCoins()
		p.left = p.chain.Departures() // before the tip, so that none is missed
		p.state = p.chain.Tip()
		coins, err := p.chain.CoinSnapshot()
		if err != nil {
			return fmt.Errorf("mempool: coins at the tip: %w", err)
		}
		if p.coins = coins; coins.Tip() == p.state.Tip {
			return nil
		}
	}
	p.dropCoins()
	return errors.New("mempool: the chain does not stand still")
}

// readContents reads what Dump or Save has written.
func readContents(raw []byte) (c contents, err error) {
	r := &fileReader{b: raw}
	for count := r.head(); r.err == nil && count > 0; count-- {
		tx := savedTx{tx: r.tx(), time: int64(r.uint64()), delta: wire.Amount(r.uint64())}
		if r.err == nil {
			c.txs = append(c.txs, tx)
		}
	}
	c.deltas = map[wire.Hash]wire.Amount{}
	for n := r.count(wire.HashSize + 8); n > 0 && r.err == nil; n-- {
		txid := wire.Hash(r.take(wire.HashSize))
		c.deltas[txid] = wire.Amount(r.uint64())
	}
	for n := r.count(wire.HashSize); n > 0 && r.err == nil; n-- {
		c.unbroadcast = append(c.unbroadcast, wire.Hash(r.take(wire.HashSize)))
	}
	if r.err == nil && len(r.b) > 0 {
		r.fail("%d bytes too many", len(r.b))
	}
	c.txs = slices.Clip(c.txs)
	return c, r.err
}
