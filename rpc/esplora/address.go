package esplora

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/script/address"
	"github.com/keelson-chain/keelson/wire"
)

// MaxCoins is how many unspent outputs of one script are listed; a script with more
// has no list.
const MaxCoins = 10_000

// errTooMany is what electrs says of such a script.
var errTooMany = badRequest("Too many history entries")

// errNoAfter is what mempool.space says of a page after a transaction that nobody
// knows.
var errNoAfter = badRequest("after_txid not found")

// ScriptHash names an output script: it is its SHA-256.
type ScriptHash = ledger.ScriptHash

// HashScript returns the name of an output script.
func HashScript(pkScript []byte) ScriptHash { return ledger.HashScript(pkScript) }

// elsewhere are the prefixes of the addresses that people paste by mistake: those
// of Bitcoin's networks and of our own.
var elsewhere = [...]address.Prefixes{
	{PubKeyHash: 0x00, ScriptHash: 0x05, HRP: "bc"},
	{PubKeyHash: 0x6f, ScriptHash: 0xc4, HRP: "tb"},
	{PubKeyHash: 0x6f, ScriptHash: 0xc4, HRP: "bcrt"},
	{PubKeyHash: 45, ScriptHash: 107, HRP: "kel"},
	{PubKeyHash: 0x6f, ScriptHash: 0xc4, HRP: "tkel"},
}

// ParseAddress returns the output script of an address of the network. The error
// is an ErrBadRequest.
func (v *View) ParseAddress(text string) ([]byte, error) {
	pkScript, err := address.Decode(&v.cfg.Params.Address, text)
	if err == nil {
		return pkScript, nil
	}
	for i := range elsewhere {
		if _, err := address.Decode(&elsewhere[i], text); err == nil {
			return nil, badRequest("Address on invalid network")
		}
	}
	return nil, badRequest(err.Error())
}

// ScriptStats sums up what happened to the outputs of a script.
func (v *View) ScriptStats(ctx context.Context, h ScriptHash) (Stats, error) {
	return consistent(ctx, v, func(s *look) (Stats, error) {
		t, err := s.ScriptTotals(h)
		if err != nil {
			return Stats{}, err
		}
		if err := s.catchUp(ctx); err != nil {
			return Stats{}, err
		}
		chain := Totals{
			FundedCount: t.Funded, FundedSum: t.FundedSum,
			SpentCount: t.Spent, SpentSum: t.SpentSum, TxCount: t.Txs,
		}
		return Stats{Chain: chain, Pool: v.pool.totals(h)}, nil
	})
}

// ChainTxs describes the confirmed transactions that make or spend an output of a
// script, the last one first: at most max of them, after the transaction after if
// that is not nil. As electrs has it, nothing comes after one that is not among
// them, which is no error: a reorganisation may have taken it away.
func (v *View) ChainTxs(ctx context.Context, h ScriptHash, after *wire.Hash, max int) ([]Tx, error) {
	return consistent(ctx, v, func(s *look) ([]Tx, error) { return v.chainTxs(ctx, s, h, after, max) })
}

func (v *View) chainTxs(ctx context.Context, s *look, h ScriptHash, after *wire.Hash, max int) ([]Tx, error) {
	txs := []Tx{}
	var before *ledger.HistoryEntry
	if after != nil {
		p, err := v.find(s, *after)
		if errors.Is(err, ErrNotFound) {
			return txs, nil
		}
		if err != nil {
			return nil, err
		}
		at := ledger.HistoryEntry{TxID: *after, Height: p.entry.Ref.Height, Index: uint32(p.index)}
		next := at
		next.Index++
		found, err := s.History(h, &next, 1)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 || found[0].TxID != *after {
			return txs, nil
		}
		before = &at
	}
	history, err := s.History(h, before, max)
	if err != nil {
		return nil, err
	}
	for i := range history {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		e, ok := v.cfg.Chain.Ancestor(s.Tip().Hash, history[i].Height)
		if !ok {
			return nil, errNoBlock // the tip's branch has been forgotten
		}
		b, err := v.body(e.Ref.Hash)
		if err != nil {
			return nil, err
		}
		index := int(history[i].Index)
		if index >= len(b.block.Txs) || b.block.Txs[index].TxID() != history[i].TxID {
			return nil, fmt.Errorf("%w: address index: transaction %v is not in block %v at place %d", ledger.ErrCorrupt, history[i].TxID, e.Ref.Hash, index)
		}
		txs = append(txs, v.describeMined(&e, b, index))
	}
	return txs, nil
}

// PoolTxs describes the transactions of the pool that make or spend an output of a
// script, the last to come first, at most max. It needs no index of the ledger.
func (v *View) PoolTxs(ctx context.Context, h ScriptHash, max int) ([]Tx, error) {
	return consistent(ctx, v, func(s *look) ([]Tx, error) { return v.poolTxs(ctx, s, h, nil, max) })
}

