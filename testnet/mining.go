package testnet

import (
	"strconv"
	"strings"
	"time"
)

// MiningMode is a way in which blocks come.
type MiningMode string

const (
	// Manual: when Mine is called; the default.
	Manual MiningMode = "manual"
	// Instant: as soon as there is a transaction to put into one.
	Instant MiningMode = "instant"
	// Every: after equal intervals.
	Every MiningMode = "every"
	// Poisson: by real proof of work of all nodes, at random times whose mean is
	// an interval at the difficulty of the moment when it was set.
	Poisson MiningMode = "poisson"
	// HashRate: by real proof of work of all nodes at a given hash rate.
	HashRate MiningMode = "hashrate"
)

// Mining says how blocks come.
//
// In the modes Instant and Every one node mines: the first that runs or, while the
// network is parted, the first of each part.
type Mining struct {
	Mode     MiningMode    `json:"mode"`
	Interval time.Duration `json:"interval,omitempty"` // of Every, and the mean of Poisson; at least a millisecond
	HashRate float64       `json:"hashrate,omitempty"` // of HashRate, of all nodes together, in hashes per second
	// Shares, in the modes Poisson and HashRate, are the parts that nodes 0, 1, ...
	// have of the hash rate, in any unit; those that are missing have none. Empty:
	// all have the same.
	Shares []float64 `json:"shares,omitempty"`
}

// maxInterval bounds intervals; maxHashRate is more than any machine has.
const (
	maxInterval = 24 * time.Hour
	maxHashRate = 1e12
)

// ParseMining reads what String writes: "manual", "instant", "every=10s",
// "poisson=30s" or "hashrate=1000". The error is an ErrArgument.
func ParseMining(text string) (Mining, error) {
	name, value, given := strings.Cut(text, "=")
	m := Mining{Mode: MiningMode(name)}
	var err error
	switch m.Mode {
	case Manual, Instant:
		if given {
			return m, bad("mining %q: %s takes no value", text, name)
		}
	case Every, Poisson:
		if m.Interval, err = time.ParseDuration(value); err != nil {
			return m, bad("mining %q: %q is not an interval such as 10s", text, value)
		}
	case HashRate:
		if m.HashRate, err = strconv.ParseFloat(value, 64); err != nil {
			return m, bad("mining %q: %q is not a number of hashes per second", text, value)
		}
	}
	return m, m.check(MaxNodes)
}

// String writes m as ParseMining reads it, without the shares.
func (m Mining) String() string {
	switch m.Mode {
	case "":
		return string(Manual)
	case Every, Poisson:
		return string(m.Mode) + "=" + m.Interval.String()
	case HashRate:
		return string(m.Mode) + "=" + strconv.FormatFloat(m.HashRate, 'g', -1, 64)
	}
	return string(m.Mode)
}

// check reports what is wrong with m for so many nodes.
func (m *Mining) check(nodes int) error {
	switch m.Mode {
	case "", Manual, Instant:
	case Every, Poisson:
		if m.Interval < time.Millisecond || m.Interval > maxInterval {
			return bad("mining every %v: the interval must be from 1ms to %v", m.Interval, maxInterval)
		}
	case HashRate:
		if !(m.HashRate > 0 && m.HashRate <= maxHashRate) { // nor NaN
			return bad("mining at %v hashes per second: it must be more than 0 and at most %g", m.HashRate, float64(maxHashRate))
		}
	default:
		return bad("mining %q: it is none of manual, instant, every=10s, poisson=30s and hashrate=1000", m.Mode)
	}
	if len(m.Shares) == 0 {
		return nil
	}
	if m.Mode != Poisson && m.Mode != HashRate {
		return bad("mining %s: shares are for poisson and hashrate", m)
	}
	if len(m.Shares) > nodes {
		return bad("%d shares of the hash rate for %d nodes", len(m.Shares), nodes)
	}
	sum := 0.0
	for _, share := range m.Shares {
		if !(share >= 0 && share <= maxHashRate) {
			return bad("a share of the hash rate of %v: it must not be negative", share)
		}
		sum += share
	}
	if sum == 0 {
		return bad("no node has a share of the hash rate")
	}
	return nil
}
