package coincache

import (
	"encoding/binary"
	"math"
	"unsafe"

	"github.com/keelson-chain/keelson/consensus"
	"github.com/keelson-chain/keelson/wire"
)

const (
	keySize      = wire.HashSize + 4
	segments     = 256
	segmentShift = 64 - 8

	// Scripts up to this length lie in the slot; P2TR and P2WSH have 34 bytes.
	inlineScript = 34
	longScript   = 255 // slot.size of a longer one

	minSlots  = 16
	slotBytes = int64(unsafe.Sizeof(slot{})) + 1 // with its tag
)

const (
	flagUsed uint8 = 1 << iota
	flagDirty
	flagFresh
	flagSpent
	flagCoinbase
)

// slot is one entry, in 88 bytes without a pointer.
type slot struct {
	value  int64
	height uint32
	mtp    uint32
	key    [keySize]byte
	flags  uint8 // 0: empty
	size   uint8 // of the script, or longScript
	// script, or where it lies in the arena: offset and length.
	script [inlineScript]byte
}

// segment is an open-addressed table with linear probing. A tag repeats eight
// bits of each entry's hash, so that a probe rarely looks at a slot for
// nothing. An entry is removed by moving later ones up: there are no tombstones.
type segment struct {
	tags    []uint8 // 0: empty
	slots   []slot
	n       int    // entries
	arena   []byte // of long scripts
	garbage int    // bytes of arena that nobody uses
}

func tagOf(h uint64) uint8 { return max(uint8(h), 1) }

// home is the first slot that a hash may take. It uses the 32 bits below those
// that choose the segment.
func (s *segment) home(h uint64) int {
	return int(uint64(uint32(h>>(segmentShift-32))) * uint64(len(s.slots)) >> 32)
}

func (s *segment) find(h uint64, key *[keySize]byte) int {
	if s.n == 0 {
		return -1
	}
	tag := tagOf(h)
	for i := s.home(h); ; {
		switch s.tags[i] {
		case 0:
			return -1
		case tag:
			if s.slots[i].key == *key {
				return i
			}
		}
		if i++; i == len(s.tags) {
			i = 0
		}
	}
}

// place takes the slot for a key that is not in the segment.
func (s *segment) place(h uint64) *slot {
	i := s.home(h)
	for s.tags[i] != 0 {
		if i++; i == len(s.tags) {
			i = 0
		}
	}
	s.tags[i] = tagOf(h)
	s.n++
	return &s.slots[i]
}

// crowded reports whether one more entry would make probes long.
func crowded(entries, slots int) bool { return (entries+1)*32 > slots*27 }

// slotsFor returns how many slots the segment at index gets for so many entries.
// Sizes grow by half, from a start that differs from segment to segment so that
// they do not all grow at the same time.
func slotsFor(index, entries int) int {
	slots := int(minSlots * math.Pow(1.5, float64(index)/segments))
	for crowded(entries, slots) {
		slots += slots / 2
	}
	return slots
}

func (c *Cache) insert(h uint64, key *[keySize]byte, coin *consensus.Coin, flags uint8) {
	s := c.segment(h)
	if crowded(s.n, len(s.slots)) {
		c.rebuild(s, slotsFor(int(h>>segmentShift), s.n), func(*slot) bool { return true })
	}
	e := s.place(h)
	c.n++
	e.key = *key
	if coin == nil {
		e.flags = flags
		return
	}
	c.coins++
	c.store(s, e, coin, flags)
}

// store fills in all of a slot but its key. The script that it had is dropped.
func (c *Cache) store(s *segment, e *slot, coin *consensus.Coin, flags uint8) {
	s.dropScript(e)
	e.flags = flags | flagUsed
	if coin.Coinbase {
		e.flags |= flagCoinbase
	}
	e.value = int64(coin.Out.Value)
	e.height, e.mtp = coin.Height, coin.MTP
	script := coin.Out.PkScript
	if len(script) <= inlineScript {
		e.size = uint8(len(script))
		copy(e.script[:], script)
		return
	}
	before := cap(s.arena)
	s.appendScript(e, script)
	c.bytes += int64(cap(s.arena) - before)
}

func (e *slot) load(coin *consensus.Coin) {
	coin.Out.Value = wire.Amount(e.value)
	coin.Height, coin.MTP = e.height, e.mtp
	coin.Coinbase = e.flags&flagCoinbase != 0
}

