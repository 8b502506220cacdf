package node

import (
	"context"
	"os"
	"runtime/debug"
	"runtime/metrics"
	"time"
)

// While the chain is fetched the collector runs half as often as Go has it by default,
// since what counts then is time. Afterwards what counts is that peers cannot make the
// process large: what they make it allocate is garbage a moment later.
const (
	gcFetching = 200 // percent, as in GOGC
	// gcRoom is how much garbage may lie around once the chain is there, in bytes, if
	// that is no more than gcMost percent of what is in use, and no less than gcLeast:
	// to collect costs time in proportion to what is in use.
	gcRoom          = 12 << 20
	gcLeast, gcMost = 10, 50
	gcStep          = 3 // percent; a smaller change is not worth stopping for
	gcRhythm        = 250 * time.Millisecond
	// gcIdle is how much memory may be held that is not in use, in bytes: garbage that
	// no collection has found yet, and what it left behind. Go gives that back so slowly
	// that one burst would come on top of what another one needed. More of it is given
	// back at once, but not more often than gcPause, since it takes a collection.
	gcIdle  = 12 << 20
	gcPause = 3 * time.Second
)

// What is read of the runtime's metrics.
const (
	gcLive    = iota // what the last collection found in use
	gcObjects        // that and what has come since
	gcFree           // held for more, in no use
)

func gcSamples() []metrics.Sample {
	return []metrics.Sample{
		gcLive:    {Name: "/gc/heap/live:bytes"},
		gcObjects: {Name: "/memory/classes/heap/objects:bytes"},
		gcFree:    {Name: "/memory/classes/heap/free:bytes"},
	}
}

// tendMemory sets the pace of the collector, and returns idle memory, until ctx ends. Whoever sets GOGC knows
// better.
func tendMemory(ctx context.Context, fetching func() bool) error {
	if os.Getenv("GOGC") != "" {
		return nil
	}
	tick := time.NewTicker(gcRhythm)
	defer tick.Stop()
	sample, freed := gcSamples(), time.Now()
	for percent := gcFetching; ; {
		if !fetching() {
			metrics.Read(sample)
			live, objects := sample[gcLive].Value.Uint64(), sample[gcObjects].Value.Uint64()
			if next := gcPercent(live); next <= percent-gcStep || next >= percent+gcStep {
				percent = next
				debug.SetGCPercent(percent)
			}
			idle := objects - min(live, objects) + sample[gcFree].Value.Uint64()
			if idle > gcIdle && time.Since(freed) >= gcPause {
				debug.FreeOSMemory()
				freed = time.Now()
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// gcPercent is the pace of the collector while that many bytes are in use.
func gcPercent(live uint64) int {
	return int(min(max(100*gcRoom/max(live, 1), gcLeast), gcMost))
}

// LimitMemory tells the garbage collector what a process may use whose caches and
// pool have that many bytes, so that the heap does not grow past what the node is
// meant to need. Whoever sets GOGC or GOMEMLIMIT knows better.
func LimitMemory(keep int64) {
	const beside = 240 << 20 // database, block index, blocks and calls being worked on
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcFetching)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(keep + beside)
	}
}
