// Command acceptdiff offers the same transactions to btcd's pool and to
// Keelson's, and prints what each costs in processor time and memory, and every
// transaction about which they do not agree. There must be none.
//
//	acceptdiff -rounds 3                                    20,000 P2WPKH transactions
//	acceptdiff -mixed                                       P2WPKH, P2TR and P2PKH
//	acceptdiff -chain chain.dat -mempool mempool.dat        any that are valid on the chain's tip
//
// The files hold raw blocks and transactions, each after its length in 4
// bytes, little-endian.
package main

import (
	"errors"
	"flag"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"runtime/pprof"
	"slices"

	"github.com/keelson-chain/keelson/internal/oracle/accept"
)

func main() {
	chain := flag.String("chain", "", "the chain file; one is made if there is none")
	transactions := flag.String("mempool", "", "the file of transactions that are valid on its tip")
	mixed := flag.Bool("mixed", false, "make transactions of several kinds")
	rounds := flag.Int("rounds", 3, "how often each pool is filled")
	n := flag.Int("n", 20_000, "transactions")
	broken := flag.Int("broken", 1000, "broken variants that are offered, too")
	profile := flag.String("cpuprofile", "", "write a profile of Keelson's Add to this file")
	flag.Parse()
	if (*chain == "") != (*transactions == "") || *n < 1 || *rounds < 1 {
		fmt.Fprintln(os.Stderr, "acceptdiff: -chain and -mempool go together; -n and -rounds are at least 1")
		os.Exit(2)
	}
	if err := run(*chain, *transactions, *mixed, *rounds, *n, *broken, *profile); err != nil {
		fmt.Fprintln(os.Stderr, "acceptdiff:", err)
		os.Exit(1)
	}
}

func run(chain, transactions string, mixed bool, rounds, n, broken int, profile string) (err error) {
	dir, err := os.MkdirTemp("", "acceptdiff")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if chain == "" {
		if chain, transactions, err = accept.Generate(dir, n, mixed); err != nil {
			return err
		}
	}
	in, err := accept.Load(chain, transactions, n, broken)
	if err != nil {
		return err
	}

	fmt.Printf("%s: %d transactions, GOMAXPROCS %d\n", filepath.Base(transactions), len(in.Valid), runtime.GOMAXPROCS(0))
	micros := map[string][]float64{}
	var differ int
	for round := range rounds {
		results, err := fill(in, filepath.Join(dir, fmt.Sprint(round)), profile)
		if err != nil {
			return err
		}
		fmt.Printf("round %d:", round+1)
		for _, r := range results {
			m := accept.Micros(r.CPU, len(in.Valid))
			micros[r.Name] = append(micros[r.Name], m)
			fmt.Printf("  %s %.1f us", r.Name, m)
		}
		fmt.Println()
		if round > 0 {
			continue // the answers are the same
		}
		for _, r := range results[1:] {
			differ += compare(in, results[0], r)
		}
	}
	medians(micros)
	if differ > 0 {
		return fmt.Errorf("%d answers differ", differ)
	}
	return nil
}

// fill fills each pool once: btcd's first, then Keelson's in both ways.
func fill(in accept.Input, dir, profile string) (results []accept.Result, err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	r, err := accept.BTCD(in, dir)
	if err != nil {
		return nil, fmt.Errorf("btcd: %w", err)
	}
	results = append(results, r)
	k, err := accept.OpenKeelson(in, dir)
	if err != nil {
		return nil, fmt.Errorf("keelson: %w", err)
	}
	defer func() { err = errors.Join(err, k.Close()) }()
	one := k.One
	if profile != "" {
		one = func() (accept.Result, error) { return profiled(profile, k.One) }
	}
	for _, add := range []func() (accept.Result, error){one, k.All} {
		r, err := add()
		if err != nil {
			return nil, fmt.Errorf("keelson: %w", err)
		}
		results = append(results, r)
	}
	m, err := k.Memory()
	if err != nil {
		return nil, fmt.Errorf("keelson: %w", err)
	}
	n := float64(m.Count)
	fmt.Printf("memory: %d transactions of %.0f bytes, %.0f bytes of heap each: %.2f times; the pool reckons %.0f, %+.1f %%\n",
		m.Count, float64(m.Raw)/n, float64(m.Heap)/n, float64(m.Heap)/float64(m.Raw), float64(m.Usage)/n, 100*(float64(m.Usage)/float64(m.Heap)-1))
	return results, nil
}

func profiled(path string, f func() (accept.Result, error)) (r accept.Result, err error) {
	file, err := os.Create(path)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, file.Close()) }()
	if err := pprof.StartCPUProfile(file); err != nil {
		return r, err
	}
	defer pprof.StopCPUProfile()
	return f()
}

// compare prints what two pools disagree about, and counts it.
func compare(in accept.Input, a, b accept.Result) int {
	valid := make([]string, len(in.Valid))
	broken := make([]string, len(in.Broken))
	for i := range valid {
		valid[i] = "as it is"
	}
	for i := range broken {
		broken[i] = in.Broken[i].How
	}
	fmt.Printf("%s and %s:\n", a.Name, b.Name)
	return verdicts("offered", valid, a.Refused, b.Refused) +
		verdicts("broken, to an empty pool", broken, a.RefusedEmpty, b.RefusedEmpty) +
		verdicts("broken, to a full pool", broken, a.RefusedFull, b.RefusedFull)
}

// verdicts prints how many of each kind two pools take and refuse, and where
// they disagree, and counts that.
func verdicts(title string, kinds, a, b []string) (differ int) {
	type tally struct {
		accepted, refused int
		example           string // of why it is refused, in the second's words
	}
	tallies := map[string]*tally{}
	for i, kind := range kinds {
		if (a[i] == "") != (b[i] == "") {
			differ++
			fmt.Printf("  DIFFERENT: %s, number %d, %s: %q and %q\n", title, i, kind, a[i], b[i])
			continue
		}
		t := tallies[kind]
		if t == nil {
			t = new(tally)
			tallies[kind] = t
		}
		if b[i] == "" {
			t.accepted++
		} else {
			t.refused++
			t.example = b[i]
		}
	}
	fmt.Printf("  %s: agree about %d of %d\n", title, len(kinds)-differ, len(kinds))
	for _, kind := range slices.Sorted(maps.Keys(tallies)) {
		t := tallies[kind]
		fmt.Printf("    %-32s %6d accepted, %4d refused  %s\n", kind, t.accepted, t.refused, t.example)
	}
	return differ
}

// medians prints the median of each pool and its ratio to btcd's.
func medians(micros map[string][]float64) {
	median := func(name string) float64 {
		list := slices.Sorted(slices.Values(micros[name]))
		return list[len(list)/2]
	}
	first := median("btcd")
	for _, name := range slices.Sorted(maps.Keys(micros)) {
		fmt.Printf("median %-15s %6.1f us of processor time for a transaction, %.2f times btcd's\n", name, median(name), median(name)/first)
	}
}