func (e *slot) outPoint() wire.OutPoint {
	return wire.OutPoint{
		TxID:  wire.Hash(e.key[:wire.HashSize]),
		Index: binary.LittleEndian.Uint32(e.key[wire.HashSize:]),
	}
}

// script returns the script of an unspent entry, in the segment's memory.
func (s *segment) script(e *slot) []byte {
	if e.size != longScript {
		return e.script[:e.size]
	}
	off, n := e.longScript()
	return s.arena[off : off+n]
}

func (e *slot) longScript() (off, n int) {
	return int(binary.LittleEndian.Uint32(e.script[:])), int(binary.LittleEndian.Uint32(e.script[4:]))
}

func (s *segment) dropScript(e *slot) {
	if e.size == longScript {
		_, n := e.longScript()
		s.garbage += n
	}
	e.size = 0
}

// appendScript puts a long script into the arena.
func (s *segment) appendScript(e *slot, script []byte) {
	if len(s.arena)+len(script) > cap(s.arena) {
		s.compact(len(script))
	}
	e.size = longScript
	binary.LittleEndian.PutUint32(e.script[:], uint32(len(s.arena)))
	binary.LittleEndian.PutUint32(e.script[4:], uint32(len(script)))
	s.arena = append(s.arena, script...)
}

// compact moves the scripts into a new arena without garbage that has room for
// more bytes, and a quarter for those that will come.
func (s *segment) compact(more int) {
	arena := make([]byte, 0, (len(s.arena)-s.garbage+more)*5/4)
	for i := range s.slots {
		if e := &s.slots[i]; e.size == longScript {
			off, n := e.longScript()
			binary.LittleEndian.PutUint32(e.script[:], uint32(len(arena)))
			arena = append(arena, s.arena[off:off+n]...)
		}
	}
	s.arena, s.garbage = arena, 0
}

// remove empties a slot and moves up the entries behind it that probe past it.
func (c *Cache) remove(s *segment, i int) {
	n := len(s.slots)
	for j := i; ; {
		if j++; j == n {
			j = 0
		}
		if s.tags[j] == 0 {
			break
		}
		// The entry at j may move to i unless its home lies in (i, j], around
		// the end.
		home := s.home(c.hash(&s.slots[j].key))
		if i < j && (home <= i || home > j) || i > j && (home <= i && home > j) {
			s.tags[i], s.slots[i] = s.tags[j], s.slots[j]
			i = j
		}
	}
	s.tags[i], s.slots[i] = 0, slot{}
	s.n--
	c.n--
}

// rebuild moves the entries that keep chooses into a new table of so many
// slots.
func (c *Cache) rebuild(s *segment, slots int, keep func(*slot) bool) {
	old := *s
	*s = segment{tags: make([]uint8, slots), slots: make([]slot, slots), arena: old.arena, garbage: old.garbage}
	for i := range old.slots {
		e := &old.slots[i]
		if e.flags == 0 {
			continue
		}
		if !keep(e) {
			s.dropScript(e)
			continue
		}
		*s.place(c.hash(&e.key)) = *e
	}
	c.n += s.n - old.n
	c.bytes += slotBytes * int64(slots-len(old.slots))
}

// clean makes the entries of a segment clean and drops spent ones and those
// below a height.
func (c *Cache) clean(s *segment, index int, oldest uint32) {
	kept := 0
	for i := range s.slots {
		e := &s.slots[i]
		if e.flags == 0 {
			continue
		}
		if e.flags&flagSpent == 0 && e.height >= oldest {
			e.flags &^= flagDirty | flagFresh
			kept++
			continue
		}
		if e.flags&flagSpent == 0 {
			c.coins--
		}
		e.flags |= flagSpent // for the choice below
	}
	if kept == s.n {
		return
	}
	slots := 0
	if kept > 0 {
		slots = slotsFor(index, kept)
	}
	c.rebuild(s, slots, func(e *slot) bool { return e.flags&flagSpent == 0 })
	// The arena without garbage.
	before := cap(s.arena)
	if kept == 0 {
		s.arena, s.garbage = nil, 0
	} else if s.garbage > 0 {
		s.compact(0)
	}
	c.bytes += int64(cap(s.arena) - before)
}
