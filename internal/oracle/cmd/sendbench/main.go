// Command sendbench sends transactions to a node's process with
// sendrawtransaction, and prints what each costs the node in processor time,
// and how much of that is not the pool's: HTTP, JSON, the journal of the pool.
//
//	go build -o keelson ../../cmd/keelson && sendbench -keelson ./keelson
//
// The chain and the transactions are those that acceptdiff makes, or files.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/keelson-chain/keelson/internal/oracle/accept"
)

// batchSize is how many calls a batch has.
const batchSize = 100

// modes are the ways to send.
var modes = []struct {
	name        string
	connections int
	batch       int
}{
	{"1 connection", 1, 1},
	{"8 connections", 8, 1},
	{fmt.Sprintf("1 connection, batches of %d", batchSize), 1, batchSize},
}

func main() {
	bin := flag.String("keelson", "", "the node's binary")
	chain := flag.String("chain", "", "the chain file; one is made if there is none")
	transactions := flag.String("mempool", "", "the file of transactions that are valid on its tip")
	rounds := flag.Int("rounds", 3, "how often each way is measured")
	n := flag.Int("n", 20_000, "transactions")
	pprof := flag.String("cpuprofile", "", "write a profile of the node to this file, while the first round sends over one connection")
	flag.Parse()
	if *bin == "" || (*chain == "") != (*transactions == "") || *n < 1 || *rounds < 1 {
		fmt.Fprintln(os.Stderr, "sendbench: name the node's binary with -keelson; -chain and -mempool go together; -n and -rounds are at least 1")
		os.Exit(2)
	}
	if err := run(*bin, *chain, *transactions, *rounds, *n, *pprof); err != nil {
		fmt.Fprintln(os.Stderr, "sendbench:", err)
		os.Exit(1)
	}
}

func run(bin, chain, transactions string, rounds, n int, pprof string) (err error) {
	dir, err := os.MkdirTemp("", "sendbench")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if chain == "" {
		if chain, transactions, err = accept.Generate(dir, n, false); err != nil {
			return err
		}
	}
	in, err := accept.Load(chain, transactions, n, 0)
	if err != nil {
		return err
	}
	var within []float64
	sent := make([][]float64, len(modes))
	for round := range rounds {
		micros, err := inProcess(in, filepath.Join(dir, fmt.Sprint("in", round)))
		if err != nil {
			return err
		}
		within = append(within, micros)
		fmt.Printf("round %d: in process %.1f us", round+1, micros)
		for i, mode := range modes {
			node := &node{bin: bin, dir: filepath.Join(dir, fmt.Sprint(round, "-", i)), pprof: pprof}
			pprof = ""
			cpu, wall, err := node.measure(in, mode.connections, mode.batch)
			if err != nil {
				return fmt.Errorf("%s: %w", mode.name, err)
			}
			micros := accept.Micros(cpu, len(in.Valid))
			sent[i] = append(sent[i], micros)
			fmt.Printf("; %s %.1f us (%.0f a second)", mode.name, micros, float64(len(in.Valid))/wall.Seconds())
		}
		fmt.Println()
	}
	base := median(within)
	fmt.Printf("median of %d rounds, %d transactions: in process %.1f us of processor time each\n", rounds, len(in.Valid), base)
	for i, mode := range modes {
		m := median(sent[i])
		fmt.Printf("  %-30s %6.1f us, %5.1f more than in process\n", mode.name, m, m-base)
	}
	return nil
}

func median(list []float64) float64 {
	slices.Sort(list)
	return list[len(list)/2]
}

// inProcess is what adding costs without a node around it.
func inProcess(in accept.Input, dir string) (micros float64, err error) {
	k, err := accept.OpenKeelson(in, dir)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, k.Close()) }()
	r, err := k.One()
	if err != nil {
		return 0, err
	}
	if i := slices.IndexFunc(r.Refused, func(reason string) bool { return reason != "" }); i >= 0 {
		return 0, fmt.Errorf("transaction %d is refused: %s", i, r.Refused[i])
	}
	return accept.Micros(r.CPU, len(in.Valid)), nil
}
