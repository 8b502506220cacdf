package sim

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/keelson-chain/keelson/wire"
)

// trace is what became of a block at one node, in time since the world began; 0
// is not yet.
type trace struct {
	header time.Duration // its header was first checked
	whole  time.Duration // its body was first there, received or put together
	done   time.Duration // it was first validated, or kept for later
}

// note changes the trace of a block, as far as it is not set yet.
func (n *Node) note(hash wire.Hash, change func(*trace)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	t := n.traces[hash]
	old := t
	change(&t)
	for _, f := range []struct{ is, was *time.Duration }{{&t.header, &old.header}, {&t.whole, &old.whole}, {&t.done, &old.done}} {
		if *f.was != 0 {
			*f.is = *f.was
		}
	}
	n.traces[hash] = t
}

// trace returns what became of a block.
func (n *Node) trace(hash wire.Hash) trace {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.traces[hash]
}

// since is the time since the world began.
func (n *Node) since() time.Duration { return time.Since(n.world.started) }

// Propagation is how a block spread from the node that made it.
type Propagation struct {
	Nodes, Reached int
	// Header, Whole and Done are when the other nodes that it reached had checked
	// its header, had its body and had validated it, counted from when the first
	// node had validated it, least first.
	Header, Whole, Done []time.Duration
}

// Propagation returns how a block has spread so far from node origin.
func (w *World) Propagation(hash wire.Hash, origin int) Propagation {
	start := w.Nodes[origin].trace(hash).done
	p := Propagation{Nodes: len(w.Nodes)}
	for _, n := range w.Nodes {
		t := n.trace(hash)
		if t.done == 0 {
			continue
		}
		p.Reached++
		if n.Number == origin {
			continue
		}
		p.Done = append(p.Done, t.done-start)
		p.Whole = append(p.Whole, t.whole-start)
		if t.header != 0 {
			p.Header = append(p.Header, t.header-start)
		}
	}
	for _, list := range [][]time.Duration{p.Header, p.Whole, p.Done} {
		slices.Sort(list)
	}
	return p
}

// percentile returns the least of times that percent of them do not exceed;
// times are sorted.
func percentile(times []time.Duration, percent int) time.Duration {
	if len(times) == 0 {
		return 0
	}
	return times[max((len(times)*percent+99)/100-1, 0)]
}

// Within returns when percent of all nodes, the first one among them, had
// validated the block, and false if that many never had.
func (p Propagation) Within(percent int) (time.Duration, bool) {
	need := (p.Nodes*percent + 99) / 100
	switch {
	case p.Reached < need:
		return 0, false
	case need <= 1:
		return 0, true
	}
	return p.Done[need-2], true
}

// String shows the percentiles in milliseconds.
func (p Propagation) String() string {
	var s strings.Builder
	fmt.Fprintf(&s, "%d of %d nodes", p.Reached, p.Nodes)
	for _, c := range []struct {
		name  string
		times []time.Duration
	}{{"header", p.Header}, {"whole", p.Whole}, {"validated", p.Done}} {
		fmt.Fprintf(&s, "; %s", c.name)
		for _, percent := range []int{5, 50, 95, 100} {
			fmt.Fprintf(&s, " p%d %d", percent, percentile(c.times, percent).Milliseconds())
		}
	}
	return s.String() + " ms"
}
