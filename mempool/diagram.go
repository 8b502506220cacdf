package mempool

import (
	"fmt"
	"slices"

	"github.com/keelson-chain/keelson/wire"
)

// A package that takes the place of others must make the pool better for miners,
// whatever the size of the block that is left for them: its fee rate diagram,
// which is what a block of each size can earn, must nowhere be lower and
// somewhere be higher than before. Only where what goes stands in pairs at most
// is that diagram known without a search (Bitcoin Core 28).

// checkPackageReplacement decides whether a package may take the place of what it
// conflicts with, and notes what has to go. It is in the place of
// checkReplacement, for all together.
func (p *Pool) checkPackageReplacement(g *group) error {
	var conflicts []*entry
	for _, c := range g.all {
		for _, e := range c.conflicts {
			if !slices.Contains(conflicts, e) {
				conflicts = append(conflicts, e)
			}
		}
	}
	if len(conflicts) == 0 {
		return nil
	}
	slices.SortFunc(conflicts, byID)
	txs := make([]*wire.Tx, len(g.all))
	for i, c := range g.all {
		txs[i] = c.tx
	}
	if len(txs) != 2 || !IsChildWithParents(txs) {
		return refuse("package RBF failed: package must be 1-parent-1-child", "")
	}
	for _, c := range g.all {
		if len(c.ancestors) > 0 {
			return refuse("package RBF failed: new transaction cannot have mempool ancestors", "")
		}
	}
	parent, child := g.all[0], g.all[1]
	if text := tooMany(child.txid, conflicts); text != "" {
		return refuse("package RBF failed: too many potential replacements", "%s", text)
	}
	g.replaced = p.descendants(conflicts...)
	if text := p.tooCheap(child.txid, g.fees, g.vsize, g.replaced); text != "" {
		return refuse("package RBF failed: insufficient anti-DoS fees", "%s", text)
	}
	// The child must pay for its parent, and not for the replacement alone.
	if all, alone := g.rate(), (&group{fees: parent.modified, vsize: parent.vsize}).rate(); all <= alone {
		return refuse("package RBF failed: package feerate is less than or equal to parent feerate",
			"package feerate %v <= parent feerate is %v", all, alone)
	}
	if text := unlikePairs(conflicts); text != "" {
		return refuse("package RBF failed: "+text, "")
	}
	before, after := diagrams(conflicts, g)
	if !improves(after, before) {
		return refuse("package RBF failed: insufficient feerate: does not improve feerate diagram", "")
	}
	return nil
}

// unlikePairs says which of some entries is in a group of more than two, "" if
// none is.
func unlikePairs(list []*entry) string {
	for _, e := range list {
		up, down := e.ancestors().count, e.descendants().count
		switch {
		case up > 2:
			return fmt.Sprintf("%v has %d ancestors, max 1 allowed", e.txid, up-1)
		case down > 2:
			return fmt.Sprintf("%v has %d descendants, max 1 allowed", e.txid, down-1)
		case up > 1 && down > 1:
			return fmt.Sprintf("%v has both ancestor and descendant, exceeding cluster limit of 2", e.txid)
		case down > 1 && e.children()[0].ancestors().count > 2:
			return fmt.Sprintf("%v is not the only parent of child %v", e.txid, e.children()[0].txid)
		case up > 1 && e.parents()[0].descendants().count > 2:
			return fmt.Sprintf("%v is not the only child of parent %v", e.txid, e.parents()[0].txid)
		}
	}
	return ""
}

// diagrams returns the parts of the pool that a package changes as they are
// before and after it, as chunks in the order in which a miner takes them.
func diagrams(conflicts []*entry, g *group) (before, after []rate) {
	for _, e := range g.replaced {
		if e.descendants().count > 1 {
			continue // with its child
		}
		own, up := rate{e.modified, int(e.vsize)}, e.ancestors()
		switch both := (rate{up.fees, up.size}); {
		case up.count == 1:
			before = append(before, own)
		case own.cmp(both) > 0:
			before = append(before, both)
		default:
			before = append(before, rate{both.fee - own.fee, both.size - own.size}, own)
		}
	}
	for _, e := range conflicts {
		if parents := e.parents(); len(parents) > 0 && !slices.Contains(g.replaced, parents[0]) {
			after = append(after, rate{parents[0].modified, int(parents[0].vsize)})
		}
	}
	after = append(after, rate{g.fees, g.vsize})
	for _, chunks := range [][]rate{before, after} {
		slices.SortFunc(chunks, func(a, b rate) int { return b.cmp(a) })
	}
	return before, after
}

// improves reports whether the diagram of chunks a is nowhere below that of b,
// and somewhere above it. Behind its last chunk a diagram goes on level.
func improves(a, b []rate) bool {
	better := false
	for _, side := range []struct {
		points, other []rate
		sign          int
	}{{a, b, 1}, {b, a, -1}} {
		var at rate
		for _, chunk := range side.points {
			at = rate{at.fee + chunk.fee, at.size + chunk.size}
			switch c := side.sign * above(at, side.other); {
			case c < 0:
				return false
			case c > 0:
				better = true
			}
		}
	}
	return better
}

// above compares a point with the diagram of chunks at its size: positive if it
// lies above.
func above(point rate, chunks []rate) int {
	var at rate // where the chunk that spans the size begins
	for _, chunk := range chunks {
		if at.size+chunk.size >= point.size {
			return (rate{point.fee - at.fee, point.size - at.size}).cmp(chunk)
		}
		at = rate{at.fee + chunk.fee, at.size + chunk.size}
	}
	return (rate{point.fee - at.fee, point.size - at.size}).cmp(rate{0, 1})
}
