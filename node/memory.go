package node

import (
	"os"
	"runtime/debug"
)

// LimitMemory tells the garbage collector what a process with a coin cache of
// that many bytes may use: it runs half as often as by default, but does not let the
// heap grow past what the node is meant to need. Whoever sets GOGC or GOMEMLIMIT
// knows better.
func LimitMemory(cacheBytes int64) {
	const beside = 240 << 20 // database, block index, blocks being worked on
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(200)
	}
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(cacheBytes + beside)
	}
}
