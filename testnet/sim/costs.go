package sim

import (
	"context"
	"time"
)

// Costs are what computing takes a node, in virtual time. Nothing that is not
// named here takes any. The figures come from benchmarks on the two-core machine
// of docs/BENCHMARKS.md, where two cores share the work.
type Costs struct {
	// Block and Input are AddBlock's for a block and for each of its inputs whose
	// script is known to be valid, Sig what an unknown one adds (BenchmarkBlock here).
	Block, Input, Sig time.Duration
	// Tx is AddAll's for a transaction, signature included, on one core
	// (BenchmarkAddAll of package mempool and cmd/acceptdiff).
	Tx time.Duration
	// Preverify is Pool.Preverify's for a transaction of which only the scripts are
	// looked at, ahead of the block that has it (BenchmarkPreverify here).
	Preverify time.Duration
	// Slot and Offer are what turning a compact block into a block takes for each of
	// its transactions and for each of the pool's (BenchmarkReconstruct here). Every
	// block is charged with it when it is added, wherever it came from.
	Slot, Offer time.Duration
}

// Measured are the costs as measured.
var Measured = Costs{
	Block: 5 * time.Millisecond, // above all two syncs of a disk, which the benchmark does not have
	Input: 6700 * time.Nanosecond,
	Sig:   40 * time.Microsecond,
	Tx:    95 * time.Microsecond,
	// 1.1 to 1.3 of what Sig was in the same run.
	Preverify: 50 * time.Microsecond,
	Slot:      830 * time.Nanosecond,
	Offer:     26 * time.Nanosecond,
}

// compute lets the node's processor work for d: what else it has to compute waits
// until then. It returns early when ctx ends.
func (n *Node) compute(ctx context.Context, d time.Duration) {
	if d <= 0 {
		return
	}
	select {
	case n.processor <- struct{}{}:
	case <-ctx.Done():
		return
	}
	defer func() { <-n.processor }()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
