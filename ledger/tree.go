package ledger

import (
	"bytes"
	"slices"
	"sync"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/ledger/flat"
	"github.com/keelson-chain/keelson/pow"
	"github.com/keelson-chain/keelson/wire"
)

// node is one header of the tree and what is known of its block.
type node struct {
	// Fixed once the node is in the tree.
	hash   wire.Hash
	header wire.Header
	parent *node
	jump   *node // an ancestor further down: see jumpFrom
	height uint32
	mtp    uint32
	work   pow.Work

	// Guarded by tree.mu.
	child, sibling *node // first child; next child of the same parent
	status         Status
	txs            uint32 // in the body; 0 until it arrives
	chainTxs       uint64 // up to here; 0 while any body up to here has not arrived
	size, stripped uint32 // of the body, in bytes
	body, undo     flat.Pos
	seq            uint64 // when every body up to here had arrived; 0: not yet
	precious       int64  // above zero: preferred to others of the same work
}

func (n *node) ref() wire.BlockRef { return wire.BlockRef{Height: n.height, Hash: n.hash} }

// better reports whether the chain up to n is to be preferred to that up to o:
// more work, then what was called precious last, then what was seen first.
func (n *node) better(o *node) bool {
	if c := n.work.Cmp(o.work); c != 0 {
		return c > 0
	}
	if n.precious != o.precious {
		return n.precious > o.precious
	}
	return n.seq < o.seq
}

// jumpFrom returns the ancestor that a child of parent jumps to. The lengths of
// jumps follow the digits of skew-binary numbers (E. W. Myers, "An applicative
// random-access stack", 1983): with one more pointer per node every ancestor
// is reached in a number of steps logarithmic in the distance.
func jumpFrom(parent *node) *node {
	if j := parent.jump; parent.height-j.height == j.height-j.jump.height {
		return j.jump
	}
	return parent
}

// ancestor returns the ancestor at height, n itself included, or nil if height
// is above n.
func (n *node) ancestor(height uint32) *node {
	if height > n.height {
		return nil
	}
	for n.height > height {
		if n.jump.height >= height {
			n = n.jump
		} else {
			n = n.parent
		}
	}
	return n
}

// fork returns the last common ancestor of n and o.
func (n *node) fork(o *node) *node {
	if n.height > o.height {
		n = n.ancestor(o.height)
	} else {
		o = o.ancestor(n.height)
	}
	for n != o {
		// Both have the same height, hence jumps of the same length.
		if n.jump != o.jump {
			n, o = n.jump, o.jump
		} else {
			n, o = n.parent, o.parent
		}
	}
	return n
}

// medianTime returns the median of the times of n and its ten ancestors.
func (n *node) medianTime() uint32 {
	var times [11]uint32
	k := 0
	for a := n; a != nil && k < len(times); a = a.parent {
		times[k] = a.header.Time
		k++
	}
	slices.Sort(times[:k])
	return times[k/2]
}

// tree is every header that was found valid, linked to its parent. It only
// grows, but for Restore. One writer at a time changes it, under the ledger's mutex and mu; the
// writer reads it without mu, everybody else with it.
type tree struct {
	params *consensus.Params

	mu      sync.RWMutex
	nodes   map[wire.Hash]*node
	genesis *node
	best    *node   // most work among the valid
	active  []*node // by height: the chain that readers see
	left    departures
	// forgotten is blocks that are not in the tree any more, and lost the same in
	// the order in which they went: see find.
	forgotten map[wire.Hash]*node
	lost      []*node

	// Guarded by the ledger's mutex alone.
	dirty map[*node]struct{} // changed since the last commit
	gone  []*node            // to be deleted by the next one
	room  []node             // for the next ones: see nodesAtOnce
}

// nodesAtOnce is how many nodes are allocated at a time. Each by itself would lie among
// what is gone soon, in times when many come, and keep all of that memory.
const nodesAtOnce = 32

func newTree(p *consensus.Params) *tree {
	t := &tree{
		params: p, nodes: make(map[wire.Hash]*node), dirty: make(map[*node]struct{}),
		forgotten: make(map[wire.Hash]*node),
	}
	g := t.link(nil, p.GenesisHash, p.Genesis.Header)
	g.status = ValidScripts
	g.txs, g.chainTxs = 1, 1
	g.size, g.stripped = uint32(p.Genesis.Size()), uint32(p.Genesis.StrippedSize())
	t.genesis, t.best, t.active = g, g, []*node{g}
	return t
}