func (v *View) poolTxs(ctx context.Context, s *look, h ScriptHash, after *wire.Hash, max int) ([]Tx, error) {
	if err := s.catchUp(ctx); err != nil {
		return nil, err
	}
	txs := []Tx{}
	for _, txid := range v.pool.history(h, after, max) {
		tx, ok := v.cfg.Pool.Tx(txid)
		if !ok {
			continue // it has just left
		}
		t, err := v.describeWaiting(s, tx)
		if err != nil {
			return nil, err
		}
		txs = append(txs, t)
	}
	return txs, nil
}

// ScriptTxs describes a script's transactions of the pool, at most MaxPoolTxs, and
// after them its last confirmed ones, at most MaxChainTxs. If after is not nil, the
// list goes on after that transaction; if nobody knows it, the error is an
// ErrBadRequest, as mempool.space has it.
func (v *View) ScriptTxs(ctx context.Context, h ScriptHash, after *wire.Hash) ([]Tx, error) {
	return consistent(ctx, v, func(s *look) ([]Tx, error) {
		if after != nil && !v.cfg.Pool.Has(*after) {
			_, err := v.find(s, *after)
			if errors.Is(err, ErrNotFound) {
				err = errNoAfter
			}
			if err != nil {
				return nil, err
			}
			return v.chainTxs(ctx, s, h, after, MaxChainTxs)
		}
		confirmed, err := v.chainTxs(ctx, s, h, nil, MaxChainTxs)
		if err != nil {
			return nil, err
		}
		txs, err := v.poolTxs(ctx, s, h, after, MaxPoolTxs)
		return append(txs, confirmed...), err
	})
}

// Coins returns the unspent outputs of a script: confirmed ones that no transaction
// of the pool spends, the highest first, then those that the pool makes. There are
// at most MaxCoins; if the script has more, the error is an ErrBadRequest.
func (v *View) Coins(ctx context.Context, h ScriptHash) ([]Coin, error) {
	return consistent(ctx, v, func(s *look) ([]Coin, error) {
		confirmed, err := s.ScriptCoins(h, MaxCoins)
		if errors.Is(err, ledger.ErrTooMany) {
			err = errTooMany
		}
		if err != nil {
			return nil, err
		}
		if err := s.catchUp(ctx); err != nil {
			return nil, err
		}
		made, spent := v.pool.coins(h)
		slices.SortStableFunc(confirmed, func(a, b ledger.ScriptCoin) int { return cmp.Compare(b.Coin.Height, a.Coin.Height) })
		coins := make([]Coin, 0, len(confirmed)+len(made))
		var status Status // of the last height: many coins may share it
		for i := range confirmed {
			c := &confirmed[i]
			if spent[c.Out] {
				continue
			}
			if !status.Confirmed || status.Block.Height != c.Coin.Height {
				if status, err = v.statusAt(s, c.Coin.Height); err != nil {
					return nil, err
				}
			}
			coins = append(coins, Coin{TxID: c.Out.TxID, Vout: c.Out.Index, Status: status, Value: c.Coin.Out.Value})
		}
		if coins = append(coins, made...); len(coins) > MaxCoins {
			return nil, errTooMany
		}
		return coins, nil
	})
}

// statusAt is the status of what the block at a height has confirmed.
func (v *View) statusAt(s *look, height uint32) (Status, error) {
	e, ok := v.cfg.Chain.Ancestor(s.Tip().Hash, height)
	if !ok {
		return Status{}, errNoBlock // the tip's branch has been forgotten
	}
	return Status{Confirmed: true, Block: e.Ref, Time: e.Header.Time}, nil
}

// history returns the transactions of the pool that touch a script, the last to
// come first, at most max: those after one of them, if after is not nil.
func (p *poolIndex) history(h ScriptHash, after *wire.Hash, max int) []wire.Hash {
	p.mu.RLock()
	defer p.mu.RUnlock()
	var ids []wire.Hash
	for _, w := range slices.Backward(p.scripts[h]) {
		if len(ids) == max {
			break
		}
		if after == nil {
			ids = append(ids, w.txid)
		} else if w.txid == *after {
			after = nil
		}
	}
	return ids
}

// totals sums up what the pool does to the outputs of a script.
func (p *poolIndex) totals(h ScriptHash) (t Totals) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	for _, w := range p.scripts[h] {
		t.TxCount++
		for i := range w.touches {
			switch c := &w.touches[i]; {
			case c.script != h:
			case c.spends:
				t.SpentCount++
				t.SpentSum += c.value
			default:
				t.FundedCount++
				t.FundedSum += c.value
			}
		}
	}
	return t
}

// coins returns the outputs of a script that the pool makes and does not spend,
// in the order in which they came, and all those that it spends.
func (p *poolIndex) coins(h ScriptHash) (made []Coin, spent map[wire.OutPoint]bool) {
	p.mu.RLock()
	defer p.mu.RUnlock()
	spent = map[wire.OutPoint]bool{}
	for _, w := range p.scripts[h] {
		for i := range w.touches {
			if c := &w.touches[i]; c.script == h && c.spends {
				spent[c.out] = true
			}
		}
	}
	for _, w := range p.scripts[h] {
		for i := range w.touches {
			if c := &w.touches[i]; c.script == h && !c.spends && !c.lost && !spent[c.out] {
				made = append(made, Coin{TxID: c.out.TxID, Vout: c.out.Index, Value: c.value})
			}
		}
	}
	return made, spent
}
