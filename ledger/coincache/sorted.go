package coincache

import (
	"cmp"
	"encoding/binary"
	"iter"
	"slices"
)

// ref names an entry by the beginning of its key and its place.
type ref struct {
	prefix  uint64
	segment uint32
	slot    uint32
}

// DirtySorted is Dirty in the order of the first eight bytes of the transaction
// ids, which is that of the ids for all but chosen ones. It takes 16 bytes for
// each change while it runs. A database that is filled in order writes less.
func (c *Cache) DirtySorted() iter.Seq[*Entry] {
	return func(yield func(*Entry) bool) {
		refs := make([]ref, 0, c.n)
		for i := range c.segs {
			s := &c.segs[i]
			for j := range s.slots {
				if e := &s.slots[j]; e.flags&flagDirty != 0 {
					refs = append(refs, ref{binary.BigEndian.Uint64(e.key[:]), uint32(i), uint32(j)})
				}
			}
		}
		slices.SortFunc(refs, func(a, b ref) int { return cmp.Compare(a.prefix, b.prefix) })
		var out Entry
		for _, r := range refs {
			s := &c.segs[r.segment]
			if !yield(s.entry(&s.slots[r.slot], &out)) {
				return
			}
		}
	}
}

// entry fills out in from a dirty slot.
func (s *segment) entry(e *slot, out *Entry) *Entry {
	*out = Entry{
		OutPoint: e.outPoint(),
		Spent:    e.flags&flagSpent != 0,
		Fresh:    e.flags&flagFresh != 0,
	}
	if !out.Spent {
		e.load(&out.Coin)
		out.Coin.Out.PkScript = s.script(e)
	}
	return out
}
