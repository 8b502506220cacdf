package consensus

import (
	"sync"
	"sync/atomic"

	"github.com/keelson-chain/keelson/script"
	"github.com/keelson-chain/keelson/script/sig"
	"github.com/keelson-chain/keelson/wire"
)

const (
	// maxChunk bounds how many inputs a worker takes at a time, and with that
	// how many signatures are verified together: beyond it a batch gains
	// little more, and what must be run again if one is bad grows.
	maxChunk = 1000
	// minChunk is the least that is worth handing to another goroutine.
	minChunk = 16
)

// scriptRun is the running of the scripts of transactions. It numbers their inputs
// through and hands them out in chunks.
type scriptRun struct {
	txs     []*wire.Tx
	spent   []Coin // of all inputs of txs, in order, and perhaps more
	flags   script.Flags
	options Options

	// From pick on txs are those whose scripts have to be run.

	outs    []wire.TxOut // that they spend
	starts  []int        // the first input of each transaction, and the end
	hashes  []txHashes   // one per transaction
	total   int          // inputs
	workers int

	next    atomic.Int64 // the first input that nobody has taken
	failure firstFailure
}

// txHashes is a SigHashes that is made when it is first needed, by one of the
// workers that share a transaction.
type txHashes struct {
	once sync.Once
	h    *script.SigHashes
}

// firstFailure keeps the failure of the lowest input.
type firstFailure struct {
	input atomic.Int64 // the input plus one; 0 if none failed
	mutex sync.Mutex
	err   error
}

func (f *firstFailure) add(input int, err error) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if at := f.input.Load(); at == 0 || int64(input) < at-1 {
		f.input.Store(int64(input) + 1)
		f.err = err
	}
}

// before reports whether an input below input has failed.
func (f *firstFailure) before(input int) bool {
	at := f.input.Load()
	return at != 0 && at-1 < int64(input)
}

// verify runs all scripts and returns the *RuleError of the lowest input, in
// the lowest transaction, whose script fails. It does not depend on how many
// workers there are.
func (r *scriptRun) verify() error {
	r.pick()
	if r.total == 0 {
		return nil
	}
	r.hashes = make([]txHashes, len(r.txs))
	if r.options.Sigs == nil {
		r.options.Sigs = sig.DCRD()
	}

	r.workers = max(min(r.options.Workers, r.total/minChunk), 1)
	var group sync.WaitGroup
	for range r.workers - 1 {
		group.Go(r.work)
	}
	r.work()
	group.Wait()
	if r.failure.err == nil && r.options.Remember && r.options.Cache != nil {
		for _, tx := range r.txs {
			r.options.Cache.AddScripts(tx.WTxID(), uint64(r.flags))
		}
	}
	return r.failure.err
}

// pick numbers the inputs of the transactions that are not known to be valid. What a
// script says depends on its transaction, on the outputs that this spends, which it
// names by the hashes of what made them, and on the flags; on nothing else, such as
// the block that has it (Bitcoin Core's script execution cache rests on the same).
func (r *scriptRun) pick() {
	all, spent := r.txs, r.spent
	inputs := 0
	for _, tx := range all {
		inputs += len(tx.Inputs)
	}
	r.txs, r.outs, r.starts = make([]*wire.Tx, 0, len(all)), make([]wire.TxOut, 0, inputs), make([]int, 1, len(all)+1)
	for _, tx := range all {
		coins := spent[:len(tx.Inputs)]
		spent = spent[len(coins):]
		if cache := r.options.Cache; cache != nil {
			if wtxid := tx.WTxID(); cache.HasScripts(wtxid, uint64(r.flags)) {
				continue
			}
		}
		r.txs = append(r.txs, tx)
		for i := range coins {
			r.outs = append(r.outs, coins[i].Out)
		}
		r.starts = append(r.starts, len(r.outs))
	}
	r.total = len(r.outs)
}

// work takes chunks until there are none or a lower input has failed. Chunks
// are taken in order, so whoever is behind a failure has nothing to add.
func (r *scriptRun) work() {
	batch := sig.NewBatch(r.options.Sigs, r.options.Cache)
	exact := sig.Exact{Verifier: r.options.Sigs, Cache: r.options.Cache}
	for {
		first, end := r.take()
		if first == end || r.failure.before(first) {
			return
		}
		r.chunk(first, end, batch, exact)
	}
}

// take returns the next chunk, which is empty at the end. Chunks become
// smaller towards the end, so that workers finish together although some
// inputs cost more than others.
func (r *scriptRun) take() (first, end int) {
	for {
		first := int(r.next.Load())
		size := maxChunk
		if r.workers > 1 {
			size = min(max((r.total-first)/(2*r.workers), minChunk), maxChunk)
		}
		end := min(first+size, r.total)
		if r.next.CompareAndSwap(int64(first), int64(end)) {
			return first, end
		}
	}
}

// chunk runs the scripts of the inputs from first up to end. Signature checks
// are collected and verified together. What the scripts said meanwhile rests
// on all of them being valid: if one is not, or if a script failed, scripts
// are run again with each check answered at once.
func (r *scriptRun) chunk(first, end int, batch *sig.Batch, exact sig.Checker) {
	tx := r.find(first)
	for i := first; i < end; i++ {
		for i >= r.starts[tx+1] {
			tx++
		}
		if r.run(tx, i, batch) != nil {
			// The failure may come from a wrong assumption.
			if !batch.Verify() && r.again(first, i, exact) {
				return
			}
			first = i
			if err := r.run(tx, i, exact); err != nil {
				r.fail(tx, i, err)
				return
			}
		}
	}
	if !batch.Verify() {
		r.again(first, end, exact)
	}
}

// again runs scripts with each check answered at once, and reports whether one
// failed.
func (r *scriptRun) again(first, end int, exact sig.Checker) bool {
	tx := r.find(first)
	for i := first; i < end; i++ {
		for i >= r.starts[tx+1] {
			tx++
		}
		if err := r.run(tx, i, exact); err != nil {
			r.fail(tx, i, err)
			return true
		}
	}
	return false
}

func (r *scriptRun) run(tx, input int, sigs sig.Checker) error {
	shared := &r.hashes[tx]
	shared.once.Do(func() {
		shared.h = script.NewSigHashes(r.txs[tx], r.outs[r.starts[tx]:r.starts[tx+1]])
	})
	return script.Verify(shared.h, input-r.starts[tx], r.flags, sigs)
}

func (r *scriptRun) fail(tx, input int, code error) {
	in := input - r.starts[tx]
	r.failure.add(input, scriptError(code, "input %d of %v, spending %v", in, r.txs[tx].TxID(), r.txs[tx].Inputs[in].PrevOut))
}

// find returns the transaction that an input belongs to.
func (r *scriptRun) find(input int) int {
	low, high := 0, len(r.txs)
	for low+1 < high {
		if mid := (low + high) / 2; r.starts[mid] <= input {
			low = mid
		} else {
			high = mid
		}
	}
	return low
}
