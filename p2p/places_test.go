package p2p

import (
	"testing"

	"github.com/rs/zerolog"

	"github.com/keelson-chain/keelson/wire"
)

// Strangers who announce blocks that nobody can have take all places but those of
// the peers that we have asked to push.
func TestPlacesOfThosePushing(t *testing.T) {
	r := newRelay(nil, nil, 4_000_000, zerolog.Nop())
	r.links.add(1, true)  // called by us, and so asked
	r.links.add(2, false) // a stranger
	begin := func(by int64) {
		hash := wire.Hash{byte(len(r.blocks)), 1}
		r.blocks[hash] = &incoming{hash: hash, by: by}
	}
	for i := range maxChases {
		if !r.free(2 + int64(i/maxChasesOf)) {
			t.Fatalf("no place for block %d", i)
		}
		begin(2 + int64(i/maxChasesOf))
	}
	if r.free(99) {
		t.Error("there is a place for one more stranger")
	}
	for i := range maxChasesOf {
		if !r.free(1) {
			t.Fatalf("no place for block %d of a peer that was asked to push", i)
		}
		begin(1)
	}
	if r.free(1) {
		t.Error("a peer that was asked to push has places without end")
	}
}
