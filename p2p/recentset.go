package p2p

import (
	"hash/maphash"

	"github.com/keelson-chain/keelson/wire"
)

// recentSet remembers the last hashes that were put into it, at least most and at most
// twice as many. It keeps 64 bits of each under a seed of its own, so that nobody
// can make two of them collide.
type recentSet struct {
	seed       maphash.Seed
	young, old map[uint64]struct{}
	most       int
}

func newRecentSet(most int) recentSet { return recentSet{seed: maphash.MakeSeed(), most: most} }

func (r *recentSet) add(h *wire.Hash) {
	key := maphash.Bytes(r.seed, h[:])
	if _, known := r.young[key]; known {
		return
	}
	if len(r.young) >= r.most {
		r.old, r.young = r.young, r.old
		clear(r.young)
	}
	if r.young == nil {
		r.young = map[uint64]struct{}{}
	}
	r.young[key] = struct{}{}
}

func (r *recentSet) has(h *wire.Hash) bool {
	key := maphash.Bytes(r.seed, h[:])
	if _, known := r.young[key]; known {
		return true
	}
	_, known := r.old[key]
	return known
}

func (r *recentSet) reset() { r.young, r.old = nil, nil }
