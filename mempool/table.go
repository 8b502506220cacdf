package mempool

import "hash/maphash"

// table finds entries by a key that stands in their bytes: it holds no keys of
// its own, which for transactions of 200 bytes would be a third of the pool's
// memory. It is a hash table with open addressing and linear probing; the hash
// is seeded, so that nobody can choose ids that collide.
type table struct {
	seed  maphash.Seed
	key   func(e *entry, at uint32) []byte // the key of a slot
	slots []slot                           // a power of two of them, or none
	used  int
}

// slot is a place of a table.
type slot struct {
	entry *entry // nil: the place is empty
	at    uint32 // which of the entry's keys it is
	tag   uint32 // half of the key's hash, the place being in the low bits
}

// slotBytes is what one key takes: a slot, and the share of empty ones.
const slotBytes = 16 * 10 / 6

func newTable(key func(e *entry, at uint32) []byte) table {
	return table{seed: maphash.MakeSeed(), key: key}
}

func (t *table) tag(key []byte) uint32 { return uint32(maphash.Bytes(t.seed, key)) }

// find returns the place of a key, or that of the empty slot where it belongs.
func (t *table) find(key []byte, tag uint32) (at int, found bool) {
	mask := len(t.slots) - 1
	for i := int(tag) & mask; ; i = (i + 1) & mask {
		s := &t.slots[i]
		if s.entry == nil {
			return i, false
		}
		if s.tag == tag && string(t.key(s.entry, s.at)) == string(key) {
			return i, true
		}
	}
}

// get returns the entry with a key, nil if there is none.
func (t *table) get(key []byte) *entry {
	if t.used == 0 {
		return nil
	}
	i, _ := t.find(key, t.tag(key))
	return t.slots[i].entry
}

// put adds a key that is not there.
func (t *table) put(e *entry, at uint32) {
	if (t.used+1)*4 > len(t.slots)*3 {
		t.resize(max(16, 2*len(t.slots)))
	}
	key := t.key(e, at)
	tag := t.tag(key)
	i, found := t.find(key, tag)
	if found {
		panic("mempool: a key is in a table twice")
	}
	t.slots[i] = slot{e, at, tag}
	t.used++
}

// remove takes out a key of e that is there. It is told from others by e and
// at, so that nothing needs to be read but the table.
func (t *table) remove(key []byte, e *entry, at uint32) {
	mask := len(t.slots) - 1
	i := int(t.tag(key)) & mask
	for t.slots[i].entry != e || t.slots[i].at != at {
		if t.slots[i].entry == nil {
			panic("mempool: a key is missing from a table")
		}
		i = (i + 1) & mask
	}
	t.used--
	if len(t.slots) > 64 && t.used*8 < len(t.slots) {
		t.slots[i] = slot{}
		t.resize(len(t.slots) / 4)
		return
	}
	// What follows in the run moves up, so that no search ends too early.
	for j := i; ; {
		j = (j + 1) & mask
		s := t.slots[j]
		if s.entry == nil {
			break
		}
		if home := int(s.tag) & mask; (j-home)&mask >= (j-i)&mask {
			t.slots[i] = s
			i = j
		}
	}
	t.slots[i] = slot{}
}

// resize moves everything to n slots.
func (t *table) resize(n int) {
	old := t.slots
	t.slots = make([]slot, n)
	mask := n - 1
	for _, s := range old {
		if s.entry == nil {
			continue
		}
		i := int(s.tag) & mask
		for t.slots[i].entry != nil {
			i = (i + 1) & mask
		}
		t.slots[i] = s
	}
}
