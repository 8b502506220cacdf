package esplora

import (
	"cmp"
	"context"
	"slices"
	"sync"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger"
	"github.com/keelson-chain/keelson/mempool"
	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/wire"
)

// poolIndex is what the pool holds for each output script. Nobody tells it what
// comes and goes: whoever asks has it catch up first. It takes memory in
// proportion to the pool, which bounds it.
type poolIndex struct {
	pool  *mempool.Pool
	chain *ledger.Ledger

	// turn is held by who catches up, while the pool and the ledger are asked;
	// neither knows of this package, so they cannot wait for it.
	turn sync.Mutex
	// What only the holder of turn touches: the pool's sequence number and moment
	// up to which the index has caught up, and the transactions whose prevouts
	// could not be found, to be tried again.
	started  bool
	sequence uint64
	moment   mempool.Moment
	missing  []mempool.Arrival

	mu sync.RWMutex
	// Guarded by mu.
	txs     map[wire.Hash]*waiting
	scripts map[ScriptHash][]*waiting // in the order of arrival
	recent  []PoolTx                  // the last to come first; some may have left
	stats   *PoolStats                // nil: to be made anew
}

// waiting is a transaction of the pool. It does not change.
type waiting struct {
	txid, wtxid wire.Hash
	fee         wire.Amount
	weight      int
	touches     []touch
}

// touch is an output of a script that a transaction makes or spends.
type touch struct {
	script ScriptHash
	out    wire.OutPoint
	value  wire.Amount
	spends bool
	lost   bool // nobody can spend what it makes
}

func (p *poolIndex) init(pool *mempool.Pool, chain *ledger.Ledger) {
	p.pool, p.chain = pool, chain
	p.txs, p.scripts = map[wire.Hash]*waiting{}, map[ScriptHash][]*waiting{}
}

// catchUp brings the index to what the pool holds, and returns the tip on which it
// holds that, the zero one if the pool moved to another meanwhile.
func (p *poolIndex) catchUp(ctx context.Context) (wire.BlockRef, error) {
	p.turn.Lock()
	defer p.turn.Unlock()
	tip, sequence := p.pool.At()
	if p.started && sequence == p.sequence && len(p.missing) == 0 {
		return tip, nil
	}
	if err := p.follow(ctx, sequence); err != nil {
		return wire.BlockRef{}, err
	}
	if now, _ := p.pool.At(); now != tip || len(p.missing) > 0 {
		return wire.BlockRef{}, nil
	}
	return tip, nil
}

// follow is catchUp for a pool that had a sequence number just now. turn is held.
func (p *poolIndex) follow(ctx context.Context, sequence uint64) error {
	arrivals, now, missed := p.pool.ArrivalsSince(p.moment, nil)
	// Every change is a number. If there were as many as have come, none has left;
	// else those that have left go first, so that no two spend the same.
	if !p.started || missed || p.pool.Sequence() != sequence || sequence-p.sequence != uint64(len(arrivals)) {
		p.leave()
	}
	arrivals = append(p.missing, arrivals...)
	if missed {
		arrivals = append(p.unknown(), arrivals...)
	}
	p.started, p.sequence, p.moment, p.missing = true, sequence, now, nil
	for i, a := range arrivals {
		err := ctx.Err()
		if err == nil {
			err = p.enter(a)
		}
		if err != nil {
			// What was not looked at is looked at next time.
			p.missing = append(p.missing, arrivals[i:]...)
			return err
		}
	}
	return nil
}

// unknown returns the transactions of the pool that the index does not have, parents
// before children.
func (p *poolIndex) unknown() (list []mempool.Arrival) {
	for _, info := range p.pool.Infos() {
		if p.has(info.TxID) {
			continue
		}
		list = append(list, mempool.Arrival{TxID: info.TxID, WTxID: info.WTxID, Fee: info.Fee, VSize: info.VSize})
	}
	return list
}

func (p *poolIndex) has(txid wire.Hash) bool {
	p.mu.RLock()
	defer p.mu.RUnlock()
	return p.txs[txid] != nil
}

