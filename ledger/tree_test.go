package ledger

import (
	"math/rand/v2"
	"testing"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/wire"
)

// grow links n headers to random nodes, most of them near the top. The headers
// are not valid; the tree does not look.
func grow(t *tree, r *rand.Rand, n int) []*node {
	all := []*node{t.genesis}
	for i := range n {
		parent := all[len(all)-1-min(r.IntN(len(all)), int(r.ExpFloat64()*3))]
		h := wire.Header{PrevBlock: parent.hash, Time: uint32(r.IntN(1 << 30)), Bits: 0x207fffff, Nonce: uint32(i)}
		all = append(all, t.link(parent, h.Hash(), h))
	}
	return all
}

func TestAncestorsAgainstWalk(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	tr := newTree(regtest)
	all := grow(tr, r, 5000)
	walk := func(n *node, height uint32) *node {
		for n != nil && n.height > height {
			n = n.parent
		}
		return n
	}
	for range 20_000 {
		n, o := all[r.IntN(len(all))], all[r.IntN(len(all))]
		h := r.Uint32N(n.height + 1)
		if n.ancestor(h) != walk(n, h) {
			t.Fatalf("ancestor of %d at %d", n.height, h)
		}
		if n.ancestor(n.height+1) != nil {
			t.Fatal("an ancestor above the node")
		}
		a, b := n, o
		for a != b {
			if a.height >= b.height {
				a = a.parent
			} else {
				b = b.parent
			}
		}
		if n.fork(o) != a {
			t.Fatalf("fork of %d and %d is at %d, not %d", n.height, o.height, n.fork(o).height, a.height)
		}
	}
}

// Ancestors are reached in few steps, however long the chain.
func TestAncestorSteps(t *testing.T) {
	tr := newTree(regtest)
	n := tr.genesis
	for i := range 200_000 {
		// Hashing is left out.
		n = &node{parent: n, jump: jumpFrom(n), height: uint32(i + 1)}
	}
	worst := 0
	for h := uint32(0); h < n.height; h += 97 {
		steps := 0
		for a := n; a.height > h; steps++ {
			if a.jump.height >= h {
				a = a.jump
			} else {
				a = a.parent
			}
		}
		worst = max(worst, steps)
	}
	if worst > 60 {
		t.Fatalf("%d steps", worst)
	}
}

// The State that is rebuilt from the tree is the one that applying every header
// gives.
func TestStateAgainstApply(t *testing.T) {
	for _, p := range []*consensus.Params{regtest, consensus.Regtest(consensus.RegtestOptions{Retarget: true}),
		stagedParams(t, "1@207ffffe", "20@1f7fffff,asert,60", "400@207fffff")} {
		r := rand.New(rand.NewPCG(2, 2))
		tr := newTree(p)
		states := map[*node]consensus.State{tr.genesis: consensus.GenesisState(p)}
		for _, n := range grow(tr, r, 1000)[1:] {
			states[n] = consensus.ApplyHeader(states[n.parent], &n.header)
			if got := tr.state(n); got != states[n] {
				t.Fatalf("the state at height %d is %+v, not %+v", n.height, got, states[n])
			}
			if n.mtp != states[n].MedianTimePast() {
				t.Fatalf("median time at height %d", n.height)
			}
		}
	}
}

func TestActiveFollows(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 3))
	tr := newTree(regtest)
	all := grow(tr, r, 500)
	for range 200 {
		tip := all[r.IntN(len(all))]
		tr.setActive(tip)
		if len(tr.active) != int(tip.height)+1 {
			t.Fatalf("%d blocks are active at height %d", len(tr.active), tip.height)
		}
		for n := tip; n != nil; n = n.parent {
			if !tr.isActive(n) {
				t.Fatalf("the ancestor at %d is not active", n.height)
			}
		}
	}
}

func TestSchema(t *testing.T) {
	tr := newTree(regtest)
	all := grow(tr, rand.New(rand.NewPCG(4, 4)), 50)
	for i, n := range all[1:] {
		n.status = Status(i*37) & (HaveBody | HaveUndo | ValidScripts | Failed | FailedParent | Pruned)
		n.seq, n.txs, n.size, n.stripped = uint64(i)<<33, uint32(i+1), uint32(i)<<20, uint32(i)<<19
		if n.status.Has(HaveBody) {
			n.body.File, n.body.Offset, n.body.Size, n.body.CRC = uint32(i), 1<<31, n.size, 0xffffffff
		}
		if n.status.Has(HaveUndo) {
			n.undo.File, n.undo.Offset, n.undo.Size, n.undo.CRC = uint32(i), 1<<30, 7, 9
		}
		key, value := appendNodeKey(nil, n), appendNode(nil, n)
		height, hash, got, err := readNode(key, value)
		if err != nil || height != n.height || hash != n.hash || got.header != n.header || got.status != n.status ||
			got.seq != n.seq || got.txs != n.txs || got.size != n.size || got.stripped != n.stripped ||
			got.body != n.body || got.undo != n.undo {
			t.Fatalf("node %d comes back as %+v, %v", i, got, err)
		}
		if _, _, _, err := readNode(key, append(value, 0)); err == nil {
			t.Fatal("a record with a byte too much is read")
		}
		if _, _, _, err := readNode(key, value[:len(value)-1]); err == nil {
			t.Fatal("a record with a byte too few is read")
		}
		value[5] ^= 1
		if _, _, _, err := readNode(key, value); err == nil {
			t.Fatal("a record with another header is read")
		}
	}
	other := consensus.Regtest(consensus.RegtestOptions{})
	other.Name = "other"
	wantError(t, checkIdentity(appendIdentity(nil, regtest), other), ErrOtherNetwork)
	other.Name, other.SpecHash = regtest.Name, [32]byte{1}
	wantError(t, checkIdentity(appendIdentity(nil, regtest), other), ErrOtherNetwork)
	newer := appendIdentity(nil, regtest)
	newer[0]++
	wantError(t, checkIdentity(newer, regtest), ErrNewerSchema)
	wantError(t, checkIdentity(nil, regtest), ErrCorrupt)
	if err := checkIdentity(appendIdentity(nil, regtest), regtest); err != nil {
		t.Fatal(err)
	}
}
