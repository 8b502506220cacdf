package chainsync

import (
	"fmt"
	"slices"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/pow"
	"github.com/keelson-chain/keelson/wire"
)

var regtest = consensus.Regtest(consensus.RegtestOptions{})

// block is a header of the world, which has every chain of a test.
type block struct {
	wire.BlockRef
	header wire.Header
	parent *block
	state  consensus.State // at the block
	rotten bool            // its body breaks a rule
	name   string          // of its chain, in transcripts
}

// world is every block there is.
type world struct {
	genesis *block
	blocks  map[wire.Hash]*block
	salt    uint32
	start   uint32 // time of the first block
	spacing uint32
}

func newWorld() *world {
	g := &block{header: regtest.Genesis.Header, state: consensus.GenesisState(regtest)}
	g.BlockRef = g.state.Tip
	return &world{genesis: g, blocks: map[wire.Hash]*block{g.Hash: g}, start: g.header.Time, spacing: 60}
}

// grow mines n blocks on parent and returns the last.
func (w *world) grow(parent *block, n int) *block {
	for range n {
		h := wire.Header{Version: 4, PrevBlock: parent.Hash, Bits: uint32(parent.state.NextBits())}
		h.Time = max(parent.header.Time+w.spacing, w.start)
		w.salt++
		h.MerkleRoot[0], h.MerkleRoot[1], h.MerkleRoot[2] = byte(w.salt), byte(w.salt>>8), byte(w.salt>>16)
		target, _ := pow.Bits(h.Bits).Target()
		for !target.Met(h.Hash()) {
			h.Nonce++
		}
		b := &block{header: h, parent: parent, state: consensus.ApplyHeader(parent.state, &h)}
		b.BlockRef = b.state.Tip
		w.blocks[b.Hash] = b
		parent = b
	}
	return parent
}

// at returns the ancestor at height.
func (b *block) at(height uint32) *block {
	for b.Height > height {
		b = b.parent
	}
	return b
}

// follow returns up to n headers of the chain that ends in b after the first
// hash of the locator that it has.
func (b *block) follow(locator []wire.Hash, n int) []wire.Header {
	var path []*block
	for a := b; a != nil && !slices.Contains(locator, a.Hash); a = a.parent {
		path = append(path, a)
	}
	slices.Reverse(path)
	var hs []wire.Header
	for _, a := range path[:min(n, len(path))] {
		hs = append(hs, a.header)
	}
	return hs
}

// tree is a View: the part of a world that a node has.
type tree struct {
	w       *world
	headers map[wire.Hash]*entry
	order   []*entry // as they came
	tip     *block
	best    *entry // nil: to be looked for
}

type entry struct {
	*block
	body, invalid bool
}

func newTree(w *world) *tree {
	g := &entry{block: w.genesis, body: true}
	return &tree{w: w, headers: map[wire.Hash]*entry{g.Hash: g}, order: []*entry{g}, tip: w.genesis}
}

func (t *tree) add(h *wire.Header) Verdict {
	b := t.w.blocks[h.Hash()]
	if e := t.headers[h.Hash()]; e != nil {
		if e.invalid {
			return InvalidChain
		}
		return Good
	}
	parent := t.headers[h.PrevBlock]
	switch {
	case parent == nil:
		return Unconnected
	case parent.invalid:
		return InvalidChain
	case b == nil:
		return Invalid
	}
	e := &entry{block: b}
	t.headers[b.Hash] = e
	t.order = append(t.order, e)
	t.best = nil
	return Good
}

// store takes a body and moves to the best chain whose bodies are there. It
// returns the blocks that turned out to be invalid on the way.
func (t *tree) store(b *block) (rotten []*block) {
	t.headers[b.Hash].body = true
	for {
		best := t.tip
		for _, e := range t.order {
			if e.body && !e.invalid && e.state.Work.Cmp(best.state.Work) > 0 && t.complete(e.block) {
				best = e.block
			}
		}
		if best == t.tip {
			return rotten
		}
		bad := (*block)(nil)
		for a := best; a != nil; a = a.parent {
			if a.rotten {
				bad = a
			}
		}
		if bad == nil {
			t.tip = best
			return rotten
		}
		rotten = append(rotten, bad)
		t.spoil(bad)
	}
}

func (t *tree) complete(b *block) bool {
	for ; b != t.tip && b.Height > 0; b = b.parent {
		if !t.headers[b.Hash].body {
			return false
		}
	}
	return true
}

// spoil marks bad and all above it as invalid.
func (t *tree) spoil(bad *block) {
	t.best = nil
	for _, e := range t.order {
		if e.Height >= bad.Height && e.at(bad.Height) == bad {
			e.invalid = true
		}
	}
}

func (t *tree) Tip() consensus.State { return t.tip.state }

func (t *tree) Best() Entry {
	if t.best == nil {
		t.best = t.order[0]
		for _, e := range t.order {
			if !e.invalid && e.state.Work.Cmp(t.best.state.Work) > 0 {
				t.best = e
			}
		}
	}
	return t.best.view()
}

func (e *entry) view() Entry {
	return Entry{Ref: e.BlockRef, Work: e.state.Work, Time: e.header.Time, Invalid: e.invalid, Body: e.body}
}

func (t *tree) Entry(hash wire.Hash) (Entry, bool) {
	e := t.headers[hash]
	if e == nil {
		return Entry{}, false
	}
	return e.view(), true
}

func (t *tree) Ancestor(hash wire.Hash, height uint32) (wire.Hash, bool) {
	e := t.headers[hash]
	if e == nil || e.Height < height {
		return wire.Hash{}, false
	}
	return e.at(height).Hash, true
}

func (t *tree) State(hash wire.Hash) (consensus.State, bool) {
	e := t.headers[hash]
	if e == nil {
		return consensus.State{}, false
	}
	return e.state, true
}

func (t *tree) Missing(hash wire.Hash, most int) []wire.BlockRef {
	e := t.headers[hash]
	if e == nil {
		return nil
	}
	var refs []wire.BlockRef
	for b := e.block; b.Height > t.tip.Height || t.tip.at(b.Height) != b; b = b.parent {
		if !t.headers[b.Hash].body {
			refs = append(refs, b.BlockRef)
		}
	}
	slices.Reverse(refs)
	return refs[:min(most, len(refs))]
}

func (b *block) String() string { return fmt.Sprintf("%d:%v", b.Height, b.Hash) }