// enter takes in a transaction that has come.
func (p *poolIndex) enter(a mempool.Arrival) error {
	if p.has(a.TxID) {
		return nil
	}
	tx, ok := p.pool.Tx(a.TxID)
	if !ok {
		return nil // gone again
	}
	prevouts, err := p.prevouts(ledgerCoins{p.chain}, tx)
	if err != nil {
		return err
	}
	if slices.Contains(prevouts, nil) {
		// Its parent was mined, or itself, while this went on.
		p.missing = append(p.missing, a)
		return nil
	}
	w := &waiting{txid: a.TxID, wtxid: a.WTxID, fee: a.Fee, weight: tx.Weight()}
	var value wire.Amount
	for i, out := range prevouts {
		value += out.Value
		w.touches = append(w.touches, touch{HashScript(out.PkScript), tx.Inputs[i].PrevOut, out.Value, true, false})
	}
	for i := range tx.Outputs {
		out := &tx.Outputs[i]
		op := wire.OutPoint{TxID: a.TxID, Index: uint32(i)}
		w.touches = append(w.touches, touch{HashScript(out.PkScript), op, out.Value, false, script.IsUnspendable(out.PkScript)})
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stats = nil
	p.txs[w.txid] = w
	for _, t := range w.touches {
		if list := p.scripts[t.script]; len(list) == 0 || list[len(list)-1] != w {
			p.scripts[t.script] = append(list, w)
		}
	}
	p.recent = slices.Insert(p.recent, 0, PoolTx{TxID: a.TxID, Fee: a.Fee, VSize: (w.weight + 3) / 4, Value: value})
	p.recent = p.recent[:min(len(p.recent), MaxRecent)]
	return nil
}

// leave drops what has left the pool.
func (p *poolIndex) leave() {
	p.mu.RLock()
	wtxids := make([]wire.Hash, 0, len(p.txs))
	byWitness := make(map[wire.Hash]*waiting, len(p.txs))
	for _, w := range p.txs {
		wtxids = append(wtxids, w.wtxid)
		byWitness[w.wtxid] = w
	}
	p.mu.RUnlock()
	lacking := p.pool.LackingWTxIDs(wtxids, nil)
	if len(lacking) == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stats = nil
	gone := make(map[*waiting]bool, len(lacking))
	for _, wtxid := range lacking {
		w := byWitness[wtxid]
		gone[w] = true
		delete(p.txs, w.txid)
	}
	// A script's list is walked once, however many of it leave.
	done := make(map[ScriptHash]bool)
	for w := range gone {
		for _, t := range w.touches {
			if done[t.script] {
				continue
			}
			done[t.script] = true
			left := slices.DeleteFunc(p.scripts[t.script], func(w *waiting) bool { return gone[w] })
			if len(left) == 0 {
				delete(p.scripts, t.script)
			} else {
				p.scripts[t.script] = left
			}
		}
	}
}

// ledgerCoins are the coins at the tip, whatever that is.
type ledgerCoins struct{ chain *ledger.Ledger }

func (l ledgerCoins) FetchCoin(op wire.OutPoint, c *consensus.Coin) (found bool, err error) {
	*c, found, err = l.chain.Coin(op)
	return found, err
}

// prevouts returns the outputs that a transaction of the pool spends, nil for what
// is neither in the pool nor a coin of s.
func (p *poolIndex) prevouts(s consensus.CoinView, tx *wire.Tx) ([]*wire.TxOut, error) {
	outs := make([]*wire.TxOut, len(tx.Inputs))
	for i := range tx.Inputs {
		op := tx.Inputs[i].PrevOut
		if parent, ok := p.pool.Tx(op.TxID); ok {
			if uint64(op.Index) < uint64(len(parent.Outputs)) {
				outs[i] = &parent.Outputs[op.Index]
			}
			continue
		}
		var c consensus.Coin
		found, err := s.FetchCoin(op, &c)
		if err != nil {
			return nil, err
		}
		if found {
			outs[i] = &c.Out
		}
	}
	return outs, nil
}

// binSize is how many virtual bytes a bin of the histogram has at least, but for
// the last one (electrs's).
const binSize = 50_000

// PoolStats sums the pool up.
func (v *View) PoolStats(ctx context.Context) (PoolStats, error) {
	p := &v.pool
	if _, err := p.catchUp(ctx); err != nil {
		return PoolStats{}, err
	}
	p.mu.RLock()
	stats := p.stats
	p.mu.RUnlock()
	if stats == nil {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.stats == nil {
			p.stats = p.sum()
		}
		stats = p.stats
	}
	copied := *stats
	copied.Histogram = slices.Clone(stats.Histogram)
	return copied, nil
}

// sum makes the stats. mu is held.
func (p *poolIndex) sum() *PoolStats {
	s := &PoolStats{Histogram: []FeeBin{}}
	all := make([]*waiting, 0, len(p.txs))
	for _, w := range p.txs {
		all = append(all, w)
		s.Count++
		s.VSize += int64(w.vsize())
		s.Fees += w.fee
	}
	slices.SortFunc(all, func(a, b *waiting) int { return cmp.Compare(b.feeRate(), a.feeRate()) })
	var bin FeeBin
	for _, w := range all {
		// Equal rates share a bin.
		if rate := w.feeRate(); bin.VSize > binSize && rate != bin.FeeRate {
			s.Histogram = append(s.Histogram, bin)
			bin = FeeBin{}
		}
		bin.FeeRate = w.feeRate()
		bin.VSize += int64(w.vsize())
	}
	if bin.VSize > 0 {
		s.Histogram = append(s.Histogram, bin)
	}
	return s
}

func (w *waiting) vsize() int {
	return (w.weight + wire.WitnessScaleFactor - 1) / wire.WitnessScaleFactor
}
func (w *waiting) feeRate() float64 { return feeRate(w.fee, w.weight) }

// PoolTxIDs returns the ids of the pool's transactions, each behind its ancestors.
func (v *View) PoolTxIDs() []wire.Hash {
	ids, _ := v.cfg.Pool.TxIDs()
	return ids
}

// Recent returns the transactions that came into the pool last, the last one
// first, at most MaxRecent. Some may have left it since.
func (v *View) Recent(ctx context.Context) ([]PoolTx, error) {
	if _, err := v.pool.catchUp(ctx); err != nil {
		return nil, err
	}
	v.pool.mu.RLock()
	defer v.pool.mu.RUnlock()
	return append([]PoolTx{}, v.pool.recent...), nil
}
