package mempool

import (
	"context"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/wire"
)

// bulkSize is how many transactions of AddAll have their scripts verified
// together.
const bulkSize = 512

// AddAll adds many transactions, in order. errs says for each what Add would
// have said; err is a fault or ctx's, and ends it. The work is shared: the
// pool is locked once for many, and their signatures are verified in one batch
// on all cores.
func (p *Pool) AddAll(ctx context.Context, txs []*wire.Tx, o AddOptions) (errs []error, err error) {
	list := make([]offer, len(txs))
	for i, tx := range txs {
		list[i] = offer{tx: tx}
	}
	err = p.addAll(ctx, list, o)
	errs = make([]error, len(txs))
	for i := range list {
		errs[i] = list[i].err
	}
	return errs, err
}

// offer is one of the transactions that are added together.
type offer struct {
	tx   *wire.Tx
	time int64 // of its arrival; 0: now
	c    *candidate
	err  error
}

func (p *Pool) addAll(ctx context.Context, list []offer, o AddOptions) error {
	for len(list) > 0 {
		n, err := p.judgeMany(ctx, list[:min(bulkSize, len(list))])
		if err != nil {
			return err
		}
		if err := p.verifyMany(list[:n]); err != nil {
			return err
		}
		if err := p.enterMany(ctx, list[:n], o); err != nil {
			return err
		}
		list = list[n:]
	}
	return nil
}

// judgeMany judges offers by everything but scripts, and returns how many: it
// ends before one that depends on an earlier one, by spending from it or
// spending the same, and before and behind one that would replace something.
// The error is a fault.
func (p *Pool) judgeMany(ctx context.Context, list []offer) (n int, err error) {
	err = p.withCoins(ctx, func() error {
		made := make(map[wire.Hash]bool, len(list))
		spent := make(map[wire.OutPoint]bool, len(list))
		for n = 0; n < len(list); n++ {
			f := &list[n]
			replaces := false
			for i := range f.tx.Inputs {
				op := f.tx.Inputs[i].PrevOut
				if made[op.TxID] || spent[op] {
					return nil
				}
				if p.spender(&op) != nil {
					replaces = true
				}
			}
			if replaces && n > 0 {
				return nil
			}
			if f.err = p.checkAlone(f.tx); f.err == nil {
				f.c, f.err = p.judge(f.tx, admission{})
			}
			if f.err != nil {
				if !IsRejected(f.err) {
					return f.err
				}
				continue
			}
			f.c.time = f.time
			if len(f.c.conflicts) > 0 {
				// Alone, also if all it takes the place of is the other child of
				// a TRUC parent.
				n = max(n, 1)
				return nil
			}
			made[f.c.txid] = true
			for i := range f.tx.Inputs {
				spent[f.tx.Inputs[i].PrevOut] = true
			}
		}
		return nil
	})
	return n, err
}

// verifyMany runs the scripts of all in one go; if one fails, of each.
func (p *Pool) verifyMany(list []offer) error {
	var txs []*wire.Tx
	var spent []consensus.Coin
	var inBlock script.Flags // the same for all: they were judged together
	for i := range list {
		if list[i].err == nil {
			txs = append(txs, list[i].tx)
			spent = append(spent, list[i].c.spent...)
			inBlock = list[i].c.inBlock
		}
	}
	if p.verifyScripts(txs, spent, inBlock) == nil {
		return nil
	}
	for i := range list {
		f := &list[i]
		if f.err != nil {
			continue
		}
		if f.err = p.verify(f.c); f.err != nil && !IsRejected(f.err) {
			return f.err
		}
	}
	return nil
}

// enterMany puts those in that have passed.
func (p *Pool) enterMany(ctx context.Context, list []offer, o AddOptions) error {
	return p.withCoins(ctx, func() (err error) {
		// Each that comes in makes a new version of the pool, too, but does not
		// change what was found out about those that have no relatives there, if
		// that is all it does.
		judged, expected := p.version, p.version
		for i := range list {
			f := &list[i]
			if f.err == nil && o.MaxFee > 0 && f.c.fee > o.MaxFee {
				f.err = ErrMaxFee
			}
			if f.err == nil && (f.c.version != judged || p.version != expected || len(f.c.parents) > 0) {
				if f.c, f.err = p.judge(f.tx, admission{}); f.err == nil {
					f.c.time = f.time
				}
			}
			if f.err == nil {
				f.err = p.enter(f.c, o)
				expected++
			}
			switch {
			case f.err == nil:
			case !IsRejected(f.err):
				return f.err
			default:
				p.counts.Rejected++
			}
		}
		return nil
	})
}
