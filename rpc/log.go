package rpc

import (
	"slices"
	"sync"
)

// logCategoryNames are the categories of Bitcoin Core's debug log, which the
// method logging switches. rpc makes this server log every call; the others are
// kept and reported, so that scripts which set them work, and change nothing.
var logCategoryNames = []string{
	"addrman", "bench", "blockstorage", "cmpctblock", "coindb", "estimatefee", "http", "i2p", "ipc",
	"leveldb", "libevent", "lock", "mempool", "mempoolrej", "net", "proxy", "prune", "qt", "rand", "reindex",
	"rpc", "scan", "selectcoins", "tor", "txpackages", "txreconciliation", "validation", "walletdb", "zmq",
}

type logCategories struct {
	mu sync.RWMutex
	on map[string]bool
}

func (l *logCategories) init() { l.on = map[string]bool{} }

func (l *logCategories) enabled(name string) bool {
	l.mu.RLock()
	defer l.mu.RUnlock()
	return l.on[name]
}

// set switches a category, or all of them. It returns false for an unknown one.
func (l *logCategories) set(name string, on bool) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch name {
	case "", "1", "all":
		for _, name := range logCategoryNames {
			l.on[name] = on
		}
		return true
	}
	if !slices.Contains(logCategoryNames, name) {
		return false
	}
	l.on[name] = on
	return true
}