// link adds a header below parent. The caller has validated it.
func (t *tree) link(parent *node, hash wire.Hash, h wire.Header) *node {
	if len(t.room) == 0 {
		t.room = make([]node, nodesAtOnce)
	}
	n := &t.room[0]
	t.room = t.room[1:]
	*n = node{hash: hash, header: h, parent: parent, jump: n}
	if target, err := pow.Bits(h.Bits).Target(); err == nil {
		n.work = target.Work()
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if parent != nil {
		n.height = parent.height + 1
		n.jump = jumpFrom(parent)
		n.work = n.work.Add(parent.work)
		n.sibling, parent.child = parent.child, n
		if parent.status.Invalid() {
			n.status |= FailedParent
		}
	}
	n.mtp = n.medianTime()
	t.nodes[hash] = n
	if t.best != nil && !n.status.Invalid() && n.work.Cmp(t.best.work) > 0 {
		t.best = n
	}
	return n
}

func (t *tree) bestRef() wire.BlockRef {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.best.ref()
}

// lookup is for the writer; readers use get.
func (t *tree) lookup(hash wire.Hash) *node { return t.nodes[hash] }

func (t *tree) get(hash wire.Hash) *node {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.nodes[hash]
}

// update changes n under the lock and notes that it must be written.
func (t *tree) update(n *node, change func()) {
	t.mu.Lock()
	change()
	t.mu.Unlock()
	t.dirty[n] = struct{}{}
}

// state rebuilds the State at n from a few of its ancestors.
func (t *tree) state(n *node) consensus.State {
	return consensus.StateAt(t.params, n.ref(), n.work, func(height uint32) wire.Header {
		return n.ancestor(height).header
	})
}

// below calls f for n and every node above it in the tree, parents first.
func (t *tree) below(n *node, f func(*node)) {
	// The tree is as deep as the chain, so the walk must not recurse.
	stack := []*node{n}
	for len(stack) > 0 {
		n := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		f(n)
		for c := n.child; c != nil; c = c.sibling {
			stack = append(stack, c)
		}
	}
}

// fail marks n as invalid and everything on it as having an invalid ancestor.
func (t *tree) fail(n *node) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.below(n, func(d *node) {
		if d == n {
			d.status |= Failed
		} else {
			d.status |= FailedParent
		}
		t.dirty[d] = struct{}{}
	})
	t.findBest()
}

// reconsider takes every mark of invalidity from n, its ancestors and its
// descendants.
func (t *tree) reconsider(n *node) {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear := func(d *node) {
		if d.status.Invalid() {
			d.status &^= Failed | FailedParent
			t.dirty[d] = struct{}{}
		}
	}
	// Clearing an ancestor's own mark frees its other descendants as well,
	// as far as they are not marked themselves.
	top := n
	for a := n.parent; a != nil; a = a.parent {
		if a.status.Invalid() {
			top = a
		}
		clear(a)
	}
	t.below(n, clear)
	t.below(top, func(d *node) {
		if d.status.Has(FailedParent) && !d.parent.status.Invalid() {
			d.status &^= FailedParent
			t.dirty[d] = struct{}{}
		}
	})
	t.findBest()
}

// findBest looks for the best header anew. The lock is held.
func (t *tree) findBest() {
	best := t.genesis
	for _, n := range t.nodes {
		if n.status.Invalid() {
			continue
		}
		switch c := n.work.Cmp(best.work); {
		case c > 0:
			best = n
		case c == 0 && t.firstSeen(n, best):
			best = n
		}
	}
	t.best = best
}

// firstSeen orders headers of the same work: the active chain first, then by when
// their bodies arrived, and where that does not decide by hash.
func (t *tree) firstSeen(n, o *node) bool {
	if a, b := t.isActive(n), t.isActive(o); a != b {
		return a
	}
	if n.seq != o.seq {
		return o.seq == 0 || n.seq != 0 && n.seq < o.seq
	}
	return bytes.Compare(n.hash[:], o.hash[:]) < 0
}

// isActive reports whether n lies on the chain that readers see. The lock is
// held.
func (t *tree) isActive(n *node) bool {
	return int(n.height) < len(t.active) && t.active[n.height] == n
}

// setActive makes tip the end of the chain that readers see.
func (t *tree) setActive(tip *node) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.stand(tip)
}

// stand is setActive with the lock held.
func (t *tree) stand(tip *node) {
	have := len(t.active)
	old := t.active[have-1]
	for fork := old.fork(tip); old != fork; old = old.parent {
		t.left.add(old)
	}
	if int(tip.height)+1 < have {
		clear(t.active[tip.height+1:])
		t.active = t.active[:tip.height+1]
	}
	for len(t.active) <= int(tip.height) {
		t.active = append(t.active, nil)
	}
	for n := tip; n != nil && t.active[n.height] != n; n = n.parent {
		t.active[n.height] = n
	}
}
