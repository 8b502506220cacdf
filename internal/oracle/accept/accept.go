// Package accept offers the same transactions to btcd's pool and to Keelson's,
// on the same chain, and says what they answer and what that costs.
//
// Both sides are as a node has them: a ledger on disk with the coins, a cache
// of signatures, the rules of policy that they have by default. Processor time
// is that of the whole process, garbage collection included, so nothing else
// may run in it meanwhile.
package accept

import (
	"fmt"
	"runtime"
	"time"

	"github.com/keelson-chain/keelson/internal/oracle/replay"
)

// Input is a chain, and what is offered on its tip.
type Input struct {
	Chain string // a chain file
	Valid [][]byte
	// Broken are offered one by one to an empty pool, and to one with all of
	// Valid.
	Broken []Broken
}

// Load reads the transactions of a file, at most max of them, and
// breaks every so many of them that there are about broken variants.
func Load(chain, transactions string, max, broken int) (Input, error) {
	in := Input{Chain: chain}
	err := replay.Frames(transactions, func(raw []byte) error {
		if len(in.Valid) < max {
			in.Valid = append(in.Valid, raw)
		}
		return nil
	})
	if err == nil && len(in.Valid) == 0 {
		err = fmt.Errorf("%s: no transactions", transactions)
	}
	if err == nil && broken > 0 {
		in.Broken, err = breakSome(in.Valid, broken)
	}
	return in, err
}

// Result is what a pool answered and what that cost.
type Result struct {
	Name string
	// Refused says why each of Input.Valid was refused, "" for those that were
	// not. RefusedEmpty and RefusedFull are the same of Input.Broken, offered to
	// an empty pool and to one with all of Valid.
	Refused, RefusedEmpty, RefusedFull []string
	CPU                                time.Duration // for adding Input.Valid
}

// Micros returns the microseconds of processor time for each of n transactions.
func Micros(cpu time.Duration, n int) float64 { return float64(cpu.Nanoseconds()) / 1e3 / float64(n) }

// measure returns the processor time that f takes, from a heap that was swept.
func measure(f func() error) (time.Duration, error) {
	runtime.GC()
	before, err := replay.CPU()
	if err != nil {
		return 0, err
	}
	if err := f(); err != nil {
		return 0, err
	}
	after, err := replay.CPU()
	return after - before, err
}

// heap returns the bytes of objects that are alive.
func heap() int64 {
	runtime.GC()
	runtime.GC() // what the first one's finalizers let go
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
