package policy

import (
	"fmt"
	"strings"
	"testing"

	"github.com/keelson-chain/keelson/wire"
)

// A trucTrial is a TRUC transaction and its unconfirmed parents.
type trucTrial struct {
	tx      *wire.Tx
	vsize   int
	parents []TRUCParent
}

// trucPair returns a trial that passes: the one child of one TRUC parent, as
// large as it may be.
func trucPair() *trucTrial {
	tx := standard().tx
	tx.Version = 3
	return &trucTrial{
		tx:      tx,
		vsize:   1_000,
		parents: []TRUCParent{{TxID: wire.Hash{0xa}, WTxID: wire.Hash{0xb}, Version: 3, Ancestors: 1, Descendants: 1}},
	}
}

// sibling gives the first parent a child besides tx.
func (c *trucTrial) sibling(s TRUCChild) {
	c.parents[0].Children = append(c.parents[0].Children, s)
	c.parents[0].Descendants++
}

func TestCheckTRUC(t *testing.T) {
	const parentName = "tx 000000000000000000000000000000000000000000000000000000000000000a (wtxid=" +
		"000000000000000000000000000000000000000000000000000000000000000b)"
	one := TRUCChild{TxID: wire.Hash{0xc}, Ancestors: 2}
	second := TRUCParent{TxID: wire.Hash{9}, WTxID: wire.Hash{0xe}, Version: 3, Ancestors: 1, Descendants: 1}
	const secondName = "tx 0000000000000000000000000000000000000000000000000000000000000009 (wtxid=" +
		"000000000000000000000000000000000000000000000000000000000000000e)"

	for _, c := range []struct {
		name  string
		munge func(*trucTrial)
		want  string // what follows TRUC-violation; TX is the transaction, PARENT and SECOND the parents
		evict wire.Hash
	}{
		{name: "pair", munge: func(*trucTrial) {}},
		{name: "alone, largest", munge: func(c *trucTrial) { c.parents, c.vsize = nil, 10_000 }},
		{
			name:  "alone, too large",
			munge: func(c *trucTrial) { c.parents, c.vsize = nil, 10_001 },
			want:  "version=3 TX is too big: 10001 > 10000 virtual bytes",
		},
		{
			name:  "child too large",
			munge: func(c *trucTrial) { c.vsize = 1_001 },
			want:  "version=3 child TX is too big: 1001 > 1000 virtual bytes",
		},
		{
			name:  "child too large for any",
			munge: func(c *trucTrial) { c.vsize = 10_001 },
			want:  "version=3 TX is too big: 10001 > 10000 virtual bytes",
		},
		{
			name:  "parent of version 2",
			munge: func(c *trucTrial) { c.parents[0].Version = 2 },
			want:  "version=3 TX cannot spend from non-version=3 PARENT",
		},
		{
			name:  "child of version 2",
			munge: func(c *trucTrial) { c.tx.Version = 2 },
			want:  "non-version=3 TX cannot spend from version=3 PARENT",
		},
		{
			name:  "version before size",
			munge: func(c *trucTrial) { c.parents[0].Version, c.vsize = 2, 10_001 },
			want:  "version=3 TX cannot spend from non-version=3 PARENT",
		},
		{
			name: "of two parents the first by txid",
			munge: func(c *trucTrial) {
				c.tx.Version = 2
				c.parents = append(c.parents, second)
			},
			want: "non-version=3 TX cannot spend from version=3 SECOND",
		},
		{
			name: "of two parents the one that differs",
			munge: func(c *trucTrial) {
				c.parents[0].Version = 1
				c.parents = append(c.parents, second)
			},
			want: "version=3 TX cannot spend from non-version=3 PARENT",
		},
		{
			name: "no TRUC around",
			munge: func(c *trucTrial) {
				c.tx.Version, c.parents[0].Version, c.vsize = 2, 2, 100_000
				c.parents[0].Ancestors = 20
				c.sibling(one)
				c.parents = append(c.parents, TRUCParent{Version: 1})
			},
		},
		{
			name:  "two parents",
			munge: func(c *trucTrial) { c.parents = append(c.parents, second) },
			want:  "TX would have too many ancestors",
		},
		{
			name:  "grandparent",
			munge: func(c *trucTrial) { c.parents[0].Ancestors = 2 },
			want:  "TX would have too many ancestors",
		},
		{
			name:  "ancestors before the size of a child",
			munge: func(c *trucTrial) { c.parents[0].Ancestors, c.vsize = 2, 1_001 },
			want:  "TX would have too many ancestors",
		},
		{
			name:  "sibling",
			munge: func(c *trucTrial) { c.sibling(one) },
			want:  "PARENT would exceed descendant count limit",
			evict: one.TxID,
		},
		{
			name: "size before sibling",
			munge: func(c *trucTrial) {
				c.vsize = 1_001
				c.sibling(one)
			},
			want: "version=3 child TX is too big: 1001 > 1000 virtual bytes",
		},
		{
			name:  "sibling that makes room",
			munge: func(c *trucTrial) { c.sibling(TRUCChild{TxID: wire.Hash{0xc}, Ancestors: 2, Conflicts: true}) },
		},
		{
			name:  "sibling with another parent",
			munge: func(c *trucTrial) { c.sibling(TRUCChild{TxID: wire.Hash{0xc}, Ancestors: 3}) },
			want:  "PARENT would exceed descendant count limit",
		},
		{
			name: "sibling with a child",
			munge: func(c *trucTrial) {
				c.sibling(one)
				c.parents[0].Descendants++
			},
			want: "PARENT would exceed descendant count limit",
		},
		{
			name:  "sibling that is not named",
			munge: func(c *trucTrial) { c.parents[0].Descendants = 2 },
			want:  "PARENT would exceed descendant count limit",
		},
		{
			name: "two siblings",
			munge: func(c *trucTrial) {
				c.sibling(one)
				c.sibling(TRUCChild{TxID: wire.Hash{0xd}, Ancestors: 2})
			},
			want: "PARENT would exceed descendant count limit",
		},
		{
			name: "two siblings of which one makes room",
			munge: func(c *trucTrial) {
				c.sibling(one)
				c.sibling(TRUCChild{TxID: wire.Hash{0xd}, Ancestors: 2, Conflicts: true})
			},
		},
	} {
		trial := trucPair()
		c.munge(trial)
		evict, err := CheckTRUC(trial.tx, trial.vsize, trial.parents)
		want := ""
		if c.want != "" {
			want = "TRUC-violation, " + strings.NewReplacer(
				"TX", fmt.Sprintf("tx %v (wtxid=%v)", trial.tx.TxID(), trial.tx.WTxID()),
				"PARENT", parentName,
				"SECOND", secondName,
			).Replace(c.want)
		}
		switch got := fmt.Sprint(err); {
		case want == "" && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case want != "" && got != want:
			t.Errorf("%s: %q, want %q", c.name, got, want)
		}
		if (evict != nil) != (c.evict != wire.Hash{}) || evict != nil && evict.TxID != c.evict {
			t.Errorf("%s: evict %v", c.name, evict)
		}
		if err != nil && reason(t, err) != "TRUC-violation" {
			t.Errorf("%s: reason %q", c.name, reason(t, err))
		}
	}
}
