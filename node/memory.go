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
	gcRoom          = 8 << 20
	gcLeast, gcMost = 10, 50
	gcStep          = 3 // percent; a smaller change is not worth stopping for
	// gcRhythm is how often to look, and gcBusy how often while the collector is at
	// work: as long as it goes by what was in use before, more garbage may lie around.
	gcRhythm, gcBusy = 250 * time.Millisecond, 50 * time.Millisecond
	// gcIdle is how much memory may be held that is not in use, in bytes: garbage that
	// no collection has found yet, and what it left behind. Go gives that back so slowly
	// that one burst would come on top of what another one needed. More of it is given
	// back at once, but not more often than gcPause, since it takes a collection.
	gcIdle  = 8 << 20
	gcPause = 3 * time.Second
	// gcStale is how long after a collection its word on what is in use is doubted, if
	// that was gcIdle, or a part of gcGrowth, more than in quiet times before: when a
	// burst is over, little comes, and nothing else would soon find out what is garbage.
	gcStale  = 5 * time.Second
	gcGrowth = 10
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
	timer := time.NewTimer(gcRhythm)
	defer timer.Stop()
	sample, idle, last := gcSamples(), idleness{freed: time.Now()}, uint64(0)
	for percent := gcFetching; ; {
		next := gcRhythm
		if !fetching() {
			metrics.Read(sample)
			live, objects := sample[gcLive].Value.Uint64(), sample[gcObjects].Value.Uint64()
			if live != last {
				last, next = live, gcBusy
			}
			if pace := gcPercent(live); pace <= percent-gcStep || pace >= percent+gcStep {
				percent = pace
				debug.SetGCPercent(percent)
			}
			if idle.due(time.Now(), live, objects-min(live, objects)+sample[gcFree].Value.Uint64()) {
				debug.FreeOSMemory()
				metrics.Read(sample)
				idle.done(time.Now(), sample[gcLive].Value.Uint64())
			}
		}
		timer.Reset(next)
		select {
		case <-timer.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// idleness decides when a collection shall give memory back to the system.
type idleness struct {
	freed time.Time // when that was done last
	live  uint64    // what the last collection found in use
	since time.Time // that was first known
	quiet uint64    // what was in use when nothing was collected for a while
	doubt bool      // this is why it is due
}

// due is asked again and again with what the last collection found in use and with
// what is held besides.
func (i *idleness) due(now time.Time, live, beside uint64) bool {
	if live != i.live {
		i.live, i.since, i.quiet = live, now, min(i.quiet, live)
	}
	i.doubt = now.Sub(i.since) >= gcStale && live > i.quiet+max(gcIdle, i.quiet/gcGrowth)
	return (beside > gcIdle || i.doubt) && now.Sub(i.freed) >= gcPause
}

// done is told what is in use now that memory has been given back.
func (i *idleness) done(now time.Time, live uint64) {
	i.freed, i.live, i.since = now, live, now
	if i.doubt {
		i.quiet = live
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
