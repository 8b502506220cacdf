package sim

import (
	"flag"
	"os"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"
)

// The flags of make sim. What is 0 is up to the scenario.
var (
	seedFlag = flag.Uint64("sim.seed", 1, "the seed of the worlds")
	full     = flag.Bool("sim.full", false, "the sizes of the aims: 100 nodes, blocks of 2 MB")
	nodes    = flag.Int("sim.nodes", 0, "how many nodes")
	latency  = flag.Duration("sim.latency", 50*time.Millisecond, "from one host to another, one way")
	spread   = flag.Float64("sim.spread", 0, "latencies differ by up to this share")
	mbit     = flag.Int("sim.mbit", 50, "Mbit/s of each host, up and down")
	measured = flag.Int("sim.blocks", 0, "how many blocks TestPropagation measures")
	txs      = flag.Int("sim.txs", 0, "how many transactions of 222 bytes a block has")
	unknown  = flag.Float64("sim.unknown", -1, "the share of a block's transactions that no node but its miner's knows (default: 0 and 0.1)")
	verbose  = flag.Bool("sim.log", false, "print the nodes' logs")
)

// run runs a scenario in a world of its own.
func run(t *testing.T, cfg Config, f func(t *testing.T, w *World)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		cfg.Seed = *seedFlag
		if cfg.Links == (Links{}) {
			cfg.Links = Links{Latency: *latency, Spread: *spread, BitsPerSecond: *mbit * 1_000_000}
		}
		if cfg.Costs == (Costs{}) {
			cfg.Costs = Measured
		}
		if *verbose {
			cfg.Log = zerolog.New(zerolog.ConsoleWriter{Out: os.Stderr, NoColor: true}).With().Timestamp().Logger()
		}
		w := NewWorld(t, cfg)
		defer w.Close()
		f(t, w)
	})
}

// size is small unless the full size or a size of one's own is asked for.
func size(small, large, own int) int {
	switch {
	case own != 0:
		return own
	case *full:
		return large
	}
	return small
}
