// Command scriptdiff runs generated transaction inputs through Keelson's
// script engine and btcd's, on all cores, and prints where they disagree.
//
//	scriptdiff -n 1000000 -seed 1
//	scriptdiff -seed 1 -only 4711      one of them, in full
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"runtime"

	"github.com/keelson-chain/keelson/internal/oracle/scriptdiff"
)

func main() {
	n := flag.Uint64("n", 100_000, "how many inputs to run")
	seed := flag.Uint64("seed", 1, "seed of the generator")
	first := flag.Uint64("first", 0, "number of the first input")
	only := flag.Int64("only", -1, "run and print this one alone")
	workers := flag.Int("workers", runtime.GOMAXPROCS(0), "inputs at a time")
	flag.Parse()
	if err := run(*seed, *first, *n, *only, *workers); err != nil {
		fmt.Fprintln(os.Stderr, "scriptdiff:", err)
		os.Exit(1)
	}
}

func run(seed, first, n uint64, only int64, workers int) error {
	g, err := scriptdiff.NewGenerator()
	if err != nil {
		return err
	}
	if only >= 0 {
		s := g.Spend(seed, uint64(only))
		fmt.Print(scriptdiff.Describe(s, scriptdiff.Compare(s)))
		return nil
	}
	report := scriptdiff.Run(g, seed, first, n, workers, func(d scriptdiff.Divergence) {
		fmt.Printf("input %d of seed %d diverges:\n%s\n", d.N, seed, scriptdiff.Describe(d.Spend, d.Verdict))
	})
	fmt.Print(report)
	if report.Divergences > 0 {
		return errors.New("the engines disagree")
	}
	return nil
}
