package compact

import (
	"testing"

	"github.com/keelson-chain/keelson/p2p/message"
	"github.com/keelson-chain/keelson/wire"
)

// TestAmbiguous: two transactions with one short id, whichever comes first and how
// often, leave the place empty for good.
func TestAmbiguous(t *testing.T) {
	// Two wtxids with one id take millions of tries to find. Instead what the
	// Partial remembers of the first is changed, so that the second differs.
	first := wire.Hash{1}
	c := &message.Compact{ShortIDs: []uint64{NewKey(&wire.Header{}, 0).ShortID(&first)}}
	p, err := NewPartial(c)
	if err != nil {
		t.Fatal(err)
	}
	second := first
	p.Offer(&first, []byte{1})
	if p.Open() != 0 || p.Raw(0) == nil {
		t.Fatal("the first is not taken")
	}
	// The second one, with the same short id.
	p.slots[0].tag++
	p.Offer(&second, []byte{2})
	if p.Open() != 1 || p.Raw(0) != nil {
		t.Fatal("one of two is taken")
	}
	for range 2 {
		p.Offer(&first, []byte{1})
		p.Offer(&second, []byte{2})
	}
	if missing := p.Missing(); len(missing) != 1 || missing[0] != 0 {
		t.Fatalf("missing %v", missing)
	}
}
