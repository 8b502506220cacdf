package rpc

import (
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/keelson-chain/keelson/internal/latency"
)

// Load is what a server does and has done, for whoever watches it.
type Load struct {
	Connections int // open
	Working     int // requests that are being carried out
	Waiting     int // requests that wait for that

	MaxConnections, Threads, Queue int // the limits of those

	Refused      uint64 // requests turned away because too many were waiting
	Unauthorized uint64 // requests with no credentials or wrong ones
	Unknown      uint64 // calls of methods that do not exist

	Calls []MethodLoad // by method, of those that were called; in the order of their names
}

// MethodLoad counts the calls of one method, each call of a batch by itself.
type MethodLoad struct {
	Method string
	Failed uint64           // answered with an error
	Time   latency.Snapshot // all calls that have ended, failed ones included
}

// loadCounts is where a server counts.
type loadCounts struct {
	refused, unauthorized, unknown atomic.Uint64
	methods                        map[*method]*methodCounts // fixed once made
}

type methodCounts struct {
	failed atomic.Uint64
	time   latency.Histogram
}

func (c *loadCounts) init(table map[string]*method) {
	c.methods = make(map[*method]*methodCounts, len(table))
	for _, m := range table {
		c.methods[m] = new(methodCounts)
	}
}

// ended counts a call that began at start and has ended with err.
func (c *loadCounts) ended(m *method, start time.Time, err error) {
	counts := c.methods[m]
	if err != nil {
		counts.failed.Add(1)
	}
	counts.time.Observe(time.Since(start))
}

// Load returns the server's load. It never waits.
func (s *Server) Load() Load {
	l := Load{
		Connections:    s.connections.count(),
		Working:        len(s.slots),
		Waiting:        int(s.waiting.Load()),
		MaxConnections: s.connections.max,
		Threads:        s.cfg.Threads,
		Queue:          s.cfg.Queue,
		Refused:        s.load.refused.Load(),
		Unauthorized:   s.load.unauthorized.Load(),
		Unknown:        s.load.unknown.Load(),
	}
	for m, counts := range s.load.methods {
		if time := counts.time.Snapshot(); time.Count > 0 {
			l.Calls = append(l.Calls, MethodLoad{Method: m.name, Failed: counts.failed.Load(), Time: time})
		}
	}
	slices.SortFunc(l.Calls, func(a, b MethodLoad) int { return strings.Compare(a.Method, b.Method) })
	return l
}
