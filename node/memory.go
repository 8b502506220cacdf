package node

import (
	"os"
	"runtime/debug"
)

// LimitMemory tells the garbage collector what a process may use whose caches and
// pool have that many bytes: it runs half as often as by default, but does not
// let the heap grow past what the node is meant to need. Whoever sets GOGC or
// GOMEMLIMIT knows better.
func LimitMemory(keep int64) {
	const beside = 240 << 20 // database, block index, blocks and calls being worked on
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(200)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(keep + beside)
	}
}
