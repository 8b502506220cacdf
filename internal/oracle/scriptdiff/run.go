package scriptdiff

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/keelson-chain/keelson/internal/oracle/corpus"
	"github.com/keelson-chain/keelson/script"
)

// A Divergence is a spend of which the engines say different things.
type Divergence struct {
	N       uint64
	Spend   *corpus.Spend
	Verdict Verdict
}

// A Report counts what a run did.
type Report struct {
	Executions  int
	Valid       int            // in both
	Divergences int            // with no explanation
	Known       map[string]int // by explanation
	Codes       map[string]int // Keelson's error codes
	Causes      [3]int         // invalid in both, by Cause
	OtherCauses map[string]int // invalid in both, for causes that differ
	Elapsed     time.Duration
}

// Run compares the spends first to first+n-1 of a seed, and calls diverges,
// for one at a time, for those of which the engines say different things
// without a known reason.
func Run(g *Generator, seed, first, n uint64, workers int, diverges func(Divergence)) *Report {
	start := time.Now()
	total := newReport()
	var next atomic.Uint64
	var mu sync.Mutex // guards total and the calls of diverges
	var wg sync.WaitGroup
	for range workers {
		wg.Go(func() {
			r := newReport()
			for {
				i := next.Add(1) - 1
				if i >= n {
					break
				}
				s := g.Spend(seed, first+i)
				v := Compare(s)
				if r.add(s, v) {
					mu.Lock()
					diverges(Divergence{first + i, s, v})
					mu.Unlock()
				}
			}
			mu.Lock()
			total.merge(r)
			mu.Unlock()
		})
	}
	wg.Wait()
	total.Elapsed = time.Since(start)
	return total
}

func newReport() *Report {
	return &Report{Known: make(map[string]int), Codes: make(map[string]int), OtherCauses: make(map[string]int)}
}

// add counts a verdict and reports whether it is a divergence that nothing
// explains.
func (r *Report) add(s *corpus.Spend, v Verdict) bool {
	r.Executions++
	if code, ok := errors.AsType[script.ErrorCode](v.Ours); ok {
		r.Codes[code.Name()]++
	}
	switch {
	case v.Diverges():
		if why := explain(s, v); why != "" {
			r.Known[why]++
			return false
		}
		r.Divergences++
		return true
	case v.Ours == nil:
		r.Valid++
	default:
		cause := v.Cause()
		r.Causes[cause]++
		if cause == Other {
			r.OtherCauses[v.causes()]++
		}
	}
	return false
}

func (r *Report) merge(o *Report) {
	r.Executions += o.Executions
	r.Valid += o.Valid
	r.Divergences += o.Divergences
	for i, n := range o.Causes {
		r.Causes[i] += n
	}
	for _, m := range []struct{ to, from map[string]int }{{r.Known, o.Known}, {r.Codes, o.Codes}, {r.OtherCauses, o.OtherCauses}} {
		for k, n := range m.from {
			m.to[k] += n
		}
	}
}

// String says in a few lines what the run did.
func (r *Report) String() string {
	var b strings.Builder
	known := 0
	for _, n := range r.Known {
		known += n
	}
	fmt.Fprintf(&b, "%d executions in %.0f s, %.0f a second\n", r.Executions, r.Elapsed.Seconds(), float64(r.Executions)/r.Elapsed.Seconds())
	fmt.Fprintf(&b, "%d divergences, and %d with a known explanation\n", r.Divergences, known)
	fmt.Fprintf(&b, "%d valid in both; %d invalid in both, with %d error codes: %d for the same cause, %d for one that btcd looks for ahead, %d for another\n",
		r.Valid, r.Causes[Same]+r.Causes[LooksFor]+r.Causes[Other], len(r.Codes), r.Causes[Same], r.Causes[LooksFor], r.Causes[Other])
	for _, table := range []struct {
		title string
		rows  map[string]int
	}{{"known", r.Known}, {"other cause", r.OtherCauses}, {"code", r.Codes}} {
		for _, k := range slices.SortedFunc(maps.Keys(table.rows), func(a, b string) int { return table.rows[b] - table.rows[a] }) {
			fmt.Fprintf(&b, "  %s: %7d %s\n", table.title, table.rows[k], k)
		}
	}
	return b.String()
}

// Describe returns a spend with its verdict in full.
func Describe(s *corpus.Spend, v Verdict) string {
	var b strings.Builder
	in := &s.Tx.Inputs[s.Input]
	fmt.Fprintf(&b, "  start    %s\n  tx       %x\n  input    %d\n  flags    %v\n", s.Name, s.Tx.Append(nil), s.Input, s.Flags)
	fmt.Fprintf(&b, "  version  %d, lock time %d, sequence %08x\n", s.Tx.Version, s.Tx.LockTime, in.Sequence)
	for i, out := range s.Spent {
		fmt.Fprintf(&b, "  spent %d  %v to %s\n", i, out.Value, script.Disassemble(out.PkScript))
	}
	fmt.Fprintf(&b, "  script   %s\n", script.Disassemble(in.SigScript))
	for i, item := range in.Witness {
		fmt.Fprintf(&b, "  witness  %x\n", item)
		if i >= len(in.Witness)-2 {
			fmt.Fprintf(&b, "           as a script %s\n", script.Disassemble(item))
		}
	}
	fmt.Fprintf(&b, "  ours     %v\n  btcd     %v\n", v.Ours, v.Theirs)
	if v.Batch != nil {
		fmt.Fprintf(&b, "  batch    %v\n", v.Batch)
	}
	return b.String()
}
