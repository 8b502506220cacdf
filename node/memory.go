package node

import (
	"os"
	"runtime/debug"
)

// While the chain is fetched the collector runs half as often as Go has it by default,
// since what counts then is time; afterwards twice as often, since what counts then is
// that peers cannot make the process large: what they make it allocate is garbage a
// moment later.
const (
	gcFetching = 200 // percent, as in GOGC
	gcSettled  = 50
)

// settleMemory is called once the chain has been fetched. Whoever sets GOGC knows
// better.
func settleMemory() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(gcSettled)
	}
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
