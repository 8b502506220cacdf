// Command replay imports chain files through btcd and Keelson in turn, one
// process per import, and prints what each cost and the ratio.
//
//	replay -rounds 3 -procs 1,2 chain-p2wpkh.dat chain-p2tr.dat chain-mixed.dat
package main

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"github.com/keelson-chain/keelson/internal/oracle/replay"
)

// importers are the implementations in the order in which they take turns.
var importers = []struct {
	name string
	run  func(path, dir string) (replay.Result, error)
}{
	{"btcd", replay.BTCD},
	{"keelson", replay.Keelson},
	{"keelson-nosigs", replay.KeelsonNoSigs},
}

func main() {
	rounds := flag.Int("rounds", 3, "imports of each file by each implementation")
	procs := flag.String("procs", "1", "values of GOMAXPROCS, comma-separated")
	only := flag.String("only", "", "names of the implementations to run, comma-separated; all if empty")
	child := flag.String("child", "", "run this implementation once in this process and print the result as JSON")
	flag.Parse()
	var err error
	if *child != "" {
		err = runHere(*child, flag.Arg(0))
	} else {
		err = compare(flag.Args(), *rounds, strings.Split(*procs, ","), *only)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "replay:", err)
		os.Exit(1)
	}
}

func runHere(name, path string) error {
	for _, im := range importers {
		if im.name != name {
			continue
		}
		dir, err := os.MkdirTemp("", "replay")
		if err != nil {
			return err
		}
		r, err := im.run(path, dir)
		if err := errors.Join(err, os.RemoveAll(dir)); err != nil {
			return err
		}
		return json.NewEncoder(os.Stdout).Encode(r)
	}
	return fmt.Errorf("no implementation %q", name)
}

func compare(files []string, rounds int, procs []string, only string) error {
	if len(files) == 0 {
		return errors.New("name the chain files to import")
	}
	exe, err := os.Executable()
	if err != nil {
		return err
	}
	for _, file := range files {
		for _, p := range procs {
			results := make(map[string][]replay.Result)
			for range rounds {
				for _, im := range importers {
					if only != "" && !slices.Contains(strings.Split(only, ","), im.name) {
						continue
					}
					cmd := exec.Command(exe, "-child", im.name, file)
					cmd.Env = append(os.Environ(), "GOMAXPROCS="+p)
					cmd.Stderr = os.Stderr
					out, err := cmd.Output()
					if err != nil {
						return fmt.Errorf("%s imports %s: %w", im.name, file, err)
					}
					var r replay.Result
					if err := json.Unmarshal(out, &r); err != nil {
						return err
					}
					results[im.name] = append(results[im.name], r)
					print(r)
				}
			}
			if err := sameTip(results); err != nil {
				return fmt.Errorf("%s: %w", file, err)
			}
			summarize(filepath.Base(file), p, results)
		}
	}
	return nil
}

// sameTip sees to it that the imports have all come to the same block, with as
// many inputs.
func sameTip(results map[string][]replay.Result) error {
	var first replay.Result
	for _, rs := range results {
		for _, r := range rs {
			if first.Tip == "" {
				first = r
			}
			if r.Tip != first.Tip || r.Inputs != first.Inputs || r.Blocks != first.Blocks {
				return fmt.Errorf("%s ended at %s after %d inputs in %d blocks, %s at %s after %d in %d",
					r.Name, r.Tip, r.Inputs, r.Blocks, first.Name, first.Tip, first.Inputs, first.Blocks)
			}
		}
	}
	return nil
}

func print(r replay.Result) {
	fmt.Printf("%-18s %-16s procs %d  inputs %6d  cpu %7.2f s  wall %7.2f s  %7.0f inputs/cpu s  %6.1f us/input  peak %4d MB\n",
		r.File, r.Name, r.Procs, r.Inputs, r.CPU.Seconds(), r.Wall.Seconds(), r.InputsPerCPU(), r.MicrosPerInput(), r.PeakRSS>>20)
}

// summarize prints medians, and each implementation's ratio to the first.
func summarize(file, procs string, results map[string][]replay.Result) {
	var first replay.Result
	for _, im := range importers {
		rs := results[im.name]
		if len(rs) == 0 {
			continue
		}
		slices.SortFunc(rs, func(a, b replay.Result) int { return int(a.CPU - b.CPU) })
		m := rs[len(rs)/2]
		if first.Inputs == 0 {
			first = m
		}
		fmt.Printf("  median %-16s %s procs %s: %.0f inputs/cpu s, %.1f us/input, wall %.2f s, %.2f x %s\n",
			im.name, file, procs, m.InputsPerCPU(), m.MicrosPerInput(), m.Wall.Seconds(), m.InputsPerCPU()/first.InputsPerCPU(), first.Name)
	}
}
